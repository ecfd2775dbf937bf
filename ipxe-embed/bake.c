#include "bake.h"

#include "arena.h"
#include "cleanup.h"
#include "copy.h"
#include "files.h"
#include "manifest.h"
#include "prepare.h"
#include "roots.h"
#include "sbuf.h"
#include "sha256.h"
#include "stock.h"
#include "tools.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define KIB          1024u
#define SECTOR_BYTES 512u
/* Change it when images change by other means than their inputs. */
#define IMAGE_FORMAT    "ipxe-embed image 3"
#define IMAGE_MAX_BYTES ((size_t)64 * 1024 * 1024)
#define IMAGE_UNUSED_S  (60 * 24 * 60 * 60)

/*
 * A boot ROM loads a .kpxe below 640 KiB, where it shares the room with the
 * ROM itself; SeaBIOS dies silently at 600 KB. There, the boot code of a stick
 * puts a .hd, too. Everything else is loaded by what has megabytes.
 */
const struct bake_target bake_targets[] = {
	{ .name = "undionly.kpxe",
	  .bin = "bin",
	  .firmware = "BIOS",
	  .use = "a BIOS loads it over PXE, with TFTP",
	  .usual = true,
	  .netboot = true,
	  .packed = true,
	  .needs = TOOLS_COMPRESS,
	  .warn_bytes = 400 * KIB,
	  .limit_bytes = 500 * KIB },
	{ .name = "ipxe.lkrn",
	  .bin = "bin",
	  .firmware = "BIOS",
	  .use = "GRUB, syslinux or QEMU load it as a Linux kernel",
	  .usual = true,
	  .packed = true,
	  .needs = TOOLS_COMPRESS },
	{ .name = "ipxe.hd",
	  .bin = "bin",
	  .firmware = "BIOS",
	  .use = "a BIOS boots it from a stick",
	  .starter = "mbr.bin",
	  .on_stick = "",
	  .part = true,
	  .packed = true,
	  .needs = TOOLS_COMPRESS,
	  .warn_bytes = 450 * KIB,
	  .limit_bytes = 500 * KIB },
	{ .name = "ipxe.efi",
	  .bin = "bin-x86_64-efi",
	  .firmware = "UEFI x86-64",
	  .use = "UEFI loads it over PXE or HTTPS, or from a disk; drives "
		 "network cards itself",
	  .on_stick = "BOOTX64.EFI",
	  .usual = true,
	  .netboot = true },
	{ .name = "snponly.efi",
	  .bin = "bin-x86_64-efi",
	  .firmware = "UEFI x86-64",
	  .use = "the same, with the firmware's driver and only the card it "
		 "was loaded from",
	  .usual = true,
	  .netboot = true },
	{ .name = "ipxe-arm64.efi",
	  .bin = "bin-arm64-efi",
	  .file = "ipxe.efi",
	  .cross = ARM64_TOOLS,
	  .firmware = "UEFI arm64",
	  .use = "as ipxe.efi, for 64-bit ARM",
	  .on_stick = "BOOTAA64.EFI",
	  .usual_stock = true,
	  .netboot = true,
	  .needs = TOOLS_ARM64 },
	{ .name = "snponly-arm64.efi",
	  .bin = "bin-arm64-efi",
	  .file = "snponly.efi",
	  .cross = ARM64_TOOLS,
	  .firmware = "UEFI arm64",
	  .use = "as snponly.efi, for 64-bit ARM",
	  .netboot = true,
	  .needs = TOOLS_ARM64 },
	{ .name = "slirp.linux",
	  .bin = "bin-x86_64-linux",
	  .firmware = "Linux",
	  .use = "a program that runs the boot script, to test it",
	  .needs = TOOLS_SLIRP },
	{ 0 },
};

const struct bake_target *bake_target(const char *name)
{
	for (const struct bake_target *target = bake_targets; target->name;
	     target++)
		if (strcmp(target->name, name) == 0)
			return target;
	return NULL;
}

const char *bake_target_file(const struct bake_target *target)
{
	return target->file ? target->file : target->name;
}

const char *bake_target_title(const struct bake_target *target)
{
	return target->part ? "what a BIOS boots from usb.img" : target->name;
}

