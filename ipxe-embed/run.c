#include "run.h"

#include "sbuf.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define GRACE_MS       5000
#define LINE_MAX_BYTES 4096

static const int ending_signals[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };
#define ENDING_SIGNALS (sizeof(ending_signals) / sizeof(*ending_signals))

/* What the signal handler knows. One program runs at a time. */
static volatile sig_atomic_t child_group;
static volatile sig_atomic_t told_to_end;

static void pass_on(int signal)
{
	int error = errno;

	told_to_end = signal;
	if (child_group)
		kill(-(pid_t)child_group, signal);
	errno = error;
}

static sigset_t ending_set(void)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ENDING_SIGNALS; i++)
		sigaddset(&set, ending_signals[i]);
	return set;
}

void run_block_signals(void)
{
	sigset_t set = ending_set();

	sigprocmask(SIG_BLOCK, &set, NULL);
}

void run_unblock_signals(void)
{
	sigset_t set = ending_set();

	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* What to go back to. */
struct before {
	struct sigaction actions[ENDING_SIGNALS];
	sigset_t mask;
};

static void handlers_install(struct before *ret_before)
{
	struct sigaction ours = { .sa_handler = pass_on };

	sigemptyset(&ours.sa_mask);
	told_to_end = 0;
	for (size_t i = 0; i < ENDING_SIGNALS; i++)
		sigaction(ending_signals[i], &ours, &ret_before->actions[i]);
	sigprocmask(SIG_BLOCK, NULL, &ret_before->mask);
	run_unblock_signals();
}

static void handlers_restore(const struct before *before)
{
	sigprocmask(SIG_SETMASK, &before->mask, NULL);
	for (size_t i = 0; i < ENDING_SIGNALS; i++)
		sigaction(ending_signals[i], &before->actions[i], NULL);
	if (told_to_end)
		raise(told_to_end);
}

/* --------------------------------------------------------- attributes -- */

static int set_attributes(posix_spawnattr_t *attr)
{
	sigset_t defaults = ending_set(), none;
	int error;

	/* Of ignored signals a child would not be rid by itself. */
	sigemptyset(&none);
	sigaddset(&defaults, SIGPIPE);
	error = posix_spawnattr_setsigdefault(attr, &defaults);
	if (!error)
		error = posix_spawnattr_setsigmask(attr, &none);
	if (!error)
		error = posix_spawnattr_setpgroup(attr, 0);
	if (!error)
		error = posix_spawnattr_setflags(
			attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF |
				      POSIX_SPAWN_SETSIGMASK);
	return error;
}

/* The ends of our pipes that the program gets. */
struct ends {
	int input; /* -1: none */
	int output;
};

static int set_files(posix_spawn_file_actions_t *files, const struct run *run,
		     const struct ends *ends)
{
	int output = ends->output, error;

	error = ends->input >= 0 ? posix_spawn_file_actions_adddup2(
					   files, ends->input, 0)
				 : posix_spawn_file_actions_addopen(
					   files, 0, "/dev/null", O_RDONLY, 0);
	if (!error)
		error = posix_spawn_file_actions_adddup2(files, output, 1);
	if (!error)
		error = posix_spawn_file_actions_adddup2(files, output, 2);
	/* Onto itself: that takes off close-on-exec. */
	if (!error && run->hold)
		error = posix_spawn_file_actions_adddup2(files, run->held_fd,
							 run->held_fd);
	if (!error && run->directory)
		error = posix_spawn_file_actions_addchdir_np(files,
							     run->directory);
	return error;
}

/* posix_spawnp() wants argv and envp writable, and does not write. */
static char *const *unconst(const char *const *strings)
{
	union {
		const char *const *from;
		char *const *to;
	} cast = { .from = strings };

	return cast.to;
}

/* ------------------------------------------------------- environment -- */

static const char *const kept_variables[] = { "PATH", "HOME", "TMPDIR" };
#define KEPT_VARIABLES (sizeof(kept_variables) / sizeof(*kept_variables))

struct environment {
	struct sbuf kept[KEPT_VARIABLES];
	const char *at[KEPT_VARIABLES + 2];
};

static void environment_init(struct environment *environment)
{
	size_t count = 0;

	memset(environment, 0, sizeof(*environment));
	for (size_t i = 0; i < KEPT_VARIABLES; i++) {
		const char *value = getenv(kept_variables[i]);

		if (!value)
			continue;
		sbuf_printf(&environment->kept[i], "%s=%s", kept_variables[i],
			    value);
		environment->at[count++] = environment->kept[i].ptr;
	}
	environment->at[count] = "LC_ALL=C";
}

static void environment_release(struct environment *environment)
{
	for (size_t i = 0; i < KEPT_VARIABLES; i++)
		sbuf_release(&environment->kept[i]);
}

/* ----------------------------------------------------------- spawning -- */

static int spawn(const struct run *run, const posix_spawnattr_t *attr,
		 const posix_spawn_file_actions_t *files, pid_t *ret_pid)
{
	struct environment clean;
	int error;

	environment_init(&clean);
	error = posix_spawnp(
		ret_pid, run->argv[0], files, attr, unconst(run->argv),
		run->clean_environment ? unconst(clean.at) : environ);
	environment_release(&clean);
	return error;
}

static int start(const struct run *run, const struct ends *ends, pid_t *ret_pid)
{
	posix_spawnattr_t attr;
	posix_spawn_file_actions_t files;
	int error;

	error = posix_spawnattr_init(&attr);
	if (error)
		return -error;
	error = posix_spawn_file_actions_init(&files);
	if (error) {
		posix_spawnattr_destroy(&attr);
		return -error;
	}
	error = set_attributes(&attr);
	if (!error)
		error = set_files(&files, run, ends);
	if (!error)
		error = spawn(run, &attr, &files, ret_pid);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	return -error;
}

/* ----------------------------------------------------------- watching -- */

struct watch {
	const struct run *run;
	pid_t group;
	int input;             /**< what it prints */
	int output;            /**< what it reads; -1: none */
	long long deadline_ms; /**< 0: none */
	bool terminated, killed;
	bool stopped;
	int error; /**< of keeping the output */
	char line[LINE_MAX_BYTES];
	size_t line_len;
};

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void line_end(struct watch *watch)
{
	watch->line[watch->line_len] = '\0';
	watch->line_len = 0;
	if (watch->run->line)
		watch->run->line(watch->run->ctx, watch->line);
}

static void lines_add(struct watch *watch, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] == '\n') {
			line_end(watch);
			continue;
		}
		if (watch->line_len == LINE_MAX_BYTES - 1)
			line_end(watch);
		/* A NUL would end the line for whoever reads it. */
		watch->line[watch->line_len++] = bytes[i] ? bytes[i] : ' ';
	}
}

