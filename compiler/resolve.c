#include "resolve.h"

#include "arena.h"
#include "doc.h"
#include "plan.h"
#include "quote.h"
#include "schema.h"
#include "template.h"
#include "template_file.h"
#include "value.h"

#include <stdlib.h>

struct resolve {
	struct arena *arena;
	struct diags *ds;
	const struct compile_env *env;
	struct site *site;
};

/* Whoever has more faults than this has misspelt no single name; and to look
 * through all names for each of 100,000 nodes would take minutes. */
enum { SUGGESTIONS_MAX = 20 };

static const struct {
	const char *word;
	bool final;
} steps[] = {
	[STEP_PROFILE] = { "profile", false },
	[STEP_DISK] = { "disk", false },
	[STEP_RETRY] = { "retry", true },
	[STEP_REBOOT] = { "reboot", true },
	[STEP_POWEROFF] = { "poweroff", true },
	[STEP_EXIT] = { "exit", true },
	[STEP_SHELL] = { "shell", false },
};

enum { STEPS = sizeof(steps) / sizeof(*steps) };

const char *step_word(enum step_kind kind)
{
	return steps[kind].word;
}

bool step_is_final(enum step_kind kind)
{
	return steps[kind].final;
}

/* ----------------------------------------------------------- shapes -- */

static const char *kind_words(const struct doc *doc)
{
	switch (doc->kind) {
	case DOC_NULL:
		return "nothing";
	case DOC_SCALAR:
		return "a single value";
	case DOC_LIST:
		return "a list";
	case DOC_MAP:
		return "a map";
	}
	return "?";
}

static void wrong_shape(struct resolve *r, const struct doc *doc,
			const char *key, const char *wanted)
{
	diag_at(r->ds, DIAG_E205, doc->at, "\"%s\" takes %s, not %s", key,
		wanted, kind_words(doc));
}

static bool get_scalar(struct resolve *r, const struct doc *doc,
		       const char *key, struct located *ret)
{
	if (doc->kind != DOC_SCALAR) {
		wrong_shape(r, doc, key, "a single value");
		return false;
	}
	*ret = (struct located){ doc->text, doc->at };
	return true;
}

/* One value or a list of them. The list may not be empty: that would say
 * something, but not what. */
static struct located_list get_scalars(struct resolve *r, const struct doc *doc,
				       const char *key)
{
	struct located_list list = { 0 };

	if (doc->kind == DOC_SCALAR) {
		list.at = arena_new(r->arena, struct located);
		list.at[0] = (struct located){ doc->text, doc->at };
		list.count = 1;
		return list;
	}
	if (doc->kind != DOC_LIST) {
		wrong_shape(r, doc, key, "a value or a list of values");
		return list;
	}
	list.at = arena_new_array(r->arena, doc->count, struct located);
	for (size_t i = 0; i < doc->count; i++)
		if (get_scalar(r, doc->items[i], key, &list.at[list.count]))
			list.count++;
	return list;
}

static bool refuse_empty_list(struct resolve *r, const struct doc *doc,
			      const char *key)
{
	if (doc->kind != DOC_LIST || doc->count)
		return false;
	diag_at(r->ds, DIAG_E205, doc->at, "\"%s\" is an empty list", key);
	return true;
}

static void bad_value(struct resolve *r, enum diag_code code,
		      const struct located *value, const char *wrong)
{
	diag_at(r->ds, code, value->at, "%s %s", diag_quote(r->ds, value->text),
		wrong);
}

/* -------------------------------------------------------- templates -- */

static bool parse_template(struct resolve *r, struct located value,
			   struct templated *ret)
{
	ret->text = value.text;
	ret->at = value.at;
	ret->tmpl = template_parse(r->arena, value.text, value.at, r->ds);
	return ret->tmpl != NULL;
}

static const char *site_join(const struct resolve *r, struct text path)
{
	return arena_printf(r->arena, "%s%s", r->site->directory.ptr, path.ptr);
}

/* ----------------------------------------------------------- values -- */

struct field {
	const struct schema_key *key;
	const char *name; /* as written, with its "!" */
	bool replaces;
	void *at; /* the member that the key is for */
};

