#include "rules.h"

#include "arena.h"
#include "sbuf.h"

/* As arch.h has them. */
static const char *const archs[] = { "x86_64", "arm64", NULL };
static const char *const platforms[] = { "pcbios", "efi", NULL };

static const struct {
	const char *word;
	const char *const *values; /* that it may have; NULL: any text */
	size_t digits;             /* of all values, in hex; 0: none */
} rows[TRAITS] = {
	[TRAIT_ARCH] = { "arch", archs, 0 },
	[TRAIT_PLATFORM] = { "platform", platforms, 0 },
	[TRAIT_MANUFACTURER] = { "manufacturer", NULL, 0 },
	[TRAIT_PRODUCT] = { "product", NULL, 0 },
	[TRAIT_SERIAL] = { "serial", NULL, 0 },
	[TRAIT_ASSET] = { "asset", NULL, 0 },
	[TRAIT_UUID] = { "uuid", NULL, UUID_DIGITS },
	[TRAIT_MAC] = { "mac", NULL, MAC_DIGITS },
};

const char *trait_word(enum trait trait)
{
	return rows[trait].word;
}

bool trait_is_hex(enum trait trait)
{
	return rows[trait].digits;
}

const char *trait_value(enum trait trait, size_t i)
{
	return rows[trait].values ? rows[trait].values[i] : NULL;
}

/* ---------------------------------------------------------- matching -- */

static bool begins_with(struct text text, struct text prefix)
{
	return text.len >= prefix.len &&
	       memcmp(text.ptr, prefix.ptr, prefix.len) == 0;
}

/* "*" alone does not stand for nothing. */
bool pattern_holds(const struct pattern *pattern, struct text text)
{
	if (!text.len)
		return false;
	return pattern->open ? begins_with(text, pattern->text)
			     : text_equal(text, pattern->text);
}

static bool any_holds(const struct match *match, struct text text)
{
	for (size_t i = 0; i < match->count; i++)
		if (pattern_holds(&match->any[i], text))
			return true;
	return false;
}

static bool match_holds(const struct match *match, enum trait trait,
			const struct traits *traits)
{
	if (!match->count || any_holds(match, traits->of[trait]))
		return true;
	for (size_t i = 0; trait == TRAIT_MAC && i < traits->more_mac_count;
	     i++)
		if (any_holds(match, traits->more_macs[i]))
			return true;
	return false;
}

bool rule_holds(const struct rule *rule, const struct traits *traits)
{
	for (enum trait t = TRAIT_ARCH; t < TRAITS; t++)
		if (!match_holds(&rule->matches[t], t, traits))
			return false;
	return true;
}

const struct rule *rule_of(const struct site *site, const struct traits *traits)
{
	for (size_t i = 0; i < site->rule_count; i++)
		if (rule_holds(&site->rules[i], traits))
			return &site->rules[i];
	return NULL;
}

static bool pattern_covers(const struct pattern *pattern,
			   const struct pattern *other)
{
	return pattern->open
		       ? begins_with(other->text, pattern->text)
		       : !other->open && text_equal(pattern->text, other->text);
}

static bool match_covers(const struct match *match, const struct match *other)
{
	if (!match->count)
		return true;
	for (size_t i = 0; i < other->count; i++) {
		bool covered = false;

		for (size_t j = 0; j < match->count && !covered; j++)
			covered =
				pattern_covers(&match->any[j], &other->any[i]);
		if (!covered)
			return false;
	}
	return other->count;
}

bool rule_covers(const struct rule *rule, const struct rule *other)
{
	for (size_t t = 0; t < TRAITS; t++)
		if (!match_covers(&rule->matches[t], &other->matches[t]))
			return false;
	return true;
}

/* ---------------------------------------------------------- strangers -- */

static struct text identity(struct arena *arena, enum trait trait,
			    struct text value)
{
	struct sbuf key = { 0 };
	struct text text;

	sbuf_printf(&key, "%s=", trait_word(trait));
	for (size_t i = 0; i < value.len; i++)
		if (!trait_is_hex(trait) ||
		    (value.ptr[i] != ':' && value.ptr[i] != '-'))
			sbuf_putc(&key, value.ptr[i]);
	text = (struct text){ arena_copy(arena, key.ptr, key.len), key.len };
	sbuf_release(&key);
	return text;
}

