#ifndef COMPILER_PROVE_PARTS_H
#define COMPILER_PROVE_PARTS_H
/**
 * @file
 * What the parts of the proof share: a world that a machine may find itself in,
 * and how it must end there by what the site says.
 */
#include "arena.h"
#include "diag.h"
#include "ir.h"
#include "map.h"
#include "plan.h"
#include "published.h"
#include "sbuf.h"
#include "simulate.h"

/** What whoever sits at the console does. */
enum person {
	PERSON_NONE,
	PERSON_LEAVES,  /**< every menu */
	PERSON_CHOOSES, /**< one item of one menu, once; leaves the others */
};

/** What kind of machine it is. */
struct machine_kind {
	const char *platform, *buildarch; /**< as iPXE names them */
	enum arch arch;
	bool secure_boot;
};

struct scene {
	struct machine_kind kind;
	bool disk, offline;
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

/* -------------------------------------------------------------- proof -- */

enum { PROOF_CARDS_MAX = 3 + 2 * NICS_MAX };

struct proof {
	const struct plan *plan;
	const struct site *site;
	struct diags *ds;
	struct arena arena;
	struct sim *sim;
	const struct sim_script *script;
	struct map structures; /**< of orders that have been looked at fully */
	struct published tree;
	struct sim_world world;
	struct sim_card cards[PROOF_CARDS_MAX];
	unsigned char foreign[2][6]; /**< cards that are in no node */
	char order[32], reached[32]; /**< labels: its own, and where it came */
	struct text *words;          /**< of plan_words() */
	/** Its text -> number of the blob, plus one. */
	struct map order_scripts;
	const struct blob **script_of; /**< by number of the order, less one */

	/* Of the run that is going on. */
	const struct machine *machine;
	const struct blob *order_script; /**< of the machine; NULL: embedded */
	struct scene scene;
	const struct boot *booted; /**< that a kernel was started for */
	bool chosen;               /**< the item that was wanted in a menu */
	const char *fault;         /**< found in the midst of it */
	struct sbuf details;
	struct sbuf *trace; /**< NULL: nobody wants it */
};

/** Whether this is one of the ways in which the site verifies. */
bool proof_verifies(const struct proof *p, enum verify how);

/** What happens to a published item in the scene: for struct published. */
enum harm proof_harm(void *ctx, const struct published_item *item);

/** Find cards that are in no node, for the world around a machine. */
void proof_find_foreign(struct proof *p);

/** Begin with a world without cards. */
void proof_set_world(struct proof *p, const struct scene *scene);

/** By how many things a node may be known: cards, and what firmware says. */
size_t identity_count(const struct node *node);

/** Let the machine show itself by one of them.
 * @param crowd	among cards of others */
void proof_set_identity(struct proof *p, const struct node *node, size_t which,
			bool crowd);

/** The machine that is looked at, with all cards that its site names. */
void proof_set_machine(struct proof *p);

/** What the machine is about to do: an event handler of a world. */
void proof_observe(void *ctx, const struct sim_event *event);

/** Add an error: what the machine does instead of what it should. */
void proof_report(struct proof *p, enum sim_end end);

/** Find the boot orders that lie in the tree. */
void proof_find_scripts(struct proof *p);

/** The machine and its boot order that the next runs are about. */
void proof_set_subject(struct proof *p, const struct machine *machine,
		       const struct order *order);

/** BIOS, UEFI on x86_64, and that with Secure Boot. */
extern const struct machine_kind kind_bios, kind_efi, kind_secure;

/** The scene in which the site boots, all being well. */
struct scene scene_of_site(const struct proof *p);

/** Does the machine in this world come to its own order, with its own words? */
void prove_dispatch(struct proof *p, const struct order *order);

/** The same for each identity of a node. */
void prove_node(struct proof *p, const struct machine *machine,
		const struct order *order);

#endif
