#ifndef CERTS_CMS_H
#define CERTS_CMS_H
/**
 * @file
 * Detached signatures as iPXE's imgverify takes them: CMS SignedData (RFC
 * 5652) in DER, over SHA-256, without signed attributes.
 */
#include "judge.h"

struct digest;

/** Who signs. All borrowed. */
struct cms_signer {
	const struct certificate *certificate;
	const struct key *key;
	/** To be enclosed, so that iPXE finds the way to the root: that root
	 * and everything between; may hold the signer's own, too */
	const struct certificates *chain;
};

/**
 * Sign content of which only the digest is known.
 *
 * With an RSA key the same digest gives the same bytes. Safe to call from
 * several threads at once with the same signer.
 *
 * @param ret_der	added to on success
 * @return 0 or -EIO when libcrypto fails
 */
int cms_sign(const struct cms_signer *signer, const struct digest *digest,
	     struct sbuf *ret_der);

/** What a signature is held against. All borrowed. */
struct cms_policy {
	const struct certificates *roots;
	/** Common name as for imgverify --signer; NULL: any */
	const char *signer;
	time_t now;
};

/** What there is to know of a signature that is good. */
struct cms_verdict {
	/** certificate_fingerprint() of whose signature it is: the first
	 * one's, if several */
	unsigned char signer[32];
	/** Good at all times between these, both included: so long everybody
	 * on the ways from the signers to their roots is valid */
	time_t from, until;
};

/**
 * Verify a signature as iPXE does: every signer that has the wanted name must
 * verify, and there must be one; its certificate is for code, leads to a root
 * (certificate_validate()) and is enclosed.
 *
 * It is stricter than iPXE in two things: all signatures are over SHA-256,
 * which is the only digest at hand, and RSA is PKCS #1 v1.5.
 *
 * Safe to call from several threads at once with the same policy.
 *
 * @param ret_verdict	filled in on success, if not NULL
 * @param why	gets what is wrong: a sentence without its full stop
 * @return 0 or -EBADMSG
 */
int cms_verify(const void *der, size_t len, const struct digest *digest,
	       const struct cms_policy *policy, struct cms_verdict *ret_verdict,
	       struct sbuf *why);

#endif