static int write_all(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t done = write(fd, bytes, len);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		bytes += done;
		len -= (size_t)done;
	}
	return 0;
}

/** @return whether there may be more */
static bool read_some(struct watch *watch)
{
	char bytes[16384];
	ssize_t len = read(watch->input, bytes, sizeof(bytes));

	if (len < 0)
		return errno == EINTR || errno == EAGAIN;
	if (!len)
		return false;
	if (watch->run->log && !watch->error)
		watch->error =
			write_all(watch->run->log_fd, bytes, (size_t)len);
	if (watch->run->output)
		watch->run->output(watch->run->ctx, bytes, (size_t)len);
	lines_add(watch, bytes, (size_t)len);
	return true;
}

/** First ask, then insist. */
static void time_is_up(struct watch *watch)
{
	kill(-watch->group, watch->terminated ? SIGKILL : SIGTERM);
	watch->killed = watch->terminated;
	watch->terminated = true;
	watch->deadline_ms = now_ms() + GRACE_MS;
}

static void stop(struct watch *watch)
{
	if (!watch->stopped)
		time_is_up(watch);
	watch->stopped = true;
}

/* What the program does not take at once is lost, as at a serial port. */
static void pass_keys(struct watch *watch)
{
	char bytes[256];
	ssize_t len = read(watch->run->keys_fd, bytes, sizeof(bytes));
	struct sbuf input = { 0 };

	if (len < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (len <= 0) {
		close(watch->output);
		watch->output = -1;
		return;
	}
	if (!watch->run->keys(watch->run->ctx, bytes, (size_t)len, &input)) {
		stop(watch);
	} else {
		send(watch->output, sbuf_text(&input), input.len,
		     MSG_NOSIGNAL | MSG_DONTWAIT);
	}
	sbuf_release(&input);
}

static int wait_ms(const struct watch *watch)
{
	long long left;

	if (!watch->deadline_ms)
		return -1;
	left = watch->deadline_ms - now_ms();
	return left < 0 ? 0 : left > 60000 ? 60000 : (int)left;
}

static void watch_output(struct watch *watch)
{
	struct pollfd both[] = {
		{ .fd = watch->input, .events = POLLIN },
		{ .fd = watch->run->keys_fd, .events = POLLIN },
	};

	for (;;) {
		int ready =
			poll(both, watch->output < 0 ? 1 : 2, wait_ms(watch));

		if (ready < 0 && errno != EINTR)
			break;
		if (ready > 0 && both[0].revents && !read_some(watch))
			break;
		if (ready > 0 && watch->output >= 0 && both[1].revents)
			pass_keys(watch);
		if (watch->run->enough && *watch->run->enough)
			stop(watch);
		if (watch->deadline_ms && now_ms() >= watch->deadline_ms) {
			if (watch->killed)
				break;
			time_is_up(watch);
		}
	}
	if (watch->line_len)
		line_end(watch);
}

static int reap(pid_t pid, struct run_end *end)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (WIFSIGNALED(status))
		end->signal = WTERMSIG(status);
	else
		end->status = WEXITSTATUS(status);
	return 0;
}

