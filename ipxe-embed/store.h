#ifndef PROGRAM_STORE_H
#define PROGRAM_STORE_H
/**
 * @file
 * What gathers in the user's cache directory, and how it goes again: what the
 * program keeps there, known by its place and form. Source trees of iPXE, bases
 * out of packages, and whatever else lies there, stay.
 *
 *     downloads/   files that sites name by url
 *     ukis/        kernels with all that belongs to them, for Secure Boot
 *     images/      compressed images
 *     bases/       iPXE, compiled
 *     builds/      private copies of iPXE's source, in which make runs
 *
 * When something was used last is the time stamp of its file, or of its lock;
 * who uses it sets that, once a day at least.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct arena;

/** What was used since is not removed: a run that began yesterday may need it. */
enum { STORE_DAYS_MIN = 2 };

/** One thing in the cache that can be removed by itself. */
struct store_item {
	const char *kind; /**< "downloads" */
	const char *name; /**< in there */
	uint64_t bytes;   /**< of all its files */
	time_t used;      /**< last */
};

/** By kind in the order above, then by name. */
struct store_items {
	struct store_item *at;
	size_t count, room;
};

/**
 * Look what there is.
 *
 * @param cache	base_cache()
 * @param ret_path	gets what could not be read; lives as long as the arena
 * @return 0 or -errno
 */
int store_list(struct arena *arena, const char *cache,
	       struct store_items *ret_items, const char **ret_path);

/**
 * Remove one thing, if nobody has used it since.
 *
 * @return 0; -EBUSY if it was used since @p before or is right now; or -errno
 */
int store_remove(struct arena *arena, const char *cache,
		 const struct store_item *item, time_t before);

/**
 * Open a file of the cache to use it. From then on it stays for two days:
 * store_remove() cannot come between.
 *
 * @return descriptor, for reading; or -errno
 */
int store_open(const char *directory, const char *name);

/** Note that an open file is used. To be called with a lock on its directory,
 * shared or not (flock(2)). */
void store_note_use(int fd);

#endif
