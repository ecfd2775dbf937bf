#include "spool.h"

#include "arena.h"
#include "cleanup.h"
#include "compile.h"
#include "files.h"
#include "little.h"
#include "sbuf.h"
#include "signing.h"
#include "vec.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define TITLE "ipxe-embed unfinished signatures 1\n"

/* Behind the title, records: SHA-256 of the content, length of the signature in four bytes, the
 * least significant first, and the signature. */
enum { SHA256_BYTES = 32, HEAD_BYTES = SHA256_BYTES + 4 };

#define SPOOL_BYTES_MAX ((size_t)2 << 30)

struct found {
	const unsigned char *sha256;
	struct text der;
};

struct spool {
	struct arena arena;
	int fd; /**< -1: nothing is kept */
	pthread_mutex_t lock;
	struct sbuf bytes;       /**< of the runs before */
	VEC(struct found) found; /**< sorted by content */
};

static int compare_found(const void *a, const void *b)
{
	return memcmp(((const struct found *)a)->sha256,
		      ((const struct found *)b)->sha256, SHA256_BYTES);
}

/* @return bytes of whole records */
static size_t read_records(struct spool *spool)
{
	size_t at = strlen(TITLE);

	while (spool->bytes.len - at >= HEAD_BYTES) {
		const char *record = spool->bytes.ptr + at;
		size_t len = (size_t)little_get(record + SHA256_BYTES, 4);

		if (len > SIGNATURE_MAX_BYTES ||
		    len > spool->bytes.len - at - HEAD_BYTES)
			break;
		*vec_push(&spool->arena, &spool->found) = (struct found){
			(const unsigned char *)record,
			{ record + HEAD_BYTES, len },
		};
		at += HEAD_BYTES + len;
	}
	if (spool->found.count > 1)
		qsort(spool->found.at, spool->found.count,
		      sizeof(*spool->found.at), compare_found);
	return at;
}

static bool write_all(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t done = write(fd, bytes, len);

		if (done < 0 && errno != EINTR)
			return false;
		if (done > 0) {
			bytes += done;
			len -= (size_t)done;
		}
	}
	return true;
}

/* Somebody else's file is left alone. */
static bool is_ours(struct spool *spool)
{
	if (files_slurp(spool->fd, SPOOL_BYTES_MAX, &spool->bytes) != 0)
		return false;
	if (spool->bytes.len)
		return strncmp(spool->bytes.ptr, TITLE, strlen(TITLE)) == 0;
	sbuf_puts(&spool->bytes, TITLE);
	return write_all(spool->fd, TITLE, strlen(TITLE));
}

/* What was written half is cut off, or it would hide all behind it. */
static void load(struct spool *spool, const char *path)
{
	spool->fd =
		open(path, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC,
		     0600);
	if (spool->fd < 0)
		return;
	if (!is_ours(spool) ||
	    ftruncate(spool->fd, (off_t)read_records(spool)) != 0) {
		close(spool->fd);
		spool->fd = -1;
	}
}

struct spool *spool_open(const char *path)
{
	struct spool *spool = xrealloc(NULL, sizeof(*spool));

	memset(spool, 0, sizeof(*spool));
	spool->fd = -1;
	pthread_mutex_init(&spool->lock, NULL);
	if (path)
		load(spool, path);
	return spool;
}

void spool_free(struct spool *spool)
{
	if (!spool)
		return;
	if (spool->fd >= 0)
		close(spool->fd);
	pthread_mutex_destroy(&spool->lock);
	sbuf_release(&spool->bytes);
	arena_release(&spool->arena);
	free(spool);
}

struct text spool_find(const struct spool *spool, const struct digest *content)
{
	const struct found key = { .sha256 = content->sha256 }, *found = NULL;

	if (spool->found.count)
		found = bsearch(&key, spool->found.at, spool->found.count,
				sizeof(key), compare_found);
	return found ? found->der : (struct text){ 0 };
}

void spool_add(struct spool *spool, const struct digest *content,
	       struct text der)
{
	CLEANUP(sbuf) record = { 0 };
	char len[4];

	little_put(len, sizeof(len), der.len);
	sbuf_add(&record, content->sha256, SHA256_BYTES);
	sbuf_add(&record, len, sizeof(len));
	sbuf_add(&record, der.ptr, der.len);
	pthread_mutex_lock(&spool->lock);
	/* On a full disk, say, it is worth nothing any more. */
	if (spool->fd >= 0 && !write_all(spool->fd, record.ptr, record.len)) {
		close(spool->fd);
		spool->fd = -1;
	}
	pthread_mutex_unlock(&spool->lock);
}
