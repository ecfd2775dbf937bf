#include "no_node.h"

#include "arena.h"
#include "diag.h"
#include "ir.h"
#include "report.h"

enum status report_no_node(const struct call *call, const struct site *site,
			   const char *name, const char *otherwise)
{
	const char **names =
		arena_new_array(call->arena, site->node_count, const char *);
	const char *nearest;

	for (size_t i = 0; i < site->node_count; i++)
		names[i] = site->nodes[i].name.ptr;
	nearest = diag_nearest(text_of(name), names, site->node_count);
	if (nearest)
		return report_usage(
			call, "site %s has no node '%s'; did you mean '%s'?",
			site->name.text.ptr, name, nearest);
	return report_usage(call, "site %s has no node '%s'%s",
			    site->name.text.ptr, name, otherwise);
}
