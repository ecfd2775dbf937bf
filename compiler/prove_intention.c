#include "prove_parts.h"

/* More menus in a row, or pauses, than any way to an end has: it is none. */
enum { STEPS_MAX = 1000 };

bool scene_harms(const struct scene *scene, const struct blob *blob,
		 bool signature, struct text base)
{
	if (scene->harm == HARM_NONE || scene->harm == HARM_SWAPPED ||
	    (scene->base.ptr && !text_equal(scene->base, base)))
		return false;
	return !scene->victim || (text_equal(scene->victim->path, blob->path) &&
				  scene->victim_signature == signature);
}

bool scene_harms_nodes(const struct scene *scene, struct text base)
{
	return scene->harm != HARM_NONE && !scene->victim &&
	       (!scene->base.ptr || text_equal(scene->base, base));
}

bool is_remote(const struct plan *plan, const struct machine *machine)
{
	enum dispatch kind = plan->effective->site->dispatch.kind;

	return kind == DISPATCH_REMOTE ||
	       (kind == DISPATCH_BOTH && !machine->node);
}

bool scene_is_insecure(const struct plan *plan, const struct scene *scene)
{
	return (plan->verify & VERIFY_SECURE_BOOT) && !scene->kind.secure_boot;
}

/* ---------------------------------------------------------- profiles -- */

/* Whether an item is to be had, good. */
static bool is_available(const struct plan *plan, const struct scene *scene,
			 const struct blob *blob,
			 const struct located_list *bases)
{
	bool signatures = plan->verify & VERIFY_SIGNATURE;

	for (size_t i = 0; i < bases->count; i++) {
		struct text base = bases->at[i].text;

		if (!scene_harms(scene, blob, false, base) &&
		    !(signatures && scene_harms(scene, blob, true, base)))
			return true;
	}
	return false;
}

static bool is_bootable(const struct plan *plan, const struct scene *scene,
			const struct boot *boot)
{
	const struct site *site = plan->effective->site;
	const struct located_list *bases =
		site->assets.count ? &site->assets : &site->urls;

	if (scene->offline)
		return false;
	if (boot->uki)
		return is_available(plan, scene, boot->uki, bases);
	if (!is_available(plan, scene, boot->kernel, bases))
		return false;
	for (size_t i = 0; i < boot->initrd_count; i++)
		if (!is_available(plan, scene, boot->initrds[i], bases))
			return false;
	for (size_t i = 0; i < boot->file_count; i++)
		if (!is_available(plan, scene, boot->files[i].blob,
				  &site->urls))
			return false;
	return true;
}

/* ------------------------------------------------------------- menus -- */

static size_t menu_index(const struct machine *machine, const struct menu *menu)
{
	size_t i = 0;

	while (machine->menus[i].menu != menu)
		i++;
	return i;
}

/* The menu that some actions lead to; SIZE_MAX for none. */
static size_t leads_to(const struct machine *machine, struct actions actions)
{
	for (size_t i = 0; i < actions.count; i++) {
		const struct action *action =
			&machine->actions[actions.first + i];

		if (action->kind == STEP_MENU)
			return menu_index(machine, action->menu);
	}
	return SIZE_MAX;
}

/* How many menus lie between; SIZE_MAX when no way leads there. */
static size_t distance(const struct machine *machine, size_t from, size_t to,
		       size_t most)
{
	const struct menu_boot *menu = &machine->menus[from];
	size_t nearest = SIZE_MAX;

	if (from == to)
		return 0;
	for (size_t i = 0; most && i < menu->menu->item_count; i++) {
		size_t next = leads_to(machine, menu->items[i]), rest;

		if (next == SIZE_MAX)
			continue;
		rest = distance(machine, next, to, most - 1);
		if (rest != SIZE_MAX && rest + 1 < nearest)
			nearest = rest + 1;
	}
	return nearest;
}

/* Menus that lead to menus are few; longer ways are not looked for. */
enum { MENUS_IN_A_ROW = 4 };

size_t scene_choice(const struct machine *machine, const struct scene *scene,
		    size_t menu, bool chosen)
{
	const struct menu_boot *shown = &machine->menus[menu];
	size_t leave = shown->menu->item_count, far;

	if (scene->person == PERSON_NONE)
		return SIZE_MAX;
	if (scene->person == PERSON_LEAVES || chosen)
		return leave;
	if (menu == scene->menu)
		return scene->item;
	far = distance(machine, menu, scene->menu, MENUS_IN_A_ROW);
	for (size_t i = 0; far != SIZE_MAX && i < leave; i++) {
		size_t next = leads_to(machine, shown->items[i]);

		if (next != SIZE_MAX &&
		    distance(machine, next, scene->menu, MENUS_IN_A_ROW) < far)
			return i;
	}
	return leave;
}

