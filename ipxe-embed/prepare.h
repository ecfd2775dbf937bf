#ifndef PROGRAM_PREPARE_H
#define PROGRAM_PREPARE_H
/**
 * @file
 * Prepared bases: blank images of one bin directory of iPXE, made once, with
 * all it takes to write sites into them.
 *
 * A base is a directory: base.json says where the places of each image are and
 * what every file hashes to, base.json.sha256 what that hashes to. It is made
 * below IPXE_EMBED_CACHE/bases and appears whole; others are looked for in
 * /var/lib/ipxe-embed/bases and /usr/lib/ipxe-embed/bases, which are only read.
 * Whichever compiler made it, a base serves everybody who asks for the same
 * tree and the same configuration: it is that base's bytes that count.
 */
#include "bake.h"
#include "patch.h"
#include "sbuf.h"

struct prepare_request {
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
 * Visit all bases that are here, in this cache and shared ones, by name.
 *
 * @param visit	gets each; one that is damaged has no images
 */
void prepared_visit(struct arena *arena, const char *cache,
		    void (*visit)(void *ctx, const struct prepared *prepared),
		    void *ctx);

/** @return NULL if the base has no such image */
const struct prepared_image *prepared_image(const struct prepared *prepared,
					    const struct bake_target *target);

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
