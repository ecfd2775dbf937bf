#include "diag.h"

#include "arena.h"
#include "quote.h"
#include "source.h"
#include "utf8.h"

#include <stdlib.h>
#include <strings.h>

/* A file of noise can hold millions of faults; nobody reads beyond this. They
 * are still counted. */
enum { DIAG_STORED_MAX = 1000 };

/* Lines longer than this are shown around the fault only. */
enum { EXCERPT_COLUMNS = 110, EXCERPT_BEFORE = 40 };

static const struct {
	const char *name, *title, *explanation;
} codes[] = {
#define DIAG(code, title, explanation) { #code, title, explanation },
#include "diag.def"
#undef DIAG
};

const char *diag_name(enum diag_code code)
{
	return codes[code].name;
}

const char *diag_title(enum diag_code code)
{
	return codes[code].title;
}

const char *diag_explanation(enum diag_code code)
{
	return codes[code].explanation;
}

bool diag_is_error(enum diag_code code)
{
	return codes[code].name[0] == 'E';
}

bool diag_find(const char *name, enum diag_code *ret_code)
{
	for (size_t i = 0; i < DIAG_CODES; i++) {
		if (strcasecmp(codes[i].name, name) == 0) {
			*ret_code = (enum diag_code)i;
			return true;
		}
	}
	return false;
}

static bool is_met_again(struct diags *ds, struct diag *diag)
{
	const char *key = arena_printf(
		ds->arena, "%d %p %u %u %s", (int)diag->code,
		(const void *)diag->at.source, (unsigned)diag->at.begin,
		(unsigned)diag->at.end, diag->message);
	void **slot;

	ds->seen.arena = ds->arena;
	slot = map_at(&ds->seen, text_of(key));
	if (*slot)
		return true;
	*slot = diag;
	return false;
}

struct diag *diag_at(struct diags *ds, enum diag_code code, struct span at,
		     const char *format, ...)
{
	struct diag *diag = arena_new(ds->arena, struct diag);
	va_list args;

	if (diag_is_error(code))
		ds->errors++;
	else
		ds->warnings++;
	va_start(args, format);
	diag->code = code;
	diag->at = at;
	diag->message = arena_vprintf(ds->arena, format, args);
	va_end(args);

	if (is_met_again(ds, diag)) {
		if (diag_is_error(code))
			ds->errors_again++;
		else
			ds->warnings_again++;
		return diag;
	}
	/* An error is never displaced by mere warnings. */
	if (ds->errors + ds->warnings - ds->errors_again - ds->warnings_again >
		    DIAG_STORED_MAX &&
	    !(diag_is_error(code) && ds->errors == 1))
		return diag;
	if (ds->last)
		ds->last->next = diag;
	else
		ds->first = diag;
	ds->last = diag;
	return diag;
}

static void note_add(struct diags *ds, struct diag *diag, struct span at,
		     const char *format, va_list args)
	__attribute__((format(printf, 4, 0)));

static void note_add(struct diags *ds, struct diag *diag, struct span at,
		     const char *format, va_list args)
{
	struct diag_note **end = &diag->notes;

	while (*end)
		end = &(*end)->next;
	*end = arena_new(ds->arena, struct diag_note);
	(*end)->at = at;
	(*end)->text = arena_vprintf(ds->arena, format, args);
}

void diag_note_at(struct diags *ds, struct diag *diag, struct span at,
		  const char *format, ...)
{
	va_list args;

	va_start(args, format);
	note_add(ds, diag, at, format, args);
	va_end(args);
}

void diag_help(struct diags *ds, struct diag *diag, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	note_add(ds, diag, (struct span){ 0 }, format, args);
	va_end(args);
}

const char *diag_quote(struct diags *ds, struct text text)
{
	enum { SHOWN_BYTES = 80 };
	struct sbuf out = { 0 };
	const char *quoted;

	sbuf_putc(&out, '"');
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if (i >= SHOWN_BYTES && (c & 0xc0) != 0x80) {
			sbuf_puts(&out, "...");
			break;
		}
		if (c == '\n')
			sbuf_puts(&out, "\\n");
		else if (c < 0x20 || c == 0x7f)
			sbuf_printf(&out, "\\x%02x", c);
		else
			sbuf_putc(&out, (char)c);
	}
	sbuf_putc(&out, '"');
	quoted = arena_copy(ds->arena, sbuf_text(&out), out.len);
	sbuf_release(&out);
	return quoted;
}

