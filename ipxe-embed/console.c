#include "console.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { CTRL_A = 'A' & 0x1f };

const char console_help[] =
	"Ctrl-A X ends the machine, Ctrl-A A is Ctrl-A for it.";

void console_release(struct console *console)
{
	sbuf_release(&console->reason);
}

/* -------------------------------------------------------------- meaning -- */

enum meaning {
	MEANS_NOTHING,
	MEANS_STARTED,
	MEANS_FAILED,
	MEANS_OVER,
};

/* Lines of the boot script (emit_ipxe.c) and of firmware that tell what becomes
 * of a machine: both texts occur, in this order. The first row that fits. The
 * reason is told from the second text on. */
struct sign {
	const char *first, *second;
	enum meaning meaning;
};

static const struct sign signs[] = {
	{ "ipxe-embed: ", ": booting from disk", MEANS_NOTHING },
	{ "ipxe-embed: ", ": booting", MEANS_STARTED },
	{ "ipxe-embed: ", "REFUSED", MEANS_FAILED },
	{ "ipxe-embed: ", "FAILED", MEANS_FAILED },
	{ "", "This machine is not a node of site", MEANS_FAILED },
	{ "ipxe-embed: ", ": trying again in ", MEANS_OVER },
	{ "ipxe-embed: ", ": back to the firmware", MEANS_OVER },
	{ "ipxe-embed: ", ": stopped, error", MEANS_OVER },
	{ "BdsDxe: failed to load ", "Access Denied", MEANS_FAILED },
	{ "BdsDxe: failed to load ", "Security Violation", MEANS_FAILED },
	{ "", "BdsDxe: No bootable option", MEANS_OVER },
	{ "", "UEFI Interactive Shell", MEANS_OVER },
	{ "", "No bootable device", MEANS_OVER },
};

/* @param ret_said	where the second text is */
static enum meaning meaning_of(const char *line, const char **ret_said)
{
	for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++) {
		const char *at = strstr(line, signs[i].first);

		at = at ? strstr(at, signs[i].second) : NULL;
		if (!at)
			continue;
		*ret_said = at;
		return signs[i].meaning;
	}
	return MEANS_NOTHING;
}

static void learn(struct console *console, const char *line)
{
	const char *said;

	switch (meaning_of(line, &said)) {
	case MEANS_NOTHING:
		return;
	case MEANS_STARTED:
		console->started = true;
		return;
	case MEANS_FAILED:
		console->started = false;
		sbuf_reset(&console->reason);
		sbuf_puts(&console->reason, said);
		return;
	case MEANS_OVER:
		console->over = !console->typed;
		return;
	}
}

/* -------------------------------------------------------------- showing -- */

/* @param s	begins with an escape character */
static size_t escape_len(const char *s)
{
	size_t len = 1;

	if (s[len] == '[')
		len += 1 + strspn(s + 2, "0123456789;?=");
	else if (s[len] == '(' || s[len] == ')')
		len++;
	return len + (s[len] != '\0');
}

/* Without what clears the screen and moves about: the lines of a log. */
static void clean_line(const char *line, struct sbuf *ret_text)
{
	while (*line) {
		if (*line == '\033') {
			line += escape_len(line);
			continue;
		}
		if ((unsigned char)*line >= ' ' || *line == '\t')
			sbuf_putc(ret_text, *line);
		line++;
	}
}

void console_line(void *ctx, const char *line)
{
	struct console *console = ctx;
	struct sbuf text = { 0 };

	clean_line(line, &text);
	if (!console->typed) {
		puts(sbuf_text(&text));
		fflush(stdout);
	}
	learn(console, sbuf_text(&text));
	sbuf_release(&text);
}

/* A terminal that is gone sends SIGHUP, which ends us. */
void console_output(void *ctx, const char *bytes, size_t len)
{
	const struct console *console = ctx;

	while (console->typed && len) {
		ssize_t now = write(STDOUT_FILENO, bytes, len);

		if (now <= 0)
			return;
		bytes += now;
		len -= (size_t)now;
	}
}

void console_leave(struct console *console)
{
	/* No colours, a cursor, lines that wrap; ECMA-48 and xterm. */
	static const char plain[] = "\033[0m\033[?25h\033[?7h\r\n";

	console_output(console, plain, sizeof(plain) - 1);
}

/* --------------------------------------------------------------- typing -- */

bool console_keys(void *ctx, const char *bytes, size_t len, struct sbuf *input)
{
	struct console *console = ctx;

	for (size_t i = 0; i < len; i++) {
		char key = bytes[i];

		if (!console->command && key == CTRL_A) {
			console->command = true;
			continue;
		}
		if (console->command && (key == 'x' || key == 'X'))
			return false;
		if (console->command && (key == 'a' || key == 'A'))
			key = CTRL_A;
		console->command = false;
		sbuf_putc(input, key);
	}
	return true;
}
