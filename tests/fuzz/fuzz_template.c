/* Any text is a template that renders, or faults that can be shown. What the
 * specification says of indented partials is tried word for word.
 *
 * An input is a template; further files follow, each behind a line "=== NAME":
 * "data" is a map in YAML, the others are partials. */
#include "fuzz.h"

#include "arena.h"
#include "diag.h"
#include "input.h"
#include "ir.h"
#include "load.h"
#include "sbuf.h"
#include "source.h"
#include "template.h"

#undef NDEBUG
#include <assert.h>

struct trial {
	struct arena arena;
	struct input in;
	const struct doc *data;
};

/* ------------------------------------------------------------- places -- */

static void check_span(struct span at)
{
	if (!at.source)
		return;
	assert(at.begin <= at.end);
	assert(at.end <= at.source->bytes.len);
}

static void check_diags(struct diags *ds)
{
	struct sbuf shown = { 0 };

	for (const struct diag *d = ds->first; d; d = d->next) {
		check_span(d->at);
		for (const struct diag_note *n = d->notes; n; n = n->next)
			check_span(n->at);
	}
	diags_sort(ds);
	diags_render(ds, false, &shown);
	sbuf_release(&shown);
}

/* A piece is where its bytes are, or the place is that of the whole. */
static void check_piece(struct span at, struct text text, size_t begin,
			size_t end)
{
	struct span piece = span_within(at, text, begin, end);

	check_span(piece);
	assert(piece.source == at.source);
	if (piece.begin == at.begin && piece.end == at.end)
		return;
	assert(piece.begin >= at.begin && piece.end <= at.end);
	assert(piece.end - piece.begin == end - begin);
	assert(memcmp(at.source->bytes.ptr + piece.begin, text.ptr + begin,
		      end - begin) == 0);
}

static void check_places(const struct doc *doc)
{
	enum { PIECES = 32 };
	struct text text = doc->text;
	size_t begin = 0;

	if (doc->kind != DOC_SCALAR)
		return;
	for (size_t i = 0; i < PIECES && begin < text.len; i++) {
		const char *feed =
			memchr(text.ptr + begin, '\n', text.len - begin);
		size_t end = feed ? (size_t)(feed - text.ptr) : text.len;

		check_piece(doc->at, text, begin + (end - begin) / 2, end);
		begin = end + 1;
	}
}

/* ---------------------------------------------------------- rendering -- */

static const struct template *parse(struct trial *t, struct text name,
				    struct text bytes)
{
	struct diags ds = { .arena = &t->arena };
	const struct source *source =
		source_new(&t->arena, arena_copy(&t->arena, name.ptr, name.len),
			   bytes.ptr, bytes.len);
	const struct template *tmpl = template_parse(
		&t->arena, source->bytes,
		(struct span){ source, 0, (uint32_t)source->bytes.len }, &ds);

	assert(!tmpl == (ds.errors > 0));
	check_diags(&ds);
	return tmpl;
}

static const struct template *find_partial(void *ctx, struct text name,
					   struct span at)
{
	struct trial *t = ctx;
	struct input_file *file = input_find(&t->in, name);

	check_span(at);
	return file ? file->made : NULL;
}

struct strict {
	struct trial *trial;
	struct diags *ds;
};

static const struct template *find_partial_strict(void *ctx, struct text name,
						  struct span at)
{
	struct strict *s = ctx;
	const struct template *tmpl = find_partial(s->trial, name, at);

	if (!tmpl)
		diag_at(s->ds, DIAG_E603, at, "no such partial");
	return tmpl;
}

static bool render(struct trial *t, const struct template *tmpl, bool lenient,
		   struct sbuf *out)
{
	struct diags ds = { .arena = &t->arena };
	struct strict strict = { t, &ds };
	struct template_env env = {
		.contexts = &t->data,
		.context_count = 1,
		.partial = lenient ? find_partial : find_partial_strict,
		.ctx = lenient ? (void *)t : &strict,
		.lenient = lenient,
		.use_text = "for the fuzzer",
	};
	bool good = template_render(tmpl, &env, &ds, out);

	assert(good == (ds.errors == 0));
	check_diags(&ds);
	return good;
}

static bool same(const struct sbuf *a, const struct sbuf *b)
{
	return a->len == b->len &&
	       memcmp(sbuf_text(a), sbuf_text(b), a->len) == 0;
}

/* "Prepended to each line of the partial before rendering." */
static void indent_lines(struct text text, struct sbuf *out)
{
	for (size_t i = 0; i < text.len; i++) {
		if (i == 0 || text.ptr[i - 1] == '\n')
			sbuf_puts(out, " \t");
		sbuf_putc(out, text.ptr[i]);
	}
}

/* The first file, as an indented partial and as an indented template. */
static void check_indent(struct trial *t)
{
	struct input_file *first = t->in.files.at;
	const struct template *outer =
		parse(t, TEXT("outer"), TEXT(" \t{{>template}}"));
	struct sbuf lines = { 0 }, wanted = { 0 }, got = { 0 };
	const struct template *indented;

	indent_lines(first->bytes, &lines);
	indented = parse(t, TEXT("indented"),
			 (struct text){ sbuf_text(&lines), lines.len });
	assert(indented);
	if (render(t, indented, true, &wanted) && render(t, outer, true, &got))
		assert(same(&wanted, &got));
	sbuf_release(&lines);
	sbuf_release(&wanted);
	sbuf_release(&got);
}

static void check_render(struct trial *t)
{
	struct input_file *first = t->in.files.at;
	const struct template *tmpl = first->made;
	struct sbuf lenient = { 0 }, strict = { 0 };

	if (render(t, tmpl, true, &lenient)) {
		if (render(t, tmpl, false, &strict))
			assert(same(&lenient, &strict));
		if (template_is_literal(tmpl))
			assert(lenient.len == first->bytes.len &&
			       memcmp(sbuf_text(&lenient), first->bytes.ptr,
				      lenient.len) == 0);
		check_indent(t);
	}
	sbuf_release(&lenient);
	sbuf_release(&strict);
}

/* -------------------------------------------------------------- input -- */

static const struct doc *load_data(struct trial *t)
{
	static const char standard[] = "{a: x, f: false, n: null, l: [1, 2], "
				       "m: {a: y, l: [z]}}";
	struct input_file *file = input_find(&t->in, TEXT("data"));
	struct text bytes = file ? file->bytes : TEXT(standard);
	struct diags ds = { .arena = &t->arena };
	const struct doc *doc =
		load(&t->arena,
		     source_new(&t->arena, "data", bytes.ptr, bytes.len), &ds);

	return doc && doc->kind == DOC_MAP ? doc : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct trial t = { 0 };

	/* Texts have no NULs: whoever reads them refuses those. */
	if (memchr(bytes, '\0', len))
		return 0;
	input_split(&t.arena, &t.in, TEXT("template"),
		    (struct text){ (const char *)bytes, len });
	vec_foreach (struct input_file, file, &t.in.files)
		file->made = parse(&t, file->path, file->bytes);
	t.data = load_data(&t);
	for (size_t i = 0; t.data && i < t.data->count; i++)
		check_places(t.data->pairs[i].value);
	if (t.data && t.in.files.at->made)
		check_render(&t);
	arena_release(&t.arena);
	return 0;
}
