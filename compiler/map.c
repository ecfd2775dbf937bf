#include "map.h"

#include "arena.h"

struct map_entry {
	struct text key; /* ptr NULL: free */
	uint64_t hash;
	void *value;
};

/* No secret, so a hostile file could make it slow, not wrong, and the site file
 * is its user's own. */
uint64_t text_hash(struct text text)
{
	const uint64_t factor = 0x9e3779b97f4a7c15;
	uint64_t hash = text.len, word = 0;
	size_t i = 0;

	for (; i + sizeof(word) < text.len; i += sizeof(word)) {
		memcpy(&word, text.ptr + i, sizeof(word));
		hash = (hash ^ word) * factor;
		hash ^= hash >> 32;
	}
	/* The last eight bytes, some of them once more; or all, if fewer. */
	if (text.len >= sizeof(word))
		memcpy(&word, text.ptr + text.len - sizeof(word), sizeof(word));
	else
		for (word = 0; i < text.len; i++)
			word = word << 8 | (unsigned char)text.ptr[i];
	/* Twice: a product carries what differs upward only. */
	hash = (hash ^ word) * factor;
	hash = (hash ^ hash >> 32) * factor;
	return hash ^ hash >> 32;
}

static struct map_entry *find(struct map_entry *entries, size_t room,
			      struct text key, uint64_t hash)
{
	size_t i = hash & (room - 1);

	while (entries[i].key.ptr &&
	       !(entries[i].hash == hash && text_equal(entries[i].key, key)))
		i = (i + 1) & (room - 1);
	return &entries[i];
}

static void grow(struct map *map)
{
	size_t room = map->room ? size_product(map->room, 2) : 64;
	struct map_entry *entries =
		arena_new_array(map->arena, room, struct map_entry);

	for (size_t i = 0; i < map->room; i++)
		if (map->entries[i].key.ptr)
			*find(entries, room, map->entries[i].key,
			      map->entries[i].hash) = map->entries[i];
	map->entries = entries;
	map->room = room;
}

void **map_at(struct map *map, struct text key)
{
	uint64_t hash = text_hash(key);
	struct map_entry *entry;

	if (map->count * 2 >= map->room)
		grow(map);
	entry = find(map->entries, map->room, key, hash);
	if (!entry->key.ptr) {
		*entry = (struct map_entry){ key, hash, NULL };
		map->count++;
	}
	return &entry->value;
}

void **map_find(const struct map *map, struct text key)
{
	struct map_entry *entry;

	if (!map->room)
		return NULL;
	entry = find(map->entries, map->room, key, text_hash(key));
	return entry->key.ptr ? &entry->value : NULL;
}
