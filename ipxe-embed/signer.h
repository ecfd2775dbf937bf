#ifndef PROGRAM_SIGNER_H
#define PROGRAM_SIGNER_H
/**
 * @file
 * The code signer: key and certificate from files, held against what a site
 * demands before anything is signed. Signing itself: signatures.h.
 */
#include "certificate.h"
#include "cli.h"
#include "cms.h"
#include "key.h"

/** Files, as the options of `build` and `sign` name them. */
struct signer_files {
	const char *key;
	const char *certificate; /**< its own first; more may follow */
	const char *chain;       /**< intermediates; NULL if there are none */
	const char *root;        /**< NULL if it comes along or is known */
	const char *passphrase;  /**< NULL: ask, if there is one */
};

/** Zero-initialise before first use. */
struct signer {
	struct key key;
	struct certificate certificate;
	/** What came along: intermediates, roots */
	struct certificates others;
	const char *certificate_path; /**< for messages; borrowed */
};

void signer_release(struct signer *signer);

/** Read everything, and check that key and certificate belong together. */
enum status signer_load(const struct call *call,
			const struct signer_files *files,
			struct signer *ret_signer);

/**
 * Hold a signer against what machines of a site will ask: right name, right
 * usages, in time, leading to a root of the site. Every fault is reported; one
 * that ends soon is warned of.
 *
 * @param policy	roots and name of the site
 */
enum status signer_check(const struct call *call, const struct signer *signer,
			 const struct cms_policy *policy);

#endif
