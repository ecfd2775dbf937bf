#ifndef PROGRAM_COMMIT_H
#define PROGRAM_COMMIT_H
/**
 * @file
 * Writing out/: all of it or nothing.
 *
 *     tree_open() -> tree_put_…(), tree_keep()… -> tree_commit() -> tree_free()
 *
 * A complete new tree is made beside out/, in PARENT/.NAME.ipxe-embed/, with
 * everything unchanged and everything that is not ours hard-linked into it, and
 * then takes the place of out/ in one step (RENAME_EXCHANGE). Whoever looks, at
 * any moment, after kill -9 or a full disk too, sees the old tree or the new
 * one. What a killed run leaves is tidied up by the next.
 *
 * Files that the program did not write are never changed, followed, lost or
 * overwritten; manifest.json says which are ours. What goes: files that the old
 * manifest lists and nobody wants any more, and directories that held nothing
 * else.
 *
 * The exchange makes out/ another directory (another inode): a bind mount of
 * out/ itself keeps showing the old one, so mount the directory above it.
 */
#include "manifest.h"

#include <stdbool.h>

struct call;
struct sbuf;
struct tree;

/** Exit statuses of the program, too. */
enum tree_result {
	TREE_OK = 0,
	TREE_BAD_INPUT = 1, /**< an asset is not what it was */
	TREE_REFUSED = 2, /**< out/ may not be written: not ours, in the way */
	TREE_FAILED = 3,  /**< the machine failed, or another run is at it */
};

/**
 * Open out/ for a change, which may not exist yet, and keep others away.
 *
 * @param out	may be a symlink to a directory
 * @param why	gets a message on failure, here and in all that follow:
 *		one or more lines without an end of line; borrowed
 * @param ret_tree	set on success only
 */
enum tree_result tree_open(const char *out, struct sbuf *why,
			   struct tree **ret_tree);

/** Let a terminal see how far a long commit has come; else nothing shows it. */
void tree_watch(struct tree *tree, const struct call *call);

/** Let go; without tree_commit() nothing has changed. Accepts NULL. */
void tree_free(struct tree *tree);

/** What out/ holds now; empty for a new one. Lives as long as the tree. */
const struct manifest *tree_manifest(const struct tree *tree);

/** Read a file of ours as it is now; @return -errno, -ENOENT if not ours */
int tree_read(const struct tree *tree, struct text path, size_t max_bytes,
	      struct sbuf *ret_bytes);

/**
 * Whether a file of the old manifest is there and holds what that says, by its
 * time stamps if they are known, else by reading it.
 *
 * @param file	of tree_manifest()
 */
bool tree_holds(struct tree *tree, const struct manifest_file *file);

/** Read files to tell, whatever their time stamps. */
void tree_doubt(struct tree *tree);

/**
 * Where something is remembered of this tree; see treecache.h.
 *
 * @return NULL if there is no place for it; lives as long as the tree
 */
const char *tree_cache_file(struct tree *tree, const char *name);

/**
 * A file that outlives a run which ends early, for the next run to go on from:
 * beside out/, where no other run can be at it.
 *
 * @return its path, whether it exists or not; lives as long as the tree
 */
const char *tree_unfinished(struct tree *tree);

/** What the new manifest says of the site; else as the old one. */
void tree_set_site(struct tree *tree, struct text site, unsigned verify,
		   struct text signer);

/** A file that is wanted in the new tree. */
struct tree_file {
	struct text path;       /**< below out/ */
	struct text *wanted_by; /**< sorted, no repeats */
	size_t wanted_by_count;
};

/*
 * A later put of the same path replaces an earlier one. Texts and bytes are
 * borrowed until tree_free().
 */

void tree_put_bytes(struct tree *tree, const struct tree_file *file,
		    struct text bytes);

/**
 * @param from	file to copy; copied at tree_commit(), and not at all if the
 *		tree has it already
 * @param digest	what is in it; anything else ends the commit
 */
void tree_put_file(struct tree *tree, const struct tree_file *file,
		   const char *from, const struct digest *digest);

/** Take a file of the old manifest over as it is. It must be there. */
void tree_keep(struct tree *tree, struct text path);

void tree_keep_all(struct tree *tree);

/**
 * A directory for files in the making, on the file system of out/; goes at
 * tree_free().
 *
 * @return its path, or NULL and a message; lives as long as the tree
 */
const char *tree_scratch(struct tree *tree);

struct tree_summary {
	bool changed;   /**< false: nothing was to do, nothing was touched */
	size_t written; /**< files, without the manifest */
	size_t kept;
	size_t removed;
	uint64_t written_bytes;
	/** Where files went that somebody put in our way meanwhile; sentences
	 * with an end of line each, usually empty. Lives as long as the tree */
	const char *aside;
};

enum tree_result tree_commit(struct tree *tree,
			     struct tree_summary *ret_summary);

#endif