static size_t default_item(const struct menu *menu)
{
	for (size_t i = 0; i < menu->item_count; i++)
		if (menu->chosen.text.ptr &&
		    text_equal(menu->items[i].name, menu->chosen.text))
			return i;
	return 0;
}

/* ------------------------------------------------------------ remote -- */

/* Whether a machine finds out what it is: a node from any server that is well,
 * one that is no node only from all of them. */
static bool is_dispatched(const struct plan *plan,
			  const struct machine *machine,
			  const struct blob *script, const struct scene *scene)
{
	const struct located_list *urls = &plan->effective->site->urls;
	size_t well = 0;

	if (scene->offline)
		return false;
	for (size_t i = 0; i < urls->count; i++)
		well += !scene_harms_nodes(scene, urls->at[i].text);
	if (!machine->node)
		return well == urls->count;
	return well && (!script || is_available(plan, scene, script, urls));
}

/* -------------------------------------------------------------- walk -- */

struct walk {
	const struct plan *plan;
	const struct machine *machine;
	const struct scene *scene;
	struct actions actions; /* that are followed now */
	size_t index;           /* of the next one of them */
	size_t leave;           /* of the boot order, behind a menu */
	bool in_menu, chosen, paused;
};

static void walk_from(struct walk *w, struct actions actions, size_t index,
		      bool in_menu)
{
	w->actions = actions;
	w->index = index;
	w->in_menu = in_menu;
}

/* @return false: it waits there */
static bool walk_menu(struct walk *w, const struct menu *menu)
{
	size_t which = menu_index(w->machine, menu);
	size_t item = scene_choice(w->machine, w->scene, which, w->chosen);

	if (item == SIZE_MAX && !menu->timeout_s)
		return false;
	if (item == SIZE_MAX)
		item = default_item(menu);
	else if (item < menu->item_count && which == w->scene->menu)
		w->chosen = true;
	if (item == menu->item_count)
		walk_from(w, w->machine->order, w->leave, false);
	else
		walk_from(w, w->machine->menus[which].items[item], 0, true);
	return true;
}

static struct intention end(enum sim_end how)
{
	return (struct intention){ how, NULL };
}

/* One action. @return SIM_RUNNING to go on */
static struct intention walk_step(struct walk *w)
{
	const struct action *action =
		&w->machine->actions[w->actions.first + w->index++];

	switch (action->kind) {
	case STEP_PROFILE:
		if ((action->boot->archs & w->scene->kind.arch) &&
		    is_bootable(w->plan, w->scene, action->boot))
			return (struct intention){ SIM_BOOTED, action->boot };
		break;
	case STEP_DISK:
		if (w->scene->disk)
			return end(SIM_DISK_BOOTED);
		break;
	case STEP_RETRY:
		w->paused = true;
		if (!action->menu)
			return end(SIM_RETRIES);
		return end(walk_menu(w, action->menu) ? SIM_RUNNING
						      : SIM_WAITS);
	case STEP_REBOOT:
		return end(SIM_REBOOTED);
	case STEP_POWEROFF:
		return end(SIM_POWERED_OFF);
	case STEP_EXIT:
		return end(SIM_EXITED);
	case STEP_SHELL:
		break;
	case STEP_MENU:
		if (!w->in_menu)
			w->leave = w->index;
		return end(walk_menu(w, action->menu) ? SIM_RUNNING
						      : SIM_WAITS);
	}
	return end(SIM_RUNNING);
}

struct intention intention_of(const struct plan *plan,
			      const struct machine *machine,
			      const struct blob *script,
			      const struct scene *scene)
{
	struct walk w = { .plan = plan,
			  .machine = machine,
			  .scene = scene,
			  .actions = machine->order };
	struct intention intention;

	if (scene_is_insecure(plan, scene))
		return end(SIM_EXITED);
	if (is_remote(plan, machine) &&
	    !is_dispatched(plan, machine, script, scene))
		return end(SIM_RETRIES);
	for (size_t i = 0; i < STEPS_MAX; i++) {
		intention = walk_step(&w);
		if (intention.end != SIM_RUNNING)
			return intention;
	}
	return end(w.paused ? SIM_RETRIES : SIM_SPINS);
}
