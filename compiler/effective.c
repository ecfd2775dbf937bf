#include "effective_parts.h"

#include "menu.h"
#include "resolve.h"

#include <stdlib.h>

static void machine_act(struct builder *b, struct machine *machine,
			const struct step *step)
{
	struct boot *boots[ARCHS] = { NULL };
	size_t count = 1;

	if (step->profile) /* else it is no such step, or names none: reported */
		count = boots_new(b, machine->node, step->profile, boots);
	for (size_t i = 0; i < count; i++)
		machine->actions[machine->action_count++] =
			(struct action){ .kind = step->kind,
					 .boot = boots[i],
					 .another = i,
					 .menu = step->menu };
}

/* @param at_end	what to do when every step has failed */
static struct actions machine_act_all(struct builder *b,
				      struct machine *machine,
				      const struct boot_order *order,
				      const struct step *at_end, bool in_menu)
{
	struct actions actions = { machine->action_count, 0 };

	for (size_t i = 0; i < order->count; i++)
		machine_act(b, machine, &order->steps[i]);
	if (!order->count ||
	    !step_ends_order(&order->steps[order->count - 1], in_menu))
		machine_act(b, machine, at_end);
	actions.count = machine->action_count - actions.first;
	return actions;
}

static int compare_menus(const void *a, const void *b)
{
	const struct menu_boot *x = a, *y = b;

	return text_compare(x->menu->name, y->menu->name);
}

/* The menus that an order may come to, sorted by name. */
static void machine_find_menus(struct builder *b, struct machine *machine,
			       const struct boot_order *order)
{
	const struct menu **menus =
		menus_reached(b->arena, b->site, order, &machine->menu_count);

	machine->menus = arena_new_array(b->arena, machine->menu_count,
					 struct menu_boot);
	for (size_t i = 0; i < machine->menu_count; i++)
		machine->menus[i].menu = menus[i];
	if (machine->menu_count > 1)
		qsort(machine->menus, machine->menu_count,
		      sizeof(*machine->menus), compare_menus);
}

static size_t count_actions(const struct site *site,
			    const struct machine *machine,
			    const struct boot_order *order)
{
	size_t steps = order->count + 1;

	for (size_t i = 0; i < machine->menu_count; i++) {
		const struct menu *menu = machine->menus[i].menu;

		for (size_t j = 0; j < menu->item_count; j++)
			steps += menu->items[j].boot.count + 1;
	}
	return site->has_archs ? ARCHS * steps : steps;
}

static void machine_follow(struct builder *b, struct machine *machine,
			   const struct boot_order *order,
			   enum step_kind at_end)
{
	const struct step last = { .kind = at_end };

	machine_find_menus(b, machine, order);
	machine->actions = arena_new_array(
		b->arena, count_actions(b->site, machine, order),
		struct action);
	machine->order = machine_act_all(b, machine, order, &last, false);
	for (size_t i = 0; i < machine->menu_count; i++) {
		struct menu_boot *shown = &machine->menus[i];
		const struct step back = { .kind = STEP_RETRY,
					   .menu = shown->menu };

		shown->items = arena_new_array(
			b->arena, shown->menu->item_count, struct actions);
		for (size_t j = 0; j < shown->menu->item_count; j++)
			shown->items[j] = machine_act_all(
				b, machine, &shown->menu->items[j].boot, &back,
				true);
	}
}

/* Everything that a node does in one phase. */
static void machine_in_phase(struct builder *b, struct machine *machine,
			     struct text phase)
{
	const struct node *node = machine->node;
	struct step own = { .kind = STEP_PROFILE };
	const struct boot_order *order;
	struct diag *d;

	levels_set(b->arena, &b->levels, b->site, node, NULL, phase);
	own.profile = levels_profile(&b->levels);
	levels_set(b->arena, &b->levels, b->site, node, own.profile, phase);
	if (levels_incomplete(&b->levels))
		return;
	machine->phase = b->phase = phase;
	trace_machine(&b->trace, &b->levels);
	machine_find_uplink(b, machine, own.profile);
	order = levels_order(&b->levels);
	if (order->count) {
		machine_follow(b, machine, order, STEP_RETRY);
	} else if (own.profile) {
		machine_follow(
			b, machine,
			&(struct boot_order){ .steps = &own, .count = 1 },
			STEP_RETRY);
	} else {
		d = diag_at(b->ds, DIAG_E405, node->at,
			    "nothing says what node \"%s\" boots",
			    node->name.ptr);
		diag_help(b->ds, d,
			  "give it, one of its groups, or the site a profile "
			  "or a boot order");
	}
	b->phase = (struct text){ NULL, 0 };
}

static void no_such_phase(struct builder *b, const struct node *node,
			  const struct located *phase,
			  const struct text *phases, size_t count)
{
	struct diag *d = diag_at(b->ds, DIAG_E416, phase->at,
				 "node \"%s\" has no phase \"%s\"",
				 node->name.ptr, phase->text.ptr);
	struct sbuf names = { 0 };

	for (size_t i = 0; i < count; i++)
		sbuf_printf(&names, "%s%s", i ? ", " : "", phases[i].ptr);
	if (count)
		diag_help(b->ds, d, "its phases are: %s", sbuf_text(&names));
	else
		diag_help(b->ds, d,
			  "neither its profile nor one of its groups has "
			  "phases");
	sbuf_release(&names);
	if (phase->at.source != node->at.source ||
	    phase->at.begin < node->at.begin)
		diag_note_at(b->ds, d, node->at, "the node");
}

