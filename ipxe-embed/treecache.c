#include "treecache.h"

#include "arena.h"
#include "base.h"
#include "cleanup.h"
#include "files.h"
#include "manifest.h"
#include "replace.h"
#include "sbuf.h"
#include "sha256.h"

#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#define PATH "path"

const char *treecache_file(struct arena *arena, const char *tree,
			   const char *name)
{
	const char *cache = base_cache(arena);
	struct digest digest;
	char hex[65];

	if (!cache)
		return NULL;
	sha256_of(tree, strlen(tree), &digest);
	digest_hex(&digest, hex);
	return arena_printf(arena, "%s/trees/%.32s/%s", cache, hex, name);
}

/* A tree that cannot be seen just now may come back; this costs it a while. */
static int forget_if_gone(void *ctx, const struct files_seen *seen)
{
	static const char *const names[] = { "digests", "verified", PATH };
	CLEANUP(sbuf) path = { 0 };
	int dir;

	(void)ctx;
	if (seen->visit != FILES_ENTER)
		return 0;
	dir = files_open_dir(seen->dir, seen->name);
	if (dir < 0)
		return 1;
	if (files_read(dir, PATH, PATH_MAX, &path) == 0 &&
	    access(sbuf_text(&path), F_OK) != 0) {
		for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
			unlinkat(dir, names[i], 0);
		unlinkat(seen->dir, seen->name, AT_REMOVEDIR);
	}
	close(dir);
	return 1;
}

void treecache_settle(struct arena *arena, const char *tree)
{
	const char *path = treecache_file(arena, tree, PATH);
	CLEANUP(sbuf) bytes = { 0 };
	int trees;

	if (!path || access(path, F_OK) == 0)
		return;
	sbuf_puts(&bytes, tree);
	if (replace_file(arena, path, 0600, &bytes) != 0)
		return;
	trees = open(arena_printf(arena, "%s/trees", base_cache(arena)),
		     O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (trees < 0)
		return;
	files_walk(trees, forget_if_gone, NULL, NULL);
	close(trees);
}
