#include "companion.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void end_with_parent(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(0);
}

static void signals_as_usual(void)
{
	static const int caught[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };
	sigset_t none;

	for (size_t i = 0; i < sizeof(caught) / sizeof(*caught); i++)
		signal(caught[i], SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

pid_t companion_start(void (*body)(void *ctx), void *ctx)
{
	pid_t self = getpid(), process = fork();

	if (process < 0)
		return -errno;
	if (process)
		return process;
	signals_as_usual();
	end_with_parent(self);
	body(ctx);
	_exit(0);
}

void companion_end(pid_t process)
{
	if (process <= 0)
		return;
	kill(process, SIGTERM);
	while (waitpid(process, NULL, 0) < 0 && errno == EINTR)
		;
}
