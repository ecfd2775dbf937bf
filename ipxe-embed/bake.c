#include "bake.h"

#include "arena.h"
#include "copy.h"
#include "files.h"
#include "relink.h"
#include "roots.h"
#include "sbuf.h"
#include "sha256.h"
#include "tools.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define KIB 1024u
/* Change it when images change by other means than their inputs. */
#define IMAGE_FORMAT "ipxe-embed image 1"
/* The linker script of a base and recipes of make have their limits. */
#define ROOTS_MAX      256
#define IMAGE_UNUSED_S (60 * 24 * 60 * 60)

/*
 * A boot ROM loads a .kpxe below 640 KiB, where it shares the room with the
 * ROM itself; SeaBIOS dies silently at 600 KB. Everything else is loaded by
 * what has megabytes.
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
	{ .name = "ipxe.efi",
	  .bin = "bin-x86_64-efi",
	  .firmware = "UEFI x86-64",
	  .use = "UEFI loads it over PXE or HTTPS, or from a disk; drives "
		 "network cards itself",
	  .usual = true,
	  .netboot = true },
	{ .name = "snponly.efi",
	  .bin = "bin-x86_64-efi",
	  .firmware = "UEFI x86-64",
	  .use = "the same, with the firmware's driver and only the card it "
		 "was loaded from",
	  .usual = true,
	  .netboot = true },
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

/* All that one bake() knows. */
struct bakery {
	struct arena *arena;
	const struct bake_request *request;
	struct bake_result *result;
	struct root_certificates roots;
	const char *cache;     /* directory */
	int images, directory; /* descriptors: of cached, of wanted images */
	struct sbuf identity;  /* of the toolchain */
	struct sbuf why;
};

static enum bake_status fail(struct bakery *bakery, enum bake_status status)
{
	bakery->result->status = status;
	return status;
}

/* -------------------------------------------------------------- inputs -- */

static struct copy_request copy_request(const struct bakery *bakery,
					const struct bake_target *target)
{
	return (struct copy_request){
		.base = bakery->request->base,
		.features = &bakery->request->features,
		.bin = target->bin,
		.identity = { sbuf_text(&bakery->identity),
			      bakery->identity.len },
		.cache = bakery->cache,
	};
}

/* Everything that the bytes of an image depend on. */
static void digest_inputs(const struct bakery *bakery,
			  const struct bake_target *target,
			  struct digest *ret_digest)
{
	struct copy_request copy = copy_request(bakery, target);
	struct sbuf inputs = { 0 };
	struct digest script;

	sha256_of(bakery->request->script.ptr, bakery->request->script.len,
		  &script);
	sbuf_printf(&inputs, IMAGE_FORMAT "\n%s\n%s\n",
		    copy_name(bakery->arena, &copy), target->name);
	sbuf_add(&inputs, script.sha256, sizeof(script.sha256));
	for (size_t i = 0; i < bakery->roots.count; i++)
		sbuf_printf(&inputs, "%s\n", bakery->roots.at[i].hex);
	sha256_of(inputs.ptr, inputs.len, ret_digest);
	sbuf_release(&inputs);
}

static const char *hex_of(struct arena *arena, const struct digest *digest)
{
	char *hex = arena_alloc(arena, 65);

	for (size_t i = 0; i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest->sha256[i]);
	return hex;
}

/* --------------------------------------------------------------- cache -- */

/*
 * A finished image lies in the cache as INPUTS-NAME, and its own SHA-256 as
 * INPUTS-NAME.sha256; without that, or if it differs, it counts as absent.
 */
static const char *cached_name(const struct bakery *bakery,
			       const struct bake_target *target)
{
	struct digest inputs;

	digest_inputs(bakery, target, &inputs);
	return arena_printf(bakery->arena, "%s-%s",
			    hex_of(bakery->arena, &inputs), target->name);
}

