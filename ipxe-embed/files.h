#ifndef PROGRAM_FILES_H
#define PROGRAM_FILES_H
/**
 * @file
 * Files below a directory, reached part by part so that no symlink is ever
 * followed: what somebody put into out/ cannot send us elsewhere.
 *
 * A path is relative, without empty parts, `.` or `..`; "" is the directory
 * itself. Functions return 0 or more, or -errno; a symlink or file where a
 * directory is needed gives -ENOTDIR.
 */
#include "text.h"

#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>

struct digest;
struct sbuf;

/** @return descriptor, readable */
int files_open_dir(int root, const char *path);

/**
 * Make a directory and those above it, as far as they are missing: 0755
 * whatever the umask.
 *
 * @return descriptor, readable
 */
int files_make_dir(int root, const char *path);

/**
 * The directory of the last path, kept open: of paths that come sorted, most lie
 * beside the one before. Begin with { .dir = -1 }.
 */
struct files_near {
	int root, dir;
	char path[PATH_MAX]; /**< of the directory */
};

/**
 * The directory that holds @p path, which all functions here take as root for
 * a path of one part, and then open nothing on the way.
 *
 * @param make	make it if it is not there
 * @param ret_name	last part of @p path
 * @return descriptor, open until the next call with @p near
 */
int files_near(struct files_near *near, int root, const char *path, bool make,
	       const char **ret_name);

/** It may be used again. */
void files_near_release(struct files_near *near);

/** lstat(2) of it. */
int files_stat(int root, const char *path, struct stat *ret_stat);

/**
 * Open a regular file for reading.
 *
 * @param ret_stat	of it; NULL if not wanted
 * @return descriptor; -EISDIR for a directory, -ELOOP for a symlink,
 *	   -EMEDIUMTYPE for anything else (a device, a pipe)
 */
int files_open(int root, const char *path, struct stat *ret_stat);

/** Create a file that does not exist, 0644 whatever the umask. */
int files_create(int root, const char *path);

/** Create a file that does not exist, with these bytes. */
int files_write(int root, const char *path, const void *bytes, size_t len);

/**
 * Read a whole file.
 *
 * @param ret_bytes	added to
 * @return -EFBIG if there are more than @p max_bytes
 */
int files_read(int root, const char *path, size_t max_bytes,
	       struct sbuf *ret_bytes);

/** Second name for a file; symlinks and devices are linked, not followed. */
int files_link(int from_root, const char *from, int to_root, const char *to);

/** renameat2(2) across directories that exist already. */
int files_rename(int from_root, const char *from, int to_root, const char *to,
		 unsigned flags);

int files_remove(int root, const char *path);

/** Everything that is left of @p fd, and what it hashes to. */
int files_hash(int fd, struct digest *ret_digest);

/**
 * Copy all of a file into an empty one, and say what arrived.
 *
 * Blocks are shared where the file system can (FICLONE). The digest is of the
 * copy, so it holds even if somebody writes to the original meanwhile.
 */
int files_copy(int from, int to, struct digest *ret_digest);

/** Read whatever @p fd still gives; as files_read(). */
int files_slurp(int fd, size_t max_bytes, struct sbuf *ret_bytes);

enum files_visit {
	FILES_ENTRY, /**< anything but a directory */
	FILES_ENTER, /**< a directory, before what is in it */
	FILES_LEAVE, /**< a directory, after what is in it */
};

struct files_seen {
	enum files_visit visit;
	int dir;          /**< directory that holds it */
	const char *name; /**< in there */
	struct text path; /**< from the root of the walk */
	struct stat stat; /**< lstat(2) */
};

/** @return 0 to go on; -errno ends the walk; 1 for ENTER: not into this one */
typedef int files_visit_fn(void *ctx, const struct files_seen *seen);

/**
 * Visit everything below a directory, sorted by name in each directory. It may
 * be changed on the way: what vanishes meanwhile is passed over.
 *
 * @param ret_path	gets the path where it failed; may be NULL
 * @return -ELOOP for directories nested more than 128 deep
 */
int files_walk(int root, files_visit_fn *visit, void *ctx,
	       struct sbuf *ret_path);

/** rm -rf of what is in a directory, not of itself; other people beware. */
int files_remove_all(int root, struct sbuf *ret_path);

#endif
