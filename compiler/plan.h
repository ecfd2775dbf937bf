#ifndef COMPILER_PLAN_H
#define COMPILER_PLAN_H
/**
 * @file
 * What will be published and booted: made by compile(), read by emitters and
 * by the program. Nothing in it is open to a user error any more.
 */
#include "compile.h"

/** How each item is verified before it is used; bits. */
enum verify {
	VERIFY_SIGNATURE = 1, /**< detached CMS beside the item */
	VERIFY_DIGEST = 2,    /**< SHA-256 in the boot script */
};

/** One file below www/. */
struct blob {
	struct text path; /**< "a/<sha256>/<name>", below www/ */
	struct text name; /**< last component of the path */
	struct text from; /**< file to copy; empty when the bytes are here */
	struct text bytes; /**< rendered content, when from is empty */
	struct digest digest;
	struct text hex; /**< SHA-256, 64 lower-case digits */
	/** Who asked for it, as "profile debian: kernel"; sorted, no repeats */
	struct text *wanted_by;
	size_t wanted_by_count;
};

/** One root of trust file of the site, as given. */
struct root {
	struct text path;
	struct span at;
};

/** Capabilities that an image of this site needs compiled in. */
struct features {
	bool shell; /**< a boot order names `shell` */
	bool http;  /**< a base URL is plain http:// */
};

struct plan {
	struct text site_name;
	struct text site_path; /**< of the site file */
	unsigned verify;       /**< enum verify, or'ed */
	struct text signer;    /**< common name that signatures must come from */
	struct root *roots;
	size_t root_count;
	struct features features;

	struct blob *blobs; /**< sorted by path, no repeats */
	size_t blob_count;

	struct text script; /**< the boot script, as it is baked */
	size_t node_count;
};

#endif
