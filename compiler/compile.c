#include "compile.h"

#include "arena.h"
#include "check.h"
#include "effective.h"
#include "emit.h"
#include "load.h"
#include "plan.h"
#include "resolve.h"
#include "sbuf.h"
#include "source.h"

#include <errno.h>

/* Room for 100,000 nodes with ten lines each, several times over. */
enum { SITE_BYTES_MAX = 64 * 1024 * 1024 };

static const struct source *read_site(struct arena *arena, const char *path,
				      const struct compile_env *env,
				      struct diags *ds)
{
	const struct source *source = NULL;
	struct sbuf bytes = { 0 };
	int error = env->read(env->ctx, path, SITE_BYTES_MAX, &bytes);

	if (error == -EFBIG)
		diag_at(ds, DIAG_E105, (struct span){ 0 },
			"%s: larger than %d MiB, so it is no site file", path,
			SITE_BYTES_MAX / 1024 / 1024);
	else if (error)
		diag_at(ds, DIAG_E100, (struct span){ 0 }, "%s: %s", path,
			strerror(-error));
	else
		source = source_new(arena, path, sbuf_text(&bytes), bytes.len);
	sbuf_release(&bytes);
	return source;
}

const struct plan *compile(struct arena *arena, const char *path,
			   const struct compile_env *env, struct diags *ds)
{
	const struct source *source = read_site(arena, path, env, ds);
	const struct doc *doc = source ? load(arena, source, ds) : NULL;
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
	emit_ipxe(plan, &script);
	plan->script = (struct text){
		arena_copy(arena, sbuf_text(&script), script.len), script.len
	};
	sbuf_release(&script);
	return plan;
}
