#include "scratch.h"

#include "arena.h"
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PREFIX "ipxe-embed-"
#define SUFFIX "XXXXXX"
/* One that is younger may not be locked yet. */
#define YOUNG_S 60

static const char *parent(void)
{
	const char *tmp = getenv("TMPDIR");

	return tmp && *tmp == '/' ? tmp : "/tmp";
}

static int open_and_lock(int at, const char *path)
{
	int dir = openat(at, path,
			 O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int error;

	if (dir < 0)
		return -errno;
	if (flock(dir, LOCK_EX | LOCK_NB) == 0)
		return dir;
	error = -errno;
	close(dir);
	return error;
}

/* Whether it may be one that a run of this user left. */
static bool is_old(const struct files_seen *seen, time_t before)
{
	return strlen(seen->name) == strlen(PREFIX SUFFIX) &&
	       strncmp(seen->name, PREFIX, strlen(PREFIX)) == 0 &&
	       seen->stat.st_uid == geteuid() && seen->stat.st_mtime < before;
}

static int sweep_one(void *ctx, const struct files_seen *seen)
{
	const time_t *before = ctx;
	int dir;

	if (seen->visit != FILES_ENTER)
		return 0;
	dir = is_old(seen, *before) ? open_and_lock(seen->dir, seen->name) : -1;
	if (dir < 0)
		return 1;
	if (files_remove_all(dir, NULL) == 0)
		unlinkat(seen->dir, seen->name, AT_REMOVEDIR);
	close(dir);
	return 1;
}

static void sweep(void)
{
	time_t before = time(NULL) - YOUNG_S;
	int dir = open(parent(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return;
	files_walk(dir, sweep_one, &before, NULL);
	close(dir);
}

int scratch_make(struct arena *arena, struct scratch *ret_scratch)
{
	char *path = arena_printf(arena, "%s/" PREFIX SUFFIX, parent());
	int lock;

	sweep();
	if (!mkdtemp(path))
		return -errno;
	lock = open_and_lock(AT_FDCWD, path);
	if (lock < 0) {
		rmdir(path);
		return lock;
	}
	*ret_scratch = (struct scratch){ path, lock };
	return 0;
}

void scratch_remove(const struct scratch *scratch)
{
	files_remove_all(scratch->lock, NULL);
	rmdir(scratch->path);
	close(scratch->lock);
}
