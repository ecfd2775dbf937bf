#ifndef COMPILER_DOC_H
#define COMPILER_DOC_H
/**
 * @file
 * Maps of a doc by their keys.
 */
#include "ir.h"

struct arena;

/**
 * Give a map room for its pairs; they are all set before doc_index().
 *
 * @param count	of the pairs, at most UINT32_MAX
 */
void doc_set_room(struct arena *arena, struct doc *map, size_t count);

/** Make a large map quick to search; its pairs do not change any more. */
void doc_index(struct doc *map);

/** @return NULL if there is no such key, or if @p doc is no map */
const struct doc *doc_get(const struct doc *doc, struct text key);

/** @return with its key and place; NULL as for doc_get() */
const struct doc_pair *doc_find(const struct doc *doc, struct text key);

#endif
