#include "prepare.h"

#include "arena.h"
#include "base_store.h"
#include "cleanup.h"
#include "copy.h"
#include "files.h"
#include "little.h"
#include "manifest.h"
#include "relink.h"
#include "roots.h"
#include "run.h"
#include "sha256.h"
#include "stock.h"
#include "tools.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Change it when what a base holds changes by other means than its inputs. */
#define BASE_FORMAT "ipxe-embed base 3"
#define ZBIN        "zbin"
#define ZBIN_QUICK  "zbin-quick"
/* Included before zbin.c. */
#define QUICK_HEADER                                 \
	"#include <lzma.h>\n"                        \
	"#define lzma_lzma_preset(options, preset) " \
	"lzma_lzma_preset(options, 1)\n"
#define BASE_UNUSED_S     (60 * 24 * 60 * 60)
#define FILES_MAX         16
#define STARTER_MAX_BYTES 440
#define PACK_TIMEOUT_S    600
#define PLACEHOLDER \
	"#!ipxe\n# A blank image: no site was written into it.\nexit 1\n"
/*
 * Room for a script in images that are compressed, or only for tests: ten
 * thousand nodes take a third of it. Empty room costs a few hundred bytes of
 * a compressed image, and memory for as long as iPXE runs, above 1 MiB.
 */
#define ROOM_BYTES ((size_t)4 * 1024 * 1024)

/* --------------------------------------------------------------- names -- */

static struct copy_request copy_request(const struct prepare_request *request,
					struct text identity)
{
	return (struct copy_request){
		.base = request->base,
		.features = &request->features,
		.bin = request->bin,
		.identity = identity,
		.cache = request->cache,
	};
}

/* As of a private copy, but whatever the compiler. */
static const char *base_name(struct arena *arena,
			     const struct prepare_request *request)
{
	struct copy_request any = copy_request(request, TEXT(BASE_FORMAT));

	return copy_name(arena, &any);
}

/* Whether it is as large as what it holds, and made to grow. */
static bool is_appended_to(const struct bake_target *target)
{
	size_t len = strlen(target->name);

	return len > 4 && strcmp(target->name + len - 4, ".efi") == 0;
}

static bool is_of(const struct bake_target *target, const char *bin)
{
	return strcmp(target->bin, bin) == 0;
}

/* Not one in the making, nor one of another kind. */
static bool is_ours(const char *name)
{
	return name[0] != '.' &&
	       strncmp(name, STOCK_PREFIX, strlen(STOCK_PREFIX)) != 0;
}

static const char *zinfo_name(struct arena *arena,
			      const struct bake_target *target)
{
	return arena_printf(arena, "%s.zinfo", target->name);
}

/* ------------------------------------------------------------- reading -- */

/* Names of numbers in base.json. */
static const struct {
	const char *name;
	size_t offset;
} place_names[] = {
	{ "word", offsetof(struct patch_places, word) },
	{ "script-pointer", offsetof(struct patch_places, script_pointer) },
	{ "script-length", offsetof(struct patch_places, script_length) },
	{ "root-count", offsetof(struct patch_places, root_count) },
	{ "fingerprints", offsetof(struct patch_places, fingerprints) },
	{ "certificates", offsetof(struct patch_places, certificates) },
	{ "room", offsetof(struct patch_places, room) },
	{ "room-bytes", offsetof(struct patch_places, room_bytes) },
	{ "room-address", offsetof(struct patch_places, room_address) },
};

enum { PLACES = sizeof(place_names) / sizeof(*place_names) };

static size_t *place(struct patch_places *places, size_t i)
{
	return (size_t *)(void *)((char *)places + place_names[i].offset);
}

const struct prepared_image *prepared_image(const struct prepared *prepared,
					    const struct bake_target *target)
{
	for (size_t i = 0; i < prepared->image_count; i++)
		if (prepared->images[i].target == target)
			return &prepared->images[i];
	return NULL;
}

const struct sbuf *prepared_bytes(const struct prepared *prepared,
				  const char *name)
{
	for (size_t i = 0; i < prepared->file_count; i++)
		if (strcmp(prepared->files[i].name, name) == 0)
			return &prepared->files[i].bytes;
	return NULL;
}

void prepared_release(struct prepared *prepared)
{
	for (size_t i = 0; i < prepared->file_count; i++)
		sbuf_release(&prepared->files[i].bytes);
	prepared->file_count = 0;
}

static bool read_files(struct arena *arena, int dir, json_t *files,
		       struct prepared *prepared)
{
	const char *name;
	json_t *hex;

