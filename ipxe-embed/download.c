#include "download.h"

#include "arena.h"
#include "bake.h"
#include "base.h"
#include "cleanup.h"
#include "copy.h"
#include "files.h"
#include "hex.h"
#include "progress.h"
#include "sbuf.h"
#include "statcache.h"
#include "store.h"
#include "value.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define CONNECT_TIMEOUT_S 20L
/* Slower than this for so long is no progress. */
#define STALL_BYTES_S 100L
#define STALL_S       20L
#define REDIRECTS_MAX 10L
/* iPXE counts the bytes of an image in 32 bits on BIOS. */
#define DOWNLOAD_BYTES_MAX (4LL * 1024 * 1024 * 1024)

/* One file, while it is fetched. */
struct transfer {
	const struct download_request *request;
	const char *path, *part; /* where it goes; where it grows */
	int fd;                  /* of the part, locked */
	struct text name;        /* for whoever watches */
	int error;               /* -errno, when it could not be kept */
	bool large;
	curl_off_t bytes;
};

/* -------------------------------------------------------------- cache -- */

static const char *cache_path(struct arena *arena, const struct digest *digest)
{
	const char *cache = base_cache(arena);
	char hex[65];

	hex_digits(digest->sha256, sizeof(digest->sha256), hex);
	return cache ? arena_printf(arena, "%s/downloads/%s", cache, hex)
		     : NULL;
}

bool download_find(struct arena *arena, struct digest *digest)
{
	const char *path = cache_path(arena, digest);
	struct stat st;

	if (!path || stat(path, &st) != 0 || !S_ISREG(st.st_mode))
		return false;
	digest->size_bytes = (uint64_t)st.st_size;
	return true;
}

static int measure(const struct download_request *request, const char *path,
		   int fd, struct digest *ret_digest)
{
	if (lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	return request->cache
		       ? statcache_digest(request->cache, path, fd, ret_digest)
		       : files_hash(fd, ret_digest);
}

static bool same_content(const struct digest *a, const struct digest *b)
{
	return memcmp(a->sha256, b->sha256, sizeof(a->sha256)) == 0;
}

/* What is there but is another file was damaged, and is fetched again. */
static bool is_there(const struct download_request *request, const char *path,
		     struct digest *digest)
{
	const char *name = strrchr(path, '/') + 1;
	const char *directory =
		arena_copy(request->arena, path, (size_t)(name - path));
	int fd = store_open(directory, name);
	struct digest found;
	bool is = fd >= 0 && measure(request, path, fd, &found) == 0 &&
		  same_content(&found, digest);

	if (fd >= 0)
		close(fd);
	if (is)
		*digest = found;
	return is;
}

enum part_is { PART_OURS, PART_GONE, PART_FAILED };

/* Wait for the lock of what lies at the part's path. */
static enum part_is try_part(struct transfer *t)
{
	struct stat ours, there;
	int fd = open(t->part, O_RDWR | O_CREAT | O_CLOEXEC, 0644), error = 0;

	if (fd < 0) {
		t->error = -errno;
		return PART_FAILED;
	}
	while (!error && flock(fd, LOCK_EX) != 0)
		error = errno == EINTR ? 0 : -errno;
	if (!error && fstat(fd, &ours) != 0)
		error = -errno;
	if (!error && stat(t->part, &there) != 0)
		error = errno == ENOENT ? 0 : -errno;
	else if (!error && ours.st_dev == there.st_dev &&
		 ours.st_ino == there.st_ino) {
		t->fd = fd;
		return PART_OURS;
	}
	close(fd);
	t->error = error;
	return error ? PART_FAILED : PART_GONE;
}

/* Who holds the lock of the part is the one who fetches it. One that is gone
 * was given its name by another run, which was faster.
 *
 * @return 0 or -errno
 */
static int open_part(struct transfer *t)
{
	enum part_is part;

	do
		part = try_part(t);
	while (part == PART_GONE);
	return part == PART_OURS ? 0 : t->error;
}

static enum download_result fail_part(const struct transfer *t, int error,
				      struct sbuf *why)
{
	sbuf_printf(why, "%s: cannot be opened and locked: %s", t->part,
		    strerror(-error));
	if (error == -ENOLCK || error == -ENOTSUP || error == -ENOSYS)
		sbuf_puts(why, "; let IPXE_EMBED_CACHE name a directory on a "
			       "file system that has locks");
	return DOWNLOAD_FAILED;
}

/* ------------------------------------------------------------ network -- */

static size_t receive(char *bytes, size_t size, size_t count, void *ctx)
{
	struct transfer *t = ctx;
	size_t len = size * count;

	if ((t->bytes += (curl_off_t)len) > DOWNLOAD_BYTES_MAX) {
		t->large = true;
		return CURL_WRITEFUNC_ERROR;
	}
	for (size_t done = 0; done < len;) {
		ssize_t written = write(t->fd, bytes + done, len - done);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0) {
			t->error = -errno;
			return CURL_WRITEFUNC_ERROR;
		}
		done += (size_t)written;
	}
	return len;
}

