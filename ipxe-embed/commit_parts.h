#ifndef PROGRAM_COMMIT_PARTS_H
#define PROGRAM_COMMIT_PARTS_H
/**
 * @file
 * What the parts of commit.h share: commit.c knows what is wanted,
 * commit_open.c finds and locks the place and tidies up after runs that were
 * killed, commit_stage.c makes the new tree and exchanges it for the old one.
 */
#include "arena.h"
#include "commit.h"
#include "files.h"
#include "meter.h"
#include "sbuf.h"
#include "settle.h"
#include "vec.h"

/* Names in PARENT/.NAME.ipxe-embed/ */
#define STAGE   "stage"  /* new tree before the exchange, old one after it */
#define STAGED  "staged" /* inode of the new tree: tells the two apart */
#define SCRATCH "scratch"
/* Work of a run that ended early; see tree_unfinished() */
#define UNFINISHED "unfinished"

/** Where the content of a file comes from. */
enum origin { FROM_BYTES, FROM_FILE, FROM_OLD_TREE };

/** What was found of a file of the old manifest. */
enum look { NOT_LOOKED_AT, IS_GOOD, IS_BAD };

/** A file of the new tree. */
struct wanted {
	struct manifest_file file;
	enum origin origin;
	struct text bytes;
	const char *from;
	size_t order;              /**< of the puts */
	bool live;                 /**< in the old tree, exactly so */
	const struct wanted *twin; /**< earlier, with the same content */
};

/** As tree_open() gives it. */
struct tree {
	struct arena arena;
	struct statcache *cache; /**< of files in out/, by their paths there */
	const struct call *call; /**< whose terminal sees progress; or NULL */
	struct sbuf *why;
	struct sbuf aside;
	const char *shown; /**< out/ as given, for messages */
	const char *real;  /**< out/ without symlinks, absolute */
	const char *name;  /**< last part of it */
	const char *work_path, *work_name, *scratch_path;
	int parent, work, live, stage;
	bool swapped;
	struct sbuf old_bytes; /**< manifest.json as it is */
	const struct manifest *old;
	unsigned char *looks; /**< enum look, by number in the old manifest */
	struct files_near near;
	struct manifest next;
	VEC(struct wanted) wanted;
	struct foreigns foreign;
};

/* Each leaves a message and returns @p result, or TREE_FAILED. */

__attribute__((format(printf, 3, 4))) enum tree_result
tree_fail(struct tree *tree, enum tree_result result, const char *format, ...);

/** @param path	below out/, may be "" */
enum tree_result tree_fail_at(struct tree *tree, const char *path,
			      const char *what, int error);

enum tree_result tree_fail_work(struct tree *tree, const char *what, int error);

/** As meter_begin(), for nobody if nobody watches the tree. */
void tree_meter(const struct tree *tree, const char *what, size_t total,
		struct meter *ret_meter);

/** Close it unless it is -1, which it is then. */
void tree_close_fd(int *fd);

/**
 * Empty and remove work/stage when it is the old tree.
 *
 * @param old	descriptor of it
 * @param ours	what in it is ours
 * @param known	what is not, sorted by path; NULL if not known
 */
enum tree_result tree_settle(struct tree *tree, int old,
			     const struct manifest *ours,
			     struct foreigns *known);

/**
 * Make the new tree and put it in the place of the old one.
 *
 * @param manifest	bytes of the new one
 */
enum tree_result tree_exchange(struct tree *tree, const struct sbuf *manifest);

#endif
