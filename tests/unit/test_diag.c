/* Places, and how faults are shown. */
#include "arena.h"
#include "diag.h"
#include "source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

struct fixture {
	struct arena arena;
	struct diags ds;
	const struct source *source;
	struct sbuf shown;
};

static void open_text(struct fixture *f, const char *text)
{
	*f = (struct fixture){ 0 };
	f->ds.arena = &f->arena;
	f->source = source_new(&f->arena, "t.yaml", text, strlen(text));
}

static void close_text(struct fixture *f)
{
	sbuf_release(&f->shown);
	arena_release(&f->arena);
}

static struct span at(const struct fixture *f, size_t begin, size_t end)
{
	return (struct span){ f->source, (uint32_t)begin, (uint32_t)end };
}

static const char *show(struct fixture *f)
{
	sbuf_reset(&f->shown);
	diags_sort(&f->ds);
	diags_render(&f->ds, false, &f->shown);
	return sbuf_text(&f->shown);
}

static void places_count_characters(void **state)
{
	static const struct {
		const char *text;
		size_t offset, line, column;
	} rows[] = {
		{ "", 0, 1, 1 },
		{ "abc", 3, 1, 4 },
		{ "a\nb", 1, 1, 2 },
		{ "a\nb", 2, 2, 1 },
		{ "a\n", 2, 2, 1 },
		{ "a\r\nb", 3, 2, 1 },
		{ "\xc3\xa9x", 2, 1, 2 },
		{ "\xf0\x9f\x98\x80x\n\xc3\xa9y", 8, 2, 2 },
		{ "\xef\xbb\xbfx", 0, 1, 1 },
		{ "\xef\xbb\xbfx", 3, 1, 1 },
		{ "\xef\xbb\xbfx", 4, 1, 2 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct fixture f;
		struct place place;

		open_text(&f, rows[i].text);
		place = source_place(f.source, rows[i].offset);
		assert_int_equal(place.line, rows[i].line);
		assert_int_equal(place.column, rows[i].column);
		close_text(&f);
	}
}

/* The blocks that make long lines quick must not show. */
static void places_in_long_lines_are_exact(void **state)
{
	struct sbuf text = { 0 };
	struct fixture f;
	size_t column = 1;

	(void)state;
	sbuf_puts(&text, "first\n");
	for (int i = 0; i < 3000; i++)
		sbuf_puts(&text, i % 3 ? "\xe2\x82\xac" : "x");
	open_text(&f, sbuf_text(&text));
	for (size_t i = 6; i < text.len; i++) {
		if (((unsigned char)text.ptr[i] & 0xc0) == 0x80)
			continue;
		assert_int_equal(source_place(f.source, i).column, column++);
	}
	assert_int_equal(source_place(f.source, text.len).column, 3001);
	sbuf_release(&text);
	close_text(&f);
}

static void lines_come_without_their_end(void **state)
{
	struct fixture f;

	(void)state;
	open_text(&f, "\xef\xbb\xbf"
		      "a\r\n\nb");
	assert_int_equal(f.source->line_count, 3);
	assert_true(text_is(source_line(f.source, 1), "a"));
	assert_true(text_is(source_line(f.source, 2), ""));
	assert_true(text_is(source_line(f.source, 3), "b"));
	close_text(&f);
}

static void texts_are_found_in_their_scalar(void **state)
{
	struct fixture f;
	struct span found = { 0 };

	(void)state;
	open_text(&f, "a: \"b c\" 'd''e' f");
	assert_true(span_find_text(at(&f, 3, 8), TEXT("b c"), &found));
	assert_int_equal(found.begin, 4);
	assert_int_equal(found.end, 7);
	assert_true(span_find_text(at(&f, 16, 17), TEXT("f"), &found));
	assert_int_equal(found.begin, 16);
	assert_false(span_find_text(at(&f, 9, 15), TEXT("d'e"), &found));
	assert_false(span_find_text((struct span){ 0 }, TEXT("x"), &found));
	close_text(&f);
}

static void faults_are_shown_in_order(void **state)
{
	struct fixture f;
	struct diag *diag;

	(void)state;
	open_text(&f, "\xc3\xa9: 1\r\nb:\t2\n");
	diag_at(&f.ds, DIAG_E125, at(&f, 10, 11), "second %d", 2);
	diag = diag_at(&f.ds, DIAG_E110, at(&f, 0, 2), "first\nmore of it");
	diag_note_at(&f.ds, diag, at(&f, 7, 8), "the other %s", "place");
	diag_help(&f.ds, diag, "a way out");
	diag_at(&f.ds, DIAG_E100, (struct span){ 0 }, "no place");
	assert_string_equal(show(&f), "error: no place [E100]\n"
				      "t.yaml:1:1: error: first\n"
				      "        more of it [E110]\n"
				      "     1 | \xc3\xa9: 1\n"
				      "       | ^\n"
				      "t.yaml:2:1: note: the other place\n"
				      "     2 | b: 2\n"
				      "       | ^\n"
				      "help: a way out\n"
				      "t.yaml:2:4: error: second 2 [E125]\n"
				      "     2 | b: 2\n"
				      "       |    ^\n");
	assert_int_equal(f.ds.errors, 3);
	close_text(&f);
}

static void carets_cover_the_span(void **state)
{
	static const struct {
		size_t begin, end;
		const char *carets;
	} rows
		[] = {
			{ 0, 1, "^" },       { 0, 3, "^~~" },
			{ 2, 8, "  ^~~" },   { 3, 3, "   ^" },
			{ 8, 14, "     ^" }, /* it ends on another line */
		};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct fixture f;
		struct sbuf want = { 0 };

		open_text(&f, "ab\xc3\xa9\xe2\x82\xac"
			      "cd\nefgh\n");
		diag_at(&f.ds, DIAG_E110, at(&f, rows[i].begin, rows[i].end),
			"x");
		sbuf_printf(&want, "       | %s\n", rows[i].carets);
		if (!strstr(show(&f), sbuf_text(&want)))
			fail_msg("row %zu: %s", i, sbuf_text(&f.shown));
		sbuf_release(&want);
		close_text(&f);
	}
}

