#include "verbs.h"

#include "arena.h"
#include "asset.h"
#include "authenticode.h"
#include "bake.h"
#include "choose.h"
#include "cleanup.h"
#include "commit.h"
#include "emit.h"
#include "files.h"
#include "ir.h"
#include "media.h"
#include "progress.h"
#include "prove.h"
#include "report.h"
#include "sbuf.h"
#include "sha256.h"
#include "signer.h"
#include "site_roots.h"
#include "statcache.h"
#include "uki.h"
#include "vec.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define USB_NAME              "usb.img"
#define AUTOEXEC              "autoexec.ipxe"
#define PROVED_AGAIN          16
#define USB_PROGRAM_MAX_BYTES ((size_t)64 * 1024 * 1024)
#define USB_IMAGE_MAX_BYTES   (4 * USB_PROGRAM_MAX_BYTES)

struct build_options {
	const char *output;
	const char *base, *ipxe_src;
	const char *sign_key, *sign_cert, *chain, *passphrase_file;
	const char *boot_key, *boot_cert, *boot_passphrase_file;
	struct words images;
	bool no_images;
	long jobs;
};

/* One run. */
struct build {
	const struct call *call;
	const struct build_options *options;
	const struct plan *plan;
	struct statcache *cache;
	struct tree *tree;
	struct sbuf why;       /**< message of the tree */
	struct text roots_pem; /**< every root of the site, once */
	size_t root_count;     /**< in there */
	struct text script;    /**< as machines run it */
	struct certificates roots;
	struct signer signer; /**< loaded if there is a key */
	struct signer boot;   /**< the same for what firmware verifies */
	size_t signed_count;  /**< signatures made in this run */
	struct signing_items unsigned_items;
	VEC(const struct bake_target *) targets; /**< asked for by name */
	bool wants_stick;
	struct base_choice choice; /**< unless there are to be no images */
	struct bake_result baked;
	struct digest usb; /**< of the image for a stick, if there is one */
	bool kept_images;  /**< those of an earlier build still hold */
	struct tree_summary sum;
};

/* ------------------------------------------------------------- texts -- */

/* "12 bytes", "3.4 MB" */
static const char *size_words(struct arena *arena, uint64_t bytes)
{
	static const char *const units[] = { "kB", "MB", "GB", "TB" };
	double value = (double)bytes / 1000;
	size_t unit = 0;

	if (bytes < 1000)
		return arena_printf(arena, "%" PRIu64 " bytes", bytes);
	while (value >= 999.5 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		value /= 1000;
		unit++;
	}
	return arena_printf(arena, value < 9.95 ? "%.1f %s" : "%.0f %s", value,
			    units[unit]);
}

/* "1 file", "2 files" */
static const char *count_words(struct arena *arena, size_t count,
			       const char *thing)
{
	return arena_printf(arena, "%zu %s%s", count, thing,
			    count == 1 ? "" : "s");
}

static enum status fail_tree(const struct build *build, enum tree_result result)
{
	const char *message = sbuf_text(&build->why);

	if (result == TREE_BAD_INPUT)
		return report_error(build->call, "%s", message);
	if (result == TREE_REFUSED) {
		report_error(build->call, "%s", message);
		return STATUS_USAGE;
	}
	return report_failure(build->call, "%s", message);
}

/* ------------------------------------------------------------ compile -- */

static struct issuer boot_signer(const struct build *build)
{
	return (struct issuer){ &build->boot.certificate, &build->boot.key };
}

/* What the site wanted and did not get, through no fault of its own. */
static enum status check_ukis(const struct build *build,
			      const struct assets *assets)
{
	if (assets->failure)
		return report_failure(build->call, "%s", assets->failure);
	if (assets->wants_ukis && !build->options->boot_key)
		return report_usage(build->call,
				    "the site has `verify: secure-boot`, so "
				    "this needs --secure-boot-key and "
				    "--secure-boot-cert");
	return STATUS_OK;
}

static enum status compile_site(struct build *build)
{
	const struct call *call = build->call;
	const struct uki_maker ukis = { .arena = call->arena,
					.cache = build->cache,
					.by = boot_signer(build) };
	struct assets assets = {
		.cache = build->cache,
		.arena = call->arena,
		.ukis = build->options->boot_key ? &ukis : NULL,
	};
	struct compile_env env = asset_env(&assets);
	struct diags ds = { .arena = call->arena };
	enum status status;

