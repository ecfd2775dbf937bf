#include "doc.h"

#include "arena.h"
#include "map.h"

#include <assert.h>

/* Up to here it is as quick to look at each key. */
enum { KEYS_NOT_INDEXED = 16 };

/* Behind the pairs of a large map there are slots: 1 + the number of the pair
 * whose key belongs there, 0 for none. A map without them needs no memory for
 * this, and most of 100,000 nodes are small maps. */
static size_t slot_count(size_t count)
{
	size_t slots = 4 * KEYS_NOT_INDEXED;

	if (count <= KEYS_NOT_INDEXED)
		return 0;
	while (slots / 2 < count)
		slots = size_product(slots, 2);
	return slots;
}

void doc_set_room(struct arena *arena, struct doc *map, size_t count)
{
	size_t slots = slot_count(count);
	size_t in_pairs = (slots * sizeof(uint32_t) + sizeof(*map->pairs) - 1) /
			  sizeof(*map->pairs);

	assert(count <= UINT32_MAX);
	map->count = count;
	map->pairs = arena_new_array(arena, count + in_pairs, struct doc_pair);
}

/* The slot of a key, or the free one where it would be. */
static uint32_t *slot_find(const struct doc *map, struct text key)
{
	uint32_t *slots = (uint32_t *)(map->pairs + map->count);
	size_t mask = slot_count(map->count) - 1;
	size_t i = text_hash(key) & mask;

	while (slots[i] && !text_equal(map->pairs[slots[i] - 1].key, key))
		i = (i + 1) & mask;
	return &slots[i];
}

void doc_index(struct doc *map)
{
	if (map->count <= KEYS_NOT_INDEXED)
		return;
	for (size_t i = 0; i < map->count; i++)
		*slot_find(map, map->pairs[i].key) = (uint32_t)i + 1;
	map->indexed = true;
}

const struct doc_pair *doc_find(const struct doc *doc, struct text key)
{
	if (doc->kind != DOC_MAP)
		return NULL;
	if (doc->indexed) {
		uint32_t slot = *slot_find(doc, key);

		return slot ? &doc->pairs[slot - 1] : NULL;
	}
	for (size_t i = 0; i < doc->count; i++)
		if (text_equal(doc->pairs[i].key, key))
			return &doc->pairs[i];
	return NULL;
}

const struct doc *doc_get(const struct doc *doc, struct text key)
{
	const struct doc_pair *pair = doc_find(doc, key);

	return pair ? pair->value : NULL;
}
