/* A program with verbs of its own goes through cli_main(); what its options
 * became is looked at by the verb itself, through these. */
#include "cli.h"
#include "help.h"
#include "report.h"
#include "sbuf.h"
#include "vec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

struct sample_options {
	bool flag, other;
	const char *text;
	struct words list;
	long number;
	int choice;
};

static const char *const choices[] = { "red", "green", NULL };

static const struct option_row rows[] = {
	{ .name = "flag",
	  .letter = 'f',
	  .help = "Flag.",
	  OPTION_FLAG(struct sample_options, flag) },
	{ .name = "other",
	  .letter = 'x',
	  .help = "Other.",
	  OPTION_FLAG(struct sample_options, other) },
	{ .name = "text",
	  .letter = 't',
	  .value = "FILE",
	  .help = "Text.",
	  .required = true,
	  OPTION_TEXT(struct sample_options, text) },
	{ .name = "list",
	  .letter = 'l',
	  .value = "NAME",
	  .help = "List.",
	  OPTION_LIST(struct sample_options, list) },
	{ .name = "number",
	  .letter = 'n',
	  .value = "N",
	  .help = "Number.",
	  .fallback = "7",
	  OPTION_NUMBER(struct sample_options, number, -2, 64) },
	{ .name = "choice",
	  .help = "Choice.",
	  .fallback = "green",
	  OPTION_CHOICE(struct sample_options, choice, choices) },
	{ 0 },
};

/* Options, list and operands as one line, from the last run. */
static char seen[256];

static enum status run_sample(struct call *call)
{
	const struct sample_options *o = call->options;
	struct sbuf out = { 0 };

	sbuf_printf(&out, "%d%d %s %ld %d", o->flag, o->other, o->text,
		    o->number, o->choice);
	vec_foreach (const char *, word, &o->list)
		sbuf_printf(&out, " +%s", *word);
	for (size_t i = 0; i < call->operand_count; i++)
		sbuf_printf(&out, " %s", call->operands[i]);
	snprintf(seen, sizeof(seen), "%s", sbuf_text(&out));
	sbuf_release(&out);
	return STATUS_OK;
}

static enum status run_plain(struct call *call)
{
	snprintf(seen, sizeof(seen), "%s", call->verb->name);
	return STATUS_INPUT;
}

static const struct verb sample = {
	.name = "sample",
	.operands = "ONE [TWO]",
	.summary = "Sample",
	.text = "First.\n\nSecond 'quoted' \\ paragraph.\n\n    as it\n    "
		"stands",
	.options = rows,
	.options_bytes = sizeof(struct sample_options),
	.run = run_sample,
	.examples =
		(const struct example[]){
			{ "test sample -t x one", "What it does." },
			{ "test sample --text=x one", NULL },
			{ 0 },
		},
};
static const struct verb many = {
	.name = "family many",
	.operands = "ONE MORE...",
	.summary = "Many",
	.run = run_plain,
};
static const struct verb none = {
	.name = "family none",
	.summary = "None",
	.run = run_plain,
};

static const struct verb *const verbs[] = { &sample, &many, &none, NULL };
static const struct program program = {
	.name = "test",
	.version = "1",
	.summary = "Test",
	.text = ".dot at the begin",
	.verbs = verbs,
};

