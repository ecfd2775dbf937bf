#ifndef COMPILER_RESOLVE_H
#define COMPILER_RESOLVE_H
/**
 * @file
 * doc -> site: keys known, values parsed, names turned into pointers.
 */
#include "compile.h"
#include "ir.h"

/**
 * @param path	of the site file, for the directory that paths start from
 * @return NULL if the document is so wrong that nothing can be said about the
 *	rest; otherwise the site, which may be incomplete when @p ds has errors
 */
const struct site *resolve(struct arena *arena, const struct doc *doc,
			   const char *path, const struct compile_env *env,
			   struct diags *ds);

/** The word of a boot order for a step; "profile" for STEP_PROFILE. */
const char *step_word(enum step_kind kind);

/** "embedded", "remote" or "both". */
const char *dispatch_word(enum dispatch dispatch);

/**
 * The ways to verify, one after the other.
 *
 * @param verify	of struct site
 * @param from	0 at first, then what was returned before
 * @param ret_word	"signature"
 * @return 0 at the end
 */
unsigned verify_next(unsigned verify, unsigned from, const char **ret_word);

/** Whether a word means something in boot orders, so no profile has it. */
bool step_word_taken(struct text word);

/** Whether the boot order cannot go on behind such a step. */
bool step_is_final(enum step_kind kind);

/**
 * Whether nothing behind a step is ever tried.
 *
 * @param in_menu	it stands in an item of a menu, where another menu does
 *	not come back
 */
bool step_ends_order(const struct step *step, bool in_menu);

#endif
