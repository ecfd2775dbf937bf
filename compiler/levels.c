#include "levels.h"

#include "arch.h"
#include "arena.h"
#include "vec.h"

#include <stddef.h>
#include <stdlib.h>

const struct more_settings no_more_settings;

static void level_add(struct levels *l, const struct settings *set,
		      const char *kind, const char *name)
{
	l->at[l->count++] = (struct level){ set, kind, name };
}

static const struct phase *phase_find(const struct settings *set,
				      struct text name)
{
	const struct more_settings *more = settings_more(set);

	for (size_t i = 0; name.ptr && i < more->phase_count; i++)
		if (text_equal(more->phases[i].name, name))
			return &more->phases[i];
	return NULL;
}

static void level_add_with_phase(struct levels *l, const struct settings *set,
				 const char *kind, struct text name,
				 struct text phase_name)
{
	const struct phase *phase = phase_find(set, phase_name);

	level_add(l, set, kind, name.ptr);
	if (phase)
		level_add(l, &phase->set, kind, phase->label.ptr);
}

/* A profile, and before it those that it extends. */
static void levels_add_profile(struct levels *l, const struct profile *profile,
			       struct text phase)
{
	if (profile->base)
		levels_add_profile(l, profile->base, phase);
	level_add_with_phase(l, &profile->set, "profile", profile->name, phase);
}

void levels_set(struct arena *arena, struct levels *levels,
		const struct site *site, const struct node *node,
		const struct profile *profile, struct text phase)
{
	size_t groups = node ? node->group_count : 0, room = 2 + 2 * groups;

	for (const struct profile *p = profile; p; p = p->base)
		room += 2;
	if (levels->room < room) {
		levels->at = arena_new_array(arena, room, struct level);
		levels->room = room;
	}
	levels->count = 0;
	level_add(levels, &site->set, "site", "");
	if (profile)
		levels_add_profile(levels, profile, phase);
	for (size_t i = 0; i < groups; i++)
		level_add_with_phase(levels, &node->groups[i]->set, "group",
				     node->groups[i]->name, phase);
	if (node)
		level_add(levels, &node->set, "node", node->name.ptr);
}

static const struct {
	const char *word;
	size_t items; /* in struct more_settings */
} boot_kinds[] = {
	[BOOT_KERNEL] = { "kernel", offsetof(struct more_settings, kernel) },
	[BOOT_EFI] = { "efi", offsetof(struct more_settings, efi) },
	[BOOT_UKI] = { "uki", offsetof(struct more_settings, uki) },
	[BOOT_CHAIN] = { "chain", offsetof(struct more_settings, chain) },
	[BOOT_ISO] = { "iso", offsetof(struct more_settings, iso) },
	[BOOT_SAN] = { "san", offsetof(struct more_settings, san) },
	[BOOT_MEMDISK] = { "memdisk", offsetof(struct more_settings, memdisk) },
};

const char *boot_kind_word(enum boot_kind kind)
{
	return boot_kinds[kind].word;
}

const char *boot_kernel_word(const struct boot *boot)
{
	return boot_kind_word(boot->kind == BOOT_ISO ? BOOT_MEMDISK
						     : boot->kind);
}

const char *boot_initrd_word(const struct boot *boot)
{
	return boot->kind == BOOT_ISO ? "iso" : "initrd";
}

const struct item_list *boot_items(const struct settings *set,
				   enum boot_kind kind)
{
	const char *at =
		(const char *)settings_more(set) + boot_kinds[kind].items;

	return (const struct item_list *)(const void *)at;
}

enum boot_kind levels_boot_kind(const struct levels *levels)
{
	for (enum boot_kind kind = BOOT_EFI; kind <= BOOT_LAST; kind++)
		for (size_t i = 0; i < levels->count; i++)
			if (boot_items(levels->at[i].set, kind)->count)
				return kind;
	return BOOT_KERNEL;
}

bool levels_incomplete(const struct levels *levels)
{
	for (size_t i = 0; i < levels->count; i++)
		if (levels->at[i].set->incomplete)
			return true;
	return false;
}

const struct profile *levels_profile(const struct levels *levels)
{
	for (size_t i = levels->count; i-- > 0;)
		if (levels->at[i].set->booted)
			return levels->at[i].set->booted;
	return NULL;
}

