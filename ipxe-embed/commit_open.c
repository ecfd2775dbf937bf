#include "commit_parts.h"

#include "statcache.h"
#include "treecache.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

enum { MANIFEST_BYTES_MAX = 1 << 30 };

#define PROBE_1 "probe-1"
#define PROBE_2 "probe-2"

static const struct manifest nothing;

/* ------------------------------------------------------------- errors -- */

enum tree_result tree_fail(struct tree *tree, enum tree_result result,
			   const char *format, ...)
{
	va_list args;

	va_start(args, format);
	sbuf_vprintf(tree->why, format, args);
	va_end(args);
	return result;
}

/* @param path	below out/, may be "" */
enum tree_result tree_fail_at(struct tree *tree, const char *path,
			      const char *what, int error)
{
	return tree_fail(tree, TREE_FAILED, "%s%s%s: %s: %s", tree->shown,
			 *path ? "/" : "", path, what, strerror(-error));
}

enum tree_result tree_fail_work(struct tree *tree, const char *what, int error)
{
	return tree_fail(tree, TREE_FAILED, "%s: %s: %s", tree->work_path, what,
			 strerror(-error));
}

void tree_watch(struct tree *tree, const struct call *call)
{
	tree->call = call;
}

void tree_meter(const struct tree *tree, const char *what, size_t total,
		struct meter *ret_meter)
{
	*ret_meter = (struct meter){ 0 };
	if (tree->call)
		meter_begin(ret_meter, tree->call, what, total);
}

void tree_close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* ------------------------------------------------------- where it lies -- */

/* Directory of a path that does not exist yet; trailing slashes are gone. */
static char *parent_of(struct arena *arena, const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return arena_copy(arena, ".", 1);
	if (slash == path)
		return arena_copy(arena, "/", 1);
	return arena_copy(arena, path, (size_t)(slash - path));
}

/* @return the path of out/ without symlinks, or NULL and a message */
static const char *locate(struct tree *tree, const char *out)
{
	char *real = realpath(out, NULL), *parent, *found = NULL;
	const char *name = strrchr(out, '/');
	struct stat st;

	name = name ? name + 1 : out;
	if (real) {
		found = arena_copy(&tree->arena, real, strlen(real));
		free(real);
		return found;
	}
	if (errno != ENOENT) {
		tree_fail_at(tree, "", "cannot be reached", -errno);
		return NULL;
	}
	if (lstat(out, &st) == 0) {
		tree_fail(tree, TREE_REFUSED,
			  "%s: is a symlink to nowhere; make the directory it "
			  "names, or remove it",
			  out);
		return NULL;
	}
	parent = realpath(parent_of(&tree->arena, out), NULL);
	if (!parent || *name == '\0')
		tree_fail(
			tree, TREE_REFUSED,
			"%s: the directory that is to hold it does not exist; "
			"make that first",
			out);
	else
		found = arena_printf(&tree->arena, "%s/%s",
				     strcmp(parent, "/") ? parent : "", name);
	free(parent);
	return found;
}

static const char *without_trailing_slashes(struct arena *arena,
					    const char *path)
{
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/')
		len--;
	return arena_copy(arena, path, len);
}

static enum tree_result find_place(struct tree *tree, const char *out)
{
	const char *parent;

	tree->shown = without_trailing_slashes(&tree->arena, out);
	tree->real = locate(tree, tree->shown);
	if (!tree->real)
		return TREE_REFUSED;
	if (strcmp(tree->real, "/") == 0)
		return tree_fail(
			tree, TREE_REFUSED,
			"%s: nothing can stand beside the root directory; "
			"name a directory in it",
			out);
	tree->name = strrchr(tree->real, '/') + 1;
	parent = parent_of(&tree->arena, tree->real);
	tree->work_name =
		arena_printf(&tree->arena, ".%s.ipxe-embed", tree->name);
	tree->work_path = arena_printf(&tree->arena, "%s/%s",
				       strcmp(parent, "/") ? parent : "",
				       tree->work_name);
	tree->parent = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (tree->parent < 0)
		return tree_fail(tree, TREE_FAILED, "%s: cannot open: %s",
				 parent, strerror(errno));
	return TREE_OK;
}

