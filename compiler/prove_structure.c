#include "prove_parts.h"

#include <stdio.h>

enum { LABEL_BYTES = 48 };

/* Of the order that is so many behind another one. */
static void put_label(const struct order *order, size_t behind,
		      char label[static LABEL_BYTES])
{
	const struct rule *rule = order->members[0]->rule;

	snprintf(label, LABEL_BYTES, "order-%s%zu", rule ? "unknown-" : "",
		 (rule ? rule->number : order->number) + behind);
}

/* The lines of an order: they end where the next one begins. */
static struct text lines_of(const struct proof *p, const struct order *order)
{
	const struct machine *first = order->members[0];
	struct text script = p->plan->script;
	char label[LABEL_BYTES];
	size_t begin, end;

	if (!first->rule && is_remote(p->plan, first))
		return p->order_script ? p->order_script->bytes : TEXT("");
	put_label(order, 0, label);
	begin = sim_script_find(p->script, text_of(label));
	put_label(order, 1, label);
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

static bool is_digit(const char *at, const char *end)
{
	return at < end && *at >= '0' && *at <= '9';
}

/* Whether a text stands for nothing but itself, words of the order, and facts of
 * the machine: no operator is in it, and no name of another kind. */
static bool is_data(struct text text)
{
	const char *at = text.ptr, *end = text.ptr + text.len;

	if (memmem(text.ptr, text.len, " ||", 3) ||
	    memmem(text.ptr, text.len, " &&", 3))
		return false;
	while ((at = memmem(at, (size_t)(end - at), "${", 2))) {
		struct text rest = { at, (size_t)(end - at) };

		if (!has_prefix(rest, "${boot-") &&
		    !has_prefix(rest, "${args}") &&
		    !(has_prefix(rest, "${v") && is_digit(at + 3, end)))
			return false;
		at += 2;
	}
	return true;
}

/* How much of a line has a say in where it goes. */
static size_t meaning(struct text line)
{
	static const char *const data[] = { "set sum ", "set leaf ",
					    "set args ", "set drive ",
					    "set initiator-iqn " };

	for (size_t i = 0; i < sizeof(data) / sizeof(*data); i++)
		if (has_prefix(line, data[i]) && is_data(line))
			return strlen(data[i]);
	return line.len;
}

/* Without the number of the order, which is in each label. */
static void put_line(struct sbuf *out, struct text line, const char *name)
{
	size_t len = strlen(name);

	line.len = meaning(line);
	for (const char *at; (at = memmem(line.ptr, line.len, name, len));) {
		size_t used = (size_t)(at - line.ptr) + len;

		sbuf_add(out, line.ptr, used);
		if (!is_digit(at + len, line.ptr + line.len))
			out->len -= len - strlen("order");
		line = (struct text){ line.ptr + used, line.len - used };
	}
	sbuf_add(out, line.ptr, line.len);
	sbuf_putc(out, '\n');
}

/* What all orders of the same lines have in p->lines. */
static void put_lines(struct proof *p, const struct order *order)
{
	struct text rest = lines_of(p, order);
	char name[LABEL_BYTES];

	put_label(order, 0, name);
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
}

/* The number of a text: the same for the same text. */
static size_t number_of(struct proof *p, struct map *map, struct text text)
{
	void **slot = map_find(map, text);

	if (slot)
		return (size_t)(uintptr_t)*slot;
	text.ptr = arena_copy(&p->arena, text.ptr, text.len);
	*map_at(map, text) = (void *)(uintptr_t)++p->structure_count;
	return p->structure_count;
}

void structure_begin(struct proof *p, const struct order *order)
{
	p->structure = 0;
	sbuf_reset(&p->shape);
	put_lines(p, order);
	/* Whose lines cannot be told is like no other. */
	if ((order->number || order->members[0]->rule) && p->lines.len)
		p->structure =
			number_of(p, &p->structures,
				  (struct text){ p->lines.ptr, p->lines.len });
}

static bool is_own_card(const struct node *node, struct text nic)
{
	for (size_t i = 0; i < node->mac_count; i++)
		if (text_equal(node->macs[i].text, nic))
			return true;
	return false;
}

/* For which kinds of machines a rule is, since others do not come to its order;
 * and what it is about, since that is never another thing in the proof. */
static void put_rule(struct sbuf *out, const struct rule *rule)
{
	sbuf_puts(out, "rule");
	for (enum trait t = TRAIT_ARCH; t < TRAITS; t++) {
		const struct match *match = &rule->matches[t];

		if (match->count)
			sbuf_printf(out, " %s", trait_word(t));
		for (size_t i = 0; trait_value(t, 0) && i < match->count; i++)
			sbuf_printf(out, " %s", match->any[i].text.ptr);
	}
}

/* What of a machine has a say in which lines it comes to, on its way online and
 * when it says who it is: not what its addresses are, but whether it has them. */
static void put_shape(struct sbuf *out, const struct uplink *uplink,
		      const struct node *node)
{
	bool has[] = { uplink->ip.ptr,        uplink->gateway.ptr,
		       uplink->dns.ptr,       uplink->vlan.ptr,
		       uplink->ntp.ptr,       node->mac_count > 0,
		       node->mac_count > 1,   node->uuid.text.ptr,
		       node->serial.text.ptr, node->asset.text.ptr };

	for (size_t i = 0; i < sizeof(has) / sizeof(*has); i++)
		sbuf_putc(out, has[i] ? '1' : '0');
	for (size_t i = 0; i < uplink->nic_count; i++) {
		struct text nic = uplink->nics[i];

		sbuf_putc(out, ' ');
		if (has_prefix(nic, "net"))
			sbuf_add(out, nic.ptr, nic.len);
		else
			sbuf_puts(out,
				  is_own_card(node, nic) ? "own" : "other");
	}
}

bool is_new_structure(struct proof *p, const struct machine *machine)
{
	const struct uplink *uplink =
		is_remote(p->plan, machine) ? p->plan->effective->unknown.uplink
					    : machine->uplink;
	size_t before = p->structure_count;

	if (!p->structure)
		return true;
	sbuf_reset(&p->lines);
	sbuf_printf(&p->lines, "%zu ", p->structure);
	if (machine->rule)
		put_rule(&p->lines, machine->rule);
	else
		put_shape(&p->lines, uplink, machine->node);
	if (p->lines.len == p->shape.len &&
	    memcmp(p->lines.ptr, p->shape.ptr, p->shape.len) == 0)
		return false;
	sbuf_reset(&p->shape);
	sbuf_add(&p->shape, p->lines.ptr, p->lines.len);
	return number_of(p, &p->structures,
			 (struct text){ p->lines.ptr, p->lines.len }) > before;
}

/* ---------------------------------------------------------- witnesses -- */

/* A word in the place of another one is seen where the two are not the same, and
 * one that never changes where it should have. */
static bool tells_more(const struct witnesses *w, const struct text *words,
		       size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!text_equal(words[i], words[w->alike[i]]) ||
		    (!w->varied[i] && !text_equal(words[i], w->first[i])))
			return true;
	return false;
}