/* Words of a command line; what it says goes nowhere. */
static int run(const char *line)
{
	char buffer[256], *argv[32] = { NULL }, *save = NULL;
	int argc = 0, status, out = dup(STDOUT_FILENO),
	    err = dup(STDERR_FILENO);

	seen[0] = '\0';
	snprintf(buffer, sizeof(buffer), "%s", line);
	argv[argc++] = buffer + strlen(buffer);
	for (char *word = strtok_r(buffer, " ", &save); word && argc < 31;
	     word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	fflush(stdout);
	assert_non_null(freopen("/dev/null", "w", stdout));
	assert_non_null(freopen("/dev/null", "w", stderr));
	status = cli_main(&program, argc, argv);
	fflush(stderr);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	close(out);
	close(err);
	return status;
}

static void test_lines(void **state)
{
	static const struct {
		const char *line;
		int status;
		const char *seen;
	} cases[] = {
		{ "sample --text=a one", 0, "00 a 7 1 one" },
		{ "sample one --text a", 0, "00 a 7 1 one" },
		{ "sample one two -ta", 0, "00 a 7 1 one two" },
		{ "sample -t a -- -f", 0, "00 a 7 1 -f" },
		{ "sample -t a -", 0, "00 a 7 1 -" },
		{ "sample -fx -t a one", 0, "11 a 7 1 one" },
		{ "sample -fxta one", 0, "11 a 7 1 one" },
		{ "sample -t a -t b one", 0, "00 b 7 1 one" },
		{ "sample --text=a=b one", 0, "00 a=b 7 1 one" },
		{ "sample -t a one -l x --list=y", 0, "00 a 7 1 +x +y one" },
		{ "sample -t a one -n 64", 0, "00 a 64 1 one" },
		{ "sample -t a one -n-2", 0, "00 a -2 1 one" },
		{ "sample -t a one --choice=red", 0, "00 a 7 0 one" },
		{ "--color=never sample -t a one", 0, "00 a 7 1 one" },
		{ "sample -t a one --help", 0, "" },
		{ "family none", 1, "family none" },
		{ "family many a b c d e", 1, "family many" },
		{ "family --help", 0, "" },
		{ "--version", 0, "" },
		{ "", 2, "" },
		{ "sample one", 2, "" },
		{ "sample -t a", 2, "" },
		{ "sample -t a one two three", 2, "" },
		{ "sample -t a one -n 65", 2, "" },
		{ "sample -t a one -n 99999999999999999999", 2, "" },
		{ "sample -t a one -n 1x", 2, "" },
		{ "sample -t a one -n", 2, "" },
		{ "sample -t a one --choice=blue", 2, "" },
		{ "sample -t a one --flag=1", 2, "" },
		{ "sample -t a one --text=", 2, "" },
		{ "sample -t a one -fZ", 2, "" },
		{ "sample -t a one --no-such", 2, "" },
		{ "no-such", 2, "" },
		{ "family", 2, "" },
		{ "family no-such", 2, "" },
		{ "family many one", 2, "" },
		{ "family none one", 2, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int status = run(cases[i].line);

		if (status != cases[i].status ||
		    strcmp(seen, cases[i].seen) != 0)
			fail_msg("%s: status %d, seen '%s'", cases[i].line,
				 status, seen);
	}
}

static void test_operand_range(void **state)
{
	static const struct {
		const char *operands;
		size_t min, max;
	} cases[] = {
		{ NULL, 0, 0 },
		{ "SITE", 1, 1 },
		{ "[CODE]", 0, 1 },
		{ "DIR FILE...", 2, SIZE_MAX },
		{ "DIR [FILE...]", 1, SIZE_MAX },
		{ "A B [C]", 2, 3 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct verb verb = { .operands = cases[i].operands };
		size_t min, max;

		cli_operand_range(&verb, &min, &max);
		assert_int_equal(min, cases[i].min);
		assert_int_equal(max, cases[i].max);
	}
}

/* Roff takes a dot or quote at the begin of a line for a request. */
static void test_man_has_no_stray_requests(void **state)
{
	struct sbuf out = { 0 };

	(void)state;
	help_man(&program, &out);
	assert_non_null(strstr(sbuf_text(&out), "\n\\&.dot at the begin\n"));
	assert_non_null(strstr(sbuf_text(&out), "\\(aqquoted\\(aq \\e para"));
	assert_non_null(
		strstr(sbuf_text(&out), ".nf\n    as it\n    stands\n"));
	sbuf_release(&out);
}

static void test_help_fits_a_terminal(void **state)
{
	struct sbuf out = { 0 };

	(void)state;
	help_program(&program, &out);
	help_verb(&program, &sample, &out);
	help_family(&program, "family", &out);
	for (const char *line = sbuf_text(&out); *line;
	     line += strcspn(line, "\n") + 1)
		assert_in_range(strcspn(line, "\n"), 0, 79);
	sbuf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_operand_range),
		cmocka_unit_test(test_man_has_no_stray_requests),
		cmocka_unit_test(test_help_fits_a_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