static void long_lines_are_cut(void **state)
{
	struct sbuf text = { 0 };
	struct fixture f;
	const char *shown, *caret;

	(void)state;
	for (int i = 0; i < 1000; i++)
		sbuf_puts(&text, "\xc3\xa9");
	sbuf_puts(&text, "X");
	for (int i = 0; i < 1000; i++)
		sbuf_puts(&text, "\xc3\xa9");
	open_text(&f, sbuf_text(&text));
	diag_at(&f.ds, DIAG_E110, at(&f, 2000, text.len), "x");
	shown = show(&f);
	assert_true(strlen(shown) < 500);
	assert_non_null(strstr(shown, "t.yaml:1:1001: error: x"));
	assert_non_null(strstr(shown, "| ...\xc3\xa9"));
	caret = strchr(shown, '^');
	assert_non_null(caret);
	/* 40 characters before it, and the three dots. */
	assert_int_equal(strspn(strrchr(shown, '|') + 2, " "), 43);
	sbuf_release(&text);
	close_text(&f);
}

static void terminals_are_spared(void **state)
{
	struct fixture f;
	const char *shown;

	(void)state;
	open_text(&f, "a\x1b[31m\x07 \xc2\x9b \xff\xfe z");
	diag_at(&f.ds, DIAG_E110, at(&f, 0, 1), "\x1b]0;x\x07");
	shown = show(&f);
	for (const char *s = shown; *s; s++)
		assert_true(*s == '\n' || (*s >= 0x20 && *s < 0x7f));
	assert_non_null(strstr(shown, "a?[31m? ? ?? z"));
	close_text(&f);
}

static void faults_beyond_counting_are_counted(void **state)
{
	struct fixture f;

	(void)state;
	open_text(&f, "a");
	for (int i = 0; i < 5000; i++)
		diag_at(&f.ds, DIAG_W801, at(&f, 0, 1), "warning %d", i);
	diag_at(&f.ds, DIAG_E110, at(&f, 0, 1), "the error");
	assert_non_null(strstr(show(&f), "the error"));
	assert_non_null(strstr(sbuf_text(&f.shown), "... and 4000 more"));
	assert_int_equal(f.ds.warnings, 5000);
	assert_int_equal(f.ds.errors, 1);
	close_text(&f);
}

static void json_has_the_same(void **state)
{
	struct fixture f;
	struct diag *diag;

	(void)state;
	open_text(&f, "a: \"\n");
	diag = diag_at(&f.ds, DIAG_E112, at(&f, 3, 4), "the \"%s\"\n", "\xff");
	diag_help(&f.ds, diag, "close it");
	diags_render_json(&f.ds, &f.shown);
	assert_string_equal(
		sbuf_text(&f.shown),
		"{\"errors\": 1, \"warnings\": 0, \"diagnostics\": [\n"
		"  {\"file\": \"t.yaml\", \"line\": 1, \"column\": 4, "
		"\"endLine\": 1, \"endColumn\": 5, \"severity\": \"error\", "
		"\"code\": \"E112\", \"message\": \"the \\\"\\ufffd\\\"\\u000a\""
		", \"notes\": [{\"message\": \"close it\"}]}\n"
		"]}\n");
	close_text(&f);
}

static void codes_have_names(void **state)
{
	enum diag_code code;

	(void)state;
	for (size_t i = 0; i < DIAG_CODES; i++) {
		const char *name = diag_name((enum diag_code)i);

		assert_true(diag_find(name, &code));
		assert_int_equal(code, i);
		assert_int_equal(diag_is_error(code), *name == 'E');
		assert_true(strlen(diag_title(code)) > 3);
		assert_true(strlen(diag_explanation(code)) > 40);
	}
	assert_true(diag_find("e125", &code));
	assert_int_equal(code, DIAG_E125);
	assert_false(diag_find("E999", &code));
	assert_false(diag_find("", &code));
}

static void nearest_is_near(void **state)
{
	static const char *const names[] = { "kernel", "initrd", "args",
					     "mac",    "uuid",   "profile" };
	static const struct {
		const char *typed, *nearest;
	} rows[] = {
		{ "kernle", "kernel" },
		{ "krenel", "kernel" },
		{ "initd", "initrd" },
		{ "inirtd", "initrd" },
		{ "arg", "args" },
		{ "mca", "mac" },
		{ "profiles", "profile" },
		{ "xyz", NULL },
		{ "", NULL },
		{ "m", NULL },
		{ "kernelkernelkernel", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *got = diag_nearest(text_of(rows[i].typed), names,
					       COUNT(names));

		if (!rows[i].nearest)
			assert_null(got);
		else
			assert_string_equal(got, rows[i].nearest);
	}
	assert_null(diag_nearest(TEXT("a"), NULL, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places_count_characters),
		cmocka_unit_test(places_in_long_lines_are_exact),
		cmocka_unit_test(lines_come_without_their_end),
		cmocka_unit_test(texts_are_found_in_their_scalar),
		cmocka_unit_test(faults_are_shown_in_order),
		cmocka_unit_test(carets_cover_the_span),
		cmocka_unit_test(long_lines_are_cut),
		cmocka_unit_test(terminals_are_spared),
		cmocka_unit_test(faults_beyond_counting_are_counted),
		cmocka_unit_test(json_has_the_same),
		cmocka_unit_test(codes_have_names),
		cmocka_unit_test(nearest_is_near),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
