#ifndef PROGRAM_SETTLE_H
#define PROGRAM_SETTLE_H
/**
 * @file
 * The end of an exchange: bring what is not ours from the old tree into the
 * new one, then remove the old one. Done right after the exchange, or by the
 * next run if that one was killed; every step may be done again.
 */
#include "manifest.h"

#include <sys/stat.h>

struct meter;
struct sbuf;

/** Something below out/ that the program did not write. */
struct foreign {
	struct text path;
	struct stat stat;
	bool linked; /**< it has a second name in the new tree, */
	ino_t inode; /**< with this inode */
	bool seen;   /**< it was still in the old tree after the exchange */
};

/** For vec_push(). */
struct foreigns {
	struct foreign *at;
	size_t count, room;
};

struct settle {
	int old;                     /**< directory of the old tree */
	int now;                     /**< of the new one; -1 if it is gone */
	const struct manifest *ours; /**< what was ours in the old one */
	struct foreigns *known;      /**< sorted by path; NULL if not known */
	int work;                    /**< where found/ is made if need be */
	const char *work_path;       /**< for messages */
	struct sbuf *aside;          /**< gets a line for each file put there */
	struct sbuf *path;           /**< gets the path that failed */
	struct meter *meter;         /**< is told how many files were seen */
	size_t seen;
};

/** @return 0 when @p settle->old is empty, or -errno */
int settle_run(struct settle *settle);

/** Give a directory the owner, mode, times and attributes of another. */
int settle_attributes(int from, int to);

#endif
