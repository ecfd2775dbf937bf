#include "statcache.h"

#include "arena.h"
#include "base.h"
#include "copy.h"
#include "files.h"
#include "manifest.h"
#include "sbuf.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#define CACHE_HEADER "ipxe-embed digests 1\n"

enum {
	BUCKETS_AT_FIRST = 1024,
	CACHE_BYTES_MAX = 512 << 20,
	UNUSED_DAYS_MAX = 90,
	/* So often is it noted that a file is still used. */
	USED_DAYS_STEP = 7,
};

#define NS_PER_S 1000000000LL
/* One tick of the kernel's clock for time stamps is at most 10 ms; file systems
 * that keep whole seconds (or FAT's two) are known by their zeroes. */
#define FRESH_NS        (20 * 1000000LL)
#define FRESH_COARSE_NS (2 * NS_PER_S)

/* What tells that a file is still the same. */
struct stamp {
	uint64_t device, inode, size_bytes;
	int64_t mtime_ns, ctime_ns;
};

struct entry {
	struct entry *next;
	const char *path;
	uint32_t hash; /**< of the path */
	struct stamp stamp;
	struct digest digest;
	int64_t used_day; /**< since 1970 */
	bool fresh;       /**< good for this run only */
	bool used;        /**< in this run */
};

struct statcache {
	struct arena arena;
	const char *file; /**< NULL: there is no place for it */
	int64_t today;
	struct entry **buckets;
	size_t bucket_count, count;
	bool learnt;
	bool of_tree; /**< what is not used in this run goes */
	bool doubted; /**< nothing from before this run is believed */
};

/* A file system may hold times that do not fit: these wrap around, and still
 * tell that a file has changed. */
static int64_t nanoseconds(const struct timespec *t)
{
	return (int64_t)((uint64_t)t->tv_sec * NS_PER_S + (uint64_t)t->tv_nsec);
}

static struct stamp stamp_of(const struct stat *st)
{
	return (struct stamp){
		.device = st->st_dev,
		.inode = st->st_ino,
		.size_bytes = (uint64_t)st->st_size,
		.mtime_ns = nanoseconds(&st->st_mtim),
		.ctime_ns = nanoseconds(&st->st_ctim),
	};
}

static bool stamp_equal(const struct stamp *a, const struct stamp *b)
{
	return a->device == b->device && a->inode == b->inode &&
	       a->size_bytes == b->size_bytes && a->mtime_ns == b->mtime_ns &&
	       a->ctime_ns == b->ctime_ns;
}

/* Could it change again without a new time stamp? */
static bool stamp_is_fresh(const struct stamp *stamp,
			   const struct timespec *now)
{
	int64_t newest = stamp->mtime_ns > stamp->ctime_ns ? stamp->mtime_ns
							   : stamp->ctime_ns;
	bool coarse = stamp->ctime_ns % NS_PER_S == 0;

	return newest >
	       nanoseconds(now) - (coarse ? FRESH_COARSE_NS : FRESH_NS);
}

/* ------------------------------------------------------------ entries -- */

static uint32_t hash_of(const char *path)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	for (; *path; path++)
		hash = (hash ^ (unsigned char)*path) * 16777619u;
	return hash;
}

static struct entry **bucket_of(const struct statcache *cache, uint32_t hash)
{
	return &cache->buckets[hash % cache->bucket_count];
}

static struct entry *find_hashed(const struct statcache *cache,
				 const char *path, uint32_t hash)
{
	struct entry *entry = *bucket_of(cache, hash);

	while (entry && (entry->hash != hash || strcmp(entry->path, path) != 0))
		entry = entry->next;
	return entry;
}

static void make_room(struct statcache *cache)
{
	struct entry **old = cache->buckets;
	size_t old_count = cache->bucket_count;

	if (cache->count < old_count)
		return;
	cache->bucket_count = old_count ? 4 * old_count : BUCKETS_AT_FIRST;
	cache->buckets =
		xrealloc(NULL, cache->bucket_count * sizeof(struct entry *));
	memset(cache->buckets, 0, cache->bucket_count * sizeof(struct entry *));
	for (size_t i = 0; i < old_count; i++)
		for (struct entry *e = old[i], *next; e; e = next) {
			struct entry **bucket = bucket_of(cache, e->hash);

			next = e->next;
			e->next = *bucket;
			*bucket = e;
		}
	free(old);
}