static int diag_compare(const void *a, const void *b)
{
	const struct diag *x = *(const struct diag *const *)a;
	const struct diag *y = *(const struct diag *const *)b;
	int order;

	if (!x->at.source || !y->at.source)
		order = (x->at.source != NULL) - (y->at.source != NULL);
	else
		order = text_compare(x->at.source->path, y->at.source->path);
	if (!order)
		order = (x->at.begin > y->at.begin) -
			(x->at.begin < y->at.begin);
	if (!order)
		order = (x->code > y->code) - (x->code < y->code);
	return order ? order : strcmp(x->message, y->message);
}

void diags_sort(struct diags *ds)
{
	size_t count = 0, i = 0;
	struct diag **all;

	ds->errors -= ds->errors_again;
	ds->warnings -= ds->warnings_again;
	ds->errors_again = ds->warnings_again = 0;
	for (struct diag *d = ds->first; d; d = d->next)
		count++;
	if (count < 2)
		return;
	all = arena_new_array(ds->arena, count, struct diag *);
	for (struct diag *d = ds->first; d; d = d->next)
		all[i++] = d;
	qsort(all, count, sizeof(*all), diag_compare);
	ds->first = ds->last = all[0];
	for (i = 1; i < count; i++) {
		ds->last->next = all[i];
		ds->last = all[i];
	}
	ds->last->next = NULL;
}

struct palette {
	const char *bold, *error, *warning, *note, *caret, *off;
};

static const struct palette plain = { "", "", "", "", "", "" };
static const struct palette coloured = {
	"\033[1m",    "\033[1;31m", "\033[1;35m",
	"\033[1;36m", "\033[1;32m", "\033[0m",
};

/* Control characters of a hostile file must not reach the terminal, nor must
 * bytes that are no text: one `?` for each keeps the columns. */
static void put_visible(struct sbuf *out, struct text text)
{
	for (size_t i = 0, len; i < text.len; i += len) {
		const char *s = text.ptr + i;

		len = utf8_sequence(s, text.len - i);
		if (*s == '\t')
			sbuf_putc(out, ' ');
		else if (utf8_is_control(s, text.len - i))
			sbuf_putc(out, '?');
		else if (len)
			sbuf_add(out, s, len);
		else if (!utf8_continues(*s))
			sbuf_putc(out, '?');
		len += !len;
	}
}

/* Go @p columns characters forward, or to the end of the line. */
static size_t skip_columns(struct text line, size_t from, size_t columns)
{
	for (; from < line.len && columns; columns--)
		do
			from++;
		while (from < line.len && utf8_continues(line.ptr[from]));
	return from;
}

/* Go @p columns characters back; there are that many. */
static size_t skip_back(struct text line, size_t from, size_t columns)
{
	for (; from && columns; columns--)
		do
			from--;
		while (from && utf8_continues(line.ptr[from]));
	return from;
}

static void render_excerpt(const struct span *at, const struct palette *p,
			   struct sbuf *out)
{
	struct place begin = source_place(at->source, at->begin);
	struct place end = source_place(at->source, at->end);
	struct text line = source_line(at->source, begin.line);
	size_t carets, first = 0, from = 0, to;

	carets = end.line == begin.line && end.column > begin.column
			 ? end.column - begin.column
			 : 1;
	if (begin.column > EXCERPT_COLUMNS - EXCERPT_BEFORE) {
		first = begin.column - 1 - EXCERPT_BEFORE;
		from = skip_back(
			line,
			at->begin - (size_t)(line.ptr - at->source->bytes.ptr),
			EXCERPT_BEFORE);
	}
	to = skip_columns(line, from, EXCERPT_COLUMNS);
	if (carets > EXCERPT_COLUMNS - (begin.column - 1 - first))
		carets = EXCERPT_COLUMNS - (begin.column - 1 - first);

	sbuf_printf(out, "%6zu | %s", begin.line, first ? "..." : "");
	put_visible(out, (struct text){ line.ptr + from, to - from });
	sbuf_printf(out, "%s\n       | ", to < line.len ? "..." : "");
	for (size_t i = first ? first - 3 : 0; i + 1 < begin.column; i++)
		sbuf_putc(out, ' ');
	sbuf_puts(out, p->caret);
	sbuf_putc(out, '^');
	for (size_t i = 1; i < carets; i++)
		sbuf_putc(out, '~');
	sbuf_printf(out, "%s\n", p->off);
}

