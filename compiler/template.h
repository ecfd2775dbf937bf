#ifndef COMPILER_TEMPLATE_H
#define COMPILER_TEMPLATE_H
/**
 * @file
 * Mustache, as its published specification defines it: comments, delimiters,
 * interpolation, sections, inverted sections, partials, standalone lines.
 * Escaping is off ({{x}}, {{{x}}} and {{&x}} are the same): what is rendered is
 * no HTML. A missing variable is an error, never an empty string. Of the
 * optional modules (lambdas, inheritance, dynamic names) there is none.
 *
 * @see https://mustache.github.io/mustache.5.html and the specification 1.4
 */
#include "diag.h"
#include "sbuf.h"
#include "text.h"

struct arena;
struct doc;
struct template;

/**
 * Parse once, render often.
 *
 * @param text	borrowed by the result
 * @param at	where the text stands: a whole file, or a scalar with its quotes
 * @return NULL after diagnostics
 */
const struct template *template_parse(struct arena *arena, struct text text,
				      struct span at, struct diags *ds);

/** Whether there is no tag in it, so that it renders to itself. */
bool template_is_literal(const struct template *tmpl);

/** Visit the name of each variable and section, those in sections too. */
void template_names(const struct template *tmpl,
		    void (*visit)(void *ctx, struct text name), void *ctx);

struct template_env {
	const struct doc *const *contexts; /**< DOC_MAPs, outermost first */
	size_t context_count;
	/**
	 * Find a partial; called for each time that one is used.
	 *
	 * @param name	lives as long as the template that uses it
	 * @param at	where that one names it
	 * @return NULL after a diagnostic; when lenient, NULL for none
	 */
	const struct template *(*partial)(void *ctx, struct text name,
					  struct span at);
	void *ctx;
	/** Why a fact that only the machine knows cannot stand here, to follow
	 * "it is known only to the machine, when it boots; ". NULL: it can,
	 * and its text is put. */
	const char *no_facts;
	/** As the specification has it: what is missing renders to nothing. */
	bool lenient;
	/** Whom it is rendered for; a note on each error, if use_text is one */
	struct span use_at;
	const char *use_text;
};

/**
 * Render.
 *
 * A plain `false`, null, an empty text and an empty list are false; everything
 * else is true. A map or a list cannot be printed. All faults are reported, up
 * to a number that a person reads; but what nests too deep, prints more than
 * 64 MiB or goes through lists without end is not gone on with.
 *
 * @param out	the rendered text is added; rubbish after a failure
 * @return false after a diagnostic
 */
bool template_render(const struct template *tmpl,
		     const struct template_env *env, struct diags *ds,
		     struct sbuf *out);

/**
 * Where in the template a byte of the rendered text comes from: for those who
 * find a fault in the text. It is rendered once more.
 *
 * @param offset	in what template_render() has added, successfully
 */
struct span template_place(const struct template *tmpl,
			   const struct template_env *env, struct diags *ds,
			   size_t offset);

#endif
