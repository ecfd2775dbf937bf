#include "resolve_parts.h"

#include "arena.h"
#include "value.h"

void parse_macs(struct resolve *r, const struct doc *doc,
		const struct field *field)
{
	struct node *node =
		(struct node *)(void *)((char *)field->at -
					offsetof(struct node, macs));
	struct located_list list = get_scalars(r, doc, field->name);

	if (refuse_empty_list(r, doc, field->name))
		return;
	node->macs = list.at; /* each takes the place of what was written */
	for (size_t i = 0; i < list.count; i++) {
		struct located mac = list.at[i];
		const char *wrong =
			value_mac(r->arena, list.at[i].text, &mac.text);

		if (wrong)
			bad_value(r, DIAG_E301, &list.at[i], wrong);
		else
			node->macs[node->mac_count++] = mac;
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

void parse_uuid(struct resolve *r, const struct doc *doc,
		const struct field *field)
{
	parse_identity(r, doc, field, DIAG_E302, value_uuid);
}

void parse_tag(struct resolve *r, const struct doc *doc,
	       const struct field *field)
{
	parse_identity(r, doc, field, DIAG_E303, value_tag);
}

void parse_ip(struct resolve *r, const struct doc *doc,
	      const struct field *field)
{
	parse_identity(r, doc, field, DIAG_E304, value_ip);
}

/* The groups of a node are names until all groups are known. */
void parse_references(struct resolve *r, const struct doc *doc,
		      const struct field *field)
{
	struct node *node =
		(struct node *)(void *)((char *)field->at -
					offsetof(struct node, groups));
	const struct doc *const *items = &doc, **names;
	struct located name;
	size_t count = 1;

	if (doc->kind == DOC_LIST) {
		items = (const struct doc *const *)doc->items;
		count = doc->count;
	} else if (doc->kind != DOC_SCALAR) {
		wrong_shape(r, doc, field->name, "a value or a list of values");
		return;
	}
	/* What names a group stands in its place; see link_groups(). */
	names = arena_new_array(r->arena, count, const struct doc *);
	for (size_t i = 0; i < count; i++)
		if (get_scalar(r, items[i], field->name, &name))
			names[node->group_count++] = items[i];
	node->groups = (const struct group **)(void *)names;
}

static void no_such_group(struct resolve *r, const struct doc *name)
{
	const char *nearest = nearest_name(r, name->text, r->site->groups,
					   r->site->group_count,
					   sizeof(struct group), NULL, 0);
	struct diag *d = diag_at(r->ds, DIAG_E402, name->at,
				 "there is no group \"%s\"", name->text.ptr);

	if (nearest)
		diag_help(r->ds, d, "did you mean \"%s\"?", nearest);
}

/* Neighbours are in the same groups, mostly. */
static const struct group *find_group(struct resolve *r, struct text name)
{
	const struct group *last = r->last_group;

	if (!last || !text_equal(last->name, name))
		last = group_find(r->site, name);
	r->last_group = last;
	return last;
}

void link_groups(struct resolve *r, struct node *node)
{
	const struct doc *const *names =
		(const struct doc *const *)(const void *)node->groups;
	size_t count = 0;

	for (size_t i = 0; i < node->group_count; i++) {
		const struct doc *name = names[i];
		const struct group *group = find_group(r, name->text);
		bool twice = false;

		for (size_t j = 0; j < count && group; j++)
			twice = twice || node->groups[j] == group;
		if (twice) {
			diag_at(r->ds, DIAG_E410, name->at,
				"group \"%s\" is named twice", name->text.ptr);
		} else if (group) {
			node->groups[count++] = group;
		} else {
			node->set.incomplete = true;
			no_such_group(r, name);
		}
	}
	node->group_count = count;
}
