#include "resolve_parts.h"

#include "arena.h"
#include "doc.h"
#include "rules.h"
#include "value.h"

/* ---------------------------------------------------------- patterns -- */

/* What is left of "Dell*" for a parser of the trait. */
struct draft {
	struct text text; /* without the "*" */
	bool open;        /* whether one was there */
};

/* @return what is wrong, to follow the value; NULL: nothing */
typedef const char *(*pattern_fn)(struct arena *arena, struct draft draft,
				  struct text *ret);

static const char only_at_end[] =
	"holds a \"*\", \"?\" or \"[\" elsewhere than one \"*\" at its end: "
	"iPXE can compare the beginning of a value or all of it, no other part "
	"(write %2A, %3F or %5B for such a character)";

static const char *parse_tag_pattern(struct arena *arena, struct draft draft,
				     struct text *ret)
{
	const char *wrong;

	for (size_t i = 0; i < draft.text.len; i++)
		if (strchr("*?[", draft.text.ptr[i]))
			return only_at_end;
	wrong = value_plain(arena, draft.text, ret);
	if (wrong)
		return wrong;
	if (draft.open && ret->len > PATTERN_TEXT_MAX)
		return "has more than 15 characters before its \"*\", and "
		       "iPXE can cut no longer ones off a value: write fewer, "
		       "or whole values in a list";
	if (!draft.open && !ret->len)
		return "is empty: no rule is for machines that say nothing; "
		       "those for machines that do say something go first";
	return NULL;
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ||
	       (c >= 'A' && c <= 'F');
}

/* Digits alone, in lower case; between them, separators where they may be. */
static bool take_digits(struct text text, bool (*may_separate)(char, size_t),
			size_t most, char *digits, size_t *ret_count)
{
	size_t count = 0;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (is_hex(c) && count < most)
			digits[count++] = (char)(c | 0x20);
		else if (!i || !is_hex(text.ptr[i - 1]) ||
			 !may_separate(c, count))
			return false;
	}
	*ret_count = count;
	return true;
}

/* All digits, or fewer before the "*". */
static const char *parse_hex(struct arena *arena, struct draft draft,
			     bool (*may_separate)(char, size_t), size_t digits,
			     const char *wrong, struct text *ret)
{
	char *text = arena_alloc(arena, digits + 1);
	size_t count;

	if (!take_digits(draft.text, may_separate, digits, text, &count) ||
	    draft.open != (count < digits) ||
	    (!draft.open && !is_hex(draft.text.ptr[draft.text.len - 1])))
		return wrong;
	text[count] = '\0';
	*ret = (struct text){ text, count };
	return NULL;
}

static bool separates_uuid(char c, size_t digits)
{
	return c == '-' &&
	       (digits == 8 || digits == 12 || digits == 16 || digits == 20);
}

static const char *parse_uuid_pattern(struct arena *arena, struct draft draft,
				      struct text *ret)
{
	return parse_hex(arena, draft, separates_uuid, UUID_DIGITS,
			 "is neither a UUID nor the first digits of one with "
			 "\"*\" behind them, as 4c4c4544-0051-*",
			 ret);
}

static bool separates_mac(char c, size_t digits)
{
	return ((c == ':' || c == '-') && digits % 2 == 0) ||
	       (c == '.' && digits % 4 == 0);
}

static const char *parse_mac_pattern(struct arena *arena, struct draft draft,
				     struct text *ret)
{
	const char *wrong = parse_hex(
		arena, draft, separates_mac, MAC_DIGITS,
		"is neither a MAC address nor the first digits of one with "
		"\"*\" behind them, as 52:54:00:*",
		ret);

	if (!wrong && ret->len > 1 && strchr("13579bdf", ret->ptr[1]))
		return "is a multicast address (its first byte is odd), which "
		       "belongs to no card";
	return wrong;
}

static struct draft draft_of(struct text text)
{
	struct draft draft = { .text = text };

	draft.open = text.len && text.ptr[text.len - 1] == '*';
	draft.text.len -= draft.open;
	return draft;
}

static void parse_patterns(struct resolve *r, const struct doc *doc,
			   const struct field *field, pattern_fn parse)
{
	struct match *match = field->at;
	struct located_list list = get_scalars(r, doc, field->name);

	if (refuse_empty_list(r, doc, field->name))
		return;
	match->any = arena_new_array(r->arena, list.count, struct pattern);
	for (size_t i = 0; i < list.count; i++) {
		struct draft draft = draft_of(list.at[i].text);
		struct pattern *pattern = &match->any[match->count];
		const char *wrong = parse(r->arena, draft, &pattern->text);

		if (wrong) {
			bad_value(r, DIAG_E314, &list.at[i], wrong);
			continue;
		}
		pattern->open = draft.open;
		pattern->written = list.at[i].text;
		match->count++;
	}
}

