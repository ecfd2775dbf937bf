/**
 * @file
 * Programs that are run: how they end, what they say, what they are given.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "place.h"
#include "run.h"
#include "sbuf.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARGV(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void keep_line(void *ctx, const char *line)
{
	sbuf_printf(ctx, "<%s>", line);
}

static struct run_end run_it(const char *const *argv, struct sbuf *lines)
{
	struct run program = { .argv = argv, .line = keep_line, .ctx = lines };
	struct run_end end = { .status = -1 };

	assert_int_equal(run(&program, &end), 0);
	return end;
}

static void test_arguments_arrive_as_they_are(void **state)
{
	struct sbuf lines = { 0 };
	struct run_end end = run_it(ARGV("printf", "%s\n", "a b", "$HOME",
					 "`id`", "x;y", "*", "", "--"),
				    &lines);

	(void)state;
	assert_true(run_end_is_good(&end));
	assert_string_equal(lines.ptr, "<a b><$HOME><`id`><x;y><*><><-->");
	sbuf_release(&lines);
}

static void test_ends(void **state)
{
	static const struct {
		const char *script, *said;
		int status, signal;
	} rows[] = {
		{ "exit 0", "exit status 0", 0, 0 },
		{ "exit 7", "exit status 7", 7, 0 },
		{ "kill -9 $$", "signal 9 (Killed)", 0, SIGKILL },
		{ "kill -15 $$", "signal 15 (Terminated)", 0, SIGTERM },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct run program = { .argv = ARGV("sh", "-c",
						    rows[i].script) };
		struct sbuf said = { 0 };
		struct run_end end;

		assert_int_equal(run(&program, &end), 0);
		assert_int_equal(end.status, rows[i].status);
		assert_int_equal(end.signal, rows[i].signal);
		assert_int_equal(run_end_is_good(&end), i == 0);
		run_end_say(&end, &program, &said);
		assert_string_equal(said.ptr, rows[i].said);
		sbuf_release(&said);
	}
}

static void test_no_such_program(void **state)
{
	struct run program = { .argv = ARGV("no-such-program-here") };
	struct run_end end;

	(void)state;
	assert_int_equal(run(&program, &end), -ENOENT);
	assert_false(run_has("no-such-program-here"));
	assert_true(run_has("sh"));
}

static void test_no_such_directory(void **state)
{
	struct run program = { .argv = ARGV("true"),
			       .directory = "/no/such/directory" };
	struct run_end end;

	(void)state;
	assert_int_equal(run(&program, &end), -ENOENT);
}

static void test_time_limit(void **state)
{
	/* The grandchild holds the pipe: it has to go as well. */
	struct run program = { .argv = ARGV("sh", "-c", "sleep 60 & wait"),
			       .timeout_s = 1 };
	struct run_end end;
	struct sbuf said = { 0 };

	(void)state;
	assert_int_equal(run(&program, &end), 0);
	assert_true(end.timed_out);
	assert_false(run_end_is_good(&end));
	run_end_say(&end, &program, &said);
	assert_string_equal(said.ptr, "stopped after 1 s");
	sbuf_release(&said);
}

static void test_lines(void **state)
{
	static const struct {
		const char *script, *lines;
	} rows[] = {
		{ "printf 'a\\nb\\n'", "<a><b>" },
		{ "printf 'no end'", "<no end>" },
		{ "printf '\\n\\n'", "<><>" },
		{ "printf 'x\\000y\\n'", "<x y>" },
		{ "echo out; echo err >&2", "<out><err>" },
		{ "cat", NULL }, /* there is no input to wait for */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct sbuf lines = { 0 };
		struct run_end end =
			run_it(ARGV("sh", "-c", rows[i].script), &lines);

		assert_true(run_end_is_good(&end));
		if (rows[i].lines)
			assert_string_equal(lines.ptr, rows[i].lines);
		else
			assert_int_equal(lines.len, 0);
		sbuf_release(&lines);
	}
}