/* All that one bake() knows. */
struct bakery {
	struct arena *arena;
	const struct bake_request *request;
	struct bake_result *result;
	struct root_certificates roots;
	const char *cache;     /* directory */
	int images, directory; /* descriptors: of cached, of wanted images */
	const char *images_path;
	struct sbuf why;
};

static enum bake_status fail(struct bakery *bakery, enum bake_status status)
{
	bakery->result->status = status;
	return status;
}

/* -------------------------------------------------------------- inputs -- */

static const char *hex_of(struct arena *arena, const struct digest *digest)
{
	char *hex = arena_alloc(arena, 65);

	digest_hex(digest, hex);
	return hex;
}

/* Everything that the bytes of an image depend on. */
static void digest_inputs(const struct bakery *bakery,
			  const struct prepared *base,
			  const struct bake_target *target,
			  struct digest *ret_digest)
{
	struct sbuf inputs = { 0 };
	struct digest script;

	sha256_of(bakery->request->script.ptr, bakery->request->script.len,
		  &script);
	sbuf_printf(&inputs, IMAGE_FORMAT "\n%s\n%s\n",
		    hex_of(bakery->arena, &base->digest), target->name);
	sbuf_add(&inputs, script.sha256, sizeof(script.sha256));
	for (size_t i = 0; i < bakery->roots.count; i++)
		sbuf_printf(&inputs, "%s\n", bakery->roots.at[i].hex);
	sha256_of(inputs.ptr, inputs.len, ret_digest);
	sbuf_release(&inputs);
}

/* --------------------------------------------------------------- cache -- */

/*
 * Compressing takes a while, so what was compressed is kept: an image lies in
 * the cache as INPUTS-NAME, and its own SHA-256 as INPUTS-NAME.sha256; without
 * that, or if it differs, it counts as absent.
 */
static const char *cached_name(const struct bakery *bakery,
			       const struct prepared *base,
			       const struct bake_target *target)
{
	struct digest inputs;

	digest_inputs(bakery, base, target, &inputs);
	return arena_printf(bakery->arena, "%s-%s",
			    hex_of(bakery->arena, &inputs), target->name);
}

/* A file that appears whole, whatever was there. */
static int write_whole(int dir, const char *name, const struct sbuf *bytes)
{
	struct sbuf temporary = { 0 };
	int result;

	sbuf_printf(&temporary, ".new-%ld-%s", (long)getpid(), name);
	result = files_remove(dir, temporary.ptr);
	if (!result || result == -ENOENT)
		result =
			files_write(dir, temporary.ptr, bytes->ptr, bytes->len);
	if (!result)
		result = files_rename(dir, temporary.ptr, dir, name, 0);
	if (result)
		files_remove(dir, temporary.ptr);
	sbuf_release(&temporary);
	return result;
}

static bool cache_get(const struct bakery *bakery, const char *name,
		      struct sbuf *ret_bytes)
{
	const char *note = arena_printf(bakery->arena, "%s.sha256", name);
	struct sbuf noted = { 0 }, bytes = { 0 };
	struct digest digest;
	bool good =
		files_read(bakery->images, note, 4096, &noted) == 0 &&
		files_read(bakery->images, name, IMAGE_MAX_BYTES, &bytes) == 0;

	if (good) {
		sha256_of(bytes.ptr, bytes.len, &digest);
		good = strcmp(sbuf_text(&noted),
			      hex_of(bakery->arena, &digest)) == 0;
	}
	sbuf_release(&noted);
	if (!good) {
		sbuf_release(&bytes);
		return false;
	}
	/* The time of the last use, for prune(). */
	utimensat(bakery->images, name, NULL, AT_SYMLINK_NOFOLLOW);
	utimensat(bakery->images, note, NULL, AT_SYMLINK_NOFOLLOW);
	*ret_bytes = bytes;
	return true;
}

static int prune_one(void *ctx, const struct files_seen *seen)
{
	const time_t *before = ctx;

	if (seen->visit == FILES_ENTER)
		return 1;
	if (seen->visit == FILES_ENTRY && seen->stat.st_mtime < *before)
		unlinkat(seen->dir, seen->name, 0);
	return 0;
}

/* Images that nobody asked for in a long time make room for new ones. */
static void prune(const struct bakery *bakery)
{
	time_t before = time(NULL) - IMAGE_UNUSED_S;

	files_walk(bakery->images, prune_one, &before, NULL);
}