/* --------------------------------------------------------------- lock --
 * The work directory is the lock (flock), and goes when the run is over. So
 * whoever got the lock looks whether it is still the one that others will find.
 */

static enum tree_result try_lock(struct tree *tree, bool *ret_locked)
{
	struct stat held, found;
	int error;

	if (mkdirat(tree->parent, tree->work_name, 0700) != 0 &&
	    errno != EEXIST)
		return tree_fail(
			tree, TREE_FAILED,
			"%s: cannot be made: %s\nThe new tree is made "
			"beside the old one, so the directory above %s "
			"must be writable: choose another place, or one "
			"directory deeper",
			tree->work_path, strerror(errno), tree->shown);
	tree->work = files_open_dir(tree->parent, tree->work_name);
	if (tree->work < 0)
		return tree->work == -ENOENT
			       ? TREE_OK
			       : tree_fail_work(tree, "cannot open",
						tree->work);
	if (flock(tree->work, LOCK_EX | LOCK_NB) != 0)
		return errno == EWOULDBLOCK
			       ? tree_fail(
					 tree, TREE_FAILED,
					 "%s: another ipxe-embed is at work on it; "
					 "wait for it to end",
					 tree->shown)
			       : tree_fail_work(tree, "cannot be locked",
						-errno);
	error = fstat(tree->work, &held) != 0
			? -errno
			: files_stat(tree->parent, tree->work_name, &found);
	if (error && error != -ENOENT)
		return tree_fail_work(tree, "cannot be locked", error);
	*ret_locked = !error && held.st_ino == found.st_ino;
	return TREE_OK;
}

static enum tree_result lock(struct tree *tree)
{
	bool locked = false;
	enum tree_result result = TREE_OK;

	while (!locked && result == TREE_OK) {
		tree_close_fd(&tree->work);
		result = try_lock(tree, &locked);
	}
	if (!locked)
		tree_close_fd(&tree->work);
	return result;
}

/* ---------------------------------------------------------- left-overs -- */

static int remove_dir(int root, const char *name)
{
	int dir = files_open_dir(root, name), result;

	if (dir < 0)
		return dir == -ENOENT ? 0 : dir;
	result = files_remove_all(dir, NULL);
	close(dir);
	if (result == 0 && unlinkat(root, name, AT_REMOVEDIR) != 0)
		result = -errno;
	return result;
}

static const struct manifest *
read_manifest(struct tree *tree, int root, struct sbuf *bytes, struct sbuf *why)
{
	int result = files_read(root, MANIFEST_NAME, MANIFEST_BYTES_MAX, bytes);

	if (result) {
		sbuf_puts(why, strerror(-result));
		return NULL;
	}
	return manifest_parse(&tree->arena, sbuf_text(bytes), bytes->len, why);
}

/* Remove the old tree at work/stage, after the exchange. */
enum tree_result tree_settle(struct tree *tree, int old,
			     const struct manifest *ours,
			     struct foreigns *known)
{
	struct sbuf path = { 0 };
	struct meter meter;
	struct settle job = {
		.old = old,
		.now = tree->live,
		.ours = ours,
		.known = known,
		.work = tree->work,
		.work_path = tree->work_path,
		.aside = &tree->aside,
		.path = &path,
		.meter = &meter,
	};
	enum tree_result result = TREE_OK;
	int error;

	tree_meter(tree, "tidying up", ours->count + (known ? known->count : 0),
		   &meter);
	error = settle_run(&job);
	meter_end(&meter);

	if (error == 0 && unlinkat(tree->work, STAGE, AT_REMOVEDIR) != 0)
		error = -errno;
	if (error)
		result = tree_fail(
			tree, TREE_FAILED,
			"%s/" STAGE "%s%s: cannot be tidied up: %s\n"
			"The tree %s is complete and in place; this is "
			"what is left of the one before",
			tree->work_path, path.len ? "/" : "", sbuf_text(&path),
			strerror(-error), tree->shown);
	sbuf_release(&path);
	return result;
}

