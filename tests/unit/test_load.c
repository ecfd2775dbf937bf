/* Files as text in, trees as text out: {key: value}, [item, ...], plain
 * scalars as they are, others in quotes, null for nothing. A fault shows as
 * its code and place. */
#include "arena.h"
#include "diag.h"
#include "ir.h"
#include "load.h"
#include "sbuf.h"
#include "source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* TEXT() for tables. */
#define BYTES(literal)                         \
	{                                      \
		(literal), sizeof(literal) - 1 \
	}
#define COUNT(table) (sizeof(table) / sizeof(*(table)))

static void put_doc(struct sbuf *out, const struct doc *doc)
{
	switch (doc->kind) {
	case DOC_NULL:
		sbuf_puts(out, "null");
		break;
	case DOC_SCALAR:
		assert_int_equal(strlen(doc->text.ptr), doc->text.len);
		sbuf_printf(out, doc->plain ? "%s" : "\"%s\"", doc->text.ptr);
		break;
	case DOC_LIST:
		sbuf_putc(out, '[');
		for (size_t i = 0; i < doc->count; i++) {
			sbuf_puts(out, i ? ", " : "");
			put_doc(out, doc->items[i]);
		}
		sbuf_putc(out, ']');
		break;
	case DOC_MAP:
		sbuf_putc(out, '{');
		for (size_t i = 0; i < doc->count; i++) {
			sbuf_printf(out, "%s%s: ", i ? ", " : "",
				    doc->pairs[i].key.ptr);
			put_doc(out, doc->pairs[i].value);
		}
		sbuf_putc(out, '}');
		break;
	case DOC_FACT:
		fail_msg("a fact of the machine, in a file");
		break;
	}
}

static void put_diags(struct sbuf *out, struct diags *ds)
{
	diags_sort(ds);
	for (const struct diag *d = ds->first; d; d = d->next) {
		struct place place = source_place(d->at.source, d->at.begin);

		sbuf_printf(out, "%s%s %zu:%zu", out->len ? ", " : "",
			    diag_name(d->code), place.line, place.column);
	}
}

/* The tree or the faults; with @p want, whether they are as wanted. */
static void check_load(const char *name, struct text file, const char *want)
{
	struct arena arena = { 0 };
	struct diags ds = { .arena = &arena };
	const struct source *source =
		source_new(&arena, "t.yaml", file.ptr, file.len);
	const struct doc *doc = load(&arena, source, &ds);
	struct sbuf got = { 0 };

	if (doc)
		put_doc(&got, doc);
	put_diags(&got, &ds);
	if (strcmp(sbuf_text(&got), want) != 0)
		fail_msg("%s: got %s, expected %s", name, sbuf_text(&got),
			 want);
	sbuf_release(&got);
	arena_release(&arena);
}

struct row {
	const char *file, *want;
};

static void check_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		check_load(rows[i].file, text_of(rows[i].file), rows[i].want);
}

static void yaml_is_read(void **state)
{
	static const struct row rows[] = {
		{ "a: 1", "{a: 1}" },
		{ "- a\n- 'b'\n- \"c\"\n", "[a, \"b\", \"c\"]" },
		{ "text", "text" },
		{ "--- text\n...\n# end\n", "text" },
		{ "---\na: 1\n...\n...\n", "{a: 1}" },
		{ "a:\nb: ~\nc: null\nd: 'null'\ne: ''\n",
		  "{a: null, b: null, c: null, d: \"null\", e: \"\"}" },
		{ "a: |\n  x\n   y\n\nb: >-\n  x\n  y\n",
		  "{a: \"x\n y\n\", b: \"x y\"}" },
		{ "mac: 52:54:00:00:00:01", "{mac: 52:54:00:00:00:01}" },
		{ "url: https://a.example/#x", "{url: https://a.example/#x}" },
		{ "a: x # remark", "{a: x}" },
		{ "'a b': 1\n\"c\": 2\n3: 4\n? d\n: 5\n",
		  "{a b: 1, c: 2, 3: 4, d: 5}" },
		{ "a: {b: [], c: {}}", "{a: {b: [], c: {}}}" },
		{ "a: {b, c: 1}", "{a: {b: null, c: 1}}" },
		{ "null: 1\ntrue: 2", "{null: 1, true: 2}" },
		{ "'<<': 1", "{<<: 1}" },
		{ "a: x\n  y\n", "{a: x y}" },
		{ "%x: 1", "E121 1:1" },
		{ " %x: 1", "E116 1:2" },
		{ "a:\r\n  - b\r\n  - c\r\n", "{a: [b, c]}" },
		{ "\xef\xbb\xbf"
		  "a: 1",
		  "{a: 1}" },
		{ "\xef\xbb\xbf# é\na: é😀", "{a: é😀}" },
		{ "x: {a: 1}\ny: {a: 1, b: {a: 1}}",
		  "{x: {a: 1}, y: {a: 1, b: {a: 1}}}" },
	};

	(void)state;
	check_rows(rows, COUNT(rows));
}

