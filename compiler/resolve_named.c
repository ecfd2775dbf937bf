#include "resolve_parts.h"

#include "arena.h"
#include "doc.h"
#include "resolve.h"
#include "value.h"

#include <stdlib.h>

/* Whoever has more faults than this has misspelt no single name; and to look
 * through all names for each of 100,000 nodes would take minutes. */
enum { SUGGESTIONS_MAX = 20 };

bool good_name(struct resolve *r, const struct doc_pair *pair)
{
	const char *wrong = value_name(pair->key);

	if (wrong)
		bad_value(r, DIAG_E306,
			  &(struct located){ pair->key, pair->key_at }, wrong);
	return !wrong;
}

/* In a boot order the name of a profile must mean only that. */
static bool good_profile(struct resolve *r, const struct doc_pair *pair)
{
	if (!step_word_taken(pair->key))
		return true;
	diag_at(r->ds, DIAG_E412, pair->key_at,
		"a profile cannot be named \"%s\": in a boot order this word "
		"means something else",
		pair->key.ptr);
	return false;
}

static int compare_names(const void *a, const void *b)
{
	return text_compare(*(const struct text *)a, *(const struct text *)b);
}

/* As people and programs write them, mostly. */
static bool are_sorted(const char *at, size_t count, size_t bytes)
{
	for (size_t i = 1; i < count; i++)
		if (compare_names(at + (i - 1) * bytes, at + i * bytes) > 0)
			return false;
	return true;
}

/* Profiles, groups and nodes all begin with their name. */
void sort_by_name(void *at, size_t count, size_t bytes)
{
	if (!are_sorted(at, count, bytes))
		qsort(at, count, bytes, compare_names);
}

void *find_by_name(struct text name, const void *at, size_t count, size_t bytes)
{
	return count ? bsearch(&name, at, count, bytes, compare_names) : NULL;
}

const char *nearest_name(struct resolve *r, struct text typed, const void *at,
			 size_t count, size_t bytes, const char *const *more,
			 size_t more_count)
{
	const char **names;

	if (r->ds->errors >= SUGGESTIONS_MAX)
		return NULL;
	names = arena_new_array(r->arena, count + more_count, const char *);
	for (size_t i = 0; i < count; i++)
		names[i] =
			((const struct text *)(const void *)((const char *)at +
							     i * bytes))
				->ptr;
	for (size_t i = 0; i < more_count; i++)
		names[count + i] = more[i];
	return diag_nearest(typed, names, count + more_count);
}

const struct profile *profile_find(const struct site *site, struct text name)
{
	return find_by_name(name, site->profiles, site->profile_count,
			    sizeof(*site->profiles));
}

const struct group *group_find(const struct site *site, struct text name)
{
	return find_by_name(name, site->groups, site->group_count,
			    sizeof(*site->groups));
}

const struct menu *menu_find(const struct site *site, struct text name)
{
	return find_by_name(name, site->menus, site->menu_count,
			    sizeof(*site->menus));
}

/* Entries of a map: all kinds of them begin with name and place. */
struct entries {
	enum level level;
	size_t bytes, settings; /* of one; where its settings are, or 0 */
};

struct entry {
	struct text name;
	struct span at;
};

static void parse_entry(struct resolve *r, const struct doc_pair *pair,
			const struct entries *entries, char *at)
{
	const struct holders holders = {
		entries->level,
		{ [IN_SETTINGS] =
			  entries->settings ? at + entries->settings : NULL,
		  [IN_PROFILE] = at,
		  [IN_NODE] = at,
		  [IN_MENU] = at }
	};

	*(struct entry *)(void *)at = (struct entry){ pair->key, pair->key_at };
	if (entries->level == AT_NODE)
		((struct node *)(void *)at)->said = pair->value;
	if (entries->level == AT_MENU)
		((struct menu *)(void *)at)->said = pair->value;
	if (wants_map(r, pair->value, pair->key.ptr))
		parse_map(r, pair->value, &holders);
	else if (pair->value->kind == DOC_NULL)
		require_keys(r, NULL, pair->key_at, entries->level);
}

/**
 * @param ret_count	of the entries whose names are good
 * @return the entries, sorted by name
 */
static void *parse_entries(struct resolve *r, const struct doc *doc,
			   const struct field *field,
			   const struct entries *entries, size_t *ret_count)
{
	size_t room = wants_map(r, doc, field->name) ? doc->count : 0;
	char *all = arena_array(r->arena, room, entries->bytes);
	size_t count = 0;

	for (size_t i = 0; i < room; i++) {
		const struct doc_pair *pair = &doc->pairs[i];

		if (good_name(r, pair) &&
		    (entries->level != AT_PROFILE || good_profile(r, pair)))
			parse_entry(r, pair, entries,
				    all + count++ * entries->bytes);
	}
	sort_by_name(all, count, entries->bytes);
	*ret_count = count;
	return all;
}

void parse_profiles(struct resolve *r, const struct doc *doc,
		    const struct field *field)
{
	static const struct entries entries = { AT_PROFILE,
						sizeof(struct profile),
						offsetof(struct profile, set) };

	r->site->profiles =
		parse_entries(r, doc, field, &entries, &r->site->profile_count);
}

void parse_groups(struct resolve *r, const struct doc *doc,
		  const struct field *field)
{
	static const struct entries entries = { AT_GROUP, sizeof(struct group),
						offsetof(struct group, set) };

	r->site->groups =
		parse_entries(r, doc, field, &entries, &r->site->group_count);
}

/* What a range says of a node is not there to be edited. */
static void keep_own_entries(struct site *site, const struct doc *nodes)
{
	for (size_t i = 0; i < site->node_count; i++) {
		struct node *node = &site->nodes[i];
		const struct doc *own = doc_get(nodes, node->name);

		if (own)
			node->said = own;
	}
}

void parse_nodes(struct resolve *r, const struct doc *doc,
		 const struct field *field)
{
	static const struct entries entries = { AT_NODE, sizeof(struct node),
						offsetof(struct node, set) };

	const struct doc *expanded = expand_ranges(r, doc);

	r->site->nodes = parse_entries(r, expanded, field, &entries,
				       &r->site->node_count);
	if (expanded != doc)
		keep_own_entries(r->site, doc);
}

void parse_menus(struct resolve *r, const struct doc *doc,
		 const struct field *field)
{
	static const struct entries entries = { AT_MENU, sizeof(struct menu),
						0 };

	r->site->menus =
		parse_entries(r, doc, field, &entries, &r->site->menu_count);
}

void parse_phases(struct resolve *r, const struct doc *doc,
		  const struct field *field)
{
	static const struct entries entries = { AT_PHASE, sizeof(struct phase),
						offsetof(struct phase, set) };
	struct more_settings *more =
		(struct more_settings *)(void *)((char *)field->at -
						 offsetof(struct more_settings,
							  phases));

	r->site->has_phases |= doc->kind == DOC_MAP && doc->count;
	more->phases =
		parse_entries(r, doc, field, &entries, &more->phase_count);
}

void link_phases(struct resolve *r, struct settings *set, struct text name)
{
	for (size_t i = 0; set->more && i < set->more->phase_count; i++) {
		struct phase *phase = &set->more->phases[i];

		phase->label = text_of(arena_printf(r->arena, "%s/%s", name.ptr,
						    phase->name.ptr));
		link_settings(r, &phase->set);
	}
}
