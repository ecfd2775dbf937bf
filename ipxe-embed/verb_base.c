#include "verbs.h"

#include "arena.h"
#include "asset.h"
#include "choose.h"
#include "cleanup.h"
#include "diag.h"
#include "progress.h"
#include "report.h"
#include "site_roots.h"
#include "vec.h"

#include <stdio.h>
#include <string.h>

/* ---------------------------------------------------------------- list -- */

struct list_options {
	const char *src;
};

/* Old ones gather in a cache: the reason stands once above each run of them. */
static void print_unusable(const struct candidates *candidates,
			   struct sbuf *out)
{
	const char *why = "";

	vec_foreach (const struct unusable, bad, &candidates->unusable) {
		if (strcmp(bad->why, why) != 0)
			sbuf_printf(out, "%s:\n", bad->why);
		sbuf_printf(out, "  %s\n", bad->directory);
		why = bad->why;
	}
}

static void print_all(const struct candidates *candidates)
{
	CLEANUP(sbuf) out = { 0 };

	vec_foreach (const struct candidate, c, candidates)
		candidate_print(c, &out);
	print_unusable(candidates, &out);
	fputs(sbuf_text(&out), stdout);
}

static void print_how(const struct candidates *candidates)
{
	if (candidates->tree.state == BASE_REFUSED)
		fputs(candidates->tree.why, stdout);
	else if (!candidates->count)
		printf("No base is here yet. From the distribution's iPXE, for "
		       "UEFI machines:\n\n    ipxe-embed base stock\n\n%s",
		       base_how_to_get());
}

static enum status read_needs(struct call *call, struct base_needs *ret_needs)
{
	struct assets assets = { 0 }; /* no cache: look, do not measure */
	struct compile_env env = asset_env(&assets);
	struct diags ds = { .arena = call->arena };
	const struct plan *plan =
		compile(call->arena, call->operands[0], &env, &ds);
	enum status status = report_diags(call, &ds);
	struct text pem;

	if (status != STATUS_OK)
		return status;
	ret_needs->verify = plan->verify;
	ret_needs->features = plan->features;
	ret_needs->ntp = plan->uplink_uses.ntp;
	ret_needs->usual = true;
	return site_roots(call, plan, &pem, &ret_needs->root_count);
}

/* Which one build would take, and why not the others. */
static void print_choice(const struct call *call,
			 const struct candidates *candidates,
			 const struct base_wish *wish,
			 const struct base_needs *needs)
{
	struct base_choice choice;

	base_choose(call->arena, wish, needs, &choice);
	printf("\nFor %s:\n", call->operands[0]);
	if (choice.status != CHOICE_MADE) {
		printf("%s\n", choice.why);
		return;
	}
	printf("  %s\n ", choice.why);
	for (size_t i = 0; i < choice.asked_count; i++)
		printf(" %s", choice.targets[i]->name);
	puts(" usb.img");
	vec_foreach (const struct candidate, c, candidates) {
		const char *lack = candidate_lack(call->arena, c, needs);

		if (lack)
			printf("  not %s: it %s\n", c->name, lack);
	}
}

static enum status run_list(struct call *call)
{
	const struct list_options *options = call->options;
	const struct base_wish wish = { .ipxe_src = options->src };
	struct candidates candidates;
	struct base_needs needs = { 0 };
	enum status status = STATUS_OK;

	if (call->operand_count)
		status = read_needs(call, &needs);
	if (status != STATUS_OK)
		return status;
	candidates_find(call->arena, options->src, &candidates);
	candidates_check(call->arena, &candidates);
	print_all(&candidates);
	print_how(&candidates);
	if (call->operand_count)
		print_choice(call, &candidates, &wish, &needs);
	return STATUS_OK;
}

static const struct option_row list_rows[] = {
	{ .name = "src",
	  .value = "DIR",
	  .help = "The iPXE source tree; as --ipxe-src of build.",
	  OPTION_TEXT(struct list_options, src) },
	{ 0 },
};

const struct verb verb_base_list = {
	.name = "base list",
	.operands = "[SITE]",
	.summary = "Say which bases there are, and which one a site would use",
	.text = "A base is iPXE with room for the roots of trust of a site, and "
		"for its boot script or a place beside it. `source` is compiled "
		"by `base build`, once for each kind of firmware and each set "
		"of features that sites ask for: with plain HTTP when assets "
		"come from http: URLs, with a shell when a boot order names "
		"it, with drives of a SAN when a profile does. Those of the distribution come by `base stock`. The best "
		"comes first. Every byte of them is checked.\n"
		"\n"
		"With a site, the last lines say which base build would take, "
		"which images it would make, and what keeps it from the "
		"others.",
	.options = list_rows,
	.options_bytes = sizeof(struct list_options),
	.run = run_list,
};

