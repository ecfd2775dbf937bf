#ifndef CERTS_ISSUE_H
#define CERTS_ISSUE_H
/**
 * @file
 * Making certificates that iPXE takes.
 */
#include "judge.h"

/** What a new certificate is to say. */
struct issue_request {
	enum certificate_role role;
	/** See issue_name_refusal(); for servers it may be any first host */
	const char *common_name;
	/** Host names and addresses; see issue_host_refusal(); servers only */
	const char *const *hosts;
	size_t host_count;
	time_t not_before, not_after;
};

/** Who signs a new certificate. */
struct issuer {
	const struct certificate *certificate;
	const struct key *key;
};

/**
 * Make a certificate.
 *
 * Roots are CAs without a path length; leaves are no CAs, with one purpose;
 * certificates for firmware are no CAs and sign themselves.
 * Nothing is critical that iPXE does not know, and there is no OCSP address,
 * which iPXE would insist on asking.
 *
 * @param key	that it is for
 * @param issuer	NULL for a certificate that signs itself
 * @return 0 or -EIO
 */
int certificate_issue(const struct issue_request *request,
		      const struct key *key, const struct issuer *issuer,
		      struct certificate *ret_certificate);

/**
 * Why a text cannot be the common name of a signer, which becomes one word of
 * the boot script.
 *
 * @return NULL if it can; else a sentence part to follow "it "
 */
const char *issue_name_refusal(const char *name);

/** The same for a host: a DNS name, also "*.example", or an IP address. */
const char *issue_host_refusal(const char *host);

#endif
