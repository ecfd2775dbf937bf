#include "matchbox.h"

#include "doc.h"
#include "load.h"
#include "source.h"
#include "value.h"

#include <jansson.h>
#include <stdlib.h>
#include <strings.h>

const char *const config_kinds[CONFIGS] = {
	[CONFIG_IGNITION] = "ignition",
	[CONFIG_CLOUD] = "cloud",
	[CONFIG_GENERIC] = "generic",
};

/* ---------------------------------------------------------------- paths -- */

static bool text_starts(struct text text, const char *with)
{
	size_t len = strlen(with);

	return text.len > len && memcmp(text.ptr, with, len) == 0;
}

static bool text_ends(struct text text, const char *with)
{
	size_t len = strlen(with);

	return text.len > len &&
	       memcmp(text.ptr + text.len - len, with, len) == 0;
}

/* "groups/a.json" -> "a"; false if it lies elsewhere, or deeper. */
static bool file_key(struct text path, const char *directory, const char *end,
		     struct text *ret_key)
{
	size_t begin = strlen(directory);

	if (!text_starts(path, directory) || !text_ends(path, end) ||
	    path.len <= begin + strlen(end))
		return false;
	*ret_key = (struct text){ path.ptr + begin,
				  path.len - begin - strlen(end) };
	return !memchr(ret_key->ptr, '/', ret_key->len);
}

bool import_matchbox_wants(struct text path)
{
	static const char *const directories[] = { "groups/",  "profiles/",
						   "specs/",   "ignition/",
						   "cloud/",   "generic/",
						   "machines/" };

	for (size_t i = 0; i < sizeof(directories) / sizeof(*directories); i++)
		if (text_starts(path, directories[i]))
			return true;
	return !memchr(path.ptr, '/', path.len) &&
	       (text_ends(path, ".yaml") || text_ends(path, ".yml"));
}

/* ----------------------------------------------------------------- docs -- */

static struct text copy(struct matchbox *mb, struct text text)
{
	return (struct text){ arena_copy(mb->im->arena, text.ptr, text.len),
			      text.len };
}

/* Go looks for fields without regard to case. */
static const struct doc_pair *field(const struct doc *doc, const char *name)
{
	if (!doc || doc->kind != DOC_MAP)
		return NULL;
	for (size_t i = 0; i < doc->count; i++)
		if (strcasecmp(doc->pairs[i].key.ptr, name) == 0)
			return &doc->pairs[i];
	return NULL;
}

/* Matchbox reads JSON and nothing else; the loader is more liberal. */
static void check_json(struct matchbox *mb, const struct import_file *file)
{
	struct text bytes = file->source->bytes;
	json_error_t error;
	json_t *json =
		json_loadb(bytes.ptr, bytes.len, JSON_DECODE_ANY, &error);
	size_t at = error.position > 0 ? (size_t)error.position - 1 : 0;

	if (json) {
		json_decref(json);
		return;
	}
	if (at > bytes.len)
		at = bytes.len;
	import_find(mb->im, FATE_CHANGED,
		    (struct span){ file->source, (uint32_t)at, (uint32_t)at },
		    "if it was not meant to count, remove the file and import "
		    "again",
		    "not JSON, so Matchbox passes over the file; here it "
		    "counts");
}

static const struct doc *load_json(struct matchbox *mb,
				   const struct import_file *file)
{
	const struct doc *doc = load(mb->im->arena, file->source, mb->im->ds);

	if (!doc)
		return NULL;
	check_json(mb, file);
	*vec_push(mb->im->arena, &mb->docs) = doc;
	if (doc->kind == DOC_MAP)
		return doc;
	diag_at(mb->im->ds, DIAG_E901, doc->at, "an object was expected here");
	return NULL;
}

/* Reports a value of the wrong kind, at which Matchbox gives up on the file. */
static bool is_kind(struct matchbox *mb, const struct doc_pair *pair,
		    enum doc_kind kind)
{
	static const char *const names[] = { "null", "a text", "a list",
					     "an object" };

	if (pair->value->kind == kind)
		return true;
	if (pair->value->kind != DOC_NULL)
		diag_at(mb->im->ds, DIAG_E901, pair->value->at,
			"\"%s\" is %s, where %s was expected", pair->key.ptr,
			names[pair->value->kind], names[kind]);
	return false;
}

