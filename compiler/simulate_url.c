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

/* Against the URL of the script that runs. */
bool sim_url_resolve(struct sim *sim, struct text url, struct sbuf *out)
{
	struct text base = { sbuf_text(&sim->directory), sim->directory.len };
	size_t end;

	sbuf_reset(out);
	if (has_scheme(url)) {
		sbuf_add(out, url.ptr, url.len);
		return true;
	}
	if (!base.len)
		return false;
	end = path_begin(base);
	if (!url.len || *url.ptr != '/') {
		if (memmem(url.ptr, url.len, "..", 2))
			sim_unmodelled(sim, "relative URL %.*s", (int)url.len,
				       url.ptr);
		for (size_t i = end; i < path_end(base); i++)
			if (base.ptr[i] == '/')
				end = i + 1;
	}
	sbuf_add(out, base.ptr, end);
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
