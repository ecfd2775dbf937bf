#ifndef PROGRAM_RUN_H
#define PROGRAM_RUN_H
/**
 * @file
 * Run another program and wait for it. Never through a shell: what stands in
 * argv arrives as it is.
 *
 * The program gets no input and a process group of its own. When we are told to end (SIGINT, SIGTERM, SIGHUP) the whole
 * group is told first; when we are killed, its next line of output meets a
 * closed pipe.
 */
#include <stdbool.h>
#include <stddef.h>

struct sbuf;

struct run {
	/** Ends with NULL; argv[0] is looked up in PATH. */
	const char *const *argv;
	/**
	 * Only PATH, HOME and TMPDIR as we have them, and LC_ALL=C: for
	 * programs whose result must not depend on what else is set.
	 */
	bool clean_environment;
	const char *directory; /**< to run in; NULL: ours */
	unsigned timeout_s; /**< then SIGTERM, and SIGKILL 5 s later; 0: none */
	/**
	 * A descriptor that the program and all its children keep, if @p hold
	 * is set: a lock on what they work on lasts as long as they do, also
	 * when we are killed.
	 */
	int held_fd;
	bool hold;
	int log_fd; /**< gets all output, if @p log is set */
	bool log;
	/**
	 * Called for each line of output (stdout and stderr, in order), without
	 * its end; bytes of very long lines come in pieces. May be NULL.
	 */
	void (*line)(void *ctx, const char *line);
	void *ctx;
};

/** How a program ended. */
struct run_end {
	int status;     /**< exit status, when signal is 0 */
	int signal;     /**< that ended it, or 0 */
	bool timed_out; /**< it had to be ended */
};

/**
 * Run to the end.
 *
 * If a signal asked us to end meanwhile, it is raised again before this
 * returns, with the handlers that were there before.
 *
 * @return 0 if it ran, however it ended; -errno if it could not be started
 *	   (-ENOENT: no such program) or its output could not be kept
 */
int run(const struct run *run, struct run_end *ret_end);

/** Whether it ended by itself, with status 0. */
bool run_end_is_good(const struct run_end *end);

/** "exit status 2", "signal 9 (Killed)", "stopped after 60 s". */
void run_end_say(const struct run_end *end, const struct run *run,
		 struct sbuf *out);

/**
 * All output of a program, as text. It runs in a clean environment.
 *
 * @return as of run(); -EIO if it ended badly
 */
int run_capture(const char *const *argv, struct sbuf *out);

/** Whether PATH holds an executable file of this name. */
bool run_has(const char *program);

#endif
