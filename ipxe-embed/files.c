#include "files.h"

#include "sbuf.h"
#include "sha256.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
	DIR_FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
	BLOCK_BYTES = 256 * 1024,
	DEPTH_MAX = 128,
};

static int close_with(int fd, int result)
{
	close(fd);
	return result;
}

/* ------------------------------------------------------- directories -- */

/* One part of a path, cut off; @return whether there was one */
static bool next_part(const char **path, char part[static NAME_MAX + 1])
{
	size_t len = strcspn(*path, "/");

	if (len == 0 || len > NAME_MAX)
		return false;
	memcpy(part, *path, len);
	part[len] = '\0';
	*path += len;
	if (**path == '/')
		(*path)++;
	return true;
}

/* mkdir() that the umask does not reach. */
static int make_one(int dir, const char *name)
{
	int fd;

	if (mkdirat(dir, name, 0700) != 0)
		return errno == EEXIST ? 0 : -errno;
	fd = openat(dir, name, DIR_FLAGS);
	if (fd < 0)
		return -errno;
	return close_with(fd, fchmod(fd, 0755) == 0 ? 0 : -errno);
}

static int open_dir(int root, const char *path, bool make)
{
	char part[NAME_MAX + 1];
	int dir = openat(root, ".", DIR_FLAGS);

	if (dir < 0)
		return -errno;
	while (next_part(&path, part)) {
		int result = make ? make_one(dir, part) : 0;
		int next = result ? result : openat(dir, part, DIR_FLAGS);

		if (next == -1)
			next = -errno;
		close(dir);
		if (next < 0)
			return next;
		dir = next;
	}
	return *path ? close_with(dir, -ENAMETOOLONG) : dir;
}

int files_open_dir(int root, const char *path)
{
	return open_dir(root, path, false);
}

int files_make_dir(int root, const char *path)
{
	return open_dir(root, path, true);
}

/* The directory that holds @p path, and its name in there: @p root itself if
 * the path has one part; leave_parent() lets go of it. */
static int open_parent(int root, const char *path, bool make,
		       const char **ret_name)
{
	const char *slash = strrchr(path, '/');
	char parent[PATH_MAX];

	*ret_name = slash ? slash + 1 : path;
	if (!slash)
		return root;
	if ((size_t)(slash - path) >= sizeof(parent))
		return -ENAMETOOLONG;
	memcpy(parent, path, (size_t)(slash - path));
	parent[slash - path] = '\0';
	return open_dir(root, parent, make);
}

static int leave_parent(int root, int dir, int result)
{
	return dir == root ? result : close_with(dir, result);
}

int files_near(struct files_near *near, int root, const char *path, bool make,
	       const char **ret_name)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;
	int dir;

	if (near->dir >= 0 && near->root == root && strlen(near->path) == len &&
	    memcmp(near->path, path, len) == 0) {
		*ret_name = slash ? slash + 1 : path;
		return near->dir;
	}
	files_near_release(near);
	dir = open_parent(root, path, make, ret_name);
	if (dir >= 0) {
		memcpy(near->path, path, len);
		near->path[len] = '\0';
		near->root = root;
		near->dir = dir;
	}
	return dir;
}

void files_near_release(struct files_near *near)
{
	if (near->dir >= 0 && near->dir != near->root)
		close(near->dir);
	near->dir = -1;
}

/* ------------------------------------------------------------- files -- */

int files_stat(int root, const char *path, struct stat *ret_stat)
{
	const char *name;
	int dir = open_parent(root, path, false, &name);

	if (dir < 0)
		return dir;
	if (fstatat(dir, *name ? name : ".", ret_stat, AT_SYMLINK_NOFOLLOW))
		return leave_parent(root, dir, -errno);
	return leave_parent(root, dir, 0);
}

int files_open(int root, const char *path, struct stat *ret_stat)
{
	struct stat st;
	const char *name;
	int dir = open_parent(root, path, false, &name), fd;

	if (dir < 0)
		return dir;
	/* O_NONBLOCK: a pipe in the place of a file must not hang us. */
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return leave_parent(root, dir, -errno);
	leave_parent(root, dir, 0);
	if (fstat(fd, &st) != 0)
		return close_with(fd, -errno);
	if (!S_ISREG(st.st_mode))
		return close_with(fd,
				  S_ISDIR(st.st_mode) ? -EISDIR : -EMEDIUMTYPE);
	if (ret_stat)
		*ret_stat = st;
	return fd;
}

