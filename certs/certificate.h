#ifndef CERTS_CERTIFICATE_H
#define CERTS_CERTIFICATE_H
/**
 * @file
 * X.509 certificates: reading them, and what they say.
 */
#include "cleanup.h"
#include "key.h"

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

struct sbuf;

/** Zero-initialise before first use. */
struct certificate {
	void *x509; /**< X509; NULL: there is none */
};

void certificate_release(struct certificate *certificate);

/** Certificates in the order of their file. Zero-initialise before first use. */
struct certificates {
	struct certificate *at;
	size_t count, room;
};

void certificates_release(struct certificates *certificates);

/** Add one more reference to a certificate. */
void certificates_add(struct certificates *certificates,
		      const struct certificate *certificate);

/**
 * Add all certificates of a PEM file; what else is in it is passed over.
 *
 * @param why	gets what is wrong, to follow the name of the file and ": "
 * @return 0; -ENOENT if there is none inside; -EBADMSG if one is damaged.
 *	   Nothing is added on failure
 */
int certificates_parse(struct certificates *certificates, const void *pem,
		       size_t len, struct sbuf *why);

bool certificates_have(const struct certificates *certificates,
		       const struct certificate *certificate);

bool certificate_equal(const struct certificate *a,
		       const struct certificate *b);

/** SHA-256 of the DER encoding: what iPXE pins. */
void certificate_fingerprint(const struct certificate *certificate,
			     unsigned char ret_sha256[static 32]);

/** SHA-256 of the subject as it is encoded: iPXE compares names by bytes. */
void certificate_subject_digest(const struct certificate *certificate,
				unsigned char ret_sha256[static 32]);

/** The certificate in PEM, added to @p out. */
void certificate_write(const struct certificate *certificate, struct sbuf *out);

/** The same in DER. @return 0 or -EIO */
int certificate_write_der(const struct certificate *certificate,
			  struct sbuf *out);

/* In UTC. INT64_MIN and INT64_MAX for dates that cannot be read. */
time_t certificate_not_before(const struct certificate *certificate);
time_t certificate_not_after(const struct certificate *certificate);

/* For people, in one line without control characters, added to `out`. */

/** "CN=ipxe-embed-signer, O=Example" */
void certificate_subject(const struct certificate *certificate,
			 struct sbuf *out);
void certificate_issuer(const struct certificate *certificate,
			struct sbuf *out);
/** "DNS boot.lab.example, IP 192.0.2.1"; nothing when there are none */
void certificate_names(const struct certificate *certificate, struct sbuf *out);
/** "CA, keyCertSign, cRLSign"; nothing when none is stated */
void certificate_usages(const struct certificate *certificate,
			struct sbuf *out);
/** "RSA, 3072 bits" */
void certificate_key(const struct certificate *certificate, struct sbuf *out);

/**
 * Whether iPXE finds a name in it: as the common name or as a DNS name, whatever
 * the case, with "*." for one label (crypto/x509.c, x509_check_name()).
 */
bool certificate_is_named(const struct certificate *certificate,
			  const char *name);

/** One more reference to @p from, in place of what was in @p into. */
void certificate_copy(struct certificate *into, const struct certificate *from);

/** Whether it certifies this very key. */
bool certificate_has_key(const struct certificate *certificate,
			 const struct key *key);

/**
 * Find the way from a certificate to a root as iPXE does: by the bytes of the
 * names, first in what came along, then among the roots; the first trusted
 * certificate on the way ends it. Every certificate on it must be valid now,
 * give or take 12.5 hours, and every issuer a CA.
 *
 * iPXE: crypto/x509.c, x509_validate_chain().
 *
 * @param others	that came along, may hold the first one too
 * @param now	seconds since 1970
 * @param why	gets what is wrong: a sentence without its full stop
 * @return 0 or -EBADMSG
 */
int certificate_validate(const struct certificate *certificate,
			 const struct certificates *others,
			 const struct certificates *roots, time_t now,
			 struct sbuf *why);

/**
 * The issuers on that way, up to the trusted one; all that were found if there
 * is none. Nothing is checked.
 *
 * @param ret_path	added to
 */
void certificate_path(const struct certificate *certificate,
		      const struct certificates *others,
		      const struct certificates *roots,
		      struct certificates *ret_path);

#endif