static void json_is_read(void **state)
{
	static const struct row rows[] = {
		{ "{\"a\":1,\"b\":[true,null],\"c\":-1.5e3}",
		  "{a: 1, b: [true, null], c: -1.5e3}" },
		{ "{\n\t\"a\":\t\"x\",\n\t\"b\": [\n\t\t1\n\t]\n}\n",
		  "{a: \"x\", b: [1]}" },
		{ "\"\\/\\\"\\\\\\b\\f\\n\\r\\t\\u00e9\"",
		  "\"/\"\\\b\f\n\r\t\xc3\xa9\"" },
		{ "[\"\\ud83d\\ude00\"]", "[\"😀\"]" },
		{ "{\"a\\uD83D\\uDE00b\":\"\\udbff\\udfff\"}",
		  "{a😀b: \"\xf4\x8f\xbf\xbf\"}" },
		{ "[\"\\\\ud83d\\\\ude00\"]", "[\"\\ud83d\\ude00\"]" },
		{ "[\"\\ud83d\\ude00 x\", \"\\ud83d\\ude00\" y]", "E110 1:35" },
		{ "[\"\\ud83d\"]", "E117 1:3" },
		{ "[\"\\ude00\\ud83d\"]", "E117 1:3" },
		{ "[\"\\ud83d\\ud83d\\ude00\"]", "E117 1:3" },
		{ "{\"a\":1,\"a\":2}", "E125 1:8" },
		/* No JSON: in single quotes it is no escape. */
		{ "- '\\ud83d\\ude00'", "[\"\\ud83d\\ude00\"]" },
		{ "- \"\\ud83d\\ude00\" # \"", "E117 1:4" },
		{ "- \"\\U0001f600\" # \"", "[\"😀\"]" },
	};

	(void)state;
	check_rows(rows, COUNT(rows));
}

static void aliases_are_followed(void **state)
{
	static const struct row rows[] = {
		{ "a: &x 1\nb: *x", "{a: 1, b: 1}" },
		{ "a: &x [1, &y 2]\nb: [*x, *y]",
		  "{a: [1, 2], b: [[1, 2], 2]}" },
		{ "a: &x\n  k: v\nb: *x", "{a: {k: v}, b: {k: v}}" },
		{ "&k a: 1\nb: *k", "{a: 1, b: a}" },
		{ "a: &x\nb: *x", "{a: null, b: null}" },
		{ "a: *x\nb: *x\nc: &x 1", "E126 1:4, E126 2:4" },
		{ "a: &x {k: *x}", "E127 1:11" },
		{ "*a : b", "E124 1:1" },
		{ "a: &x 1\nb: &x 2\nc: *x", "E128 2:4" },
		{ "a: *", "E116 1:4" },
		{ "a: &", "E116 1:4" },
		{ "a: *.pem", "E116 1:4" },
	};

	(void)state;
	check_rows(rows, COUNT(rows));
}

