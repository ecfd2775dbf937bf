#include "progress.h"

#include "bake.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define TERMINAL_EVERY_MS 100
#define LINE_EVERY_MS     5000
#define COLUMNS_MAX       200

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int columns(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) || size.ws_col < 20)
		return 79;
	/* The last column would make some terminals wrap. */
	return size.ws_col > COLUMNS_MAX ? COLUMNS_MAX : size.ws_col - 1;
}

static void print_text(const struct bake_progress *at, char *out, size_t room)
{
	if (at->total)
		snprintf(out, room, "%s: %zu%% %s", at->images,
			 at->done * 100 / at->total, at->step);
	else
		snprintf(out, room, "%s: %s", at->images, at->step);
}

void progress_show(void *ctx, const struct bake_progress *at)
{
	struct progress *progress = ctx;
	long long now = now_ms();
	char text[COLUMNS_MAX + 1];

	if (!progress->begun)
		progress->terminal = isatty(STDERR_FILENO);
	else if (now - progress->shown_ms <
		 (progress->terminal ? TERMINAL_EVERY_MS : LINE_EVERY_MS))
		return;
	progress->begun = true;
	progress->shown_ms = now;
	print_text(at, text, sizeof(text));
	if (progress->terminal)
		fprintf(stderr, "\r\033[K%.*s", columns(), text);
	else
		fprintf(stderr, "%s\n", text);
	progress->line_open = progress->terminal;
	fflush(stderr);
}

void progress_end(struct progress *progress)
{
	if (progress->line_open)
		fputs("\r\033[K", stderr);
	progress->line_open = false;
}