typedef void (*parse_fn)(struct resolve *r, const struct doc *doc,
			 const struct field *field);

/* A single value that one function finds good or refuses. */
static void parse_checked(struct resolve *r, const struct doc *doc,
			  const struct field *field, enum diag_code code,
			  const char *(*refusal)(struct text))
{
	struct located value;
	const char *wrong;

	if (!get_scalar(r, doc, field->name, &value))
		return;
	wrong = refusal(value.text);
	if (wrong)
		bad_value(r, code, &value, wrong);
	else
		*(struct located *)field->at = value;
}

static void parse_name(struct resolve *r, const struct doc *doc,
		       const struct field *field)
{
	parse_checked(r, doc, field, DIAG_E306, value_name);
}

static void parse_token(struct resolve *r, const struct doc *doc,
			const struct field *field)
{
	parse_checked(r, doc, field, DIAG_E311, quote_ipxe_refusal);
}

static void parse_text(struct resolve *r, const struct doc *doc,
		       const struct field *field)
{
	struct located value;

	if (get_scalar(r, doc, field->name, &value))
		parse_template(r, value, field->at);
}

static void parse_templated_list(struct resolve *r, const struct doc *doc,
				 const struct field *field)
{
	struct templated_list *list = field->at;
	struct located_list values = get_scalars(r, doc, field->name);

	list->at = arena_new_array(r->arena, values.count, struct templated);
	list->replaces = field->replaces;
	for (size_t i = 0; i < values.count; i++)
		if (parse_template(r, values.at[i], &list->at[list->count]))
			list->count++;
}

static bool check_path(struct resolve *r, const struct located *path)
{
	const char *wrong = value_path(path->text);

	if (wrong)
		bad_value(r, DIAG_E307, path, wrong);
	return !wrong;
}

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

static void parse_asset(struct resolve *r, const struct doc *doc,
			const struct field *field)
{
	struct located value;

	if (!refuse_planned_asset(r, doc, field->name) &&
	    get_scalar(r, doc, field->name, &value))
		parse_template(r, value, field->at);
}

static void parse_assets(struct resolve *r, const struct doc *doc,
			 const struct field *field)
{
	bool refused = refuse_planned_asset(r, doc, field->name);

	for (size_t i = 0; doc->kind == DOC_LIST && i < doc->count; i++)
		refused |= refuse_planned_asset(r, doc->items[i], field->name);
	if (!refused)
		parse_templated_list(r, doc, field);
}

static void parse_file_path(struct resolve *r, const struct doc *doc,
			    const struct field *field)
{
	parse_checked(r, doc, field, DIAG_E307, value_path);
}

static void parse_trust(struct resolve *r, const struct doc *doc,
			const struct field *field)
{
	struct located_list list = get_scalars(r, doc, field->name);
	struct located_list *good = field->at;

	if (refuse_empty_list(r, doc, field->name))
		return;
	good->at = arena_new_array(r->arena, list.count, struct located);
	for (size_t i = 0; i < list.count; i++) {
		const char *wrong = value_path(list.at[i].text);

		if (wrong) {
			bad_value(r, DIAG_E307, &list.at[i], wrong);
			continue;
		}
		r->env->check_trust(r->env->ctx, site_join(r, list.at[i].text),
				    list.at[i].at, r->ds);
		good->at[good->count++] = list.at[i];
	}
}

static void parse_url_list(struct resolve *r, const struct doc *doc,
			   const struct field *field, bool plain_http)
{
	struct located_list list = get_scalars(r, doc, field->name);
	struct located_list *good = field->at;

	if (refuse_empty_list(r, doc, field->name))
		return;
	good->at = arena_new_array(r->arena, list.count, struct located);
	for (size_t i = 0; i < list.count; i++) {
		struct located *url = &good->at[good->count];
		const char *wrong = value_url(r->arena, list.at[i].text,
					      plain_http, &url->text);

		if (wrong) {
			bad_value(r, DIAG_E305, &list.at[i], wrong);
			continue;
		}
		url->at = list.at[i].at;
		good->count++;
	}
}