/* Whether a node is in one of its phases, if it has any. A phase for all of
 * the site or a group may pass over nodes without phases. */
static bool phase_is_good(struct builder *b, const struct node *node,
			  const struct located *phase,
			  const struct text *phases, size_t count)
{
	struct diag *d;

	if (!phase->text.ptr) {
		if (!count)
			return true;
		d = diag_at(b->ds, DIAG_E418, node->at,
			    "nothing says in which phase node \"%s\" is",
			    node->name.ptr);
		diag_help(b->ds, d, "say so:  phase: %s", phases[0].ptr);
		return false;
	}
	for (size_t i = 0; i < count; i++)
		if (text_equal(phases[i], phase->text))
			return true;
	if (!count && !node->set.phase.text.ptr)
		return true;
	no_such_phase(b, node, phase, phases, count);
	return false;
}

static bool node_is_called(const struct node *node, const char *name)
{
	bool is = text_is(node->name, name);

	for (size_t i = 0; i < node->mac_count; i++)
		is = is || text_is(node->macs[i].text, name);
	return is;
}

/* @param node	NULL: unknown machines, with a rule or without */
static void trace_begin(struct builder *b, const struct node *node)
{
	const char *traced = b->env->traced;

	b->trace = (struct trace){
		.arena = b->arena,
		.on = traced && (!node || node_is_called(node, traced)),
	};
}

static void trace_end(struct builder *b, struct machine *machine)
{
	machine->origins = b->trace.origins.at;
	machine->origin_count = b->trace.origins.count;
	b->trace.on = false;
}

/* What a node does in the phases that it is not in is made as well: its faults
 * show today, its files lie ready, and to change the phase changes the script
 * alone. */
static void node_machine(struct builder *b, const struct node *node,
			 struct machine *machine)
{
	struct located phase;
	struct text *phases;
	size_t count;

	machine->node = node;
	levels_set(b->arena, &b->levels, b->site, node, NULL,
		   (struct text){ NULL, 0 });
	if (levels_incomplete(&b->levels))
		return;
	phase = levels_phase(&b->levels);
	phases = levels_phases(b->arena, b->site, node, &count);
	if (!phase_is_good(b, node, &phase, phases, count))
		return;
	trace_begin(b, node);
	machine_in_phase(b, machine, phase.text);
	trace_end(b, machine);
	machine->later = arena_new_array(b->arena, count, struct machine);
	for (size_t i = 0; i < count; i++) {
		struct machine *later = &machine->later[machine->later_count];

		if (text_equal(phases[i], phase.text))
			continue;
		machine->later_count++;
		later->node = node;
		machine_in_phase(b, later, phases[i]);
	}
}

/* @param rule	that holds for these machines; NULL: none does */
static void unknown_machine(struct builder *b, const struct rule *rule,
			    struct machine *machine)
{
	static struct step local[] = { { .kind = STEP_DISK },
				       { .kind = STEP_EXIT } };
	const struct boot_order by_default = { .steps = local, .count = 2 };
	const struct boot_order *order = rule ? &rule->boot : &b->site->unknown;

	if (order->at.source && !order->count)
		return; /* was wrong and has been reported */
	machine->rule = b->rule = rule;
	trace_begin(b, NULL);
	levels_set(b->arena, &b->levels, b->site, NULL, NULL,
		   (struct text){ NULL, 0 });
	if (!rule)
		trace_unknown(&b->trace, b->site);
	if (!levels_incomplete(&b->levels))
		machine_find_uplink(b, machine, NULL);
	machine_follow(b, machine, order->count ? order : &by_default,
		       STEP_EXIT);
	trace_end(b, machine);
}

static void unknown_machines(struct builder *b, struct effective *result)
{
	const struct site *site = b->site;

	result->ruled =
		arena_new_array(b->arena, site->rule_count, struct machine);
	for (size_t i = 0; i < site->rule_count; i++)
		unknown_machine(b, &site->rules[i], &result->ruled[i]);
	unknown_machine(b, NULL, &result->unknown);
}

static int compare_texts(const void *a, const void *b)
{
	return text_compare(*(const struct text *)a, *(const struct text *)b);
}

const struct effective *effective(struct arena *arena, const struct site *site,
				  const struct compile_env *env,
				  struct diags *ds)
{
	struct effective *result = arena_new(arena, struct effective);
	struct builder b = {
		.arena = arena,
		.site = site,
		.env = env,
		.ds = ds,
		.blobs = { .arena = arena },
		.assets = { .arena = arena },
		.downloads = { .arena = arena },
		.kernels = { .arena = arena },
		.ukis = { .arena = arena },
		.addresses = { .arena = arena },
		.converted = { .arena = arena },
		.long_line = arena_new_array(arena, site->profile_count, bool),
	};

	result->site = site;
	result->machines =
		arena_new_array(arena, site->node_count, struct machine);
	result->machine_count = site->node_count;
	for (size_t i = 0; i < site->node_count; i++)
		node_machine(&b, &site->nodes[i], &result->machines[i]);
	unknown_machines(&b, result);
	sbuf_release(&b.rendered);
	sbuf_release(&b.use_text);

	result->blobs = b.all_blobs.at;
	result->blob_count = b.all_blobs.count;
	for (size_t i = 0; i < result->blob_count; i++)
		if (result->blobs[i]->wanted_by_count > 1)
			qsort(result->blobs[i]->wanted_by,
			      result->blobs[i]->wanted_by_count,
			      sizeof(struct text), compare_texts);
	return result;
}
