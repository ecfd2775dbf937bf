#ifndef PROGRAM_TREECACHE_H
#define PROGRAM_TREECACHE_H
/**
 * @file
 * Where it is remembered what a tree holds: a directory for each tree, below
 * that of base_cache(), named by the SHA-256 of the tree's path.
 *
 *     trees/<32 digits>/path      the path of the tree
 *                       digests   statcache.h
 *                       verified  verified.h
 *
 * As with all caches, it may be deleted at any time. Not in out/, which is a
 * function of the site and is carried to other machines; not in one file for
 * all trees, which would slow small ones beside one of 200,000 files.
 */
struct arena;

/**
 * @param tree	absolute path without symlinks
 * @param name	as above
 * @return the path, whether it exists or not; NULL if there is no cache
 */
const char *treecache_file(struct arena *arena, const char *tree,
			   const char *name);

/** After something was kept of a tree: note its path if that is new, and then
 * forget the trees that are gone. */
void treecache_settle(struct arena *arena, const char *tree);

#endif
