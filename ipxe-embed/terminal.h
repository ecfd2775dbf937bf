#ifndef PROGRAM_TERMINAL_H
#define PROGRAM_TERMINAL_H
/**
 * @file
 * Asking the person at the terminal for what must not be seen, and taking every
 * key that is typed.
 */
#include <termios.h>

struct secret;

/** No passphrase is longer. */
enum { PASSPHRASE_MOST = 1000 };

/**
 * Read a line from the controlling terminal without echo, whatever standard
 * input and output are. A signal that arrives meanwhile takes effect after the
 * echo is on again.
 *
 * @param ret_line	without the end of line; may be empty
 * @return 0; -ENXIO without a terminal; -EINTR after a signal that did not
 *	   end the program; -E2BIG; -ECANCELED at the end of input
 */
int terminal_ask(const char *prompt, struct secret *ret_line);

/** What a terminal was like. */
struct terminal {
	int fd; /**< -1: it has not been changed */
	struct termios before;
};

/**
 * Take every key as it is typed, without echo, also those that make signals.
 *
 * @param ret_terminal	for terminal_restore()
 * @return 0 or -errno
 */
int terminal_raw(int fd, struct terminal *ret_terminal);

/** Nothing if it has not been changed. */
void terminal_restore(struct terminal *terminal);

#endif