static int copy_whole(int from_dir, const char *from, int to_dir,
		      const char *to, struct digest *ret_digest)
{
	struct sbuf temporary = { 0 };
	int in = files_open(from_dir, from, NULL), out, result;

	if (in < 0)
		return in;
	sbuf_printf(&temporary, ".new-%ld-%s", (long)getpid(), to);
	result = files_remove(to_dir, temporary.ptr);
	out = result && result != -ENOENT ? result
					  : files_create(to_dir, temporary.ptr);
	result = out < 0 ? out : files_copy(in, out, ret_digest);
	if (out >= 0 && close(out) && !result)
		result = -errno;
	if (!result)
		result = files_rename(to_dir, temporary.ptr, to_dir, to, 0);
	if (result)
		files_remove(to_dir, temporary.ptr);
	close(in);
	sbuf_release(&temporary);
	return result;
}

static bool cache_has(const struct bakery *bakery, const char *name,
		      struct digest *ret_digest)
{
	const char *note = arena_printf(bakery->arena, "%s.sha256", name);
	struct sbuf noted = { 0 };
	struct digest digest;
	int fd = files_open(bakery->images, name, NULL);
	bool good;

	if (fd < 0)
		return false;
	good = files_read(bakery->images, note, 4096, &noted) == 0 &&
	       files_hash(fd, &digest) == 0 &&
	       strcmp(sbuf_text(&noted), hex_of(bakery->arena, &digest)) == 0;
	close(fd);
	sbuf_release(&noted);
	if (!good)
		return false;
	/* The time of the last use, for prune(). */
	utimensat(bakery->images, name, NULL, AT_SYMLINK_NOFOLLOW);
	utimensat(bakery->images, note, NULL, AT_SYMLINK_NOFOLLOW);
	*ret_digest = digest;
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
		      const struct copy *copy, const char *path)
{
	const char *note = arena_printf(bakery->arena, "%s.sha256", name);
	struct digest digest;

	prune(bakery);
	files_remove(bakery->images, note);
	if (copy_whole(copy->root, path, bakery->images, name, &digest) == 0)
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

static enum bake_status refuse_size(struct bakery *bakery,
				    const struct bake_image *image)
{
	const struct bake_target *target = image->target;

	bakery->result->too_large = *image;
	sbuf_printf(&bakery->why,
		    "%s would have %llu bytes, %llu more than a boot ROM can "
		    "be trusted to load (%zu). Fewer nodes in the image, or "
		    "dispatch: remote, make it smaller.\n",
		    target->name, (unsigned long long)image->digest.size_bytes,
		    (unsigned long long)(image->digest.size_bytes -
					 target->limit_bytes),
		    target->limit_bytes);
	return fail(bakery, BAKE_TOO_LARGE);
}

/* Bring an image from the cache to where the caller wants it. */
static enum bake_status deliver(struct bakery *bakery,
				const struct bake_target *target,
				const struct digest *digest, bool made)
{
	struct bake_image image = { target, *digest, made, false };
	struct digest arrived;
	int error;

	if (target->limit_bytes && digest->size_bytes > target->limit_bytes)
		return refuse_size(bakery, &image);
	image.large =
		target->warn_bytes && digest->size_bytes > target->warn_bytes;
	error = copy_whole(bakery->images, cached_name(bakery, target),
			   bakery->directory, target->name, &arrived);
	if (!error && memcmp(arrived.sha256, digest->sha256, 32) != 0)
		error = -EIO;
	if (error) {
		sbuf_printf(&bakery->why, "Cannot write %s/%s: %s.\n",
			    bakery->request->directory, target->name,
			    strerror(-error));
		return fail(bakery, BAKE_FAILED);
	}
	*image_of(bakery, target) = image;
	return BAKE_OK;
}

static enum bake_status take_cached(struct bakery *bakery)
{
	const struct bake_request *request = bakery->request;
	enum bake_status status = BAKE_OK;

	for (size_t i = 0; !status && i < request->target_count; i++) {
		const struct bake_target *target = request->targets[i];
		struct digest digest;

		if (cache_has(bakery, cached_name(bakery, target), &digest))
			status = deliver(bakery, target, &digest, false);
	}
	return status;
}

/* The images still to be made in one bin directory. */
struct batch {
	const struct bake_target **targets;
	size_t count;
	unsigned needs;
};

static struct batch batch_for(const struct bakery *bakery, const char *bin)
{
	const struct bake_request *request = bakery->request;
	struct batch batch = { arena_array(bakery->arena, request->target_count,
					   sizeof(*batch.targets)),
			       0, 0 };

	for (size_t i = 0; i < request->target_count; i++) {
		const struct bake_target *target = request->targets[i];

		if (strcmp(target->bin, bin) ||
		    is_done(&bakery->result->images[i]))
			continue;
		batch.targets[batch.count++] = target;
		batch.needs |= target->needs;
	}
	return batch;
}

static void say_waiting(void *ctx)
{
	const struct bakery *bakery = ctx;
	struct bake_progress progress = {
		"images", "wait for another run that builds the same base", 0, 0
	};

	if (bakery->request->progress)
		bakery->request->progress(bakery->request->ctx, &progress);
}

static struct relink_request relink_request(const struct bakery *bakery,
					    const struct batch *batch)
{
	const struct bake_request *request = bakery->request;
	struct digest inputs;

	digest_inputs(bakery, batch->targets[0], &inputs);
	return (struct relink_request){
		.script = request->script,
		.roots = &bakery->roots,
		.targets = batch->targets,
		.target_count = batch->count,
		.version = request->base->version,
		.build_id = (unsigned)inputs.sha256[0] << 24 |
			    (unsigned)inputs.sha256[1] << 16 |
			    (unsigned)inputs.sha256[2] << 8 | inputs.sha256[3],
		.jobs = request->jobs,
		.progress = request->progress,
		.ctx = request->ctx,
	};
}

static enum bake_status take_made(struct bakery *bakery,
				  const struct batch *batch,
				  const struct copy *copy)
{
	enum bake_status status = BAKE_OK;

	for (size_t i = 0; !status && i < batch->count; i++) {
		const struct bake_target *target = batch->targets[i];
		const char *name = cached_name(bakery, target);
		struct digest digest;

		cache_put(bakery, name, copy,
			  arena_printf(bakery->arena, "src/%s/%s", target->bin,
				       target->name));
		if (cache_has(bakery, name, &digest)) {
			status = deliver(bakery, target, &digest, true);
			continue;
		}
		sbuf_printf(&bakery->why, "Cannot write %s to %s/images.\n",
			    target->name, bakery->cache);
		status = fail(bakery, BAKE_FAILED);
	}
	return status;
}

static enum bake_status make_batch(struct bakery *bakery,
				   const struct batch *batch)
{
	struct copy_request wanted = copy_request(bakery, batch->targets[0]);
	struct relink_request relinking = relink_request(bakery, batch);
	struct copy copy = { 0 };
	enum bake_status status;

	if (!tools_are_here(batch->needs, &bakery->why))
		return fail(bakery, BAKE_FAILED);
	wanted.waiting = say_waiting;
	wanted.ctx = bakery;
	if (copy_open(bakery->arena, &wanted, &copy, &bakery->why) ||
	    relink(bakery->arena, &copy, &relinking, &bakery->why))
		status = fail(bakery, BAKE_FAILED);
	else
		status = take_made(bakery, batch, &copy);
	copy_release(&copy);
	return status;
}

/* ------------------------------------------------------------ together -- */

static enum bake_status make_all(struct bakery *bakery)
{
	const struct bake_request *request = bakery->request;
	enum bake_status status = take_cached(bakery);

	for (size_t i = 0; !status && i < request->target_count; i++) {
		struct batch batch;

		if (is_done(&bakery->result->images[i]))
			continue;
		batch = batch_for(bakery, request->targets[i]->bin);
		status = make_batch(bakery, &batch);
	}
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
	else if (bakery->roots.count > ROOTS_MAX)
		sbuf_printf(&bakery->why,
			    "There are %zu roots of trust; an image takes at "
			    "most %d.\n",
			    bakery->roots.count, ROOTS_MAX);
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

static enum bake_status know_tools(struct bakery *bakery)
{
	int error = tools_identity(&bakery->identity);

	if (!error)
		return BAKE_OK;
	if (tools_are_here(0, &bakery->why))
		sbuf_printf(&bakery->why, "gcc or ld does not run: %s.\n",
			    strerror(-error));
	return fail(bakery, BAKE_FAILED);
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
	enum bake_status (*const steps[])(struct bakery *) = {
		split_roots, open_directories, know_tools, make_all
	};
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
	sbuf_release(&bakery.identity);
	sbuf_release(&bakery.why);
	return status;
}
