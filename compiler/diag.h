#ifndef COMPILER_DIAG_H
#define COMPILER_DIAG_H
/**
 * @file
 * What is wrong with the input: collected as data, shown at the end.
 *
 * One fault gives one diagnostic. Where two places disagree, the second one is
 * a note. A code, once published, never changes its meaning; diag.def has them
 * all with the texts of `ipxe-embed explain`.
 */
#include "map.h"
#include "sbuf.h"
#include "text.h"

struct arena;

enum diag_code {
#define DIAG(code, title, explanation) DIAG_##code,
#include "diag.def"
#undef DIAG
	DIAG_CODES
};

struct diag_note {
	struct span at; /**< at.source NULL: belongs to no place */
	const char *text;
	struct diag_note *next;
};

struct diag {
	enum diag_code code;
	struct span at;
	const char *message;
	struct diag_note *notes;
	struct diag *next;
};

/** Zero-initialise but for the arena. */
struct diags {
	struct arena *arena;
	struct diag *first, *last;
	size_t errors, warnings; /**< all of them, also those not stored */
	/** Those of them that were met again, until diags_sort() */
	size_t errors_again, warnings_again;
	struct map seen;
};

/**
 * Report a fault. Codes Exxx are errors, Wxxx warnings. The same words about the
 * same place are stored once: what machines share is met again for each of them.
 *
 * @param at	place in the input; `(struct span){0}` if there is none
 * @return the diagnostic, to add notes to; never NULL
 */
struct diag *diag_at(struct diags *ds, enum diag_code code, struct span at,
		     const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/** The other place, with a caret of its own. */
void diag_note_at(struct diags *ds, struct diag *diag, struct span at,
		  const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/** Advice without a place: the way out, "did you mean". */
void diag_help(struct diags *ds, struct diag *diag, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * A piece of input for a message: in quotes, cut if it is long, control
 * characters as escapes.
 */
const char *diag_quote(struct diags *ds, struct text text);

/** "E310", from the enumeration. */
const char *diag_name(enum diag_code code);
const char *diag_title(enum diag_code code);
/** Several paragraphs of plain text, for `explain`. */
const char *diag_explanation(enum diag_code code);
bool diag_is_error(enum diag_code code);
/** @return whether @p name ("E310", "e310") is a code; fills @p ret_code */
bool diag_find(const char *name, enum diag_code *ret_code);

/** Order by file, offset, code: independent of the order of the passes. What
 * was met again is not counted any more. */
void diags_sort(struct diags *ds);

/** As a compiler shows it: path:line:column, line, caret, notes. */
void diags_render(const struct diags *ds, bool colour, struct sbuf *out);

/** The same as a JSON document; see docs for its shape. */
void diags_render_json(const struct diags *ds, struct sbuf *out);

/**
 * The nearest of some names to a mistyped one, for "did you mean".
 *
 * @return NULL if none is near enough to be worth saying
 */
const char *diag_nearest(struct text typed, const char *const *names,
			 size_t count);

#endif
