#include "terminal.h"

#include "secret.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* With these the program ends or stops, and the shell would get a terminal
 * without echo. */
static const int signals[] = { SIGHUP,  SIGINT,  SIGQUIT, SIGTERM,
			       SIGTSTP, SIGTTIN, SIGTTOU };
enum { SIGNALS = sizeof(signals) / sizeof(*signals) };

static volatile sig_atomic_t arrived;

static void note(int signal_number)
{
	arrived = signal_number;
}

static void catch_signals(struct sigaction saved[SIGNALS])
{
	struct sigaction action = { .sa_handler = note };

	arrived = 0;
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < SIGNALS; i++)
		sigaction(signals[i], &action, &saved[i]);
}

static void restore_signals(const struct sigaction saved[SIGNALS])
{
	for (size_t i = 0; i < SIGNALS; i++)
		sigaction(signals[i], &saved[i], NULL);
}

/* In canonical mode the terminal gives whole lines, but may give them in
 * pieces. */
static int read_line(int fd, struct secret *line)
{
	size_t len = 0;

	secret_make(line, PASSPHRASE_MOST + 1);
	while (len < line->len) {
		ssize_t got = read(fd, line->ptr + len, 1);

		if (got < 0)
			return -errno;
		if (got == 0)
			return -ECANCELED;
		if (line->ptr[len] == '\n') {
			secret_cut(line, len);
			return 0;
		}
		len++;
	}
	return -E2BIG;
}

static int write_all(int fd, const char *text)
{
	size_t len = strlen(text);

	while (len) {
		ssize_t put = write(fd, text, len);

		if (put < 0)
			return -errno;
		text += put;
		len -= (size_t)put;
	}
	return 0;
}

static int ask(int fd, const char *prompt, struct secret *ret_line)
{
	struct termios before, silent;
	int rc;

	if (tcgetattr(fd, &before) != 0)
		return -ENXIO;
	silent = before;
	silent.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
	if (tcsetattr(fd, TCSAFLUSH, &silent) != 0)
		return -errno;
	rc = write_all(fd, prompt);
	if (rc == 0)
		rc = read_line(fd, ret_line);
	/* What was typed and not read must not become a command. */
	tcsetattr(fd, TCSAFLUSH, &before);
	write_all(fd, "\n");
	return rc;
}

int terminal_ask(const char *prompt, struct secret *ret_line)
{
	int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	struct sigaction saved[SIGNALS];
	int rc;

	if (fd < 0)
		return -ENXIO;
	catch_signals(saved);
	rc = ask(fd, prompt, ret_line);
	restore_signals(saved);
	close(fd);
	if (rc != 0)
		secret_release(ret_line);
	if (arrived)
		raise(arrived);
	return rc;
}
