#include "path.h"

#include "arena.h"
#include "source.h"
#include "value.h"

struct text path_directory(struct arena *arena, const char *site_path)
{
	const char *slash = strrchr(site_path, '/');
	size_t len = slash ? (size_t)(slash - site_path) + 1 : 0;

	return (struct text){ arena_copy(arena, site_path, len), len };
}

struct text path_base(struct text directory, struct span at)
{
	struct text path = at.source->path;

	path.ptr += directory.len;
	path.len -= directory.len;
	while (path.len && path.ptr[path.len - 1] != '/')
		path.len--;
	return path;
}

static bool climbs(struct text path)
{
	return memmem(path.ptr, path.len, "..", 2) != NULL;
}

/* Take out each "." and "..". @return false if a ".." leads out */
static bool collapse(char *path, size_t *ret_len)
{
	size_t to = 0;

	for (char *part = path; part;) {
		char *slash = strchr(part, '/');
		size_t len = slash ? (size_t)(slash - part) : strlen(part);

		if (len == 2 && memcmp(part, "..", 2) == 0) {
			if (!to)
				return false;
			for (to--; to && path[to - 1] != '/';)
				to--;
		} else if (len && !(len == 1 && *part == '.')) {
			memmove(path + to, part, len);
			to += len;
			if (slash)
				path[to++] = '/';
		}
		part = slash ? slash + 1 : NULL;
	}
	path[to] = '\0';
	*ret_len = to;
	return true;
}

const char *path_beside(struct arena *arena, struct text base, struct text path,
			struct text *ret_path)
{
	const char *wrong = value_path(path);
	char *joined;
	size_t len;

	if (wrong)
		return wrong;
	if (!base.len && !climbs(path)) {
		*ret_path = path;
		return NULL;
	}
	joined = arena_printf(arena, "%.*s%.*s", (int)base.len, base.ptr,
			      (int)path.len, path.ptr);
	if (!collapse(joined, &len))
		return "climbs out of the directory of the site file with "
		       "\"..\" (a symbolic link there may lead anywhere)";
	wrong = value_path((struct text){ joined, len });
	if (!wrong)
		*ret_path = (struct text){ joined, len };
	return wrong;
}
