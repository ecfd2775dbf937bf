#include "build.h"

#include "arena.h"
#include "ir.h"
#include "report.h"

#include <time.h>

static struct text wanted_by_signature[] = { { "signature", 9 } };

enum status build_load_signer(struct build *build)
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

enum status build_load_boot_signer(struct build *build)
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
	build_put_text(
		build, TEXT(SIGNING_REQUEST_NAME),
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

enum status build_put_signatures(struct build *build)
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