static void parse_urls(struct resolve *r, const struct doc *doc,
		       const struct field *field)
{
	parse_url_list(r, doc, field, false);
}

static void parse_asset_urls(struct resolve *r, const struct doc *doc,
			     const struct field *field)
{
	parse_url_list(r, doc, field, true);
}

static void parse_verify(struct resolve *r, const struct doc *doc,
			 const struct field *field)
{
	static const struct {
		const char *word;
		enum verify bit;
	} ways[] = { { "signature", VERIFY_SIGNATURE },
		     { "digest", VERIFY_DIGEST },
		     { "secure-boot", VERIFY_SECURE_BOOT } };
	struct located_list list = get_scalars(r, doc, field->name);
	unsigned *verify = field->at;

	if (refuse_empty_list(r, doc, field->name))
		return;
	for (size_t i = 0; i < list.count; i++) {
		const struct located *word = &list.at[i];
		unsigned bit = 0;

		for (size_t w = 0; w < sizeof(ways) / sizeof(*ways); w++)
			if (text_is(word->text, ways[w].word))
				bit = ways[w].bit;
		if (bit == VERIFY_SECURE_BOOT && !r->env->make_uki)
			diag_at(r->ds, DIAG_E203, word->at,
				"\"verify: secure-boot\" is not supported yet; "
				"write signature, digest, or both");
		else if (bit)
			*verify |= bit;
		else
			bad_value(r, DIAG_E312, word,
				  "is no way to verify: write signature, "
				  "digest, secure-boot, or several of them");
	}
}

static bool step_find(struct text word, enum step_kind *ret_kind)
{
	for (size_t i = STEP_PROFILE + 1; i < STEPS; i++) {
		if (text_is(word, steps[i].word)) {
			*ret_kind = (enum step_kind)i;
			return true;
		}
	}
	return false;
}

static void step_add(struct resolve *r, struct boot_order *order,
		     struct located word)
{
	struct step step = { .kind = STEP_PROFILE, .name = word };

	if (text_is(word.text, "menu")) {
		diag_at(r->ds, DIAG_E203, word.at,
			"the step \"menu\" is not supported yet");
		return;
	}
	step_find(word.text, &step.kind);
	order->steps[order->count++] = step;
}

/* "local" is a whole order, not a step: what is installed here, or else
 * whatever the firmware has next. */
static void parse_boot(struct resolve *r, const struct doc *doc,
		       const struct field *field)
{
	struct boot_order *order = field->at;
	struct located_list list;

	if (refuse_empty_list(r, doc, field->name))
		return;
	list = get_scalars(r, doc, field->name);
	order->at = doc->at;
	order->steps = arena_new_array(r->arena, list.count + 1, struct step);
	if (list.count == 1 && text_is(list.at[0].text, "local")) {
		order->steps[0] = (struct step){ STEP_DISK, list.at[0], NULL };
		order->steps[1] = (struct step){ STEP_EXIT, list.at[0], NULL };
		order->count = 2;
		return;
	}
	for (size_t i = 0; i < list.count; i++)
		step_add(r, order, list.at[i]);
}

static void parse_unknown(struct resolve *r, const struct doc *doc,
			  const struct field *field)
{
	bool rules = doc->kind == DOC_MAP;

	for (size_t i = 0; doc->kind == DOC_LIST && i < doc->count; i++)
		rules = rules || doc->items[i]->kind == DOC_MAP;
	if (rules)
		diag_at(r->ds, DIAG_E203, doc->at,
			"rules for unknown machines are not supported yet; "
			"write one boot order for all of them");
	else
		parse_boot(r, doc, field);
}

static void parse_boolean(struct resolve *r, const struct doc *doc,
			  const struct field *field)
{
	struct located value;

	if (!get_scalar(r, doc, field->name, &value))
		return;
	if (doc->plain && text_is(value.text, "true"))
		*(bool *)field->at = true;
	else if (!(doc->plain && text_is(value.text, "false")))
		bad_value(r, DIAG_E312, &value, "is not true or false");
}

