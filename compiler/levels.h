#ifndef COMPILER_LEVELS_H
#define COMPILER_LEVELS_H
/**
 * @file
 * The one rule of precedence: which settings a machine has, lowest first.
 *
 *     site < profiles that its profile extends < its profile
 *          < its groups, as named < the node
 *
 * and a phase lies right over the profile or group that has it.
 */
#include "ir.h"

struct arena;

/** The key that says it: "kernel", "efi" and so on. */
const char *boot_kind_word(enum boot_kind kind);

/** By which key the site names what a boot has as its kernel, and initrds. */
const char *boot_kernel_word(const struct boot *boot);
const char *boot_initrd_word(const struct boot *boot);

/** What a level says is booted, if it is of that kind. */
const struct item_list *boot_items(const struct settings *set,
				   enum boot_kind kind);

extern const struct more_settings no_more_settings;

/** What a level says besides; nothing, if it does not. */
static inline const struct more_settings *
settings_more(const struct settings *set)
{
	return set->more ? set->more : &no_more_settings;
}

/** Where a setting comes from: "profile" "debian"; "site" "". */
struct level {
	const struct settings *set;
	const char *kind;
	const char *name; /**< of a phase: "debian/install" */
};

/** Zero-initialise; may be set again and again. */
struct levels {
	struct level *at;
	size_t count, room;
};

/**
 * @param node	NULL for the unknown machine
 * @param profile	that it boots, or NULL
 * @param phase	that it is in; ptr NULL for none
 */
void levels_set(struct arena *arena, struct levels *levels,
		const struct site *site, const struct node *node,
		const struct profile *profile, struct text phase);

/** What kind their profile is of. */
enum boot_kind levels_boot_kind(const struct levels *levels);

/** Whether something in them was wrong, and has been reported. */
bool levels_incomplete(const struct levels *levels);

/** @return what to boot by default; NULL if nothing says so */
const struct profile *levels_profile(const struct levels *levels);

/** @return with count 0 if nothing says so; never NULL */
const struct boot_order *levels_order(const struct levels *levels);

/** @return the phase that they say; text.ptr NULL if none does */
struct located levels_phase(const struct levels *levels);

/** @return the processor that they say; ptr NULL if none does */
struct text levels_arch(const struct levels *levels);

/** Whether what is booted differs by processor. */
bool levels_differ_by_arch(const struct levels *levels);

/** @param arch	ARCH_ANY: one that any machine can boot */
bool levels_have_kernel(const struct levels *levels, unsigned arch);

/**
 * All phases that a node may be in, by name, each once.
 *
 * @param ret_count	may be 0
 */
struct text *levels_phases(struct arena *arena, const struct site *site,
			   const struct node *node, size_t *ret_count);

#endif
