#include "leases.h"

#include "source.h"

#include <strings.h>

/* A statement: words up to its `;`, or to the `{` of its block. */
struct statement {
	VEC(struct lease_word) words;
	enum lease_token end;
	struct span at; /* its end */
};

struct reader {
	struct leases *l;
	struct lease_lexer lexer;
};

static struct statement read_statement(struct reader *r)
{
	struct statement s = { 0 };

	for (;;) {
		struct lease_word word = lease_next(&r->lexer, r->l->im->arena);

		s.end = word.token;
		s.at = word.at;
		if (word.token != TOKEN_WORD)
			return s;
		*vec_push(r->l->im->arena, &s.words) = word;
	}
}

static bool word_is(const struct statement *s, size_t i, const char *word)
{
	return i < s->words.count &&
	       strcasecmp(s->words.at[i].text.ptr, word) == 0;
}

static struct text word_at(const struct statement *s, size_t i)
{
	return i < s->words.count ? s->words.at[i].text : TEXT("");
}

static void expect(struct reader *r, const struct statement *s,
		   const char *what)
{
	diag_at(r->l->im->ds, DIAG_E901, s->at, "expected %s", what);
}

/* Up to the `}` that closes what has just been opened. */
static void skip_block(struct reader *r, struct span at)
{
	size_t depth = 1;

	while (depth) {
		struct lease_word word = lease_next(&r->lexer, r->l->im->arena);

		depth += word.token == TOKEN_OPEN;
		depth -= word.token == TOKEN_CLOSE;
		if (word.token == TOKEN_END) {
			diag_at(r->l->im->ds, DIAG_E901, at,
				"this \"{\" has no \"}\"");
			return;
		}
	}
}

static void host_statement(struct reader *r, struct lease_host *host,
			   const struct statement *s)
{
	struct leases *l = r->l;

	if (word_is(s, 0, "hardware") && word_is(s, 1, "ethernet") &&
	    s->words.count == 3) {
		lease_mac(l, host, s->words.at[2].text, s->words.at[2].at);
	} else if (word_is(s, 0, "hardware")) {
		import_find(l->im, FATE_LOST, s->words.at[0].at, NULL,
			    "hardware that is no Ethernet");
	} else if (word_is(s, 0, "fixed-address") && s->words.count > 1) {
		for (size_t i = 1; i < s->words.count; i++)
			lease_ip(l, host, s->words.at[i].text,
				 s->words.at[i].at);
	} else if (s->words.count) {
		lease_ignore(l, s->words.at[0].at, s->words.at[0].text);
	}
}

/* `host NAME {` has been read. */
static void read_host(struct reader *r, const struct statement *head)
{
	struct lease_host host = { .at = head->words.at[0].at };
	bool deleted = false;

	if (head->words.count > 1)
		lease_name(&host, head->words.at[1].text, head->words.at[1].at);
	for (;;) {
		struct statement s = read_statement(r);

		if (s.end == TOKEN_CLOSE)
			break;
		if (s.end == TOKEN_END) {
			expect(r, head, "a \"}\" that closes this host");
			return;
		}
		if (s.end == TOKEN_OPEN) {
			skip_block(r, s.at);
			lease_ignore(r->l, s.at,
				     s.words.count ? s.words.at[0].text
						   : TEXT("{"));
			continue;
		}
		deleted = deleted || word_is(&s, 0, "deleted");
		host_statement(r, &host, &s);
	}
	if (!deleted)
		lease_add(r->l, &host);
}

static void read_file(struct leases *l, const struct source *source);

static void include(struct reader *r, const struct statement *s)
{
	const struct source *source = lease_include(
		r->l, r->lexer.source, word_at(s, 1), s->words.at[1].at);

	if (!source)
		return;
	r->l->depth++;
	read_file(r->l, source);
	r->l->depth--;
}

/* Blocks that hold hosts, or other blocks, are entered by going on. */
static void open_block(struct reader *r, const struct statement *s)
{
	if (word_is(s, 0, "host")) {
		read_host(r, s);
	} else if (word_is(s, 0, "lease") || word_is(s, 0, "lease6")) {
		/* A dynamic one, of dhcpd.leases: tomorrow somebody else's. */
		skip_block(r, s->at);
	} else if (word_is(s, 0, "subnet") && word_is(s, 2, "netmask")) {
		lease_subnet(r->l, word_at(s, 1), word_at(s, 3));
	}
}

static void read_file(struct leases *l, const struct source *source)
{
	struct reader r = { .l = l,
			    .lexer = { .source = source, .commas = true } };
	struct span open[64];
	size_t depth = 0;

	for (;;) {
		struct statement s = read_statement(&r);
		size_t errors = l->im->ds->errors;

		if (s.end == TOKEN_OPEN) {
			bool enters = !word_is(&s, 0, "host") &&
				      !word_is(&s, 0, "lease") &&
				      !word_is(&s, 0, "lease6");

			open_block(&r, &s);
			if (enters && depth < 64)
				open[depth] = s.at;
			depth += enters;
		} else if (s.end == TOKEN_SEMICOLON &&
			   word_is(&s, 0, "include") && s.words.count == 2) {
			include(&r, &s);
		} else if (s.end == TOKEN_CLOSE) {
			if (s.words.count || !depth) {
				expect(&r, &s,
				       s.words.count ? "a \";\" before this"
						     : "nothing to close here");
				return;
			}
			depth--;
		} else if (s.end == TOKEN_END) {
			if (s.words.count)
				expect(&r, &s, "a \";\" at the end");
			else if (depth)
				diag_at(l->im->ds, DIAG_E901,
					open[depth > 64 ? 63 : depth - 1],
					"this \"{\" has no \"}\"");
			return;
		}
		if (l->im->ds->errors > errors)
			return;
	}
}

void leases_dhcpd(struct leases *l, const struct source *source)
{
	read_file(l, source);
}
