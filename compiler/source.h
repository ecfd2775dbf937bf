#ifndef COMPILER_SOURCE_H
#define COMPILER_SOURCE_H
/**
 * @file
 * Input files, held whole while a run lasts, and places in them.
 */
#include "text.h"

struct arena;

/** One input file; lives in the arena of the run. */
struct source {
	struct text path;  /**< as the user would write it, for messages */
	struct text bytes; /**< the whole file; may hold any byte, NUL too */
	const uint32_t *lines; /**< offset of each line's first byte */
	size_t line_count;     /**< at least 1 */
};

/** For people: both count from 1, columns count code points. */
struct place {
	size_t line, column;
};

/**
 * @param bytes	copied; at most UINT32_MAX bytes (asserted)
 */
const struct source *source_new(struct arena *arena, const char *path,
				const void *bytes, size_t len);

/** @param offset	up to and including the length of the file */
struct place source_place(const struct source *source, size_t offset);

/** Line without its end. @param line counts from 1, must exist */
struct text source_line(const struct source *source, size_t line);

#endif