	prepared->files =
		arena_new_array(arena, FILES_MAX, struct prepared_file);
	json_object_foreach(files, name, hex)
	{
		struct prepared_file *file =
			&prepared->files[prepared->file_count];

		if (prepared->file_count == FILES_MAX)
			return false;
		prepared->file_count++;
		file->name = arena_printf(arena, "%s", name);
		if (!base_store_read(dir, name, json_string_value(hex),
				     &file->bytes))
			return false;
	}
	return true;
}

/* Boot code leaves room for a table of partitions in its sector. */
static bool is_starter(const struct sbuf *bytes)
{
	return bytes && bytes->len && bytes->len <= STARTER_MAX_BYTES;
}

static bool read_image(json_t *places, const struct prepared *prepared,
		       struct prepared_image *image)
{
	for (size_t i = 0; i < PLACES; i++) {
		json_t *value = json_object_get(places, place_names[i].name);

		if (!json_is_integer(value) || json_integer_value(value) < 0)
			return false;
		*place(&image->places, i) = (size_t)json_integer_value(value);
	}
	image->blank = prepared_bytes(prepared, image->target->name);
	if (image->target->starter &&
	    !is_starter(prepared_bytes(prepared, image->target->starter)))
		return false;
	return image->blank && patch_fits(&image->places, image->blank->len);
}

static bool read_images(struct arena *arena, json_t *images,
			struct prepared *prepared)
{
	const char *name;
	json_t *places;

	prepared->images = arena_new_array(arena, json_object_size(images),
					   struct prepared_image);
	json_object_foreach(images, name, places)
	{
		struct prepared_image *image =
			&prepared->images[prepared->image_count];

		image->target = bake_target(name);
		if (!image->target || !read_image(places, prepared, image))
			return false;
		prepared->image_count++;
	}
	return true;
}

static void read_kind(struct arena *arena, json_t *root,
		      struct prepared *prepared)
{
	json_t *features = json_object_get(root, "features");
	const char *version = json_string_value(json_object_get(root, "ipxe"));
	const char *bin = json_string_value(json_object_get(root, "bin"));

	prepared->version = arena_printf(arena, "%s", version ? version : "?");
	prepared->bin = arena_printf(arena, "%s", bin ? bin : "?");
	prepared->features.http =
		json_is_true(json_object_get(features, "http"));
	prepared->features.shell =
		json_is_true(json_object_get(features, "shell"));
	prepared->features.san = json_is_true(json_object_get(features, "san"));
}

static bool read_base(struct arena *arena, int dir, struct prepared *prepared)
{
	json_t *root = base_store_read_json(dir, &prepared->digest);
	bool good = root != NULL;

	if (good) {
		read_kind(arena, root, prepared);
		good = read_files(arena, dir, json_object_get(root, "files"),
				  prepared) &&
		       read_images(arena, json_object_get(root, "images"),
				   prepared);
	}
	json_decref(root);
	return good;
}

enum base_is { BASE_IS_ABSENT, BASE_IS_GOOD, BASE_IS_DAMAGED };

static enum base_is open_base(struct arena *arena, const char *directory,
			      struct prepared *ret_prepared)
{
	int dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct prepared prepared = { .directory = directory };

	if (dir < 0)
		return errno == ENOENT ? BASE_IS_ABSENT : BASE_IS_DAMAGED;
	if (!read_base(arena, dir, &prepared)) {
		close(dir);
		prepared_release(&prepared);
		return BASE_IS_DAMAGED;
	}
	close(dir);
	*ret_prepared = prepared;
	return BASE_IS_GOOD;
}

/* ------------------------------------------------------------- packing -- */

static int run_zbin(const char *zbin, const char *flat, const char *zinfo,
		    int out)
{
	const char *const argv[] = { zbin, flat, zinfo, NULL };
	struct run pack = { .argv = argv,
			    .clean_environment = true,
			    .timeout_s = PACK_TIMEOUT_S,
			    .log = true,
			    .log_fd = out };
	struct run_end end;
	int result = run(&pack, &end);

	if (!result && !run_end_is_good(&end))
		result = -EIO;
	return result;
}

static int pack_in(int scratch, const char *names[static 2], const char *zbin,
		   const char *flat_path, const char *zinfo,
		   const struct sbuf *flat, struct sbuf *ret_packed)
{
	int result = files_write(scratch, names[0], flat->ptr, flat->len);
	int out = result ? result : files_create(scratch, names[1]);

	if (out < 0)
		return out;
	result = run_zbin(zbin, flat_path, zinfo, out);
	if (close(out) && !result)
		result = -errno;
	if (!result)
		result = files_read(scratch, names[1], BASE_FILE_MAX_BYTES,
				    ret_packed);
	return result;
}

