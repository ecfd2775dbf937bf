#include "leases.h"

#include "source.h"

/* Words from the root of the configuration to one value. */
struct path {
	VEC(struct lease_word) words;
};

/* The mapping at hand: its lines follow each other, in both forms. */
struct reader {
	struct leases *l;
	struct lease_host host;
	struct text network; /* what makes the name of a mapping its own */
	bool disabled;
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
	if (r->host.name.text.ptr && r->disabled)
		import_find(r->l->im, FATE_LOST, r->host.at, NULL,
			    "a mapping that is disabled");
	else if (r->host.name.text.ptr)
		lease_add(r->l, &r->host);
	r->host = (struct lease_host){ 0 };
	r->disabled = false;
}

static void set_value(struct reader *r, const struct lease_word *key,
		      const struct lease_word *value)
{
	struct text word = key->text;

	if (text_is(word, "disable"))
		r->disabled = true;
	else if (!value)
		lease_ignore(r->l, key->at, word);
	else if (text_is(word, "mac-address") || text_is(word, "mac"))
		lease_mac(r->l, &r->host, value->text, value->at);
	else if (text_is(word, "ip-address"))
		lease_ip(r->l, &r->host, value->text, value->at);
	else
		lease_ignore(r->l, key->at, word);
}

/* One value of the configuration, or a block that has been opened. */
static void take(struct reader *r, const struct path *p)
{
	size_t server = find(p, "dhcp-server", 0);
	size_t subnet = server ? find(p, "subnet", server) : 0;
	size_t name = subnet ? find(p, "static-mapping", subnet) : 0;
	const struct lease_word *at = p->words.at;
	bool same;

	if (subnet)
		lease_subnet(r->l, at[subnet].text, TEXT(""));
	if (!name)
		return;
	same = r->host.name.text.ptr &&
	       text_equal(r->host.name.text, at[name].text) &&
	       text_equal(r->network, at[subnet].text);
	if (!same) {
		finish(r);
		r->host.at = at[name].at;
		r->network = at[subnet].text;
		lease_name(&r->host, at[name].text, at[name].at);
	}
	if (name + 1 < p->words.count)
		set_value(r, &at[name + 1],
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
	struct reader r = { .l = l };
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
