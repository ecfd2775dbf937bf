#include "commit.h"

#include "arena.h"
#include "asset.h"
#include "files.h"
#include "sbuf.h"
#include "settle.h"
#include "sha256.h"
#include "statcache.h"
#include "vec.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

enum {
	MANIFEST_BYTES_MAX = 1 << 30,
	/* After this, a change of a file has another time stamp; see
	 * statcache.c */
	CLOCK_TICK_NS = 25 * 1000000,
};

/* Names in PARENT/.NAME.ipxe-embed/ */
#define STAGE   "stage"  /* new tree before the exchange, old one after it */
#define STAGED  "staged" /* inode of the new tree: tells the two apart */
#define SCRATCH "scratch"
#define PROBE_1 "probe-1"
#define PROBE_2 "probe-2"

enum origin { FROM_BYTES, FROM_FILE, FROM_OLD_TREE };

struct wanted {
	struct manifest_file file;
	enum origin origin;
	struct text bytes;
	const char *from;
	size_t order;              /**< of the puts */
	bool live;                 /**< in the old tree, exactly so */
	const struct wanted *twin; /**< earlier, with the same content */
};

struct tree {
	struct arena arena;
	struct statcache *cache;
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
	struct manifest next;
	VEC(struct wanted) wanted;
	struct foreigns foreign;
};

static const struct manifest nothing;

/* ------------------------------------------------------------- errors -- */

__attribute__((format(printf, 3, 4))) static enum tree_result
fail(struct tree *tree, enum tree_result result, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	sbuf_vprintf(tree->why, format, args);
	va_end(args);
	return result;
}

/* @param path	below out/, may be "" */
static enum tree_result fail_at(struct tree *tree, const char *path,
				const char *what, int error)
{
	return fail(tree, TREE_FAILED, "%s%s%s: %s: %s", tree->shown,
		    *path ? "/" : "", path, what, strerror(-error));
}

static enum tree_result fail_work(struct tree *tree, const char *what,
				  int error)
{
	return fail(tree, TREE_FAILED, "%s: %s: %s", tree->work_path, what,
		    strerror(-error));
}