static void parse_dispatch(struct resolve *r, const struct doc *doc,
			   const struct field *field)
{
	struct located value;

	if (!get_scalar(r, doc, field->name, &value))
		return;
	if (text_is(value.text, "remote") || text_is(value.text, "both"))
		diag_at(r->ds, DIAG_E203, value.at,
			"\"dispatch: %s\" is not supported yet; write embedded",
			value.text.ptr);
	else if (!text_is(value.text, "embedded"))
		bad_value(r, DIAG_E312, &value,
			  "is no way to dispatch: write embedded");
}

static void parse_reference(struct resolve *r, const struct doc *doc,
			    const struct field *field)
{
	struct located value;

	if (get_scalar(r, doc, field->name, &value))
		*(struct located *)field->at = value;
}

static void parse_vars(struct resolve *r, const struct doc *doc,
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

static void parse_macs(struct resolve *r, const struct doc *doc,
		       const struct field *field)
{
	struct node *node =
		(struct node *)(void *)((char *)field->at -
					offsetof(struct node, macs));
	struct located_list list = get_scalars(r, doc, field->name);

	if (refuse_empty_list(r, doc, field->name))
		return;
	node->macs = arena_new_array(r->arena, list.count, struct located);
	for (size_t i = 0; i < list.count; i++) {
		struct located *mac = &node->macs[node->mac_count];
		const char *wrong =
			value_mac(r->arena, list.at[i].text, &mac->text);

		if (wrong) {
			bad_value(r, DIAG_E301, &list.at[i], wrong);
			continue;
		}
		mac->at = list.at[i].at;
		node->mac_count++;
	}
}

static void parse_identity(struct resolve *r, const struct doc *doc,
			   const struct field *field, enum diag_code code,
			   const char *(*parse)(struct arena *, struct text,
						struct text *))
{
	struct located value, *ret = field->at;
	const char *wrong;

	if (!get_scalar(r, doc, field->name, &value))
		return;
	wrong = parse(r->arena, value.text, &ret->text);
	ret->at = value.at;
	if (wrong) {
		bad_value(r, code, &value, wrong);
		ret->text = (struct text){ NULL, 0 };
	}
}

static void parse_uuid(struct resolve *r, const struct doc *doc,
		       const struct field *field)
{
	parse_identity(r, doc, field, DIAG_E302, value_uuid);
}

static void parse_tag(struct resolve *r, const struct doc *doc,
		      const struct field *field)
{
	parse_identity(r, doc, field, DIAG_E303, value_tag);
}

static void parse_ip(struct resolve *r, const struct doc *doc,
		     const struct field *field)
{
	parse_identity(r, doc, field, DIAG_E304, value_ip);
}

static void parse_mode(struct resolve *r, const struct doc *doc,
		       const struct field *field)
{
	struct located value;
	const char *wrong;

	if (!get_scalar(r, doc, field->name, &value))
		return;
	if ((wrong = value_mode(value.text, field->at)))
		bad_value(r, DIAG_E309, &value, wrong);
}

/* ------------------------------------------------------------- maps -- */

static parse_fn parsers[TYPES];

/* Where the members of one level live; unused holders are NULL. */
struct holders {
	enum level level;
	void *at[4]; /* by enum holder */
};

/* A fault in what a level says must not make its machines complain too. */
static void mark_incomplete(const struct holders *holders)
{
	struct settings *set = holders->at[IN_SETTINGS];

	if (set)
		set->incomplete = true;
}

static void unknown_key(struct resolve *r, const struct doc_pair *pair,
			struct text name, enum level level)
{
	const struct schema_key *elsewhere = schema_find_anywhere(name);
	const char *nearest = schema_nearest(name, level);
	struct diag *d;

	if (elsewhere) {
		d = diag_at(r->ds, DIAG_E207, pair->key_at,
			    "%s cannot stand in a %s", diag_quote(r->ds, name),
			    schema_level_name(level));
		for (unsigned bit = 1; bit <= AT_FILE; bit <<= 1)
			if (elsewhere->levels & bit)
				diag_help(r->ds, d, "it belongs in a %s",
					  schema_level_name((enum level)bit));
		return;
	}
	d = diag_at(r->ds, DIAG_E202, pair->key_at, "unknown key %s in a %s",
		    diag_quote(r->ds, name), schema_level_name(level));
	if (nearest)
		diag_help(r->ds, d, "did you mean \"%s\"?", nearest);
}

static void parse_pair(struct resolve *r, const struct doc *map,
		       const struct doc_pair *pair,
		       const struct holders *holders)
{
	struct text name = pair->key;
	bool replaces = name.len > 1 && name.ptr[name.len - 1] == '!';
	const struct schema_key *key;
	struct field field;
	size_t errors;

	if (replaces)
		name.len--;
	key = schema_find(name, holders->level);
	if (!key) {
		unknown_key(r, pair, name, holders->level);
		mark_incomplete(holders);
		return;
	}
	if (key->type == TYPE_PLANNED) {
		mark_incomplete(holders);
		diag_at(r->ds, DIAG_E203, pair->key_at,
			"\"%s\" is not supported yet", key->name);
		return;
	}
	if (replaces && !key->merges) {
		diag_at(r->ds, DIAG_E208, pair->key_at,
			"\"%s\" has nothing to merge with, so \"!\" means "
			"nothing here: write \"%s\"",
			pair->key.ptr, key->name);
		return;
	}
	if (replaces) {
		const struct doc_pair *other = doc_find(map, name);

		if (other) {
			struct diag *d =
				diag_at(r->ds, DIAG_E206, pair->key_at,
					"both \"%s\" and \"%s\" are here",
					key->name, pair->key.ptr);
			diag_note_at(r->ds, d, other->key_at, "the other one");
			return;
		}
	}
	if (pair->value->kind == DOC_NULL && key->type != TYPE_VARS &&
	    key->type != TYPE_PROFILES && key->type != TYPE_GROUPS &&
	    key->type != TYPE_NODES && key->type != TYPE_FILES) {
		diag_at(r->ds, DIAG_E205, pair->key_at, "\"%s\" has no value",
			pair->key.ptr);
		return;
	}
	field = (struct field){
		.key = key,
		.name = pair->key.ptr,
		.replaces = replaces,
		.at = (char *)holders->at[key->holder] + key->offset,
	};
	errors = r->ds->errors;
	parsers[key->type](r, pair->value, &field);
	if (r->ds->errors != errors && key->holder == IN_SETTINGS)
		mark_incomplete(holders);
	if (r->ds->errors != errors && key->holder == IN_NODE)
		((struct node *)holders->at[IN_NODE])->identity_refused = true;
}

static void parse_map(struct resolve *r, const struct doc *map,
		      const struct holders *holders)
{
	for (size_t i = 0; i < map->count; i++)
		parse_pair(r, map, &map->pairs[i], holders);
}

static bool wants_map(struct resolve *r, const struct doc *doc,
		      const char *name)
{
	if (doc->kind == DOC_MAP)
		return true;
	if (doc->kind != DOC_NULL)
		wrong_shape(r, doc, name, "a map");
	return false;
}

static bool good_name(struct resolve *r, const struct doc_pair *pair)
{
	const char *wrong = value_name(pair->key);

	if (wrong)
		bad_value(r, DIAG_E306,
			  &(struct located){ pair->key, pair->key_at }, wrong);
	return !wrong;
}

static int compare_names(const void *a, const void *b)
{
	return text_compare(*(const struct text *)a, *(const struct text *)b);
}

/* Profiles, groups and nodes all begin with their name. */
static void sort_by_name(void *at, size_t count, size_t bytes)
{
	if (count > 1)
		qsort(at, count, bytes, compare_names);
}

static void *find_by_name(struct text name, const void *at, size_t count,
			  size_t bytes)
{
	return count ? bsearch(&name, at, count, bytes, compare_names) : NULL;
}

static void parse_profiles(struct resolve *r, const struct doc *doc,
			   const struct field *field)
{
	struct site *site = r->site;

	if (!wants_map(r, doc, field->name))
		return;
	site->profiles = arena_new_array(r->arena, doc->count, struct profile);
	for (size_t i = 0; i < doc->count; i++) {
		const struct doc_pair *pair = &doc->pairs[i];
		struct profile *profile = &site->profiles[site->profile_count];
		enum step_kind kind;

		if (!good_name(r, pair))
			continue;
		if (step_find(pair->key, &kind) || text_is(pair->key, "menu") ||
		    text_is(pair->key, "local")) {
			diag_at(r->ds, DIAG_E412, pair->key_at,
				"a profile cannot be named \"%s\": in a boot "
				"order this word means something else",
				pair->key.ptr);
			continue;
		}
		site->profile_count++;
		profile->name = pair->key;
		profile->at = pair->key_at;
		if (wants_map(r, pair->value, pair->key.ptr))
			parse_map(r, pair->value,
				  &(struct holders){
					  AT_PROFILE,
					  { [IN_SETTINGS] = &profile->set } });
	}
	sort_by_name(site->profiles, site->profile_count,
		     sizeof(*site->profiles));
}

static void parse_groups(struct resolve *r, const struct doc *doc,
			 const struct field *field)
{
	struct site *site = r->site;

	if (!wants_map(r, doc, field->name))
		return;
	site->groups = arena_new_array(r->arena, doc->count, struct group);
	for (size_t i = 0; i < doc->count; i++) {
		const struct doc_pair *pair = &doc->pairs[i];
		struct group *group = &site->groups[site->group_count];

		if (!good_name(r, pair))
			continue;
		site->group_count++;
		group->name = pair->key;
		group->at = pair->key_at;
		if (wants_map(r, pair->value, pair->key.ptr))
			parse_map(r, pair->value,
				  &(struct holders){
					  AT_GROUP,
					  { [IN_SETTINGS] = &group->set } });
	}
	sort_by_name(site->groups, site->group_count, sizeof(*site->groups));
}

static void parse_nodes(struct resolve *r, const struct doc *doc,
			const struct field *field)
{
	struct site *site = r->site;

	if (!wants_map(r, doc, field->name))
		return;
	site->nodes = arena_new_array(r->arena, doc->count, struct node);
	for (size_t i = 0; i < doc->count; i++) {
		const struct doc_pair *pair = &doc->pairs[i];
		struct node *node = &site->nodes[site->node_count];

		if (!good_name(r, pair))
			continue;
		site->node_count++;
		node->name = pair->key;
		node->at = pair->key_at;
		if (wants_map(r, pair->value, pair->key.ptr))
			parse_map(
				r, pair->value,
				&(struct holders){ AT_NODE,
						   { [IN_SETTINGS] = &node->set,
						     [IN_NODE] = node } });
	}
	sort_by_name(site->nodes, site->node_count, sizeof(*site->nodes));
}

/* The groups of a node are names until all groups are known. */
static void parse_references(struct resolve *r, const struct doc *doc,
			     const struct field *field)
{
	struct node *node =
		(struct node *)(void *)((char *)field->at -
					offsetof(struct node, groups));
	struct located_list list = get_scalars(r, doc, field->name);
	struct located *names;

	/* Kept as "name, place" behind the pointers; see link_groups(). */
	node->groups =
		arena_alloc(r->arena, list.count * (sizeof(*node->groups) +
						    sizeof(*names)));
	names = (struct located *)(node->groups + list.count);
	for (size_t i = 0; i < list.count; i++)
		names[i] = list.at[i];
	node->group_count = list.count;
}

/* ------------------------------------------------------------ files -- */

static void parse_file_map(struct resolve *r, const struct doc *doc,
			   struct file *file)
{
	static const struct {
		const char *key;
		enum file_kind kind;
	} ways[] = {
		{ "template", FILE_TEMPLATE },
		{ "content", FILE_CONTENT },
		{ "file", FILE_VERBATIM },
	};
	const struct doc_pair *given = NULL;

	parse_map(r, doc, &(struct holders){ AT_FILE, { [IN_FILE] = file } });
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		const struct doc_pair *pair =
			doc_find(doc, text_of(ways[i].key));

		if (pair && given) {
			struct diag *d = diag_at(
				r->ds, DIAG_E409, pair->key_at,
				"\"%s\" and \"%s\" both say what is in the "
				"file",
				given->key.ptr, pair->key.ptr);
			diag_note_at(r->ds, d, given->key_at, "the other one");
		} else if (pair) {
			given = pair;
			file->kind = ways[i].kind;
		}
	}
	if (!given)
		diag_at(r->ds, DIAG_E204, doc->at,
			"nothing says what is in the file: give one of "
			"template, content or file");
}

