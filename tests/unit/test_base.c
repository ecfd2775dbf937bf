/* What everything else stands on: memory, text, arrays, quoting, diagnostics. */
#include "arena.h"
#include "diag.h"
#include "quote.h"
#include "sbuf.h"
#include "source.h"
#include "utf8.h"
#include "vec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof(*(table)))
/* TEXT() for tables. */
#define BYTES(literal)                         \
	{                                      \
		(literal), sizeof(literal) - 1 \
	}

static void arena_gives_zeroed_aligned_memory(void **state)
{
	struct arena arena = { 0 };

	(void)state;
	for (size_t bytes = 0; bytes < 3000; bytes++) {
		unsigned char *any = arena_alloc(&arena, bytes);
		double *number = arena_new(&arena, double);

		assert_int_equal((uintptr_t)any % _Alignof(max_align_t), 0);
		assert_int_equal((uintptr_t)number % _Alignof(double), 0);
		for (size_t i = 0; i < bytes; i++)
			assert_int_equal(any[i], 0);
		memset(any, 0xff, bytes);
	}
	arena_release(&arena);
	assert_int_equal(arena.total_bytes, 0);
	assert_string_equal(arena_copy(&arena, "again", 5), "again");
	arena_release(&arena);
}

static void arena_holds_large_pieces(void **state)
{
	struct arena arena = { 0 };
	char *small = arena_copy(&arena, "small", 5), *large;

	(void)state;
	large = arena_alloc(&arena, 10 << 20);
	memset(large, 'x', 10 << 20);
	/* The block in use goes on being used. */
	assert_true((char *)arena_alloc_aligned(&arena, 1, 1) - small < 64);
	assert_string_equal(small, "small");
	arena_release(&arena);
}

static void arena_prints_any_length(void **state)
{
	struct arena arena = { 0 };

	(void)state;
	for (int width = 0; width < 600; width++) {
		const char *text = arena_printf(&arena, "%*d|", width, 7);

		assert_int_equal(strlen(text), (width ? width : 1) + 1);
		assert_int_equal(text[strlen(text) - 1], '|');
	}
	arena_release(&arena);
}

static void sbuf_grows(void **state)
{
	struct sbuf sb = { 0 };

	(void)state;
	assert_string_equal(sbuf_text(&sb), "");
	sbuf_add(&sb, NULL, 0);
	assert_string_equal(sbuf_text(&sb), "");
	for (int i = 0; i < 1000; i++) {
		sbuf_printf(&sb, "%d,", i);
		assert_int_equal(sb.ptr[sb.len], '\0');
	}
	assert_int_equal(sb.len, 10 * 2 + 90 * 3 + 900 * 4);
	assert_memory_equal(sb.ptr, "0,1,2,", 6);
	assert_string_equal(sb.ptr + sb.len - 8, "998,999,");
	sbuf_reset(&sb);
	assert_string_equal(sbuf_text(&sb), "");
	sbuf_add(&sb, "a\0b", 3);
	sbuf_putc(&sb, 'c');
	assert_int_equal(sb.len, 4);
	assert_memory_equal(sb.ptr, "a\0bc", 5);
	sbuf_release(&sb);
	assert_null(sb.ptr);
	sbuf_release(&sb);
}

static void vec_grows(void **state)
{
	struct arena arena = { 0 };
	VEC(int) numbers = { 0 };
	int seen = 0;

	(void)state;
	vec_foreach (int, n, &numbers)
		fail_msg("%d of an empty one", *n);
	for (int i = 0; i < 1000; i++) {
		int *pushed = vec_push(&arena, &numbers);

		assert_int_equal(*pushed, 0);
		*pushed = i;
	}
	vec_foreach (int, n, &numbers)
		assert_int_equal(*n, seen++);
	assert_int_equal(seen, 1000);
	arena_release(&arena);
}

static void texts_compare_bytewise(void **state)
{
	(void)state;
	assert_true(text_is(TEXT("ab"), "ab"));
	assert_false(text_is(TEXT("ab"), "abc"));
	assert_false(text_is(TEXT("ab\0c"), "ab"));
	assert_true(text_equal((struct text){ NULL, 0 }, TEXT("")));
	assert_true(text_compare(TEXT("a"), TEXT("ab")) < 0);
	assert_true(text_compare(TEXT("b"), TEXT("ab")) > 0);
	assert_true(text_compare(TEXT("Z"), TEXT("\xc3\xa9")) < 0);
	assert_int_equal(text_compare(TEXT("x"), TEXT("x")), 0);
}