static void close_fd(int *fd)
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
		fail_at(tree, "", "cannot be reached", -errno);
		return NULL;
	}
	if (lstat(out, &st) == 0) {
		fail(tree, TREE_REFUSED,
		     "%s: is a symlink to nowhere; make the directory it "
		     "names, or remove it",
		     out);
		return NULL;
	}
	parent = realpath(parent_of(&tree->arena, out), NULL);
	if (!parent || *name == '\0')
		fail(tree, TREE_REFUSED,
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
		return fail(tree, TREE_REFUSED,
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
		return fail(tree, TREE_FAILED, "%s: cannot open: %s", parent,
			    strerror(errno));
	return TREE_OK;
}

/* --------------------------------------------------------------- lock --
 * The work directory is the lock (flock), and goes when the run is over. So
 * whoever got the lock looks whether it is still the one that others will find.
 */

static enum tree_result try_lock(struct tree *tree, bool *ret_locked)
{
	struct stat held, found;

	if (mkdirat(tree->parent, tree->work_name, 0700) != 0 &&
	    errno != EEXIST)
		return fail(tree, TREE_FAILED,
			    "%s: cannot be made: %s\nThe new tree is made "
			    "beside the old one, so the directory above %s "
			    "must be writable: choose another place, or one "
			    "directory deeper",
			    tree->work_path, strerror(errno), tree->shown);
	tree->work = files_open_dir(tree->parent, tree->work_name);
	if (tree->work < 0)
		return tree->work == -ENOENT
			       ? TREE_OK
			       : fail_work(tree, "cannot open", tree->work);
	if (flock(tree->work, LOCK_EX | LOCK_NB) != 0)
		return errno == EWOULDBLOCK
			       ? fail(tree, TREE_FAILED,
				      "%s: another ipxe-embed is at work on it; "
				      "wait for it to end",
				      tree->shown)
			       : fail_work(tree, "cannot be locked", -errno);
	*ret_locked = fstat(tree->work, &held) == 0 &&
		      files_stat(tree->parent, tree->work_name, &found) == 0 &&
		      held.st_ino == found.st_ino;
	return TREE_OK;
}

static enum tree_result lock(struct tree *tree)
{
	bool locked = false;
	enum tree_result result = TREE_OK;

	while (!locked && result == TREE_OK) {
		close_fd(&tree->work);
		result = try_lock(tree, &locked);
	}
	if (!locked)
		close_fd(&tree->work);
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
static enum tree_result settle(struct tree *tree, int old,
			       const struct manifest *ours,
			       struct foreigns *known)
{
	struct sbuf path = { 0 };
	struct settle job = {
		.old = old,
		.now = tree->live,
		.ours = ours,
		.known = known,
		.work = tree->work,
		.work_path = tree->work_path,
		.aside = &tree->aside,
		.path = &path,
	};
	int error = settle_run(&job);
	enum tree_result result = TREE_OK;

	if (error == 0 && unlinkat(tree->work, STAGE, AT_REMOVEDIR) != 0)
		error = -errno;
	if (error)
		result = fail(tree, TREE_FAILED,
			      "%s/" STAGE "%s%s: cannot be tidied up: %s\n"
			      "The tree %s is complete and in place; this is "
			      "what is left of the one before",
			      tree->work_path, path.len ? "/" : "",
			      sbuf_text(&path), strerror(-error), tree->shown);
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
		return fail_work(tree, "cannot be tidied up",
				 old < 0 ? old : -errno);
	if (stage_is_new(tree, st.st_ino)) {
		error = remove_dir(tree->work, STAGE);
		if (error)
			result = fail_work(tree, "cannot be removed", error);
	} else {
		ours = read_manifest(tree, old, &bytes, &why);
		result = settle(tree, old, ours ? ours : &nothing, NULL);
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
		return fail_work(tree, "cannot be tidied up", error);
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
		return fail(tree, TREE_REFUSED,
			    "%s: is no directory; name another, or remove it",
			    tree->shown);
	if (tree->live < 0)
		return fail_at(tree, "", "cannot open", tree->live);
	if (is_mount_point(tree->live))
		return fail(tree, TREE_REFUSED,
			    "%s: is a mount point, which cannot be exchanged "
			    "for a new tree in one step; name a directory "
			    "inside it, as %s/tree",
			    tree->shown, tree->shown);
	if (faccessat(tree->live, ".", R_OK | W_OK | X_OK, AT_EACCESS) != 0)
		return fail_at(tree, "", "cannot be written", -errno);
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
		return fail(tree, TREE_REFUSED,
			    "%s: holds files but no " MANIFEST_NAME
			    ": it was not made by ipxe-embed, and is left "
			    "alone; name a new or an empty directory",
			    tree->shown);
	tree->old = read_manifest(tree, tree->live, bytes, &why);
	if (!tree->old)
		result = fail(tree, TREE_REFUSED,
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
		return fail(tree, TREE_REFUSED,
			    "%s: its file system cannot exchange two "
			    "directories in one step; write to a local one "
			    "(ext4, xfs, btrfs, tmpfs) and copy from there",
			    tree->shown);
	return error ? fail_work(tree, "cannot be written", -error) : TREE_OK;
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

enum tree_result tree_open(const char *out, struct statcache *cache,
			   struct sbuf *why, struct tree **ret_tree)
{
	struct tree *tree = xrealloc(NULL, sizeof(*tree));
	enum tree_result result;

	memset(tree, 0, sizeof(*tree));
	tree->cache = cache;
	tree->why = why;
	tree->parent = tree->work = tree->live = tree->stage = -1;
	result = open_steps(tree, out);
	if (result != TREE_OK) {
		tree_free(tree);
		return result;
	}
	tree->next = *tree->old;
	*ret_tree = tree;
	return TREE_OK;
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
	close_fd(&tree->stage);
	close_fd(&tree->live);
	close_fd(&tree->work);
	close_fd(&tree->parent);
	sbuf_release(&tree->aside);
	sbuf_release(&tree->old_bytes);
	arena_release(&tree->arena);
	free(tree);
}

/* --------------------------------------------------------------- wants -- */

const struct manifest *tree_manifest(const struct tree *tree)
{
	return tree->old;
}

int tree_read(const struct tree *tree, struct text path, size_t max_bytes,
	      struct sbuf *ret_bytes)
{
	if (!manifest_find(tree->old, path))
		return -ENOENT;
	return files_read(tree->live, path.ptr, max_bytes, ret_bytes);
}

void tree_set_site(struct tree *tree, struct text site, unsigned verify,
		   struct text signer)
{
	tree->next.site = site;
	tree->next.verify = verify;
	tree->next.signer = signer;
}

static struct wanted *put(struct tree *tree, const struct tree_file *file,
			  enum origin origin)
{
	struct wanted *wanted = vec_push(&tree->arena, &tree->wanted);

	wanted->file.path = file->path;
	wanted->file.wanted_by = file->wanted_by;
	wanted->file.wanted_by_count = file->wanted_by_count;
	wanted->origin = origin;
	wanted->order = tree->wanted.count;
	return wanted;
}

void tree_put_bytes(struct tree *tree, const struct tree_file *file,
		    struct text bytes)
{
	struct wanted *wanted = put(tree, file, FROM_BYTES);

	wanted->bytes = bytes;
	sha256_of(bytes.ptr, bytes.len, &wanted->file.digest);
}

void tree_put_file(struct tree *tree, const struct tree_file *file,
		   const char *from, const struct digest *digest)
{
	struct wanted *wanted = put(tree, file, FROM_FILE);

	wanted->from = from;
	wanted->file.digest = *digest;
}

void tree_keep(struct tree *tree, struct text path)
{
	const struct manifest_file *old = manifest_find(tree->old, path);
	struct tree_file file = { .path = path };
	struct wanted *wanted = put(tree, &file, FROM_OLD_TREE);

	/* If it is not there, the commit says so. */
	if (old)
		wanted->file = *old;
}

void tree_keep_all(struct tree *tree)
{
	for (size_t i = 0; i < tree->old->count; i++)
		tree_keep(tree, tree->old->files[i].path);
}

const char *tree_scratch(struct tree *tree)
{
	int dir;

	if (tree->scratch_path)
		return tree->scratch_path;
	dir = files_make_dir(tree->work, SCRATCH);
	if (dir < 0) {
		fail_work(tree, "cannot be written", dir);
		return NULL;
	}
	close(dir);
	tree->scratch_path =
		arena_printf(&tree->arena, "%s/" SCRATCH, tree->work_path);
	return tree->scratch_path;
}

static int compare_wanted(const void *a, const void *b)
{
	const struct wanted *x = a, *y = b;
	int order = text_compare(x->file.path, y->file.path);

	return order ? order : (x->order < y->order) - (x->order > y->order);
}

/* Sort by path; of several for one path the last one put stays. */
static enum tree_result sort_wanted(struct tree *tree)
{
	struct wanted *at = tree->wanted.at;
	size_t count = 0;

	if (tree->wanted.count)
		qsort(at, tree->wanted.count, sizeof(*at), compare_wanted);
	for (size_t i = 0; i < tree->wanted.count; i++) {
		const char *refusal = manifest_path_refusal(at[i].file.path);

		if (refusal)
			return fail(tree, TREE_REFUSED, "%s/%s: the path %s",
				    tree->shown, at[i].file.path.ptr, refusal);
		if (!count ||
		    !text_equal(at[count - 1].file.path, at[i].file.path))
			at[count++] = at[i];
	}
	tree->wanted.count = count;
	return TREE_OK;
}

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

static void list_next(struct tree *tree)
{
	size_t count = tree->wanted.count;

	tree->next.files =
		arena_new_array(&tree->arena, count, struct manifest_file);
	tree->next.count = count;
	for (size_t i = 0; i < count; i++)
		tree->next.files[i] = tree->wanted.at[i].file;
}

/* ---------------------------------------------------- what is unchanged -- */

static const char *real_path(struct tree *tree, struct text path)
{
	return arena_printf(&tree->arena, "%s/%s", tree->real, path.ptr);
}

/* Damage in the old tree is no error: the file is written anew. */
static bool live_is_good(struct tree *tree, const struct manifest_file *file)
{
	struct digest digest;
	struct stat st;
	int fd = files_open(tree->live, file->path.ptr, &st), result;

	if (fd < 0)
		return false;
	result = statcache_digest(tree->cache, real_path(tree, file->path), fd,
				  &digest);
	close(fd);
	return result == 0 && digest_equal(&digest, &file->digest) &&
	       (st.st_mode & 07777) == 0644;
}

static bool live_is_there(struct tree *tree, const struct manifest_file *file)
{
	struct stat st;

	return files_stat(tree->live, file->path.ptr, &st) == 0 &&
	       S_ISREG(st.st_mode) &&
	       (uint64_t)st.st_size == file->digest.size_bytes;
}

static enum tree_result find_live(struct tree *tree)
{
	vec_foreach (struct wanted, w, &tree->wanted) {
		const struct manifest_file *old =
			manifest_find(tree->old, w->file.path);

		if (!old || !digest_equal(&old->digest, &w->file.digest))
			w->live = false;
		else if (w->origin == FROM_OLD_TREE)
			w->live = live_is_there(tree, old);
		else
			w->live = live_is_good(tree, old);
		if (w->origin == FROM_OLD_TREE && !w->live)
			return fail(tree, TREE_BAD_INPUT,
				    "%s/%s: is gone or damaged, and cannot be "
				    "carried over; build the tree again",
				    tree->shown, w->file.path.ptr);
	}
	return TREE_OK;
}

static void summarize(struct tree *tree, const struct sbuf *manifest,
		      struct tree_summary *sum)
{
	vec_foreach (struct wanted, w, &tree->wanted) {
		if (w->live) {
			sum->kept++;
		} else {
			sum->written++;
			sum->written_bytes += w->file.digest.size_bytes;
		}
	}
	for (size_t i = 0; i < tree->old->count; i++)
		sum->removed +=
			!manifest_find(&tree->next, tree->old->files[i].path);
	sum->changed =
		tree->live < 0 || sum->written || sum->removed ||
		manifest->len != tree->old_bytes.len ||
		memcmp(manifest->ptr, tree->old_bytes.ptr, manifest->len) != 0;
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
		scan->result =
			fail(tree, TREE_REFUSED,
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
	scan->result = fail(scan->tree, TREE_REFUSED,
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
		return fail_at(tree, "", "cannot be read", -errno);
	scan.device = st.st_dev;
	error = files_walk(tree->live, scan_device, &scan, &path);
	if (error && scan.result == TREE_OK)
		scan.result = fail_at(tree, sbuf_text(&path), "cannot be read",
				      error);
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
		return fail_at(tree, path, "cannot be written", to);
	error = files_copy(from, to, &digest);
	if (close(to) != 0 && error == 0)
		error = -errno;
	if (error)
		return fail(tree, TREE_FAILED, "%s/%s: copying %s: %s",
			    tree->shown, path, shown_from, strerror(-error));
	if (!digest_equal(&digest, &w->file.digest))
		return fail(tree, TREE_BAD_INPUT,
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
		return fail(tree, TREE_BAD_INPUT, "%s: cannot be read: %s",
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
		return fail_at(tree, path, "cannot be read", from);
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
		return fail_at(tree, path, "cannot be written", error);
	if (error == 0)
		return TREE_OK;
	if (w->origin == FROM_FILE)
		return stage_file(tree, w);
	error = files_write(tree->stage, path, w->bytes.ptr, w->bytes.len);
	return error ? fail_at(tree, path, "cannot be written", error)
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
	return error ? fail_at(tree, path, "cannot be carried over", error)
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
		return fail_at(tree, path, "cannot be carried over", error);
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
			result = fail_at(tree, foreign->path.ptr,
					 "cannot be carried over", dir);
		close_fd(&dir);
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
		close_fd(&from);
		close_fd(&to);
		if (error)
			return fail_at(tree, foreign->path.ptr,
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
		return fail_work(tree, "cannot be written", tree->stage);
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
	return error ? fail_work(tree, "cannot be written", error) : TREE_OK;
}

static enum tree_result fill_stage(struct tree *tree,
				   const struct sbuf *manifest)
{
	enum tree_result result = stage_foreign(tree);
	int error;

	for (size_t i = 0; i < tree->wanted.count && result == TREE_OK; i++)
		result = stage_wanted(tree, &tree->wanted.at[i]);
	if (result != TREE_OK)
		return result;
	error = files_write(tree->stage, MANIFEST_NAME, manifest->ptr,
			    manifest->len);
	if (error)
		return fail_at(tree, MANIFEST_NAME, "cannot be written", error);
	result = stage_attributes(tree);
	/* One call for thousands of files and directories. */
	if (result == TREE_OK && syncfs(tree->stage) != 0)
		result = fail_work(tree, "cannot be written to disk", -errno);
	return result;
}

/* ------------------------------------------------------------ exchange -- */

static enum tree_result take_new_place(struct tree *tree)
{
	if (renameat2(tree->work, STAGE, tree->parent, tree->name,
		      RENAME_NOREPLACE) == 0)
		return TREE_OK;
	if (errno == EEXIST)
		return fail(tree, TREE_FAILED,
			    "%s: somebody made it meanwhile; try again",
			    tree->shown);
	return fail_at(tree, "", "the new tree cannot be put there", -errno);
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
		return fail_at(tree, "", "cannot be exchanged for the new tree",
			       error);
	if (fstat(tree->live, &looked_at) == 0 &&
	    files_stat(tree->work, STAGE, &got) == 0 &&
	    looked_at.st_ino == got.st_ino)
		return TREE_OK;
	/* Not the tree that the new one was made from. */
	error = exchange(tree);
	if (error)
		tree->swapped = true; /* let the next run sort it out */
	return fail(tree, TREE_FAILED,
		    "%s: somebody exchanged it meanwhile; try again",
		    tree->shown);
}

/* The next build finds the digests of what lies there now, and reads nothing.
 * Links made above have touched ctime, so stamps are taken afresh. */
static void remember(struct tree *tree)
{
	struct timespec now, tick = { .tv_nsec = CLOCK_TICK_NS };

	nanosleep(&tick, NULL);
	clock_gettime(CLOCK_REALTIME, &now);
	vec_foreach (struct wanted, w, &tree->wanted) {
		struct stat st;

		if (w->origin != FROM_OLD_TREE &&
		    files_stat(tree->live, w->file.path.ptr, &st) == 0)
			statcache_note(tree->cache,
				       real_path(tree, w->file.path), &st, &now,
				       &w->file.digest);
	}
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
		result = fail_at(tree, "", "cannot be written to disk", -errno);
	else if (replace)
		result = settle(tree, old, tree->old, &tree->foreign);
	close_fd(&old);
	if (result == TREE_OK) {
		files_remove(tree->work, STAGED);
		remember(tree);
	}
	return result;
}

static enum tree_result commit_changes(struct tree *tree,
				       const struct sbuf *manifest)
{
	enum tree_result result = find_foreign(tree);

	find_twins(tree);
	if (result == TREE_OK)
		result = make_stage(tree);
	if (result == TREE_OK)
		result = fill_stage(tree, manifest);
	return result == TREE_OK ? swap(tree) : result;
}

enum tree_result tree_commit(struct tree *tree,
			     struct tree_summary *ret_summary)
{
	struct tree_summary summary = { 0 };
	struct sbuf manifest = { 0 };
	enum tree_result result = sort_wanted(tree);

	if (result == TREE_OK)
		result = find_live(tree);
	if (result != TREE_OK)
		return result;
	list_next(tree);
	manifest_write(&tree->next, &manifest);
	summarize(tree, &manifest, &summary);
	if (summary.changed)
		result = commit_changes(tree, &manifest);
	sbuf_release(&manifest);
	summary.aside = sbuf_text(&tree->aside);
	if (result == TREE_OK)
		*ret_summary = summary;
	return result;
}