/* Linux unpacks a directory over a symbolic link by removing the link
 * (clean_path() in init/initramfs.c). */
static void warn_linked_directory(struct resolve *r, const struct file *file)
{
	static const char *const linked[] = { "/bin/", "/sbin/", "/lib/",
					      "/lib32/", "/lib64/" };

	for (size_t i = 0; i < sizeof(linked) / sizeof(*linked); i++)
		if (strncmp(file->path.text.ptr, linked[i],
			    strlen(linked[i])) == 0)
			diag_at(r->ds, DIAG_W802, file->path.at,
				"%.*s is a symbolic link in most initrds, and a "
				"file below it would replace the link: write "
				"/usr%s",
				(int)strlen(linked[i]) - 1, linked[i],
				file->path.text.ptr);
}

static bool parse_file(struct resolve *r, const struct doc_pair *pair,
		       struct file *file)
{
	const char *wrong = value_initrd_path(pair->key);

	file->path = (struct located){ pair->key, pair->key_at };
	file->mode = 0644;
	if (!wrong)
		wrong = value_file_name(text_basename(pair->key));
	if (wrong) {
		bad_value(r, DIAG_E308, &file->path, wrong);
		return false;
	}
	warn_linked_directory(r, file);
	if (pair->value->kind == DOC_SCALAR) {
		struct located path = { pair->value->text, pair->value->at };

		file->kind = FILE_TEMPLATE;
		if (!check_path(r, &path))
			return false;
		file->from = path;
	} else if (pair->value->kind == DOC_MAP) {
		parse_file_map(r, pair->value, file);
	} else {
		wrong_shape(r, pair->value, pair->key.ptr,
			    "the path of a template, or a map");
		return false;
	}
	if (file->kind == FILE_CONTENT)
		return file->body.tmpl != NULL;
	if (!file->from.text.ptr)
		return false;
	if (file->kind == FILE_TEMPLATE)
		file->body = *template_file_get(r->site->templates,
						file->from.text, file->from.at);
	return file->kind == FILE_VERBATIM || file->body.tmpl;
}