int prepared_pack(const struct prepared *prepared,
		  const struct bake_target *target, const struct sbuf *flat,
		  bool thorough, const char *scratch, struct sbuf *ret_packed,
		  struct sbuf *why)
{
	const char *zbin = thorough ? ZBIN : ZBIN_QUICK;
	struct arena arena = { 0 };
	const char *names[] = {
		arena_printf(&arena, ".new-%ld-flat", (long)getpid()),
		arena_printf(&arena, ".new-%ld-packed", (long)getpid()),
	};
	int dir = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC), result;

	if (dir >= 0) {
		files_remove(dir, names[0]);
		files_remove(dir, names[1]);
		result = pack_in(
			dir, names,
			arena_printf(&arena, "%s/%s", prepared->directory,
				     zbin),
			arena_printf(&arena, "%s/%s", scratch, names[0]),
			arena_printf(&arena, "%s/%s", prepared->directory,
				     zinfo_name(&arena, target)),
			flat, ret_packed);
		files_remove(dir, names[0]);
		files_remove(dir, names[1]);
		close(dir);
	} else {
		result = -errno;
	}
	if (result)
		sbuf_printf(why, "Cannot compress %s in %s with %s/%s: %s.\n",
			    target->name, scratch, prepared->directory, zbin,
			    strerror(-result));
	arena_release(&arena);
	return result;
}

/* -------------------------------------------------------------- making -- */

/* One base in the making. */
struct making {
	struct arena *arena;
	const struct prepare_request *request;
	const char *bases, *name; /* directory, and what comes into it */
	const struct copy *copy;
	struct placeholder placeholder;
	struct root_certificates roots;
	int dir;       /* descriptor of the new one, with another name */
	json_t *files; /* name: digest */
	json_t *images;
	struct sbuf *why;
};

static int complain(struct making *making, const char *what, int error)
{
	sbuf_printf(making->why, "Cannot make the base %s/%s: %s: %s.\n",
		    making->bases, making->name, what, strerror(-error));
	return error;
}

static int put_file(struct making *making, const char *name,
		    const struct sbuf *bytes)
{
	struct digest digest;
	char hex[65];
	int result = files_write(making->dir, name, bytes->ptr, bytes->len);

	if (result)
		return complain(making, name, result);
	sha256_of(bytes->ptr, bytes->len, &digest);
	digest_hex(&digest, hex);
	json_object_set_new(making->files, name, json_string(hex));
	return 0;
}

/* A file from where make left it. */
static int read_made(struct making *making, const char *path,
		     struct sbuf *ret_bytes)
{
	int result = files_read(making->copy->root, path, BASE_FILE_MAX_BYTES,
				ret_bytes);

	return result ? complain(making, path, result) : 0;
}

static int take_file(struct making *making, const char *path, const char *name)
{
	struct sbuf bytes = { 0 };
	int result = read_made(making, path, &bytes);

	if (!result)
		result = put_file(making, name, &bytes);
	sbuf_release(&bytes);
	return result;
}

static json_t *print_places(struct patch_places *places)
{
	json_t *object = json_object();

	for (size_t i = 0; i < PLACES; i++)
		json_object_set_new(
			object, place_names[i].name,
			json_integer((json_int_t)*place(places, i)));
	return object;
}

/* Where ld's output is, with symbols, and what was made of it. */
static const char *elf_path(struct making *making,
			    const struct bake_target *target)
{
	/* For Linux the output of ld is linked once more. */
	return arena_printf(making->arena, "src/%s/%s%s", target->bin,
			    bake_target_file(target),
			    target->needs & TOOLS_SLIRP ? "" : ".tmp");
}

static const char *image_path(struct making *making,
			      const struct bake_target *target)
{
	return arena_printf(making->arena, "src/%s/%s%s", target->bin,
			    bake_target_file(target),
			    target->packed ? ".bin" : "");
}

