/**
 * @file
 * PEM files of roots, taken apart. What is inside a certificate does not
 * matter here, so short DER stands for it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "arena.h"
#include "roots.h"

/* In two pieces: this file holds no key, and no text that looks like one. */
#define PRIVATE_KEY \
	"PRIVATE"   \
	" KEY"

/* SEQUENCE { INTEGER 1 }, SEQUENCE { INTEGER 2 } */
#define ONE "MAMCAQE="
#define TWO "MAMCAQI="
#define PEM(body) \
	"-----BEGIN CERTIFICATE-----\n" body "\n-----END CERTIFICATE-----\n"

static void split(struct arena *arena, const char *file, size_t good,
		  size_t count, struct root_certificates *ret_roots)
{
	struct text text = text_of(file);

	ret_roots->count = 0;
	assert_int_equal(roots_split(arena, &text, 1, ret_roots), good);
	if (good)
		assert_int_equal(ret_roots->count, count);
}

static void test_files(void **state)
{
	static const struct {
		const char *file;
		size_t good, count;
	} rows[] = {
		{ PEM(ONE), 1, 1 },
		{ PEM(ONE) PEM(TWO), 1, 2 },
		{ PEM(ONE) PEM(TWO) PEM(ONE), 1, 2 },
		{ "subject=CN = one\n" PEM(ONE) "\nissuer\n" PEM(TWO), 1, 2 },
		{ "-----BEGIN CERTIFICATE-----\r\nMAMC\r\nAQE=\r\n"
		  "-----END CERTIFICATE-----\r\n",
		  1, 1 },
		{ "-----BEGIN X509 CERTIFICATE-----\n" ONE
		  "\n-----END X509 CERTIFICATE-----",
		  1, 1 },
		/* More behind the certificate, as `openssl x509 -trustout`. */
		{ "-----BEGIN TRUSTED CERTIFICATE-----\nMAMCAQEwAA==\n"
		  "-----END TRUSTED CERTIFICATE-----\n",
		  1, 1 },
		{ "-----BEGIN " PRIVATE_KEY "-----\n" TWO
		  "\n-----END " PRIVATE_KEY "-----\n" PEM(ONE),
		  1, 1 },
		{ "", 0, 0 },
		{ "no certificate\n", 0, 0 },
		{ "-----BEGIN ", 0, 0 },
		{ "-----BEGIN CERTIFICATE", 0, 0 },
		{ "-----BEGIN CERTIFICATE-----\n" ONE, 0, 0 },
		{ "-----BEGIN " PRIVATE_KEY "-----\n" ONE
		  "\n-----END " PRIVATE_KEY "-----\n",
		  0, 0 },
		{ PEM(""), 0, 0 },
		{ PEM("MAMC*QE="), 0, 0 },
		{ PEM("MAMCAQ=E"), 0, 0 },
		{ PEM("MAQCAQE="), 0, 0 }, /* longer than there is */
		{ PEM("MIQCAQE="), 0, 0 },
		{ PEM("AgEB"), 0, 0 }, /* no SEQUENCE */
		{ PEM("MA=="), 0, 0 },
		{ PEM(ONE) PEM("AgEB"), 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct arena arena = { 0 };
		struct root_certificates roots = { 0 };

		split(&arena, rows[i].file, rows[i].good, rows[i].count,
		      &roots);
		arena_release(&arena);
	}
}

static void test_one_is_normal(void **state)
{
	struct arena arena = { 0 };
	struct root_certificates roots = { 0 };

	(void)state;
	split(&arena, "-----BEGIN X509 CERTIFICATE-----\nMA MC\nAQE=-----END ",
	      1, 1, &roots);
	assert_memory_equal(roots.at[0].der.ptr, "\x30\x03\x02\x01\x01", 5);
	assert_int_equal(roots.at[0].der.len, 5);
	assert_string_equal(roots.at[0].pem.ptr, PEM(ONE));
	assert_string_equal(roots.at[0].hex,
			    "1b65f68a522c858715f5dd951cd0402d"
			    "c16691778814bf0759822b7a257421d0");
	arena_release(&arena);
}

static void test_order_does_not_matter(void **state)
{
	struct arena arena = { 0 };
	struct root_certificates there = { 0 }, back = { 0 };
	struct text one_two[] = { text_of(PEM(ONE)), text_of(PEM(TWO)) };
	struct text two_one[] = { text_of(PEM(TWO)), text_of(PEM(ONE)) };

	(void)state;
	assert_int_equal(roots_split(&arena, one_two, 2, &there), 2);
	assert_int_equal(roots_split(&arena, two_one, 2, &back), 2);
	assert_int_equal(there.count, 2);
	for (size_t i = 0; i < 2; i++)
		assert_string_equal(there.at[i].hex, back.at[i].hex);
	arena_release(&arena);
}

static void test_bad_file_is_named(void **state)
{
	struct arena arena = { 0 };
	struct root_certificates roots = { 0 };
	struct text files[] = { text_of(PEM(ONE)), text_of("junk"),
				text_of(PEM(TWO)) };

	(void)state;
	assert_int_equal(roots_split(&arena, files, 3, &roots), 1);
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_one_is_normal),
		cmocka_unit_test(test_order_does_not_matter),
		cmocka_unit_test(test_bad_file_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