/* --------------------------------------------------------------- build -- */

struct base_options {
	const char *src;
	long jobs;
	bool http, shell, san, arm64;
};

static enum status fail_source(const struct call *call, const struct base *base)
{
	const char *why =
		base->state == BASE_REFUSED ? base->why : base_how_to_get();
	int len = (int)strlen(why);

	while (len && why[len - 1] == '\n')
		len--;
	return report_error(call, "%.*s", len, why);
}

static enum status build_one(const struct call *call,
			     struct prepare_request *request)
{
	struct progress progress = { 0 };
	struct prepared prepared = { 0 };
	struct sbuf why = { 0 };
	enum status status = STATUS_OK;
	int error;

	request->ctx = &progress;
	error = prepare(call->arena, request, &prepared, &why);
	progress_end(&progress);
	while (why.len && why.ptr[why.len - 1] == '\n')
		why.ptr[--why.len] = '\0';
	if (error)
		status = report_failure(call, "%s", sbuf_text(&why));
	else
		printf("%s\n", prepared.directory);
	prepared_release(&prepared);
	sbuf_release(&why);
	return status;
}

static bool is_first_of_bin(const struct bake_target *target)
{
	for (const struct bake_target *t = bake_targets; t != target; t++)
		if (strcmp(t->bin, target->bin) == 0)
			return false;
	return true;
}

static enum status run_build(struct call *call)
{
	const struct base_options *options = call->options;
	struct base base;
	struct prepare_request request = {
		.base = &base,
		.features = { .http = options->http,
			      .shell = options->shell,
			      .san = options->san },
		.cache = base_cache(call->arena),
		.jobs = (unsigned)options->jobs,
	};
	enum status status = STATUS_OK;

	if (call->error_format == ERROR_FORMAT_HUMAN)
		request.progress = progress_show;
	base_find(call->arena, options->src, &base);
	if (base.state != BASE_FOUND)
		return fail_source(call, &base);
	if (!request.cache)
		return report_failure(call, "there is no place to build iPXE "
					    "in: set HOME or IPXE_EMBED_CACHE");
	for (const struct bake_target *target = bake_targets;
	     target->name && !status; target++) {
		request.bin = target->bin;
		if ((target->usual || (target->cross && options->arm64)) &&
		    is_first_of_bin(target))
			status = build_one(call, &request);
	}
	return status;
}

static const struct option_row rows[] = {
	{ .name = "src",
	  .value = "DIR",
	  .help = "The iPXE source tree, release 2.0.0 or later; as --ipxe-src "
		  "of build.",
	  OPTION_TEXT(struct base_options, src) },
	{ .name = "jobs",
	  .letter = 'j',
	  .value = "N",
	  .help = "Compile iPXE with so many processes at once; 0 is one for "
		  "each processor.",
	  .fallback = "0",
	  OPTION_NUMBER(struct base_options, jobs, 0, 1024) },
	{ .name = "arm64",
	  .help = "UEFI on 64-bit ARM as well; takes a compiler for it "
		  "(package gcc-aarch64-linux-gnu).",
	  OPTION_FLAG(struct base_options, arm64) },
	{ .name = "http",
	  .help = "For sites that fetch assets over plain HTTP, too.",
	  OPTION_FLAG(struct base_options, http) },
	{ .name = "shell",
	  .help = "For sites with a shell in a boot order.",
	  OPTION_FLAG(struct base_options, shell) },
	{ .name = "san",
	  .help = "For sites with a san in a profile.",
	  OPTION_FLAG(struct base_options, san) },
	{ 0 },
};

const struct verb verb_base_build = {
	.name = "base build",
	.summary = "Compile iPXE once, for all sites to come",
	.text = "build does the same when it needs a base that is not there. "
		"This is for doing it beforehand: minutes for each kind of "
		"firmware, and nothing if it is done. A run that was cut off "
		"is taken up where it stopped; what make said is kept in the "
		"cache.\n\n"
		"Prints the directories of the bases. Copied to "
		"/var/lib/ipxe-embed/bases, they serve every user of a "
		"machine, also without a compiler.",
	.options = rows,
	.options_bytes = sizeof(struct base_options),
	.run = run_build,
	.examples =
		(const struct example[]){
			{ "ipxe-embed base build --src ipxe-2.0.0", NULL },
			{ 0 },
		},
};
