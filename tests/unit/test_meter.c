/* What a terminal shows of how far something has come. */
#include "meter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void test_lines(void **state)
{
	static const struct {
		struct meter_state at;
		size_t columns;
		const char *line;
	} rows[] = {
		{ { "signing", 0, 100000, 500 },
		  60,
		  "signing 0 of 100,000 [                                 ] 0%" },
		{ { "signing", 50000, 100000, 500 },
		  50,
		  "signing 50,000 of 100,000 [########         ] 50%" },
		{ { "signing", 25000, 100000, 5000 },
		  72,
		  "signing 25,000 of 100,000 [#####                ] 25% "
		  "5,000/s 15 s left" },
		{ { "signing", 30, 1000, 60000 },
		  60,
		  "signing 30 of 1,000 [               ] 3% 30/min 33 min left" },
		{ { "signing", 1, 1000, 60000 },
		  40,
		  "signing 1 of 1,000 0% 1/min 16 h 39 min" },
		{ { "x", 7, 7, 2000 }, 10, "x 7 of 7 " },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char line[256];

		meter_line(&rows[i].at, rows[i].columns, line, sizeof(line));
		assert_string_equal(line, rows[i].line);
	}
}

/* However wide the terminal and whatever the numbers, it fits. */
static void test_never_wider(void **state)
{
	char line[241];

	(void)state;
	for (size_t columns = 1; columns <= 240; columns++)
		for (size_t total = 1; total < (size_t)1e12; total *= 10) {
			const struct meter_state at = { "verifying signatures",
							total / 3, total,
							(int64_t)columns *
								999 };

			meter_line(&at, columns, line, sizeof(line));
			assert_true(strlen(line) < columns);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_never_wider),
	};

	return cmocka_run_group_tests_name("meter", tests, NULL, NULL);
}
