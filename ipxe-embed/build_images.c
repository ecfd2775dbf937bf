#include "build.h"

#include "arena.h"
#include "authenticode.h"
#include "files.h"
#include "ir.h"
#include "media.h"
#include "progress.h"
#include "prove.h"
#include "report.h"
#include "sha256.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define PROVED_AGAIN          16
#define USB_PROGRAM_MAX_BYTES ((size_t)64 * 1024 * 1024)

static struct text wanted_by_site[] = { { "site", 4 } };

/* Whether scripts lie beside images instead of in them. */
bool build_is_stock(const struct build *build)
{
	return build->choice.status == CHOICE_MADE &&
	       build->choice.chosen.kind == BASE_STOCK;
}

/* Where images are found: by people, by TFTP, by HTTP boot. */
static const struct place {
	const char *directory;
	bool netboot; /* what boot ROMs load, and nothing else */
	bool stock;   /* where the script lies beside an image, only */
} places[] = {
	{ "images", false, false },
	{ "tftp", true, false },
	{ "www/boot", true, true },
	{ NULL, false, false },
};

static bool has_place(const struct build *build, const struct place *place)
{
	return !place->stock || build_is_stock(build);
}

static void put_image(struct build *build, const struct bake_image *image,
		      const char *scratch)
{
	struct arena *arena = build->call->arena;
	const char *name = image->target->name;
	const char *from = arena_printf(arena, "%s/%s", scratch, name);
	struct tree_file file = { .wanted_by = wanted_by_site,
				  .wanted_by_count = 1 };

	for (const struct place *place = places; place->directory; place++) {
		if (!has_place(build, place) ||
		    (place->netboot && !image->target->netboot))
			continue;
		file.path = text_of(
			arena_printf(arena, "%s/%s", place->directory, name));
		tree_put_file(build->tree, &file, from, &image->digest);
	}
}

/* What images of the distribution look for where they came from. */
static void put_script(struct build *build)
{
	struct arena *arena = build->call->arena;

	for (const struct place *place = places; place->directory; place++) {
		build_put_text(build,
			       text_of(arena_printf(arena, "%s/" AUTOEXEC,
						    place->directory)),
			       build->script);
		build_put_text(build,
			       text_of(arena_printf(arena, "%s/" EMIT_ROOT,
						    place->directory)),
			       build->roots_pem);
	}
}

static struct text emit_beside(const struct build *build)
{
	CLEANUP(sbuf) script = { 0 };

	emit_ipxe(build->plan, EMIT_FILE, &script);
	return (struct text){ arena_copy(build->call->arena, sbuf_text(&script),
					 script.len),
			      script.len };
}

void build_make_script(struct build *build, enum emit_home home)
{
	build->script =
		home == EMIT_IMAGE ? build->plan->script : emit_beside(build);
	build_put_text(build, TEXT("boot.ipxe"), build->script);
}

/* How nodes are found was proved with the script for images; the rest differs
 * in a few lines, for every machine alike. */
static enum status prove_script(const struct build *build)
{
	struct diags ds = { .arena = build->call->arena };
	struct plan beside = *build->plan;

	if (!build_is_stock(build))
		return STATUS_OK;
	beside.script = build->script;
	beside.script_beside = true;
	prove(&beside, PROVED_AGAIN, &ds);
	return ds.errors ? report_diags(build->call, &ds) : STATUS_OK;
}

/* Nobody else has the file yet: images are copied out of the cache. */
static enum status sign_image(const struct build *build, const char *path,
			      struct digest *ret_digest)
{
	const struct issuer by = build_boot_signer(build);
	int fd = open(path, O_RDWR | O_CLOEXEC), error = 0;
	CLEANUP(sbuf) why = { 0 };

