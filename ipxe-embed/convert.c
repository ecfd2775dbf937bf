#include "convert.h"

#include "arena.h"
#include "files.h"
#include "sbuf.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum {
	CONVERT_SECONDS = 60,
	OUTPUT_BYTES_MAX = 64 * 1024 * 1024,
	WORDS_BYTES_MAX = 4096, /* of what a program says when it fails */
};

/* A run: its input and output lie in memory, so that no pipe can fill up. */
struct conversion {
	const char **argv;
	int in, out, words;
	int status; /* of waitpid() */
	bool timed_out;
};

/* Programs whose package has another name. */
static const struct {
	const char *program, *hint;
} known[] = {
	{ "butane", "it is the Butane of Fedora CoreOS and Flatcar, one "
		    "program to put into PATH" },
	{ "ct", "it has been replaced by butane" },
	{ "jq", "it is in the package jq" },
	{ "yq", "it is in the package yq" },
};

static int memory_with(struct text bytes)
{
	int fd = memfd_create("convert", MFD_CLOEXEC);
	size_t done = 0;

	while (fd >= 0 && done < bytes.len) {
		ssize_t wrote = write(fd, bytes.ptr + done, bytes.len - done);

		if (wrote <= 0) {
			close(fd);
			return -EIO;
		}
		done += (size_t)wrote;
	}
	if (fd >= 0 && lseek(fd, 0, SEEK_SET) != 0) {
		close(fd);
		return -EIO;
	}
	return fd < 0 ? -errno : fd;
}

static void conversion_release(struct conversion *run)
{
	const int fds[] = { run->in, run->out, run->words };

	for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

/* Ours, but in no language: what comes out depends on the site alone. */
static char **environment(struct arena *arena)
{
	static char neutral[] = "LC_ALL=C.UTF-8";
	size_t count = 0, kept = 0;
	char **copy;

	while (environ[count])
		count++;
	copy = arena_new_array(arena, count + 2, char *);
	for (size_t i = 0; i < count; i++)
		if (strncmp(environ[i], "LC_ALL=", strlen("LC_ALL=")) != 0)
			copy[kept++] = environ[i];
	copy[kept] = neutral;
	return copy;
}

static int spawn(struct conversion *run, pid_t *ret_pid)
{
	struct arena arena = { 0 };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;
	int error;

	sigemptyset(&none);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	posix_spawn_file_actions_adddup2(&actions, run->in, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, run->out, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, run->words, STDERR_FILENO);
	error = posix_spawnp(ret_pid, run->argv[0], &actions, &attributes,
			     (char *const *)(uintptr_t)run->argv,
			     environment(&arena));
	arena_release(&arena);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return -error;
}

/* Until it ends, by itself or by us. */
static int wait_for(struct conversion *run, pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd poll_for = { .fd = fd, .events = POLLIN };
	int ready;

	do
		ready = fd < 0 ? 1 : poll(&poll_for, 1, CONVERT_SECONDS * 1000);
	while (ready < 0 && errno == EINTR);
	if (ready == 0) {
		run->timed_out = true;
		kill(pid, SIGKILL);
	}
	if (fd >= 0)
		close(fd);
	while (waitpid(pid, &run->status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

static void read_memory(int fd, size_t max_bytes, struct sbuf *out)
{
	if (lseek(fd, 0, SEEK_SET) == 0)
		files_slurp(fd, max_bytes, out);
}

static void cannot_run(const char *program, int error, struct span at,
		       struct diags *ds)
{
	struct diag *d = diag_at(ds, DIAG_E607, at, "cannot run %s: %s",
				 program, strerror(-error));

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (strcmp(known[i].program, program) == 0)
			diag_help(ds, d, "%s", known[i].hint);
}

static void has_failed(const struct conversion *run, struct span at,
		       struct diags *ds)
{
	struct sbuf words = { 0 };
	const char *program = run->argv[0];

	/* Too much is cut, and said all the same. */
	read_memory(run->words, OUTPUT_BYTES_MAX, &words);
	if (words.len > WORDS_BYTES_MAX)
		words.len = WORDS_BYTES_MAX;
	while (words.len && words.ptr[words.len - 1] == '\n')
		words.len--;
	if (run->timed_out)
		diag_at(ds, DIAG_E608, at, "%s did not end within %d s",
			program, CONVERT_SECONDS);
	else if (WIFSIGNALED(run->status))
		diag_at(ds, DIAG_E608, at, "%s was ended by signal %d (%s)",
			program, WTERMSIG(run->status),
			strsignal(WTERMSIG(run->status)));
	else
		diag_at(ds, DIAG_E608, at, "%s ended with status %d%s%.*s",
			program, WEXITSTATUS(run->status),
			words.len ? " and said:\n" : "", (int)words.len,
			words.len ? words.ptr : "");
	sbuf_release(&words);
}

static bool is_good(const struct conversion *run)
{
	return !run->timed_out && WIFEXITED(run->status) &&
	       WEXITSTATUS(run->status) == 0;
}

bool convert_run(void *ctx, const struct text *argv, size_t argc,
		 struct text input, struct span at, struct diags *ds,
		 struct sbuf *ret_output)
{
	struct conversion run = {
		.argv = arena_new_array(ds->arena, argc + 1, const char *),
		.in = memory_with(input),
		.out = memory_with((struct text){ NULL, 0 }),
		.words = memory_with((struct text){ NULL, 0 }),
	};
	int error = run.in < 0 ? run.in : run.out < 0 ? run.out : 0;
	pid_t pid;

	(void)ctx;
	for (size_t i = 0; i < argc; i++)
		run.argv[i] = argv[i].ptr;
	if (!error && run.words < 0)
		error = run.words;
	if (!error)
		error = spawn(&run, &pid);
	if (!error)
		error = wait_for(&run, pid);
	if (error)
		cannot_run(run.argv[0], error, at, ds);
	else if (!is_good(&run))
		has_failed(&run, at, ds);
	else
		read_memory(run.out, OUTPUT_BYTES_MAX, ret_output);
	conversion_release(&run);
	return !error && is_good(&run);
}