static int compare_files(const void *a, const void *b)
{
	return text_compare(((const struct file *)a)->path.text,
			    ((const struct file *)b)->path.text);
}

static void parse_files(struct resolve *r, const struct doc *doc,
			const struct field *field)
{
	struct file_list *list = field->at;

	list->replaces = field->replaces;
	if (!wants_map(r, doc, field->name))
		return;
	list->at = arena_new_array(r->arena, doc->count, struct file);
	for (size_t i = 0; i < doc->count; i++)
		if (parse_file(r, &doc->pairs[i], &list->at[list->count]))
			list->count++;
	if (list->count > 1)
		qsort(list->at, list->count, sizeof(*list->at), compare_files);
}

static parse_fn parsers[TYPES] = {
	[TYPE_NAME] = parse_name,
	[TYPE_TOKEN] = parse_token,
	[TYPE_TEXT] = parse_text,
	[TYPE_TEXTS] = parse_templated_list,
	[TYPE_URLS] = parse_urls,
	[TYPE_ASSET_URLS] = parse_asset_urls,
	[TYPE_PATH] = parse_asset,
	[TYPE_PATHS] = parse_assets,
	[TYPE_FILE_PATH] = parse_file_path,
	[TYPE_TRUST] = parse_trust,
	[TYPE_VERIFY] = parse_verify,
	[TYPE_BOOT] = parse_boot,
	[TYPE_UNKNOWN] = parse_unknown,
	[TYPE_BOOLEAN] = parse_boolean,
	[TYPE_DISPATCH] = parse_dispatch,
	[TYPE_PROFILES] = parse_profiles,
	[TYPE_GROUPS] = parse_groups,
	[TYPE_NODES] = parse_nodes,
	[TYPE_REFERENCE] = parse_reference,
	[TYPE_REFERENCES] = parse_references,
	[TYPE_FILES] = parse_files,
	[TYPE_VARS] = parse_vars,
	[TYPE_MACS] = parse_macs,
	[TYPE_UUID] = parse_uuid,
	[TYPE_TAG] = parse_tag,
	[TYPE_IP] = parse_ip,
	[TYPE_MODE] = parse_mode,
};

