#ifndef PROGRAM_BUILD_H
#define PROGRAM_BUILD_H
/**
 * @file
 * One run of `build`, whose steps are in build_*.c and verb_build.c: each does
 * its part, reports what is wrong, and lets the next one go on or not.
 */
#include "bake.h"
#include "choose.h"
#include "cli.h"
#include "commit.h"
#include "emit.h"
#include "plan.h"
#include "sbuf.h"
#include "signatures.h"
#include "vec.h"

struct statcache;
struct verified;

/** Beside the other images: for a stick. */
#define USB_NAME "usb.img"
/** What an image of the distribution looks for beside itself. */
#define AUTOEXEC "autoexec.ipxe"

/** As given. */
struct build_options {
	const char *output;
	const char *base, *ipxe_src;
	const char *sign_key, *sign_cert, *chain, *passphrase_file;
	const char *boot_key, *boot_cert, *boot_passphrase_file;
	struct words images;
	bool no_images, recheck;
	long jobs;
};

/** One run. */
struct build {
	const struct call *call;
	const struct build_options *options;
	const struct plan *plan;
	struct statcache *cache;
	struct tree *tree;
	struct sbuf why;       /**< message of the tree */
	struct text roots_pem; /**< every root of the site, once */
	size_t root_count;     /**< in there */
	struct text script;    /**< as machines run it */
	struct certificates roots;
	struct signer signer; /**< loaded if there is a key */
	struct signer boot;   /**< the same for what firmware verifies */
	struct signatures_made made;
	struct verified *verified; /**< NULL: nothing is signed */
	const char *unfinished;    /**< signatures of a run before */
	struct signing_items unsigned_items;
	VEC(const struct bake_target *) targets; /**< asked for by name */
	bool wants_stick;
	struct base_choice choice; /**< unless there are to be no images */
	struct bake_result baked;
	struct digest usb; /**< of the image for a stick, if there is one */
	bool kept_images;  /**< those of an earlier build still hold */
	struct tree_summary sum;
};

/* ---- verb_build.c ---- */

/** A file of the tree that the site as a whole wants. */
void build_put_text(struct build *build, struct text path, struct text bytes);

/** Report what the tree says of itself. */
enum status build_fail_tree(const struct build *build, enum tree_result result);

/** As issuer, for what firmware verifies. */
struct issuer build_boot_signer(const struct build *build);

/* ---- build_sign.c ---- */

/** Read the keys that the options name. */
enum status build_load_signer(struct build *build);
enum status build_load_boot_signer(struct build *build);

/** Keep the signatures that hold; make the others, or ask for them. */
enum status build_put_signatures(struct build *build);

/* ---- build_choose.c ---- */

/** Which images are asked for. */
enum status build_choose_targets(struct build *build);

/** What they are to be made from. */
void build_choose_base(struct build *build);

/* ---- build_images.c ---- */

/** Whether scripts lie beside images instead of in them. */
bool build_is_stock(const struct build *build);

/** The boot script, as it will be in images or beside them. */
void build_make_script(struct build *build, enum emit_home home);

/** Make the images, or keep those of the tree. */
enum status build_put_images(struct build *build);

/* ---- build_kept.c ---- */

/** Keep the images of an earlier build if they still hold. */
void build_keep_images(struct build *build);

/* ---- build_report.c ---- */

/** "12 bytes", "3.4 MB" */
const char *size_words(struct arena *arena, uint64_t bytes);

/** "1 file", "2 files" */
const char *count_words(struct arena *arena, size_t count, const char *thing);

/** Say on standard output what was done. */
enum status build_say(struct build *build);

#endif
