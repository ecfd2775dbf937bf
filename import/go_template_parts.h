#ifndef IMPORT_GO_TEMPLATE_PARTS_H
#define IMPORT_GO_TEMPLATE_PARTS_H
/**
 * @file
 * A parsed template, as go_parse.c makes it and go_write.c writes it.
 */
#include "go_template.h"

enum {
	GO_DEPTH_MAX = 32, /**< blocks, and brackets, within each other */
	GO_PATH_MAX = 8,   /**< `.a.b.c` */
};

enum go_expr_kind {
	GO_DOT,      /**< `.`, `.a`, `.a.b`: of the innermost range or with */
	GO_ROOT,     /**< `$`, `$.a` */
	GO_VARIABLE, /**< `$e`, `$e.a`: of a range around it */
	GO_CONSTANT, /**< "text", 12, true */
	GO_CALL,     /**< `index . "x"`, `eq a b` */
};

struct go_expr {
	enum go_expr_kind kind;
	struct text name; /**< GO_VARIABLE, GO_CALL; GO_CONSTANT: its value */
	bool plain; /**< GO_CONSTANT: no text, but a number or a boolean */
	struct text path[GO_PATH_MAX]; /**< behind the first three */
	size_t path_len;
	const struct go_expr **args; /**< GO_CALL */
	size_t arg_count;
	struct span at;
};

enum go_node_kind {
	GO_TEXT,
	GO_PRINT,
	GO_IF,    /**< one branch for each `if` and `else if` */
	GO_RANGE, /**< likewise `with`, which is a range over one */
	GO_WITH,
};

struct go_list {
	struct go_node *at;
	size_t count, room;
};

struct go_node {
	enum go_node_kind kind;
	struct text text;           /**< GO_TEXT */
	const struct go_expr *expr; /**< all others */
	struct text variable;       /**< GO_RANGE: `$e`, if it has one */
	struct go_list inside, otherwise;
	struct span at;
};

struct go_template {
	struct go_list nodes;
	struct span at;
};

/**
 * Where a path begins that means the data as a whole: `.x`, `$.x`, or
 * `index . "x"`, written outside of any range.
 *
 * @param nested	whether it stands in a range or with
 * @return false if it is something else
 */
bool go_expr_key(const struct go_expr *expr, bool nested, struct text *ret_key);

#endif
