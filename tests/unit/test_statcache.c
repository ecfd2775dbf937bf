/* The cache must never give a digest of what a file held before. */
#include "files.h"
#include "place.h"
#include "sha256.h"
#include "statcache.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static char base[PLACE_BYTES];

static int setup(void **state)
{
	(void)state;
	return mkdtemp(place_template(base)) && chdir(base) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
	static const char *const names[] = { "file", "file2", "below/digests",
					     "cache" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(names[i]);
	rmdir("below");
	return chdir("/") == 0 && rmdir(base) == 0 ? 0 : -1;
}

static void write_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

/* Time stamps get old enough to be believed. */
static void wait_a_tick(void)
{
	struct timespec tick = { .tv_nsec = 30 * 1000000 };

	nanosleep(&tick, NULL);
}

static struct statcache *open_cache(void)
{
	char path[PLACE_BYTES + 32];

	snprintf(path, sizeof(path), "%s/below/digests", base);
	return statcache_open(path);
}

static void assert_digest(struct statcache *cache, const char *text)
{
	struct digest expected, got;
	int fd = open("file", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(statcache_digest(cache, "file", fd, &got), 0);
	close(fd);
	sha256_of(text, strlen(text), &expected);
	assert_memory_equal(&got, &expected, sizeof(got));
}

/* The file as it is now is remembered to hold @p text, which may be a lie: so
 * that one sees where an answer comes from. */
static void remember_as(const char *path, const char *text)
{
	struct statcache *cache = open_cache();
	struct timespec now;
	struct digest digest;
	struct stat st;

	clock_gettime(CLOCK_REALTIME, &now);
	assert_int_equal(stat(path, &st), 0);
	sha256_of(text, strlen(text), &digest);
	statcache_note(cache, path, &st, &now, &digest);
	statcache_save(cache);
	statcache_free(cache);
}

static void remember(const char *text)
{
	remember_as("file", text);
}

static void test_remembers(void **state)
{
	struct statcache *cache;

	(void)state;
	write_text("file", "true");
	wait_a_tick();
	remember("lie!");
	cache = open_cache();
	assert_digest(cache, "lie!");
	statcache_free(cache);
}

/* Anything that happens to a file shows. */
static void test_forgets_what_changed(void **state)
{
	static const char *const acts[] = {
		"echo new >file",
		"printf true >file",
		"touch file",
		"touch -d 2001-02-03 file",
		"chmod 600 file",
		"printf true >file2; mv file2 file",
		"cp -p file file2; mv file2 file",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		struct statcache *cache;

		write_text("file", "true");
		wait_a_tick();
		remember("lie!");
		assert_int_equal(system(acts[i]), 0);
		cache = open_cache();
		assert_digest(cache, i == 0 ? "new\n" : "true");
		statcache_free(cache);
	}
}

/* Of what is gone, nothing is kept: the cache of all sites stays small. */
static void test_forgets_what_is_gone(void **state)
{
	struct stat with, without;

	(void)state;
	write_text("file", "true");
	write_text("file2", "true");
	wait_a_tick();
	remember("lie!");
	assert_int_equal(stat("below/digests", &with), 0);
	assert_int_equal(unlink("file"), 0);
	remember_as("file2", "lie!");
	assert_int_equal(stat("below/digests", &without), 0);
	/* One line still, of a path that is a letter longer. */
	assert_in_range(without.st_size, with.st_size - 8, with.st_size + 8);
}

/* A file that was touched just now may change again within the same tick. */
static void test_fresh_file(void **state)
{
	struct statcache *cache;

	(void)state;
	write_text("file", "true");
	remember("lie!");
	cache = open_cache();
	assert_digest(cache, "true");
	statcache_free(cache);
}

/* Nor is one believed with whole seconds in its time stamps, for 2 s. */
static void test_coarse_clock(void **state)
{
	struct timespec now;
	struct stat st = { .st_size = 4 };
	struct statcache *cache = open_cache();
	struct digest digest = { .size_bytes = 4 };
	char line[256];
	FILE *file;

	(void)state;
	clock_gettime(CLOCK_REALTIME, &now);
	st.st_ctim.tv_sec = now.tv_sec - 1;
	statcache_note(cache, "one second old", &st, &now, &digest);
	st.st_ctim.tv_sec = now.tv_sec - 4;
	statcache_note(cache, "four seconds old", &st, &now, &digest);
	statcache_save(cache);
	statcache_free(cache);
	file = fopen("below/digests", "re");
	assert_non_null(file);
	assert_non_null(fgets(line, sizeof(line), file));
	assert_non_null(fgets(line, sizeof(line), file));
	assert_non_null(strstr(line, "four seconds old"));
	assert_null(fgets(line, sizeof(line), file));
	fclose(file);
}

static void test_damaged_cache(void **state)
{
	static const char *const caches[] = {
		"",
		"\n\n\n",
		"something else\n",
		"ipxe-embed digests 1\n",
		"ipxe-embed digests 1\nx\n\n66\n",
		"ipxe-embed digests 1\n"
		"0000000000000000000000000000000000000000000000000000000000000"
		"000 1 2 3\n",
		"ipxe-embed digests 1\n"
		"0000000000000000000000000000000000000000000000000000000000000"
		"000 999999999999999999999999 1 1 1 1 1 file\n",
		"ipxe-embed digests 1\n"
		"0000000000000000000000000000000000000000000000000000000000000"
		"000 1 1 1 1 1 99999999 file",
	};

	(void)state;
	write_text("file", "true");
	for (size_t i = 0; i < sizeof(caches) / sizeof(caches[0]); i++) {
		char path[PLACE_BYTES + 32];
		struct statcache *cache;

		write_text("cache", caches[i]);
		snprintf(path, sizeof(path), "%s/cache", base);
		cache = statcache_open(path);
		assert_digest(cache, "true");
		statcache_save(cache);
		statcache_free(cache);
	}
}

static void test_no_place(void **state)
{
	struct statcache *cache = statcache_open("/proc/nowhere/digests");

	(void)state;
	write_text("file", "true");
	assert_digest(cache, "true");
	statcache_save(cache);
	assert_digest(cache, "true");
	statcache_free(cache);
	statcache_free(NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(remembers),
		TEST(forgets_what_changed),
		TEST(forgets_what_is_gone),
		TEST(fresh_file),
		TEST(coarse_clock),
		TEST(damaged_cache),
		TEST(no_place),
	};

	return cmocka_run_group_tests_name("statcache", tests, NULL, NULL);
}
