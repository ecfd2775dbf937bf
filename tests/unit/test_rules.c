/**
 * @file
 * Rules for unknown machines, made by chance over few letters, so that they
 * often meet.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "arena.h"
#include "rules.h"

#include <stdlib.h>
#include <string.h>

enum { SITES = 2000, RULES_MAX = 4, PATTERNS_MAX = 3, LETTERS_MAX = 3 };

static const enum trait texts[] = { TRAIT_MANUFACTURER, TRAIT_PRODUCT };

static unsigned chance(unsigned below)
{
	return (unsigned)rand() % below;
}

static struct text some_text(struct arena *arena, size_t least)
{
	size_t len = least + chance(LETTERS_MAX + 1);
	char *text = arena_alloc(arena, len + 1);

	for (size_t i = 0; i < len; i++)
		text[i] = (char)('a' + chance(2));
	text[len] = '\0';
	return (struct text){ text, len };
}

static void fill_match(struct arena *arena, struct match *match)
{
	match->count = 1 + chance(PATTERNS_MAX);
	match->any = arena_new_array(arena, match->count, struct pattern);
	for (size_t i = 0; i < match->count; i++) {
		match->any[i].open = chance(2);
		match->any[i].text = some_text(arena, !match->any[i].open);
	}
}

static struct site some_site(struct arena *arena)
{
	struct site site = { .rule_count = 1 + chance(RULES_MAX) };

	site.rules = arena_new_array(arena, site.rule_count, struct rule);
	for (size_t i = 0; i < site.rule_count; i++) {
		struct rule *rule = &site.rules[i];

		rule->number = i + 1;
		for (size_t t = 0; t < sizeof(texts) / sizeof(*texts); t++)
			if (chance(2))
				fill_match(arena, &rule->matches[texts[t]]);
	}
	return site;
}

static struct traits some_machine(struct arena *arena)
{
	struct traits traits = { .more_mac_count = 0 };

	for (size_t t = 0; t < sizeof(texts) / sizeof(*texts); t++)
		if (chance(4))
			traits.of[texts[t]] = some_text(arena, 0);
	traits.of[TRAIT_ARCH] = TEXT("x86_64");
	traits.of[TRAIT_PLATFORM] = TEXT("efi");
	return traits;
}

/* What covers another rule holds wherever that does. */
static void test_covering(void **state)
{
	size_t covered = 0;

	(void)state;
	srand(1);
	for (size_t n = 0; n < SITES; n++) {
		struct arena arena = { 0 };
		const struct site site = some_site(&arena);
		const struct rule *one = &site.rules[0];
		const struct rule *other = &site.rules[site.rule_count - 1];

		for (size_t m = 0; rule_covers(one, other) && m < 20; m++) {
			struct traits machine = some_machine(&arena);

			covered++;
			assert_true(!rule_holds(other, &machine) ||
				    rule_holds(one, &machine));
		}
		arena_release(&arena);
	}
	assert_true(covered > SITES);
}

/* An example is one; and where there is none, no machine by chance is, either. */
static void test_examples(void **state)
{
	size_t found = 0, none = 0;

	(void)state;
	srand(2);
	for (size_t n = 0; n < SITES; n++) {
		struct arena arena = { 0 };
		const struct site site = some_site(&arena);
		struct strangers strangers;
		struct traits example, machine;

		strangers_init(&strangers, &arena, &site);
		for (size_t i = 0; i <= site.rule_count; i++) {
			const struct rule *rule =
				i < site.rule_count ? &site.rules[i] : NULL;

			if (rule_example(&strangers, rule, NULL, NULL,
					 &example)) {
				found++;
				assert_ptr_equal(rule_of(&site, &example),
						 rule);
				continue;
			}
			none++;
			for (size_t m = 0; m < 50; m++) {
				machine = some_machine(&arena);
				assert_ptr_not_equal(rule_of(&site, &machine),
						     rule);
			}
		}
		arena_release(&arena);
	}
	assert_true(found > SITES && none > SITES / 10);
}

/* Machines that are made up are no nodes, even where few addresses are free. */
static void test_strangers(void **state)
{
	struct arena arena = { 0 };
	struct located macs[15];
	struct node node = { .macs = macs, .mac_count = 15 };
	struct pattern open = { .text = TEXT("52540000000"), .open = true };
	struct rule rule = { .number = 1 };
	struct site site = {
		.rules = &rule, .rule_count = 1, .nodes = &node, .node_count = 1
	};
	struct strangers strangers;
	struct traits example;

	(void)state;
	rule.matches[TRAIT_MAC] = (struct match){ .any = &open, .count = 1 };
	for (unsigned i = 0; i < 15; i++)
		macs[i].text = text_of(arena_printf(
			&arena, "52:54:00:00:00:0%x", i < 7 ? i : i + 1));
	strangers_init(&strangers, &arena, &site);
	assert_true(rule_example(&strangers, &rule, NULL, NULL, &example));
	assert_string_equal(example.of[TRAIT_MAC].ptr, "525400000007");
	macs[0].text = TEXT("52:54:00:00:00:07");
	strangers_init(&strangers, &arena, &site);
	assert_true(rule_example(&strangers, &rule, NULL, NULL, &example));
	assert_string_equal(example.of[TRAIT_MAC].ptr, "525400000000");
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_covering),
		cmocka_unit_test(test_examples),
		cmocka_unit_test(test_strangers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
