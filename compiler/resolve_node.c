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

static void no_such_group(struct resolve *r, const struct located *name)
{
	const char *nearest = nearest_name(r, name->text, r->site->groups,
					   r->site->group_count,
					   sizeof(struct group), NULL, 0);
	struct diag *d = diag_at(r->ds, DIAG_E402, name->at,
				 "there is no group \"%s\"", name->text.ptr);

	if (nearest)
		diag_help(r->ds, d, "did you mean \"%s\"?", nearest);
}

void link_groups(struct resolve *r, struct node *node)
{
	const struct located *names;
	size_t count = 0;

	if (!node->group_count)
		return;
	names = (const struct located *)(node->groups + node->group_count);
	for (size_t i = 0; i < node->group_count; i++) {
		const struct group *group = group_find(r->site, names[i].text);
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
			node->set.incomplete = true;
			no_such_group(r, &names[i]);
		}
	}
	node->group_count = count;
}
