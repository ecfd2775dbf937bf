#include "resolve_parts.h"

#include "arena.h"
#include "doc.h"
#include "map.h"
#include "vec.h"

#include <arpa/inet.h>
#include <stdlib.h>

/* More would be a slip of the finger. */
enum { RANGE_NODES_MAX = 10000, RANGE_DIGITS_MAX = 6 };

/* "node-[01-40].lab": a name for each number. */
struct range {
	const struct doc_pair *pair;
	struct text before, after; /* what stands around the brackets */
	unsigned first, count;
	int digits; /* with zeros in front */
};

struct expansion {
	struct resolve *r;
	struct map seen; /* name -> its number in nodes + 1 */
	VEC(struct doc_pair) nodes;
};

static void bad_range(struct resolve *r, struct span at, const char *wrong)
{
	struct diag *d = diag_at(r->ds, DIAG_E313, at, "%s", wrong);

	diag_help(r->ds, d, "a range of names is written node-[01-40]");
}

static const char *read_number(const char *from, const char *end, unsigned *ret)
{
	const char *digit = from;

	*ret = 0;
	while (digit < end && *digit >= '0' && *digit <= '9' &&
	       digit - from < RANGE_DIGITS_MAX)
		*ret = 10 * *ret + (unsigned)(*digit++ - '0');
	return digit > from ? digit : NULL;
}

static bool range_parse(struct resolve *r, const struct doc_pair *pair,
			struct range *range)
{
	const char *name = pair->key.ptr, *end = name + pair->key.len;
	const char *open = memchr(name, '[', pair->key.len), *at;
	const char *dash = NULL, *close = NULL;
	unsigned last = 0;

	if ((at = read_number(open + 1, end, &range->first)) && *at == '-') {
		dash = at;
		close = read_number(dash + 1, end, &last);
	}
	if (!close || *close != ']' || dash - open != close - dash) {
		bad_range(r, pair->key_at,
			  "this is no range: two numbers of the same number "
			  "of digits are wanted between the brackets");
		return false;
	}
	if (last < range->first || last - range->first >= RANGE_NODES_MAX) {
		bad_range(r, pair->key_at,
			  last < range->first ? "this range counts down"
					      : "this range has more than "
						"10000 nodes");
		return false;
	}
	range->pair = pair;
	range->count = last - range->first + 1;
	range->digits = (int)(dash - open - 1);
	range->before = (struct text){ name, (size_t)(open - name) };
	range->after = (struct text){ close + 1, (size_t)(end - close - 1) };
	return true;
}

