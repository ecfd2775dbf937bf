#ifndef COMPILER_MAP_H
#define COMPILER_MAP_H
/**
 * @file
 * Text -> pointer. Iteration is not offered: its order would depend on hashes.
 */
#include "text.h"

struct arena;

/** The same for the same bytes; not to be shown or stored. */
uint64_t text_hash(struct text text);

/** Zero-initialise but for the arena. */
struct map {
	struct arena *arena;
	struct map_entry *entries;
	size_t count, room;
};

/**
 * The place of a key's value, made with NULL in it when the key is new.
 *
 * @param key	borrowed; must live as long as the map
 * @return valid until the next call
 */
void **map_at(struct map *map, struct text key);

/** @return the place of a key's value; NULL if the key is not there */
void **map_find(const struct map *map, struct text key);

#endif
