#ifndef COMPILER_LOAD_PARTS_H
#define COMPILER_LOAD_PARTS_H
/**
 * @file
 * What load.c is made of: private to load*.c.
 */
#include "diag.h"
#include "source.h"

/**
 * Refuse what is no text, before YAML looks at it.
 *
 * @param ret_ascii	whether every character is one byte
 * @return whether the bytes are UTF-8 text
 */
bool load_bytes_check(const struct source *source, struct diags *ds,
		      bool *ret_ascii);

/**
 * Replace the pairs of escapes that JSON has for characters beyond U+FFFF.
 *
 * libyaml knows no surrogates. Each pair becomes the character, and the string
 * is followed by spaces for what that saved, so that everything behind it is
 * where it was, in code points.
 *
 * @param bytes		as load_bytes_check() passed it, without a byte order
 *	mark; free of NULs, with one behind
 * @param ret_bytes	zero-initialised; filled if there are any
 * @return false if there are none, or this is no JSON; in YAML such text may
 *	be no escape at all
 * @see RFC 8259, section 7
 */
bool load_json_pairs(struct text bytes, struct sbuf *ret_bytes);

/** Behind the closing quote of the string that begins at an offset. */
uint32_t load_json_string_end(const struct source *source, uint32_t begin);

/** Where and why libyaml gave up; offsets are in bytes of the file. */
struct syntax_fault {
	const char *problem, *context; /**< libyaml's words; may be NULL */
	uint32_t at;                   /**< where the problem shows */
	uint32_t opened;               /**< where what it was reading begins */
	struct span list;   /**< innermost list or map that has begun, if any */
	struct span quoted; /**< last quoted text read, if any */
};

/** Say it in words that help whoever wrote the file. Reports exactly one. */
void load_syntax_explain(const struct source *source,
			 const struct syntax_fault *fault, struct diags *ds);

/** What follows the end of the document, and must be nothing. */
void load_rest_check(const struct source *source, uint32_t offset,
		     struct diags *ds);

/** Offset of the first byte that is not white space or comment. */
uint32_t load_skip_comments(const struct source *source, uint32_t offset);

static inline struct span span_of(const struct source *source, size_t begin,
				  size_t end)
{
	return (struct span){ source, (uint32_t)begin, (uint32_t)end };
}

#endif
