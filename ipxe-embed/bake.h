#ifndef PROGRAM_BAKE_H
#define PROGRAM_BAKE_H
/**
 * @file
 * Images: iPXE binaries with the boot script and the roots of a site inside.
 *
 *     struct bake_request request = { .base = &base, .script = plan->script, … };
 *     struct bake_result result;
 *
 *     if (bake(arena, &request, &result) != BAKE_OK)
 *             fputs(result.why, stderr);
 *
 * The first image of a firmware takes minutes, for iPXE is compiled; after that
 * no compiler is needed: a site is written into blank images (prepare.h), which
 * takes milliseconds. The same inputs give the same bytes, wherever and
 * whenever.
 */
#include "base.h"
#include "plan.h"

/** A kind of image. */
struct bake_target {
	const char *name;  /**< file name, and what users ask for */
	const char *bin;   /**< directory of iPXE's build that it is made in */
	const char *file;  /**< in there, if that has another name; or NULL */
	const char *cross; /**< what the names of the compilers begin with */
	const char *firmware; /**< "BIOS", "UEFI x86-64", … */
	const char *use;      /**< a few words: what to do with it */
	/** A file of iPXE's build that goes before it, in a sector of its own;
	 * or NULL */
	const char *starter;
	/** Name of the program on a stick; "" if it is what a BIOS boots from
	 * one; NULL if no stick has it. */
	const char *on_stick;
	bool part;        /**< of a stick only: no image by itself */
	bool usual;       /**< made when nobody asks for certain ones */
	bool netboot;     /**< a boot ROM loads it over the network */
	bool usual_stock; /**< the same, with a stock base only */
	bool packed;      /**< its content is compressed */
	unsigned needs;   /**< enum tools_need */
	size_t warn_bytes, limit_bytes; /**< 0: any size boots */
};

/** All there are; ends with name NULL. */
extern const struct bake_target bake_targets[];

/** Its name in iPXE's build. */
const char *bake_target_file(const struct bake_target *target);

/** What people know it by, within a sentence. */
const char *bake_target_title(const struct bake_target *target);

/** @return NULL if there is none of this name */
const struct bake_target *bake_target(const char *name);

/** What is going on. All of it is gone when the callback returns. */
struct bake_progress {
	const char *images; /**< being made: "undionly.kpxe ipxe.lkrn" */
	const char *step;   /**< "compile tls.o" */
	size_t done, total; /**< of a base build; total 0: a few seconds */
};

struct bake_request {
	const struct base *base; /**< in state BASE_FOUND; or NULL, and then: */
	/** Directory of a stock base. Its images get the one root, and no
	 * script: that lies beside them. */
	const char *stock;
	struct features features;
	struct text script;
	/** PEM files of the site; each any number of certificates */
	const struct text *roots;
	size_t root_count;
	const struct bake_target *const *targets;
	size_t target_count;
	/** Existing directory; images appear in it whole, as NAME, 0644 */
	const char *directory;
	unsigned jobs; /**< for make; 0: one for each processor */
	/**
	 * Called now and then. Done goes back only when a damaged build is
	 * begun anew. May be NULL.
	 */
	void (*progress)(void *ctx, const struct bake_progress *progress);
	void *ctx;
};

/** An image in the directory. */
struct bake_image {
	const struct bake_target *target;
	struct digest digest;
	bool made;  /**< false: it came from the cache */
	bool large; /**< above warn_bytes: some old boot ROMs will not do it */
};

enum bake_status {
	BAKE_OK,
	BAKE_INPUT,     /**< a root is no certificate, or there is none */
	BAKE_TOO_LARGE, /**< see `too_large`; `dispatch: remote` is the way */
	BAKE_FAILED,    /**< I/O, a missing program, a failed build */
};

struct bake_result {
	enum bake_status status;
	const char *why; /**< unless BAKE_OK: lines for people, with an end */
	size_t bad_root; /**< BAKE_INPUT: number of the PEM file, from 0 */
	struct bake_image too_large; /**< BAKE_TOO_LARGE: it was not written */
	struct bake_image *images;   /**< those written, in order of request */
	size_t image_count;
};

/**
 * Make images.
 *
 * @param arena	holds the result
 * @return the status in @p ret_result
 */
enum bake_status bake(struct arena *arena, const struct bake_request *request,
		      struct bake_result *ret_result);

#endif
