#ifndef COMPILER_VEC_H
#define COMPILER_VEC_H
/**
 * @file
 * Growing arrays of any type, in memory of an arena.
 *
 *     struct { struct node *at; size_t count, room; } nodes = { 0 };
 *     *vec_push(arena, &nodes) = node;
 *     vec_foreach(struct node, n, &nodes) ...
 *
 * Pointers into the array are stale after the next vec_push().
 */
#include "arena.h"

#include <string.h>

#define VEC(type)                   \
	struct {                    \
		type *at;           \
		size_t count, room; \
	}

/** @return pointer to a new zeroed last element */
#define vec_push(arena, vec)                                                  \
	((vec)->at = vec_grow((arena), (vec)->at, (vec)->count, &(vec)->room, \
			      sizeof(*(vec)->at)),                            \
	 &(vec)->at[(vec)->count++])

#define vec_foreach(type, item, vec) \
	for (type *item = (vec)->at; \
	     (vec)->count && item < (vec)->at + (vec)->count; item++)

static inline void *vec_grow(struct arena *arena, void *at, size_t count,
			     size_t *room, size_t bytes)
{
	void *bigger;

	if (count < *room)
		return at;
	*room = *room ? size_product(*room, 2) : 4;
	bigger = arena_array(arena, *room, bytes);
	if (count)
		memcpy(bigger, at, count * bytes);
	return bigger;
}

#endif
