#ifndef CERTS_CERT_H
#define CERTS_CERT_H
/**
 * @file
 * Certificates, and what iPXE thinks of them.
 *
 * iPXE has its own, small reader of X.509. It refuses things that every other
 * program takes, and says so with six hex digits on the screen of a machine
 * that does not boot; cert_judge() says it before.
 *
 * @see RFC 5280; iPXE 2.0.0, src/crypto/x509.c
 */
#include "cleanup.h"
#include "compile.h"

#include <time.h>

struct sbuf;
struct x509_st;

struct cert {
	struct x509_st *x509;
};

/** In the order of their files. Zero-initialise before first use. */
struct certs {
	struct cert *at;
	size_t count, room;
};

/** A clock may be wrong by this for iPXE; TIMESTAMP_ERROR_MARGIN there. */
enum { CERT_CLOCK_MARGIN_S = (12 * 60 + 30) * 60 };

/** Warn this long before the end of a certificate. */
enum { CERT_SOON_S = 30 * 24 * 3600 };

void certs_release(struct certs *certs);

/** Append a certificate; takes a reference of its own. */
void certs_add(struct certs *certs, struct cert cert);

/** Append all of @p from. */
void certs_add_all(struct certs *certs, const struct certs *from);

/**
 * Append all certificates of a PEM file; text around them is passed over.
 *
 * @return 0; -ENOENT if there is none; -EKEYREJECTED if there is a private key;
 *	   -EBADMSG if a certificate, the one after the last appended, is
 *	   damaged or has OpenSSL's own form, TRUSTED CERTIFICATE
 */
int certs_parse(struct certs *certs, const void *bytes, size_t len);

/** The certificate as PEM, with nothing around it; added to @p out. */
void cert_write_pem(struct cert cert, struct sbuf *out);

/** What a certificate is wanted for. */
enum cert_role {
	CERT_ROOT,
	CERT_INTERMEDIATE,
	CERT_SERVER,
	CERT_SIGNER,
};

enum cert_fault {
	CERT_DAMAGED, /**< parts of it make no sense */
	CERT_EXPIRED,
	CERT_NOT_YET,
	CERT_EXPIRES_SOON, /**< the only one that is no error */
	CERT_NO_CA,        /**< may not issue certificates */
	CERT_KEY_UNSUPPORTED,
	CERT_KEY_WEAK,
	CERT_SIGNATURE_UNSUPPORTED, /**< the one on the certificate */
	CERT_EXTENSION_UNKNOWN,     /**< a critical one */
	CERT_NO_NAME,               /**< server that has no name */
	CERT_NO_DIGITAL_SIGNATURE,
	CERT_NO_CODE_SIGNING,
	CERT_FAULTS,
};

struct cert_finding {
	enum cert_fault fault;
	char text[320]; /**< follows "the certificate ": "expired on …" */
};

/** Each fault at most once. */
struct cert_findings {
	struct cert_finding at[CERT_FAULTS];
	size_t count;
};

/**
 * Everything that keeps iPXE, as we configure it, from taking a certificate.
 *
 * Stricter than iPXE in time only: what ends within its margin has ended.
 *
 * @param ret_findings	filled from zero; nothing means that it is good
 */
void cert_judge(struct cert cert, enum cert_role role, time_t now,
		struct cert_findings *ret_findings);

/** The first finding that is an error; NULL if there is none. */
const struct cert_finding *
cert_first_error(const struct cert_findings *findings);

/** Subject, as "O=lab, CN=boot.lab.example"; control characters escaped. */
void cert_subject(struct cert cert, struct sbuf *out);
void cert_issuer(struct cert cert, struct sbuf *out);

/** Alternative names, as "DNS:boot.lab.example, IP:10.0.0.1"; may be none. */
void cert_names(struct cert cert, struct sbuf *out);

/** Usages, as "digitalSignature, codeSigning"; may be none. */
void cert_usages(struct cert cert, struct sbuf *out);

/** Kind and size of the key, as "RSA 3072" or "ECDSA P-256". */
void cert_key_kind(struct cert cert, struct sbuf *out);

/** @return false if the times in it make no sense */
bool cert_validity(struct cert cert, time_t *ret_from, time_t *ret_until);

/** SHA-256 of the DER: what iPXE compares with its list of roots. */
void cert_fingerprint(struct cert cert, struct digest *ret_digest);

bool cert_equal(struct cert a, struct cert b);

/** SHA-256 of the subject's DER: iPXE compares names byte by byte. */
void cert_subject_digest(struct cert cert, struct digest *ret_digest);

/** Whether @p cert says that @p issuer issued it, compared in the same way. */
bool cert_names_issuer(struct cert cert, struct cert issuer);

/**
 * Whether iPXE takes the certificate for one of this name: its common name or
 * an alternative DNS name is @p name, in any case; a leading `*.` stands for one
 * label.
 */
bool cert_has_name(struct cert cert, const char *name);

/** "2031-05-06 07:08 UTC" */
void cert_format_time(time_t when, char ret_text[static 32]);

#endif
