#ifndef PROGRAM_BASE_H
#define PROGRAM_BASE_H
/**
 * @file
 * The iPXE source tree that images are made from: where it is, whether it
 * will do. It is only ever read.
 */
#include "compile.h"

struct arena;
struct sbuf;
struct sha256;

enum base_state {
	BASE_NONE, /**< nobody named one, and none lies about */
	BASE_FOUND,
	BASE_REFUSED, /**< named, or found, but no use; see `why` */
};

struct base {
	enum base_state state;
	const char *path;    /**< the directory that holds iPXE's Makefile;
				  NULL for a tree that is not here */
	const char *version; /**< "2.0.0", as its Makefile has it */
	const char *origin;  /**< who named it: "--ipxe-src", "IPXE_SRC", … */
	struct digest digest; /**< of all of it that goes into an image */
	const char *why;      /**< BASE_REFUSED: sentences with the way out */
};

/**
 * Find the tree to use: the one named on the command line, else by the
 * environment variable IPXE_SRC, else the newest `ipxe-*` in the cache.
 *
 * A tree may be named by its top directory or by its `src`. One that was
 * named and is no use is refused, not passed over.
 *
 * @param option	value of --ipxe-src, or NULL
 */
void base_find(struct arena *arena, const char *option, struct base *ret_base);

/** How to get a tree, for people: one paragraph, ends with a line end. */
const char *base_how_to_get(void);

/**
 * Directory for what costs minutes to make again: IPXE_EMBED_CACHE, else
 * ipxe-embed below XDG_CACHE_HOME, else below ~/.cache.
 *
 * @return NULL if none of them is set
 */
const char *base_cache(struct arena *arena);

/**
 * Whether a file of a tree is left out of the copies that we build in: what
 * an earlier build left there, and the user's own configuration.
 *
 * @param path	below the directory with iPXE's Makefile
 */
bool base_skips(struct text path);

/** One file of a tree. */
struct base_file {
	struct text path; /**< below the directory with iPXE's Makefile */
	int dir;          /**< descriptor of the directory that holds it */
	const char *name; /**< in there */
	bool executable;
};

/**
 * Visit all files of a tree that matter, sorted in each directory.
 *
 * @param visit		returns 0 or -errno, which ends the walk
 * @param ret_where	gets the path of what could not be read
 * @return 0 or -errno
 */
int base_walk(const char *path,
	      int (*visit)(void *ctx, const struct base_file *file), void *ctx,
	      struct sbuf *ret_where);

/**
 * Add one file to the digest of a tree.
 *
 * @param content	digest of its bytes
 */
void base_digest_add(struct sha256 *tree, const struct base_file *file,
		     const struct digest *content);

#endif