	build->plan = compile(call->arena, call->operands[0], &env, &ds);
	if (build->plan)
		prove(build->plan, SIZE_MAX, &ds);
	status = report_diags(call, &ds);
	if (status == STATUS_OK)
		status = check_ukis(build, &assets);
	/* Worth keeping even if the site has errors: gigabytes were read. */
	statcache_save(build->cache);
	return status;
}

static enum status parse_roots(struct build *build)
{
	CLEANUP(sbuf) why = { 0 };

	if (certificates_parse(&build->roots, build->roots_pem.ptr,
			       build->roots_pem.len, &why) == 0)
		return STATUS_OK;
	return report_error(build->call, "the roots of trust: %s",
			    sbuf_text(&why));
}

static enum status read_roots(struct build *build)
{
	enum status status = site_roots(build->call, build->plan,
					&build->roots_pem, &build->root_count);

	return status ? status : parse_roots(build);
}

/* --------------------------------------------------------------- tree -- */

static enum status open_tree(struct build *build)
{
	enum tree_result result =
		tree_open(build->options->output, build->cache, &build->why,
			  &build->tree);

	return result == TREE_OK ? STATUS_OK : fail_tree(build, result);
}

static struct text wanted_by_site[] = { { "site", 4 } };
static struct text wanted_by_signature[] = { { "signature", 9 } };

static void put_blob(struct build *build, const struct blob *blob)
{
	struct tree_file file = {
		.path = text_of(arena_printf(build->call->arena, "www/%s",
					     blob->path.ptr)),
		.wanted_by = blob->wanted_by,
		.wanted_by_count = blob->wanted_by_count,
	};

	if (blob->from.len)
		tree_put_file(build->tree, &file, blob->from.ptr,
			      &blob->digest);
	else
		tree_put_bytes(build->tree, &file, blob->bytes);
}

static void put_text(struct build *build, struct text path, struct text bytes)
{
	struct tree_file file = { path, wanted_by_site, 1 };

	tree_put_bytes(build->tree, &file, bytes);
}

static void put_node_script(struct build *build,
			    const struct node_script *script)
{
	const struct tree_file file = {
		.path = text_of(arena_printf(build->call->arena, "www/%s",
					     script->path.ptr)),
		.wanted_by = script->wanted_by,
		.wanted_by_count = 1,
	};

	tree_put_bytes(build->tree, &file, script->bytes);
}

static enum status put_site(struct build *build)
{
	const struct plan *plan = build->plan;

	tree_set_site(build->tree, plan->site_name, plan->verify,
		      plan->verify & VERIFY_SIGNED ? plan->signer : TEXT(""));
	for (size_t i = 0; i < plan->blob_count; i++)
		put_blob(build, &plan->blobs[i]);
	for (size_t i = 0; i < plan->node_script_count; i++)
		put_node_script(build, &plan->node_scripts[i]);
	put_text(build, TEXT("trust.pem"), build->roots_pem);
	return STATUS_OK;
}

/* --------------------------------------------------------- signatures -- */

static enum status load_signer(struct build *build)
{
	const struct build_options *options = build->options;
	const struct signer_files files = {
		.key = options->sign_key,
		.certificate = options->sign_cert,
		.chain = options->chain,
		.passphrase = options->passphrase_file,
	};

	if (!options->sign_key != !options->sign_cert)
		return report_usage(build->call, "--sign-key and --sign-cert "
						 "go together");
	if (!options->sign_key && (options->chain || options->passphrase_file))
		return report_usage(build->call,
				    "--chain and --passphrase-file belong to "
				    "--sign-key");
	return options->sign_key
		       ? signer_load(build->call, &files, &build->signer)
		       : STATUS_OK;
}

static enum status load_boot_signer(struct build *build)
{
	const struct build_options *options = build->options;
	const struct signer_files files = {
		.key = options->boot_key,
		.certificate = options->boot_cert,
		.passphrase = options->boot_passphrase_file,
	};

