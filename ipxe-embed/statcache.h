#ifndef PROGRAM_STATCACHE_H
#define PROGRAM_STATCACHE_H
/**
 * @file
 * Remembered digests of files that did not change, so that a build does not
 * read gigabytes to find that there is nothing to do.
 *
 * It is an optimisation and nothing else: it may be deleted at any time, one
 * that cannot be read or written counts as empty, and what is copied into the
 * tree is hashed again on the way. It lives in the user's cache directory and
 * not in out/, because out/ is a function of the site and is carried to other
 * machines, where inode numbers mean nothing.
 *
 * A file is known by path, device, inode, size, mtime and ctime. As in git, one
 * that was touched just now is not remembered: it could change again within
 * the same tick of the file system's clock.
 */
#include "compile.h"

#include <sys/stat.h>

struct statcache;

/**
 * @param file	absolute; NULL for `digests` in the user's cache, see
 *		base_cache()
 * @return never NULL
 */
struct statcache *statcache_open(const char *file);

/**
 * For the files of one tree, by their paths in it. Files that are neither
 * measured, noted nor found in a run are forgotten by its end.
 *
 * @param file	absolute; NULL: nothing is kept
 * @return never NULL
 */
struct statcache *statcache_open_tree(const char *file);

/** Whether statcache_save() has a place to write to. */
bool statcache_is_kept(const struct statcache *cache);

/** From now on, believe nothing that was not measured or noted in this run. */
void statcache_doubt(struct statcache *cache);

/** Write back what was learnt, atomically; failure is nobody's loss. */
void statcache_save(struct statcache *cache);

/** Accepts NULL. */
void statcache_free(struct statcache *cache);

/** What a file is remembered to hold; @return whether it is, as @p st says */
bool statcache_find(struct statcache *cache, const char *path,
		    const struct stat *st, struct digest *ret_digest);

/**
 * Measure an open file, or remember what it measured.
 *
 * @param path	absolute, or as it will be asked for again
 * @param fd	at its begin
 * @return 0 or -errno; -EBUSY if it changed while it was read
 */
int statcache_digest(struct statcache *cache, const char *path, int fd,
		     struct digest *ret_digest);

/**
 * Note what a file is known to hold, without reading it.
 *
 * @param now	a time before @p st was taken
 */
void statcache_note(struct statcache *cache, const char *path,
		    const struct stat *st, const struct timespec *now,
		    const struct digest *digest);

#endif
