#include "site_roots.h"

#include "arena.h"
#include "asset.h"
#include "cleanup.h"
#include "plan.h"
#include "report.h"
#include "roots.h"
#include "sbuf.h"

static enum status read_root(const struct call *call, const struct root *root,
			     struct text *ret_pem)
{
	struct compile_env env = asset_env(NULL);
	CLEANUP(sbuf) bytes = { 0 };
	int error = env.read(env.ctx, root->path.ptr, TRUST_MAX_BYTES, &bytes);

	ret_pem->ptr = arena_copy(call->arena, sbuf_text(&bytes), bytes.len);
	ret_pem->len = bytes.len;
	return error ? report_failure(call, "%s: cannot be read: %s",
				      root->path.ptr, strerror(-error))
		     : STATUS_OK;
}

enum status site_roots(const struct call *call, const struct plan *plan,
		       struct text *ret_pem, size_t *ret_count)
{
	struct text *files =
		arena_new_array(call->arena, plan->root_count, struct text);
	CLEANUP(sbuf) pem = { 0 };
	struct root_certificates roots;
	size_t bad;

	for (size_t i = 0; i < plan->root_count; i++) {
		enum status status =
			read_root(call, &plan->roots[i], &files[i]);

		if (status != STATUS_OK)
			return status;
	}
	bad = roots_split(call->arena, files, plan->root_count, &roots);
	if (bad < plan->root_count)
		return report_error(call,
				    "%s: changed while the site was read: "
				    "there is no certificate in it any more",
				    plan->roots[bad].path.ptr);
	for (size_t i = 0; i < roots.count; i++)
		sbuf_add(&pem, roots.at[i].pem.ptr, roots.at[i].pem.len);
	ret_pem->ptr = arena_copy(call->arena, sbuf_text(&pem), pem.len);
	ret_pem->len = pem.len;
	*ret_count = roots.count;
	return STATUS_OK;
}
