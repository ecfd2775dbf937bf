/* What a server does wrong is tried by tests/download/run; here, what the file
 * system of the cache does. */
#include "arena.h"
#include "cleanup.h"
#include "download.h"
#include "place.h"
#include "sbuf.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* A run that does not end is a failure, not a wait. */
enum { CANNOT = 77, PATIENCE_S = 20 };

static char base[PLACE_BYTES];

static int setup(void **state)
{
	(void)state;
	return mkdtemp(place_template(base)) &&
			       setenv("IPXE_EMBED_CACHE", base, 1) == 0
		       ? 0
		       : -1;
}

static int teardown(void **state)
{
	char path[PLACE_BYTES + 32];

	(void)state;
	snprintf(path, sizeof(path), "rm -rf %s", base);
	return system(path);
}

/* From now on, a system call of this process fails. */
static bool forbid(int call, int error)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)call, 0, 1),
		BPF_STMT(BPF_RET | BPF_K,
			 SECCOMP_RET_ERRNO |
				 ((unsigned)error & SECCOMP_RET_DATA)),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(*filter),
				      filter };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* Nobody answers there, and nobody should be asked. */
static int download_without_locks(int error, const char *says)
{
	struct arena arena = { 0 };
	const struct download_request request = {
		.arena = &arena, .url = TEXT("http://127.0.0.1:1/linux")
	};
	CLEANUP(sbuf) why = { 0 };
	struct digest digest = { .sha256 = { 1 } };
	struct text path;
	int result;

	if (!forbid(SYS_flock, error))
		return CANNOT;
	alarm(PATIENCE_S);
	result = download(&request, &digest, &why, &path) != DOWNLOAD_FAILED ||
				 !strstr(sbuf_text(&why),
					 ".part: cannot be opened and locked")
			 ? 1
		 : strstr(sbuf_text(&why), says) ? 0
						 : 2;
	arena_release(&arena);
	return result;
}

static void run_in_child(int error, const char *says)
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0)
		_exit(download_without_locks(error, says));
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == CANNOT)
		skip();
	assert_int_equal(status, 0);
}

static void test_no_locks(void **state)
{
	(void)state;
	run_in_child(ENOLCK, "a file system that has locks");
}

static void test_lock_fails(void **state)
{
	(void)state;
	run_in_child(EIO, strerror(EIO));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_locks),
		cmocka_unit_test(test_lock_fails),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
