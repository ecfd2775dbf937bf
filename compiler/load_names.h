#ifndef COMPILER_LOAD_NAMES_H
#define COMPILER_LOAD_NAMES_H
/**
 * @file
 * The keys and the anchors of a file: each distinct one once, with a small
 * number. Private to load*.c.
 */
#include "text.h"

struct arena;
struct name_slot;

struct name {
	struct text text;
	/** Offsets: of a key where last seen, of an anchor where defined */
	uint32_t begin, end;
	uint32_t map;  /**< of a key: in which map last seen, from 1 */
	uint32_t next; /**< number + 1 of what came behind it; 0: nothing */
};

/** Zero-initialise. */
struct names {
	struct name *at;         /**< by number; moves when one is added */
	struct name_slot *slots; /**< by hash; always two for each name */
	size_t count, room;
	size_t last; /**< number of what was added last */
};

enum { NO_NAME = -1 };

void names_release(struct names *names);

/** @return its number, or NO_NAME */
int64_t names_find(const struct names *names, struct text text);

/** @return its number; a new name is copied to the arena */
int64_t names_add(struct names *names, struct arena *arena, struct text text);

#endif
