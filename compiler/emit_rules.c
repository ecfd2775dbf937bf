#include "emit_parts.h"

#include "quote.h"
#include "rules.h"

#include <stdio.h>

/*
 * Rules for unknown machines.
 *
 * Texts of firmware are compared in hex, since they may hold anything: spaces,
 * and even what iPXE would expand.
 *
 * iPXE compares whole values, and no command of it takes a part of one. Patterns
 * that end in "*" lean on three things in core/settings.c and net/udp/dns.c of
 * release 2.0.0:
 *
 * - The type :dnssl prints DNS names. A name is labels, each behind a byte with
 *   its length, up to one of length 0. So the bytes "\004ABCDEF" print as "ABCD."
 *   and more, if what follows can be taken for labels, too.
 * - It always can when every byte of it is a decimal digit: those are lengths of
 *   48 to 57; and when there are enough zeros behind them. The hex digits of a
 *   text of hex digits are decimal: "Dell" is 44656c6c, which is
 *   3434363536633663.
 * - Dots in the name of a block of settings lead to blocks below it. When
 *   something is set in "manufacturer-16.3434363536633663.5…", then the block
 *   "manufacturer-16.3434363536633663" has it as well.
 *
 * 63 is the greatest length of a label: 15 bytes, four digits each.
 */
enum { ZEROS = '9' + 1, LABEL_MAX = 63 };

/* Digits of digits that a pattern takes. */
static size_t label_length(enum trait trait, const struct pattern *pattern)
{
	return pattern->text.len * (trait_is_hex(trait) ? 2 : 4);
}

/* All cards must be looked at in the same way, also for a whole address. */
static bool is_cut(enum trait trait, const struct pattern *pattern)
{
	return pattern->text.len && (pattern->open || trait == TRAIT_MAC);
}

static bool has_uuid(const struct emit *e)
{
	for (size_t i = 0; i < e->site->rule_count; i++)
		if (e->site->rules[i].matches[TRAIT_UUID].count)
			return true;
	return false;
}

/* Which lengths are asked for of a trait. @return whether there are any */
static bool find_lengths(const struct emit *e, enum trait trait, bool *lengths)
{
	bool any = false;

	memset(lengths, 0, LABEL_MAX + 1);
	for (size_t i = 0; i < e->site->rule_count; i++) {
		const struct match *match = &e->site->rules[i].matches[trait];

		for (size_t j = 0; j < match->count; j++) {
			if (!is_cut(trait, &match->any[j]))
				continue;
			lengths[label_length(trait, &match->any[j])] = true;
			any = true;
		}
	}
	return any;
}

/* Note the beginnings of the value in ${hex}. */
static void emit_cuts(struct emit *e, enum trait trait, const bool *lengths)
{
	PUT("set hexhex ${hex:hexraw}\n");
	for (unsigned length = 1; length <= LABEL_MAX; length++)
		if (lengths[length])
			PUT("set cut:hexraw %02x${hexhex:hexraw}${zeros}\n"
			    "set %s-%u.${cut:dnssl}/begins yes\n",
			    length, trait_word(trait), length);
}

static void emit_mac_cuts(struct emit *e, const bool *lengths)
{
	PUT("set idx:int32 0\n"
	    ":rules-card\n"
	    "isset ${net${idx}/mac} || goto rules-cards-end\n"
	    "set hex ${net${idx}/mac:hexraw}\n");
	emit_cuts(e, TRAIT_MAC, lengths);
	PUT("inc idx\n"
	    "goto rules-card\n"
	    ":rules-cards-end\n");
}

static void emit_zeros(struct emit *e)
{
	PUT("# How values begin: ${mac-12.353235343030/begins} is set if one "
	    "does with 525400.\n"
	    "set zeros ");
	for (size_t i = 0; i < ZEROS; i++)
		PUT("00");
	PUT("\n");
}

