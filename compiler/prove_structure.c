#include "prove_parts.h"

#include <stdio.h>

/* The lines of an order: they end where the next one begins. */
static struct text lines_of(const struct proof *p, const struct order *order)
{
	struct text script = p->plan->script;
	char label[32];
	size_t begin, end;

	if (is_remote(p->plan, order->members[0]))
		return p->order_script ? p->order_script->bytes : TEXT("");
	snprintf(label, sizeof(label), "order-%zu", order->number);
	begin = sim_script_find(p->script, text_of(label));
	snprintf(label, sizeof(label), "order-%zu", order->number + 1);
	end = sim_script_find(p->script, text_of(label));
	if (end == SIZE_MAX)
		end = sim_script_find(p->script, TEXT("order-unknown"));
	if (begin == SIZE_MAX || end == SIZE_MAX || begin > end)
		return TEXT("");
	return (struct text){ script.ptr + begin, end - begin };
}

static bool is_silent(struct text line)
{
	return !line.len || *line.ptr == '#' || has_prefix(line, "echo ");
}

/* How much of a line has a say in where it goes. */
static size_t meaning(struct text line)
{
	static const char *const data[] = { "set sum ", "set leaf ",
					    "set args " };

	for (size_t i = 0; i < sizeof(data) / sizeof(*data); i++)
		if (has_prefix(line, data[i]))
			return strlen(data[i]);
	return line.len;
}

/* Without the number of the order, which is in each label. */
static void put_line(struct sbuf *out, struct text line, const char *name)
{
	size_t len = strlen(name);

	line.len = meaning(line);
	for (const char *at; (at = memmem(line.ptr, line.len, name, len));) {
		sbuf_add(out, line.ptr, (size_t)(at - line.ptr));
		sbuf_puts(out, "order");
		line.len -= (size_t)(at - line.ptr) + len;
		line.ptr = at + len;
	}
	sbuf_add(out, line.ptr, line.len);
	sbuf_putc(out, '\n');
}

bool is_new_structure(struct proof *p, const struct order *order)
{
	struct text rest = lines_of(p, order), key;
	char name[32];

	/* Whose lines cannot be told is like no other. */
	if (!order->number || !rest.len)
		return true;
	snprintf(name, sizeof(name), "order-%zu", order->number);
	sbuf_reset(&p->lines);
	while (rest.len) {
		const char *feed = memchr(rest.ptr, '\n', rest.len);
		size_t len = feed ? (size_t)(feed - rest.ptr) : rest.len;
		struct text line = { rest.ptr, len };

		if (!is_silent(line))
			put_line(&p->lines, line, name);
		len += feed != NULL;
		rest = (struct text){ rest.ptr + len, rest.len - len };
	}
	key = (struct text){ p->lines.ptr, p->lines.len };
	if (map_find(&p->structures, key))
		return false;
	key.ptr = arena_copy(&p->arena, key.ptr, key.len);
	*map_at(&p->structures, key) = p;
	return true;
}