/* Best effort: without it the next run makes the image again. */
static void cache_put(const struct bakery *bakery, const char *name,
		      const struct sbuf *bytes)
{
	const char *note = arena_printf(bakery->arena, "%s.sha256", name);
	struct digest digest;

	prune(bakery);
	files_remove(bakery->images, note);
	sha256_of(bytes->ptr, bytes->len, &digest);
	if (write_whole(bakery->images, name, bytes) == 0)
		files_write(bakery->images, note,
			    hex_of(bakery->arena, &digest), 64);
}

/* -------------------------------------------------------------- making -- */

static struct bake_image *image_of(const struct bakery *bakery,
				   const struct bake_target *target)
{
	struct bake_image *images = bakery->result->images;

	for (size_t i = 0; i < bakery->request->target_count; i++)
		if (images[i].target == target)
			return &images[i];
	return NULL;
}

static bool is_done(const struct bake_image *image)
{
	return image->digest.size_bytes != 0;
}

/* UEFI has room for twenty times as many nodes as a BIOS. */
static const char *others_have_room(const struct bake_target *target)
{
	return strcmp(target->bin, "bin") == 0
		       ? "; or build others alone: with --image ipxe.efi, say, "
			 "which has megabytes of room"
		       : "";
}

static enum bake_status refuse_size(struct bakery *bakery,
				    const struct bake_image *image)
{
	const struct bake_target *target = image->target;

	bakery->result->too_large = *image;
	sbuf_printf(&bakery->why,
		    "%s would have %llu bytes, %llu more than a %s can be "
		    "trusted to load (%zu). Fewer nodes in the image, or "
		    "dispatch: remote, make it smaller%s.\n",
		    bake_target_title(target),
		    (unsigned long long)image->digest.size_bytes,
		    (unsigned long long)(image->digest.size_bytes -
					 target->limit_bytes),
		    target->part ? "BIOS" : "boot ROM", target->limit_bytes,
		    others_have_room(target));
	return fail(bakery, BAKE_TOO_LARGE);
}

/* Put an image where the caller wants it. */
static enum bake_status deliver(struct bakery *bakery,
				const struct bake_target *target,
				const struct sbuf *bytes, bool made)
{
	struct bake_image image = { .target = target, .made = made };
	int error;

	sha256_of(bytes->ptr, bytes->len, &image.digest);
	if (target->limit_bytes && bytes->len > target->limit_bytes)
		return refuse_size(bakery, &image);
	image.large = target->warn_bytes && bytes->len > target->warn_bytes;
	error = write_whole(bakery->directory, target->name, bytes);
	if (error) {
		sbuf_printf(&bakery->why, "Cannot write %s/%s: %s.\n",
			    bakery->request->directory, target->name,
			    strerror(-error));
		return fail(bakery, BAKE_FAILED);
	}
	*image_of(bakery, target) = image;
	return BAKE_OK;
}

static enum bake_status refuse_patch(struct bakery *bakery,
				     const struct bake_target *target,
				     enum patch_status status, size_t excess)
{
	if (status != PATCH_TOO_LARGE) {
		sbuf_printf(&bakery->why,
			    "%s of the base has no room for a section.\n",
			    target->name);
		return fail(bakery, BAKE_FAILED);
	}
	bakery->result->too_large.target = target;
	sbuf_printf(&bakery->why,
		    "The boot script and the roots are %zu bytes larger than "
		    "the room in %s. Fewer nodes in the image, or dispatch: "
		    "remote, make the script smaller%s.\n",
		    excess, bake_target_title(target),
		    others_have_room(target));
	return fail(bakery, BAKE_TOO_LARGE);
}

static int pack_with(struct bakery *bakery, const struct prepared *base,
		     const struct bake_target *target, const struct sbuf *flat,
		     bool thorough, struct sbuf *ret_bytes)
{
	static const char zeroes[SECTOR_BYTES];

	sbuf_reset(ret_bytes);
	if (target->starter) {
		const struct sbuf *starter =
			prepared_bytes(base, target->starter);

		sbuf_add(ret_bytes, starter->ptr, starter->len);
		sbuf_add(ret_bytes, zeroes, SECTOR_BYTES - starter->len);
	}
	return prepared_pack(base, target, flat, thorough, bakery->images_path,
			     ret_bytes, &bakery->why);
}

