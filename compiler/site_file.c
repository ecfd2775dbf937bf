#include "site_file.h"

#include "arena.h"
#include "doc.h"
#include "load.h"
#include "map.h"
#include "path.h"
#include "resolve_parts.h"
#include "sbuf.h"
#include "source.h"
#include "vec.h"

#include <errno.h>
#include <stdlib.h>

/* Room for 100,000 nodes with ten lines each, several times over. */
enum { SITE_BYTES_MAX = 64 * 1024 * 1024 };

/* Deeper than people nest files; a symbolic link to a directory above itself
 * would otherwise give a file ever new names. */
enum { INCLUDE_DEPTH_MAX = 16 };

/* One file of the site. */
struct part {
	struct text path;        /* beside the site file */
	const struct doc *doc;   /* NULL if it could not be used */
	const struct part *from; /* the file that includes it; NULL: none */
	struct span at;          /* where that is said */
	bool open;               /* still being read, with what it includes */
	unsigned depth;
};

struct parts {
	struct arena *arena;
	const struct compile_env *env;
	struct diags *ds;
	struct text directory; /* of the site file */
	struct map by_path;    /* struct part */
	VEC(struct part *) all;
};

/* ---------------------------------------------------------- reading -- */

/* @param at	what names the file; no place for the site file itself */
static const struct doc *read_part(struct parts *parts, const char *path,
				   struct span at)
{
	const struct source *source = NULL;
	struct sbuf bytes = { 0 };
	int error =
		parts->env->read(parts->env->ctx, path, SITE_BYTES_MAX, &bytes);

	if (error == -EFBIG)
		diag_at(parts->ds, DIAG_E105, at,
			"%s: larger than %d MiB, so it is no site file", path,
			SITE_BYTES_MAX / 1024 / 1024);
	else if (error)
		diag_at(parts->ds, at.source ? DIAG_E605 : DIAG_E100, at,
			"%s: %s", path, strerror(-error));
	else
		source = source_take(parts->arena, path, &bytes);
	sbuf_release(&bytes);
	return source ? load(parts->arena, source, parts->ds) : NULL;
}

static void part_open(struct parts *parts, struct text path, struct span at,
		      const struct part *from);

/* What one pattern names. */
struct matches {
	struct arena *arena;
	VEC(struct text) paths;
};

static void match_found(void *ctx, const char *path)
{
	struct matches *matches = ctx;

	*vec_push(matches->arena, &matches->paths) =
		text_of(arena_copy(matches->arena, path, strlen(path)));
}

static int compare_texts(const void *a, const void *b)
{
	return text_compare(*(const struct text *)a, *(const struct text *)b);
}

static void match(struct parts *parts, struct text pattern, struct span at,
		  const struct part *from)
{
	struct matches matches = { .arena = parts->arena };
	int error = parts->env->glob(parts->env->ctx, parts->directory.ptr,
				     pattern.ptr, match_found, &matches);

	if (error) {
		diag_at(parts->ds, DIAG_E605, at, "%s: %s", pattern.ptr,
			strerror(-error));
		return;
	}
	if (!matches.paths.count)
		diag_at(parts->ds, DIAG_E605, at, "no file is named like %s%s",
			parts->directory.ptr, pattern.ptr);
	else
		qsort(matches.paths.at, matches.paths.count,
		      sizeof(*matches.paths.at), compare_texts);
	vec_foreach (struct text, path, &matches.paths)
		part_open(parts, *path, at, from);
}

static void include(struct parts *parts, const struct part *part)
{
	struct resolve r = { .arena = parts->arena, .ds = parts->ds };
	const struct doc *doc = doc_get(part->doc, TEXT("include"));
	struct located_list list;

	if (!doc || refuse_empty_list(&r, doc, "include"))
		return;
	list = get_scalars(&r, doc, "include");
	for (size_t i = 0; i < list.count; i++) {
		const struct located *said = &list.at[i];
		struct text path;
		const char *wrong = path_beside(
			parts->arena, path_base(parts->directory, said->at),
			said->text, &path);

		if (wrong)
			bad_value(&r, DIAG_E307, said, wrong);
		else if (strpbrk(path.ptr, "*?["))
			match(parts, path, said->at, part);
		else
			part_open(parts, path, said->at, part);
	}
}

static void cycle(struct parts *parts, const struct part *part, struct span at,
		  const struct part *from)
{
	struct diag *d = diag_at(parts->ds, DIAG_E413, at,
				 "%s%s includes itself, in the end",
				 parts->directory.ptr, part->path.ptr);

	for (; from != part; from = from->from)
		diag_note_at(parts->ds, d, from->at, "which is included here");
}

/* Read a file and all that it includes, unless it has been read. */
static void part_open(struct parts *parts, struct text path, struct span at,
		      const struct part *from)
{
	void **slot = map_at(&parts->by_path, path);
	struct part *part = *slot;

	if (part) {
		if (part->open)
			cycle(parts, part, at, from);
		return;
	}
	*slot = part = arena_new(parts->arena, struct part);
	*part = (struct part){ .path = path,
			       .from = from,
			       .at = at,
			       .open = true,
			       .depth = from ? from->depth + 1 : 0 };
	*vec_push(parts->arena, &parts->all) = part;
	if (part->depth > INCLUDE_DEPTH_MAX) {
		diag_at(parts->ds, DIAG_E413, at,
			"files include each other more than %d deep",
			INCLUDE_DEPTH_MAX);
		return;
	}
	part->doc = read_part(parts,
			      arena_printf(parts->arena, "%s%s",
					   parts->directory.ptr, path.ptr),
			      at);
	if (part->doc && part->doc->kind == DOC_MAP)
		include(parts, part);
	part->open = false;
}