/* ------------------------------------------------------------ names -- */

static const char *nearest_name(struct resolve *r, struct text typed,
				const void *at, size_t count, size_t bytes,
				const char *const *more, size_t more_count)
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

static void no_such_profile(struct resolve *r, const struct located *name,
			    bool in_order)
{
	const char *words[STEPS + 1] = { "local" };
	const char *nearest;
	struct diag *d;

	for (size_t i = 0; i < STEPS; i++)
		words[i + 1] = steps[i].word;
	nearest = nearest_name(r, name->text, r->site->profiles,
			       r->site->profile_count, sizeof(struct profile),
			       words, in_order ? STEPS + 1 : 0);
	if (in_order && text_is(name->text, "local")) {
		diag_at(r->ds, DIAG_E403, name->at,
			"\"local\" is a whole boot order, not a step of one: "
			"write disk, exit");
		return;
	}
	d = diag_at(r->ds, in_order ? DIAG_E403 : DIAG_E401, name->at,
		    in_order ? "\"%s\" is neither a profile nor a step that "
			       "exists"
			     : "there is no profile \"%s\"",
		    name->text.ptr);
	if (nearest)
		diag_help(r->ds, d, "did you mean \"%s\"?", nearest);
}

static const struct profile *profile_find(const struct site *site,
					  struct text name)
{
	return find_by_name(name, site->profiles, site->profile_count,
			    sizeof(*site->profiles));
}