/* Where every byte counts, time does not. */
static int pack(struct bakery *bakery, const struct prepared *base,
		const struct bake_target *target, const struct sbuf *flat,
		struct sbuf *ret_bytes)
{
	int error = pack_with(bakery, base, target, flat, false, ret_bytes);

	if (error || !target->warn_bytes ||
	    ret_bytes->len <= target->warn_bytes)
		return error;
	return pack_with(bakery, base, target, flat, true, ret_bytes);
}

/* The site in a blank image; compressed, where that belongs to it. */
static enum bake_status make_image(struct bakery *bakery,
				   const struct prepared *base,
				   const struct prepared_image *from,
				   struct sbuf *ret_bytes)
{
	struct sbuf flat = { 0 };
	size_t excess = 0;
	enum patch_status status;
	int error;

	sbuf_add(&flat, from->blank->ptr, from->blank->len);
	status = patch(&from->places, bakery->request->script, &bakery->roots,
		       &flat, &excess);
	if (status || !from->target->packed) {
		*ret_bytes = flat;
		return status ? refuse_patch(bakery, from->target, status,
					     excess)
			      : BAKE_OK;
	}
	error = pack(bakery, base, from->target, &flat, ret_bytes);
	sbuf_release(&flat);
	return error ? fail(bakery, BAKE_FAILED) : BAKE_OK;
}

static enum bake_status bake_one(struct bakery *bakery,
				 const struct prepared *base,
				 const struct bake_target *target)
{
	const struct prepared_image *from = prepared_image(base, target);
	enum bake_status status = BAKE_OK;
	struct sbuf bytes = { 0 };
	const char *name;
	bool cached;

	if (!from) {
		sbuf_printf(&bakery->why, "The base %s has no %s.\n",
			    base->directory, target->name);
		return fail(bakery, BAKE_FAILED);
	}
	name = cached_name(bakery, base, target);
	cached = target->packed && cache_get(bakery, name, &bytes);
	if (!cached)
		status = make_image(bakery, base, from, &bytes);
	if (!status && !cached && target->packed)
		cache_put(bakery, name, &bytes);
	if (!status)
		status = deliver(bakery, target, &bytes, !cached);
	sbuf_release(&bytes);
	return status;
}

/* All images wanted of one bin directory. */
static enum bake_status bake_of(struct bakery *bakery, const char *bin)
{
	const struct bake_request *request = bakery->request;
	const struct prepare_request wanted = {
		.base = request->base,
		.features = request->features,
		.bin = bin,
		.cache = bakery->cache,
		.jobs = request->jobs,
		.progress = request->progress,
		.ctx = request->ctx,
	};
	struct prepared base = { 0 };
	enum bake_status status = BAKE_OK;

	if (prepare(bakery->arena, &wanted, &base, &bakery->why))
		return fail(bakery, BAKE_FAILED);
	for (size_t i = 0; !status && i < request->target_count; i++)
		if (strcmp(request->targets[i]->bin, bin) == 0)
			status = bake_one(bakery, &base, request->targets[i]);
	prepared_release(&base);
	return status;
}

/* --------------------------------------------------------------- stock -- */

static enum bake_status bake_stock_one(struct bakery *bakery,
				       const struct stock *stock,
				       const struct bake_target *target)
{
	const struct stock_image *image = stock_image(stock, target->name);
	CLEANUP(sbuf) bytes = { 0 };

	if (!image) {
		sbuf_printf(&bakery->why, "The base %s has no %s.\n",
			    stock->directory, target->name);
		return fail(bakery, BAKE_FAILED);
	}
	stock_put_root(image, &bakery->roots.at[0].digest, &bytes);
	return deliver(bakery, target, &bytes, true);
}

static enum bake_status bake_stock(struct bakery *bakery)
{
	const struct bake_request *request = bakery->request;
	CLEANUP(stock) stock = { 0 };
	enum bake_status status = BAKE_OK;

	if (bakery->roots.count != 1) {
		sbuf_printf(&bakery->why,
			    "There are %zu roots of trust; an image of the "
			    "distribution takes one.\n",
			    bakery->roots.count);
		return fail(bakery, BAKE_INPUT);
	}
	if (!stock_read(bakery->arena, request->stock, &stock)) {
		sbuf_printf(&bakery->why,
			    "The base %s is damaged; ipxe-embed base stock "
			    "makes it anew.\n",
			    request->stock);
		return fail(bakery, BAKE_FAILED);
	}
	for (size_t i = 0; !status && i < request->target_count; i++)
		status = bake_stock_one(bakery, &stock, request->targets[i]);
	return status;
}

