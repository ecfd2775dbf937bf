#include "matchbox.h"

#include "doc.h"
#include "source.h"

#include <ctype.h>

static bool is_url_character(char c)
{
	return (unsigned char)c > ' ' && !strchr("\"'`<>\\", c);
}

/* The URL around a "://"; what is left of the text if it has no end. */
static struct text url_around(struct text text, size_t at)
{
	size_t begin = at, end = at;

	while (begin && is_url_character(text.ptr[begin - 1]))
		begin--;
	while (end < text.len && is_url_character(text.ptr[end]))
		end++;
	return (struct text){ text.ptr + begin, end - begin };
}

/* The next URL at or after *pos, which is moved behind it. */
static bool url_next(struct text text, size_t *pos, struct text *ret_url)
{
	for (size_t i = *pos; i + 3 <= text.len; i++) {
		if (memcmp(text.ptr + i, "://", 3) != 0)
			continue;
		*ret_url = url_around(text, i);
		*pos = (size_t)(ret_url->ptr - text.ptr) + ret_url->len;
		return true;
	}
	return false;
}

/* --------------------------------------------------------------- replacing -- */

/* `key=value&key=value`, whole. */
static bool labels_of(struct matchbox *mb, struct text query,
		      struct mb_labels *ret)
{
	const char *end = query.ptr + query.len;

	for (const char *p = query.ptr; p < end;) {
		const char *amp = memchr(p, '&', (size_t)(end - p));
		const char *stop = amp ? amp : end;
		const char *equals = memchr(p, '=', (size_t)(stop - p));

		if (!equals || equals == p || amp == end - 1)
			return false;
		*vec_push(mb->im->arena, ret) = (struct mb_label){
			.key = { p, (size_t)(equals - p) },
			.value = { equals + 1, (size_t)(stop - equals - 1) },
		};
		p = stop + 1;
	}
	return ret->count;
}

/* Whether the server, which is not told who asks, answers what it would if it
 * were: only then can the answer lie in the initrd beside the question. */
static bool same_for_all(struct matchbox *mb, const struct mb_profile *booted,
			 const struct mb_labels *labels, size_t role)
{
	const struct mb_group *answer = matchbox_match(mb, labels);
	const struct mb_node *node;

	for (size_t i = 0; (node = matchbox_machine(mb, i)); i++)
		if (node->by_role[0] && node->by_role[0]->boots == booted &&
		    node->by_role[role] != answer)
			return false;
	return answer;
}

/* What stands for `http://SERVER/ignition?os=installed`; ptr NULL: nothing. */
static struct text replacement(struct matchbox *mb, struct mb_profile *booted,
			       struct text url)
{
	const char *mark = memchr(url.ptr, '?', url.len);
	struct mb_labels labels = { 0 };
	struct text query;
	size_t role;

	if (!mark || memmem(url.ptr, url.len, "{{", 2))
		return (struct text){ 0 };
	query = (struct text){ mark + 1,
			       (size_t)(url.ptr + url.len - mark - 1) };
	if (!labels_of(mb, query, &labels))
		return (struct text){ 0 };
	role = matchbox_role(mb, &labels);
	if (!role || !same_for_all(mb, booted, &labels, role))
		return (struct text){ 0 };
	return matchbox_later(mb, booted, matchbox_endpoint(url), &labels);
}

void matchbox_replace_urls(struct matchbox *mb, struct mb_profile *booted,
			   struct text text, struct sbuf *out)
{
	size_t from = 0, pos = 0;
	struct text url;

	while (url_next(text, &pos, &url)) {
		struct text by = replacement(mb, booted, url);

		if (!by.ptr)
			continue;
		sbuf_add(out, text.ptr + from,
			 (size_t)(url.ptr - text.ptr) - from);
		sbuf_add(out, by.ptr, by.len);
		from = pos;
		*map_at(&mb->replaced, url) = mb;
	}
	sbuf_add(out, text.ptr + from, text.len - from);
}

/* --------------------------------------------------------------- reporting -- */

static bool points_to_matchbox(struct text url)
{
	static const char *const paths[] = { "/ignition", "/cloud?",
					     "/generic?", "/metadata?",
					     "/assets/" };

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		if (memmem(url.ptr, url.len, paths[i], strlen(paths[i])))
			return true;
	return false;
}

/* The template has had it replaced, or it has been reported. */
static bool asks_for_request(struct text url)
{
	return memmem(url.ptr, url.len, "{{", 2) &&
	       memmem(url.ptr, url.len, "query", 5);
}