/* Keys whose list has one item for each node. */
static bool is_counted(struct text key)
{
	static const char *const keys[] = { "mac", "uuid", "serial", "asset" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (text_is(key, keys[i]))
			return true;
	return false;
}

static bool counts_fit(struct resolve *r, const struct range *range)
{
	const struct doc *said = range->pair->value;
	size_t errors = r->ds->errors;

	for (size_t i = 0; i < said->count; i++) {
		const struct doc_pair *pair = &said->pairs[i];
		struct diag *d;

		if (!is_counted(pair->key) ||
		    (pair->value->kind == DOC_LIST &&
		     pair->value->count == range->count))
			continue;
		d = diag_at(r->ds, DIAG_E313, pair->key_at,
			    "\"%s\" of %u nodes takes a list of as many, and "
			    "this has %zu",
			    pair->key.ptr, range->count,
			    pair->value->kind == DOC_LIST ? pair->value->count
							  : (size_t)1);
		diag_note_at(r->ds, d, range->pair->key_at, "the range");
	}
	return r->ds->errors == errors;
}

/* The address @p index behind the first one, in the same network. */
static struct doc *address_at(struct resolve *r, const struct doc *first,
			      unsigned index)
{
	struct doc *doc = arena_new(r->arena, struct doc);
	const char *slash = strchr(first->text.ptr, '/');
	char text[INET_ADDRSTRLEN] = "";
	size_t len =
		slash ? (size_t)(slash - first->text.ptr) : first->text.len;
	int prefix = slash ? atoi(slash + 1) : 0;
	uint32_t address, mask;
	struct in_addr in;

	*doc = *first;
	if (len >= sizeof(text) || prefix < 0 || prefix > 32)
		return doc; /* its parser has something to say */
	memcpy(text, first->text.ptr, len);
	if (inet_pton(AF_INET, text, &in) != 1)
		return doc;
	mask = prefix ? 0xffffffffu << (32 - prefix) : 0;
	address = ntohl(in.s_addr);
	if (((address + index) & mask) != (address & mask) ||
	    address + index < address)
		bad_range(r, first->at,
			  "the addresses of this range run out of the network "
			  "of the first");
	in.s_addr = htonl(address + index);
	inet_ntop(AF_INET, &in, text, sizeof(text));
	doc->text = text_of(
		arena_printf(r->arena, "%s%s", text, slash ? slash : ""));
	return doc;
}

/* What the node of one number says. */
static struct doc *node_said(struct resolve *r, const struct range *range,
			     unsigned index)
{
	const struct doc *said = range->pair->value;
	struct doc *node = arena_new(r->arena, struct doc);

	*node = (struct doc){ .kind = DOC_MAP, .at = said->at };
	doc_set_room(r->arena, node, said->count);
	for (size_t i = 0; i < said->count; i++) {
		struct doc_pair *pair = &node->pairs[i];

		*pair = said->pairs[i];
		if (is_counted(pair->key))
			pair->value = pair->value->items[index];
		else if (text_is(pair->key, "ip") &&
			 pair->value->kind == DOC_SCALAR)
			pair->value = address_at(r, pair->value, index);
	}
	doc_index(node);
	return node;
}

static void said_twice(struct resolve *r, struct span at, struct span other,
		       struct text name)
{
	struct diag *d =
		diag_at(r->ds, DIAG_E421, at,
			"node \"%s\" is said twice, by two ranges", name.ptr);

	diag_note_at(r->ds, d, other, "the other one");
}

static void add(struct expansion *e, const struct doc_pair *from,
		struct text name, struct doc *said)
{
	void **slot = map_at(&e->seen, name);
	uintptr_t other = (uintptr_t)*slot;

	if (other) {
		said_twice(e->r, from->key_at, e->nodes.at[other - 1].key_at,
			   name);
		return;
	}
	*vec_push(e->r->arena, &e->nodes) =
		(struct doc_pair){ name, from->key_at, said };
	*slot = (void *)(uintptr_t)e->nodes.count;
}

/* Keys of which one value takes the place of another, as on any two levels. */
static bool replaces(struct text key)
{
	static const char *const keys[] = { "phase", "profile", "boot",
					    "channel", "arch" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (text_is(key, keys[i]))
			return true;
	return false;
}

static struct text without_mark(struct text key)
{
	key.len -= key.len && key.ptr[key.len - 1] == '!';
	return key;
}

static const struct doc_pair *find_key(const struct doc *said, struct text key)
{
	for (size_t i = 0; i < said->count; i++)
		if (text_equal(without_mark(said->pairs[i].key),
			       without_mark(key)))
			return &said->pairs[i];
	return NULL;
}

/* What an entry of its own says of a node, before what its range says. */
static struct doc *lay_over(struct resolve *r, const struct doc_pair *own,
			    const struct doc *range)
{
	const struct doc *said = own->value;
	struct doc *node = arena_new(r->arena, struct doc);
	size_t count = 0;

	*node = (struct doc){ .kind = DOC_MAP, .at = said->at };
	doc_set_room(r->arena, node, said->count + range->count);
	for (size_t i = 0; i < said->count; i++) {
		const struct doc_pair *pair = &said->pairs[i];
		const struct doc_pair *other = find_key(range, pair->key);
		struct diag *d;

		node->pairs[count++] = *pair;
		if (!other || replaces(pair->key))
			continue;
		d = diag_at(r->ds, DIAG_E421, pair->key_at,
			    "\"%s\" of node \"%s\" is said by its range, too",
			    pair->key.ptr, own->key.ptr);
		diag_note_at(r->ds, d, other->key_at, "here");
	}
	for (size_t i = 0; i < range->count; i++)
		if (!find_key(said, range->pairs[i].key))
			node->pairs[count++] = range->pairs[i];
	node->count = count;
	doc_index(node);
	return node;
}

/* A node by its own name, which may be one of a range. */
static void add_own(struct expansion *e, const struct doc_pair *pair)
{
	uintptr_t number = (uintptr_t)*map_at(&e->seen, pair->key);

	if (number && pair->value->kind == DOC_MAP) {
		struct doc_pair *node = &e->nodes.at[number - 1];

		node->key_at = pair->key_at;
		node->value = lay_over(e->r, pair, node->value);
	} else if (number) {
		wrong_shape(e->r, pair->value, pair->key.ptr, "a map");
	} else {
		*vec_push(e->r->arena, &e->nodes) = *pair;
	}
}

static void add_range(struct expansion *e, const struct doc_pair *pair)
{
	struct resolve *r = e->r;
	struct range range;

	if (!range_parse(r, pair, &range))
		return;
	if (pair->value->kind != DOC_MAP) {
		wrong_shape(r, pair->value, pair->key.ptr, "a map");
		return;
	}
	if (!counts_fit(r, &range))
		return;
	for (unsigned i = 0; i < range.count; i++) {
		const char *name = arena_printf(
			r->arena, "%.*s%0*u%s", (int)range.before.len,
			range.before.ptr, range.digits, range.first + i,
			range.after.ptr);

		add(e, pair, text_of(name), node_said(r, &range, i));
	}
}

static bool is_range(struct text name)
{
	return memchr(name.ptr, '[', name.len) != NULL;
}

const struct doc *expand_ranges(struct resolve *r, const struct doc *nodes)
{
	struct expansion e = { .r = r, .seen = { .arena = r->arena } };
	struct doc *all;
	bool any = false;

	for (size_t i = 0; nodes->kind == DOC_MAP && i < nodes->count; i++)
		any = any || is_range(nodes->pairs[i].key);
	if (!any)
		return nodes;
	for (size_t i = 0; i < nodes->count; i++)
		if (is_range(nodes->pairs[i].key))
			add_range(&e, &nodes->pairs[i]);
	for (size_t i = 0; i < nodes->count; i++)
		if (!is_range(nodes->pairs[i].key))
			add_own(&e, &nodes->pairs[i]);
	all = arena_new(r->arena, struct doc);
	*all = (struct doc){ .kind = DOC_MAP,
			     .at = nodes->at,
			     .pairs = e.nodes.at,
			     .count = e.nodes.count };
	return all;
}
