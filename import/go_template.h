#ifndef IMPORT_GO_TEMPLATE_H
#define IMPORT_GO_TEMPLATE_H
/**
 * @file
 * Templates of Go (text/template), as far as people use them in Matchbox,
 * turned into Mustache.
 *
 * Mustache knows values and sections, and no conditions. But who imports knows
 * each set of data that a template is used with; so a condition that is more
 * than "is it there" becomes a variable of its own, which is set where the
 * condition holds.
 *
 * @see https://pkg.go.dev/text/template
 */
#include "import.h"

struct go_template;
struct go_expr;

/**
 * @param at	the whole file, for places
 * @return NULL after a finding that says what cannot be read
 */
const struct go_template *go_template_parse(struct import *im, struct text text,
					    struct span at);

/** Whether it prints, tests or goes through a variable of this name. */
bool go_template_uses(const struct go_template *tmpl, struct text key);

/** One label of a query: `os=installed`. */
struct go_label {
	struct text key, value;
};

/** How what a template names is called in the site. */
struct go_writer {
	struct import *im;
	void *ctx;

	/** Data of each use: DOC_MAPs. */
	const struct doc *const *uses;
	size_t use_count;

	/** The variable, a path of Mustache, for a key of the data. */
	struct text (*variable)(void *ctx, struct text key);

	/** The variable for `.request.query.KEY`; ptr NULL: there is none. */
	struct text (*query)(void *ctx, struct text key);

	/** The variable that is set where @p test holds.
	 * @param wanted	a name that says what it holds */
	struct text (*condition)(void *ctx, struct text wanted,
				 const struct go_expr *test);

	/**
	 * What to write for a URL of the server with the query of the request
	 * and more labels.
	 *
	 * @param endpoint	"ignition", "cloud" …
	 * @return ptr NULL: it cannot be
	 */
	struct text (*config_url)(void *ctx, struct text endpoint,
				  const struct go_label *labels, size_t count);
};

/**
 * Write it as Mustache.
 *
 * @return false after findings: something in it cannot be said
 */
bool go_template_write(const struct go_template *tmpl,
		       const struct go_writer *writer, struct sbuf *out);

/** Whether an expression is true, as Go has it, for some data. */
bool go_expr_holds(const struct go_expr *expr, const struct doc *data);

#endif
