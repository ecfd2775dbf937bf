#ifndef PROGRAM_ASSET_H
#define PROGRAM_ASSET_H
/**
 * @file
 * The world as the compiler sees it: real files.
 */
#include "trust.h"

struct progress;
struct statcache;
struct uki_maker;

struct assets {
	bool downloads; /**< what lies elsewhere is wanted, not only known */
	struct progress *progress; /**< of downloads; NULL: nobody watches */
	struct statcache *cache;   /**< NULL: only look, do not measure */
	struct trust trust;        /**< roots seen; zero-initialise */
	/** NULL: only look whether UKIs could be made, which then are empty */
	const struct uki_maker *ukis;
	struct arena
		*arena;  /**< for what follows; needed if there is a maker */
	bool wants_ukis; /**< set once the site asks for one */
	const char *failure; /**< set if one cannot be made: why */
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
