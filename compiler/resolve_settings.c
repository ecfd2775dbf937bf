#include "resolve_parts.h"

/* A kernel or initrd elsewhere, or one per architecture: not built yet. */
static bool refuse_planned_asset(struct resolve *r, const struct doc *doc,
				 const char *key)
{
	if (doc->kind != DOC_MAP)
		return false;
	diag_at(r->ds, DIAG_E203, doc->at,
		"\"%s\" as a map (a URL to fetch, or one per architecture) is "
		"not supported yet; write a path beside the site file",
		key);
	return true;
}

void parse_asset(struct resolve *r, const struct doc *doc,
		 const struct field *field)
{
	struct located value;

	if (!refuse_planned_asset(r, doc, field->name) &&
	    get_scalar(r, doc, field->name, &value))
		parse_template(r, value, field->at);
}

void parse_assets(struct resolve *r, const struct doc *doc,
		  const struct field *field)
{
	bool refused = refuse_planned_asset(r, doc, field->name);

	for (size_t i = 0; doc->kind == DOC_LIST && i < doc->count; i++)
		refused |= refuse_planned_asset(r, doc->items[i], field->name);
	if (!refused)
		parse_templated_list(r, doc, field);
}

void link_settings(struct resolve *r, struct settings *set)
{
	size_t errors = r->ds->errors;

	if (set->profile.text.ptr) {
		set->booted = profile_find(r->site, set->profile.text);
		if (!set->booted)
			no_such_profile(r, &set->profile, false);
	}
	link_channel(r, set);
	link_order(r, &set->boot);
	if (r->ds->errors != errors)
		set->incomplete = true;
}