static int watch(void *ctx, curl_off_t total, curl_off_t now,
		 curl_off_t upload_total, curl_off_t upload_now)
{
	const struct transfer *t = ctx;
	struct bake_progress at = { .images = t->name.ptr, .step = "fetching" };

	(void)upload_total, (void)upload_now;
	if (total > 0) {
		at.total = (size_t)total;
		at.done = (size_t)now;
	}
	progress_show(t->request->progress, &at);
	return 0;
}

/* The names came with 7.85; the numbers are gone from later ones. */
static void only_http(CURL *curl)
{
#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
#else
	const long protocols = CURLPROTO_HTTP | CURLPROTO_HTTPS;

	curl_easy_setopt(curl, CURLOPT_PROTOCOLS, protocols);
	curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS, protocols);
#endif
}

static void set_options(CURL *curl, struct transfer *t, char *error)
{
	only_http(curl);
	curl_easy_setopt(curl, CURLOPT_URL, t->request->url.ptr);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "ipxe-embed");
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
	curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
	curl_easy_setopt(curl, CURLOPT_MAXREDIRS, REDIRECTS_MAX);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT_S);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, STALL_BYTES_S);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, STALL_S);
	curl_easy_setopt(curl, CURLOPT_MAXFILESIZE_LARGE,
			 (curl_off_t)DOWNLOAD_BYTES_MAX);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, t);
	if (t->request->progress) {
		curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, watch);
		curl_easy_setopt(curl, CURLOPT_XFERINFODATA, t);
		curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	}
}

static void say(const struct transfer *t, CURLcode code, const char *error,
		struct sbuf *why)
{
	sbuf_printf(why, "\"%s\": ", t->request->url.ptr);
	if (t->error)
		sbuf_printf(why, "%s: %s", t->part, strerror(-t->error));
	else if (t->large || code == CURLE_FILESIZE_EXCEEDED)
		sbuf_puts(why, "is larger than 4 GiB");
	else
		sbuf_puts(why, *error ? error : curl_easy_strerror(code));
}

/* @return whether the part has all that the server sent */
static bool fetch(struct transfer *t, struct sbuf *why)
{
	char error[CURL_ERROR_SIZE] = "";
	CURL *curl = curl_easy_init();
	CURLcode code = CURLE_FAILED_INIT;

	if (curl) {
		set_options(curl, t, error);
		code = curl_easy_perform(curl);
		curl_easy_cleanup(curl);
	}
	if (t->request->progress)
		progress_end(t->request->progress);
	if (code != CURLE_OK)
		say(t, code, error, why);
	return code == CURLE_OK;
}

/* ---------------------------------------------------------------- all -- */

static enum download_result fail(const char *path, int error, struct sbuf *why)
{
	sbuf_printf(why, "%s: %s", path, strerror(-error));
	return DOWNLOAD_FAILED;
}

/* Give the part its name, if it is what was meant. */
static enum download_result keep(struct transfer *t, struct digest *digest,
				 struct sbuf *why)
{
	struct digest found;
	char hex[65];
	int error;

	error = lseek(t->fd, 0, SEEK_SET) < 0 ? -errno
					      : files_hash(t->fd, &found);
	if (!error && !same_content(&found, digest)) {
		hex_digits(found.sha256, sizeof(found.sha256), hex);
		sbuf_printf(why,
			    "\"%s\" is another file, of %llu bytes with "
			    "the SHA-256 %s",
			    t->request->url.ptr,
			    (unsigned long long)found.size_bytes, hex);
		return DOWNLOAD_WRONG;
	}
	if (!error && (fsync(t->fd) || rename(t->part, t->path)))
		error = -errno;
	if (error)
		return fail(t->part, error, why);
	*digest = found;
	return DOWNLOAD_OK;
}

static enum download_result transfer(struct transfer *t, struct digest *digest,
				     struct sbuf *why)
{
	enum download_result result = DOWNLOAD_FAILED;

	if (is_there(t->request, t->path, digest)) {
		unlink(t->part);
		return DOWNLOAD_OK;
	}
	if (ftruncate(t->fd, 0))
		fail(t->part, -errno, why);
	else if (fetch(t, why))
		result = keep(t, digest, why);
	if (result != DOWNLOAD_OK)
		unlink(t->part);
	return result;
}

enum download_result download(const struct download_request *request,
			      struct digest *digest, struct sbuf *why,
			      struct text *ret_path)
{
	struct arena *arena = request->arena;
	const char *path = cache_path(arena, digest);
	struct transfer t = { .request = request, .path = path, .fd = -1 };
	enum download_result result;
	const char *directory;
	int error;

	if (!path) {
		sbuf_puts(why, "there is no place for it, since HOME is not "
			       "set");
		return DOWNLOAD_FAILED;
	}
	*ret_path = text_of(path);
	if (is_there(request, path, digest))
		return DOWNLOAD_OK;
	directory = arena_printf(arena, "%s/downloads", base_cache(arena));
	error = copy_make_path(directory);
	if (error)
		return fail(directory, error, why);
	t.part = arena_printf(arena, "%s.part", path);
	t.name = text_basename(request->url);
	error = open_part(&t);
	if (error)
		return fail_part(&t, error, why);
	result = transfer(&t, digest, why);
	close(t.fd);
	return result;
}
