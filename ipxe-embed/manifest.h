#ifndef PROGRAM_MANIFEST_H
#define PROGRAM_MANIFEST_H
/**
 * @file
 * out/manifest.json: every file that the program wrote below out/.
 *
 * It is what tells our files from those of other people, so a damaged one is
 * refused, never guessed at. One entry a line, sorted by path: diff(1) shows
 * what a build changed, and the same tree has the same bytes.
 *
 *     {
 *     "format": "ipxe-embed manifest 1",
 *     "site": "lab",
 *     "verify": ["signature"],
 *     "signer": "ipxe-embed-signer",
 *     "files": [
 *     {"path": "boot.ipxe", "size": 812, "sha256": "9f…", "wanted_by": ["site"]},
 *     …
 *     ]}
 */
#include "compile.h"

struct arena;
struct sbuf;

#define MANIFEST_NAME "manifest.json"

struct manifest_file {
	struct text path; /**< below out/; see manifest_path_refusal() */
	struct digest digest;
	struct text *wanted_by; /**< who asked for it; sorted, no repeats */
	size_t wanted_by_count;
};

struct manifest {
	struct text site;
	unsigned verify;    /**< enum verify of plan.h, or'ed */
	struct text signer; /**< common name; empty if nothing is signed */
	struct manifest_file *files; /**< sorted by path, no repeats */
	size_t count;
};

/**
 * Read a manifest.
 *
 * @param why	gets the reason on failure: what is wrong and where
 * @return NULL if it is not exactly what manifest_write() writes
 */
const struct manifest *manifest_parse(struct arena *arena, const void *bytes,
				      size_t len, struct sbuf *why);

/** @param manifest	files sorted by path */
void manifest_write(const struct manifest *manifest, struct sbuf *out);

/** @return NULL if @p path is not listed */
const struct manifest_file *manifest_find(const struct manifest *manifest,
					  struct text path);

/** Whether a listed file lies below the directory @p path. */
bool manifest_has_below(const struct manifest *manifest, struct text path);

/**
 * Why a path may not stand in a tree of ours: it is absolute, climbs out, has
 * empty parts, is longer than a file system takes, or is the manifest itself.
 *
 * @return NULL if it may; else what is wrong, to follow "it "
 */
const char *manifest_path_refusal(struct text path);

/** 64 lower-case digits and a NUL. */
void digest_hex(const struct digest *digest, char ret_hex[static 65]);

/** @return whether @p hex is 64 lower-case digits; fills @p ret_digest */
bool digest_from_hex(struct text hex, struct digest *ret_digest);

bool digest_equal(const struct digest *a, const struct digest *b);

#endif