static void add_identity(struct strangers *s, enum trait trait,
			 struct text value)
{
	if (value.ptr)
		*map_at(&s->nodes, identity(s->arena, trait, value)) = s;
}

void strangers_init(struct strangers *strangers, struct arena *arena,
		    const struct site *site)
{
	*strangers = (struct strangers){ .arena = arena, .site = site };
	strangers->nodes.arena = arena;
	for (size_t i = 0; site->rule_count && i < site->node_count; i++) {
		const struct node *node = &site->nodes[i];

		for (size_t m = 0; m < node->mac_count; m++)
			add_identity(strangers, TRAIT_MAC, node->macs[m].text);
		add_identity(strangers, TRAIT_UUID, node->uuid.text);
		add_identity(strangers, TRAIT_SERIAL, node->serial.text);
		add_identity(strangers, TRAIT_ASSET, node->asset.text);
	}
}

static bool is_node(const struct strangers *s, enum trait trait,
		    struct text value)
{
	return value.ptr &&
	       map_find(&s->nodes, identity(s->arena, trait, value));
}

bool is_stranger(const struct strangers *strangers, const struct traits *traits)
{
	static const enum trait identities[] = { TRAIT_MAC, TRAIT_UUID,
						 TRAIT_SERIAL, TRAIT_ASSET };

	for (size_t i = 0; i < sizeof(identities) / sizeof(*identities); i++)
		if (is_node(strangers, identities[i],
			    traits->of[identities[i]]))
			return false;
	for (size_t i = 0; i < traits->more_mac_count; i++)
		if (is_node(strangers, TRAIT_MAC, traits->more_macs[i]))
			return false;
	return true;
}

/* ----------------------------------------------------------- examples -- */

bool is_machine(const struct traits *traits)
{
	return !text_is(traits->of[TRAIT_ARCH], "arm64") ||
	       !text_is(traits->of[TRAIT_PLATFORM], "pcbios");
}

/* Machines that are tried before a rule is taken for one that none comes to;
 * and letters in the place of the "*" of a pattern. */
enum { TRIES_MAX = 100000, EXTENSION_MAX = 4 };

struct search {
	struct strangers *strangers;
	const struct rule *rule; /* or NULL */
	struct text *candidates[TRAITS];
	size_t counts[TRAITS];
};

/* How an earlier pattern stands to a text that is in the making. */
enum standing { STANDS_APART, STANDS_BELOW, HOLDS_FOR_ALL };

static enum standing standing_of(const struct pattern *pattern,
				 struct text text)
{
	if (pattern->open && begins_with(text, pattern->text))
		return HOLDS_FOR_ALL;
	return begins_with(pattern->text, text) ? STANDS_BELOW : STANDS_APART;
}

/* @param from	patterns that hold for it do not count: the text of which this
 *		is made */
static enum standing worst_standing(const struct search *s, enum trait trait,
				    struct text text, size_t from)
{
	const struct site *site = s->strangers->site;
	size_t before = s->rule ? s->rule->number - 1 : site->rule_count;
	enum standing worst = STANDS_APART;

	for (size_t i = 0; i < before; i++) {
		const struct match *match = &site->rules[i].matches[trait];

		for (size_t j = 0; j < match->count; j++) {
			enum standing standing =
				standing_of(&match->any[j], text);

			if (match->any[j].text.len > from && standing > worst)
				worst = standing;
		}
	}
	return worst;
}

/* What no pattern looks at any more, so that it is no node's.
 * @return the length of all of it; 0 if there is nothing such */
static size_t complete(const struct search *s, enum trait trait, char *text,
		       size_t len)
{
	static const char digits[] = "0123456789abcdef";
	size_t all = rows[trait].digits ? rows[trait].digits : len;
	size_t last = len == all ? 1 : 0x10000;

	for (size_t n = 0; n < last; n++) {
		for (size_t i = len; i < all; i++) {
			size_t shift = 4 * (all - 1 - i);

			text[i] =
				digits[shift < 16 ? (n + 1) >> shift & 15 : 0];
		}
		if (!is_node(s->strangers, trait, (struct text){ text, all }))
			return all;
	}
	return 0;
}

/* Go on with letters behind which no earlier pattern looks.
 *
 * @param len	of the text so far
 * @param from	what it was when this began
 * @param most	letters that it may have
 * @return the new length; 0 if there are none */
