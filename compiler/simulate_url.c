#include "simulate_commands.h"

static bool has_scheme(struct text url)
{
	for (size_t i = 0; i < url.len && url.ptr[i] != '/'; i++)
		if (url.ptr[i] == ':')
			return true;
	return false;
}

/* Where the path of an absolute URL begins; its end when it has none. */
static size_t path_begin(struct text url)
{
	const char *slashes = memmem(url.ptr, url.len, "://", 3);
	const char *from = slashes ? slashes + 3 : url.ptr, *slash;

	slash = memchr(from, '/', (size_t)(url.ptr + url.len - from));
	return slash ? (size_t)(slash - url.ptr) : url.len;
}

static size_t path_end(struct text url)
{
	for (size_t i = path_begin(url); i < url.len; i++)
		if (url.ptr[i] == '?' || url.ptr[i] == '#')
			return i;
	return url.len;
}

/* dirname() of a path; that of "/" is itself. @return where it ends */
static size_t parent(struct text url, size_t begin, size_t end)
{
	while (end > begin && url.ptr[end - 1] != '/')
		end--;
	return end > begin ? end - 1 : begin;
}

/* Take "./" or "../", or the same at the end of the path, from its beginning.
 * @param up	set if it leads to the directory above */
static bool take_dots(struct text *url, size_t path, bool *up)
{
	size_t dots = 0, len;

	while (dots < path && dots < 3 && url->ptr[dots] == '.')
		dots++;
	len = dots + (dots < path);
	if (!dots || dots > 2 || (dots < path && url->ptr[dots] != '/'))
		return false;
	*up = dots == 2;
	url->ptr += len;
	url->len -= len;
	return true;
}

static size_t relative_path(struct text url)
{
	size_t len = 0;

	while (len < url.len && url.ptr[len] != '?' && url.ptr[len] != '#')
		len++;
	return len;
}

/* Against the URL of the script that runs; only dots at the beginning mean
 * anything (resolve_path() in core/uri.c of iPXE). */
bool sim_url_resolve(struct sim *sim, struct text url, struct sbuf *out)
{
	struct text base = { sbuf_text(&sim->directory), sim->directory.len };
	bool is_path = relative_path(url) && *url.ptr != '/', up;
	size_t begin, end;

	sbuf_reset(out);
	if (has_scheme(url)) {
		sbuf_add(out, url.ptr, url.len);
		return true;
	}
	if (!base.len)
		return false;
	begin = path_begin(base);
	end = path_end(base);
	if (is_path)
		end = parent(base, begin, end);
	else if (relative_path(url))
		end = begin;
	while (is_path && take_dots(&url, relative_path(url), &up))
		if (up)
			end = parent(base, begin, end);
	sbuf_add(out, base.ptr, end);
	if (is_path)
		sbuf_putc(out, '/');
	sbuf_add(out, url.ptr, url.len);
	return true;
}

/* The last part of the path; "img0", … where there is no path. */
void sim_url_name(struct sim *sim, struct text url, struct sbuf *out)
{
	size_t begin = path_begin(url), end = path_end(url);

	sbuf_reset(out);
	if (begin == url.len) {
		sbuf_printf(out, "img%u", sim->unnamed++);
		return;
	}
	for (size_t i = begin; i < end; i++)
		if (url.ptr[i] == '/')
			begin = i + 1;
	(void)sim_parse(sim, TYPE_URISTRING,
			(struct text){ url.ptr + begin, end - begin }, out);
}