static struct mb_value text_field(struct matchbox *mb, const struct doc *doc,
				  const char *name)
{
	const struct doc_pair *pair = field(doc, name);
	struct mb_value value = { 0 };

	if (pair && is_kind(mb, pair, DOC_SCALAR) && pair->value->text.len) {
		value.text = pair->value->text;
		value.at = pair->key_at;
	}
	return value;
}

/* Empty texts mean the same as nothing, in every version. */
static void ignore_empty(struct matchbox *mb, const struct doc *doc,
			 const char *name)
{
	const struct doc_pair *pair = field(doc, name);

	if (pair &&
	    (pair->value->kind == DOC_NULL ||
	     (pair->value->kind == DOC_SCALAR && !pair->value->text.len)))
		import_find_key(mb->im, FATE_IGNORED, pair, NULL,
				"\"%s\" is empty", pair->key.ptr);
}

static void carry(struct matchbox *mb, const struct doc *doc, const char *name,
		  const char *where)
{
	const struct doc_pair *pair = field(doc, name);

	ignore_empty(mb, doc, name);
	if (pair)
		import_find_key(mb->im, FATE_CARRIED, pair, NULL, "\"%s\" %s",
				pair->key.ptr, where);
}

/* The file is what Matchbox goes by; an id that says something else misleads. */
static void account_id(struct matchbox *mb, const struct doc *doc,
		       struct text key)
{
	const struct doc_pair *pair = field(doc, "id");

	if (!pair)
		return;
	if (pair->value->kind == DOC_SCALAR &&
	    text_equal(pair->value->text, key))
		import_find_key(mb->im, FATE_CARRIED, pair, NULL,
				"\"id\" is the name in the site");
	else
		import_find_key(mb->im, FATE_IGNORED, pair, NULL,
				"\"id\" is not what Matchbox goes by: that is "
				"the name of the file, %.*s",
				(int)key.len, key.ptr);
}

/* ------------------------------------------------------------- profiles -- */

static void add_value(struct matchbox *mb, struct mb_profile *p, bool is_arg,
		      struct text text, struct span at)
{
	struct mb_value *value = is_arg ? vec_push(mb->im->arena, &p->args)
					: vec_push(mb->im->arena, &p->initrds);

	value->text = text;
	value->at = at;
}

static void read_list(struct matchbox *mb, struct mb_profile *p,
		      const struct doc *boot, const char *name, bool is_arg)
{
	const struct doc_pair *pair = field(boot, name);

	if (!pair || !is_kind(mb, pair, DOC_LIST))
		return;
	for (size_t i = 0; i < pair->value->count; i++) {
		const struct doc *item = pair->value->items[i];

		if (item->kind == DOC_SCALAR)
			add_value(mb, p, is_arg, item->text, item->at);
		else
			diag_at(mb->im->ds, DIAG_E901, item->at,
				"a text was expected here");
	}
}

static int compare_pairs(const void *a, const void *b)
{
	const struct doc_pair *x = *(const struct doc_pair *const *)a;
	const struct doc_pair *y = *(const struct doc_pair *const *)b;

	return text_compare(x->key, y->key);
}

static const struct doc_pair **sorted_pairs(struct matchbox *mb,
					    const struct doc *map)
{
	const struct doc_pair **sorted = arena_new_array(
		mb->im->arena, map->count, const struct doc_pair *);

	for (size_t i = 0; i < map->count; i++)
		sorted[i] = &map->pairs[i];
	if (map->count)
		qsort(sorted, map->count, sizeof(*sorted), compare_pairs);
	return sorted;
}

/* Up to 0.6 arguments were a map, written in the order of its keys. */
static void read_cmdline(struct matchbox *mb, struct mb_profile *p,
			 const struct doc *boot)
{
	const struct doc_pair *pair = field(boot, "cmdline");
	const struct doc_pair **sorted;

	if (!pair || !is_kind(mb, pair, DOC_MAP))
		return;
	sorted = sorted_pairs(mb, pair->value);
	for (size_t i = 0; i < pair->value->count; i++) {
		const struct doc_pair *arg = sorted[i];
		struct text text = arg->key;

		if (!is_kind(mb, arg, DOC_SCALAR))
			continue;
		if (arg->value->text.len)
			text = text_of(arena_printf(mb->im->arena, "%s=%s",
						    arg->key.ptr,
						    arg->value->text.ptr));
		add_value(mb, p, true, text, arg->key_at);
		import_find(mb->im, FATE_CARRIED, arg->key_at, NULL,
			    "\"%s\" is an argument", arg->key.ptr);
	}
	import_find(mb->im, FATE_CHANGED, pair->key_at, NULL,
		    "\"cmdline\" counts, in the order of its keys, as it did "
		    "up to Matchbox 0.6; later ones ignore it");
}