static void emit_all_cuts(struct emit *e)
{
	bool lengths[LABEL_MAX + 1], begun = false;

	for (enum trait t = TRAIT_ARCH; t < TRAITS; t++) {
		if (!find_lengths(e, t, lengths))
			continue;
		if (!begun)
			emit_zeros(e);
		begun = true;
		if (t == TRAIT_MAC) {
			emit_mac_cuts(e, lengths);
			continue;
		}
		PUT("set hex ${%s:hexraw}\n",
		    t == TRAIT_UUID ? "id" : trait_word(t));
		emit_cuts(e, t, lengths);
	}
}

/* -------------------------------------------------------------- tests -- */

/* Hex of hex: that of a trait in hex is written down in hex already. */
static void put_hex_hex(struct emit *e, enum trait trait, struct text text)
{
	char digits[3];

	for (size_t i = 0; i < text.len; i++) {
		if (trait_is_hex(trait)) {
			PUT("%02x", (unsigned char)text.ptr[i]);
			continue;
		}
		snprintf(digits, sizeof(digits), "%02x",
			 (unsigned char)text.ptr[i]);
		PUT("%02x%02x", (unsigned char)digits[0],
		    (unsigned char)digits[1]);
	}
}

/* Commands that go to a label if the pattern holds. */
static void emit_pattern(struct emit *e, enum trait trait,
			 const struct pattern *pattern, const char *label)
{
	const char *word = trait_word(trait);

	PUT("%s ${",
	    is_cut(trait, pattern) || pattern->open ? "isset" : "iseq");
	if (is_cut(trait, pattern)) {
		PUT("%s-%zu.", word, label_length(trait, pattern));
		put_hex_hex(e, trait, pattern->text);
		PUT("/begins}");
	} else if (trait == TRAIT_MAC) {
		PUT("net0/mac}");
	} else if (pattern->open) {
		PUT("%s:hexraw}", word);
	} else if (trait == TRAIT_UUID) {
		PUT("id:hexraw} %s", pattern->text.ptr);
	} else if (trait == TRAIT_PLATFORM || trait == TRAIT_ARCH) {
		PUT("%s} %s", trait == TRAIT_ARCH ? "buildarch" : word,
		    pattern->text.ptr);
	} else {
		PUT("%s:hexraw} ", word);
		emit_hex(e, pattern->text);
	}
	PUT(" && goto %s ||\n", label);
	/* All images for BIOS are built for 32 bits. */
	if (trait == TRAIT_ARCH && text_is(pattern->text, "x86_64"))
		PUT("iseq ${buildarch} i386 && goto %s ||\n", label);
}

static void put_match(struct emit *e, enum trait trait,
		      const struct match *match)
{
	PUT("# %s: ", trait_word(trait));
	for (size_t i = 0; i < match->count; i++) {
		PUT("%s", i ? ", " : "");
		quote_ipxe_prose(e->out, match->any[i].written);
	}
	PUT("\n");
}

static void emit_rule(struct emit *e, const struct rule *rule)
{
	char label[64];

	PUT(":rule-%zu\n", rule->number);
	for (enum trait t = TRAIT_ARCH; t < TRAITS; t++) {
		const struct match *match = &rule->matches[t];

		if (!match->count)
			continue;
		put_match(e, t, match);
		snprintf(label, sizeof(label), "rule-%zu-%s", rule->number,
			 trait_word(t));
		for (size_t i = 0; i < match->count; i++)
			emit_pattern(e, t, &match->any[i], label);
		PUT("goto rule-%zu\n"
		    ":%s\n",
		    rule->number + 1, label);
	}
	PUT("echo ipxe-embed: rule %zu for unknown machines is for this one\n"
	    "goto order-unknown-%zu\n",
	    rule->number, rule->number);
}

void emit_rules(struct emit *e)
{
	emit_heading(e, "rules");
	/* A UUID that is asked for in hex comes as it lies in memory, with some
	 * bytes the other way round; its text does not. */
	if (has_uuid(e))
		PUT("set id:uuid ${uuid} ||\n");
	emit_all_cuts(e);
	for (size_t i = 0; i < e->site->rule_count; i++)
		emit_rule(e, &e->site->rules[i]);
	PUT(":rule-%zu\n"
	    "echo ipxe-embed: unknown machine matches no rule\n",
	    e->site->rule_count + 1);
}