static void faults_have_their_place(void **state)
{
	static const struct row rows[] = {
		/* All of these are collected. */
		{ "a: 1\na: 2\nb: {x: 1, y: {x: 2}, x: 3}\na: 3\n",
		  "E125 2:1, E125 3:22, E125 4:1" },
		{ "a: !x 1\n<<: 1\n[b]: 2\n", "E122 1:4, E123 2:1, E124 3:1" },
		{ "é: é\r\nöö: {é: 1, é: 2}\r\n", "E125 2:12" },
		{ "\xef\xbb\xbf"
		  "a: 1\na: 2",
		  "E125 2:1" },
		{ "\xef\xbb\xbf"
		  "a: 1\né: @",
		  "E116 2:4" },
		/* Syntax. */
		{ "a: 1\n  b: 2\n", "E115 2:3" },
		{ "a: \"x\nb: \"y\"\n", "E110 2:5" },
		{ "a: [1, 2\nb: 3\n", "E113 1:4" },
		{ "a: {x: 1]\n", "E113 1:4" },
		{ "a: [x: [1, 2", "E113 1:8" },
		{ "a: [", "E113 1:4" },
		{ "a: [1 2, 'x' y]\n", "E110 1:14" },
		{ "a: b\n c\nd: e: f\n", "E116 3:5" },
		{ "a: 1\nb\nc: 2\n", "E114 2:1" },
		{ "- a\nb: c\n", "E115 2:1" },
		{ "a:\n  - b\n c: d\n", "E115 3:2" },
		{ "a: |\n  x\n \ty\n", "E111 3:2" },
		{ "a: |x\n", "E110 1:5" },
		{ "a: 'x\n---\n'\n", "E112 1:4" },
		{ "a: \"\\x4\"", "E117 1:5" },
		{ "a: \"\\é\"", "E117 1:5" },
		{ "a: \"\\", "E112 1:4" },
		{ "a: !<x y", "E122 1:4" },
		{ "a: !e!x y", "E122 1:4" },
		{ "a: 1\n...\nx", "E110 3:1" },
		{ "a: 1\n--- |\nx", "E120 2:1" },
		{ "'a': 1\n: 2", "E124 2:1" },
		{ "'': 1", "E124 1:1" },
		{ "a: {{x}}/{{y}}", "E116 1:4" },
		{ "a: { {x}: y }", "E124 1:6" },
		{ "]", "E110 1:1" },
		{ ":", "E124 1:1" },
		/* Nothing at all. */
		{ "", "E104 1:1" },
		{ "\n# x", "E104 1:1" },
		{ "\xef\xbb\xbf", "E104 1:1" },
		{ "---\n", "E104 2:1" },
		/* Characters. */
		{ "a: \x7f", "E103 1:4" },
		{ "a: \xc2\x85", "E103 1:4" },
		{ "a: \xef\xbb\xbf", "E103 1:4" },
		{ "a: \xef\xbf\xbf", "E103 1:4" },
		{ "a\r", "E103 1:2" },
		{ "a: \xc3", "E102 1:4" },
		{ "é: \xed\xa0\x80", "E102 1:4" },
		{ "a: \xc0\xaf", "E102 1:4" },
		{ "a: \xf4\x90\x80\x80", "E102 1:4" },
		{ "a: \"\\0\"", "E103 1:4" },
		{ "\"\\x00\": 1", "E103 1:1" },
	};

	(void)state;
	check_rows(rows, COUNT(rows));
}

