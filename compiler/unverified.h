#ifndef COMPILER_UNVERIFIED_H
#define COMPILER_UNVERIFIED_H
/**
 * @file
 * Which machines boot what nobody verifies: those of profiles with a `san`.
 */
#include "plan.h"
#include "sbuf.h"

/**
 * A line for each such profile that some machine may come to, by name:
 *
 *     profile lab boots a drive that nobody verifies: nodes a, b and 3 more
 *
 * @param prefix	of each line
 * @param out	added to; stays as it is where everything is verified
 */
void unverified_print(const struct plan *plan, const char *prefix,
		      struct sbuf *out);

#endif
