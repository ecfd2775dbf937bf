#include "commit_parts.h"

#include "asset.h"
#include "statcache.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
	/* After this, a change of a file has another time stamp; see
	 * statcache.c */
	CLOCK_TICK_NS = 25 * 1000000,
};

static int compare_content(const void *a, const void *b)
{
	const struct wanted *x = *(struct wanted *const *)a;
	const struct wanted *y = *(struct wanted *const *)b;
	int order = memcmp(x->file.digest.sha256, y->file.digest.sha256,
			   sizeof(x->file.digest.sha256));

	return order ? order : text_compare(x->file.path, y->file.path);
}

/* Equal content lies on the disk once: images that go to TFTP too, kernels of
 * two profiles. */
static void find_twins(struct tree *tree)
{
	size_t count = tree->wanted.count;
	struct wanted **all =
		arena_new_array(&tree->arena, count, struct wanted *);

	for (size_t i = 0; i < count; i++)
		all[i] = &tree->wanted.at[i];
	if (count)
		qsort(all, count, sizeof(struct wanted *), compare_content);
	for (size_t i = 1; i < count; i++)
		if (digest_equal(&all[i - 1]->file.digest,
				 &all[i]->file.digest))
			all[i]->twin = all[i - 1]->twin ? all[i - 1]->twin
							: all[i - 1];
}

/* -------------------------------------------------------- what is foreign -- */

struct scan {
	struct tree *tree;
	dev_t device;
	enum tree_result result; /**< with its message given already */
};

/* A wanted file stands where one of the directories of @p path is. */
static bool is_below_wanted(const struct manifest *next, struct text path)
{
	for (size_t i = 1; i < path.len; i++)
		if (path.ptr[i] == '/' &&
		    manifest_find(next, (struct text){ path.ptr, i }))
			return true;
	return false;
}

static bool is_in_the_way(const struct manifest *next, struct text path,
			  bool is_dir)
{
	return manifest_find(next, path) || is_below_wanted(next, path) ||
	       (!is_dir && manifest_has_below(next, path));
}

static int scan_seen(void *ctx, const struct files_seen *seen)
{
	struct scan *scan = ctx;
	struct tree *tree = scan->tree;
	bool is_dir = seen->visit == FILES_ENTER;
	struct foreign *foreign;

	if (seen->visit == FILES_LEAVE || text_is(seen->path, MANIFEST_NAME) ||
	    (is_dir && manifest_has_below(tree->old, seen->path)) ||
	    (S_ISREG(seen->stat.st_mode) &&
	     manifest_find(tree->old, seen->path)))
		return 0;
	if (is_in_the_way(&tree->next, seen->path, is_dir)) {
		scan->result = tree_fail(
			tree, TREE_REFUSED,
			"%s/%s: stands where we must write, and is not "
			"ours; move it away",
			tree->shown, seen->path.ptr);
		return -EEXIST;
	}
	foreign = vec_push(&tree->arena, &tree->foreign);
	foreign->path.ptr =
		arena_copy(&tree->arena, seen->path.ptr, seen->path.len);
	foreign->path.len = seen->path.len;
	foreign->stat = seen->stat;
	return 0;
}

static int scan_device(void *ctx, const struct files_seen *seen)
{
	struct scan *scan = ctx;

	if (seen->stat.st_dev == scan->device)
		return scan_seen(ctx, seen);
	scan->result =
		tree_fail(scan->tree, TREE_REFUSED,
			  "%s/%s: is a mount point, which cannot move with "
			  "the tree; unmount it",
			  scan->tree->shown, seen->path.ptr);
	return -EXDEV;
}

static int compare_foreign(const void *a, const void *b)
{
	return text_compare(((const struct foreign *)a)->path,
			    ((const struct foreign *)b)->path);
}

static enum tree_result find_foreign(struct tree *tree)
{
	struct scan scan = { .tree = tree };
	struct sbuf path = { 0 };
	struct stat st;
	int error;

