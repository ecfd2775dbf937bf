#include "verbs.h"

#include "asset.h"
#include "cleanup.h"
#include "diag.h"
#include "ir.h"
#include "plan.h"
#include "prove.h"
#include "report.h"
#include "sbuf.h"
#include "unverified.h"

#include <stdio.h>

/* Enough to see a fault of the program, few enough for an editor that checks with
 * each line: `build` looks at them all. */
enum { PROVED_NODES = 256 };

static void print_count(size_t count, const char *one, const char *many)
{
	if (count == 0)
		printf("no %s", many);
	else
		printf("%zu %s", count, count == 1 ? one : many);
}

static void print_summary(const char *path, const struct plan *plan,
			  size_t warnings)
{
	printf("%s: ", path);
	print_count(plan->effective->site->node_count, "node", "nodes");
	printf(", ");
	print_count(plan->effective->site->profile_count, "profile",
		    "profiles");
	printf(", no errors");
	if (warnings) {
		printf(", ");
		print_count(warnings, "warning", "warnings");
	}
	putchar('\n');
}

static void print_unverified(const char *path, const struct plan *plan)
{
	CLEANUP(sbuf) prefix = { 0 };
	CLEANUP(sbuf) text = { 0 };

	sbuf_printf(&prefix, "%s: ", path);
	unverified_print(plan, sbuf_text(&prefix), &text);
	fputs(sbuf_text(&text), stdout);
}

static enum status run_check(struct call *call)
{
	struct assets assets = { 0 }; /* no cache: look, do not measure */
	struct compile_env env = asset_env(&assets);
	struct diags ds = { .arena = call->arena };
	const struct plan *plan =
		compile(call->arena, call->operands[0], &env, &ds);
	enum status status;

	if (plan)
		prove(plan, PROVED_NODES, &ds);
	status = report_diags(call, &ds);

	if (status == STATUS_OK) {
		print_summary(call->operands[0], plan, ds.warnings);
		print_unverified(call->operands[0], plan);
	}
	return status;
}

const struct verb verb_check = {
	.name = "check",
	.operands = "SITE",
	.summary = "Find every fault of a site file",
	.text = "Reads the site file and the templates that it names, looks "
		"whether kernels, initrds and certificates are there and good, "
		"and shows all faults at once, each at its place. Kernels and "
		"initrds are not read through, and nothing is written, so it "
		"is quick enough for an editor or a commit hook.",
	.run = run_check,
	.examples =
		(const struct example[]){
			{ "ipxe-embed check --error-format=json site.yaml",
			  "The same for a program." },
			{ 0 },
		},
};
