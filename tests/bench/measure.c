/* Run a program and write what it took to a file: seconds passed, seconds of
 * processor, KiB of memory at the peak. A process is told of the peak of
 * whatever started it, so the starter must be small: this is. */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double seconds(struct timeval time)
{
	return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static int write_figures(const char *path, double wall_s,
			 const struct rusage *usage)
{
	FILE *file = fopen(path, "w");

	if (!file) {
		perror(path);
		return 1;
	}
	fprintf(file, "%.6f %.6f %ld\n", wall_s,
		seconds(usage->ru_utime) + seconds(usage->ru_stime),
		usage->ru_maxrss);
	if (fclose(file)) {
		perror(path);
		return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	double start_s = now_s();
	struct rusage usage;
	int status;
	pid_t pid;

	if (argc < 3) {
		fputs("usage: measure FIGURES PROGRAM [ARGUMENT]...\n", stderr);
		return 2;
	}
	pid = fork();
	if (pid == 0) {
		execvp(argv[2], argv + 2);
		perror(argv[2]);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &usage) < 0) {
		perror("measure");
		return 1;
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return 1;
	return write_figures(argv[1], now_s() - start_s, &usage);
}