	if (!options->boot_key != !options->boot_cert)
		return report_usage(build->call,
				    "--secure-boot-key and --secure-boot-cert "
				    "go together");
	if (!options->boot_key && options->boot_passphrase_file)
		return report_usage(build->call,
				    "--secure-boot-passphrase-file belongs to "
				    "--secure-boot-key");
	return options->boot_key
		       ? signer_load(build->call, &files, &build->boot)
		       : STATUS_OK;
}

/* With the signature that is there, if there is one. */
static void add_item(struct build *build, struct signing_items *items,
		     struct text path, const struct digest *digest)
{
	struct arena *arena = build->call->arena;
	struct signing_item *item = vec_push(arena, items);
	CLEANUP(sbuf) der = { 0 };

	item->path = path;
	item->digest = *digest;
	if (tree_read(build->tree, signing_path(arena, item),
		      SIGNATURE_MAX_BYTES, &der) != 0)
		return;
	item->signature.ptr = arena_copy(arena, der.ptr, der.len);
	item->signature.len = der.len;
}

static struct signing_items items_to_sign(struct build *build)
{
	const struct plan *plan = build->plan;
	struct signing_items items = { 0 };

	if (plan->verify & VERIFY_NODES)
		for (size_t i = 0; i < plan->node_script_count; i++)
			add_item(build, &items, plan->node_scripts[i].path,
				 &plan->node_scripts[i].digest);
	else
		for (size_t i = 0; i < plan->blob_count; i++)
			if (plan->blobs[i].signable)
				add_item(build, &items, plan->blobs[i].path,
					 &plan->blobs[i].digest);
	return items;
}

/* Signatures that still hold stay: they belong to the content, not to a build.
 * The others are asked for. */
static void keep_signatures(struct build *build,
			    const struct cms_policy *policy,
			    struct signing_items *items)
{
	for (size_t i = 0; i < items->count; i++) {
		struct signing_item *item = &items->at[i];
		CLEANUP(sbuf) why = { 0 };

		if (item->signature.ptr &&
		    cms_verify(item->signature.ptr, item->signature.len,
			       &item->digest, policy, NULL, &why) == 0)
			continue;
		item->signature = (struct text){ 0 };
		*vec_push(build->call->arena, &build->unsigned_items) = *item;
	}
}

static enum status sign(struct build *build, const struct cms_policy *policy,
			struct signing_items *items)
{
	enum status status = signer_check(build->call, &build->signer, policy);

	return status == STATUS_OK
		       ? signer_sign(build->call, &build->signer, policy, items,
				     &build->signed_count)
		       : status;
}

static void put_request(struct build *build)
{
	struct arena *arena = build->call->arena;
	const struct signing_request request = {
		.site = build->plan->site_name,
		.signer = build->plan->signer,
		.roots = signing_roots_of(arena, &build->roots),
		.items = build->unsigned_items,
	};
	CLEANUP(sbuf) out = { 0 };

	signing_request_write(&request, &out);
	put_text(build, TEXT(SIGNING_REQUEST_NAME),
		 (struct text){ arena_copy(arena, out.ptr, out.len), out.len });
}

static void put_all_signatures(struct build *build,
			       const struct signing_items *items)
{
	for (size_t i = 0; i < items->count; i++) {
		const struct signing_item *item = &items->at[i];
		struct tree_file file = { signing_path(build->call->arena,
						       item),
					  wanted_by_signature, 1 };

		if (item->signature.ptr)
			tree_put_bytes(build->tree, &file, item->signature);
	}
}

static enum status put_signatures(struct build *build)
{
	const struct cms_policy policy = {
		.roots = &build->roots,
		.signer = build->plan->signer.ptr,
		.now = time(NULL),
	};
	struct signing_items items;
	enum status status = STATUS_OK;

	if (!(build->plan->verify & VERIFY_SIGNED)) {
		if (build->options->sign_key)
			report_warning(build->call,
				       "nothing was signed: the site verifies "
				       "without signatures");
		return STATUS_OK;
	}
	items = items_to_sign(build);
	if (!build->options->sign_key)
		keep_signatures(build, &policy, &items);
	else
		status = sign(build, &policy, &items);
	if (status != STATUS_OK)
		return status;
	put_all_signatures(build, &items);
	if (build->unsigned_items.count)
		put_request(build);
	return STATUS_OK;
}

