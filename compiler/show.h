#ifndef COMPILER_SHOW_H
#define COMPILER_SHOW_H
/**
 * @file
 * Everything that one machine will do, and which line says so.
 */
#include "plan.h"
#include "sbuf.h"

/**
 * @return the machine of a node by its name or one of its MAC addresses; NULL
 *	   if there is none
 */
const struct machine *show_find(struct arena *arena, const struct plan *plan,
				const char *name);

/**
 * As YAML, with the places in comments, also those of values that a higher
 * level has replaced.
 *
 * @param machine	with its origins, see struct compile_env
 */
void show_text(const struct plan *plan, const struct machine *machine,
	       struct sbuf *out);

/** The same as JSON. */
void show_json(const struct plan *plan, const struct machine *machine,
	       struct sbuf *out);

#endif