/**
 * Report each URL of the old server in a text.
 *
 * @param at	where the text begins in its source
 * @param what	what to call the text; NULL: the place of the URL says it
 */
static void find_urls(struct matchbox *mb, struct text text, struct span at,
		      const char *what)
{
	size_t pos = 0;
	struct text url;

	while (url_next(text, &pos, &url)) {
		struct span here = at;

		if (!points_to_matchbox(url) || asks_for_request(url) ||
		    *map_at(&mb->replaced, url))
			continue;
		if (!what)
			here.begin += (uint32_t)(url.ptr - text.ptr);
		import_find(mb->im, FATE_TODO, here, NULL,
			    "%s%s%.*s is a URL of the old server",
			    what ? what : "", what ? ": " : "", (int)url.len,
			    url.ptr);
	}
}

static bool is_printed(struct matchbox *mb, struct text key)
{
	for (size_t r = 0; r < mb->roles.count; r++)
		if (*map_at(&mb->printed, matchbox_variable(mb, r, key)))
			return true;
	return false;
}

/* ------------------------------------------- what Ignition holds in itself -- */

static int hex_digit(char c)
{
	if (isdigit((unsigned char)c))
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void percent_decode(struct text from, struct sbuf *out)
{
	for (size_t i = 0; i < from.len; i++) {
		int high = i + 2 < from.len ? hex_digit(from.ptr[i + 1]) : -1;
		int low = i + 2 < from.len ? hex_digit(from.ptr[i + 2]) : -1;
		char c = from.ptr[i];

		if (c == '%' && high >= 0 && low >= 0) {
			c = (char)(high << 4 | low);
			i += 2;
		}
		sbuf_putc(out, c);
	}
}

static void base64_decode(struct text from, struct sbuf *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned bits = 0, count = 0;

	for (size_t i = 0; i < from.len; i++) {
		const char *digit = strchr(digits, from.ptr[i]);

		if (!digit || !*digit)
			return;
		bits = bits << 6 | (unsigned)(digit - digits);
		if (++count % 4 == 1)
			continue;
		sbuf_putc(out, (char)(bits >> (6 - 2 * ((count - 1) % 4))));
	}
}

/* A "data:" URL of RFC 2397, from behind its colon. */
static void find_urls_inside(struct matchbox *mb, struct text data,
			     struct span at)
{
	static const char base64[] = ";base64";
	const char *comma = memchr(data.ptr, ',', data.len);
	struct sbuf out = { 0 };
	struct text body;
	size_t head;

	if (!comma)
		return;
	head = (size_t)(comma - data.ptr);
	body = (struct text){ comma + 1, data.len - head - 1 };
	if (memmem(data.ptr, head, base64, strlen(base64)))
		base64_decode(body, &out);
	else
		percent_decode(body, &out);
	if (out.len > 2 && memcmp(out.ptr, "\x1f\x8b", 2) == 0)
		import_find(mb->im, FATE_TODO, at, NULL,
			    "compressed text, in which URLs of the old server "
			    "were not looked for");
	else if (out.len) /* kept, for URLs in it are remembered */
		find_urls(mb, import_text(mb->im, &out), at, "in this text");
	sbuf_release(&out);
}

static void find_data(struct matchbox *mb, const struct source *source)
{
	struct text text = source->bytes;

	for (size_t i = 0; i + 6 <= text.len; i++) {
		struct text data = { text.ptr + i + 6, 0 };
		size_t left = text.len - i - 6;

		if (memcmp(text.ptr + i, "\"data:", 6) != 0)
			continue;
		while (data.len < left && data.ptr[data.len] != '"')
			data.len++;
		find_urls_inside(mb, data,
				 (struct span){ source, (uint32_t)i + 1, 0 });
		i += data.len;
	}
}

void matchbox_report_urls(struct matchbox *mb)
{
	vec_foreach (struct mb_group, g, &mb->groups) {
		for (size_t i = 0; g->metadata && i < g->metadata->count; i++) {
			const struct doc_pair *pair = &g->metadata->pairs[i];

			if (pair->value->kind == DOC_SCALAR &&
			    is_printed(mb, pair->key))
				find_urls(mb, pair->value->text, pair->key_at,
					  pair->key.ptr);
		}
	}
	vec_foreach (struct mb_template, t, &mb->templates) {
		struct span at = { t->file->source, 0, 0 };

		if (!t->used)
			continue;
		find_urls(mb, t->file->source->bytes, at, NULL);
		if (t->verbatim)
			find_data(mb, t->file->source);
	}
}
