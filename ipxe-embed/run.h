#ifndef PROGRAM_RUN_H
#define PROGRAM_RUN_H
/**
 * @file
 * Run another program and wait for it. Never through a shell: what stands in
 * argv arrives as it is.
 *
 * The program gets no input, but for keys that somebody types, and a process
 * group of its own. When we are told to end (SIGHUP, SIGINT, SIGQUIT, SIGTERM)
 * the whole group is told first; when we are killed, its next line of output
 * meets a closed pipe.
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
	/** The same output as it comes, before its lines. May be NULL. */
	void (*output)(void *ctx, const char *bytes, size_t len);
	/**
	 * Called with what was typed at @p keys_fd, a terminal. NULL: the
	 * program gets no input.
	 *
	 * @param input	to add to what the program is to read
	 * @return false to end it, as at its timeout
	 */
	bool (*keys)(void *ctx, const char *bytes, size_t len,
		     struct sbuf *input);
	int keys_fd;
	/** Looked at after each line: once it is true, the program is ended. */
	const bool *enough;
	void *ctx;
};

/** How a program ended. */
struct run_end {
	int status;     /**< exit status, when signal is 0 */
	int signal;     /**< that ended it, or 0 */
	bool timed_out; /**< it had to be ended */
	bool stopped;   /**< keys() or @p enough has ended it */
};

/**
 * Run to the end.
 *
 * If a signal asked us to end meanwhile, it is raised again before this
 * returns, with the handlers that were there before. Who must clean up first,
 * blocks these signals; they are let in here, and then wait again.
 *
 * @return 0 if it ran, however it ended; -errno if it could not be started
 *	   (-ENOENT: no such program) or its output could not be kept
 */
int run(const struct run *run, struct run_end *ret_end);

/** The signals that ask us to end: block them, after what is already due. */
void run_block_signals(void);

/** Let them take effect, also those that came meanwhile. */
void run_unblock_signals(void);

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