static int take_image(struct making *making, const struct bake_target *target)
{
	struct sbuf elf = { 0 }, image = { 0 };
	struct patch_places places;
	const char *missing;
	int result = read_made(making, elf_path(making, target), &elf);

	if (!result)
		result = read_made(making, image_path(making, target), &image);
	if (!result) {
		missing = patch_survey((struct text){ elf.ptr, elf.len },
				       &making->placeholder,
				       is_appended_to(target), &image, &places);
		if (missing) {
			sbuf_printf(making->why,
				    "%s of iPXE %s cannot be written into: %s "
				    "cannot be found in it.\n",
				    target->name,
				    making->copy->request->base->version,
				    missing);
			result = -EINVAL;
		}
	}
	if (!result)
		result = put_file(making, target->name, &image);
	if (!result)
		json_object_set_new(making->images, target->name,
				    print_places(&places));
	sbuf_release(&elf);
	sbuf_release(&image);
	return result;
}

static int take_starter(struct making *making, const struct bake_target *target)
{
	struct sbuf bytes = { 0 };
	int result = read_made(making,
			       arena_printf(making->arena, "src/%s/%s",
					    target->bin, target->starter),
			       &bytes);

	if (!result && !is_starter(&bytes))
		result = complain(making, target->starter, -EFBIG);
	if (!result)
		result = put_file(making, target->starter, &bytes);
	sbuf_release(&bytes);
	return result;
}

static int take_zinfo(struct making *making, const struct bake_target *target)
{
	const char *name = zinfo_name(making->arena, target);

	return take_file(
		making,
		arena_printf(making->arena, "src/%s/%s", target->bin, name),
		name);
}

static int take_program(struct making *making, const char *path,
			const char *name)
{
	int result = take_file(making, path, name);

	if (!result && fchmodat(making->dir, name, 0755, 0))
		result = complain(making, name, -errno);
	return result;
}

/*
 * The same program with another idea of what is good: iPXE's takes what costs
 * liblzma most, ten times as long for 5 % of the bytes.
 */
static int compile_quick(struct making *making)
{
	static const char *const argv[] = {
		"gcc",          "-O2", "-DELF32",          "-include",
		"site/quick.h", "-o",  "site/" ZBIN_QUICK, "util/zbin.c",
		"-llzma",       NULL
	};
	struct run compile = { .argv = argv,
			       .clean_environment = true,
			       .directory = making->copy->directory,
			       .timeout_s = PACK_TIMEOUT_S };
	struct run_end end;
	int result = files_write(making->copy->root, "src/site/quick.h",
				 QUICK_HEADER, strlen(QUICK_HEADER));

	if (!result)
		result = run(&compile, &end);
	if (!result && !run_end_is_good(&end))
		result = -EIO;
	return result ? complain(making, "gcc util/zbin.c", result) : 0;
}

static int take_zbin(struct making *making)
{
	/* Of bin, which is i386: that of other directories has another name. */
	int result = take_program(making, "src/util/zbin32", ZBIN);

	if (!result)
		result = compile_quick(making);
	if (!result)
		result = take_program(making, "src/site/" ZBIN_QUICK,
				      ZBIN_QUICK);
	return result;
}

static int take_all(struct making *making)
{
	bool packed = false;
	int result = 0;

	for (const struct bake_target *target = bake_targets;
	     target->name && !result; target++) {
		if (!is_of(target, making->request->bin))
			continue;
		result = take_image(making, target);
		if (!result && target->packed)
			result = take_zinfo(making, target);
		if (!result && target->starter)
			result = take_starter(making, target);
		packed = packed || target->packed;
	}
	return !result && packed ? take_zbin(making) : result;
}

static int write_json(struct making *making, struct text identity)
{
	const struct prepare_request *request = making->request;
	CLEANUP(sbuf) json = { 0 };
	char source[65];
	json_t *root;
	int result;

	digest_hex(&request->base->digest, source);
	root = json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:{s:b, s:b, s:b}, s:i, s:s#, "
		"s:O, s:O}",
		"format", BASE_FORMAT, "kind", "source", "ipxe",
		request->base->version, "source", source, "bin", request->bin,
		"features", "http", (int)request->features.http, "shell",
		(int)request->features.shell, "san", (int)request->features.san,
		"roots", PATCH_ROOTS, "toolchain", identity.ptr,
		(int)identity.len, "files", making->files, "images",
		making->images);
	result = base_store_print(root, &json)
			 ? base_store_write_json(making->dir, &json)
			 : -EINVAL;
	return result ? complain(making, BASE_JSON, result) : 0;
}

