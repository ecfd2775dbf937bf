#ifndef PROGRAM_SCRATCH_H
#define PROGRAM_SCRATCH_H
/**
 * @file
 * A directory for as long as a run takes.
 *
 * Signals that ask us to end are to be blocked meanwhile
 * (run_block_signals()). It is locked while it is in use: what a run left that
 * was killed is removed by the next one.
 */
struct arena;

struct scratch {
	const char *path; /**< absolute; NULL: there is none */
	int lock;         /**< descriptor of the directory */
};

/**
 * Make one in TMPDIR, or /tmp, for us alone (0700).
 *
 * @return 0 or -errno
 */
int scratch_make(struct arena *arena, struct scratch *ret_scratch);

/** Remove it and all that is in it. */
void scratch_remove(const struct scratch *scratch);

#endif
