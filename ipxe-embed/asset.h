#ifndef PROGRAM_ASSET_H
#define PROGRAM_ASSET_H
/**
 * @file
 * The world as the compiler sees it: real files.
 */
#include "trust.h"

struct statcache;

struct assets {
	struct statcache *cache; /**< NULL: only look, do not measure */
	struct trust trust;      /**< roots seen; zero-initialise */
};

/**
 * What compile() asks, answered by the file system.
 *
 * Symlinks of the user are followed: where assets lie is their business. What
 * is no regular file is -EMEDIUMTYPE, a directory -EISDIR.
 *
 * @param assets	must outlive the result
 */
struct compile_env asset_env(struct assets *assets);

/** Open a file that the site names; errors as above. */
int asset_open(const char *path);

#endif
