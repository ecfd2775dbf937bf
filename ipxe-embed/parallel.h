#ifndef PROGRAM_PARALLEL_H
#define PROGRAM_PARALLEL_H
/**
 * @file
 * Many things of the same kind, done on all processors.
 */
#include <stdbool.h>
#include <stddef.h>

struct meter;

struct parallel {
	size_t count;
	unsigned jobs; /**< at most so many at once; 0: one a processor */
	/**
	 * Do number @p at. Called from several threads at once.
	 *
	 * @return false to begin nothing more. All with smaller numbers were
	 *	   begun before, and are finished; so the first that fails is
	 *	   the same in each run.
	 */
	bool (*run)(void *ctx, size_t at);
	void *ctx;
	struct meter *meter; /**< shows how many are done; or NULL */
};

/** Returns when nothing runs any more. */
void parallel_run(const struct parallel *parallel);

#endif