static void utf8_is_strict(void **state)
{
	static const struct {
		struct text text;
		size_t len;
	} rows[] = {
		{ BYTES("a"), 1 },
		{ BYTES("\x7f"), 1 },
		{ BYTES("\xc2\x80"), 2 },
		{ BYTES("\xdf\xbf"), 2 },
		{ BYTES("\xe0\xa0\x80"), 3 },
		{ BYTES("\xed\x9f\xbf"), 3 },
		{ BYTES("\xee\x80\x80"), 3 },
		{ BYTES("\xf0\x90\x80\x80"), 4 },
		{ BYTES("\xf4\x8f\xbf\xbf"), 4 },
		{ BYTES("\x80"), 0 }, /* no beginning */
		{ BYTES("\xc3"), 0 }, /* cut off */
		{ BYTES("\xe2\x82"), 0 },
		{ BYTES("\xc3x"), 0 },
		{ BYTES("\xc0\xaf"), 0 }, /* overlong */
		{ BYTES("\xc1\xbf"), 0 },
		{ BYTES("\xe0\x9f\xbf"), 0 },
		{ BYTES("\xf0\x8f\xbf\xbf"), 0 },
		{ BYTES("\xed\xa0\x80"), 0 },     /* surrogate */
		{ BYTES("\xf4\x90\x80\x80"), 0 }, /* beyond the end */
		{ BYTES("\xf5\x80\x80\x80"), 0 },
		{ BYTES("\xff"), 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (utf8_sequence(rows[i].text.ptr, rows[i].text.len) !=
		    rows[i].len)
			fail_msg("row %zu", i);
}

struct quote_row {
	struct text text;
	const char *want;
};

static void check_quoting(void (*quote)(struct sbuf *, struct text),
			  const struct quote_row *rows, size_t count)
{
	struct sbuf got = { 0 };

	for (size_t i = 0; i < count; i++) {
		sbuf_reset(&got);
		quote(&got, rows[i].text);
		assert_string_equal(sbuf_text(&got), rows[i].want);
	}
	sbuf_release(&got);
}

static void json_is_quoted(void **state)
{
	static const struct quote_row rows[] = {
		{ BYTES(""), "\"\"" },
		{ BYTES("a \"b\" \\ c"), "\"a \\\"b\\\" \\\\ c\"" },
		{ BYTES("\n\0\x1f\x7f"), "\"\\u000a\\u0000\\u001f\\u007f\"" },
		{ BYTES("\xc2\x85 \xc2\x9b \xc2\xa0"),
		  "\"\\u0085 \\u009b \xc2\xa0\"" },
		{ BYTES("\xc3\xa9 \xf0\x9f\x98\x80"),
		  "\"\xc3\xa9 \xf0\x9f\x98\x80\"" },
		{ BYTES("\xe9 \xed\xa0\x80"),
		  "\"\\ufffd \\ufffd\\ufffd\\ufffd\"" },
	};

	(void)state;
	check_quoting(quote_json, rows, COUNT(rows));
}

static void ipxe_prose_has_no_syntax(void **state)
{
	static const struct quote_row rows[] = {
		{ BYTES("site.yaml"), "site.yaml" },
		{ BYTES("a ${b} || c && d; # e\\"), "a ?{b} ?? c ?? d? ? e?" },
		{ BYTES("a\nb\0c\xc3\xa9"), "a?b?c??" },
	};

	(void)state;
	check_quoting(quote_ipxe_prose, rows, COUNT(rows));
}

static void uristring_is_that_of_ipxe(void **state)
{
	static const struct quote_row rows[] = {
		{ BYTES("7QX8K12"), "7QX8K12" },
		{ BYTES("To be filled"), "To%20be%20filled" },
		{ BYTES("a%/#:@?=&b"), "a%25%2F%23%3A%40%3F%3D%26b" },
		{ BYTES("-_.~!$'()*+,;"), "-_.~!$'()*+,;" },
		{ BYTES("\t\xc3\xa9\x7f"), "%09%C3%A9%7F" },
	};

	(void)state;
	check_quoting(quote_uristring, rows, COUNT(rows));
}

static void ipxe_tokens_are_refused(void **state)
{
	static const struct {
		const char *token;
		bool good;
	} rows[] = {
		{ "a", true },        { "auto=true", true },
		{ "a#b", true },      { "a&&b", true },
		{ "a||", true },      { ";;", true },
		{ "$x", true },       { "{x}", true },
		{ "a\\b", true },     { "\xc3\xa9", true },
		{ "", false },        { "a b", false },
		{ "a\tb", false },    { "a\nb", false },
		{ "a\r", false },     { "\x01", false },
		{ "\x7f", false },    { "${x}", false },
		{ "a${", false },     { "#a", false },
		{ "#", false },       { "&&", false },
		{ "||", false },      { ";", false },
		{ "a\\", false },     { "a\xc2\x9b", false },
		{ "\xc2\xa0", true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (!quote_ipxe_refusal(text_of(rows[i].token)) != rows[i].good)
			fail_msg("\"%s\"", rows[i].token);
}

/* ------------------------------------------------------------- diags -- */

/* What every machine has wrong must not push out the rest. */
static void fault_met_again_is_stored_once(void **state)
{
	struct arena arena = { 0 };
	struct diags ds = { .arena = &arena };
	const struct source *source = source_new(&arena, "site", "ab", 2);
	struct span first = { source, 0, 1 }, second = { source, 1, 2 };
	size_t stored = 0;

	(void)state;
	for (size_t i = 0; i < 100000; i++) {
		diag_at(&ds, DIAG_E504, second, "same words");
		diag_at(&ds, DIAG_W801, second, "same words");
	}
	assert_int_equal(ds.errors, 100000);
	diag_at(&ds, DIAG_E504, second, "other words");
	diag_at(&ds, DIAG_E504, first, "same words");
	diags_sort(&ds);
	for (const struct diag *d = ds.first; d; d = d->next)
		stored++;
	assert_int_equal(stored, 4);
	assert_int_equal(ds.errors, 3);
	assert_int_equal(ds.warnings, 1);
	assert_int_equal(ds.first->at.begin, 0);
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arena_gives_zeroed_aligned_memory),
		cmocka_unit_test(arena_holds_large_pieces),
		cmocka_unit_test(arena_prints_any_length),
		cmocka_unit_test(sbuf_grows),
		cmocka_unit_test(vec_grows),
		cmocka_unit_test(texts_compare_bytewise),
		cmocka_unit_test(utf8_is_strict),
		cmocka_unit_test(json_is_quoted),
		cmocka_unit_test(ipxe_prose_has_no_syntax),
		cmocka_unit_test(uristring_is_that_of_ipxe),
		cmocka_unit_test(ipxe_tokens_are_refused),
		cmocka_unit_test(fault_met_again_is_stored_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
