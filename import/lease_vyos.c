#include "leases.h"

#include "sbuf.h"
#include "source.h"

/* Words from the root of the configuration to one value. */
struct path {
	VEC(struct lease_word) words;
};

/* A static mapping, whose lines may lie apart from each other. */
struct mapping {
	struct lease_host host;
	bool disabled;
};

struct reader {
	struct leases *l;
	VEC(struct mapping *) mappings; /* in the order of their first lines */
	struct map by_name;             /* "NETWORK SUBNET NAME" -> mapping */
};

/* Index of a word behind another one; 0 if there is none. */
static size_t find(const struct path *p, const char *word, size_t from)
{
	for (size_t i = from; i + 1 < p->words.count; i++)
		if (text_is(p->words.at[i].text, word))
			return i + 1;
	return 0;
}

static void finish(struct reader *r)
{
	for (size_t i = 0; i < r->mappings.count; i++) {
		const struct mapping *m = r->mappings.at[i];

		if (m->disabled)
			import_find(r->l->im, FATE_LOST, m->host.at, NULL,
				    "a mapping that is disabled");
		else
			lease_add(r->l, &m->host);
	}
}

static void set_value(struct reader *r, struct mapping *m,
		      const struct lease_word *key,
		      const struct lease_word *value)
{
	struct text word = key->text;

	if (text_is(word, "disable"))
		m->disabled = true;
	else if (!value)
		lease_ignore(r->l, key->at, word);
	else if (text_is(word, "mac-address") || text_is(word, "mac"))
		lease_mac(r->l, &m->host, value->text, value->at);
	else if (text_is(word, "ip-address"))
		lease_ip(r->l, &m->host, value->text, value->at);
	else
		lease_ignore(r->l, key->at, word);
}

/* @param name	index of its name among the words of a path */
static struct mapping *mapping_at(struct reader *r, const struct path *p,
				  size_t name)
{
	const struct lease_word *at = p->words.at;
	struct sbuf key = { 0 };
	struct mapping *m;
	void **slot;

	for (size_t i = 0; i <= name; i++)
		sbuf_printf(&key, "%s\n", at[i].text.ptr);
	slot = map_at(&r->by_name, import_text(r->l->im, &key));
	sbuf_release(&key);
	if (*slot)
		return *slot;
	m = arena_new(r->l->im->arena, struct mapping);
	*slot = m;
	*vec_push(r->l->im->arena, &r->mappings) = m;
	m->host.at = at[name].at;
	lease_name(&m->host, at[name].text, at[name].at);
	return m;
}

static void refuse_dhcpv6(struct reader *r, const struct lease_word *name)
{
	struct arena *arena = r->l->im->arena;
	void **slot = map_at(
		&r->by_name,
		text_of(arena_printf(arena, "DHCPv6 %s", name->text.ptr)));

	if (!*slot)
		import_find(r->l->im, FATE_LOST, name->at, NULL,
			    "%s: a host of DHCPv6, which has no IPv4 address",
			    name->text.ptr);
	*slot = r;
}

/* One value of the configuration, or a block that has been opened. */
static void take(struct reader *r, const struct path *p)
{
	size_t server = find(p, "dhcp-server", 0);
	size_t subnet = server ? find(p, "subnet", server) : 0;
	size_t name = subnet ? find(p, "static-mapping", subnet) : 0;
	size_t six = find(p, "dhcpv6-server", 0);
	const struct lease_word *at = p->words.at;
	struct mapping *m;

	six = six ? find(p, "static-mapping", six) : 0;
	if (six)
		refuse_dhcpv6(r, &at[six]);
	if (subnet)
		lease_subnet(r->l, at[subnet].text, TEXT(""));
	if (!name)
		return;
	m = mapping_at(r, p, name);
	if (name + 1 < p->words.count)
		set_value(r, m, &at[name + 1],
			  name + 2 < p->words.count ? &at[name + 2] : NULL);
}

/* Lengths of the path at each block that is open. */
struct blocks {
	struct {
		size_t words;
		struct span at;
	} open[64];
	size_t depth;
};

static bool open_block(struct reader *r, struct blocks *b, size_t words,
		       struct span at)
{
	if (b->depth == sizeof(b->open) / sizeof(*b->open)) {
		diag_at(r->l->im->ds, DIAG_E901, at,
			"too many blocks within each other");
		return false;
	}
	b->open[b->depth].words = words;
	b->open[b->depth++].at = at;
	return true;
}

static bool is_set_line(const struct path *p, size_t base)
{
	return !base && p->words.count && text_is(p->words.at[0].text, "set");
}

void leases_vyos(struct leases *l, const struct source *source)
{
	struct lease_lexer lexer = { .source = source, .lines = true };
	struct reader r = { .l = l, .by_name = { .arena = l->im->arena } };
	struct blocks blocks = { 0 };
	struct path path = { 0 };

	for (;;) {
		struct lease_word word = lease_next(&lexer, l->im->arena);
		size_t base =
			blocks.depth ? blocks.open[blocks.depth - 1].words : 0;

		if (word.token == TOKEN_WORD) {
			*vec_push(l->im->arena, &path.words) = word;
			continue;
		}
		if (path.words.count > base &&
		    (word.token == TOKEN_OPEN || blocks.depth ||
		     is_set_line(&path, base)))
			take(&r, &path);
		if (word.token == TOKEN_OPEN) {
			if (!open_block(&r, &blocks, path.words.count, word.at))
				return;
			continue;
		}
		if (word.token == TOKEN_CLOSE) {
			if (!blocks.depth) {
				diag_at(l->im->ds, DIAG_E901, word.at,
					"this \"}\" closes nothing");
				return;
			}
			blocks.depth--;
			base = blocks.depth
				       ? blocks.open[blocks.depth - 1].words
				       : 0;
		}
		path.words.count = base;
		if (word.token == TOKEN_END)
			break;
	}
	if (blocks.depth)
		diag_at(l->im->ds, DIAG_E901, blocks.open[blocks.depth - 1].at,
			"this \"{\" has no \"}\"");
	finish(&r);
}