int files_create(int root, const char *path)
{
	const char *name;
	int dir = open_parent(root, path, true, &name), fd;

	if (dir < 0)
		return dir;
	fd = openat(dir, name,
		    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return leave_parent(root, dir, -errno);
	leave_parent(root, dir, 0);
	return fchmod(fd, 0644) == 0 ? fd : close_with(fd, -errno);
}

static int write_all(int fd, const void *bytes, size_t len)
{
	const char *at = bytes;

	while (len) {
		ssize_t done = write(fd, at, len);

		if (done < 0 && errno != EINTR)
			return -errno;
		if (done > 0) {
			at += done;
			len -= (size_t)done;
		}
	}
	return 0;
}

int files_write(int root, const char *path, const void *bytes, size_t len)
{
	int fd = files_create(root, path), result;

	if (fd < 0)
		return fd;
	result = write_all(fd, bytes, len);
	if (close(fd) != 0 && result == 0)
		result = -errno;
	return result;
}

enum { SLURP_BYTES = 16384 };

/* Room for all of a file, where that is known, and for finding its end. */
static void slurp_reserve(int fd, size_t max_bytes, struct sbuf *bytes)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && st.st_size > 0 &&
	    (uint64_t)st.st_size <= max_bytes)
		sbuf_reserve(bytes, (size_t)st.st_size + 1);
}

int files_slurp(int fd, size_t max_bytes, struct sbuf *ret_bytes)
{
	size_t before = ret_bytes->len;

	slurp_reserve(fd, max_bytes, ret_bytes);
	for (;;) {
		ssize_t got;

		if (ret_bytes->room < ret_bytes->len + 2)
			sbuf_reserve(ret_bytes, SLURP_BYTES);
		got = read(fd, ret_bytes->ptr + ret_bytes->len,
			   ret_bytes->room - ret_bytes->len - 1);
		if (got == 0)
			return 0;
		if (got < 0 && errno != EINTR)
			return -errno;
		if (got < 0)
			continue;
		if (ret_bytes->len - before + (size_t)got > max_bytes)
			return -EFBIG;
		ret_bytes->len += (size_t)got;
		ret_bytes->ptr[ret_bytes->len] = '\0';
	}
}

int files_read(int root, const char *path, size_t max_bytes,
	       struct sbuf *ret_bytes)
{
	int fd = files_open(root, path, NULL);

	if (fd < 0)
		return fd;
	return close_with(fd, files_slurp(fd, max_bytes, ret_bytes));
}

int files_link(int from_root, const char *from, int to_root, const char *to)
{
	const char *from_name, *to_name;
	int from_dir = open_parent(from_root, from, false, &from_name);
	int to_dir, result = 0;

	if (from_dir < 0)
		return from_dir;
	to_dir = open_parent(to_root, to, true, &to_name);
	if (to_dir < 0)
		return leave_parent(from_root, from_dir, to_dir);
	if (linkat(from_dir, from_name, to_dir, to_name, 0) != 0)
		result = -errno;
	leave_parent(to_root, to_dir, 0);
	return leave_parent(from_root, from_dir, result);
}

int files_rename(int from_root, const char *from, int to_root, const char *to,
		 unsigned flags)
{
	const char *from_name, *to_name;
	int from_dir = open_parent(from_root, from, false, &from_name);
	int to_dir, result = 0;

	if (from_dir < 0)
		return from_dir;
	to_dir = open_parent(to_root, to, false, &to_name);
	if (to_dir < 0)
		return leave_parent(from_root, from_dir, to_dir);
	if (renameat2(from_dir, from_name, to_dir, to_name, flags) != 0)
		result = -errno;
	leave_parent(to_root, to_dir, 0);
	return leave_parent(from_root, from_dir, result);
}

int files_remove(int root, const char *path)
{
	const char *name;
	int dir = open_parent(root, path, false, &name);

	if (dir < 0)
		return dir;
	return leave_parent(root, dir,
			    unlinkat(dir, name, 0) == 0 ? 0 : -errno);
}

/* ------------------------------------------------------------ copies -- */

/* Pass everything of @p from through the hash, and on to @p to unless -1. */
static int pump(int from, int to, struct sha256 *hash)
{
	char *block = malloc(BLOCK_BYTES);
	int result = block ? 0 : -ENOMEM;

	while (result == 0) {
		ssize_t got = read(from, block, BLOCK_BYTES);

		if (got == 0)
			break;
		if (got < 0) {
			result = errno == EINTR ? 0 : -errno;
			continue;
		}
		sha256_add(hash, block, (size_t)got);
		if (to >= 0)
			result = write_all(to, block, (size_t)got);
	}
	free(block);
	return result;
}

