#include "replace.h"

#include "arena.h"
#include "sbuf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int write_all(int fd, mode_t mode, const struct sbuf *bytes)
{
	size_t done = 0;

	while (done < bytes->len) {
		ssize_t wrote = write(fd, bytes->ptr + done, bytes->len - done);

		if (wrote < 0 && errno != EINTR)
			return -errno;
		if (wrote > 0)
			done += (size_t)wrote;
	}
	return fchmod(fd, mode) == 0 && fsync(fd) == 0 ? 0 : -errno;
}

int replace_file(struct arena *arena, const char *path, mode_t mode,
		 const struct sbuf *bytes)
{
	char *making = arena_printf(arena, "%s.XXXXXX", path);
	int fd = mkostemp(making, O_CLOEXEC), result;

	if (fd < 0)
		return -errno;
	result = write_all(fd, mode, bytes);
	if (close(fd) != 0 && result == 0)
		result = -errno;
	if (result == 0 && rename(making, path) != 0)
		result = -errno;
	if (result != 0)
		unlink(making);
	return result;
}
