#include "store.h"

#include "arena.h"
#include "bake.h"
#include "base_store.h"
#include "copy.h"
#include "files.h"
#include "stock.h"
#include "vec.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define PART ".part"
#define NOTE ".sha256"
#define LOCK ".lock"

enum {
	DAY_S = 24 * 60 * 60,
	HEX_DIGITS = 64,
};

/* ---------------------------------------------------------------- names -- */

/* @return what follows the digits; NULL if they are not there */
static const char *after_hex(const char *name)
{
	if (strspn(name, "0123456789abcdef") != HEX_DIGITS)
		return NULL;
	return name + HEX_DIGITS;
}

/* "one.lock" -> 3, or 0 */
static size_t stem(const char *name, const char *end)
{
	size_t len = strlen(name), less = strlen(end);

	return len > less && strcmp(name + len - less, end) == 0 ? len - less
								 : 0;
}

/* What was in the making when its run was killed. */
static bool is_new(const char *name)
{
	return strncmp(name, ".new-", 5) == 0;
}

static bool is_download(const char *name)
{
	const char *rest = after_hex(name);

	return rest && (!*rest || strcmp(rest, PART) == 0);
}

static bool is_uki(const char *name)
{
	const char *rest = after_hex(name);

	rest = rest && *rest == '-' ? after_hex(rest + 1) : NULL;
	return is_new(name) || (rest && strcmp(rest, ".efi") == 0);
}

static bool is_image(const char *name)
{
	const char *rest = after_hex(name);

	return is_new(name) || (rest && *rest == '-' && bake_target(rest + 1));
}

static bool is_base(const char *name)
{
	return is_new(name) ||
	       (name[0] != '.' &&
		strncmp(name, STOCK_PREFIX, strlen(STOCK_PREFIX)) != 0);
}

static bool is_build(const char *name)
{
	return name[0] != '.' && stem(name, LOCK);
}

/* ------------------------------------------------------------- removing -- */

static int was_used(int dir, const char *name, time_t before)
{
	struct stat st;
	int error = files_stat(dir, name, &st);

	return error ? error : st.st_mtime >= before ? -EBUSY : 0;
}

static int remove_file(struct arena *arena, int dir, const char *name,
		       time_t before)
{
	int error = was_used(dir, name, before);

	if (error)
		return error;
	/* Without its note, an image counts as absent: that goes first. */
	files_remove(dir, arena_printf(arena, "%s" NOTE, name));
	return files_remove(dir, name);
}

/* A part has a lock as long as somebody fetches it. */
static int remove_download(struct arena *arena, int dir, const char *name,
			   time_t before)
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), error;

	if (fd < 0)
		return -errno;
	error = flock(fd, LOCK_EX | LOCK_NB) != 0
			? -EBUSY
			: remove_file(arena, dir, name, before);
	close(fd);
	return error;
}

static int remove_base(struct arena *arena, int dir, const char *name,
		       time_t before)
{
	struct stat st;
	int error = was_used(
		dir,
		is_new(name) ? name
			     : arena_printf(arena, "%s/" BASE_JSON, name),
		before);

	if (error)
		return error;
	base_store_remove(dir, name);
	return files_stat(dir, name, &st) == 0 ? -ENOTEMPTY : 0;
}

static int remove_build(struct arena *arena, int dir, const char *name,
			time_t before)
{
	(void)arena;
	return copy_remove(dir, name, before);
}

/* ---------------------------------------------------------------- kinds -- */

static const struct kind {
	const char *name;
	bool (*is_ours)(const char *name);
	/** The directory is locked against store_open(). */
	int (*remove)(struct arena *arena, int dir, const char *name,
		      time_t before);
	bool directories; /* and not files */
} kinds[] = {
	{ "downloads", is_download, remove_download, false },
	{ "ukis", is_uki, remove_file, false },
	{ "images", is_image, remove_file, false },
	{ "bases", is_base, remove_base, true },
	{ "builds", is_build, remove_build, false },
	{ NULL, NULL, NULL, false },
};

/* -------------------------------------------------------------- listing -- */

struct listing {
	struct arena *arena;
	const struct kind *kind;
	struct store_items *items;
};