static void render_one(const struct span *at, const char *severity,
		       const char *severity_colour, const char *message,
		       const char *code, const struct palette *p,
		       struct sbuf *out)
{
	if (at->source) {
		struct place place = source_place(at->source, at->begin);

		sbuf_puts(out, p->bold);
		put_visible(out, at->source->path);
		sbuf_printf(out, ":%zu:%zu: %s", place.line, place.column,
			    p->off);
	}
	sbuf_printf(out, "%s%s:%s ", severity_colour, severity, p->off);
	/* A message may have several lines: a tool's words, say. */
	while (*message) {
		size_t len = strcspn(message, "\n");

		put_visible(out, (struct text){ message, len });
		message += len;
		if (*message) {
			sbuf_puts(out, "\n        ");
			message++;
		}
	}
	if (code)
		sbuf_printf(out, " [%s]", code);
	sbuf_putc(out, '\n');
	if (at->source)
		render_excerpt(at, p, out);
}

void diags_render(const struct diags *ds, bool colour, struct sbuf *out)
{
	const struct palette *p = colour ? &coloured : &plain;
	size_t stored = 0;

	for (const struct diag *d = ds->first; d; d = d->next, stored++) {
		bool error = diag_is_error(d->code);

		render_one(&d->at, error ? "error" : "warning",
			   error ? p->error : p->warning, d->message,
			   diag_name(d->code), p, out);
		for (const struct diag_note *n = d->notes; n; n = n->next)
			render_one(&n->at, n->at.source ? "note" : "help",
				   p->note, n->text, NULL, p, out);
	}
	if (ds->errors + ds->warnings > stored)
		sbuf_printf(out, "... and %zu more\n",
			    ds->errors + ds->warnings - stored);
}

static void json_span(const struct span *at, struct sbuf *out)
{
	struct place begin, end;

	if (!at->source)
		return;
	begin = source_place(at->source, at->begin);
	end = source_place(at->source, at->end);
	sbuf_puts(out, "\"file\": ");
	quote_json(out, at->source->path);
	sbuf_printf(out,
		    ", \"line\": %zu, \"column\": %zu, \"endLine\": %zu, "
		    "\"endColumn\": %zu, ",
		    begin.line, begin.column, end.line, end.column);
}

void diags_render_json(const struct diags *ds, struct sbuf *out)
{
	const char *comma = "";

	sbuf_printf(out, "{\"errors\": %zu, \"warnings\": %zu, ", ds->errors,
		    ds->warnings);
	sbuf_puts(out, "\"diagnostics\": [");
	for (const struct diag *d = ds->first; d; d = d->next) {
		sbuf_printf(out, "%s\n  {", comma);
		json_span(&d->at, out);
		sbuf_printf(out, "\"severity\": \"%s\", \"code\": \"%s\", ",
			    diag_is_error(d->code) ? "error" : "warning",
			    diag_name(d->code));
		sbuf_puts(out, "\"message\": ");
		quote_json(out, text_of(d->message));
		sbuf_puts(out, ", \"notes\": [");
		for (const struct diag_note *n = d->notes; n; n = n->next) {
			sbuf_putc(out, '{');
			json_span(&n->at, out);
			sbuf_puts(out, "\"message\": ");
			quote_json(out, text_of(n->text));
			sbuf_puts(out, n->next ? "}, " : "}");
		}
		sbuf_puts(out, "]}");
		comma = ",";
	}
	sbuf_printf(out, "%s]}\n", ds->first ? "\n" : "");
}

/* Optimal string alignment: insert, delete, replace, swap neighbours.
 * @return the distance, or anything above @p limit once it exceeds that */
static size_t edit_distance(struct text a, const char *b, size_t limit)
{
	enum { MAX = 64 };
	size_t b_len = strlen(b), rows[3][MAX + 1];
	size_t *two = rows[0], *one = rows[1], *now = rows[2];

	if (a.len > MAX || b_len > MAX || a.len > b_len + limit ||
	    b_len > a.len + limit)
		return limit + 1;
	for (size_t j = 0; j <= b_len; j++)
		one[j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		size_t *spare = two;

		now[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			size_t best = one[j - 1] + (a.ptr[i - 1] != b[j - 1]);

			if (one[j] + 1 < best)
				best = one[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && a.ptr[i - 1] == b[j - 2] &&
			    a.ptr[i - 2] == b[j - 1] && two[j - 2] + 1 < best)
				best = two[j - 2] + 1;
			now[j] = best;
		}
		two = one;
		one = now;
		now = spare;
	}
	return one[b_len];
}

const char *diag_nearest(struct text typed, const char *const *names,
			 size_t count)
{
	/* Of one letter, another one is no slip. */
	size_t best = typed.len < 2   ? 0
		      : typed.len < 4 ? 1
		      : typed.len < 8 ? 2
				      : 3;
	const char *nearest = NULL;

	for (size_t i = 0; i < count; i++) {
		size_t distance = edit_distance(typed, names[i], best);

		if (distance < best || (distance == best && !nearest)) {
			best = distance;
			nearest = names[i];
		}
	}
	return nearest;
}