	if (tree->live < 0)
		return TREE_OK;
	if (fstat(tree->live, &st) != 0)
		return tree_fail_at(tree, "", "cannot be read", -errno);
	scan.device = st.st_dev;
	error = files_walk(tree->live, scan_device, &scan, &path);
	if (error && scan.result == TREE_OK)
		scan.result = tree_fail_at(tree, sbuf_text(&path),
					   "cannot be read", error);
	sbuf_release(&path);
	if (tree->foreign.count)
		qsort(tree->foreign.at, tree->foreign.count,
		      sizeof(*tree->foreign.at), compare_foreign);
	return scan.result;
}

/* ------------------------------------------------------------- staging -- */

/* Whether a second name was refused for good, so that a copy is the way. */
static bool must_copy(int error)
{
	return error == -EMLINK || error == -EPERM || error == -ENOTSUP ||
	       error == -EXDEV;
}

static enum tree_result copy(struct tree *tree, const struct wanted *w,
			     int from, const char *shown_from)
{
	const char *path = w->file.path.ptr;
	int to = files_create(tree->stage, path), error;
	struct digest digest;

	if (to < 0)
		return tree_fail_at(tree, path, "cannot be written", to);
	error = files_copy(from, to, &digest);
	if (close(to) != 0 && error == 0)
		error = -errno;
	if (error)
		return tree_fail(tree, TREE_FAILED, "%s/%s: copying %s: %s",
				 tree->shown, path, shown_from,
				 strerror(-error));
	if (!digest_equal(&digest, &w->file.digest))
		return tree_fail(
			tree, TREE_BAD_INPUT,
			"%s: changed while it was read; try again when "
			"nobody writes to it",
			shown_from);
	return TREE_OK;
}

/* Assets are copied, never hard-linked: a later edit of the user's file would
 * change what is published, under its old digest and signature. Blocks are
 * shared instead where the file system can do that (see files_copy()). */
static enum tree_result stage_file(struct tree *tree, const struct wanted *w)
{
	enum tree_result result;
	int from = asset_open(w->from);

	if (from < 0)
		return tree_fail(tree, TREE_BAD_INPUT, "%s: cannot be read: %s",
				 w->from, strerror(-from));
	result = copy(tree, w, from, w->from);
	close(from);
	return result;
}

static enum tree_result stage_live_copy(struct tree *tree,
					const struct wanted *w)
{
	const char *path = w->file.path.ptr;
	enum tree_result result;
	int from = files_open(tree->live, path, NULL);

	if (from < 0)
		return tree_fail_at(tree, path, "cannot be read", from);
	result = copy(tree, w, from, path);
	close(from);
	return result;
}

static enum tree_result stage_new(struct tree *tree, const struct wanted *w)
{
	const char *path = w->file.path.ptr;
	int error = -EPERM;

	if (w->twin)
		error = files_link(tree->stage, w->twin->file.path.ptr,
				   tree->stage, path);
	if (error && !must_copy(error))
		return tree_fail_at(tree, path, "cannot be written", error);
	if (error == 0)
		return TREE_OK;
	if (w->origin == FROM_FILE)
		return stage_file(tree, w);
	error = files_write(tree->stage, path, w->bytes.ptr, w->bytes.len);
	return error ? tree_fail_at(tree, path, "cannot be written", error)
		     : TREE_OK;
}

static enum tree_result stage_wanted(struct tree *tree, const struct wanted *w)
{
	const char *path = w->file.path.ptr;
	int error;

	if (!w->live)
		return stage_new(tree, w);
	error = files_link(tree->live, path, tree->stage, path);
	if (must_copy(error))
		return stage_live_copy(tree, w);
	return error ? tree_fail_at(tree, path, "cannot be carried over", error)
		     : TREE_OK;
}

