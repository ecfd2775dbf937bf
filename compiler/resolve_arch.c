#include "resolve_parts.h"

#include "arch.h"
#include "arena.h"
#include "doc.h"
#include "vec.h"

/*
 * Values that may differ by processor. They may be given as a map,
 *
 *     args: {x86_64: [console=ttyS0], arm64: console=ttyAMA0}
 *
 * and where a list is taken, an entry of it may be one:
 *
 *     args: [quiet, {arm64: console=ttyAMA0}]
 *
 * Either way there is one list in the end, whose entries are for some
 * processors or for all.
 */
struct spread {
	struct resolve *r;
	const struct field *field;
	bool takes_list, takes_map; /* besides the one by processor */
	VEC(struct item) items;
	VEC(struct templated) texts;
	void (*add)(struct spread *s, const struct doc *doc, unsigned archs);
};

bool is_by_arch(const struct doc *doc)
{
	return doc->kind == DOC_MAP && !doc_find(doc, TEXT("url")) &&
	       !doc_find(doc, TEXT("sha256"));
}

unsigned find_arch(struct resolve *r, const struct doc_pair *pair)
{
	unsigned arch = arch_find(pair->key);
	const char *other = arch_other_name(pair->key);
	struct diag *d;

	if (arch) {
		r->site->has_archs = true;
		return arch;
	}
	d = diag_at(r->ds, DIAG_E202, pair->key_at,
		    "%s is no processor that machines are told apart by",
		    diag_quote(r->ds, pair->key));
	if (other)
		diag_help(r->ds, d, "did you mean \"%s\"?", other);
	else
		diag_help(r->ds, d, "write x86_64 or arm64");
	return 0;
}

static void spread(struct spread *s, const struct doc *doc, unsigned archs,
		   bool in_list);

static void spread_by_arch(struct spread *s, const struct doc *doc)
{
	struct resolve *r = s->r;

	if (!doc->count)
		diag_at(r->ds, DIAG_E205, doc->at, "\"%s\" is an empty map",
			s->field->name);
	for (size_t i = 0; i < doc->count; i++) {
		unsigned arch = find_arch(r, &doc->pairs[i]);

		if (arch)
			spread(s, doc->pairs[i].value, arch, false);
	}
}

/* @param archs	that the map is for, around the value; ARCH_ANY: none is */
static void spread(struct spread *s, const struct doc *doc, unsigned archs,
		   bool in_list)
{
	if (archs == ARCH_ANY && is_by_arch(doc)) {
		spread_by_arch(s, doc);
	} else if (doc->kind == DOC_LIST && s->takes_list && !in_list) {
		for (size_t i = 0; i < doc->count; i++)
			spread(s, doc->items[i], archs, true);
	} else if (doc->kind == DOC_SCALAR ||
		   (s->takes_map && doc->kind == DOC_MAP && !is_by_arch(doc))) {
		s->add(s, doc, archs);
	} else {
		wrong_shape(s->r, doc, s->field->name,
			    s->takes_list && !in_list
				    ? "a value or a list of values"
				    : "a single value");
	}
}

unsigned archs_replaced(const struct doc *doc, const struct field *field)
{
	unsigned archs = 0;

	if (!field->replaces)
		return 0;
	for (size_t i = 0; doc->kind == DOC_MAP && i < doc->count; i++) {
		unsigned arch = arch_find(doc->pairs[i].key);

		archs |= arch ? arch : ARCH_ANY;
	}
	return archs ? archs : ARCH_ANY;
}

/* ------------------------------------------------------------- items -- */

static void add_item(struct spread *s, const struct doc *doc, unsigned archs)
{
	struct item item = { .from.archs = archs };

	if (doc->kind == DOC_MAP)
		parse_map(
			s->r, doc,
			&(struct holders){ AT_ASSET, { [IN_ASSET] = &item } });
	else
		parse_template(s->r, (struct located){ doc->text, doc->at },
			       &item.from);
	item.from.archs = archs;
	if (item.from.tmpl && (doc->kind == DOC_SCALAR || item.sha256.tmpl))
		*vec_push(s->r->arena, &s->items) = item;
}

static void parse_items_of(struct resolve *r, const struct doc *doc,
			   const struct field *field, bool takes_list,
			   bool takes_map)
{
	struct spread s = { .r = r,
			    .field = field,
			    .takes_list = takes_list,
			    .takes_map = takes_map,
			    .add = add_item };

	s.items.room = doc->kind == DOC_SCALAR ? 1 : doc->count;
	s.items.at = arena_new_array(r->arena, s.items.room, struct item);
	spread(&s, doc, ARCH_ANY, false);
	*(struct item_list *)field->at =
		(struct item_list){ s.items.at, s.items.count,
				    archs_replaced(doc, field) };
}

void parse_asset(struct resolve *r, const struct doc *doc,
		 const struct field *field)
{
	parse_items_of(r, doc, field, false, true);
}

void parse_assets(struct resolve *r, const struct doc *doc,
		  const struct field *field)
{
	parse_items_of(r, doc, field, true, true);
}

/* No file, but named like one for each processor. */
void parse_drive(struct resolve *r, const struct doc *doc,
		 const struct field *field)
{
	parse_items_of(r, doc, field, false, false);
}

/* -------------------------------------------------------------- args -- */

static void add_text(struct spread *s, const struct doc *doc, unsigned archs)
{
	struct templated text = { .tmpl = NULL };

	if (!parse_template(s->r, (struct located){ doc->text, doc->at },
			    &text))
		return;
	text.archs = archs;
	*vec_push(s->r->arena, &s->texts) = text;
}

void parse_args(struct resolve *r, const struct doc *doc,
		const struct field *field)
{
	struct spread s = {
		.r = r, .field = field, .takes_list = true, .add = add_text
	};

	s.texts.room = doc->kind == DOC_SCALAR ? 1 : doc->count;
	s.texts.at = arena_new_array(r->arena, s.texts.room, struct templated);
	spread(&s, doc, ARCH_ANY, false);
	*(struct templated_list *)field->at =
		(struct templated_list){ s.texts.at, s.texts.count,
					 archs_replaced(doc, field) };
}

void parse_arch(struct resolve *r, const struct doc *doc,
		const struct field *field)
{
	struct located value;
	struct doc_pair pair;

	if (!get_scalar(r, doc, field->name, &value))
		return;
	pair = (struct doc_pair){ .key = value.text, .key_at = value.at };
	if (find_arch(r, &pair))
		*(struct located *)field->at = value;
}
