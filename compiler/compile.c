#include "compile.h"

#include "arena.h"
#include "check.h"
#include "effective.h"
#include "emit.h"
#include "plan.h"
#include "remote.h"
#include "resolve.h"
#include "sbuf.h"
#include "site_file.h"

const struct plan *compile(struct arena *arena, const char *path,
			   const struct compile_env *env, struct diags *ds)
{
	const struct doc *doc = site_file_load(arena, path, env, ds);
	const struct site *site =
		doc ? resolve(arena, doc, path, env, ds) : NULL;
	const struct effective *machines;
	struct sbuf script = { 0 };
	struct plan *plan;

	if (!site)
		return NULL;
	check(arena, site, ds);
	machines = effective(arena, site, env, ds);
	if (ds->errors)
		return NULL;
	plan = plan_new(arena, path, machines);
	if (plan->verify & VERIFY_NODES)
		remote_publish(arena, env, plan);
	emit_ipxe(plan, EMIT_IMAGE, &script);
	plan->script = sbuf_give(&script, arena);
	return plan;
}