static int link_blank(struct making *making, struct copy *copy)
{
	const struct prepare_request *request = making->request;
	const struct bake_target **targets =
		arena_array(making->arena, FILES_MAX, sizeof(*targets));
	struct relink_request relinking = {
		.script = making->placeholder.script,
		.roots = &making->roots,
		.targets = targets,
		.version = request->base->version,
		.jobs = request->jobs,
		.progress = request->progress,
		.ctx = request->ctx,
	};
	struct digest digest;

	for (const struct bake_target *target = bake_targets; target->name;
	     target++)
		if (is_of(target, request->bin))
			targets[relinking.target_count++] = target;
	sha256_of(making->name, strlen(making->name), &digest);
	relinking.build_id =
		(unsigned)little_get((const char *)digest.sha256, 4);
	return relink(making->arena, copy, &relinking, making->why);
}

static void place_holders(struct making *making)
{
	bool appended = false;
	size_t bytes = strlen(PLACEHOLDER);
	char *script;

	for (const struct bake_target *target = bake_targets; target->name;
	     target++)
		appended = appended || (is_of(target, making->request->bin) &&
					is_appended_to(target));
	if (!appended)
		bytes = ROOM_BYTES;
	script = arena_alloc(making->arena, bytes);
	memcpy(script, PLACEHOLDER, strlen(PLACEHOLDER));
	roots_placeholders(making->arena, PATCH_ROOTS, &making->roots);
	making->placeholder.script = (struct text){ script, bytes };
	making->placeholder.roots = &making->roots;
}

/* base.json has the time of the last use. */
static int prune_one(void *ctx, const struct files_seen *seen)
{
	const struct making *making = ctx;
	const char *json =
		arena_printf(making->arena, "%s/" BASE_JSON, seen->name);
	struct stat st;

	if (seen->visit != FILES_ENTER)
		return 0;
	if (is_ours(seen->name) && files_stat(seen->dir, json, &st) == 0 &&
	    st.st_mtime < time(NULL) - BASE_UNUSED_S)
		base_store_remove(seen->dir, seen->name);
	return 1;
}

/* It appears whole, in the place of a damaged one, and of others that nobody
 * used for long. */