void parse_tag_patterns(struct resolve *r, const struct doc *doc,
			const struct field *field)
{
	parse_patterns(r, doc, field, parse_tag_pattern);
}

void parse_uuid_patterns(struct resolve *r, const struct doc *doc,
			 const struct field *field)
{
	parse_patterns(r, doc, field, parse_uuid_pattern);
}

void parse_mac_patterns(struct resolve *r, const struct doc *doc,
			const struct field *field)
{
	parse_patterns(r, doc, field, parse_mac_pattern);
}

/* A trait of a few words, all of which are known. */
static void parse_words_of(struct resolve *r, const struct doc *doc,
			   const struct field *field, enum trait trait,
			   const char *wrong)
{
	struct match *match = field->at;
	struct located_list list = get_scalars(r, doc, field->name);

	if (refuse_empty_list(r, doc, field->name))
		return;
	match->any = arena_new_array(r->arena, list.count, struct pattern);
	for (size_t i = 0; i < list.count; i++) {
		struct text word = list.at[i].text;
		const char *value = NULL;

		for (size_t v = 0; (value = trait_value(trait, v)); v++)
			if (text_is(word, value))
				break;
		if (value)
			match->any[match->count++] =
				(struct pattern){ .written = word,
						  .text = word };
		else
			bad_value(r, DIAG_E312, &list.at[i], wrong);
	}
}

void parse_archs(struct resolve *r, const struct doc *doc,
		 const struct field *field)
{
	parse_words_of(r, doc, field, TRAIT_ARCH,
		       "is no processor that images are built for: write "
		       "x86_64, arm64, or both");
}

void parse_platforms(struct resolve *r, const struct doc *doc,
		     const struct field *field)
{
	parse_words_of(r, doc, field, TRAIT_PLATFORM,
		       "is no kind of firmware: write pcbios, efi, or both");
}

void parse_match(struct resolve *r, const struct doc *doc,
		 const struct field *field)
{
	if (!wants_map(r, doc, field->name))
		return;
	if (!doc->count)
		diag_at(r->ds, DIAG_E205, doc->at,
			"\"match\" says nothing; a rule for all machines has "
			"none");
	parse_map(r, doc,
		  &(struct holders){ AT_MATCH, { [IN_MATCHES] = field->at } });
}

/* -------------------------------------------------------------- rules -- */

static bool is_about_something(const struct rule *rule)
{
	for (size_t t = 0; t < TRAITS; t++)
		if (rule->matches[t].count)
			return true;
	return false;
}

/* A last rule for all machines is what they do for which there is none. */
static void take_last(struct site *site)
{
	struct rule *last;

	if (!site->rule_count)
		return;
	last = &site->rules[site->rule_count - 1];
	if (is_about_something(last))
		return;
	site->unknown = last->boot;
	site->unknown.at = last->at;
	site->allow_ruleless_install = last->allow_install;
	site->rule_count--;
}

static void parse_rule(struct resolve *r, const struct doc *doc)
{
	struct site *site = r->site;
	struct rule *rule = &site->rules[site->rule_count];

	if (doc->kind != DOC_MAP) {
		wrong_shape(r, doc, "unknown", "rules, or steps, and not both");
		return;
	}
	rule->at = doc->at;
	rule->said = doc;
	rule->number = ++site->rule_count;
	parse_map(r, doc, &(struct holders){ AT_RULE, { [IN_RULE] = rule } });
}

void parse_unknown(struct resolve *r, const struct doc *doc,
		   const struct field *field)
{
	size_t errors = r->ds->errors;
	bool rules = false;

	for (size_t i = 0; doc->kind == DOC_LIST && i < doc->count; i++)
		rules = rules || doc->items[i]->kind == DOC_MAP;
	if (doc->kind == DOC_MAP) {
		wrong_shape(r, doc, field->name,
			    "a boot order or a list of rules");
		return;
	}
	if (!rules) {
		parse_boot(r, doc, field);
		return;
	}
	r->site->rules = arena_new_array(r->arena, doc->count, struct rule);
	for (size_t i = 0; i < doc->count; i++)
		parse_rule(r, doc->items[i]);
	if (r->ds->errors == errors) {
		take_last(r->site);
		return;
	}
	/* Half a rule would be for other machines than those that are meant. */
	r->site->rule_count = 0;
	r->site->unknown.at = doc->at;
}
