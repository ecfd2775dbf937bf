#ifndef PROGRAM_TRUST_H
#define PROGRAM_TRUST_H
/**
 * @file
 * The roots of trust that a site names.
 */
#include "compile.h"

/** No file of certificates is larger. */
enum { TRUST_MAX_BYTES = 1 << 20 };

/** Roots seen so far in a run; zero-initialise. Its memory is an arena's. */
struct trust {
	struct trust_seen *at;
	size_t count, room;
};

/**
 * Report everything that keeps machines from trusting the certificates of a
 * file, and what may do so soon.
 *
 * @param trust	remembers them, to find two with one name
 * @param path	of the file, for messages; must live as long as @p trust
 * @param error	0, or -errno of reading the file
 * @param bytes	content of the file
 * @param now	seconds since 1970
 * @param at	where the site file names it
 */
void trust_check(struct trust *trust, const char *path, int error,
		 struct text bytes, int64_t now, struct span at,
		 struct diags *ds);

#endif
