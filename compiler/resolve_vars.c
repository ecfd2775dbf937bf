#include "resolve_parts.h"

#include "arena.h"
#include "load.h"
#include "map.h"
#include "sbuf.h"
#include "source.h"

#include <errno.h>

/* Facts of 100,000 machines in one file are smaller. */
enum { VARS_BYTES_MAX = 64 * 1024 * 1024 };

void parse_vars(struct resolve *r, const struct doc *doc,
		const struct field *field)
{
	struct settings *set =
		(struct settings *)(void *)((char *)field->at -
					    offsetof(struct settings, vars));

	if (doc->kind == DOC_NULL)
		return;
	if (doc->kind != DOC_MAP) {
		wrong_shape(r, doc, field->name, "a map");
		return;
	}
	set->vars = doc;
	set->vars_replace = field->replaces;
}

/* One file of vars, read once. */
struct vars_file {
	const struct doc *doc; /* DOC_MAP; NULL if it is bad, as reported */
};

static const struct doc *vars_read(struct resolve *r, const char *path,
				   struct span at)
{
	const struct source *source;
	const struct doc *doc = NULL;
	struct sbuf bytes = { 0 };
	int error = r->env->read(r->env->ctx, path, VARS_BYTES_MAX, &bytes);

	if (error) {
		diag_at(r->ds, DIAG_E606, at, "%s: %s", path,
			error == -EFBIG ? "is larger than 64 MiB"
					: strerror(-error));
	} else {
		source = source_take(r->arena, path, &bytes);
		doc = load(r->arena, source, r->ds);
	}
	sbuf_release(&bytes);
	if (!doc || doc->kind == DOC_MAP)
		return doc;
	diag_at(r->ds, DIAG_E606, doc->at,
		"vars are a map of names and values, and this is %s",
		kind_words(doc));
	return NULL;
}

static const struct doc *vars_get(struct resolve *r, const struct located *path)
{
	void **slot = map_at(r->site->vars_files, path->text);
	struct vars_file *file = *slot;

	if (!file) {
		*slot = file = arena_new(r->arena, struct vars_file);
		file->doc = vars_read(r,
				      arena_printf(r->arena, "%s%s",
						   r->site->directory.ptr,
						   path->text.ptr),
				      path->at);
	}
	return file->doc;
}

void parse_vars_from(struct resolve *r, const struct doc *doc,
		     const struct field *field)
{
	struct settings *set =
		(struct settings *)(void *)((char *)field->at -
					    offsetof(struct settings,
						     vars_from));
	struct located_list list = get_scalars(r, doc, field->name);

	if (refuse_empty_list(r, doc, field->name))
		return;
	set->vars_from =
		arena_new_array(r->arena, list.count, const struct doc *);
	for (size_t i = 0; i < list.count; i++) {
		const struct doc *vars;

		if (!find_path(r, &list.at[i]))
			continue;
		vars = vars_get(r, &list.at[i]);
		if (vars)
			set->vars_from[set->vars_from_count++] = vars;
		else
			set->incomplete = true;
	}
}
