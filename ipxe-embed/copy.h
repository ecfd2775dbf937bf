#ifndef PROGRAM_COPY_H
#define PROGRAM_COPY_H
/**
 * @file
 * Private copies of an iPXE tree, in which make runs.
 *
 * There is one for each tree, configuration, toolchain and bin directory: a
 * second bin directory in the same copy, or another configuration, would have
 * make compile everything again. A copy appears whole, by rename; it is locked
 * while in use; and it is sealed: what was copied, and later what was
 * compiled, is noted with size and time, so that damage does not go unseen. A
 * build that was cut off is taken up where it stopped.
 */
#include "base.h"

#include <time.h>

struct features;

struct copy_request {
	const struct base *base;
	const struct features *features;
	const char *bin;      /**< "bin-x86_64-efi" */
	struct text identity; /**< of the toolchain */
	const char *cache;    /**< directory; made if it is missing */
	/** Called once if another run is at work in the copy. May be NULL. */
	void (*waiting)(void *ctx);
	void *ctx;
};

/** Zero-initialise before first use. */
struct copy {
	const struct copy_request *request;
	const char *name;       /**< of the copy, below `builds` */
	const char *directory;  /**< where make runs, holds iPXE's Makefile */
	const char *log;        /**< path: what make says until it is sealed */
	const char *relink_log; /**< path: what make says later */
	int builds, root;       /**< descriptors, while open is true */
	/** Descriptor too; held by make and all that it runs, as well. */
	int lock;
	bool open;
	bool fresh;  /**< nothing was built in it yet */
	bool sealed; /**< everything was compiled */
};

/** Name that tells copies apart; part of what an image is made from. */
const char *copy_name(struct arena *arena, const struct copy_request *request);

/**
 * Find the copy, or make it; wait while another run has it.
 *
 * @param request	kept; must live as long as the copy
 * @param why		gets a sentence with the path if it cannot be had
 * @return 0 or -errno
 */
int copy_open(struct arena *arena, const struct copy_request *request,
	      struct copy *ret_copy, struct sbuf *why);

/** Throw it away and make it again; arguments as of copy_open(). */
int copy_renew(struct arena *arena, struct copy *copy, struct sbuf *why);

/** Note that everything is compiled. */
int copy_seal(struct copy *copy, struct sbuf *why);

/** Let others have it. */
void copy_release(struct copy *copy);

/**
 * Throw a copy away that nobody has at work.
 *
 * @param builds	descriptor of the directory of all copies
 * @param before	only if it was not used since then
 * @return 0; -EBUSY if it is or was used; or -errno
 */
int copy_remove(int builds, const char *name, time_t before);

/** mkdir -p. @return 0 or -errno */
int copy_make_path(const char *path);

#endif
