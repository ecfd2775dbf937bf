#ifndef PROGRAM_TERMINAL_H
#define PROGRAM_TERMINAL_H
/**
 * @file
 * Asking the person at the terminal for what must not be seen.
 */
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

#endif
