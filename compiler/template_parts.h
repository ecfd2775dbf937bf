#ifndef COMPILER_TEMPLATE_PARTS_H
#define COMPILER_TEMPLATE_PARTS_H
/**
 * @file
 * A parsed template, as template_parse.c makes it and template.c renders it.
 */
#include "template.h"

enum {
	TEMPLATE_DEPTH_MAX = 64, /**< sections, and partials, in each other */
};

enum part_kind {
	PART_TEXT,
	PART_VARIABLE,
	PART_SECTION,
	PART_INVERTED,
	PART_PARTIAL,
};

struct part_list {
	struct part *at;
	size_t count, room;
};

/** A piece of a template. All text is borrowed from the template. */
struct part {
	enum part_kind kind;
	/** PART_TEXT, which may be empty: a line of the template begins here,
	 * so that a partial puts its indentation before it */
	bool begins_line;
	struct text text; /**< PART_TEXT: itself; else the name */
	union {
		struct part_list inside; /**< of a section */
		struct {                 /**< PART_PARTIAL */
			bool standalone; /**< has its line for itself */
			struct text indent;
			struct span at;
		};
	};
};

struct template
{
	struct part_list parts;
	struct text text;
	struct span at;
	bool literal;
};

#endif
