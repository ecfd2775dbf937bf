#include "load_parts.h"

#include "sbuf.h"

#include <ctype.h>

/* "\ud83d\ude00" */
enum { HALF_LEN = 6, PAIR_LEN = 12 };

/* What JSON may have outside of its strings: if there is anything else, it is
 * YAML, where a quote need not begin a string. */
static bool json_outside_string(char c)
{
	return isalnum((unsigned char)c) ||
	       (c && strchr(" \t\r\n{}[],:+-.", c));
}

/* The code unit of an escape with four digits; 0 if it is none. */
static unsigned long escape_unit(const char *s)
{
	unsigned long unit = 0;

	if (s[0] != '\\' || s[1] != 'u')
		return 0;
	for (size_t i = 2; i < HALF_LEN; i++) {
		unsigned char c = (unsigned char)s[i];

		if (!isxdigit(c))
			return 0;
		unit = unit << 4 |
		       (isdigit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	return unit;
}

/* The character of a pair of escapes; 0 if there is none here. */
static unsigned long escape_pair(const char *s)
{
	unsigned long high = escape_unit(s), low;

	if (high < 0xd800 || high > 0xdbff)
		return 0;
	low = escape_unit(s + HALF_LEN);
	if (low < 0xdc00 || low > 0xdfff)
		return 0;
	return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

static void put_utf8(struct sbuf *out, unsigned long code)
{
	sbuf_putc(out, (char)(0xf0 | code >> 18));
	sbuf_putc(out, (char)(0x80 | (code >> 12 & 0x3f)));
	sbuf_putc(out, (char)(0x80 | (code >> 6 & 0x3f)));
	sbuf_putc(out, (char)(0x80 | (code & 0x3f)));
}

/* @param at	behind the opening quote
 * @return behind the closing quote; NULL if there is none */
static const char *copy_string(const char *at, struct sbuf *out)
{
	size_t saved = 0;

	while (*at && *at != '"') {
		unsigned long code = escape_pair(at);

		if (code) {
			put_utf8(out, code);
			saved += PAIR_LEN - 1;
			at += PAIR_LEN;
			continue;
		}
		if (*at == '\\' && at[1])
			sbuf_putc(out, *at++);
		sbuf_putc(out, *at++);
	}
	if (!*at)
		return NULL;
	sbuf_putc(out, '"');
	while (saved--)
		sbuf_putc(out, ' ');
	return at + 1;
}

static bool has_pair(struct text bytes)
{
	const char *at = bytes.ptr, *end = at + bytes.len;

	while ((at = memchr(at, '\\', (size_t)(end - at)))) {
		if (escape_pair(at))
			return true;
		at++;
	}
	return false;
}

bool load_json_pairs(struct text bytes, struct sbuf *ret_bytes)
{
	const char *at = bytes.ptr;
	struct sbuf out = { 0 };

	if (!has_pair(bytes))
		return false;
	while (at && *at) {
		char c = *at++;

		sbuf_putc(&out, c);
		if (c == '"')
			at = copy_string(at, &out);
		else if (!json_outside_string(c))
			at = NULL;
	}
	if (at)
		*ret_bytes = out;
	else
		sbuf_release(&out);
	return at;
}

uint32_t load_json_string_end(const struct source *source, uint32_t begin)
{
	const char *s = source->bytes.ptr;
	uint32_t at = begin + 1;

	while (s[at] && s[at] != '"')
		at += s[at] == '\\' && s[at + 1] ? 2 : 1;
	return s[at] ? at + 1 : at;
}