static struct entry *entry_get(struct statcache *cache, const char *path)
{
	uint32_t hash = hash_of(path);
	struct entry *entry = find_hashed(cache, path, hash), **bucket;

	if (entry)
		return entry;
	make_room(cache);
	entry = arena_new(&cache->arena, struct entry);
	entry->path = arena_copy(&cache->arena, path, strlen(path));
	entry->hash = hash;
	bucket = bucket_of(cache, hash);
	entry->next = *bucket;
	*bucket = entry;
	cache->count++;
	return entry;
}

bool statcache_find(struct statcache *cache, const char *path,
		    const struct stat *st, struct digest *ret_digest)
{
	struct stamp stamp = stamp_of(st);
	struct entry *entry = find_hashed(cache, path, hash_of(path));

	if (!entry || (cache->doubted && !entry->used) ||
	    !stamp_equal(&entry->stamp, &stamp))
		return false;
	entry->used = true;
	if (cache->today - entry->used_day >= USED_DAYS_STEP) {
		entry->used_day = cache->today;
		cache->learnt = true;
	}
	*ret_digest = entry->digest;
	return true;
}

void statcache_note(struct statcache *cache, const char *path,
		    const struct stat *st, const struct timespec *now,
		    const struct digest *digest)
{
	struct entry *entry = entry_get(cache, path);

	entry->stamp = stamp_of(st);
	entry->digest = *digest;
	entry->used_day = cache->today;
	entry->fresh = stamp_is_fresh(&entry->stamp, now);
	entry->used = true;
	cache->learnt = true;
}

int statcache_digest(struct statcache *cache, const char *path, int fd,
		     struct digest *ret_digest)
{
	struct stat before, after;
	struct stamp a, b;
	struct timespec now;
	struct digest digest;
	int result;

	clock_gettime(CLOCK_REALTIME, &now);
	if (fstat(fd, &before) != 0)
		return -errno;
	if (statcache_find(cache, path, &before, ret_digest))
		return 0;
	result = files_hash(fd, &digest);
	if (result)
		return result;
	if (fstat(fd, &after) != 0)
		return -errno;
	a = stamp_of(&before);
	b = stamp_of(&after);
	if (!stamp_equal(&a, &b) || digest.size_bytes != b.size_bytes)
		return -EBUSY;
	statcache_note(cache, path, &after, &now, &digest);
	*ret_digest = digest;
	return 0;
}

/* -------------------------------------------------------- file format --
 * A header, then a line for each file:
 *
 *     sha256 size device inode mtime_ns ctime_ns used_day path
 */

/* A number and the space behind it; sscanf() takes as long as all the rest. */
static bool parse_number(const char **at, int64_t *ret_number)
{
	uint64_t value = 0;
	bool negative = **at == '-';
	const char *c = *at + negative;

	if (*c < '0' || *c > '9')
		return false;
	for (; *c >= '0' && *c <= '9'; c++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*c - '0'), &value))
			return false;
	if (*c != ' ')
		return false;
	*ret_number = (int64_t)(negative ? 0 - value : value);
	*at = c + 1;
	return true;
}

static bool parse_numbers(const char **at, struct entry *ret_entry)
{
	int64_t size, device, inode;

	if (!parse_number(at, &size) || !parse_number(at, &device) ||
	    !parse_number(at, &inode) ||
	    !parse_number(at, &ret_entry->stamp.mtime_ns) ||
	    !parse_number(at, &ret_entry->stamp.ctime_ns) ||
	    !parse_number(at, &ret_entry->used_day))
		return false;
	ret_entry->stamp.size_bytes = (uint64_t)size;
	ret_entry->stamp.device = (uint64_t)device;
	ret_entry->stamp.inode = (uint64_t)inode;
	return true;
}

/* Lines that are not good are dropped silently. */
static void parse_line(struct statcache *cache, const char *line, size_t len)
{
	struct entry entry = { 0 }, *stored;
	const char *at = line + 65;

	if (len < 66 || line[64] != ' ' ||
	    !digest_from_hex((struct text){ line, 64 }, &entry.digest) ||
	    !parse_numbers(&at, &entry) || !*at)
		return;
	if (entry.used_day < cache->today - UNUSED_DAYS_MAX ||
	    entry.used_day > cache->today)
		return;
	stored = entry_get(cache, at);
	stored->stamp = entry.stamp;
	stored->digest = entry.digest;
	stored->digest.size_bytes = entry.stamp.size_bytes;
	stored->used_day = entry.used_day;
}

