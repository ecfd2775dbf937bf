#ifndef COMPILER_LOAD_H
#define COMPILER_LOAD_H
/**
 * @file
 * The first stage: the bytes of a YAML or JSON file to a tree with places.
 *
 * YAML here is what people mean by it, minus what hides things: one document,
 * maps with unique text keys, lists, scalars, anchors and aliases. Tags, merge
 * keys, directives and second documents are refused, each with its own error.
 */
#include "diag.h"
#include "text.h"

struct arena;
struct doc;
struct source;

/** Lists and maps within each other, with those that aliases bring. */
#define LOAD_DEPTH_MAX 64

/** What aliases may add, as 64 bytes for each value and its text: a guard
 * against a few lines that stand for billions of values. */
#define LOAD_ALIAS_BYTES_MAX ((uint64_t)256 << 20)

/**
 * Read a file.
 *
 * Time and memory grow with the size of the file and in no worse way. A syntax
 * error ends the reading; other faults are all reported.
 *
 * @param arena		holds the result; texts are copies with a NUL behind
 * @param source	any bytes; must live as long as the result
 * @param ds		gets E1xx
 * @return the root, never DOC_NULL; NULL if anything was reported
 * @see YAML 1.1, as libyaml reads it; RFC 8259 for JSON
 */
const struct doc *load(struct arena *arena, const struct source *source,
		       struct diags *ds);

#endif
