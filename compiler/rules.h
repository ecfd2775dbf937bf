#ifndef COMPILER_RULES_H
#define COMPILER_RULES_H
/**
 * @file
 * Rules for unknown machines: which one holds for a machine, and machines for
 * which a rule is the first that holds.
 */
#include "ir.h"
#include "map.h"

/** Longest text before the "*" of a pattern; emit_rules.c says why. */
enum { PATTERN_TEXT_MAX = 15 };

/** Digits of a UUID and of a MAC address. */
enum { UUID_DIGITS = 32, MAC_DIGITS = 12 };

/** What a machine says of itself. */
struct traits {
	/** As in patterns; ptr NULL: nothing. That of TRAIT_MAC is net0. */
	struct text of[TRAITS];
	const struct text *more_macs; /**< of its other cards */
	size_t more_mac_count;
};

/** "manufacturer": the key of the site file. */
const char *trait_word(enum trait trait);

/** Whether patterns of it are hex digits, else text of firmware tables. */
bool trait_is_hex(enum trait trait);

/** @return one of the words that a trait may be, or NULL behind the last;
 *	    of TRAIT_ARCH and TRAIT_PLATFORM alone */
const char *trait_value(enum trait trait, size_t i);

/** Whether a pattern holds for what a machine says. */
bool pattern_holds(const struct pattern *pattern, struct text text);

/** Whether a rule holds for a machine. */
bool rule_holds(const struct rule *rule, const struct traits *traits);

/** @return the first rule that holds; NULL if none does */
const struct rule *rule_of(const struct site *site,
			   const struct traits *traits);

/** Whether a rule holds for all machines for which another one does. */
bool rule_covers(const struct rule *rule, const struct rule *other);

/** Nodes of a site by what identifies them, to make up machines that are none. */
struct strangers {
	struct arena *arena;
	const struct site *site;
	struct map nodes; /**< "serial=SN1" -> struct node */
};

/** Look at all nodes, if there are rules at all. */
void strangers_init(struct strangers *strangers, struct arena *arena,
		    const struct site *site);

/** Whether a machine is no node. */
bool is_stranger(const struct strangers *strangers,
		 const struct traits *traits);

/** Whether there are images for such a machine: not for arm64 with BIOS. */
bool is_machine(const struct traits *traits);

/**
 * Make up a machine that is no node and for which a rule is the first to hold.
 *
 * @param rule	NULL: no rule at all is to hold
 * @param platform,arch	that it has; NULL: any
 * @return false if there is none
 */
bool rule_example(struct strangers *strangers, const struct rule *rule,
		  const char *platform, const char *arch,
		  struct traits *ret_traits);

#endif