static void account_profile(struct matchbox *mb, const struct doc *doc,
			    const struct doc *boot, struct text key)
{
	static const char *const ids[CONFIGS] = { "ignition_id", "cloud_id",
						  "generic_id" };

	account_id(mb, doc, key);
	carry(mb, doc, "name", "is a comment");
	for (size_t i = 0; i < CONFIGS; i++)
		ignore_empty(mb, doc, ids[i]);
	if (!boot)
		return;
	import_find(mb->im, FATE_CARRIED, field(doc, "boot")->key_at, NULL,
		    "\"boot\" is the profile");
	carry(mb, boot, "kernel", "is the kernel");
	carry(mb, boot, "initrd", "is the initrd");
	carry(mb, boot, "args", "are the arguments");
}

static void read_profile(struct matchbox *mb, const struct import_file *file,
			 struct text key)
{
	const struct doc *doc = load_json(mb, file);
	const struct doc_pair *pair = field(doc, "boot");
	struct mb_profile *p;

	if (!doc)
		return;
	p = vec_push(mb->im->arena, &mb->profiles);
	p->key = copy(mb, key);
	p->at = (struct span){ file->source, doc->at.begin, doc->at.begin };
	p->title = text_field(mb, doc, "name");
	p->config[CONFIG_IGNITION] = text_field(mb, doc, "ignition_id");
	p->config[CONFIG_CLOUD] = text_field(mb, doc, "cloud_id");
	p->config[CONFIG_GENERIC] = text_field(mb, doc, "generic_id");
	p->has_boot = pair && is_kind(mb, pair, DOC_MAP);
	if (p->has_boot) {
		p->kernel = text_field(mb, pair->value, "kernel");
		read_list(mb, p, pair->value, "initrd", false);
		read_list(mb, p, pair->value, "args", true);
	}
	account_profile(mb, doc, p->has_boot ? pair->value : NULL, p->key);
	if (p->has_boot)
		read_cmdline(mb, p, pair->value);
}

/* --------------------------------------------------------------- groups -- */

/* A value as the site has it, where the site would refuse others. */
static const char *canonical(struct matchbox *mb, const struct doc_pair *pair,
			     struct text *ret)
{
	struct text text = pair->value->text;

	*ret = text;
	if (!text.len)
		return NULL;
	if (matchbox_is_mac(pair->key))
		return value_mac(mb->im->arena, text, ret);
	if (text_is(pair->key, "uuid"))
		return value_uuid(mb->im->arena, text, ret);
	if (text_is(pair->key, "serial"))
		return value_tag(mb->im->arena, text, ret);
	return NULL;
}

static bool add_selector(struct matchbox *mb, struct mb_group *g,
			 const struct doc_pair *pair)
{
	struct mb_label label = { .key = pair->key, .pair = pair };
	const char *wrong;

	if (!is_kind(mb, pair, DOC_SCALAR))
		return false;
	wrong = canonical(mb, pair, &label.value);
	if (wrong) {
		import_find(mb->im, FATE_LOST, pair->value->at,
			    "correct it and import again",
			    "\"%s\" %s: the group is not carried",
			    pair->value->text.ptr, wrong);
		return false;
	}
	if (matchbox_is_mac(pair->key) && !text_is(pair->key, "mac")) {
		label.key = TEXT("mac");
		import_find(mb->im, FATE_CHANGED, pair->key_at, NULL,
			    "\"%s\" is found now: Matchbox compares letter by "
			    "letter, and iPXE says \"mac\"",
			    pair->key.ptr);
	}
	if (text_is(pair->key, "uuid") &&
	    !text_equal(label.value, pair->value->text))
		import_find(mb->im, FATE_CHANGED, pair->value->at, NULL,
			    "\"%s\" is found now: Matchbox compares letter by "
			    "letter, and iPXE says %s",
			    pair->value->text.ptr, label.value.ptr);
	*vec_push(mb->im->arena, &g->selectors) = label;
	return true;
}

static int compare_labels(const void *a, const void *b)
{
	const struct mb_label *x = a, *y = b;

	return text_compare(x->key, y->key);
}

/* What decides between groups with equally many selectors. */
static struct text order_of(struct matchbox *mb, struct mb_labels *labels)
{
	struct sbuf order = { 0 };
	struct text result;