static int add_bytes(void *ctx, const struct files_seen *seen)
{
	uint64_t *bytes = ctx;

	if (seen->visit == FILES_ENTRY)
		*bytes += (uint64_t)seen->stat.st_size;
	return 0;
}

static uint64_t directory_bytes(int parent, const char *name)
{
	int dir = files_open_dir(parent, name);
	uint64_t bytes = 0;

	if (dir < 0)
		return 0;
	files_walk(dir, add_bytes, &bytes, NULL);
	close(dir);
	return bytes;
}

static bool measure_base(const struct listing *listing,
			 const struct files_seen *seen, struct store_item *item)
{
	const char *json =
		arena_printf(listing->arena, "%s/" BASE_JSON, seen->name);
	struct stat st;

	if (!is_new(seen->name)) {
		if (files_stat(seen->dir, json, &st) != 0)
			return false;
		item->used = st.st_mtime;
	}
	item->bytes = directory_bytes(seen->dir, seen->name);
	return true;
}

/* A lock stays when its copy goes, and is nothing then. */
static bool measure_build(const struct listing *listing,
			  const struct files_seen *seen,
			  struct store_item *item)
{
	item->name =
		arena_copy(listing->arena, seen->name, stem(seen->name, LOCK));
	item->bytes =
		directory_bytes(seen->dir, item->name) +
		directory_bytes(seen->dir, arena_printf(listing->arena,
							".new-%s", item->name));
	return item->bytes != 0;
}

static int list_one(void *ctx, const struct files_seen *seen)
{
	const struct listing *listing = ctx;
	const struct kind *kind = listing->kind;
	bool is_directory = seen->visit == FILES_ENTER;
	struct store_item item = {
		.kind = kind->name,
		.name = arena_copy(listing->arena, seen->path.ptr,
				   seen->path.len),
		.bytes = (uint64_t)seen->stat.st_size,
		.used = seen->stat.st_mtime,
	};
	bool is = is_directory == kind->directories &&
		  (is_directory || S_ISREG(seen->stat.st_mode)) &&
		  kind->is_ours(seen->name);

	if (is && kind->remove == remove_base)
		is = measure_base(listing, seen, &item);
	if (is && kind->remove == remove_build)
		is = measure_build(listing, seen, &item);
	if (is)
		*vec_push(listing->arena, listing->items) = item;
	return is_directory;
}

static int open_kind(struct arena *arena, const char *cache, const char *kind,
		     const char **ret_path)
{
	int fd;

	*ret_path = arena_printf(arena, "%s/%s", cache, kind);
	fd = open(*ret_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int store_list(struct arena *arena, const char *cache,
	       struct store_items *ret_items, const char **ret_path)
{
	for (const struct kind *kind = kinds; kind->name; kind++) {
		struct listing listing = { arena, kind, ret_items };
		int dir = open_kind(arena, cache, kind->name, ret_path);
		int error;

		if (dir == -ENOENT)
			continue;
		if (dir < 0)
			return dir;
		error = files_walk(dir, list_one, &listing, NULL);
		close(dir);
		if (error)
			return error;
	}
	return 0;
}

int store_remove(struct arena *arena, const char *cache,
		 const struct store_item *item, time_t before)
{
	const struct kind *kind = kinds;
	const char *path;
	int dir = open_kind(arena, cache, item->kind, &path), error;

	if (dir < 0)
		return dir;
	while (strcmp(kind->name, item->kind) != 0)
		kind++;
	error = flock(dir, LOCK_EX) != 0
			? -errno
			: kind->remove(arena, dir, item->name, before);
	close(dir);
	return error;
}

/* ---------------------------------------------------------------- using -- */

/* By the day: with another time stamp, a file has to be hashed again. */
void store_note_use(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && st.st_mtime < time(NULL) - DAY_S)
		futimens(fd, NULL);
}

int store_open(const char *directory, const char *name)
{
	int dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd;

	if (dir < 0)
		return -errno;
	/* Where there are no locks, nobody can be kept away. */
	flock(dir, LOCK_SH);
	fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fd = -errno;
	else
		store_note_use(fd);
	close(dir);
	return fd;
}