/* ------------------------------------------------------------ together -- */

static enum bake_status bake_all(struct bakery *bakery)
{
	const struct bake_request *request = bakery->request;
	enum bake_status status = BAKE_OK;

	if (request->stock)
		return bake_stock(bakery);
	for (size_t i = 0; !status && i < request->target_count; i++)
		if (!is_done(&bakery->result->images[i]))
			status = bake_of(bakery, request->targets[i]->bin);
	return status;
}

static enum bake_status split_roots(struct bakery *bakery)
{
	const struct bake_request *request = bakery->request;
	size_t good = roots_split(bakery->arena, request->roots,
				  request->root_count, &bakery->roots);

	bakery->result->bad_root = good;
	if (good < request->root_count)
		sbuf_puts(&bakery->why, "A file of roots holds no certificate, "
					"or a damaged one.\n");
	else if (!bakery->roots.count)
		sbuf_puts(&bakery->why,
			  "There is no root of trust to put into the image; "
			  "without one, iPXE would trust its own.\n");
	else if (bakery->roots.count > PATCH_ROOTS)
		sbuf_printf(&bakery->why,
			    "There are %zu roots of trust; an image takes at "
			    "most %d.\n",
			    bakery->roots.count, PATCH_ROOTS);
	else
		return BAKE_OK;
	return fail(bakery, BAKE_INPUT);
}

static enum bake_status open_directory(struct bakery *bakery, const char *path,
				       int *ret_fd)
{
	*ret_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*ret_fd >= 0)
		return BAKE_OK;
	sbuf_printf(&bakery->why, "Cannot open the directory %s: %s.\n", path,
		    strerror(errno));
	return fail(bakery, BAKE_FAILED);
}

static enum bake_status open_directories(struct bakery *bakery)
{
	const char *images;
	enum bake_status status;
	int error;

	bakery->cache = base_cache(bakery->arena);
	if (!bakery->cache) {
		sbuf_puts(&bakery->why, "There is no place to build iPXE in: "
					"set HOME or IPXE_EMBED_CACHE.\n");
		return fail(bakery, BAKE_FAILED);
	}
	images = arena_printf(bakery->arena, "%s/images", bakery->cache);
	bakery->images_path = images;
	error = copy_make_path(images);
	if (error) {
		sbuf_printf(&bakery->why, "Cannot make the directory %s: %s.\n",
			    images, strerror(-error));
		return fail(bakery, BAKE_FAILED);
	}
	status = open_directory(bakery, images, &bakery->images);
	if (!status)
		status = open_directory(bakery, bakery->request->directory,
					&bakery->directory);
	return status;
}

/* Of all that were asked for, those that there are, in order. */
static void gather_images(struct bake_result *result, size_t wanted)
{
	for (size_t i = 0; i < wanted; i++)
		if (is_done(&result->images[i]))
			result->images[result->image_count++] =
				result->images[i];
}

enum bake_status bake(struct arena *arena, const struct bake_request *request,
		      struct bake_result *ret_result)
{
	struct bakery bakery = { .arena = arena,
				 .request = request,
				 .result = ret_result,
				 .images = -1,
				 .directory = -1 };
	enum bake_status (*const steps[])(
		struct bakery *) = { split_roots, open_directories, bake_all };
	enum bake_status status = BAKE_OK;

	*ret_result = (struct bake_result){ .status = BAKE_OK };
	ret_result->images = arena_array(arena, request->target_count,
					 sizeof(*ret_result->images));
	for (size_t i = 0; i < request->target_count; i++)
		ret_result->images[i].target = request->targets[i];
	for (size_t i = 0; !status && i < sizeof(steps) / sizeof(*steps); i++)
		status = steps[i](&bakery);
	gather_images(ret_result, request->target_count);
	ret_result->why =
		arena_copy(arena, sbuf_text(&bakery.why), bakery.why.len);
	if (bakery.images >= 0)
		close(bakery.images);
	if (bakery.directory >= 0)
		close(bakery.directory);
	sbuf_release(&bakery.why);
	return status;
}
