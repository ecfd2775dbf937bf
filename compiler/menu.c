#include "menu.h"

#include "arena.h"

struct text menu_title(const struct menu *menu)
{
	return menu->title.text.ptr ? menu->title.text : menu->name;
}

struct text menu_item_text(const struct menu_item *item)
{
	return item->text.text.ptr ? item->text.text : item->name;
}

struct reached {
	const struct site *site;
	const struct menu **at;
	size_t count;
	bool *seen; /* as site->menus */
};

static void add(struct reached *reached, const struct boot_order *order)
{
	for (size_t i = 0; i < order->count; i++) {
		const struct menu *menu = order->steps[i].menu;

		/* One that is named but does not exist has been reported. */
		if (!menu || reached->seen[menu - reached->site->menus])
			continue;
		reached->seen[menu - reached->site->menus] = true;
		reached->at[reached->count++] = menu;
	}
}

static bool names_menu(const struct boot_order *order)
{
	for (size_t i = 0; i < order->count; i++)
		if (order->steps[i].menu)
			return true;
	return false;
}

const struct menu **menus_reached(struct arena *arena, const struct site *site,
				  const struct boot_order *order,
				  size_t *ret_count)
{
	struct reached reached = { .site = site };

	*ret_count = 0;
	if (!names_menu(order)) /* as most of 100,000 nodes */
		return NULL;
	reached.at =
		arena_new_array(arena, site->menu_count, const struct menu *);
	reached.seen = arena_new_array(arena, site->menu_count, bool);
	add(&reached, order);
	for (size_t i = 0; i < reached.count; i++)
		for (size_t j = 0; j < reached.at[i]->item_count; j++)
			add(&reached, &reached.at[i]->items[j].boot);
	*ret_count = reached.count;
	return reached.at;
}
