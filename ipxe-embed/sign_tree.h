#ifndef PROGRAM_SIGN_TREE_H
#define PROGRAM_SIGN_TREE_H
/**
 * @file
 * Signatures for a tree that a build has written.
 */
#include "signer.h"
#include "text.h"

/** How. */
struct sign_manner {
	unsigned jobs; /**< at once; 0: one for each processor */
	bool recheck;  /**< believe nothing that is remembered */
};

/**
 * Sign everything in a tree that has no good signature by this very signer.
 *
 * @param signer	as from signer_load()
 */
enum status sign_tree(const struct call *call, const char *out,
		      const struct signer *signer,
		      const struct sign_manner *manner);

/** Put signatures that were made elsewhere in their places: all or none. */
enum status sign_merge(const struct call *call, const char *out,
		       const char *response_path,
		       const struct sign_manner *manner);

/** No file of requests or signatures is larger. */
#define SIGN_FILE_MAX_BYTES ((size_t)1 << 30)

/** Read a request or response. Reports; the bytes are the arena's. */
enum status sign_read_file(const struct call *call, const char *path,
			   struct text *ret_bytes);

#endif
