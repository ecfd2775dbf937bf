#include "resolve.h"

#include "arena.h"
#include "map.h"
#include "path.h"
#include "resolve_parts.h"
#include "template_file.h"

/* Settings that may have phases. */
static void link_own(struct resolve *r, struct settings *set, struct text name)
{
	link_settings(r, set);
	link_phases(r, set, name);
}

static void link_names(struct resolve *r)
{
	struct site *site = r->site;

	link_settings(r, &site->set);
	link_order(r, &site->unknown);
	for (size_t i = 0; i < site->rule_count; i++)
		link_order(r, &site->rules[i].boot);
	for (size_t i = 0; i < site->menu_count; i++)
		link_menu_items(r, &site->menus[i]);
	link_profiles(r);
	for (size_t i = 0; i < site->profile_count; i++)
		link_own(r, &site->profiles[i].set, site->profiles[i].name);
	for (size_t i = 0; i < site->group_count; i++)
		link_own(r, &site->groups[i].set, site->groups[i].name);
	for (size_t i = 0; i < site->node_count; i++) {
		link_settings(r, &site->nodes[i].set);
		link_groups(r, &site->nodes[i]);
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
	for (size_t i = 0; i < schema_key_count; i++)
		r.required |= schema_keys[i].required;
	r.next_keys = arena_new_array(arena, schema_key_count,
				      const struct schema_key *);
	r.site = arena_new(arena, struct site);
	r.site->directory = path_directory(arena, path);
	r.site->templates =
		template_files_new(arena, r.site->directory, env, ds);
	r.site->vars_files = arena_new(arena, struct map);
	r.site->vars_files->arena = arena;
	r.site->signer.text = TEXT("ipxe-embed-signer");
	parse_map(
		&r, doc,
		&(struct holders){
			AT_SITE,
			{ [IN_SITE] = r.site, [IN_SETTINGS] = &r.site->set } });
	link_names(&r);
	return r.site;
}