static void other_encodings_are_named(void **state)
{
	static const struct {
		struct text file;
		const char *want;
	} rows[] = {
		{ BYTES("\xff\xfe"
			"a\0"),
		  "E102 1:1" },
		{ BYTES("\xfe\xff\0a"), "E102 1:1" },
		{ BYTES("\xff\xfe\0\0a\0\0\0"), "E102 1:1" },
		{ BYTES("\0\0\xfe\xff"), "E102 1:1" },
		{ BYTES("a\0b\0c\0"), "E102 1:1" },
		{ BYTES("\0a\0b"), "E102 1:1" },
		{ BYTES("a: b\n\0\n"), "E101 2:1" },
		{ BYTES("\x7f"
			"ELF\2\1\1\0"),
		  "E101 1:8" },
		{ BYTES("\0"), "E101 1:1" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		check_load("encoding", rows[i].file, rows[i].want);
}

/* The text of a file that the place of its value covers. */
static void places_cover_the_value(void **state)
{
	static const struct row rows[] = {
		{ "a: 'x y' # z", "'x y'" },
		{ "a: \"é\"", "\"é\"" },
		{ "é: öö é # z", "öö é" },
		{ "a: &b  'x'", "'x'" },
		{ "a: &b # remark\n  x\n", "x" },
		{ "a: |\n  x\n  y\n\n\nb: 1\n", "|\n  x\n  y" },
		{ "a: >-\r\n x\r\n\r\n", ">-\r\n x" },
		{ "a: [1]", "[" },
		{ "a: {b: 1}", "{" },
		{ "a: x\n  y\nb: 1", "x\n  y" },
		{ "a:", "" },
		{ "{\"a\": \"\\ud83d\\ude00\\\"\", \"b\": 1}",
		  "\"\\ud83d\\ude00\\\"\"" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct arena arena = { 0 };
		struct diags ds = { .arena = &arena };
		const struct source *source = source_new(
			&arena, "t", rows[i].file, strlen(rows[i].file));
		const struct doc *doc = load(&arena, source, &ds);
		struct span at;
		char *got;

		assert_non_null(doc);
		at = doc->pairs[0].value->at;
		got = arena_copy(&arena, source->bytes.ptr + at.begin,
				 at.end - at.begin);
		assert_string_equal(got, rows[i].want);
		arena_release(&arena);
	}
}

static void repeat(struct sbuf *out, const char *text, size_t times)
{
	while (times--)
		sbuf_puts(out, text);
}

static void check_made(struct sbuf *file, const char *want)
{
	check_load("made", (struct text){ sbuf_text(file), file->len }, want);
	sbuf_release(file);
}

static void depth_is_bounded(void **state)
{
	static const struct row rows[] = {
		{ "[", "E130 1:65" },        { "- ", "E130 1:129" },
		{ "{\"a\":", "E130 1:321" }, { "{a: [", "E130 1:161" },
		{ "? ", "E124 1:3" },
	};
	struct sbuf file = { 0 };

	(void)state;
	for (size_t i = 0; i + 1 < COUNT(rows); i++) {
		repeat(&file, rows[i].file, 100000);
		check_made(&file, rows[i].want);
	}
	repeat(&file, "[", LOAD_DEPTH_MAX);
	sbuf_putc(&file, 'x');
	repeat(&file, "]", LOAD_DEPTH_MAX);
	assert_int_equal(file.len, 2 * LOAD_DEPTH_MAX + 1);
	{
		struct sbuf want = { 0 };

		sbuf_add(&want, file.ptr, file.len);
		check_made(&file, sbuf_text(&want));
		sbuf_release(&want);
	}
}

static void aliases_are_bounded(void **state)
{
	struct sbuf file = { 0 };

	(void)state;
	sbuf_puts(&file, "l0: &l0 x\n");
	for (int i = 1; i < 40; i++)
		sbuf_printf(&file, "l%d: &l%d [*l%d, *l%d]\n", i, i, i - 1,
			    i - 1);
	check_made(&file, "E129 21:18");

	/* Deep by aliases only: each level names the one before. */
	sbuf_puts(&file, "- &l0 [x]\n");
	for (int i = 1; i < 100; i++)
		sbuf_printf(&file, "- &l%d [*l%d]\n", i, i - 1);
	check_made(&file, "E130 64:9");

	/* One long text, many times. */
	sbuf_puts(&file, "- &x \"");
	repeat(&file, "0123456789abcdef", 65536);
	sbuf_puts(&file, "\"\n");
	repeat(&file, "- *x\n", 1000);
	check_made(&file, "E129 257:3");
}

static void big_files_are_read(void **state)
{
	struct sbuf file = { 0 };
	struct arena arena = { 0 };
	struct diags ds = { .arena = &arena };
	const struct source *source;
	const struct doc *doc;

	(void)state;
	for (int i = 0; i < 100000; i++)
		sbuf_printf(&file, "é%d: {mac: &a%d x, b: *a%d}\n", i, i, i);
	sbuf_puts(&file, "é77: 1\n");
	check_made(&file, "E125 100001:1");

	repeat(&file, "- \"\xf0\x9f\x98\x80 é\"\n", 100000);
	source = source_new(&arena, "t", file.ptr, file.len);
	doc = load(&arena, source, &ds);
	assert_non_null(doc);
	assert_int_equal(doc->count, 100000);
	assert_int_equal(doc->items[99999]->at.begin, file.len - 10);
	sbuf_release(&file);
	arena_release(&arena);
}

static void large_files_are_refused(void **state)
{
	struct sbuf file = { 0 };

	(void)state;
	sbuf_puts(&file, "a: 1\n");
	repeat(&file, "# 0123456789abcdef0123456789abcdef0123456789abc\n",
	       SOURCE_BYTES_MAX / 48 + 1);
	check_made(&file, "E105 1:1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(yaml_is_read),
		cmocka_unit_test(json_is_read),
		cmocka_unit_test(aliases_are_followed),
		cmocka_unit_test(faults_have_their_place),
		cmocka_unit_test(other_encodings_are_named),
		cmocka_unit_test(places_cover_the_value),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(aliases_are_bounded),
		cmocka_unit_test(big_files_are_read),
		cmocka_unit_test(large_files_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