static size_t extend(const struct search *s, enum trait trait, char *text,
		     size_t len, size_t from, size_t most)
{
	/* The second digit of a MAC address is even: no multicast. */
	const char *letters = trait_is_hex(trait)
				      ? "2468ace013579bdf"
				      : "~-xyzXYZ0123456789abcdefghijklmnopqrst"
					"uvwABCDEFGHIJKLMNOPQRSTUVW .,_+()";
	size_t usable = trait == TRAIT_MAC && len == 1 ? 8 : strlen(letters);
	size_t made = 0;

	for (size_t i = 0; i < usable && len < most && !made; i++) {
		text[len] = letters[i];
		if (worst_standing(s, trait, (struct text){ text, len + 1 },
				   from) == STANDS_APART)
			made = complete(s, trait, text, len + 1);
	}
	for (size_t i = 0; i < usable && len < most && !made; i++) {
		text[len] = letters[i];
		if (worst_standing(s, trait, (struct text){ text, len + 1 },
				   from) == STANDS_BELOW)
			made = extend(s, trait, text, len + 1, from, most);
	}
	return made;
}

static void add_candidate(struct search *s, enum trait trait, struct text text)
{
	s->candidates[trait][s->counts[trait]++] = text;
}

/* Something that begins with a text. */
static void add_extended(struct search *s, enum trait trait, struct text text)
{
	size_t digits = rows[trait].digits;
	size_t most = digits ? digits : text.len + EXTENSION_MAX;
	char *made = arena_alloc(s->strangers->arena, most + 1);
	size_t len;

	memcpy(made, text.ptr, text.len);
	len = extend(s, trait, made, text.len, text.len, most);
	made[len] = '\0';
	if (len)
		add_candidate(s, trait, (struct text){ made, len });
}

/* Of a trait that the rule is about. */
static void add_matching(struct search *s, enum trait trait,
			 const struct match *match)
{
	for (size_t i = 0; i < match->count; i++) {
		const struct pattern *pattern = &match->any[i];

		if (pattern->open)
			add_extended(s, trait, pattern->text);
		if (!pattern->open ||
		    (!rows[trait].digits && pattern->text.len))
			add_candidate(s, trait, pattern->text);
	}
}

/* What a machine may say of a trait, to be one for which the rule holds.
 * @param fixed	what it says; or NULL */
static void find_candidates(struct search *s, enum trait trait,
			    const char *fixed)
{
	const struct match *match = s->rule ? &s->rule->matches[trait] : NULL;
	const char *const *values = rows[trait].values;
	size_t room = 2 + 2 * (match ? match->count : 0);

	s->candidates[trait] =
		arena_new_array(s->strangers->arena, room, struct text);
	if (fixed)
		add_candidate(s, trait, text_of(fixed));
	else if (match && match->count)
		add_matching(s, trait, match);
	else if (values)
		for (size_t i = 0; values[i]; i++)
			add_candidate(s, trait, text_of(values[i]));
	else if (trait == TRAIT_MAC)
		add_extended(s, trait, TEXT(""));
	else
		add_candidate(s, trait, (struct text){ NULL, 0 });
}

/* The next of all combinations. @return false behind the last */
static bool turn(const struct search *s, size_t *at)
{
	for (size_t t = 0; t < TRAITS; t++) {
		if (++at[t] < s->counts[t])
			return true;
		at[t] = 0;
	}
	return false;
}

bool rule_example(struct strangers *strangers, const struct rule *rule,
		  const char *platform, const char *arch,
		  struct traits *ret_traits)
{
	struct search s = { .strangers = strangers, .rule = rule };
	size_t at[TRAITS] = { 0 };
	size_t tries = 0;

	for (enum trait t = TRAIT_ARCH; t < TRAITS; t++) {
		find_candidates(&s, t,
				t == TRAIT_PLATFORM ? platform
				: t == TRAIT_ARCH   ? arch
						    : NULL);
		if (!s.counts[t])
			return false;
	}
	do {
		struct traits traits = { .more_mac_count = 0 };

		for (size_t t = 0; t < TRAITS; t++)
			traits.of[t] = s.candidates[t][at[t]];
		if (is_machine(&traits) &&
		    rule_of(strangers->site, &traits) == rule &&
		    is_stranger(strangers, &traits)) {
			*ret_traits = traits;
			return true;
		}
	} while (turn(&s, at) && ++tries < TRIES_MAX);
	return false;
}
