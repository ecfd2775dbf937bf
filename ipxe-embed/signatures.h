#ifndef PROGRAM_SIGNATURES_H
#define PROGRAM_SIGNATURES_H
/**
 * @file
 * Many signatures at once: which of a tree hold, and making the others, on all
 * processors. What was verified once is remembered (verified.h); what was made
 * is kept even if the run ends early (spool.h).
 */
#include "signer.h"
#include "signing.h"

struct tree;
struct verified;

/** All borrowed. */
struct signatures {
	const struct call *call;
	const struct cms_policy *policy;
	/** NULL: there is no key, so any signer of the right name will do */
	const struct signer *signer;
	struct tree *tree;         /**< NULL: there is a request only */
	struct verified *verified; /**< NULL if @p tree is */
	const char *unfinished;    /**< for spool_open() */
	unsigned jobs;             /**< at once; 0: one for each processor */
};

/**
 * Look which items have a good signature in the tree, as iPXE would verify it:
 * their `held` is set. One by another certificate than the signer's is none.
 */
void signatures_find(const struct signatures *signatures,
		     struct signing_items *items);

/** What signatures_make() has done. */
struct signatures_made {
	size_t count; /**< of items that got a signature */
	size_t found; /**< of them from a run that ended early */
};

/**
 * Sign every item that is not held: its `signature` is filled in. Each is read
 * back and verified as iPXE would before it counts. A key in a token makes one
 * at a time.
 *
 * @param ret_made	set on success
 */
enum status signatures_make(const struct signatures *signatures,
			    struct signing_items *items,
			    struct signatures_made *ret_made);

/**
 * Verify signatures that came from elsewhere: those that are good are noted.
 *
 * @param items	with signatures
 * @param report	called for each that is not good, in order of @p items
 * @return whether all are good
 */
bool signatures_check(const struct signatures *signatures,
		      const struct signing_items *items,
		      void (*report)(void *ctx, const struct signing_item *item,
				     const char *why),
		      void *ctx);

/** Put into the tree: signatures that were made, and those that are held. */
void signatures_put(const struct signatures *signatures,
		    const struct signing_items *items);

#endif