/* A file that may not be linked (it belongs to another user, say) is moved
 * after the exchange; one that vanished meanwhile was not to stay. */
static enum tree_result stage_foreign_file(struct tree *tree,
					   struct foreign *foreign)
{
	const char *path = foreign->path.ptr;
	struct stat st;
	int error = files_link(tree->live, path, tree->stage, path);

	if (must_copy(error) || error == -ENOENT || error == -EACCES)
		return TREE_OK;
	if (error == 0)
		error = files_stat(tree->stage, path, &st);
	if (error)
		return tree_fail_at(tree, path, "cannot be carried over",
				    error);
	foreign->linked = true;
	foreign->inode = st.st_ino;
	return TREE_OK;
}

static enum tree_result stage_foreign(struct tree *tree)
{
	enum tree_result result = TREE_OK;

	for (size_t i = 0; i < tree->foreign.count && result == TREE_OK; i++) {
		struct foreign *foreign = &tree->foreign.at[i];
		int dir;

		if (!S_ISDIR(foreign->stat.st_mode)) {
			result = stage_foreign_file(tree, foreign);
			continue;
		}
		dir = files_make_dir(tree->stage, foreign->path.ptr);
		if (dir < 0)
			result = tree_fail_at(tree, foreign->path.ptr,
					      "cannot be carried over", dir);
		tree_close_fd(&dir);
	}
	return result;
}

/* After everything is in them: times, and modes that forbid writing. */
static enum tree_result stage_attributes(struct tree *tree)
{
	for (size_t i = tree->foreign.count; i > 0; i--) {
		const struct foreign *foreign = &tree->foreign.at[i - 1];
		int from, to, error = 0;

		if (!S_ISDIR(foreign->stat.st_mode))
			continue;
		from = files_open_dir(tree->live, foreign->path.ptr);
		to = files_open_dir(tree->stage, foreign->path.ptr);
		if (from >= 0 && to >= 0)
			error = settle_attributes(from, to);
		tree_close_fd(&from);
		tree_close_fd(&to);
		if (error)
			return tree_fail_at(tree, foreign->path.ptr,
					    "cannot be carried over", error);
	}
	return TREE_OK;
}

static enum tree_result make_stage(struct tree *tree)
{
	char note[32];
	struct stat st;
	int error = 0;

	tree->stage = files_make_dir(tree->work, STAGE);
	if (tree->stage < 0)
		return tree_fail_work(tree, "cannot be written", tree->stage);
	/* Set first, so that a default ACL works on what is made in it. */
	if (tree->live >= 0)
		error = settle_attributes(tree->live, tree->stage);
	if (error == 0 && fstat(tree->stage, &st) != 0)
		error = -errno;
	if (error == 0) {
		snprintf(note, sizeof(note), "%" PRIuMAX "\n",
			 (uintmax_t)st.st_ino);
		error = files_write(tree->work, STAGED, note, strlen(note));
	}
	return error ? tree_fail_work(tree, "cannot be written", error)
		     : TREE_OK;
}

static enum tree_result fill_stage(struct tree *tree,
				   const struct sbuf *manifest)
{
	enum tree_result result = stage_foreign(tree);
	struct meter meter;
	int error;

	tree_meter(tree, "writing", tree->wanted.count, &meter);
	for (size_t i = 0; i < tree->wanted.count && result == TREE_OK; i++) {
		result = stage_wanted(tree, &tree->wanted.at[i]);
		meter_set(&meter, i + 1);
	}
	meter_end(&meter);
	if (result != TREE_OK)
		return result;
	error = files_write(tree->stage, MANIFEST_NAME, manifest->ptr,
			    manifest->len);
	if (error)
		return tree_fail_at(tree, MANIFEST_NAME, "cannot be written",
				    error);
	result = stage_attributes(tree);
	/* One call for thousands of files and directories. */
	if (result == TREE_OK && syncfs(tree->stage) != 0)
		result = tree_fail_work(tree, "cannot be written to disk",
					-errno);
	return result;
}