static int fill(struct making *making, struct text identity)
{
	const char *temporary =
		arena_printf(making->arena, ".new-%s", making->name);
	int bases = open(making->bases, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int result;

	if (bases < 0)
		return complain(making, "open", -errno);
	files_walk(bases, prune_one, making, NULL);
	base_store_remove(bases, temporary);
	making->dir = files_make_dir(bases, temporary);
	making->files = json_object();
	making->images = json_object();
	result = making->dir < 0 ? complain(making, "mkdir", making->dir)
				 : take_all(making);
	if (!result)
		result = write_json(making, identity);
	if (making->dir >= 0)
		close(making->dir);
	if (!result) {
		base_store_remove(bases, making->name);
		result = files_rename(bases, temporary, bases, making->name, 0);
		if (result)
			complain(making, "rename", result);
	}
	if (result)
		base_store_remove(bases, temporary);
	json_decref(making->files);
	json_decref(making->images);
	close(bases);
	return result;
}

static void say_waiting(void *ctx)
{
	const struct prepare_request *request = ctx;
	struct bake_progress progress = {
		"images", "wait for another run that builds the same base", 0, 0
	};

	if (request->progress)
		request->progress(request->ctx, &progress);
}

static unsigned needs_of(const char *bin)
{
	unsigned needs = 0;

	for (const struct bake_target *target = bake_targets; target->name;
	     target++)
		if (is_of(target, bin))
			needs |= target->needs;
	return needs;
}

static int know_tools(const char *bin, struct sbuf *identity, struct sbuf *why)
{
	int error;

	if (!tools_are_here(needs_of(bin), why))
		return -ENOENT;
	error = tools_identity(needs_of(bin), identity);
	if (error)
		sbuf_printf(why, "gcc or ld does not run: %s.\n",
			    strerror(-error));
	return error;
}

/* Make it, unless somebody did while we waited for the lock. */
static int make_or_find(struct making *making, struct text identity,
			const char *directory, struct prepared *ret_prepared)
{
	struct copy_request wanted = copy_request(making->request, identity);
	struct copy copy = { 0 };
	int result;

	wanted.waiting = say_waiting;
	wanted.ctx = (void *)(uintptr_t)making->request;
	result = copy_open(making->arena, &wanted, &copy, making->why);
	if (result)
		return result;
	making->copy = &copy;
	if (open_base(making->arena, directory, ret_prepared) != BASE_IS_GOOD) {
		place_holders(making);
		result = link_blank(making, &copy);
		if (!result)
			result = fill(making, identity);
		if (!result && open_base(making->arena, directory,
					 ret_prepared) != BASE_IS_GOOD)
			result = complain(making, "it cannot be read again",
					  -EIO);
	}
	copy_release(&copy);
	return result;
}

/* ------------------------------------------------------------- finding -- */

static const char *bases_of(struct arena *arena, const char *cache)
{
	return arena_printf(arena, "%s/bases", cache);
}

/* A base by this name, wherever it is; good or not. */
static bool is_there(struct arena *arena, const char *cache, const char *name)
{
	bool found = cache && access(arena_printf(arena, "%s/%s/" BASE_JSON,
						  bases_of(arena, cache), name),
				     R_OK) == 0;

	for (size_t i = 0; base_store_shared[i] && !found; i++)
		found = access(arena_printf(arena, "%s/%s/" BASE_JSON,
					    base_store_shared[i], name),
			       R_OK) == 0;
	return found;
}

bool prepare_is_possible(struct arena *arena,
			 const struct prepare_request *request,
			 struct sbuf *why)
{
	const struct features *features = &request->features;

	if (is_there(arena, request->cache, base_name(arena, request)))
		return true;
	if (request->base->path)
		return tools_are_here(needs_of(request->bin), why);
	sbuf_printf(why,
		    "there is no source tree, and %s is not prepared%s%s%s",
		    request->bin, features->http ? " with plain HTTP" : "",
		    features->shell ? " with a shell" : "",
		    features->san ? " with drives of a SAN" : "");
	return false;
}

int prepare(struct arena *arena, const struct prepare_request *request,
	    struct prepared *ret_prepared, struct sbuf *why)
{
	const char *name = base_name(arena, request);
	struct making making = {
		.arena = arena,
		.request = request,
		.bases = bases_of(arena, request->cache),
		.name = name,
		.why = why,
	};
	const char *own = arena_printf(arena, "%s/%s", making.bases, name);
	enum base_is state = open_base(arena, own, ret_prepared);
	struct sbuf identity = { 0 };
	int result;

	for (size_t i = 0; base_store_shared[i] && state != BASE_IS_GOOD; i++)
		if (open_base(arena,
			      arena_printf(arena, "%s/%s", base_store_shared[i],
					   name),
			      ret_prepared) == BASE_IS_GOOD)
			return 0;
	if (state == BASE_IS_GOOD) {
		utimensat(AT_FDCWD, arena_printf(arena, "%s/" BASE_JSON, own),
			  NULL, 0);
		return 0;
	}
	if (!request->base->path) {
		sbuf_printf(why,
			    "The base %s/%s %s, and there is no source tree to "
			    "make it from: name one with --ipxe-src.\n",
			    making.bases, name,
			    state == BASE_IS_DAMAGED ? "is damaged"
						     : "is not there");
		return -ENOENT;
	}
	result = know_tools(request->bin, &identity, why);
	if (!result)
		result = copy_make_path(making.bases);
	if (result && !why->len)
		complain(&making, "mkdir", result);
	if (!result)
		result = make_or_find(
			&making,
			(struct text){ sbuf_text(&identity), identity.len },
			own, ret_prepared);
	if (result && state == BASE_IS_DAMAGED)
		sbuf_printf(why, "(The base %s is there, but damaged.)\n", own);
	sbuf_release(&identity);
	return result;
}

bool prepared_about(struct arena *arena, const char *directory,
		    const char *name, struct prepared_about *ret_about)
{
	struct prepared_about about = { .name = name, .directory = directory };
	struct prepare_request wanted = { .base = &about.base };
	struct prepared prepared = { 0 };
	int dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	json_t *root = dir < 0 ? NULL : base_store_read_json(dir, NULL);
	const char *source = json_string_value(json_object_get(root, "source"));
	bool good =
		source && digest_from_hex(text_of(source), &about.base.digest);

	if (good) {
		read_kind(arena, root, &prepared);
		about.bin = prepared.bin;
		about.features = prepared.features;
		about.base.state = BASE_FOUND;
		about.base.origin = directory;
		about.base.version = prepared.version;
		wanted.features = about.features;
		wanted.bin = about.bin;
		about.fits = strcmp(base_name(arena, &wanted), name) == 0;
		*ret_about = about;
	}
	json_decref(root);
	if (dir >= 0)
		close(dir);
	return good;
}

bool prepared_is_good(struct arena *arena, const char *directory)
{
	struct prepared prepared = { 0 };
	bool good = open_base(arena, directory, &prepared) == BASE_IS_GOOD;

	prepared_release(&prepared);
	return good;
}
