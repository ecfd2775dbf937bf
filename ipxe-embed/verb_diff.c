#include "verbs.h"

#include "arena.h"
#include "asset.h"
#include "cleanup.h"
#include "diag.h"
#include "difference.h"
#include "files.h"
#include "ir.h"
#include "report.h"
#include "roots.h"
#include "sbuf.h"
#include "statcache.h"
#include "trust.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct diff_options {
	bool json, brief;
};

/* One of the two sites. */
struct side {
	const struct plan *plan;
	struct text roots; /* fingerprints */
};

/* As of diff(1), to which other programs are used. */
enum { DIFF_SAME = 0, DIFF_DIFFERENT = 1, DIFF_TROUBLE = 2 };

static struct text read_root(struct call *call, const char *path)
{
	CLEANUP(sbuf) bytes = { 0 };
	int fd = asset_open(path);

	if (fd >= 0) {
		files_slurp(fd, TRUST_MAX_BYTES, &bytes);
		close(fd);
	}
	return (struct text){
		arena_copy(call->arena, sbuf_text(&bytes), bytes.len), bytes.len
	};
}

/* By their fingerprints, in order; compile() has found the files good. */
static struct text roots_of(struct call *call, const struct plan *plan)
{
	struct text *files =
		arena_new_array(call->arena, plan->root_count, struct text);
	struct root_certificates roots = { 0 };
	CLEANUP(sbuf) text = { 0 };

	for (size_t i = 0; i < plan->root_count; i++)
		files[i] = read_root(call, plan->roots[i].path.ptr);
	roots_split(call->arena, files, plan->root_count, &roots);
	for (size_t i = 0; i < roots.count; i++)
		sbuf_printf(&text, "%ssha256 %s", i ? ", " : "",
			    roots.at[i].hex);
	return (struct text){
		arena_copy(call->arena, sbuf_text(&text), text.len), text.len
	};
}

static enum status read_side(struct call *call, const char *path,
			     struct statcache *cache, struct side *ret_side)
{
	struct assets assets = { .cache = cache, .arena = call->arena };
	struct compile_env env = asset_env(&assets);
	struct diags ds = { .arena = call->arena };
	const struct plan *plan;
	enum status status;
	struct stat found;

	if (stat(path, &found) == 0 && S_ISDIR(found.st_mode))
		return report_error(call,
				    "%s is a directory: two site files are "
				    "compared; what build has made does not "
				    "say what its machines do",
				    path);
	plan = compile(call->arena, path, &env, &ds);
	status = report_diags(call, &ds);
	if (status != STATUS_OK)
		return status;
	*ret_side = (struct side){ plan, roots_of(call, plan) };
	return STATUS_OK;
}

static bool say(struct call *call, const struct side *old,
		const struct side *new)
{
	const struct diff_options *options = call->options;
	struct difference result = difference(
		call->arena, old->plan, old->roots, new->plan, new->roots);
	CLEANUP(sbuf) out = { 0 };

	if (options->json)
		difference_json(&result, &out);
	else if (!options->brief)
		difference_text(call->arena, &result,
				call->colour && isatty(STDOUT_FILENO), &out);
	fwrite(sbuf_text(&out), 1, out.len, stdout);
	return result.all.count;
}

static enum status run_diff(struct call *call)
{
	struct statcache *cache = statcache_open(NULL);
	struct side old = { 0 }, new = { 0 };
	enum status status = read_side(call, call->operands[0], cache, &old);

	if (status == STATUS_OK)
		status = read_side(call, call->operands[1], cache, &new);
	statcache_save(cache);
	statcache_free(cache);
	if (status != STATUS_OK)
		return (enum status)DIFF_TROUBLE;
	return (enum status)(say(call, &old, &new) ? DIFF_DIFFERENT
						   : DIFF_SAME);
}

static const struct option_row rows[] = {
	{ .name = "json",
	  .help = "JSON instead, for other programs; every node by itself.",
	  OPTION_FLAG(struct diff_options, json) },
	{ .name = "brief",
	  .letter = 'q',
	  .help = "Print nothing; the exit status says whether they differ.",
	  OPTION_FLAG(struct diff_options, brief) },
	{ 0 },
};

const struct verb verb_diff = {
	.name = "diff",
	.operands = "OLD NEW",
	.summary = "Say which machines would do something else, and what",
	.text = "Compares two site files by what they mean: for each node, and "
		"for unknown machines, the boot order and menus, the content "
		"of kernels, initrds, injected and served files, rendered "
		"arguments, network, phase and identity; for all, URLs, roots "
		"of trust, ways to verify, signer and dispatch. What a node "
		"would do in its other phases is compared, too. How a site says it does not matter: to "
		"move settings from nodes into a group is no difference. Nodes "
		"that change alike are shown together, and nodes are the same "
		"if their names are.\n"
		"\n"
		"The exit status is that of diff(1): 0 if no machine would do "
		"anything else, 1 if some would, 2 if a site is at fault.",
	.options = rows,
	.options_bytes = sizeof(struct diff_options),
	.run = run_diff,
	.examples =
		(const struct example[]){
			{ "git worktree add ../before && "
			  "ipxe-embed diff ../before/site.yaml site.yaml",
			  "What the changes to a repository would change." },
			{ 0 },
		},
};