static void close_ends(int one, int other)
{
	if (one >= 0)
		close(one);
	if (other >= 0)
		close(other);
}

static int open_pipes(struct watch *watch, struct ends *ret_ends)
{
	int output[2], input[2] = { -1, -1 }, error;

	if (pipe2(output, O_CLOEXEC))
		return -errno;
	/* Unlike a pipe, a socket gives no signal when nobody reads. */
	if (watch->run->keys &&
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, input)) {
		error = -errno;
		close_ends(output[0], output[1]);
		return error;
	}
	watch->input = output[0];
	watch->output = input[1];
	*ret_ends = (struct ends){ input[0], output[1] };
	return 0;
}

static int start_and_watch(const struct run *run, struct run_end *end)
{
	struct watch watch = { .run = run };
	struct ends ends = { -1, -1 };
	pid_t pid;
	int error = open_pipes(&watch, &ends);

	if (error)
		return error;
	error = start(run, &ends, &pid);
	close_ends(ends.input, ends.output);
	if (error) {
		close_ends(watch.input, watch.output);
		return error;
	}
	child_group = pid;
	/* A signal that came before there was a group to tell. */
	if (told_to_end)
		kill(-pid, told_to_end);
	watch.group = pid;
	if (run->timeout_s)
		watch.deadline_ms = now_ms() + 1000LL * run->timeout_s;
	watch_output(&watch);
	close_ends(watch.input, watch.output);
	error = reap(pid, end);
	child_group = 0;
	end->stopped = watch.stopped;
	end->timed_out = watch.terminated && !watch.stopped;
	return error ? error : watch.error;
}

int run(const struct run *run, struct run_end *ret_end)
{
	struct before before;
	struct run_end end = { 0 };
	int error;

	handlers_install(&before);
	error = start_and_watch(run, &end);
	handlers_restore(&before);
	if (!error)
		*ret_end = end;
	return error;
}

/* ------------------------------------------------------------- saying -- */

bool run_end_is_good(const struct run_end *end)
{
	return !end->status && !end->signal && !end->timed_out && !end->stopped;
}

void run_end_say(const struct run_end *end, const struct run *run,
		 struct sbuf *out)
{
	if (end->stopped)
		sbuf_puts(out, "stopped");
	else if (end->timed_out)
		sbuf_printf(out, "stopped after %u s", run->timeout_s);
	else if (end->signal)
		sbuf_printf(out, "signal %d (%s)", end->signal,
			    strsignal(end->signal));
	else
		sbuf_printf(out, "exit status %d", end->status);
}

static void capture_line(void *ctx, const char *line)
{
	sbuf_printf(ctx, "%s\n", line);
}

int run_capture(const char *const *argv, struct sbuf *out)
{
	struct run program = { .argv = argv,
			       .clean_environment = true,
			       .timeout_s = 60,
			       .line = capture_line,
			       .ctx = out };
	struct run_end end;
	int error = run(&program, &end);

	if (error)
		return error;
	return run_end_is_good(&end) ? 0 : -EIO;
}

static bool is_program(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISREG(st.st_mode) && !access(path, X_OK);
}

bool run_has(const char *program)
{
	const char *directory = getenv("PATH");
	struct sbuf path = { 0 };
	bool found = false;

	while (directory && *directory && !found) {
		size_t len = strcspn(directory, ":");

		sbuf_reset(&path);
		sbuf_add(&path, directory, len);
		sbuf_printf(&path, "%s%s", len ? "/" : "./", program);
		found = is_program(path.ptr);
		directory += len + (directory[len] == ':');
	}
	sbuf_release(&path);
	return found;
}
