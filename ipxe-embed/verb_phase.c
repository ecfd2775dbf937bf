#include "verbs.h"

#include "arena.h"
#include "asset.h"
#include "cleanup.h"
#include "diag.h"
#include "ir.h"
#include "levels.h"
#include "no_node.h"
#include "phase_edit.h"
#include "plan.h"
#include "replace.h"
#include "report.h"
#include "sbuf.h"
#include "source.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

struct change {
	struct assets assets; /* first: callbacks take us for that */
	const struct call *call;
	const char *site_path;
	struct text phase;
	const struct site *site;
	const struct node *node;
	const char *path;  /* of the file that holds the node */
	struct sbuf bytes; /* of it, changed */
	int (*read)(void *ctx, const char *path, size_t max_bytes,
		    struct sbuf *ret_bytes); /* other files */
};

/* The world, but for the one file that is about to change. */
static int read_changed(void *ctx, const char *path, size_t max_bytes,
			struct sbuf *ret_bytes)
{
	const struct change *change = ctx;

	if (strcmp(path, change->path) != 0)
		return change->read(ctx, path, max_bytes, ret_bytes);
	if (change->bytes.len > max_bytes)
		return -EFBIG;
	sbuf_add(ret_bytes, change->bytes.ptr, change->bytes.len);
	return 0;
}

static const struct site *site_of(const struct plan *plan)
{
	return plan ? plan->effective->site : NULL;
}

static const struct node *node_find(const struct site *site, const char *name)
{
	for (size_t i = 0; i < site->node_count; i++)
		if (text_is(site->nodes[i].name, name))
			return &site->nodes[i];
	return NULL;
}

static enum status check_phase(const struct change *change)
{
	size_t count;
	struct text *phases = levels_phases(change->call->arena, change->site,
					    change->node, &count);
	CLEANUP(sbuf) names = { 0 };

	for (size_t i = 0; i < count; i++) {
		if (text_equal(phases[i], change->phase))
			return STATUS_OK;
		sbuf_printf(&names, "%s%s", i ? ", " : "", phases[i].ptr);
	}
	report_error(change->call, "node '%s' has no phase '%s'; %s%s",
		     change->node->name.ptr, change->phase.ptr,
		     count ? "its phases are: " : "it has none at all",
		     sbuf_text(&names));
	return STATUS_USAGE;
}

static bool is_unchanged(const struct node *a, const struct node *b)
{
	return text_equal(a->name, b->name) &&
	       text_equal(a->set.phase.text, b->set.phase.text);
}

/* What is written must be a good site in which this one thing is different. */
static enum status try_changed(struct change *change)
{
	struct compile_env env = asset_env(&change->assets);
	struct diags ds = { .arena = change->call->arena };
	const struct site *site;
	enum status status;

	change->read = env.read;
	env.read = read_changed;
	site = site_of(
		compile(change->call->arena, change->site_path, &env, &ds));
	status = report_diags(change->call, &ds);
	if (!site)
		return status;
	for (size_t i = 0; i < site->node_count; i++) {
		const struct node *was = &change->site->nodes[i];
		const struct node *now = &site->nodes[i];
		bool good =
			was == change->node
				? text_equal(now->set.phase.text, change->phase)
				: is_unchanged(was, now);

		if (!good)
			return report_error(change->call,
					    "%s: to change the phase of node "
					    "'%s' there would change node "
					    "'%s', too: edit it by hand",
					    change->path,
					    change->node->name.ptr,
					    now->name.ptr);
	}
	return STATUS_OK;
}

static enum status write_changed(const struct change *change)
{
	char real[PATH_MAX];
	struct stat st;
	int error = 0;

	if (!realpath(change->path, real) || stat(real, &st) != 0)
		error = -errno;
	else
		error = replace_file(change->call->arena, real,
				     st.st_mode & 07777, &change->bytes);
	if (error)
		return report_failure(change->call, "cannot write %s: %s",
				      change->path, strerror(-error));
	printf("%s: node %s is in phase %s now\n", change->path,
	       change->node->name.ptr, change->phase.ptr);
	return STATUS_OK;
}

static enum status change_phase(struct change *change)
{
	const struct located *now = &change->node->set.phase;
	const char *wrong;
	enum status status;

	change->path = change->node->at.source->path.ptr;
	if (now->text.ptr && text_equal(now->text, change->phase)) {
		printf("%s: node %s is in phase %s already\n", change->path,
		       change->node->name.ptr, change->phase.ptr);
		return STATUS_OK;
	}
	wrong = phase_edit(change->node, change->phase, &change->bytes);
	if (wrong)
		return report_error(change->call,
				    "%s: cannot change node '%s' by itself: "
				    "%s; edit it by hand",
				    change->path, change->node->name.ptr,
				    wrong);
	status = try_changed(change);
	return status == STATUS_OK ? write_changed(change) : status;
}

static enum status run_phase(struct call *call)
{
	struct change change = { .call = call,
				 .site_path = call->operands[0],
				 .phase = text_of(call->operands[2]) };
	struct assets assets = { 0 };
	struct compile_env env = asset_env(&assets);
	struct diags ds = { .arena = call->arena };
	enum status status;

	change.site =
		site_of(compile(call->arena, change.site_path, &env, &ds));
	if (!change.site)
		return report_diags(call, &ds);
	change.node = node_find(change.site, call->operands[1]);
	if (!change.node)
		return report_no_node(call, change.site, call->operands[1], "");
	status = check_phase(&change);
	if (status == STATUS_OK)
		status = change_phase(&change);
	sbuf_release(&change.bytes);
	return status;
}

const struct verb verb_phase = {
	.name = "phase",
	.operands = "SITE NODE PHASE",
	.summary = "Put a node into another of its phases",
	.text = "Changes the key phase of one node in the site file, or in the "
		"file that it includes, and nothing else there: comments and "
		"layout stay. The key is added where it is missing. Nothing "
		"is written unless the site is good before and after.\n\n"
		"The node does what the phase says once the site has been "
		"built and published again.",
	.run = run_phase,
	.examples =
		(const struct example[]){
			{ "ipxe-embed phase site.yaml worker-1 install",
			  "Install worker-1 again." },
			{ 0 },
		},
};
