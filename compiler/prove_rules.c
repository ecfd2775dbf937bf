#include "prove_parts.h"

#include "arch.h"

/*
 * What is said of machines here, rules.c takes for what the site means; the boot
 * script must take it so, too. The script has other means: see emit_rules.c.
 */

static struct machine_kind kind_of(const struct proof *p,
				   const struct traits *traits)
{
	struct text arch = traits->of[TRAIT_ARCH];
	bool bios = text_is(traits->of[TRAIT_PLATFORM], "pcbios");

	return (struct machine_kind){
		.platform = traits->of[TRAIT_PLATFORM].ptr,
		/* Images for BIOS are built for 32 bits. */
		.buildarch = bios ? "i386" : arch.ptr,
		.arch = (enum arch)arch_find(arch),
		.secure_boot = !bios && proof_verifies(p, VERIFY_SECURE_BOOT),
	};
}

/* Come to the rule that is for a machine, if it is no node. */
static void prove_traits(struct proof *p, const struct traits *traits)
{
	const struct effective *effective = p->plan->effective;
	const struct rule *rule = rule_of(p->site, traits);
	struct scene scene = scene_of_site(p);

	if (p->ds->errors >= FAULTS_MAX || !is_machine(traits) ||
	    !is_stranger(&p->strangers, traits))
		return;
	scene.kind = kind_of(p, traits);
	if (rule)
		proof_set_subject(p, &effective->ruled[rule->number - 1],
				  &p->plan->ruled[rule->number - 1]);
	else
		proof_set_subject(p, &effective->unknown, &p->plan->unknown);
	p->traits = traits;
	proof_set_world(p, &scene);
	proof_set_traits(p, traits);
	prove_dispatch(p, rule ? &p->plan->ruled[rule->number - 1]
			       : &p->plan->unknown);
	p->traits = NULL;
}

/* ---------------------------------------------------------- near misses -- */

/* Of a long list, all patterns are tried, and these are varied as well: a line
 * of the script stands for each, and all lines are alike. */
enum { VARIANT_BYTES = 80, VARIED_MAX = 32 };

/* A text with some of it changed. */
struct variant {
	char text[VARIANT_BYTES + 1];
	size_t len;
};

static char other_case(char c)
{
	bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

	return (char)(letter ? c ^ 0x20 : c);
}

/* Ways in which a text may be almost another one; those that change nothing
 * do no harm. */
static const char *const tails[] = { "",   "!",      " ",          "0",
				     "00", "${hex}", "0123456789", "%" };
enum { TAILS = sizeof(tails) / sizeof(*tails), VARIANTS = TAILS + 4 };

static struct variant vary(struct text text, size_t how)
{
	struct variant v = { .len = text.len };

	if (v.len > VARIANT_BYTES - 16)
		v.len = VARIANT_BYTES - 16;
	memcpy(v.text, text.ptr, v.len);
	if (how < TAILS) {
		memcpy(v.text + v.len, tails[how], strlen(tails[how]));
		v.len += strlen(tails[how]);
	} else if (!v.len) {
		return v;
	} else if (how == TAILS) {
		v.len--;
	} else if (how == TAILS + 1) {
		v.text[v.len - 1]++;
	} else if (how == TAILS + 2) {
		v.text[0] = other_case(v.text[0]);
	} else {
		v.text[v.len / 2]--;
	}
	return v;
}

/* Exactly as many digits as there must be, and a card that is nobody's. */
static void make_hex(struct variant *v, size_t digits)
{
	for (size_t i = 0; i < v->len; i++)
		if (!memchr("0123456789abcdef", v->text[i], 16))
			v->text[i] = '7';
	for (; v->len < digits; v->len++)
		v->text[v->len] = v->len % 3 ? '8' : 'e';
	v->len = digits;
	if (digits == MAC_DIGITS && memchr("13579bdf", v->text[1], 8))
		v->text[1]--;
}

/* @param variants	how many of them: the first is the text itself */
static void prove_variants(struct proof *p, const struct traits *example,
			   enum trait trait, const struct pattern *pattern,
			   size_t variants)
{
	for (size_t how = 0; how < variants; how++) {
		struct variant v = vary(pattern->text, how);
		struct traits traits = *example;

		if (trait_is_hex(trait))
			make_hex(&v,
				 trait == TRAIT_MAC ? MAC_DIGITS : UUID_DIGITS);
		traits.of[trait] = (struct text){ v.text, v.len };
		if (v.len)
			prove_traits(p, &traits);
	}
}

/* The same, but for one thing that it says. */
static void prove_misses(struct proof *p, const struct rule *rule,
			 const struct traits *example)
{
	for (enum trait t = TRAIT_ARCH; t < TRAITS; t++) {
		const struct match *match = &rule->matches[t];
		struct traits other = *example;
		const char *value;

		for (size_t v = 0; match->count && (value = trait_value(t, v));
		     v++) {
			other.of[t] = text_of(value);
			prove_traits(p, &other);
		}
		if (trait_value(t, 0))
			continue;
		for (size_t i = 0; i < match->count; i++)
			prove_variants(p, example, t, &match->any[i],
				       i < VARIED_MAX ? VARIANTS : 1);
		other.of[t] = (struct text){ NULL, 0 };
		/* A machine without a card asks no server what it is. */
		if (match->count &&
		    (t != TRAIT_MAC ||
		     p->site->dispatch.kind == DISPATCH_EMBEDDED))
			prove_traits(p, &other);
	}
}

/* Among cards that a rule may be for as well. */
static void prove_crowd(struct proof *p, const struct traits *example)
{
	static const char *const more[] = { "020000000001", "5254005fffff" };
	struct text macs[] = { text_of(more[0]), example->of[TRAIT_MAC],
			       text_of(more[1]) };
	struct traits traits = *example;

	traits.of[TRAIT_MAC] = macs[0];
	traits.more_macs = macs + 1;
	traits.more_mac_count = 2;
	prove_traits(p, &traits);
}

void prove_rules(struct proof *p)
{
	struct traits example;

	for (size_t i = 0; i <= p->site->rule_count; i++) {
		const struct rule *rule =
			i < p->site->rule_count ? &p->site->rules[i] : NULL;

		for (size_t v = 0; trait_value(TRAIT_PLATFORM, v); v++) {
			if (!rule_example(&p->strangers, rule,
					  trait_value(TRAIT_PLATFORM, v), NULL,
					  &example))
				continue;
			prove_traits(p, &example);
			prove_crowd(p, &example);
			if (rule)
				prove_misses(p, rule, &example);
		}
	}
}
