#include "simulate_commands.h"

#include "arena.h"

#include <stdlib.h>

static bool is_menu(const struct sim_menu *menu,
		    const struct sim_argument *name)
{
	return menu->there && menu->named == name->is &&
	       (!name->is ||
		text_equal((struct text){ menu->name.ptr, menu->name.len },
			   name->text));
}

static struct sim_menu *find_menu(struct sim *sim,
				  const struct sim_argument *name)
{
	for (size_t i = 0; i < sim->menus.live; i++)
		if (is_menu(sim->menus.at[i], name))
			return sim->menus.at[i];
	return NULL;
}

unsigned long sim_do_menu(struct sim *sim, struct sim_call *call)
{
	const struct sim_argument *name = sim_argument(call, 'n');
	struct sim_menu *menu = find_menu(sim, name);
	struct text text;

	if (!menu)
		menu = sim_pool_take(&sim->menus, sizeof(*menu));
	menu->there = !sim_argument(call, 'd')->is;
	menu->named = name->is;
	menu->items.live = 0;
	sim_assign(&menu->name, name->is ? name->text : TEXT(""), &text);
	sim_assign(&menu->title, sim_joined(sim, call, 0), &text);
	return 0;
}

unsigned long sim_do_item(struct sim *sim, struct sim_call *call)
{
	const struct sim_argument *name = sim_argument(call, 'f')->is
						  ? sim_argument(call, 'f')
						  : sim_argument(call, 'm');
	struct sim_menu *menu = find_menu(sim, name);
	bool has_name = !sim_argument(call, 'g')->is && call->count;
	struct sim_menu_item *new;

	if (!menu)
		return sim_status_of(SIM_ENOENT);
	new = sim_pool_take(&menu->items, sizeof(*new));
	new->item =
		(struct sim_item){ .key = (int)sim_argument(call, 'k')->number,
				   .chosen_first =
					   sim_argument(call, 'd')->is };
	if (has_name)
		sim_assign(&new->name, call->operands[0], &new->item.name);
	sim_assign(&new->label, sim_joined(sim, call, has_name),
		   &new->item.label);
	return 0;
}

/* On which item the cursor stands first; SIZE_MAX when none has a name. */
static size_t first_item(const struct sim_menu *menu,
			 const struct sim_argument *want)
{
	size_t first = SIZE_MAX;

	for (size_t i = 0; i < menu->items.live; i++) {
		const struct sim_menu_item *item = menu->items.at[i];

		if (!item->item.name.ptr)
			continue;
		if (first == SIZE_MAX)
			first = i;
		if (want->is ? text_equal(item->item.name, want->text)
			     : item->item.chosen_first)
			first = i;
	}
	return first;
}

static size_t ask_world(struct sim *sim, const struct sim_menu *menu)
{
	size_t count = menu->items.live, choice;
	struct sim_item *items;

	if (!sim->world->choose)
		return SIZE_MAX;
	items = xrealloc(NULL, size_product(count + 1, sizeof(*items)));
	for (size_t i = 0; i < count; i++)
		items[i] = ((struct sim_menu_item *)menu->items.at[i])->item;
	choice = sim->world->choose(
		sim->world->ctx,
		(struct text){ sbuf_text(&menu->title), menu->title.len },
		items, count);
	free(items);
	return choice;
}

static unsigned long choose_item(struct sim *sim, struct sim_call *call,
				 const struct sim_menu *menu)
{
	size_t choice = first_item(menu, sim_argument(call, 'd')), answer;
	const struct sim_menu_item *item;

	if (choice == SIZE_MAX)
		return sim_status_of(SIM_ENOENT);
	answer = ask_world(sim, menu);
	if (answer == menu->items.live)
		return sim_status_of(SIM_ECANCELED);
	if (answer == SIZE_MAX && !sim_argument(call, 't')->number) {
		sim_finish(sim, SIM_WAITS);
		return 0;
	}
	if (answer < menu->items.live)
		choice = answer;
	item = menu->items.at[choice];
	sim_emit(sim, &(struct sim_event){ .kind = SIM_ASK,
					   .text = { sbuf_text(&menu->title),
						     menu->title.len },
					   .more = item->item.name,
					   .good = answer != SIZE_MAX });
	return sim_store_named(sim, call->operands[0], item->item.name);
}

unsigned long sim_do_choose(struct sim *sim, struct sim_call *call)
{
	struct sim_menu *menu = find_menu(sim, sim_argument(call, 'm'));
	struct sim_ref ref;
	unsigned long status;
	int error = sim_ref_parse(sim, call->operands[0], true, &ref);

	if (error)
		return sim_status_of(error);
	if (!menu)
		return sim_status_of(SIM_ENOENT);
	status = choose_item(sim, call, menu);
	if (!sim_argument(call, 'k')->is)
		menu->there = false;
	return status;
}
