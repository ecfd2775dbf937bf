#include "resolve_parts.h"

#include "arena.h"

/* A boot order alone, or a map that has one. */
static void parse_item(struct resolve *r, const struct doc_pair *pair,
		       struct menu_item *item)
{
	if (pair->value->kind != DOC_MAP) {
		parse_boot(r, pair->value,
			   &(struct field){ .name = pair->key.ptr,
					    .at = &item->boot });
		return;
	}
	parse_map(r, pair->value,
		  &(struct holders){ AT_ITEM, { [IN_ITEM] = item } });
}

void parse_items(struct resolve *r, const struct doc *doc,
		 const struct field *field)
{
	struct menu *menu = field->at;

	if (!wants_map(r, doc, field->name))
		return;
	if (!doc->count)
		diag_at(r->ds, DIAG_E205, doc->at, "a menu without items");
	menu->items = arena_new_array(r->arena, doc->count, struct menu_item);
	for (size_t i = 0; i < doc->count; i++) {
		struct menu_item *item = &menu->items[menu->item_count];

		if (!good_name(r, &doc->pairs[i]))
			continue;
		menu->item_count++;
		item->name = doc->pairs[i].key;
		item->at = doc->pairs[i].key_at;
		item->said = doc->pairs[i].value;
		parse_item(r, &doc->pairs[i], item);
	}
}

void link_menu_items(struct resolve *r, struct menu *menu)
{
	for (size_t i = 0; i < menu->item_count; i++)
		link_order(r, &menu->items[i].boot);
}
