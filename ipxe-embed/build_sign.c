#include "build.h"

#include "arena.h"
#include "ir.h"
#include "report.h"
#include "signatures.h"
#include "verified.h"

#include <time.h>

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

static void add_item(struct build *build, struct signing_items *items,
		     struct text path, const struct digest *digest)
{
	struct signing_item *item = vec_push(build->call->arena, items);

	item->path = path;
	item->digest = *digest;
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

static enum status make_signatures(struct build *build,
				   const struct signatures *signatures,
				   struct signing_items *items)
{
	enum status status =
		signer_check(build->call, &build->signer, signatures->policy);

	if (status != STATUS_OK)
		return status;
	signatures_find(signatures, items);
	return signatures_make(signatures, items, &build->made);
}

/* Signatures that still hold stay: they belong to the content, not to a build.
 * The others are asked for. */
static void ask_for_signatures(struct build *build,
			       const struct signatures *signatures,
			       struct signing_items *items)
{
	signatures_find(signatures, items);
	for (size_t i = 0; i < items->count; i++)
		if (!items->at[i].held)
			*vec_push(build->call->arena, &build->unsigned_items) =
				items->at[i];
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

enum status build_put_signatures(struct build *build)
{
	const struct cms_policy policy = {
		.roots = &build->roots,
		.signer = build->plan->signer.ptr,
		.now = time(NULL),
	};
	const bool has_key = build->options->sign_key != NULL;
	struct signatures signatures = {
		.call = build->call,
		.policy = &policy,
		.signer = has_key ? &build->signer : NULL,
		.tree = build->tree,
		.jobs = (unsigned)build->options->jobs,
	};
	struct signing_items items;
	enum status status = STATUS_OK;

	if (!(build->plan->verify & VERIFY_SIGNED)) {
		if (has_key)
			report_warning(build->call,
				       "nothing was signed: the site verifies "
				       "without signatures");
		return STATUS_OK;
	}
	build->unfinished = tree_unfinished(build->tree);
	build->verified = verified_open(
		tree_cache_file(build->tree, "verified"), &policy);
	if (build->options->recheck)
		verified_doubt(build->verified);
	signatures.unfinished = build->unfinished;
	signatures.verified = build->verified;
	items = items_to_sign(build);
	if (has_key)
		status = make_signatures(build, &signatures, &items);
	else
		ask_for_signatures(build, &signatures, &items);
	if (status != STATUS_OK)
		return status;
	signatures_put(&signatures, &items);
	if (build->unsigned_items.count)
		put_request(build);
	return STATUS_OK;
}