static void take_witness(struct witnesses *w, const struct text *words,
			 size_t count)
{
	memcpy(w->before, w->alike, count * sizeof(*w->before));
	for (size_t i = 0; i < count; i++) {
		size_t other = 0;

		while (w->before[other] != w->before[i] ||
		       !text_equal(words[other], words[i]))
			other++;
		w->alike[i] = other;
		w->varied[i] =
			w->varied[i] || !text_equal(words[i], w->first[i]);
	}
}

bool is_witness(struct proof *p, const struct order *order, size_t member)
{
	struct witnesses *w = &p->witnesses;
	size_t count = order->word_count;

	plan_words(order->members[member], p->words);
	if (member == 0) {
		memset(w->alike, 0, count * sizeof(*w->alike));
		memset(w->varied, 0, count * sizeof(*w->varied));
		memcpy(w->first, p->words, count * sizeof(*w->first));
	} else if (!tells_more(w, p->words, count)) {
		return false;
	}
	take_witness(w, p->words, count);
	return true;
}

void witnesses_init(struct witnesses *w, struct arena *arena, size_t words_max)
{
	w->first = arena_new_array(arena, words_max, struct text);
	w->alike = arena_new_array(arena, words_max, size_t);
	w->before = arena_new_array(arena, words_max, size_t);
	w->varied = arena_new_array(arena, words_max, bool);
}
