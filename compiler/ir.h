#ifndef COMPILER_IR_H
#define COMPILER_IR_H
/**
 * @file
 * The shapes of a site on its way through the compiler, one per stage. What a
 * stage has proved is in the type that it returns.
 *
 *     bytes -> doc -> site -> plan -> bytes
 *
 * Everything lives in the arena of the run.
 */
#include "text.h"

/* -------------------------------------------------------------- doc --
 * What the file says: a tree of scalars, lists and maps, each with its place.
 * Made by load.c. Keys are unique, text is UTF-8 without NULs, and a doc is
 * never deeper than LOAD_DEPTH_MAX.
 */

enum doc_kind { DOC_NULL, DOC_SCALAR, DOC_LIST, DOC_MAP };

/* Look at the kind first: scalars share their memory with lists and maps, so
 * that a site of 100,000 nodes stays small. What an alias stands for is not
 * copied: the same doc hangs in two places then, with the place of its anchor.
 */
struct doc {
	enum doc_kind kind;
	bool plain; /**< scalar without quotes: `true` is a boolean */
	/** A scalar with its quotes; block text from its `|` or `>` to the end
	 * of its last line with text; a list or map: its first byte */
	struct span at;
	union {
		struct text text; /**< DOC_SCALAR; also DOC_NULL, as written */
		struct {
			union {
				struct doc **items;     /**< DOC_LIST */
				struct doc_pair *pairs; /**< DOC_MAP */
			};                              /**< in file order */
			size_t count; /**< of items or pairs */
		};
	};
};

struct doc_pair {
	struct text key;
	struct span key_at;
	struct doc *value;
};

#endif
