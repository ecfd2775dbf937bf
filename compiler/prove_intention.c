#include "prove_parts.h"

#include <stdlib.h>

/* More menus in a row, or pauses, than any way to an end has: it is none. */
enum { STEPS_MAX = 1000 };

/* ---------------------------------------------------------- profiles -- */

/* In the order of the script: so many tries may fail until one is good. */
static bool is_bootable(const struct proof *p, struct progress *at,
			const struct boot *boot)
{
	if ((boot->kind == BOOT_EFI || boot->kind == BOOT_UKI) &&
	    strcmp(p->scene.kind.platform, "efi") != 0)
		return false;
	if (boot->kind == BOOT_ISO &&
	    strcmp(p->scene.kind.platform, "pcbios") != 0)
		return false;
	if (!progress_network(p, at) || !proof_has_facts(p, boot))
		return false;
	if (boot->kind == BOOT_SAN)
		return true;
	if (boot->uki)
		return progress_fetch(p, at, boot->uki, SHELF_ASSETS);
	if (!progress_fetch(p, at, boot->kernel, SHELF_ASSETS))
		return false;
	for (size_t i = 0; i < boot->initrd_count; i++)
		if (!progress_fetch(p, at, boot->initrds[i], SHELF_ASSETS))
			return false;
	for (size_t i = 0; i < boot->file_count; i++)
		if (!progress_fetch(p, at, boot->files[i].blob, SHELF_URLS))
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

/* One step nearer, where an item leads on. @return whether one was found */
static bool come_nearer(const struct machine *machine, size_t *far)
{
	bool nearer = false;

	for (size_t m = 0; m < machine->menu_count; m++) {
		const struct menu_boot *shown = &machine->menus[m];

		for (size_t i = 0; i < shown->menu->item_count; i++) {
			size_t next = leads_to(machine, shown->items[i]);

			if (next == SIZE_MAX || far[next] == SIZE_MAX ||
			    far[next] + 1 >= far[m])
				continue;
			far[m] = far[next] + 1;
			nearer = true;
		}
	}
	return nearer;
}

/* How many menus lie between each of them and one; SIZE_MAX where no way leads
 * there. To be freed. */
static size_t *find_distances(const struct machine *machine, size_t to)
{
	size_t *far =
		xrealloc(NULL, size_product(machine->menu_count, sizeof(*far)));

	for (size_t m = 0; m < machine->menu_count; m++)
		far[m] = m == to ? 0 : SIZE_MAX;
	while (come_nearer(machine, far))
		;
	return far;
}

/* The item of a menu by which one comes nearer to another menu; to leave it if
 * there is none. */
static size_t item_towards(const struct machine *machine, size_t menu,
			   size_t to)
{
	const struct menu_boot *shown = &machine->menus[menu];
	size_t *far = find_distances(machine, to);
	size_t item = far[menu] == SIZE_MAX ? shown->menu->item_count : 0;

	for (; item < shown->menu->item_count; item++) {
		size_t next = leads_to(machine, shown->items[item]);

		if (next != SIZE_MAX && far[next] < far[menu])
			break;
	}
	free(far);
	return item;
}

size_t scene_choice(const struct machine *machine, const struct scene *scene,
		    size_t menu, bool chosen)
{
	const struct menu_boot *shown = &machine->menus[menu];
	if (scene->person == PERSON_NONE)
		return SIZE_MAX;
	if (scene->person == PERSON_LEAVES || chosen)
		return shown->menu->item_count;
	if (menu == scene->menu)
		return scene->item;
	return item_towards(machine, menu, scene->menu);
}

static size_t default_item(const struct menu *menu)
{
	for (size_t i = 0; i < menu->item_count; i++)
		if (menu->chosen.text.ptr &&
		    text_equal(menu->items[i].name, menu->chosen.text))
			return i;
	return 0;
}

/* -------------------------------------------------------------- walk -- */

struct walk {
	const struct proof *p;
	struct progress at;
	struct progress paused_at; /* how it stood at the last pause */
	struct actions actions;    /* that are followed now */
	size_t index;              /* of the next one of them */
	size_t leave;              /* of the boot order, behind a menu */
	size_t disks;              /* that were looked for in vain */
	bool in_menu, chosen, paused, shell;
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
	const struct machine *machine = w->p->machine;
	size_t which = menu_index(machine, menu);
	size_t item = scene_choice(machine, &w->p->scene, which, w->chosen);

	if (item == SIZE_MAX && !menu->timeout_s)
		return false;
	if (item == SIZE_MAX)
		item = default_item(menu);
	else if (item < menu->item_count && which == w->p->scene.menu)
		w->chosen = true;
	if (item == menu->item_count)
		walk_from(w, machine->order, w->leave, false);
	else
		walk_from(w, machine->menus[which].items[item], 0, true);
	return true;
}

static struct intention end(enum sim_end how)
{
	return (struct intention){ .end = how };
}

/* Whether what goes wrong here will end some time, and did not before the last
 * try began: then the next one may go another way. */
static bool is_worth_a_try(struct walk *w)
{
	const struct scene *scene = &w->p->scene;
	bool late = scene->wire == WIRE_LATE || scene->wire == WIRE_LEASED;
	bool worth =
		(late && w->at.pauses < 2) ||
		(scene->pauses && w->at.pauses <= scene->pauses) ||
		w->at.detours[SHELF_URLS] != w->paused_at.detours[SHELF_URLS] ||
		w->at.detours[SHELF_ASSETS] !=
			w->paused_at.detours[SHELF_ASSETS] ||
		(scene->hits && w->at.hits != w->paused_at.hits) ||
		(scene->duds && w->at.duds != w->paused_at.duds);

	w->paused_at = w->at;
	return worth;
}

static bool walk_begin(struct walk *w)
{
	const struct proof *p = w->p;

	walk_from(w, p->machine->order, 0, false);
	return !is_remote(p->plan, p->machine) || progress_dispatch(p, &w->at);
}

/* After a pause: the item of a menu, or else all from the beginning. */
static struct intention walk_again(struct walk *w)
{
	bool begun;

	do {
		progress_pause(&w->at);
		if (!is_worth_a_try(w))
			return end(SIM_RETRIES);
		begun = w->in_menu || walk_begin(w);
	} while (!begun);
	w->index = 0;
	return end(SIM_RUNNING);
}

static struct intention walk_retry(struct walk *w, const struct action *action)
{
	w->paused = true;
	if (!action->menu)
		return walk_again(w);
	progress_pause(&w->at);
	return end(walk_menu(w, action->menu) ? SIM_RUNNING : SIM_WAITS);
}

static enum sim_end end_of(const struct boot *boot)
{
	return boot->kind == BOOT_SAN ? SIM_SAN_BOOTED : SIM_BOOTED;
}

/* One action. @return SIM_RUNNING to go on */
static struct intention walk_step(struct walk *w)
{
	const struct proof *p = w->p;
	const struct action *action =
		&p->machine->actions[w->actions.first + w->index++];

	switch (action->kind) {
	case STEP_PROFILE:
		if (!(action->boot->archs & p->scene.kind.arch) ||
		    !is_bootable(p, &w->at, action->boot))
			break;
		if (w->at.duds == p->scene.duds)
			return (struct intention){ .end = end_of(action->boot),
						   .boot = action->boot };
		w->at.duds++;
		/* A script that comes back may have changed the network. */
		if (action->boot->kind == BOOT_CHAIN)
			w->at.online = false;
		break;
	case STEP_DISK:
		if (p->scene.disk)
			return end(SIM_DISK_BOOTED);
		w->disks++;
		break;
	case STEP_RETRY:
		return walk_retry(w, action);
	case STEP_REBOOT:
		return end(SIM_REBOOTED);
	case STEP_POWEROFF:
		return end(SIM_POWERED_OFF);
	case STEP_EXIT:
		return end(SIM_EXITED);
	case STEP_SHELL:
		w->shell = true;
		break;
	case STEP_MENU:
		if (!w->in_menu)
			w->leave = w->index;
		return end(walk_menu(w, action->menu) ? SIM_RUNNING
						      : SIM_WAITS);
	}
	return end(SIM_RUNNING);
}

struct intention intention_of(const struct proof *p)
{
	struct walk w = { .p = p };
	struct intention intention = { .end = SIM_RUNNING };

	if (scene_is_insecure(p->plan, &p->scene))
		return (struct intention){ .end = SIM_EXITED, .pauses = 1 };
	if (!walk_begin(&w))
		intention = walk_again(&w);
	for (size_t i = 0; i < STEPS_MAX && intention.end == SIM_RUNNING; i++)
		intention = walk_step(&w);
	if (intention.end == SIM_RUNNING)
		intention = end(w.paused ? SIM_RETRIES : SIM_SPINS);
	intention.shell = w.shell;
	intention.disks = w.disks;
	intention.pauses = w.at.pauses;
	return intention;
}
