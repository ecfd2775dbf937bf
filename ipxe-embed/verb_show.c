#include "verbs.h"

#include "arena.h"
#include "asset.h"
#include "cleanup.h"
#include "diag.h"
#include "ir.h"
#include "no_node.h"
#include "plan.h"
#include "report.h"
#include "sbuf.h"
#include "show.h"
#include "statcache.h"
#include "value.h"

#include <stdio.h>

struct show_options {
	bool json;
};

static enum status show(struct call *call, const struct plan *plan)
{
	const struct show_options *options = call->options;
	const char *name = call->operands[1];
	const struct machine *machine = show_find(call->arena, plan, name);
	CLEANUP(sbuf) out = { 0 };
	struct text mac;

	if (!machine && value_mac(call->arena, text_of(name), &mac))
		return report_no_node(call, plan->effective->site, name,
				      "; for unknown machines, give any MAC "
				      "address");
	if (!machine)
		machine = &plan->effective->unknown;
	if (options->json)
		show_json(plan, machine, &out);
	else
		show_text(plan, machine, &out);
	fwrite(out.ptr, 1, out.len, stdout);
	return STATUS_OK;
}

static enum status run_show(struct call *call)
{
	struct assets assets = { .cache = statcache_open(NULL),
				 .arena = call->arena };
	struct compile_env env = asset_env(&assets);
	struct diags ds = { .arena = call->arena };
	const struct plan *plan;
	enum status status;
	struct text mac;

	env.traced = value_mac(call->arena, text_of(call->operands[1]), &mac)
			     ? call->operands[1]
			     : mac.ptr;
	plan = compile(call->arena, call->operands[0], &env, &ds);
	statcache_save(assets.cache);
	statcache_free(assets.cache);
	status = report_diags(call, &ds);
	return status == STATUS_OK ? show(call, plan) : status;
}

static const struct option_row rows[] = {
	{ .name = "json",
	  .help = "JSON instead, for other programs.",
	  OPTION_FLAG(struct show_options, json) },
	{ 0 },
};

const struct verb verb_show = {
	.name = "show",
	.operands = "SITE NODE",
	.summary = "Say what a node will do, and which line says so",
	.text = "Shows every value that holds for NODE, as YAML: the step by "
		"step boot order, the network, menus, and for each step "
		"kernel, initrds, rendered arguments, injected and served "
		"files, the variables of templates, and what is fetched. Behind each value stands the place in the "
		"site file that it comes from, and the level that said it: "
		"site, profile, group or node. A value that a higher level "
		"has replaced is shown as a comment.\n"
		"\n"
		"NODE is a name or a MAC address; with a MAC address that no "
		"node has, it shows what unknown machines do. Kernels and "
		"initrds are measured, as `build` would; nothing is written.",
	.options = rows,
	.options_bytes = sizeof(struct show_options),
	.run = run_show,
	.examples =
		(const struct example[]){
			{ "ipxe-embed show site.yaml kube-master", NULL },
			{ "ipxe-embed show --json site.yaml kube-master | "
			  "jq -r '.steps[].args | select(.) | join(\" \")'",
			  "Its command lines." },
			{ 0 },
		},
};