/* ------------------------------------------------------------- images -- */

/* Whether scripts lie beside images instead of in them. */
static bool is_stock(const struct build *build)
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
	return !place->stock || is_stock(build);
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
		put_text(build,
			 text_of(arena_printf(arena, "%s/" AUTOEXEC,
					      place->directory)),
			 build->script);
		put_text(build,
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

static void make_script(struct build *build, enum emit_home home)
{
	build->script =
		home == EMIT_IMAGE ? build->plan->script : emit_beside(build);
	put_text(build, TEXT("boot.ipxe"), build->script);
}

/* How nodes are found was proved with the script for images; the rest differs
 * in a few lines, for every machine alike. */
static enum status prove_script(const struct build *build)
{
	struct diags ds = { .arena = build->call->arena };
	struct plan beside = *build->plan;

	if (!is_stock(build))
		return STATUS_OK;
	beside.script = build->script;
	prove(&beside, PROVED_AGAIN, &ds);
	return ds.errors ? report_diags(build->call, &ds) : STATUS_OK;
}

/* Nobody else has the file yet: images are copied out of the cache. */
static enum status sign_image(const struct build *build, const char *path,
			      struct digest *ret_digest)
{
	const struct issuer by = boot_signer(build);
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
	if (is_stock(build)) {
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

static const char *image_names(struct arena *arena)
{
	CLEANUP(sbuf) names = { 0 };

	for (const struct bake_target *t = bake_targets; t->name; t++)
		if (!t->part)
			sbuf_printf(&names, "%s, ", t->name);
	sbuf_puts(&names, USB_NAME);
	return arena_copy(arena, sbuf_text(&names), names.len);
}

static void choose_target(struct build *build, const struct bake_target *target)
{
	vec_foreach (const struct bake_target *, chosen, &build->targets)
		if (*chosen == target)
			return;
	*vec_push(build->call->arena, &build->targets) = target;
}

static enum status choose_image(struct build *build, const char *name)
{
	const struct bake_target *target = bake_target(name);

	if (strcmp(name, USB_NAME) == 0)
		build->wants_stick = true;
	else if (target && !target->part)
		choose_target(build, target);
	else
		return report_usage(build->call,
				    "there is no image '%s', only %s", name,
				    image_names(build->call->arena));
	return STATUS_OK;
}

static enum status choose_targets(struct build *build)
{
	const struct words *names = &build->options->images;

	for (size_t i = 0; i < names->count; i++)
		if (choose_image(build, names->at[i]) != STATUS_OK)
			return STATUS_USAGE;
	if (!names->count)
		build->wants_stick = true;
	if (names->count && build->options->no_images)
		return report_usage(build->call,
				    "--image and --no-images exclude each "
				    "other");
	if (build->options->base && build->options->no_images)
		return report_usage(build->call,
				    "--base and --no-images exclude each "
				    "other");
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

static enum status bake_images(struct build *build)
{
	struct progress progress = { 0 };
	const struct candidate *base = &build->choice.chosen;
	struct bake_request request = {
		.base = is_stock(build) ? NULL : &base->base,
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
		return fail_tree(build, TREE_FAILED);
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
	if (is_stock(build))
		put_script(build);
	return put_usb(build, request.directory);
}

static bool is_unchanged(const struct build *build, struct text path,
			 struct text bytes)
{
	const struct manifest_file *old =
		manifest_find(tree_manifest(build->tree), path);
	struct digest digest;
	struct compile_env env = asset_env(NULL);

	env.digest_bytes(bytes.ptr, bytes.len, &digest);
	return old && digest_equal(&old->digest, &digest);
}

static bool is_below(struct text path, const char *dir)
{
	size_t len = strlen(dir);

	return path.len > len && memcmp(path.ptr, dir, len) == 0;
}

static bool ends(struct text path, const char *with)
{
	size_t len = strlen(with);

	return path.len >= len &&
	       memcmp(path.ptr + path.len - len, with, len) == 0;
}

/* Its certificate lies in every image that a key has signed. */
static bool is_signed_with(const struct build *build, struct text path,
			   const struct sbuf *certificate)
{
	CLEANUP(sbuf) bytes = { 0 };

	return tree_read(build->tree, path, USB_IMAGE_MAX_BYTES, &bytes) == 0 &&
	       bytes.len &&
	       memmem(bytes.ptr, bytes.len, certificate->ptr,
		      certificate->len) != NULL;
}

/* With another key of db, firmware would not start them any more. */
static bool signatures_hold(const struct build *build)
{
	const struct manifest *old = tree_manifest(build->tree);
	CLEANUP(sbuf) certificate = { 0 };

	if (!build->options->boot_key)
		return true;
	if (certificate_write_der(&build->boot.certificate, &certificate) != 0)
		return false;
	for (size_t i = 0; i < old->count; i++) {
		struct text path = old->files[i].path;

		if (is_below(path, "images/") &&
		    (ends(path, ".efi") || ends(path, USB_NAME)) &&
		    !is_signed_with(build, path, &certificate)) {
			report_warning(build->call,
				       "the images of the earlier build are "
				       "removed: %s is not signed with the "
				       "key of %s; build without --no-images "
				       "makes new ones",
				       path.ptr, build->options->boot_cert);
			return false;
		}
	}
	return true;
}

/* Images hold the script and the roots of the tree that they lie in, or have
 * them beside them; so those of the old tree hold for a new one with the same
 * script and roots. */
static void keep_images(struct build *build)
{
	const struct manifest *old = tree_manifest(build->tree);
	bool stock = manifest_find(old, TEXT("images/" AUTOEXEC));

	make_script(build, stock ? EMIT_FILE : EMIT_IMAGE);
	if (!is_unchanged(build, TEXT("boot.ipxe"), build->script) ||
	    !is_unchanged(build, TEXT("trust.pem"), build->roots_pem) ||
	    !signatures_hold(build)) {
		make_script(build, EMIT_IMAGE);
		return;
	}
	for (size_t i = 0; i < old->count; i++) {
		struct text path = old->files[i].path;

		if (is_below(path, "images/") || is_below(path, "tftp/") ||
		    is_below(path, "www/boot/")) {
			tree_keep(build->tree, path);
			build->kept_images = true;
		}
	}
}

static void choose_base(struct build *build)
{
	const struct base_wish wish = { build->options->base,
					build->options->ipxe_src };
	const struct base_needs needs = {
		.verify = build->plan->verify,
		.features = build->plan->features,
		.ntp = build->plan->uplink_uses.ntp,
		.root_count = build->root_count,
		.targets = build->targets.at,
		.target_count = build->targets.count,
		.usual = !build->options->images.count,
		.stick = build->wants_stick,
	};

	base_choose(build->call->arena, &wish, &needs, &build->choice);
}

static enum status put_images(struct build *build)
{
	enum status status;

	build->choice.status = CHOICE_NONE;
	if (!build->options->no_images)
		choose_base(build);
	switch (build->choice.status) {
	case CHOICE_MADE:
		make_script(build, is_stock(build) ? EMIT_FILE : EMIT_IMAGE);
		status = prove_script(build);
		return status ? status : bake_images(build);
	case CHOICE_REFUSED:
		return report_failure(build->call, "%s", build->choice.why);
	case CHOICE_NONE:
		break;
	}
	keep_images(build);
	return STATUS_OK;
}

/* ------------------------------------------------------------- report -- */

static enum status commit(struct build *build)
{
	enum tree_result result = tree_commit(build->tree, &build->sum);

	statcache_save(build->cache);
	if (result != TREE_OK)
		return fail_tree(build, result);
	for (const char *line = build->sum.aside; *line;) {
		int len = (int)strcspn(line, "\n");

		report_warning(build->call, "%.*s", len, line);
		line += len + (line[len] == '\n');
	}
	return STATUS_OK;
}

static void say_done(const struct build *build)
{
	struct arena *arena = build->call->arena;
	const struct tree_summary *sum = &build->sum;
	const char *out = build->options->output;

	if (!sum->changed) {
		printf("%s: nothing to do, %s up to date\n", out,
		       count_words(arena, sum->kept, "file"));
		return;
	}
	printf("%s: %s written (%s), %zu kept, %zu removed", out,
	       count_words(arena, sum->written, "file"),
	       size_words(arena, sum->written_bytes), sum->kept, sum->removed);
	if (build->signed_count)
		printf("; %s made",
		       count_words(arena, build->signed_count, "signature"));
	putchar('\n');
}

static bool is_baked(const struct build *build,
		     const struct bake_target *target)
{
	for (size_t i = 0; i < build->baked.image_count; i++)
		if (build->baked.images[i].target == target)
			return true;
	return false;
}

static const char *stick_firmwares(const struct build *build)
{
	CLEANUP(sbuf) names = { 0 };

	for (const struct bake_target *t = bake_targets; t->name; t++)
		if (t->on_stick && is_baked(build, t))
			sbuf_printf(&names, "%s%s", names.len ? ", " : "",
				    t->firmware);
	return arena_copy(build->call->arena, sbuf_text(&names), names.len);
}

static void say_where(const struct build *build)
{
	const struct located_list *urls = &build->plan->effective->site->urls;
	const char *out = build->options->output;

	for (size_t i = 0; i < urls->count; i++)
		printf("  %s/www/  to be served at %s\n", out,
		       urls->at[i].text.ptr);
	if (build->choice.status == CHOICE_MADE)
		printf("  base: %s\n", build->choice.why);
	for (size_t i = 0; i < build->choice.asked_count; i++) {
		const struct bake_image *image = &build->baked.images[i];

		printf("  %s/%s/%s  %s, %s: %s\n", out,
		       image->target->netboot ? "tftp" : "images",
		       image->target->name, image->target->firmware,
		       size_words(build->call->arena, image->digest.size_bytes),
		       image->target->use);
	}
	if (is_stock(build))
		printf("  " AUTOEXEC " and " EMIT_ROOT " belong beside each of "
		       "them; %s/www/boot/ has all of it, for HTTP boot\n",
		       out);
	if (build->usb.size_bytes)
		printf("  %s/images/" USB_NAME
		       "  %s, %s: a stick; dd writes it\n",
		       out, stick_firmwares(build),
		       size_words(build->call->arena, build->usb.size_bytes));
}

static void say_unsigned(const struct build *build)
{
	const char *out = build->options->output;
	size_t count = build->unsigned_items.count;

	if (count)
		printf("%s not signed yet: ipxe-embed sign %s --key FILE "
		       "--cert FILE; or take %s/" SIGNING_REQUEST_NAME
		       " to where the key is\n",
		       count_words(build->call->arena, count, "file"), out,
		       out);
}

static enum status say(struct build *build)
{
	say_done(build);
	if (build->sum.changed)
		say_where(build);
	say_unsigned(build);
	if (build->choice.status == CHOICE_NONE && !build->options->no_images &&
	    !build->kept_images)
		puts(build->choice.why);
	return STATUS_OK;
}

/* --------------------------------------------------------------- verb -- */

static enum status run_build(struct call *call)
{
	static enum status (*const steps[])(struct build *) = {
		choose_targets,
		load_signer,
		load_boot_signer,
		compile_site,
		read_roots,
		open_tree,
		put_site,
		put_signatures,
		put_images,
		commit,
		say,
	};
	struct build build = { .call = call, .options = call->options };
	enum status status = STATUS_OK;

	build.cache = statcache_open(NULL);
	for (size_t i = 0;
	     i < sizeof(steps) / sizeof(steps[0]) && status == STATUS_OK; i++)
		status = steps[i](&build);
	tree_free(build.tree);
	certificates_release(&build.roots);
	signer_release(&build.signer);
	signer_release(&build.boot);
	sbuf_release(&build.why);
	statcache_free(build.cache);
	return status;
}

static const struct option_row rows[] = {
	{ .name = "output",
	  .letter = 'o',
	  .value = "DIR",
	  .help = "Where the tree goes. A new directory, an empty one, or the "
		  "tree of an earlier build. Files in it that ipxe-embed did "
		  "not write are left alone.",
	  .required = true,
	  OPTION_TEXT(struct build_options, output) },
	{ .name = "sign-key",
	  .value = "FILE",
	  .help = "Sign with this private key (a file in PEM form, or the "
		  "pkcs11: URI of a key in a token) whatever has no "
		  "good signature by it yet. Without it, signing-request says "
		  "what is to be signed elsewhere.",
	  OPTION_TEXT(struct build_options, sign_key) },
	{ .name = "sign-cert",
	  .value = "FILE",
	  .help = "The certificate of the code signer; more may follow it in "
		  "the file.",
	  OPTION_TEXT(struct build_options, sign_cert) },
	{ .name = "chain",
	  .value = "FILE",
	  .help = "Certificates between the signer's and the root, if there "
		  "are any.",
	  OPTION_TEXT(struct build_options, chain) },
	{ .name = "passphrase-file",
	  .value = "FILE",
	  .help = "Read the passphrase of the key from the first line of a "
		  "file instead of asking for it.",
	  OPTION_TEXT(struct build_options, passphrase_file) },
	{ .name = "secure-boot-key",
	  .value = "FILE",
	  .help = "The private key of db (`ipxe-embed keys secure-boot`): a "
		  "file, or the pkcs11: URI of a key in a token. It "
		  "signs the UEFI images, and what they boot if the site has "
		  "`verify: secure-boot`, for the firmware to verify.",
	  OPTION_TEXT(struct build_options, boot_key) },
	{ .name = "secure-boot-cert",
	  .value = "FILE",
	  .help = "Its certificate, in PEM form.",
	  OPTION_TEXT(struct build_options, boot_cert) },
	{ .name = "secure-boot-passphrase-file",
	  .value = "FILE",
	  .help = "Read its passphrase from the first line of a file instead "
		  "of asking for it.",
	  OPTION_TEXT(struct build_options, boot_passphrase_file) },
	{ .name = "image",
	  .value = "NAME",
	  .help = "Make this image. Without any, "
		  "undionly.kpxe, ipxe.lkrn, ipxe.efi, snponly.efi and usb.img "
		  "are made, or those of them that the base has; with a stock "
		  "base ipxe-arm64.efi, too. usb.img is a stick for all "
		  "firmware that the base is for.",
	  OPTION_LIST(struct build_options, images) },
	{ .name = "no-images",
	  .help = "Make no images. Those of an earlier build stay as long as "
		  "the boot script, the roots of trust and, if one is given, "
		  "the key for Secure Boot are the same.",
	  OPTION_FLAG(struct build_options, no_images) },
	{ .name = "base",
	  .value = "NAME",
	  .help = "Make images from this base: `source`, `stock` (that of the "
		  "distribution), or one by its name (`ipxe-embed base list`). "
		  "Without it, the best is taken of those that can do what the "
		  "site asks for; iPXE's source comes first.",
	  OPTION_TEXT(struct build_options, base) },
	{ .name = "ipxe-src",
	  .value = "DIR",
	  .help = "The iPXE source tree, release 2.0.0 or later, that images "
		  "are made from. Without it, the environment variable "
		  "IPXE_SRC names it, or the newest ~/.cache/ipxe-embed/ipxe-* "
		  "is taken.",
	  OPTION_TEXT(struct build_options, ipxe_src) },
	{ .name = "jobs",
	  .letter = 'j',
	  .value = "N",
	  .help = "Compile iPXE with so many processes at once; 0 is one for "
		  "each processor.",
	  .fallback = "0",
	  OPTION_NUMBER(struct build_options, jobs, 0, 1024) },
	{ 0 },
};

const struct verb verb_build = {
	.name = "build",
	.operands = "SITE",
	.summary = "Write the tree and the images of a site",
	.text = "Compiles the site and writes the whole tree: www/ for the web "
		"server, tftp/ and images/ for the machines, boot.ipxe to "
		"read, trust.pem, and manifest.json, which lists every file. "
		"Nothing is written when there is an error, and the tree "
		"appears in one step: an interrupted run leaves the old one.\n"
		"\n"
		"A second run with nothing changed does nothing. As the tree "
		"is exchanged as a whole, a container or a bind mount must be "
		"given the directory above it.",
	.options = rows,
	.options_bytes = sizeof(struct build_options),
	.run = run_build,
	.examples =
		(const struct example[]){
			{ "ipxe-embed build site.yaml -o out",
			  "Everything, to be signed elsewhere." },
			{ "ipxe-embed build site.yaml -o out --sign-key "
			  "certs/signer.key --sign-cert certs/signer.pem",
			  "The same, signed at once." },
			{ 0 },
		},
};
