#ifndef PROGRAM_SCRATCH_H
#define PROGRAM_SCRATCH_H
/**
 * @file
 * A directory for as long as a run takes.
 */
struct arena;

/**
 * Make one in TMPDIR, or /tmp, for us alone (0700).
 *
 * @return its path, absolute; NULL with errno set
 */
const char *scratch_make(struct arena *arena);

/** Remove it and all that is in it. */
void scratch_remove(const char *path);

#endif
