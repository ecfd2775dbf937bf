#include "verbs.h"

#include "arena.h"
#include "bake.h"
#include "prepare.h"
#include "progress.h"
#include "report.h"

#include <stdio.h>

/* ---------------------------------------------------------------- list -- */

struct listing {
	size_t count, damaged;
};

static void print_base(void *ctx, const struct prepared *prepared)
{
	struct listing *listing = ctx;

	listing->count++;
	if (!prepared->image_count) {
		listing->damaged++;
		printf("%s\n  damaged; it is made anew when it is needed\n",
		       prepared->directory);
		return;
	}
	printf("%s\n  iPXE %s from source, for", prepared->directory,
	       prepared->version);
	for (size_t i = 0; i < prepared->image_count; i++)
		printf(" %s", prepared->images[i].target->name);
	printf("\n  verify: signature, digest; up to %d roots; HTTPS%s%s\n",
	       PATCH_ROOTS, prepared->features.http ? ", HTTP" : "",
	       prepared->features.shell ? ", a shell" : "");
}

static void print_source(struct arena *arena)
{
	struct base base;

	base_find(arena, NULL, &base);
	if (base.state == BASE_FOUND)
		printf("Images are made from iPXE %s in %s (from %s).\n",
		       base.version, base.path, base.origin);
	else if (base.state == BASE_REFUSED)
		fputs(base.why, stdout);
	else
		fputs(base_how_to_get(), stdout);
}

static enum status run_list(struct call *call)
{
	struct listing listing = { 0 };

	print_source(call->arena);
	prepared_visit(call->arena, base_cache(call->arena), print_base,
		       &listing);
	if (!listing.count)
		printf("No base is prepared yet: build makes what it needs, or "
		       "all of them at once: ipxe-embed base build\n");
	return STATUS_OK;
}

const struct verb verb_base_list = {
	.name = "base list",
	.summary = "Say which bases there are, and what they can do",
	.text = "A base is iPXE, compiled and linked once with room for a boot "
		"script and roots of trust. Sites are written into it without "
		"a compiler. There is one for each kind of firmware and each "
		"set of features that sites ask for: with plain HTTP when "
		"assets come from http: URLs, with a shell when a boot order "
		"names it. Each is read and checked as a build would.",
	.run = run_list,
};

/* --------------------------------------------------------------- build -- */

struct base_options {
	const char *src;
	long jobs;
	bool http, shell;
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
		.features = { .http = options->http, .shell = options->shell },
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
		if (target->usual && is_first_of_bin(target))
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
	{ .name = "http",
	  .help = "For sites that fetch assets over plain HTTP, too.",
	  OPTION_FLAG(struct base_options, http) },
	{ .name = "shell",
	  .help = "For sites with a shell in a boot order.",
	  OPTION_FLAG(struct base_options, shell) },
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
