#include "terminal.h"

#include "secret.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
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

/** What to go back to. */
struct caught {
	struct sigaction actions[SIGNALS];
	sigset_t mask;
};

/* They are let in only while we wait for a key (wait_for_key()): one that came
 * just before a read() would be noted, and then read() would wait for ever. */
static void catch_signals(struct caught *before)
{
	struct sigaction action = { .sa_handler = note };
	sigset_t set;

	arrived = 0;
	sigemptyset(&action.sa_mask);
	sigemptyset(&set);
	for (size_t i = 0; i < SIGNALS; i++)
		sigaddset(&set, signals[i]);
	sigprocmask(SIG_BLOCK, &set, &before->mask);
	for (size_t i = 0; i < SIGNALS; i++)
		sigaction(signals[i], &action, &before->actions[i]);
}

static void restore_signals(const struct caught *before)
{
	for (size_t i = 0; i < SIGNALS; i++)
		sigaction(signals[i], &before->actions[i], NULL);
	sigprocmask(SIG_SETMASK, &before->mask, NULL);
}

static int wait_for_key(int fd, const sigset_t *open_to)
{
	struct pollfd key = { .fd = fd, .events = POLLIN };

	return ppoll(&key, 1, NULL, open_to) < 0 ? -errno : 0;
}

/* In canonical mode the terminal gives whole lines, but may give them in
 * pieces. */
static int read_line(int fd, const sigset_t *open_to, struct secret *line)
{
	size_t len = 0;

	secret_make(line, PASSPHRASE_MOST + 1);
	while (len < line->len) {
		int error = wait_for_key(fd, open_to);
		ssize_t got = error ? 0 : read(fd, line->ptr + len, 1);

		if (error)
			return error;
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

static int ask(int fd, const sigset_t *open_to, const char *prompt,
	       struct secret *ret_line)
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
		rc = read_line(fd, open_to, ret_line);
	/* What was typed and not read must not become a command. */
	tcsetattr(fd, TCSAFLUSH, &before);
	write_all(fd, "\n");
	return rc;
}

int terminal_ask(const char *prompt, struct secret *ret_line)
{
	int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	struct caught before;
	int rc;

	if (fd < 0)
		return -ENXIO;
	catch_signals(&before);
	rc = ask(fd, &before.mask, prompt, ret_line);
	restore_signals(&before);
	close(fd);
	if (rc != 0)
		secret_release(ret_line);
	if (arrived)
		raise(arrived);
	return rc;
}

int terminal_raw(int fd, struct terminal *ret_terminal)
{
	struct termios raw;

	ret_terminal->fd = -1;
	if (tcgetattr(fd, &ret_terminal->before) != 0)
		return -errno;
	raw = ret_terminal->before;
	cfmakeraw(&raw);
	if (tcsetattr(fd, TCSAFLUSH, &raw) != 0)
		return -errno;
	ret_terminal->fd = fd;
	return 0;
}

void terminal_restore(struct terminal *terminal)
{
	if (terminal->fd >= 0)
		tcsetattr(terminal->fd, TCSAFLUSH, &terminal->before);
	terminal->fd = -1;
}
