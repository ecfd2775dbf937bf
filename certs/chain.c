#include "certificate.h"

#include "arena.h"
#include "judge.h"
#include "openssl_glue.h"
#include "sbuf.h"

#include <errno.h>
#include <limits.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

/** From the certificate in question up; borrowed. */
struct chain {
	const struct certificate **links;
	size_t count;
};

/* iPXE compares the encodings, not what they mean. */
static bool issued(const struct certificate *issuer,
		   const struct certificate *certificate)
{
	const unsigned char *subject, *wanted;
	size_t subject_len, wanted_len;

	return X509_NAME_get0_der(X509_get_subject_name(issuer->x509), &subject,
				  &subject_len) == 1 &&
	       X509_NAME_get0_der(X509_get_issuer_name(certificate->x509),
				  &wanted, &wanted_len) == 1 &&
	       subject_len == wanted_len &&
	       memcmp(subject, wanted, wanted_len) == 0;
}

static const struct certificate *
find_issuer(const struct certificate *certificate,
	    const struct certificates *among)
{
	for (size_t i = 0; i < among->count; i++)
		if (issued(&among->at[i], certificate))
			return &among->at[i];
	return NULL;
}

/* iPXE goes on past a trusted root, and stops where nobody is found or where a
 * certificate has issued itself. A circle of certificates would keep it going
 * until its memory is full; `most` stops us. */
static void extend(struct chain *chain, const struct certificates *among,
		   size_t most)
{
	while (chain->count < most) {
		const struct certificate *last = chain->links[chain->count - 1];
		const struct certificate *issuer = find_issuer(last, among);

		if (!issuer || certificate_equal(issuer, last))
			return;
		chain->links[chain->count++] = issuer;
	}
}

static void blame(const struct certificate *certificate, const char *what,
		  struct sbuf *why)
{
	certificate_subject(certificate, why);
	sbuf_puts(why, what);
}

static int check_time(const struct certificate *certificate, time_t now,
		      struct sbuf *why)
{
	if (certificate_not_before(certificate) > now + CLOCK_MARGIN_S) {
		blame(certificate, " is not valid yet", why);
		return -EBADMSG;
	}
	if (certificate_not_after(certificate) < now - CLOCK_MARGIN_S) {
		blame(certificate, " has expired", why);
		return -EBADMSG;
	}
	return 0;
}

/** How many certificates may follow, and one more; as iPXE counts. */
static unsigned path_remaining(const struct certificate *certificate)
{
	long most = X509_get_pathlen(certificate->x509);

	if (!(X509_get_extension_flags(certificate->x509) & EXFLAG_CA))
		return 1;
	return most < 0 || most > INT_MAX ? UINT_MAX : (unsigned)most + 1;
}

static int check_issuer(const struct certificate *certificate,
			const struct certificate *issuer, struct sbuf *why)
{
	X509 *ca = issuer->x509;

	if (!(X509_get_extension_flags(ca) & EXFLAG_CA)) {
		blame(issuer, " is not a CA but has issued ", why);
		certificate_subject(certificate, why);
		return -EBADMSG;
	}
	if (!(X509_get_key_usage(ca) & KU_KEY_CERT_SIGN)) {
		blame(issuer, " lacks the key usage keyCertSign", why);
		return -EBADMSG;
	}
	if (X509_verify(certificate->x509, X509_get0_pubkey(ca)) != 1) {
		ERR_clear_error();
		blame(certificate, " was not signed by the key of ", why);
		certificate_subject(issuer, why);
		return -EBADMSG;
	}
	return 0;
}

/** From a trusted link down to the first. */
static int check_below(const struct chain *chain, size_t trusted, time_t now,
		       struct sbuf *why)
{
	unsigned remaining = path_remaining(chain->links[trusted]);
	int rc = 0;

	for (size_t i = trusted; rc == 0 && i-- > 0;) {
		const struct certificate *link = chain->links[i];
		unsigned own = path_remaining(link);

		rc = check_time(link, now, why);
		if (rc == 0)
			rc = check_issuer(link, chain->links[i + 1], why);
		if (rc == 0 && remaining == 0) {
			blame(link,
			      " is one certificate too many for the path "
			      "length of its issuers",
			      why);
			rc = -EBADMSG;
		}
		remaining = own < remaining - 1 ? own : remaining - 1;
	}
	return rc;
}

static int check_chain(const struct chain *chain,
		       const struct certificates *roots, time_t now,
		       struct sbuf *why)
{
	const struct certificate *last = chain->links[chain->count - 1];

	for (size_t i = 0; i < chain->count; i++) {
		struct sbuf ignored = { 0 };
		int rc = check_time(chain->links[i], now, &ignored);

		sbuf_release(&ignored);
		if (rc == 0 && certificates_have(roots, chain->links[i]))
			return check_below(chain, i, now, why);
	}
	/* An expired root is more to the point than "leads to no root". */
	for (size_t i = 0; i < chain->count; i++)
		if (certificates_have(roots, chain->links[i]))
			return check_time(chain->links[i], now, why);
	blame(chain->links[0],
	      " leads to no root that is trusted; the last "
	      "certificate that was found is issued by ",
	      why);
	certificate_issuer(last, why);
	return -EBADMSG;
}

/** Everybody that iPXE would find; its links are to be freed. */
static struct chain find_chain(const struct certificate *certificate,
			       const struct certificates *others,
			       const struct certificates *roots)
{
	/* A way without a circle visits nobody twice. */
	size_t most = 1 + others->count + roots->count;
	struct chain chain = {
		.links = xrealloc(NULL,
				  size_product(most, sizeof(*chain.links))),
		.count = 1,
	};

	chain.links[0] = certificate;
	extend(&chain, others, most);
	extend(&chain, roots, most);
	return chain;
}

int certificate_validate(const struct certificate *certificate,
			 const struct certificates *others,
			 const struct certificates *roots, time_t now,
			 struct sbuf *why)
{
	struct chain chain = find_chain(certificate, others, roots);
	int rc = check_chain(&chain, roots, now, why);

	free(chain.links);
	return rc;
}

void certificate_path(const struct certificate *certificate,
		      const struct certificates *others,
		      const struct certificates *roots,
		      struct certificates *ret_path)
{
	struct chain chain = find_chain(certificate, others, roots);

	for (size_t i = 0; i < chain.count; i++) {
		if (i > 0)
			certificates_add(ret_path, chain.links[i]);
		if (certificates_have(roots, chain.links[i]))
			break;
	}
	free(chain.links);
}
