#include "import.h"

#include "doc.h"
#include "quote.h"
#include "value.h"

#include <ctype.h>

void import_indent(struct sbuf *out, size_t count)
{
	while (count--)
		sbuf_putc(out, ' ');
}

struct text import_text(struct import *im, const struct sbuf *sb)
{
	return (struct text){ arena_copy(im->arena, sbuf_text(sb), sb->len),
			      sb->len };
}

/* ------------------------------------------------------------ scalars -- */

/* What YAML would not take for a text, or would not take at all. */
static bool is_plain(struct text text)
{
	static const char *const words[] = { "true", "false", "yes", "no",
					     "on",   "off",   "null" };

	if (!text.len || text.len > 200 ||
	    !(isalnum((unsigned char)text.ptr[0]) ||
	      (text.ptr[0] && strchr("/._", text.ptr[0]))))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if (!isalnum(c) && !(c && strchr("/._-=:+@", c)))
			return false;
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (text_is(text, words[i]))
			return false;
	return text.ptr[text.len - 1] != ':';
}

/* A number, or a time of day as YAML 1.1 has it: 52:54:00. */
static bool looks_like_a_number(struct text text)
{
	size_t dots = 0;

	for (size_t i = 0; i < text.len; i++) {
		dots += text.ptr[i] == '.';
		if (!isdigit((unsigned char)text.ptr[i]) &&
		    !strchr("+-._:xeE", text.ptr[i]))
			return false;
	}
	return dots < 2;
}

void import_put_scalar(struct sbuf *out, struct text text)
{
	if (is_plain(text) && !looks_like_a_number(text))
		sbuf_add(out, text.ptr, text.len);
	else
		quote_json(out, text);
}

/* -------------------------------------------------------------- values -- */

static bool is_scalar(const struct doc *doc)
{
	return doc->kind == DOC_SCALAR || doc->kind == DOC_NULL;
}

static void put_leaf(struct sbuf *out, const struct doc *doc)
{
	if (doc->kind == DOC_NULL)
		sbuf_puts(out, "null");
	else if (doc->plain) /* a number or a boolean, as it was written */
		sbuf_add(out, doc->text.ptr, doc->text.len);
	else
		import_put_scalar(out, doc->text);
}

static void put_list(struct sbuf *out, const struct doc *list, size_t indent)
{
	sbuf_putc(out, '\n');
	for (size_t i = 0; i < list->count; i++) {
		const struct doc *item = list->items[i];

		import_indent(out, indent + 2);
		sbuf_putc(out, '-');
		import_put_value(out, item, indent + 2);
	}
}

void import_put_value(struct sbuf *out, const struct doc *value, size_t indent)
{
	if (is_scalar(value)) {
		sbuf_putc(out, ' ');
		put_leaf(out, value);
		sbuf_putc(out, '\n');
	} else if (!value->count) {
		sbuf_puts(out, value->kind == DOC_LIST ? " []\n" : " {}\n");
	} else if (value->kind == DOC_LIST) {
		put_list(out, value, indent);
	} else {
		sbuf_putc(out, '\n');
		for (size_t i = 0; i < value->count; i++)
			import_put_pair(out, value->pairs[i].key,
					value->pairs[i].value, indent + 2);
	}
}

void import_put_pair(struct sbuf *out, struct text key, const struct doc *value,
		     size_t indent)
{
	import_indent(out, indent);
	import_put_scalar(out, key);
	sbuf_putc(out, ':');
	import_put_value(out, value, indent);
}

/* --------------------------------------------------------------- names -- */

/* Only what value_name() allows, in lower case or not as it was. */
static struct text legal_name(struct import *im, struct text wanted,
			      const char *fallback)
{
	struct sbuf name = { 0 };
	struct text result;

	for (size_t i = 0; i < wanted.len && name.len < 56; i++) {
		unsigned char c = (unsigned char)wanted.ptr[i];
		bool good = c && c < 0x80 && (isalnum(c) || strchr("-_.", c));

		if (!good)
			c = '-';
		if (name.len || isalnum(c))
			sbuf_putc(&name, (char)c);
	}
	while (name.len && !isalnum((unsigned char)name.ptr[name.len - 1]))
		name.len--;
	result = name.len ? import_text(im, &name) : text_of(fallback);
	sbuf_release(&name);
	return result;
}

struct text import_name(struct import *im, struct map *taken,
			struct text wanted, const char *fallback)
{
	struct text name = legal_name(im, wanted, fallback), base = name;

	taken->arena = im->arena;
	for (size_t n = 2; *map_at(taken, name); n++)
		name = text_of(arena_printf(im->arena, "%.*s-%zu",
					    (int)base.len, base.ptr, n));
	*map_at(taken, name) = im;
	return name;
}