	if (fd < 0) {
		error = -errno;
		sbuf_printf(&why, "cannot be opened: %s", strerror(-error));
	} else {
		error = authenticode_sign(fd, &by, &why);
	}
	if (!error && lseek(fd, 0, SEEK_SET) == 0)
		error = files_hash(fd, ret_digest);
	if (fd >= 0 && close(fd) != 0 && !error)
		error = -errno;
	if (error && !why.len)
		sbuf_puts(&why, strerror(-error));
	return error ? report_failure(build->call, "%s %s", path,
				      sbuf_text(&why))
		     : STATUS_OK;
}

static enum status sign_images(struct build *build, const char *scratch)
{
	enum status status = STATUS_OK;

	for (size_t i = 0; status == STATUS_OK && i < build->baked.image_count;
	     i++) {
		struct bake_image *image = &build->baked.images[i];

		if (strncmp(image->target->firmware, "UEFI", 4) == 0)
			status = sign_image(build,
					    arena_printf(build->call->arena,
							 "%s/%s", scratch,
							 image->target->name),
					    &image->digest);
	}
	return status;
}

/* What of a stick is read into memory. */
struct stick {
	struct media_stick media;
	struct media_file *files;
	struct sbuf *bytes;
};

static void add_to_stick(struct stick *stick, enum media_directory directory,
			 const char *name, struct text bytes)
{
	stick->files[stick->media.file_count++] =
		(struct media_file){ directory, name, bytes.ptr, bytes.len };
}

/* @param dir	where the images are: signed, if there is a key */
static int add_images(const struct build *build, int dir, struct stick *stick)
{
	int error = 0;

	for (size_t i = 0; !error && i < build->baked.image_count; i++) {
		const struct bake_target *target =
			build->baked.images[i].target;
		struct sbuf *bytes = &stick->bytes[i];
		struct text text;

		if (!target->on_stick)
			continue;
		error = files_read(dir, target->name, USB_PROGRAM_MAX_BYTES,
				   bytes);
		text = (struct text){ bytes->ptr, bytes->len };
		if (*target->on_stick)
			add_to_stick(stick, MEDIA_PROGRAMS, target->on_stick,
				     text);
		else
			stick->media.bios = text;
	}
	return error;
}

static int make_usb(const struct build *build, int dir, struct sbuf *ret_image)
{
	struct arena *arena = build->call->arena;
	size_t count = build->baked.image_count;
	struct stick stick = {
		.files = arena_new_array(arena, count + 2, struct media_file),
		.bytes = arena_new_array(arena, count, struct sbuf),
	};
	int error = add_images(build, dir, &stick);

	/* iPXE looks beside itself first, but what it finds there it takes for
	 * the top when it looks for more. */
	if (build_is_stock(build)) {
		add_to_stick(&stick, MEDIA_TOP, AUTOEXEC, build->script);
		add_to_stick(&stick, MEDIA_TOP, EMIT_ROOT, build->roots_pem);
	}
	stick.media.files = stick.files;
	if (!error)
		error = media_usb(&stick.media, ret_image);
	for (size_t i = 0; i < count; i++)
		sbuf_release(&stick.bytes[i]);
	return error;
}

static int write_usb(const struct build *build, const char *scratch,
		     struct sbuf *ret_image)
{
	int dir = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC), error;

	if (dir < 0)
		return -errno;
	error = make_usb(build, dir, ret_image);
	if (!error)
		error = files_write(dir, USB_NAME, ret_image->ptr,
				    ret_image->len);
	close(dir);
	return error;
}

static enum status put_usb(struct build *build, const char *scratch)
{
	const struct tree_file file = { .path = TEXT("images/" USB_NAME),
					.wanted_by = wanted_by_site,
					.wanted_by_count = 1 };
	const char *path =
		arena_printf(build->call->arena, "%s/" USB_NAME, scratch);
	CLEANUP(sbuf) image = { 0 };
	int error;

	if (!build->wants_stick)
		return STATUS_OK;
	error = write_usb(build, scratch, &image);
	if (error)
		return report_failure(build->call, "%s: %s", path,
				      strerror(-error));
	sha256_of(image.ptr, image.len, &build->usb);
	tree_put_file(build->tree, &file, path, &build->usb);
	return STATUS_OK;
}

