#include "load_names.h"

#include "arena.h"
#include "map.h"

#include <stdlib.h>
#include <string.h>

/* Part of the hash, so that few names need be compared. */
struct name_slot {
	uint32_t number; /* + 1; 0: empty */
	uint32_t hash;
};

void names_release(struct names *names)
{
	free(names->at);
	free(names->slots);
}

/* @return the slot that holds it, or the empty one where it would go */
static struct name_slot *names_slot(const struct names *names, struct text text,
				    uint32_t hash)
{
	size_t mask = 2 * names->room - 1, i = hash & mask;
	struct name_slot *slot = &names->slots[i];

	while (slot->number &&
	       !(slot->hash == hash &&
		 text_equal(names->at[slot->number - 1].text, text))) {
		i = (i + 1) & mask;
		slot = &names->slots[i];
	}
	return slot;
}

/* Put back those that were in fewer slots. */
static void names_scatter(struct names *names, const struct name_slot *slots,
			  size_t count)
{
	size_t mask = 2 * names->room - 1;

	for (size_t from = 0; from < count; from++) {
		size_t i = slots[from].hash & mask;

		if (!slots[from].number)
			continue;
		while (names->slots[i].number)
			i = (i + 1) & mask;
		names->slots[i] = slots[from];
	}
}

static void names_grow(struct names *names)
{
	size_t old_slots = 2 * names->room, bytes;
	struct name_slot *old = names->slots;

	names->room = names->room ? 2 * names->room : 64;
	names->at = xrealloc(names->at,
			     size_product(names->room, sizeof(*names->at)));
	bytes = size_product(2 * names->room, sizeof(*names->slots));
	names->slots = memset(xrealloc(NULL, bytes), 0, bytes);
	names_scatter(names, old, old_slots);
	free(old);
}

int64_t names_find(const struct names *names, struct text text)
{
	uint32_t hash = (uint32_t)text_hash(text);

	return names->room ? (int64_t)names_slot(names, text, hash)->number - 1
			   : NO_NAME;
}

/* Keys come in the same order again and again. @return its number, or NO_NAME */
static int64_t names_guess(const struct names *names, struct text text)
{
	uint32_t next = names->count ? names->at[names->last].next : 0;

	return next && text_equal(names->at[next - 1].text, text)
		       ? (int64_t)next - 1
		       : NO_NAME;
}

static int64_t names_insert(struct names *names, struct arena *arena,
			    struct text text)
{
	uint32_t hash = (uint32_t)text_hash(text);
	struct name_slot *slot;

	if (names->count == names->room)
		names_grow(names);
	slot = names_slot(names, text, hash);
	if (!slot->number) {
		text.ptr = arena_copy(arena, text.ptr, text.len);
		names->at[names->count++] = (struct name){ .text = text };
		*slot = (struct name_slot){ (uint32_t)names->count, hash };
	}
	return (int64_t)slot->number - 1;
}

int64_t names_add(struct names *names, struct arena *arena, struct text text)
{
	int64_t number = names_guess(names, text);

	if (number == NO_NAME)
		number = names_insert(names, arena, text);
	names->at[names->last].next = (uint32_t)number + 1;
	names->last = (size_t)number;
	return number;
}
