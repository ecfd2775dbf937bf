#ifndef COMPILER_SOURCE_H
#define COMPILER_SOURCE_H
/**
 * @file
 * Input files, held whole while a run lasts, and places in them.
 */
#include "text.h"

struct arena;
struct sbuf;
struct source_sums;

/** Larger files are refused: nothing that people write comes near. */
#define SOURCE_BYTES_MAX ((size_t)64 << 20)

/** One input file; lives in the arena of the run. */
struct source {
	struct text path;  /**< as the user would write it, for messages */
	struct text bytes; /**< the whole file; may hold any byte, NUL too */
	size_t line_count; /**< at least 1 */
	/** For source_place(): what is before each block of the file */
	const struct source_sums *sums;
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

/** The same of text that need not be copied. @param bytes	left empty */
const struct source *source_take(struct arena *arena, const char *path,
				 struct sbuf *bytes);

/** Length of the byte order mark that the file begins with; 0 or 3. */
size_t source_bom_bytes(const struct source *source);

/**
 * Quick, however long the line is.
 *
 * @param offset	up to and including the length of the file
 */
struct place source_place(const struct source *source, size_t offset);

/** Line without its end, and without a byte order mark before it. @param line
 * counts from 1, must exist */
struct text source_line(const struct source *source, size_t line);

/**
 * Where in the file the bytes of some text stand.
 *
 * @param at	place of the text: a whole file, or a YAML scalar with its
 *	quotes
 * @return false if they do not, because of escapes or folded lines: places in
 *	the text cannot be told then
 */
bool span_find_text(struct span at, struct text text, struct span *ret);

/**
 * The place of a piece of some text. It looks at all of the text: not for each
 * of many pieces.
 *
 * @param at	as for span_find_text()
 * @return exact where the file has the text as it is, or as lines of a block
 *	(`|`; it ends with its line then); else @p at, since escapes and folded
 *	lines shift what is behind them
 */
struct span span_within(struct span at, struct text text, size_t begin,
			size_t end);

#endif
