/**
 * @file
 * Answers to DNS queries.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "dns.h"

#include <arpa/inet.h>
#include <string.h>

#define HEADER "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
#define NAME              \
	"\x04"            \
	"boot\x03lab\x07" \
	"example\x00"
#define A    "\x00\x01\x00\x01"
#define AAAA "\x00\x1c\x00\x01"

static const struct dns_name names[] = { { "boot.lab.example", { 0 } } };

static struct dns_zone zone_of(struct dns_name *name, bool complete)
{
	*name = names[0];
	inet_pton(AF_INET, "10.0.2.3", &name->address);
	return (struct dns_zone){ name, 1, complete };
}

struct row {
	const char *query;
	size_t query_len;
	const char *answer; /* NULL: none */
	size_t answer_len;
	bool complete;
};

#define BYTES(literal) (literal), sizeof(literal) - 1
#define SAYS(flags, answers) \
	"\x12\x34" flags "\x00\x01\x00" answers "\x00\x00\x00\x00"

static void test_answers(void **state)
{
	static const struct row rows[] = {
		{ BYTES(HEADER NAME A),
		  BYTES(SAYS("\x85\x80", "\x01") NAME A
			"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04"
			"\x0a\x00\x02\x03"),
		  false },
		{ BYTES(HEADER "\x04"
			       "BOOT\x03lab\x07"
			       "EXAMPLE\x00" A),
		  BYTES(SAYS(
			  "\x85\x80",
			  "\x01") "\x04"
				  "BOOT\x03lab\x07"
				  "EXAMPLE\x00" A
				  "\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04"
				  "\x0a\x00\x02\x03"),
		  true },
		{ BYTES(HEADER NAME AAAA),
		  BYTES(SAYS("\x85\x80", "\x00") NAME AAAA), false },
		{ BYTES(HEADER "\x05"
			       "other\x00" A),
		  NULL, 0, false },
		{ BYTES(HEADER "\x05"
			       "other\x00" A),
		  BYTES(SAYS("\x85\x83", "\x00") "\x05"
						 "other\x00" A),
		  true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		unsigned char answer[DNS_BYTES_MAX];
		struct dns_name name;
		struct dns_zone zone = zone_of(&name, rows[i].complete);
		size_t len =
			dns_answer(&zone, (const unsigned char *)rows[i].query,
				   rows[i].query_len, answer);

		assert_int_equal(len, rows[i].answer_len);
		if (len)
			assert_memory_equal(answer, rows[i].answer, len);
	}
}

static void test_nonsense_has_no_answer(void **state)
{
	static const char good[] = HEADER NAME A;
	static const struct {
		const char *bytes;
		size_t len;
	} rows[] = {
		{ BYTES("") },
		{ BYTES(HEADER) },
		{ BYTES(HEADER NAME) },
		{ BYTES(HEADER "\xc0\x0c" A) },
		{ BYTES("\x12\x34\x81\x00\x00\x01\x00\x00\x00\x00\x00\x00" NAME
				A) },
		{ BYTES("\x12\x34\x01\x00\x00\x02\x00\x00\x00\x00\x00\x00" NAME
				A NAME A) },
	};
	unsigned char answer[DNS_BYTES_MAX];
	struct dns_name name;
	struct dns_zone zone = zone_of(&name, true);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(
			dns_answer(&zone, (const unsigned char *)rows[i].bytes,
				   rows[i].len, answer),
			0);
	for (size_t len = 0; len < sizeof(good) - 1; len++)
		assert_int_equal(dns_answer(&zone, (const unsigned char *)good,
					    len, answer),
				 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_nonsense_has_no_answer),
	};

	return cmocka_run_group_tests_name("dns", tests, NULL, NULL);
}