/* Whether work/stage, with that inode, was not exchanged yet. The inode of a
 * new tree is written down before the exchange; no note, no exchange. */
static bool stage_is_new(const struct tree *tree, ino_t inode)
{
	struct sbuf note = { 0 };
	bool is_new = files_read(tree->work, STAGED, 64, &note) != 0 ||
		      strtoull(sbuf_text(&note), NULL, 10) == inode;

	sbuf_release(&note);
	return is_new;
}

static enum tree_result recover_stage(struct tree *tree)
{
	struct sbuf bytes = { 0 }, why = { 0 };
	const struct manifest *ours;
	enum tree_result result = TREE_OK;
	struct stat st;
	int error, old = files_open_dir(tree->work, STAGE);

	if (old == -ENOENT)
		return TREE_OK;
	if (old < 0 || fstat(old, &st) != 0)
		return tree_fail_work(tree, "cannot be tidied up",
				      old < 0 ? old : -errno);
	if (stage_is_new(tree, st.st_ino)) {
		error = remove_dir(tree->work, STAGE);
		if (error)
			result = tree_fail_work(tree, "cannot be removed",
						error);
	} else {
		ours = read_manifest(tree, old, &bytes, &why);
		result = tree_settle(tree, old, ours ? ours : &nothing, NULL);
	}
	sbuf_release(&why);
	sbuf_release(&bytes);
	close(old);
	return result;
}

static enum tree_result recover(struct tree *tree)
{
	static const char *const dirs[] = { SCRATCH, PROBE_1, PROBE_2 };
	enum tree_result result = recover_stage(tree);
	int error = 0;

	if (result != TREE_OK)
		return result;
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]) && !error; i++)
		error = remove_dir(tree->work, dirs[i]);
	if (!error)
		error = files_remove(tree->work, STAGED);
	if (error && error != -ENOENT)
		return tree_fail_work(tree, "cannot be tidied up", error);
	return TREE_OK;
}

/* ---------------------------------------------------------------- open -- */