	if (labels->count)
		qsort(labels->at, labels->count, sizeof(*labels->at),
		      compare_labels);
	vec_foreach (struct mb_label, label, labels)
		sbuf_printf(&order, "%s%s=%s", order.len ? "," : "",
			    label->key.ptr, label->value.ptr);
	result = import_text(mb->im, &order);
	sbuf_release(&order);
	return result;
}

static struct text lower_key(struct matchbox *mb, struct text key)
{
	char *lower = arena_copy(mb->im->arena, key.ptr, key.len);

	for (size_t i = 0; i < key.len; i++)
		if (lower[i] >= 'A' && lower[i] <= 'Z')
			lower[i] = (char)(lower[i] - 'A' + 'a');
	return (struct text){ lower, key.len };
}

/* Templates see the metadata, and the selectors over it, in lower case. */
static const struct doc *template_data(struct matchbox *mb,
				       const struct mb_group *g)
{
	size_t metadata = g->metadata ? g->metadata->count : 0, count = 0;
	struct doc *data = arena_new(mb->im->arena, struct doc);

	data->kind = DOC_MAP;
	doc_set_room(mb->im->arena, data, metadata + g->selectors.count);
	vec_foreach (struct mb_label, label, &g->selectors) {
		struct doc *value = arena_new(mb->im->arena, struct doc);

		*value = (struct doc){ .kind = DOC_SCALAR,
				       .text = label->value };
		data->pairs[count++] =
			(struct doc_pair){ .key = lower_key(mb, label->key),
					   .value = value };
	}
	for (size_t i = 0; i < metadata; i++) {
		const struct doc_pair *pair = &g->metadata->pairs[i];
		bool hidden = text_is(pair->key, "request");

		for (size_t j = 0; j < g->selectors.count; j++)
			hidden = hidden ||
				 text_equal(data->pairs[j].key, pair->key);
		if (hidden)
			import_find_key(mb->im, FATE_IGNORED, pair, NULL,
					"\"%s\": templates see the selector, "
					"or the request, of this name",
					pair->key.ptr);
		else
			data->pairs[count++] = *pair;
	}
	data->count = count;
	doc_index(data);
	return data;
}

/* What groups were called from version to version. */
struct group_fields {
	const char *profile, *selector;
};

static const struct group_fields group_fields[] = {
	{ "profile", "selector" },
	{ "profile", "require" },
	{ "spec", "selector" },
	{ "spec", "require" },
};

static const struct group_fields *fields_of(const struct doc *doc)
{
	size_t count = sizeof(group_fields) / sizeof(*group_fields);

	for (size_t i = 0; i < count; i++)
		if (field(doc, group_fields[i].profile) &&
		    field(doc, group_fields[i].selector))
			return &group_fields[i];
	return field(doc, "spec") ? &group_fields[3] : &group_fields[0];
}

static bool read_selectors(struct matchbox *mb, struct mb_group *g,
			   const struct doc_pair *selector)
{
	bool good = true;

	if (!selector || !is_kind(mb, selector, DOC_MAP))
		return true;
	for (size_t i = 0; i < selector->value->count; i++)
		good = add_selector(mb, g, &selector->value->pairs[i]) && good;
	return good;
}

static void read_group(struct matchbox *mb, const struct doc *doc,
		       struct text key)
{
	const struct group_fields *names = fields_of(doc);
	const struct doc_pair *selector = field(doc, names->selector);
	const struct doc_pair *metadata = field(doc, "metadata");
	struct mb_group g = { .key = copy(mb, key), .at = doc->at };

	g.at.end = g.at.begin;
	g.profile = text_field(mb, doc, names->profile);
	g.title = text_field(mb, doc, "name");
	if (metadata && is_kind(mb, metadata, DOC_MAP))
		g.metadata = metadata->value;
	if (read_selectors(mb, &g, selector)) {
		g.order = order_of(mb, &g.selectors);
		g.data = template_data(mb, &g);
		*vec_push(mb->im->arena, &mb->groups) = g;
	}
	account_id(mb, doc, key);
	carry(mb, doc, "name", "is a comment");
	carry(mb, doc, names->profile, "is its profile");
	carry(mb, doc, names->selector, "tells whose it is");
	carry(mb, doc, "metadata", "are vars");
}

