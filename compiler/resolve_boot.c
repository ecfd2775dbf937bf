#include "resolve_parts.h"

#include "arena.h"
#include "resolve.h"

static const struct {
	const char *word;
	bool final;
} steps[STEPS] = {
	[STEP_PROFILE] = { "profile", false },
	[STEP_DISK] = { "disk", false },
	[STEP_RETRY] = { "retry", true },
	[STEP_REBOOT] = { "reboot", true },
	[STEP_POWEROFF] = { "poweroff", true },
	[STEP_EXIT] = { "exit", true },
	[STEP_SHELL] = { "shell", false },
	[STEP_MENU] = { "menu", false },
};

const char *step_word(enum step_kind kind)
{
	return steps[kind].word;
}

bool step_is_final(enum step_kind kind)
{
	return steps[kind].final;
}

bool step_ends_order(const struct step *step, bool in_menu)
{
	return step_is_final(step->kind) ||
	       (in_menu && step->kind == STEP_MENU);
}

static bool step_find(struct text word, enum step_kind *ret_kind)
{
	for (size_t i = STEP_PROFILE + 1; i < STEPS; i++) {
		if (text_is(word, steps[i].word)) {
			*ret_kind = (enum step_kind)i;
			return true;
		}
	}
	return false;
}

bool step_word_taken(struct text word)
{
	enum step_kind kind;

	return step_find(word, &kind) || text_is(word, "local");
}

/* The menu that a word of a boot order shows; empty for other words. */
static struct text menu_name(struct text word)
{
	static const char prefix[] = "menu:";
	const size_t len = sizeof(prefix) - 1;

	if (text_is(word, "menu"))
		return TEXT("main");
	if (word.len <= len || memcmp(word.ptr, prefix, len) != 0)
		return (struct text){ NULL, 0 };
	return (struct text){ word.ptr + len, word.len - len };
}

static void step_add(struct boot_order *order, struct located word)
{
	struct step step = { .kind = STEP_PROFILE, .name = word };

	if (menu_name(word.text).len)
		step.kind = STEP_MENU;
	else
		step_find(word.text, &step.kind);
	order->steps[order->count++] = step;
}

/* "local" is a whole order, not a step: what is installed here, or else
 * whatever the firmware has next. */
void parse_boot(struct resolve *r, const struct doc *doc,
		const struct field *field)
{
	struct boot_order *order = field->at;
	struct located_list list;

	if (refuse_empty_list(r, doc, field->name))
		return;
	list = get_scalars(r, doc, field->name);
	order->at = doc->at;
	order->steps = arena_new_array(r->arena, list.count + 1, struct step);
	if (list.count == 1 && text_is(list.at[0].text, "local")) {
		order->steps[0] =
			(struct step){ .kind = STEP_DISK, .name = list.at[0] };
		order->steps[1] =
			(struct step){ .kind = STEP_EXIT, .name = list.at[0] };
		order->count = 2;
		return;
	}
	for (size_t i = 0; i < list.count; i++)
		step_add(order, list.at[i]);
}

void no_such_profile(struct resolve *r, const struct located *name,
		     bool in_order)
{
	const char *words[STEPS + 1] = { "local" };
	const char *nearest;
	struct diag *d;

	for (size_t i = 0; i < STEPS; i++)
		words[i + 1] = steps[i].word;
	nearest = nearest_name(r, name->text, r->site->profiles,
			       r->site->profile_count, sizeof(struct profile),
			       words, in_order ? STEPS + 1 : 0);
	if (in_order && text_is(name->text, "local")) {
		diag_at(r->ds, DIAG_E403, name->at,
			"\"local\" is a whole boot order, not a step of one: "
			"write disk, exit");
		return;
	}
	d = diag_at(r->ds, in_order ? DIAG_E403 : DIAG_E401, name->at,
		    in_order ? "\"%s\" is neither a profile nor a step that "
			       "exists"
			     : "there is no profile \"%s\"",
		    name->text.ptr);
	if (nearest)
		diag_help(r->ds, d, "did you mean \"%s\"?", nearest);
}

static void link_menu(struct resolve *r, struct step *step)
{
	struct text name = menu_name(step->name.text);
	const char *nearest;
	struct diag *d;

	step->menu = menu_find(r->site, name);
	if (step->menu)
		return;
	nearest = nearest_name(r, name, r->site->menus, r->site->menu_count,
			       sizeof(struct menu), NULL, 0);
	d = diag_at(r->ds, DIAG_E430, step->name.at, "there is no menu \"%s\"",
		    name.ptr);
	if (nearest)
		diag_help(r->ds, d, "did you mean \"menu:%s\"?", nearest);
}

void link_order(struct resolve *r, struct boot_order *order)
{
	for (size_t i = 0; i < order->count; i++) {
		struct step *step = &order->steps[i];

		if (step->kind == STEP_MENU) {
			link_menu(r, step);
			continue;
		}
		if (step->kind != STEP_PROFILE)
			continue;
		step->profile = profile_find(r->site, step->name.text);
		if (!step->profile)
			no_such_profile(r, &step->name, true);
	}
}
