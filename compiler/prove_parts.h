#ifndef COMPILER_PROVE_PARTS_H
#define COMPILER_PROVE_PARTS_H
/**
 * @file
 * What the parts of the proof share: a world that a machine may find itself in,
 * and how it must end there by what the site says.
 */
#include "ir.h"
#include "plan.h"
#include "published.h"
#include "simulate.h"

/** What whoever sits at the console does. */
enum person {
	PERSON_NONE,
	PERSON_LEAVES,  /**< every menu */
	PERSON_CHOOSES, /**< one item of one menu, once; leaves the others */
};

struct scene {
	const char *platform;
	bool secure_boot, disk, offline;
	enum harm harm;
	const struct blob *victim; /**< NULL: everything */
	bool victim_signature;     /**< its signature alone */
	struct text base;          /**< only there; ptr NULL: everywhere */
	enum person person;
	size_t menu, item; /**< of the machine: that is to be chosen */
};

/** Whether what a base has to offer of a blob is harmed. */
bool scene_harms(const struct scene *scene, const struct blob *blob,
		 bool signature, struct text base);

/** Whether the script of a node is harmed at a base. */
bool scene_harms_nodes(const struct scene *scene, struct text base);

/** Whether this machine asks the tree which node it is. */
bool is_remote(const struct plan *plan, const struct machine *machine);

/** Whether the site refuses to boot: its firmware does not verify. */
bool scene_is_insecure(const struct plan *plan, const struct scene *scene);

/**
 * What that person takes in a menu: at the one that is wanted its item, before
 * it what leads there.
 *
 * @param chosen	whether the wanted item has been taken already
 * @return an item; the count of items to leave; SIZE_MAX: nobody is there
 */
size_t scene_choice(const struct machine *machine, const struct scene *scene,
		    size_t menu, bool chosen);

/** How a machine must end. */
struct intention {
	enum sim_end end;
	const struct boot *boot; /**< SIM_BOOTED: what of */
};

/**
 * @param script	of the boot order, in the tree; NULL: not from there
 */
struct intention intention_of(const struct plan *plan,
			      const struct machine *machine,
			      const struct blob *script,
			      const struct scene *scene);

#endif
