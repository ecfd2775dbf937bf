#include "base.h"

#include "arena.h"
#include "files.h"
#include "sbuf.h"
#include "sha256.h"
#include "vec.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define OLDEST_MAJOR       2
#define MAKEFILE_MAX_BYTES (1024 * 1024)

/* ------------------------------------------------------- what matters -- */

/* Programs that an earlier build leaves among the sources, from iPXE's
 * util/.gitignore; they may be of another machine. */
static const char *const built_programs[] = {
	"util/nrv2b",     "util/zbin32",      "util/zbin64", "util/hijack",
	"util/elf2efi32", "util/elf2efi64",   "util/efirom", "util/efifatbin",
	"util/einfo",     "util/prototester",
};

static bool begins(struct text path, const char *with)
{
	size_t len = strlen(with);

	return path.len >= len && memcmp(path.ptr, with, len) == 0;
}

bool base_skips(struct text path)
{
	for (size_t i = 0; i < sizeof(built_programs) / sizeof(*built_programs);
	     i++)
		if (text_is(path, built_programs[i]))
			return true;
	return text_is(path, "bin") || begins(path, "bin-") ||
	       begins(path, "config/local/") || begins(path, ".");
}

struct base_walk {
	int (*visit)(void *ctx, const struct base_file *file);
	void *ctx;
};

static int visit_seen(void *ctx, const struct files_seen *seen)
{
	const struct base_walk *walk = ctx;
	struct base_file file = { seen->path, seen->dir, seen->name,
				  (seen->stat.st_mode & 0100) != 0 };

	if (seen->visit == FILES_LEAVE)
		return 0;
	if (base_skips(seen->path))
		return seen->visit == FILES_ENTER;
	return seen->visit == FILES_ENTER ? 0 : walk->visit(walk->ctx, &file);
}

int base_walk(const char *path,
	      int (*visit)(void *ctx, const struct base_file *file), void *ctx,
	      struct sbuf *ret_where)
{
	struct base_walk walk = { visit, ctx };
	int root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), result;

	if (root < 0)
		return -errno;
	result = files_walk(root, visit_seen, &walk, ret_where);
	close(root);
	return result;
}

void base_digest_add(struct sha256 *tree, const struct base_file *file,
		     const struct digest *content)
{
	/* The NUL keeps the path apart from what follows. */
	sha256_add(tree, file->path.ptr, file->path.len);
	sha256_add(tree, file->executable ? "\0x" : "\0-", 2);
	sha256_add(tree, content->sha256, sizeof(content->sha256));
}

static int digest_file(void *ctx, const struct base_file *file)
{
	struct digest content;
	int fd = files_open(file->dir, file->name, NULL), result;

	if (fd < 0)
		return fd;
	result = files_hash(fd, &content);
	close(fd);
	base_digest_add(ctx, file, &content);
	return result;
}

static int digest_tree(const char *path, struct digest *ret_digest,
		       struct sbuf *ret_where)
{
	struct sha256 hash = { 0 };
	int result;

	sha256_begin(&hash);
	result = base_walk(path, digest_file, &hash, ret_where);
	sha256_end(&hash, ret_digest);
	sha256_release(&hash);
	return result;
}

/* ------------------------------------------------------------ release -- */

struct release {
	long part[3]; /* major, minor, patch */
};

/* Value of a line "NAME := value" of a Makefile, up to its end. */
static struct text makefile_value(const char *makefile, const char *name)
{
	size_t len = strlen(name);
	const char *line = makefile;

	while (line) {
		const char *at = line + len;

		if (strncmp(line, name, len) == 0) {
			at += strspn(at, " \t");
			at += *at == ':';
			if (*at == '=') {
				at++;
				at += strspn(at, " \t");
				return (struct text){ at, strcspn(at, "\r\n") };
			}
		}
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	return (struct text){ NULL, 0 };
}

/* @return whether the Makefile is iPXE's */
static bool read_release(const char *makefile, struct release *ret_release,
			 struct text *ret_extra)
{
	static const char *const names[] = { "VERSION_MAJOR", "VERSION_MINOR",
					     "VERSION_PATCH" };

	for (size_t i = 0; i < 3; i++) {
		struct text value = makefile_value(makefile, names[i]);

		if (!value.len || !isdigit((unsigned char)value.ptr[0]))
			return false;
		ret_release->part[i] = strtol(value.ptr, NULL, 10);
	}
	*ret_extra = makefile_value(makefile, "EXTRAVERSION");
	return true;
}

static int compare_releases(const struct release *a, const struct release *b)
{
	for (size_t i = 0; i < 3; i++)
		if (a->part[i] != b->part[i])
			return a->part[i] < b->part[i] ? -1 : 1;
	return 0;
}

/* ------------------------------------------------------------ finding -- */

struct tree {
	const char *path;
	const char *version;
	struct release release;
};

/* The version ends up on a command line of make and in C source. */
static bool is_plain(struct text text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!isalnum((unsigned char)text.ptr[i]) &&
		    !strchr("+-._~", text.ptr[i]))
			return false;
	return true;
}