/* Up to 0.4 all groups were in one file, which the command line named. */
static void read_group_file(struct matchbox *mb, const struct import_file *file)
{
	const struct doc *doc = load(mb->im->arena, file->source, mb->im->ds);
	const struct doc_pair *groups = field(doc, "groups");

	if (!doc || !groups || groups->value->kind != DOC_LIST)
		return;
	import_find(mb->im, FATE_CARRIED, groups->key_at, NULL,
		    "\"groups\" are nodes and groups");
	for (size_t i = 0; i < groups->value->count; i++) {
		const struct doc *group = groups->value->items[i];
		struct text key = text_field(mb, group, "name").text;

		if (group->kind == DOC_MAP)
			read_group(mb, group, key.ptr ? key : TEXT("group"));
		else
			diag_at(mb->im->ds, DIAG_E901, group->at,
				"a group was expected here");
	}
	carry(mb, doc, "api_version", "is understood");
	*vec_push(mb->im->arena, &mb->docs) = doc;
}

/* ----------------------------------------------------------------- files -- */

static void ignore_file(struct matchbox *mb, const struct import_file *file,
			const char *why)
{
	import_find(mb->im, FATE_IGNORED, (struct span){ file->source, 0, 0 },
		    NULL, "%s", why);
}

static bool is_config(struct text path)
{
	for (size_t i = 0; i < CONFIGS; i++)
		if (text_starts(path, config_kinds[i]) &&
		    path.ptr[strlen(config_kinds[i])] == '/')
			return true;
	return false;
}

/* "specs/a/spec.json" of 0.1, "profiles/a/profile.json" of 0.2. */
static bool nested_key(struct text path, struct text *ret_key)
{
	static const struct {
		const char *directory, *end;
	} forms[] = { { "specs/", "/spec.json" },
		      { "profiles/", "/profile.json" } };

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++)
		if (file_key(path, forms[i].directory, forms[i].end, ret_key))
			return true;
	return false;
}

static void read_file(struct matchbox *mb, const struct import_file *file)
{
	struct text path = file->path, key;
	const struct doc *doc;

	if (is_config(path)) {
		vec_push(mb->im->arena, &mb->templates)->file = file;
	} else if (file_key(path, "groups/", ".json", &key)) {
		doc = load_json(mb, file);
		if (doc)
			read_group(mb, doc, key);
	} else if (file_key(path, "profiles/", ".json", &key) ||
		   nested_key(path, &key)) {
		read_profile(mb, file, key);
	} else if (text_starts(path, "machines/")) {
		import_find(mb->im, FATE_LOST,
			    (struct span){ file->source, 0, 0 },
			    "write a group for it, as of 0.1 and later",
			    "machines/ is of a version before 0.1");
	} else if (!memchr(path.ptr, '/', path.len)) {
		read_group_file(mb, file);
	} else {
		ignore_file(mb, file, "not a file that Matchbox looks for");
	}
}

static int compare_groups(const void *a, const void *b)
{
	const struct mb_group *x = a, *y = b;
	int order;

	if (x->selectors.count != y->selectors.count)
		return x->selectors.count < y->selectors.count ? 1 : -1;
	order = text_compare(y->order, x->order);
	return order ? order : text_compare(x->key, y->key);
}

/* Two groups for the very same labels: Matchbox picks one of them as it
 * happens. */
static void check_twins(struct matchbox *mb)
{
	for (size_t i = 1; i < mb->groups.count; i++) {
		struct mb_group *g = &mb->groups.at[i], *twin = g - 1;
		struct diag *diag;

		if (!text_equal(g->order, twin->order))
			continue;
		diag = diag_at(mb->im->ds, DIAG_E902, g->at,
			       g->order.len
				       ? "a second group for %s"
				       : "a second group without selectors%s",
			       g->order.ptr);
		diag_note_at(mb->im->ds, diag, twin->at, "the first is here");
		diag_help(mb->im->ds, diag,
			  "Matchbox picks either of them; keep one");
	}
}

bool matchbox_read(struct matchbox *mb)
{
	for (size_t i = 0; i < mb->files->count; i++)
		read_file(mb, &mb->files->at[i]);
	if (mb->groups.count)
		qsort(mb->groups.at, mb->groups.count, sizeof(*mb->groups.at),
		      compare_groups);
	check_twins(mb);
	if (!mb->groups.count && !mb->im->ds->errors)
		diag_at(mb->im->ds, DIAG_E900, (struct span){ 0 },
			"no groups of a Matchbox in %s", mb->options->from);
	return mb->groups.count && !mb->im->ds->errors;
}
