#ifndef PROGRAM_DOWNLOAD_H
#define PROGRAM_DOWNLOAD_H
/**
 * @file
 * Files that lie elsewhere, fetched once: in the user's cache directory, below
 * `downloads`, each under the SHA-256 of its content. What is there is not
 * asked for again; a person may put files there, too.
 */
#include "compile.h"

struct progress;
struct statcache;

enum download_result {
	DOWNLOAD_OK,
	DOWNLOAD_WRONG,  /**< it is another file than the one that is meant */
	DOWNLOAD_FAILED, /**< it cannot be had, or not be kept */
};

struct download_request {
	struct arena *arena;
	struct statcache *cache;   /**< knows what needs no reading; or NULL */
	struct progress *progress; /**< NULL: nobody watches */
	struct text url;           /**< http:// or https:// */
};

/**
 * Have a file, from the cache or the network.
 *
 * @param digest	what it must hash to; its size is filled in
 * @param why	gets what is wrong: a sentence without its full stop
 * @param ret_path	lives as long as the arena; set in the case of failure,
 *	too, if there is a cache: where to put the file by hand
 */
enum download_result download(const struct download_request *request,
			      struct digest *digest, struct sbuf *why,
			      struct text *ret_path);

/**
 * Look how large a file is that has been fetched before, without reading it.
 *
 * @return whether there is one; else @p digest stays as it is
 */
bool download_find(struct arena *arena, struct digest *digest);

#endif
