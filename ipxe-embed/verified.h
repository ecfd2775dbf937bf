#ifndef PROGRAM_VERIFIED_H
#define PROGRAM_VERIFIED_H
/**
 * @file
 * Which signatures of a tree were verified already, so that a build of 100,000
 * nodes does not verify 100,000 signatures to find one that is missing.
 *
 * An entry says: the signature with this SHA-256 is a good one of the content
 * with that SHA-256, by that certificate. It counts under the very same roots
 * and name of the signer only, and as long as everybody between the signer and
 * its root is valid.
 *
 * It is an optimisation and nothing else, as statcache.h is: damaged, it counts
 * as empty, and what is wrong in it lets no machine boot anything, since every
 * machine verifies for itself; it would leave a bad signature in the tree, until
 * `ipxe-embed verify`, which knows nothing of it, or --recheck.
 */
#include "cms.h"

#include <stdbool.h>

struct verified;

/**
 * @param file	absolute; NULL: nothing is kept
 * @param policy	borrowed
 * @return never NULL
 */
struct verified *verified_open(const char *file,
			       const struct cms_policy *policy);

/** Write back what was used or noted in this run, atomically. */
void verified_save(struct verified *verified);

/** Accepts NULL. */
void verified_free(struct verified *verified);

/** From now on, know nothing that was not noted in this run. */
void verified_doubt(struct verified *verified);

/**
 * Whether a signature is known to be good.
 *
 * @param by	fingerprint of the certificate that it must be by, 32 bytes; NULL: any
 */
bool verified_has(struct verified *verified, const struct digest *content,
		  const struct digest *signature, const unsigned char *by);

/** Note that it was found to be. */
void verified_note(struct verified *verified, const struct digest *content,
		   const struct digest *signature,
		   const struct cms_verdict *verdict);

#endif
