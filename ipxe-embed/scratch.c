#include "scratch.h"

#include "arena.h"
#include "files.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

const char *scratch_make(struct arena *arena)
{
	const char *tmp = getenv("TMPDIR");

	return mkdtemp(arena_printf(arena, "%s/ipxe-embed-XXXXXX",
				    tmp && *tmp == '/' ? tmp : "/tmp"));
}

void scratch_remove(const char *path)
{
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (dir < 0)
		return;
	files_remove_all(dir, NULL);
	close(dir);
	rmdir(path);
}
