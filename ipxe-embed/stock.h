#ifndef PROGRAM_STOCK_H
#define PROGRAM_STOCK_H
/**
 * @file
 * Stock bases: the EFI programs of a distribution's `ipxe` package, checked
 * and kept with the place where a root of trust goes.
 *
 * Such a program trusts one root: the SHA-256 of iPXE's own root certificate
 * (crypto/rootcert.c) stands in it once, uncompressed. A base lies where
 * base_store.h says; base.json also says where the fingerprint is.
 */
#include "sbuf.h"

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct digest;

/** Names of directories of stock bases begin so; those of others do not. */
#define STOCK_PREFIX "stock-"

/** As people know it; see stock_is_new_enough(). */
#define STOCK_OLDEST "1.21.1 of 2025"

enum { STOCK_IMAGES = 3 };

enum stock_status {
	STOCK_OK,
	STOCK_INPUT,  /**< this package will not do */
	STOCK_FAILED, /**< I/O, a program that we ran */
};

struct stock_image {
	const char *name;   /**< "ipxe.efi" */
	size_t fingerprint; /**< offset of its 32 bytes */
	struct sbuf bytes;
};

/** Zero-initialise before first use. */
struct stock {
	const char *directory;
	const char *version; /**< of the package */
	bool digests;        /**< has sha256sum, in all images */
	bool ntp;            /**< the same of ntp */
	struct stock_image images[STOCK_IMAGES];
	size_t image_count; /**< 0: the base is damaged */
};

/**
 * Whether a version of the package is one that can be a base: all that was
 * tried is of May 2025 or later.
 *
 * @param version	Debian's ("1.21.1+git20250501.dad20602+dfsg-1") or
 *			Ubuntu's ("1.21.1+git-20220113.fbbdc3926-0ubuntu2")
 */
bool stock_is_new_enough(const char *version);

/**
 * Make a base of an unpacked package. It appears whole; one that is there
 * already and is good stays as it is.
 *
 * @param package	directory that holds the programs
 * @param version	of the package
 * @param bases		directory for it; made if missing
 * @param why		gets sentences unless it is STOCK_OK
 */
enum stock_status stock_make(struct arena *arena, const char *package,
			     const char *version, const char *bases,
			     struct stock *ret_stock, struct sbuf *why);

/**
 * Read a base and check every byte of it.
 *
 * @return whether it is there and good
 */
bool stock_read(struct arena *arena, const char *directory,
		struct stock *ret_stock);

/** The same without the images: their names, and no bytes. */
bool stock_about(struct arena *arena, const char *directory,
		 struct stock *ret_stock);

/** @return NULL if the base has none of this name */
const struct stock_image *stock_image(const struct stock *stock,
				      const char *name);

/**
 * The image with the fingerprint of another root.
 *
 * @param root	SHA-256 of the certificate
 * @param ret_bytes	added to
 */
void stock_put_root(const struct stock_image *image, const struct digest *root,
		    struct sbuf *ret_bytes);

void stock_release(struct stock *stock);

#endif