/* ------------------------------------------------------------ exchange -- */

static enum tree_result take_new_place(struct tree *tree)
{
	if (renameat2(tree->work, STAGE, tree->parent, tree->name,
		      RENAME_NOREPLACE) == 0)
		return TREE_OK;
	if (errno == EEXIST)
		return tree_fail(tree, TREE_FAILED,
				 "%s: somebody made it meanwhile; try again",
				 tree->shown);
	return tree_fail_at(tree, "", "the new tree cannot be put there",
			    -errno);
}

static int exchange(struct tree *tree)
{
	return renameat2(tree->work, STAGE, tree->parent, tree->name,
			 RENAME_EXCHANGE) == 0
		       ? 0
		       : -errno;
}

static enum tree_result exchange_places(struct tree *tree)
{
	struct stat looked_at, got;
	int error = exchange(tree);

	if (error)
		return tree_fail_at(tree, "",
				    "cannot be exchanged for the new tree",
				    error);
	if (fstat(tree->live, &looked_at) == 0 &&
	    files_stat(tree->work, STAGE, &got) == 0 &&
	    looked_at.st_ino == got.st_ino)
		return TREE_OK;
	/* Not the tree that the new one was made from. */
	error = exchange(tree);
	if (error)
		tree->swapped = true; /* let the next run sort it out */
	return tree_fail(tree, TREE_FAILED,
			 "%s: somebody exchanged it meanwhile; try again",
			 tree->shown);
}

/* Taken over by name and size alone. */
static bool is_unseen(const struct tree *tree, const struct wanted *w)
{
	const struct manifest_file *old =
		w->origin == FROM_OLD_TREE
			? manifest_find(tree->old, w->file.path)
			: NULL;

	return old && tree->looks[old - tree->old->files] != IS_GOOD;
}

/* The next build finds the digests of what lies there now, and reads nothing.
 * Links made above have touched ctime, so stamps are taken afresh. */
static void remember(struct tree *tree)
{
	struct timespec now, tick = { .tv_nsec = CLOCK_TICK_NS };
	struct files_near near = { .dir = -1 };

	if (!statcache_is_kept(tree->cache))
		return;
	nanosleep(&tick, NULL);
	clock_gettime(CLOCK_REALTIME, &now);
	vec_foreach (struct wanted, w, &tree->wanted) {
		const char *path = w->file.path.ptr, *name;
		int dir = files_near(&near, tree->live, path, false, &name);
		struct stat st;

		if (!is_unseen(tree, w) && dir >= 0 &&
		    files_stat(dir, name, &st) == 0)
			statcache_note(tree->cache, path, &st, &now,
				       &w->file.digest);
	}
	files_near_release(&near);
}

static enum tree_result swap(struct tree *tree)
{
	bool replace = tree->live >= 0;
	enum tree_result result =
		replace ? exchange_places(tree) : take_new_place(tree);
	int old = tree->live;

	if (result != TREE_OK)
		return result;
	tree->swapped = true;
	tree->live = tree->stage;
	tree->stage = -1;
	fsync(tree->work);
	if (fsync(tree->parent) != 0)
		result = tree_fail_at(tree, "", "cannot be written to disk",
				      -errno);
	else if (replace)
		result = tree_settle(tree, old, tree->old, &tree->foreign);
	tree_close_fd(&old);
	if (result == TREE_OK) {
		files_remove(tree->work, STAGED);
		remember(tree);
	}
	return result;
}

enum tree_result tree_exchange(struct tree *tree, const struct sbuf *manifest)
{
	enum tree_result result = find_foreign(tree);

	find_twins(tree);
	if (result == TREE_OK)
		result = make_stage(tree);
	if (result == TREE_OK)
		result = fill_stage(tree, manifest);
	return result == TREE_OK ? swap(tree) : result;
}