/* Whether this directory itself holds iPXE's Makefile. */
static bool look_in(struct arena *arena, const char *path,
		    struct tree *ret_tree)
{
	struct sbuf makefile = { 0 };
	struct tree tree = { 0 };
	struct text extra = { NULL, 0 };
	bool is_ipxe = false;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return false;
	if (files_read(fd, "Makefile", MAKEFILE_MAX_BYTES, &makefile) == 0)
		is_ipxe = read_release(sbuf_text(&makefile), &tree.release,
				       &extra);
	close(fd);
	if (is_ipxe) {
		char *real = realpath(path, NULL);

		tree.path = arena_printf(arena, "%s", real ? real : path);
		free(real);
		tree.version = arena_printf(
			arena, "%ld.%ld.%ld%.*s", tree.release.part[0],
			tree.release.part[1], tree.release.part[2],
			is_plain(extra) ? (int)extra.len : 0, extra.ptr);
		*ret_tree = tree;
	}
	sbuf_release(&makefile);
	return is_ipxe;
}

/* A tree is named by its top directory or by its src. */
static bool look_at(struct arena *arena, const char *path,
		    struct tree *ret_tree)
{
	return look_in(arena, arena_printf(arena, "%s/src", path), ret_tree) ||
	       look_in(arena, path, ret_tree);
}

/* A pattern for glob() that means these characters. */
static char *glob_literal(struct arena *arena, const char *path)
{
	char *out = arena_alloc(arena, 2 * strlen(path) + 1), *at = out;

	for (; *path; path++) {
		if (strchr("*?[]\\", *path))
			*at++ = '\\';
		*at++ = *path;
	}
	return out;
}

/* The newest release of those in the cache. */
static bool look_in_cache(struct arena *arena, struct tree *ret_tree)
{
	const char *cache = base_cache(arena);
	struct tree tree;
	bool found = false;
	glob_t names;

	if (!cache ||
	    glob(arena_printf(arena, "%s/ipxe-*", glob_literal(arena, cache)),
		 0, NULL, &names))
		return false;
	for (size_t i = 0; i < names.gl_pathc; i++) {
		if (!look_at(arena, names.gl_pathv[i], &tree))
			continue;
		/* Of two alike the later in the alphabet: always the same. */
		if (found &&
		    compare_releases(&tree.release, &ret_tree->release) < 0)
			continue;
		*ret_tree = tree;
		found = true;
	}
	globfree(&names);
	return found;
}

static void refuse(struct base *base, const char *why)
{
	base->state = BASE_REFUSED;
	base->why = why;
}

static void accept_tree(struct arena *arena, const struct tree *tree,
			struct base *base)
{
	struct sbuf where = { 0 };
	int error;

	base->path = tree->path;
	base->version = tree->version;
	if (tree->release.part[0] < OLDEST_MAJOR) {
		refuse(base,
		       arena_printf(arena,
				    "The iPXE tree %s (from %s) is of release "
				    "%s; images need 2.0.0 or later. Get a "
				    "newer tree and name it with --ipxe-src "
				    "or IPXE_SRC.\n",
				    tree->path, base->origin, tree->version));
		return;
	}
	error = digest_tree(tree->path, &base->digest, &where);
	if (error)
		refuse(base,
		       arena_printf(arena,
				    "The iPXE tree %s (from %s) cannot be "
				    "read: %s: %s. Unpack it again, or name "
				    "another with --ipxe-src or IPXE_SRC.\n",
				    tree->path, base->origin,
				    where.len ? sbuf_text(&where) : "Makefile",
				    strerror(-error)));
	else
		base->state = BASE_FOUND;
	sbuf_release(&where);
}

void base_find(struct arena *arena, const char *option, struct base *ret_base)
{
	const char *named = option ? option : getenv("IPXE_SRC");
	struct base base = { .origin = option ? "--ipxe-src" : "IPXE_SRC" };
	struct tree tree;

	if (named && *named) {
		if (look_at(arena, named, &tree))
			accept_tree(arena, &tree, &base);
		else
			refuse(&base,
			       arena_printf(
				       arena,
				       "%s names %s, which holds no iPXE "
				       "source: there is no src/Makefile of "
				       "iPXE in it.\n",
				       base.origin, named));
	} else if (look_in_cache(arena, &tree)) {
		base.origin = "the cache";
		accept_tree(arena, &tree, &base);
	}
	*ret_base = base;
}

const char *base_how_to_get(void)
{
	return "Get the source of iPXE, release 2.0.0 or later, for example\n"
	       "\n"
	       "    git clone --branch v2.0.0 "
	       "https://github.com/ipxe/ipxe ~/.cache/ipxe-embed/ipxe-2.0.0\n"
	       "\n"
	       "(or unpack the same release from your distribution). A tree "
	       "elsewhere is named with --ipxe-src DIR or IPXE_SRC=DIR. The "
	       "first image takes about two minutes for BIOS and as long for "
	       "UEFI, later ones milliseconds.\n";
}

const char *base_cache(struct arena *arena)
{
	const char *own = getenv("IPXE_EMBED_CACHE");
	const char *xdg = getenv("XDG_CACHE_HOME");
	const char *home = getenv("HOME");

	if (own && *own)
		return arena_printf(arena, "%s", own);
	/* The XDG specification has relative paths ignored. */
	if (xdg && *xdg == '/')
		return arena_printf(arena, "%s/ipxe-embed", xdg);
	if (home && *home)
		return arena_printf(arena, "%s/.cache/ipxe-embed", home);
	return NULL;
}
