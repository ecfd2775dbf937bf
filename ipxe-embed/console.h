#ifndef PROGRAM_CONSOLE_H
#define PROGRAM_CONSOLE_H
/**
 * @file
 * The console of a machine that is tried: shown, typed at, and read for what
 * becomes of it.
 */
#include "sbuf.h"

#include <stdbool.h>

/** Zero-initialise, but for @p typed. */
struct console {
	/** Somebody sees it on a terminal, as it is, and types. Else it is
	 * shown line by line, without what moves the cursor. */
	bool typed;
	bool started;       /**< its kernel, as its last word says */
	bool over;          /**< nothing more can come of it */
	bool command;       /**< the last key was Ctrl-A */
	struct sbuf reason; /**< why no kernel started, in its own words */
};

void console_release(struct console *console);

/* For struct run, with the console as context. */

/** One line of it: learn from it; show it if nobody types. */
void console_line(void *console, const char *line);

/** Show bytes of it if somebody types. */
void console_output(void *console, const char *bytes, size_t len);

/** What was typed, for the machine. @return false for "end it" (Ctrl-A X) */
bool console_keys(void *console, const char *bytes, size_t len,
		  struct sbuf *input);

/** Leave the terminal fit for other text, after a machine that drew on it. */
void console_leave(struct console *console);

/** What the keys do, a line. */
extern const char console_help[];

#endif