static void test_long_line_comes_in_pieces(void **state)
{
	struct sbuf lines = { 0 };
	struct run_end end = run_it(
		ARGV("sh", "-c", "head -c 100000 /dev/zero | tr '\\0' x"),
		&lines);
	size_t letters = 0;

	(void)state;
	assert_true(run_end_is_good(&end));
	for (size_t i = 0; i < lines.len; i++)
		letters += lines.ptr[i] == 'x';
	assert_int_equal(letters, 100000);
	sbuf_release(&lines);
}

static void test_clean_environment(void **state)
{
	struct sbuf out = { 0 };

	(void)state;
	setenv("CROSS_COMPILE", "evil-", 1);
	setenv("MAKEFLAGS", "-n", 1);
	assert_int_equal(run_capture(ARGV("env"), &out), 0);
	assert_null(strstr(out.ptr, "CROSS_COMPILE"));
	assert_null(strstr(out.ptr, "MAKEFLAGS"));
	assert_non_null(strstr(out.ptr, "PATH="));
	assert_non_null(strstr(out.ptr, "LC_ALL=C\n"));
	sbuf_release(&out);
	unsetenv("CROSS_COMPILE");
	unsetenv("MAKEFLAGS");
}

static void test_log_gets_everything(void **state)
{
	char path[PLACE_BYTES];
	int fd = mkstemp(place_template(path));
	struct run program = { .argv = ARGV("printf", "a\nb"),
			       .log = true,
			       .log_fd = fd };
	struct run_end end;
	char bytes[8] = "";

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(run(&program, &end), 0);
	assert_int_equal(pread(fd, bytes, sizeof(bytes) - 1, 0), 3);
	assert_string_equal(bytes, "a\nb");
	close(fd);
	unlink(path);
}

static void test_full_log_is_an_error(void **state)
{
	struct run program = { .argv = ARGV("echo", "a"), .log = true };
	struct run_end end;
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	assert_non_null(full);
	program.log_fd = fileno(full);
	assert_int_equal(run(&program, &end), -ENOSPC);
	fclose(full);
}

static int got_signal;

static void note_signal(int signal)
{
	got_signal = signal;
}

static void ask_parent_to_end(void *ctx, const char *line)
{
	(void)ctx;
	(void)line;
	raise(SIGTERM);
}

static void test_our_end_is_its_end(void **state)
{
	struct run program = { .argv = ARGV("sh", "-c", "echo; sleep 60"),
			       .line = ask_parent_to_end };
	struct run_end end;

	(void)state;
	signal(SIGTERM, note_signal);
	assert_int_equal(run(&program, &end), 0);
	signal(SIGTERM, SIG_DFL);
	assert_int_equal(end.signal, SIGTERM);
	assert_int_equal(got_signal, SIGTERM);
}

static void test_held_descriptor_is_held(void **state)
{
	int pipes[2];
	struct run program = { .hold = true };
	struct run_end end;
	char number[16], byte;

	(void)state;
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	program.held_fd = pipes[1];
	snprintf(number, sizeof(number), "%d", pipes[1]);
	program.argv = ARGV("sh", "-c", "printf x >&\"$1\"", "sh", number);
	assert_int_equal(run(&program, &end), 0);
	assert_true(run_end_is_good(&end));
	assert_int_equal(read(pipes[0], &byte, 1), 1);
	close(pipes[0]);
	close(pipes[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arguments_arrive_as_they_are),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_no_such_program),
		cmocka_unit_test(test_no_such_directory),
		cmocka_unit_test(test_time_limit),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_long_line_comes_in_pieces),
		cmocka_unit_test(test_clean_environment),
		cmocka_unit_test(test_log_gets_everything),
		cmocka_unit_test(test_full_log_is_an_error),
		cmocka_unit_test(test_our_end_is_its_end),
		cmocka_unit_test(test_held_descriptor_is_held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