static enum status fail_bake(const struct build *build)
{
	const struct bake_result *baked = &build->baked;
	int len = (int)strlen(baked->why);

	while (len && baked->why[len - 1] == '\n')
		len--;
	if (baked->status == BAKE_FAILED)
		return report_failure(build->call, "%.*s", len, baked->why);
	return report_error(build->call, "%.*s", len, baked->why);
}

static void warn_large(const struct build *build,
		       const struct bake_image *image)
{
	report_warning(build->call,
		       "%s has %s; some old %s cannot load that much (above "
		       "%zu kB)",
		       bake_target_title(image->target),
		       size_words(build->call->arena, image->digest.size_bytes),
		       image->target->part ? "BIOSes" : "boot ROMs",
		       image->target->warn_bytes / 1000);
}

/* Those for arm64 take a compiler of their own, so they are not made unasked. */
static void warn_no_arm64(const struct build *build)
{
	if (!(build->plan->archs & ARCH_ARM64))
		return;
	for (size_t i = 0; i < build->choice.target_count; i++)
		if (strcmp(build->choice.targets[i]->bin, "bin-arm64-efi") == 0)
			return;
	report_warning(build->call,
		       "the site has profiles for arm64, and none of these "
		       "images is: name ipxe-arm64.efi with --image, beside "
		       "those that other machines need");
}

/* A base of the distribution has none, for example. */
static void warn_no_bios(const struct build *build)
{
	if (!build->plan->needs_bios)
		return;
	for (size_t i = 0; i < build->choice.target_count; i++)
		if (strncmp(build->choice.targets[i]->firmware, "BIOS", 4) == 0)
			return;
	report_warning(build->call,
		       "the site has profiles with an iso, which boot by BIOS "
		       "alone, and none of these images does");
}

static enum status bake_images(struct build *build)
{
	struct progress progress = { 0 };
	const struct candidate *base = &build->choice.chosen;
	struct bake_request request = {
		.base = build_is_stock(build) ? NULL : &base->base,
		.stock = base->stock.directory,
		.features = build->plan->features,
		.script = build->script,
		.roots = &build->roots_pem,
		.root_count = 1,
		.targets = build->choice.targets,
		.target_count = build->choice.target_count,
		.directory = tree_scratch(build->tree),
		.jobs = (unsigned)build->options->jobs,
		.ctx = &progress,
	};

	if (!request.directory)
		return build_fail_tree(build, TREE_FAILED);
	if (build->call->error_format == ERROR_FORMAT_HUMAN)
		request.progress = progress_show;
	bake(build->call->arena, &request, &build->baked);
	progress_end(&progress);
	if (build->baked.status != BAKE_OK)
		return fail_bake(build);
	if (build->options->boot_key &&
	    sign_images(build, request.directory) != STATUS_OK)
		return STATUS_MACHINE;
	for (size_t i = 0; i < build->baked.image_count; i++) {
		const struct bake_image *image = &build->baked.images[i];

		if (i < build->choice.asked_count)
			put_image(build, image, request.directory);
		if (image->large)
			warn_large(build, image);
	}
	warn_no_arm64(build);
	warn_no_bios(build);
	if (build_is_stock(build))
		put_script(build);
	return put_usb(build, request.directory);
}

enum status build_put_images(struct build *build)
{
	enum status status;

	build->choice.status = CHOICE_NONE;
	if (!build->options->no_images)
		build_choose_base(build);
	switch (build->choice.status) {
	case CHOICE_MADE:
		build_make_script(build, build_is_stock(build) ? EMIT_FILE
							       : EMIT_IMAGE);
		status = prove_script(build);
		return status ? status : bake_images(build);
	case CHOICE_REFUSED:
		return report_failure(build->call, "%s", build->choice.why);
	case CHOICE_NONE:
		break;
	}
	build_keep_images(build);
	return STATUS_OK;
}
