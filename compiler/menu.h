#ifndef COMPILER_MENU_H
#define COMPILER_MENU_H
/**
 * @file
 * Which menus hang together: an item of a menu may lead to another menu, and
 * back.
 */
#include "ir.h"

struct arena;

/** What is shown above a menu: its title, else its name. */
struct text menu_title(const struct menu *menu);

/** What is shown of an item: its text, else its name. */
struct text menu_item_text(const struct menu_item *item);

/**
 * The menus that somebody who follows a boot order may come to, directly or
 * from other menus.
 *
 * @return each once; the nearest first
 */
const struct menu **menus_reached(struct arena *arena, const struct site *site,
				  const struct boot_order *order,
				  size_t *ret_count);

#endif
