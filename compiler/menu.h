#ifndef COMPILER_MENU_H
#define COMPILER_MENU_H
/**
 * @file
 * Which menus hang together: an item of a menu may lead to another menu, and
 * back.
 */
#include "ir.h"

struct arena;

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
