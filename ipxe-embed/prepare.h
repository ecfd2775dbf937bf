#ifndef PROGRAM_PREPARE_H
#define PROGRAM_PREPARE_H
/**
 * @file
 * Prepared bases: blank images of one bin directory of iPXE, made once, with
 * all it takes to write sites into them.
 *
 * They lie where base_store.h says, and appear whole; base.json also says where
 * the places of each image are. Whichever compiler made it, a base serves
 * everybody who asks for the same tree and the same configuration: it is that
 * base's bytes that count.
 */
#include "bake.h"
#include "patch.h"
#include "sbuf.h"

struct prepare_request {
	/** Without a path there is no tree: only what is there will do. */
	const struct base *base;
	struct features features;
	const char *bin;   /**< "bin-x86_64-efi" */
	const char *cache; /**< directory */
	unsigned jobs;     /**< for make; 0: one for each processor */
	void (*progress)(void *ctx, const struct bake_progress *progress);
	void *ctx;
};

struct prepared_file {
	const char *name;
	struct sbuf bytes;
};

struct prepared_image {
	const struct bake_target *target;
	struct patch_places places;
	const struct sbuf *blank; /**< not yet compressed */
};

/** Zero-initialise before first use. */
struct prepared {
	const char *directory;
	struct digest digest; /**< of all of it */
	const char *version;  /**< of iPXE */
	const char *bin;      /**< directory of iPXE's build */
	struct features features;
	struct prepared_file *files;
	size_t file_count;
	struct prepared_image *images;
	size_t image_count;
};

/**
 * Find a base, or make it; wait while another run makes it.
 *
 * Every byte of it is checked. One that is damaged is made anew, unless others
 * own it.
 *
 * @param why	gets lines for people if it cannot be had
 * @return 0 or -errno
 */
int prepare(struct arena *arena, const struct prepare_request *request,
	    struct prepared *ret_prepared, struct sbuf *why);

/**
 * Whether prepare() has what it takes: the base, whole or not, or else a tree,
 * and the programs that compile it.
 *
 * @param why	else gets the reason
 */
bool prepare_is_possible(struct arena *arena,
			 const struct prepare_request *request,
			 struct sbuf *why);

/** What a base says of itself. */
struct prepared_about {
	const char *name, *directory;
	const char *bin;
	struct features features;
	struct base base; /**< that it was made from; without a path */
	bool fits;        /**< prepare() finds it: made by this program */
};

/**
 * Read what a base says of itself, and nothing else of it.
 *
 * @param directory	of the base
 * @param name		last component of that
 * @return false if it is damaged
 */
bool prepared_about(struct arena *arena, const char *directory,
		    const char *name, struct prepared_about *ret_about);

/** Whether every byte of it is what it should be. */
bool prepared_is_good(struct arena *arena, const char *directory);

/** @return NULL if the base has no such image */
const struct prepared_image *prepared_image(const struct prepared *prepared,
					    const struct bake_target *target);

/** @return a file of the base, or NULL */
const struct sbuf *prepared_bytes(const struct prepared *prepared,
				  const char *name);

void prepared_release(struct prepared *prepared);

/**
 * Compress a BIOS image with a program of its base.
 *
 * @param flat		the whole uncompressed image
 * @param thorough	as small as iPXE's own build: 5 % less, in ten times
 *			the time
 * @param scratch	directory for files that are gone afterwards
 * @param ret_packed	added to
 * @param why		gets a sentence if it fails
 * @return 0 or -errno
 */
int prepared_pack(const struct prepared *prepared,
		  const struct bake_target *target, const struct sbuf *flat,
		  bool thorough, const char *scratch, struct sbuf *ret_packed,
		  struct sbuf *why);

#endif
