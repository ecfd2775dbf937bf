/* Any bytes are a record of digests, of verified signatures, or of signatures of a
 * run that ended early: what is not good is as if it were not there, and what is
 * written is read again as the same. */
#include "fuzz.h"

#include "arena.h"
#include "cleanup.h"
#include "manifest.h"
#include "spool.h"
#include "statcache.h"
#include "verified.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#undef NDEBUG
#include <assert.h>

/* Records are files that are opened by their names. */
static char path[PATH_MAX];

static void write_record(const uint8_t *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	assert(fd >= 0 && write(fd, bytes, len) == (ssize_t)len);
	close(fd);
}

static off_t record_size(void)
{
	struct stat st;

	assert(stat(path, &st) == 0);
	return st.st_size;
}

static void check_digests(void)
{
	struct statcache *cache = statcache_open(path);
	struct digest digest = { 0 }, found;
	struct timespec now = { .tv_sec = INT64_MAX };
	struct stat st = { .st_size = 1, .st_mtim.tv_sec = INT64_MAX };

	st.st_ctim.tv_sec = INT64_MIN;
	digest.size_bytes = 1;
	assert(!statcache_find(cache, "/x", &st, &found));
	statcache_note(cache, "/x", &st, &now, &digest);
	assert(statcache_find(cache, "/x", &st, &found));
	assert(digest_equal(&found, &digest));
	statcache_save(cache);
	statcache_free(cache);
}

static void check_verified(void)
{
	const struct certificates roots = { 0 };
	const struct cms_policy policy = { .roots = &roots, .now = 1000 };
	const struct cms_verdict verdict = { .from = 0, .until = 2000 };
	const struct digest content = { .sha256 = { 1 } };
	struct verified *verified = verified_open(path, &policy);

	assert(!verified_has(verified, &content, &content, NULL));
	verified_note(verified, &content, &content, &verdict);
	verified_save(verified);
	verified_free(verified);
	verified = verified_open(path, &policy);
	assert(verified_has(verified, &content, &content, NULL));
	assert(verified_has(verified, &content, &content, verdict.signer));
	verified_free(verified);
}

/* One of somebody else stays as it is; what is cut off stays cut off. */
static void check_spool(size_t len)
{
	const struct digest content = { .sha256 = { 1 } };
	const struct text der = { "der", 3 };
	struct spool *spool = spool_open(path);
	size_t before = (size_t)record_size();
	struct text found;

	assert(before <= len || !len);
	found = spool_find(spool, &content);
	if (!found.ptr)
		spool_add(spool, &content, der);
	spool_free(spool);
	if ((size_t)record_size() == before)
		return;
	spool = spool_open(path);
	found = spool_find(spool, &content);
	assert(text_equal(found, der));
	spool_free(spool);
}

static void remove_record(void)
{
	unlink(path);
}

static void make_record(void)
{
	const char *directory = getenv("TMPDIR");
	int fd;

	snprintf(path, sizeof(path), "%s/ipxe-embed-fuzz-XXXXXX",
		 directory ? directory : "/tmp");
	fd = mkstemp(path);
	assert(fd >= 0);
	close(fd);
	atexit(remove_record);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static bool made;

	if (!made)
		make_record();
	made = true;
	write_record(bytes, len);
	check_spool(len);
	write_record(bytes, len);
	check_digests();
	write_record(bytes, len);
	check_verified();
	return 0;
}
