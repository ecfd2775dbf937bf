#include "check_rules.h"

#include "menu.h"
#include "rules.h"

/* ------------------------------------------------------------ install -- */

/* @return a step of the order that boots a profile, or NULL */
static const struct step *find_profile(const struct boot_order *order)
{
	for (size_t i = 0; i < order->count; i++)
		if (order->steps[i].profile)
			return &order->steps[i];
	return NULL;
}

/* Menus too: one with a timeout needs nobody at the console. */
static const struct step *find_install(struct arena *arena,
				       const struct site *site,
				       const struct boot_order *order)
{
	const struct step *step = find_profile(order);
	const struct menu **menus;
	size_t count;

	if (step)
		return step;
	menus = menus_reached(arena, site, order, &count);
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < menus[i]->item_count && !step; j++)
			step = find_profile(&menus[i]->items[j].boot);
	return step;
}

/* @param who	"any machine that is plugged in" */
static void refuse_install(struct diags *ds, const struct step *step,
			   const char *who)
{
	struct diag *d = diag_at(ds, DIAG_E407, step->name.at,
				 "%s would boot profile \"%s\"", who,
				 step->name.text.ptr);

	diag_help(ds, d,
		  "if that is wanted, say so:  allow-unknown-install: true");
}

void check_unknown_install(struct arena *arena, const struct site *site,
			   struct diags *ds)
{
	const struct step *step;

	if (site->allow_unknown_install.on)
		return;
	for (size_t i = 0; i < site->rule_count; i++) {
		const struct rule *rule = &site->rules[i];

		step = find_install(arena, site, &rule->boot);
		if (step && !rule->allow_install.on)
			refuse_install(ds, step,
				       "any machine for which this rule is");
	}
	step = find_install(arena, site, &site->unknown);
	if (step && !site->allow_ruleless_install.on)
		refuse_install(ds, step, "any machine that is plugged in");
}

/* -------------------------------------------------------- reachability -- */

/* @param other	before it, and for all of the same machines; or NULL */
static void refuse_idle(struct diags *ds, struct span at,
			const struct rule *other)
{
	struct diag *d =
		diag_at(ds, DIAG_E422, at, "no machine comes to this rule%s",
			other ? ""
			      : ": rules before it, or nodes, are for "
				"all that it is for");

	if (other)
		diag_note_at(ds, d, other->at,
			     "this one is for all that it is for");
}

static const struct rule *find_covering(const struct site *site,
					const struct rule *rule)
{
	for (size_t i = 0; i + 1 < rule->number; i++)
		if (rule_covers(&site->rules[i], rule))
			return &site->rules[i];
	return NULL;
}

void check_rules(struct arena *arena, const struct site *site, struct diags *ds)
{
	/* For all machines that come to it. */
	const struct rule last = { .number = site->rule_count + 1 };
	struct strangers strangers;
	struct traits traits;

	strangers_init(&strangers, arena, site);
	for (size_t i = 0; i < site->rule_count; i++) {
		const struct rule *rule = &site->rules[i];
		const struct rule *other = find_covering(site, rule);

		if (other ||
		    !rule_example(&strangers, rule, NULL, NULL, &traits))
			refuse_idle(ds, rule->at, other);
	}
	if (site->rule_count && site->unknown.count &&
	    !rule_example(&strangers, NULL, NULL, NULL, &traits))
		refuse_idle(ds, site->unknown.at, find_covering(site, &last));
}
