#include "verbs.h"

#include "arena.h"
#include "asset.h"
#include "build.h"
#include "cleanup.h"
#include "ir.h"
#include "progress.h"
#include "prove.h"
#include "report.h"
#include "site_roots.h"
#include "statcache.h"
#include "uki.h"
#include "verified.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum status build_fail_tree(const struct build *build, enum tree_result result)
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

struct issuer build_boot_signer(const struct build *build)
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
					.by = build_boot_signer(build) };
	struct progress progress = { 0 };
	struct assets assets = {
		.downloads = true,
		.progress = call->error_format == ERROR_FORMAT_HUMAN ? &progress
								     : NULL,
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
		tree_open(build->options->output, &build->why, &build->tree);

	if (result != TREE_OK)
		return build_fail_tree(build, result);
	tree_watch(build->tree, build->call);
	if (build->options->recheck)
		tree_doubt(build->tree);
	return STATUS_OK;
}

static struct text wanted_by_site[] = { { "site", 4 } };

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

void build_put_text(struct build *build, struct text path, struct text bytes)
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
	build_put_text(build, TEXT("trust.pem"), build->roots_pem);
	return STATUS_OK;
}

static enum status commit(struct build *build)
{
	enum tree_result result = tree_commit(build->tree, &build->sum);

	if (result != TREE_OK)
		return build_fail_tree(build, result);
	if (build->verified)
		verified_save(build->verified);
	/* Also when nothing was left to sign: the run before may have ended
	 * right here. */
	if (build->unfinished)
		unlink(build->unfinished);
	for (const char *line = build->sum.aside; *line;) {
		int len = (int)strcspn(line, "\n");

		report_warning(build->call, "%.*s", len, line);
		line += len + (line[len] == '\n');
	}
	return STATUS_OK;
}

/* --------------------------------------------------------------- verb -- */

static enum status run_build(struct call *call)
{
	static enum status (*const steps[])(struct build *) = {
		build_choose_targets,
		build_load_signer,
		build_load_boot_signer,
		compile_site,
		read_roots,
		open_tree,
		put_site,
		build_put_signatures,
		build_put_images,
		commit,
		build_say,
	};
	struct build build = { .call = call, .options = call->options };
	enum status status = STATUS_OK;

	build.cache = statcache_open(NULL);
	if (build.options->recheck)
		statcache_doubt(build.cache);
	for (size_t i = 0;
	     i < sizeof(steps) / sizeof(steps[0]) && status == STATUS_OK; i++)
		status = steps[i](&build);
	verified_free(build.verified);
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
	{ .name = "recheck",
	  .help = "Read every file and verify every signature, also those "
		  "that are remembered from an earlier run and look "
		  "unchanged.",
	  OPTION_FLAG(struct build_options, recheck) },
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
	  .help = "Sign, verify and compile iPXE with so many threads or "
		  "processes at once; 0 is one for each processor. A key in a "
		  "token makes one signature at a time.",
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
