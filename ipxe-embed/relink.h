#ifndef PROGRAM_RELINK_H
#define PROGRAM_RELINK_H
/**
 * @file
 * Run iPXE's make in a private copy, with a script and roots, and look at what
 * comes out.
 */
#include "bake.h"

struct copy;
struct root_certificates;

struct relink_request {
	struct text script;
	const struct root_certificates *roots;
	const struct bake_target *const *targets; /**< of one bin directory */
	size_t target_count;                      /**< at least 1 */
	const char *version;
	unsigned build_id; /**< must differ where images differ */
	unsigned jobs;     /**< 0: one for each processor */
	void (*progress)(void *ctx, const struct bake_progress *progress);
	void *ctx;
};

/**
 * Make the images; they are at src/BIN/NAME below the copy's root.
 *
 * Compiles what was not compiled yet. A copy that an earlier run left half
 * built, and that does not build, is made anew once.
 *
 * @param why	gets lines for people if it fails: the end of the log too
 * @return 0 or -errno
 */
int relink(struct arena *arena, struct copy *copy,
	   const struct relink_request *request, struct sbuf *why);

#endif