/* ---------------------------------------------------------- joining -- */

/* A key of the site, gathered from all files. */
struct gathered {
	const struct schema_key *key; /* NULL: unknown, for others to report */
	const struct doc_pair *first;
	VEC(const struct doc_pair *) entries; /* of its values, if it joins */
	bool joins;                           /* more than one file has it */
};

struct gathering {
	struct parts *parts;
	struct map by_key; /* struct gathered */
	VEC(struct gathered *) keys;
};

static void said_twice(struct diags *ds, const struct doc_pair *pair,
		       const struct doc_pair *first)
{
	struct diag *d =
		diag_at(ds, DIAG_E414, pair->key_at,
			"\"%s\" is said in another file, too", pair->key.ptr);

	diag_note_at(ds, d, first->key_at, "the other one");
}

static void gather_entries(struct gathering *g, struct gathered *key,
			   const struct doc *map)
{
	for (size_t i = 0; map->kind == DOC_MAP && i < map->count; i++)
		*vec_push(g->parts->arena, &key->entries) = &map->pairs[i];
}

static bool may_join(const struct gathered *key, const struct doc *value)
{
	return key->key && schema_type_is_named(key->key->type) &&
	       (value->kind == DOC_MAP || value->kind == DOC_NULL) &&
	       (key->first->value->kind == DOC_MAP ||
		key->first->value->kind == DOC_NULL);
}

static void gather(struct gathering *g, const struct doc_pair *pair)
{
	struct arena *arena = g->parts->arena;
	void **slot = map_at(&g->by_key, pair->key);
	struct gathered *key = *slot;
	struct text name = pair->key;

	if (!key) {
		*slot = key = arena_new(arena, struct gathered);
		if (name.len && name.ptr[name.len - 1] == '!')
			name.len--;
		key->key = schema_find(name, AT_SITE);
		key->first = pair;
		*vec_push(arena, &g->keys) = key;
		return;
	}
	if (!may_join(key, pair->value)) {
		said_twice(g->parts->ds, pair, key->first);
		return;
	}
	if (!key->joins)
		gather_entries(g, key, key->first->value);
	key->joins = true;
	gather_entries(g, key, pair->value);
}

/* A map of the entries of several; each name only once. */
static struct doc *join(struct gathering *g, const struct gathered *key)
{
	struct arena *arena = g->parts->arena;
	struct doc *map = arena_new(arena, struct doc);
	struct map seen = { .arena = arena };
	size_t count = 0;

	map->kind = DOC_MAP;
	map->at = key->first->value->at;
	doc_set_room(arena, map, key->entries.count);
	for (size_t i = 0; i < key->entries.count; i++) {
		const struct doc_pair *pair = key->entries.at[i];
		void **slot = map_at(&seen, pair->key);

		if (*slot)
			said_twice(g->parts->ds, pair, *slot);
		else
			*slot = (void *)(uintptr_t)pair;
		map->pairs[count++] = *pair;
	}
	doc_index(map);
	return map;
}

/* The first file is the site file; all others come by their paths. */
static int compare_parts(const void *a, const void *b)
{
	const struct part *x = *(const struct part *const *)a;
	const struct part *y = *(const struct part *const *)b;

	return text_compare(x->path, y->path);
}

static void gather_part(struct gathering *g, const struct part *part)
{
	const struct doc *doc = part->doc;

	if (!doc)
		return; /* reported */
	if (doc->kind != DOC_MAP) {
		diag_at(g->parts->ds, DIAG_E201, doc->at,
			"a part of a site is a map of keys and values, and "
			"this is %s",
			kind_words(doc));
		return;
	}
	for (size_t i = 0; i < doc->count; i++)
		if (!text_is(doc->pairs[i].key, "include"))
			gather(g, &doc->pairs[i]);
}

static const struct doc *parts_join(struct parts *parts)
{
	const struct doc *root = parts->all.at[0]->doc;
	struct gathering g = { .parts = parts,
			       .by_key = { .arena = parts->arena } };
	struct doc *site = arena_new(parts->arena, struct doc);

	qsort(parts->all.at + 1, parts->all.count - 1, sizeof(*parts->all.at),
	      compare_parts);
	for (size_t i = 0; i < parts->all.count; i++)
		gather_part(&g, parts->all.at[i]);
	site->kind = DOC_MAP;
	site->at = root->at;
	doc_set_room(parts->arena, site, g.keys.count);
	for (size_t i = 0; i < g.keys.count; i++) {
		site->pairs[i] = *g.keys.at[i]->first;
		if (g.keys.at[i]->joins)
			site->pairs[i].value = join(&g, g.keys.at[i]);
	}
	doc_index(site);
	return site;
}

const struct doc *site_file_load(struct arena *arena, const char *path,
				 const struct compile_env *env,
				 struct diags *ds)
{
	struct parts parts = {
		.arena = arena,
		.env = env,
		.ds = ds,
		.directory = path_directory(arena, path),
		.by_path = { .arena = arena },
	};
	const struct doc *root;

	part_open(&parts, text_of(path + parts.directory.len),
		  (struct span){ 0 }, NULL);
	root = parts.all.at[0]->doc;
	if (!root || root->kind != DOC_MAP || parts.all.count == 1)
		return root;
	return parts_join(&parts);
}