static void load(struct statcache *cache)
{
	size_t header = strlen(CACHE_HEADER);
	struct sbuf bytes = { 0 };
	int fd = open(cache->file, O_RDONLY | O_CLOEXEC);

	if (fd >= 0 && files_slurp(fd, CACHE_BYTES_MAX, &bytes) == 0 &&
	    strncmp(sbuf_text(&bytes), CACHE_HEADER, header) == 0) {
		char *line = bytes.ptr + header, *end;

		for (; (end = strchr(line, '\n')) != NULL; line = end + 1) {
			*end = '\0';
			parse_line(cache, line, (size_t)(end - line));
		}
	}
	if (fd >= 0)
		close(fd);
	sbuf_release(&bytes);
}

/* What is gone must not slow the builds of all sites. */
static bool is_gone(const struct statcache *cache, const struct entry *entry)
{
	return !entry->used &&
	       (cache->of_tree || access(entry->path, F_OK) != 0);
}

static void write_entry(const struct statcache *cache,
			const struct entry *entry, struct sbuf *out)
{
	char hex[65];

	if (entry->fresh || strchr(entry->path, '\n') || is_gone(cache, entry))
		return;
	digest_hex(&entry->digest, hex);
	sbuf_printf(out,
		    "%s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRId64
		    " %" PRId64 " %" PRId64 " %s\n",
		    hex, entry->stamp.size_bytes, entry->stamp.device,
		    entry->stamp.inode, entry->stamp.mtime_ns,
		    entry->stamp.ctime_ns, entry->used_day, entry->path);
}

static const char *parent_of(struct arena *arena, const char *path)
{
	return arena_copy(arena, path, (size_t)(strrchr(path, '/') - path));
}

static bool write_file(const char *path, const struct sbuf *bytes)
{
	FILE *file = fopen(path, "wxe");
	bool good;

	if (!file)
		return false;
	good = fwrite(bytes->ptr, 1, bytes->len, file) == bytes->len;
	return fclose(file) == 0 && good;
}

void statcache_save(struct statcache *cache)
{
	struct sbuf out = { 0 }, temporary = { 0 };

	if (!cache->file || !cache->learnt)
		return;
	copy_make_path(parent_of(&cache->arena, cache->file));
	sbuf_puts(&out, CACHE_HEADER);
	for (size_t i = 0; i < cache->bucket_count; i++)
		for (const struct entry *e = cache->buckets[i]; e; e = e->next)
			write_entry(cache, e, &out);
	sbuf_printf(&temporary, "%s.%ld", cache->file, (long)getpid());
	unlink(temporary.ptr);
	if (!write_file(temporary.ptr, &out) ||
	    rename(temporary.ptr, cache->file) != 0)
		unlink(temporary.ptr);
	cache->learnt = false;
	sbuf_release(&temporary);
	sbuf_release(&out);
}

/* ---------------------------------------------------------- life time -- */

static const char *user_cache_file(struct arena *arena)
{
	const char *cache = base_cache(arena);

	return cache ? arena_printf(arena, "%s/digests", cache) : NULL;
}

static struct statcache *open_file(const char *file)
{
	struct statcache *cache = xrealloc(NULL, sizeof(*cache));
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	memset(cache, 0, sizeof(*cache));
	make_room(cache);
	cache->today = now.tv_sec / (24 * 60 * 60);
	cache->file =
		file ? arena_copy(&cache->arena, file, strlen(file)) : NULL;
	return cache;
}

struct statcache *statcache_open(const char *file)
{
	struct statcache *cache = open_file(file);

	if (!file)
		cache->file = user_cache_file(&cache->arena);
	if (cache->file)
		load(cache);
	return cache;
}

struct statcache *statcache_open_tree(const char *file)
{
	struct statcache *cache = open_file(file);

	cache->of_tree = true;
	if (cache->file)
		load(cache);
	return cache;
}

bool statcache_is_kept(const struct statcache *cache)
{
	return cache->file;
}

void statcache_doubt(struct statcache *cache)
{
	cache->doubted = true;
}

void statcache_free(struct statcache *cache)
{
	if (!cache)
		return;
	free(cache->buckets);
	arena_release(&cache->arena);
	free(cache);
}
