#include "meter.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum {
	SHOW_AFTER_MS = 400,
	SHOW_EVERY_MS = 100,
	/* Before that, how long it will take is a guess. */
	ESTIMATE_AFTER_MS = 1000,
	COLUMNS_MAX = 240,
	COLUMNS_UNKNOWN = 80,
	BAR_MIN = 8,
	BAR_MAX = 40,
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---------------------------------------------------------------- text -- */

/* "12,345" */
static void print_count(char *out, size_t room, uint64_t count)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%" PRIu64, count);
	size_t to = 0;

	for (int i = 0; i < len && to + 2 < room; i++) {
		if (i && (len - i) % 3 == 0)
			out[to++] = ',';
		out[to++] = digits[i];
	}
	out[to] = '\0';
}

/* "50 s", "12 min", "3 h 20 min" */
static void print_time(char *out, size_t room, uint64_t s)
{
	if (s < 100)
		snprintf(out, room, "%" PRIu64 " s", s);
	else if (s < 100 * 60)
		snprintf(out, room, "%" PRIu64 " min", (s + 59) / 60);
	else
		snprintf(out, room, "%" PRIu64 " h %" PRIu64 " min", s / 3600,
			 s % 3600 / 60);
}

/* " 41% 1,180/s 50 s left" */
static void print_rest(const struct meter_state *state, char *out, size_t room)
{
	uint64_t elapsed = (uint64_t)state->elapsed_ms;
	uint64_t left_ms;
	char rate[32], left[64];
	int len = snprintf(out, room, " %zu%%",
			   state->total ? state->done * 100 / state->total : 0);

	if (state->elapsed_ms < ESTIMATE_AFTER_MS || !state->done)
		return;
	left_ms = elapsed * (state->total - state->done) / state->done;
	print_time(left, sizeof(left), (left_ms + 999) / 1000);
	if (state->done >= elapsed / 1000) {
		print_count(rate, sizeof(rate), state->done * 1000 / elapsed);
		snprintf(out + len, room - (size_t)len, " %s/s %s left", rate,
			 left);
	} else {
		print_count(rate, sizeof(rate), state->done * 60000 / elapsed);
		snprintf(out + len, room - (size_t)len, " %s/min %s left", rate,
			 left);
	}
}

static void print_bar(const struct meter_state *state, size_t width, char *out)
{
	size_t full = state->total ? state->done * width / state->total : 0;

	out[0] = ' ';
	out[1] = '[';
	memset(out + 2, '#', full);
	memset(out + 2 + full, ' ', width - full);
	out[2 + width] = ']';
	out[3 + width] = '\0';
}

void meter_line(const struct meter_state *state, size_t columns, char *ret_line,
		size_t room)
{
	char head[96], rest[128], bar[BAR_MAX + 4] = "", done[32], total[32];
	size_t used, space;

	print_count(done, sizeof(done), state->done);
	print_count(total, sizeof(total), state->total);
	snprintf(head, sizeof(head), "%s %s of %s", state->what, done, total);
	print_rest(state, rest, sizeof(rest));
	used = strlen(head) + strlen(rest) + 3;
	space = columns > used + 1 ? columns - 1 - used : 0;
	if (space >= BAR_MIN)
		print_bar(state, space < BAR_MAX ? space : BAR_MAX, bar);
	snprintf(ret_line, room < columns ? room : columns, "%s%s%s", head, bar,
		 rest);
}

/* ------------------------------------------------------------ terminal -- */

static bool can_clear_lines(void)
{
	const char *term = getenv("TERM");

	return isatty(STDERR_FILENO) && term && *term &&
	       strcmp(term, "dumb") != 0;
}

static size_t terminal_columns(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) || size.ws_col == 0)
		return COLUMNS_UNKNOWN;
	return size.ws_col < COLUMNS_MAX ? size.ws_col : COLUMNS_MAX;
}

void meter_begin(struct meter *meter, const struct call *call, const char *what,
		 size_t total)
{
	*meter = (struct meter){
		.on = call->error_format == ERROR_FORMAT_HUMAN &&
		      can_clear_lines(),
		.what = what,
		.total = total,
		.begun_ms = now_ms(),
	};
	meter->shown_ms = meter->begun_ms + SHOW_AFTER_MS - SHOW_EVERY_MS;
}

void meter_set(struct meter *meter, size_t done)
{
	struct meter_state state = { meter->what, done, meter->total, 0 };
	char line[COLUMNS_MAX + 1];
	int64_t now;

	if (!meter->on)
		return;
	if (done > meter->total)
		state.done = meter->total;
	now = now_ms();
	if (now - meter->shown_ms < SHOW_EVERY_MS)
		return;
	meter->shown_ms = now;
	state.elapsed_ms = now - meter->begun_ms;
	meter_line(&state, terminal_columns(), line, sizeof(line));
	fprintf(stderr, "\r\033[K%s", line);
	fflush(stderr);
	meter->line_open = true;
}

void meter_end(struct meter *meter)
{
	if (meter->line_open)
		fputs("\r\033[K", stderr);
	meter->line_open = false;
	meter->on = false;
}