static void link_order(struct resolve *r, struct boot_order *order)
{
	for (size_t i = 0; i < order->count; i++) {
		struct step *step = &order->steps[i];

		if (step->kind != STEP_PROFILE)
			continue;
		step->profile = profile_find(r->site, step->name.text);
		if (!step->profile)
			no_such_profile(r, &step->name, true);
	}
}

static void link_settings(struct resolve *r, struct settings *set)
{
	size_t errors = r->ds->errors;

	if (set->profile.text.ptr) {
		set->booted = profile_find(r->site, set->profile.text);
		if (!set->booted)
			no_such_profile(r, &set->profile, false);
	}
	link_order(r, &set->boot);
	if (r->ds->errors != errors)
		set->incomplete = true;
}

static void link_groups(struct resolve *r, struct node *node)
{
	const struct located *names;
	size_t count = 0;

	if (!node->group_count)
		return;
	names = (const struct located *)(node->groups + node->group_count);
	for (size_t i = 0; i < node->group_count; i++) {
		const struct group *group =
			find_by_name(names[i].text, r->site->groups,
				     r->site->group_count, sizeof(*group));
		const char *nearest;
		struct diag *d;
		bool twice = false;

		for (size_t j = 0; j < count && group; j++)
			twice = twice || node->groups[j] == group;
		if (twice) {
			diag_at(r->ds, DIAG_E410, names[i].at,
				"group \"%s\" is named twice",
				names[i].text.ptr);
		} else if (group) {
			node->groups[count++] = group;
		} else {
			nearest = nearest_name(
				r, names[i].text, r->site->groups,
				r->site->group_count, sizeof(*group), NULL, 0);
			node->set.incomplete = true;
			d = diag_at(r->ds, DIAG_E402, names[i].at,
				    "there is no group \"%s\"",
				    names[i].text.ptr);
			if (nearest)
				diag_help(r->ds, d, "did you mean \"%s\"?",
					  nearest);
		}
	}
	node->group_count = count;
}

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
	const char *slash = strrchr(path, '/');
	size_t directory = slash ? (size_t)(slash - path) + 1 : 0;

	if (doc->kind != DOC_MAP) {
		diag_at(ds, DIAG_E201, doc->at,
			"a site is a map of keys and values, and this is %s",
			kind_words(doc));
		return NULL;
	}
	r.site = arena_new(arena, struct site);
	r.site->directory =
		(struct text){ arena_copy(arena, path, directory), directory };
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
