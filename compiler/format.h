#ifndef COMPILER_FORMAT_H
#define COMPILER_FORMAT_H
/**
 * @file
 * Whether a rendered file is what its name promises.
 */
#include "text.h"

struct arena;

enum file_format {
	FORMAT_BY_NAME, /**< what the suffix of the name says */
	FORMAT_TEXT,    /**< anything */
	FORMAT_JSON,
	FORMAT_YAML,
};

/** @return never FORMAT_BY_NAME */
enum file_format format_of_name(struct text name);

/** "JSON", for messages. */
const char *format_words(enum file_format format);

/**
 * Parse a text to see whether it can be parsed. YAML may be several documents,
 * with tags and all; JSON is strict.
 *
 * @param ret_offset	of the first byte that is wrong, up to the length
 * @return NULL if it is good; else what is wrong, in the words of the parser
 * @see RFC 8259; YAML 1.1, as libyaml reads it
 */
const char *format_fault(struct arena *arena, enum file_format format,
			 struct text text, size_t *ret_offset);

#endif