static bool is_mount_point(int dir)
{
	struct statx sx;

	return statx(dir, "", AT_EMPTY_PATH, STATX_TYPE, &sx) == 0 &&
	       (sx.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

static enum tree_result open_live(struct tree *tree)
{
	tree->live = files_open_dir(tree->parent, tree->name);
	if (tree->live == -ENOENT)
		return TREE_OK;
	if (tree->live == -ENOTDIR)
		return tree_fail(
			tree, TREE_REFUSED,
			"%s: is no directory; name another, or remove it",
			tree->shown);
	if (tree->live < 0)
		return tree_fail_at(tree, "", "cannot open", tree->live);
	if (is_mount_point(tree->live))
		return tree_fail(
			tree, TREE_REFUSED,
			"%s: is a mount point, which cannot be exchanged "
			"for a new tree in one step; name a directory "
			"inside it, as %s/tree",
			tree->shown, tree->shown);
	if (faccessat(tree->live, ".", R_OK | W_OK | X_OK, AT_EACCESS) != 0)
		return tree_fail_at(tree, "", "cannot be written", -errno);
	return TREE_OK;
}

static int refuse_any(void *ctx, const struct files_seen *seen)
{
	(void)ctx;
	(void)seen;
	return -ENOTEMPTY;
}

static enum tree_result read_old(struct tree *tree)
{
	struct sbuf why = { 0 }, *bytes = &tree->old_bytes;
	struct stat st;
	enum tree_result result = TREE_OK;

	tree->old = &nothing;
	if (tree->live < 0 ||
	    files_walk(tree->live, refuse_any, NULL, NULL) == 0)
		return TREE_OK;
	if (files_stat(tree->live, MANIFEST_NAME, &st) == -ENOENT)
		return tree_fail(
			tree, TREE_REFUSED,
			"%s: holds files but no " MANIFEST_NAME
			": it was not made by ipxe-embed, or not "
			"copied whole, and is left alone; build into a "
			"new or an empty directory",
			tree->shown);
	tree->old = read_manifest(tree, tree->live, bytes, &why);
	if (!tree->old)
		result =
			tree_fail(tree, TREE_REFUSED,
				  "%s/" MANIFEST_NAME ": cannot be used: %s\n"
				  "Without it nobody can tell which files here "
				  "are ours: move %s away, or restore the file",
				  tree->shown, sbuf_text(&why), tree->shown);
	sbuf_release(&why);
	return result;
}

/* Before any work: can two directories be exchanged here? */
static enum tree_result probe_exchange(struct tree *tree)
{
	int error = 0;

	if (mkdirat(tree->work, PROBE_1, 0700) != 0 ||
	    mkdirat(tree->work, PROBE_2, 0700) != 0 ||
	    renameat2(tree->work, PROBE_1, tree->work, PROBE_2,
		      RENAME_EXCHANGE) != 0)
		error = errno;
	unlinkat(tree->work, PROBE_1, AT_REMOVEDIR);
	unlinkat(tree->work, PROBE_2, AT_REMOVEDIR);
	if (error == EINVAL || error == ENOSYS || error == ENOTSUP)
		return tree_fail(
			tree, TREE_REFUSED,
			"%s: its file system cannot exchange two "
			"directories in one step; write to a local one "
			"(ext4, xfs, btrfs, tmpfs) and copy from there",
			tree->shown);
	return error ? tree_fail_work(tree, "cannot be written", -error)
		     : TREE_OK;
}

static enum tree_result open_steps(struct tree *tree, const char *out)
{
	static enum tree_result (*const steps[])(struct tree *) = {
		lock, open_live, recover, read_old, probe_exchange,
	};
	enum tree_result result = find_place(tree, out);

	for (size_t i = 0;
	     i < sizeof(steps) / sizeof(steps[0]) && result == TREE_OK; i++)
		result = steps[i](tree);
	return result;
}

enum tree_result tree_open(const char *out, struct sbuf *why,
			   struct tree **ret_tree)
{
	struct tree *tree = xrealloc(NULL, sizeof(*tree));
	enum tree_result result;

	memset(tree, 0, sizeof(*tree));
	tree->why = why;
	tree->parent = tree->work = tree->live = tree->stage = -1;
	tree->near.dir = -1;
	result = open_steps(tree, out);
	if (result != TREE_OK) {
		tree_free(tree);
		return result;
	}
	tree->next = *tree->old;
	tree->cache = statcache_open_tree(tree_cache_file(tree, "digests"));
	tree->looks =
		arena_new_array(&tree->arena, tree->old->count, unsigned char);
	*ret_tree = tree;
	return TREE_OK;
}

const char *tree_cache_file(struct tree *tree, const char *name)
{
	return treecache_file(&tree->arena, tree->real, name);
}

const char *tree_unfinished(struct tree *tree)
{
	return arena_printf(&tree->arena, "%s/" UNFINISHED, tree->work_path);
}

void tree_free(struct tree *tree)
{
	if (!tree)
		return;
	if (tree->work >= 0) {
		/* A stage that was exchanged is the old tree: next run. */
		if (tree->stage >= 0 && !tree->swapped) {
			remove_dir(tree->work, STAGE);
			files_remove(tree->work, STAGED);
		}
		remove_dir(tree->work, SCRATCH);
		unlinkat(tree->parent, tree->work_name, AT_REMOVEDIR);
	}
	files_near_release(&tree->near);
	statcache_free(tree->cache);
	tree_close_fd(&tree->stage);
	tree_close_fd(&tree->live);
	tree_close_fd(&tree->work);
	tree_close_fd(&tree->parent);
	sbuf_release(&tree->aside);
	sbuf_release(&tree->old_bytes);
	arena_release(&tree->arena);
	free(tree);
}
