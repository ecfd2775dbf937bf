#ifndef PROGRAM_STOCK_PACKAGE_H
#define PROGRAM_STOCK_PACKAGE_H
/**
 * @file
 * The distribution's `ipxe` package: where it comes from, and unpacking it.
 *
 * Only apt and dpkg handle it. A suite that is not among those of the machine
 * is read with lists of its own, in a directory that is thrown away, from the
 * mirror that the machine uses and with the keys that the machine has: apt's
 * own configuration and state stay as they are.
 */
#include "stock.h"

struct stock_wish {
	const char *package; /**< a .deb file, or NULL */
	const char *suite;   /**< "trixie", or NULL: what the machine has */
};

struct stock_package {
	const char *directory; /**< holds the EFI programs */
	const char *version;
};

/** Whether it may be the name of a suite: letters, digits and hyphens. */
bool stock_suite_is_plain(const char *suite);

/**
 * Get the package.
 *
 * @param scratch	empty directory, absolute, that others can enter; what is
 *			put there is no longer needed when the base is made
 * @param why		gets sentences unless it is STOCK_OK
 */
enum stock_status stock_package_get(struct arena *arena,
				    const struct stock_wish *wish,
				    const char *scratch,
				    struct stock_package *ret_package,
				    struct sbuf *why);

#endif
