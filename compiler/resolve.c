#include "resolve.h"

#include "arena.h"
#include "doc.h"
#include "path.h"
#include "resolve_parts.h"
#include "schema.h"
#include "template_file.h"

static void link_names(struct resolve *r)
{
	struct site *site = r->site;

	link_settings(r, &site->set);
	link_order(r, &site->unknown);
	for (size_t i = 0; i < site->profile_count; i++)
		link_settings(r, &site->profiles[i].set);
	for (size_t i = 0; i < site->group_count; i++)
		link_settings(r, &site->groups[i].set);
	for (size_t i = 0; i < site->node_count; i++) {
		link_settings(r, &site->nodes[i].set);
		link_groups(r, &site->nodes[i]);
	}
}

static void require_keys(struct resolve *r, const struct doc *doc)
{
	for (size_t i = 0; i < schema_key_count; i++)
		if ((schema_keys[i].required & AT_SITE) &&
		    !doc_find(doc, text_of(schema_keys[i].name))) {
			struct diag *d = diag_at(r->ds, DIAG_E204, doc->at,
						 "the site has no \"%s\"",
						 schema_keys[i].name);
			diag_help(r->ds, d, "for example:  %s: %s",
				  schema_keys[i].name, schema_keys[i].example);
		}
}

const struct site *resolve(struct arena *arena, const struct doc *doc,
			   const char *path, const struct compile_env *env,
			   struct diags *ds)
{
	struct resolve r = { .arena = arena, .ds = ds, .env = env };

	if (doc->kind != DOC_MAP) {
		diag_at(ds, DIAG_E201, doc->at,
			"a site is a map of keys and values, and this is %s",
			kind_words(doc));
		return NULL;
	}
	r.site = arena_new(arena, struct site);
	r.site->directory = path_directory(arena, path);
	r.site->templates =
		template_files_new(arena, r.site->directory, env, ds);
	r.site->signer.text = TEXT("ipxe-embed-signer");
	require_keys(&r, doc);
	parse_map(
		&r, doc,
		&(struct holders){
			AT_SITE,
			{ [IN_SITE] = r.site, [IN_SETTINGS] = &r.site->set } });
	link_names(&r);
	return r.site;
}