int files_hash(int fd, struct digest *ret_digest)
{
	struct sha256 hash = { 0 };
	int result;

	sha256_begin(&hash);
	result = pump(fd, -1, &hash);
	sha256_end(&hash, ret_digest);
	sha256_release(&hash);
	return result;
}

int files_copy(int from, int to, struct digest *ret_digest)
{
	struct sha256 hash = { 0 };
	int result;

	if (ioctl(to, FICLONE, from) == 0)
		return files_hash(to, ret_digest);
	sha256_begin(&hash);
	result = pump(from, to, &hash);
	sha256_end(&hash, ret_digest);
	sha256_release(&hash);
	return result;
}

/* ----------------------------------------------------------- walking -- */

struct walk {
	files_visit_fn *visit;
	void *ctx;
	struct sbuf path;
	dev_t device;
	unsigned depth;
};

struct names {
	char **at;
	size_t count;
};

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void names_release(struct names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->at[i]);
	free(names->at);
}

static int names_push(struct names *names, const char *name)
{
	char **more = names->at;

	/* Grows at each power of two. */
	if ((names->count & (names->count - 1)) == 0)
		more = realloc(more, (names->count ? names->count * 2 : 1) *
					     sizeof(*more));
	if (!more)
		return -ENOMEM;
	names->at = more;
	more[names->count] = strdup(name);
	if (!more[names->count])
		return -ENOMEM;
	names->count++;
	return 0;
}

static int names_read(int fd, struct names *names)
{
	int copy = openat(fd, ".", DIR_FLAGS), result = 0;
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;

	if (!dir)
		return copy < 0 ? -errno : close_with(copy, -ENOMEM);
	while (result == 0 && (errno = 0, entry = readdir(dir)) != NULL)
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			result = names_push(names, entry->d_name);
	if (result == 0 && errno)
		result = -errno;
	closedir(dir);
	if (names->count)
		qsort(names->at, names->count, sizeof(*names->at),
		      compare_names);
	return result;
}

static int walk_dir(struct walk *walk, int fd);

static int walk_into(struct walk *walk, struct files_seen *seen)
{
	int fd, result = walk->visit(walk->ctx, seen);

	if (result)
		return result > 0 ? 0 : result;
	if (walk->depth >= DEPTH_MAX)
		return -ELOOP;
	fd = openat(seen->dir, seen->name, DIR_FLAGS);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	walk->depth++;
	result = close_with(fd, walk_dir(walk, fd));
	walk->depth--;
	if (result)
		return result;
	seen->visit = FILES_LEAVE;
	/* The path may have moved in memory while it grew. */
	seen->path.ptr = sbuf_text(&walk->path);
	return walk->visit(walk->ctx, seen);
}

static int walk_name(struct walk *walk, int fd, const char *name)
{
	struct files_seen seen = { .dir = fd, .name = name };
	size_t before = walk->path.len;
	int result;

	if (fstatat(fd, name, &seen.stat, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? 0 : -errno;
	if (before)
		sbuf_putc(&walk->path, '/');
	sbuf_puts(&walk->path, name);
	seen.path = (struct text){ walk->path.ptr, walk->path.len };
	seen.visit = S_ISDIR(seen.stat.st_mode) ? FILES_ENTER : FILES_ENTRY;
	result = seen.visit == FILES_ENTER ? walk_into(walk, &seen)
					   : walk->visit(walk->ctx, &seen);
	if (result == 0) {
		walk->path.len = before;
		walk->path.ptr[before] = '\0';
	}
	return result;
}

static int walk_dir(struct walk *walk, int fd)
{
	struct names names = { 0 };
	int result = names_read(fd, &names);

	for (size_t i = 0; i < names.count && result == 0; i++)
		result = walk_name(walk, fd, names.at[i]);
	names_release(&names);
	return result;
}

int files_walk(int root, files_visit_fn *visit, void *ctx,
	       struct sbuf *ret_path)
{
	struct walk walk = { .visit = visit, .ctx = ctx };
	int result = walk_dir(&walk, root);

	if (result && ret_path)
		sbuf_puts(ret_path, sbuf_text(&walk.path));
	sbuf_release(&walk.path);
	return result;
}

static int remove_seen(void *ctx, const struct files_seen *seen)
{
	int flags = seen->visit == FILES_LEAVE ? AT_REMOVEDIR : 0;

	(void)ctx;
	if (seen->visit == FILES_ENTER)
		return 0;
	return unlinkat(seen->dir, seen->name, flags) == 0 ? 0 : -errno;
}

int files_remove_all(int root, struct sbuf *ret_path)
{
	return files_walk(root, remove_seen, NULL, ret_path);
}