const struct boot_order *levels_order(const struct levels *levels)
{
	for (size_t i = levels->count; i-- > 0;)
		if (settings_more(levels->at[i].set)->boot.count)
			return &settings_more(levels->at[i].set)->boot;
	return &no_more_settings.boot;
}

struct located levels_phase(const struct levels *levels)
{
	for (size_t i = levels->count; i-- > 0;)
		if (levels->at[i].set->phase.text.ptr)
			return levels->at[i].set->phase;
	return (struct located){ 0 };
}

struct text levels_arch(const struct levels *levels)
{
	for (size_t i = levels->count; i-- > 0;)
		if (settings_more(levels->at[i].set)->arch.text.ptr)
			return settings_more(levels->at[i].set)->arch.text;
	return (struct text){ NULL, 0 };
}

/* Whether anything that differs by processor is said for one of its own. */
static bool differs_by_arch(const struct settings *set)
{
	const struct more_settings *more = settings_more(set);
	bool differs = false;

	for (enum boot_kind kind = BOOT_KERNEL; kind <= BOOT_LAST; kind++) {
		const struct item_list *items = boot_items(set, kind);

		for (size_t i = 0; i < items->count; i++)
			differs =
				differs || items->at[i].from.archs != ARCH_ANY;
	}
	for (size_t i = 0; i < more->initrd.count; i++)
		differs = differs || more->initrd.at[i].from.archs != ARCH_ANY;
	for (size_t i = 0; i < more->args.count; i++)
		differs = differs || more->args.at[i].archs != ARCH_ANY;
	for (size_t i = 0; i < more->files.count; i++)
		differs = differs || more->files.at[i].archs;
	return differs;
}

bool levels_differ_by_arch(const struct levels *levels)
{
	for (size_t i = 0; i < levels->count; i++)
		if (differs_by_arch(levels->at[i].set))
			return true;
	return false;
}

bool levels_have_kernel(const struct levels *levels, unsigned arch)
{
	enum boot_kind kind = levels_boot_kind(levels);

	for (size_t i = 0; i < levels->count; i++) {
		const struct item_list *kernel =
			boot_items(levels->at[i].set, kind);

		for (size_t j = 0; j < kernel->count; j++)
			if (arch_holds(kernel->at[j].from.archs, arch))
				return true;
	}
	return false;
}

/* ----------------------------------------------------------- phases -- */

struct names {
	struct arena *arena;
	VEC(struct text) all;
	VEC(const struct profile *) seen; /* whose phases are in there */
};

static void names_add_phases(struct names *names, const struct settings *set)
{
	const struct more_settings *more = settings_more(set);

	for (size_t i = 0; i < more->phase_count; i++) {
		const struct text phase = more->phases[i].name;
		bool known = false;

		vec_foreach (struct text, name, &names->all)
			known = known || text_equal(*name, phase);
		if (!known)
			*vec_push(names->arena, &names->all) = phase;
	}
}

/* Those of the profile that a node boots in some phase. */
static void names_add_profile(struct names *names, const struct site *site,
			      const struct node *node, struct text phase)
{
	struct levels l = { 0 };
	const struct profile *booted;

	levels_set(names->arena, &l, site, node, NULL, phase);
	booted = levels_profile(&l);
	vec_foreach (const struct profile *, seen, &names->seen)
		if (*seen == booted)
			return;
	*vec_push(names->arena, &names->seen) = booted;
	for (const struct profile *p = booted; p; p = p->base)
		names_add_phases(names, &p->set);
}

static int compare_texts(const void *a, const void *b)
{
	return text_compare(*(const struct text *)a, *(const struct text *)b);
}

struct text *levels_phases(struct arena *arena, const struct site *site,
			   const struct node *node, size_t *ret_count)
{
	struct names names = { .arena = arena };

	*ret_count = 0;
	if (!site->has_phases)
		return NULL;
	for (size_t i = 0; i < node->group_count; i++)
		names_add_phases(&names, &node->groups[i]->set);
	names_add_profile(&names, site, node, (struct text){ NULL, 0 });
	/* A phase of a group may bring another profile. */
	for (size_t i = 0; i < names.all.count; i++)
		names_add_profile(&names, site, node, names.all.at[i]);
	if (names.all.count > 1)
		qsort(names.all.at, names.all.count, sizeof(*names.all.at),
		      compare_texts);
	*ret_count = names.all.count;
	return names.all.at;
}
