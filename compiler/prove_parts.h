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
#include "rules.h"
#include "sbuf.h"
#include "simulate.h"
#include "vec.h"

/** What whoever sits at the console does. */
enum person {
	PERSON_NONE,
	PERSON_LEAVES,  /**< every menu */
	PERSON_CHOOSES, /**< one item of one menu, once; leaves the others */
};

/** What the cables of the machine lead to. */
enum wire {
	WIRE_GOOD,
	WIRE_CUT,    /**< no card has a link */
	WIRE_SILENT, /**< nobody answers DHCP */
	WIRE_LEASED, /**< the same, but the firmware has got addresses before */
	WIRE_OWN,    /**< only cards of the node have a link */
	WIRE_OTHERS, /**< only the others have */
	WIRE_LATE,   /**< no card has a link until the machine has paused */
};

/** What kind of machine it is. */
struct machine_kind {
	const char *platform, *buildarch; /**< as iPXE names them */
	enum arch arch;
	bool secure_boot;
};

/** What the machine says about itself. */
enum firmware {
	FIRMWARE_TALKS,
	FIRMWARE_SILENT,  /**< all but one fact */
	FIRMWARE_HOSTILE, /**< as one fact, what iPXE would expand */
};

struct scene {
	struct machine_kind kind;
	bool disk;
	enum wire wire;
	enum harm harm;
	const struct blob *victim; /**< NULL: everything */
	bool victim_signature;     /**< its signature alone */
	struct text base;          /**< only there; ptr NULL: everywhere */
	/** After so many fetches that were harmed, or so many pauses of the
	 * machine, all is well; 0: never. */
	unsigned hits, pauses;
	bool by_turns; /**< every other fetch of an item is harmed, only */
	/** So many fetches from each shelf are lost before all that. */
	unsigned detour;
	unsigned duds;  /**< kernels that do not start, before one does */
	bool elsewhere; /**< the image is of another site, of the same signer */
	enum person person;
	size_t menu, item;      /**< of the machine: that is to be chosen */
	enum firmware firmware; /**< of machines that are asked for facts */
	size_t fact;            /**< index in boot_facts of the odd one */
};

/** Facts that the machine must find out for its arguments; as in struct boot */
unsigned facts_asked(const struct machine *machine);

/** Whether what a base has to offer of a blob is harmed. */
bool scene_harms(const struct scene *scene, const struct blob *blob,
		 bool signature, struct text base);

/** Whether the script of a node is harmed at a base. */
bool scene_harms_nodes(const struct scene *scene, struct text base);

/** Whether its harm has ended by now. */
bool scene_is_over(const struct scene *scene, unsigned hits, unsigned pauses);

/** What a card is connected to, after so many pauses.
 * @param own	a card of the node */
void scene_connect(const struct scene *scene, bool own, unsigned pauses,
		   struct sim_card *card);

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

/** Where things are fetched from. */
enum shelf { SHELF_URLS, SHELF_ASSETS, SHELVES };

/** How far a machine has come, by what the site says. */
struct progress {
	size_t mirrors[SHELVES]; /**< to be asked first */
	unsigned detours
		[SHELVES]; /**< fetches that were lost at the beginning */
	unsigned hits, pauses, duds;
	bool online, turn; /**< the next fetch is one that is harmed not */
	bool unsure;       /**< a server may have no more to say about a node */
};

/* -------------------------------------------------------------- proof -- */

enum { PROOF_CARDS_MAX = 3 + 2 * NICS_MAX };

/** How a machine must end. */
struct intention {
	enum sim_end end;
	const struct boot *boot; /**< SIM_BOOTED: what of */
	bool shell;              /**< it comes by a shell */
	size_t disks;            /**< it looks for a disk in vain, so often */
	unsigned pauses;         /**< that it has made by then */
};

/** What is known about a card of the world. */
struct proof_card {
	bool own; /**< of the node */
};

/** A run of the proof that ended as it should. */
struct proof_run {
	struct scene scene;
	struct intention intention;
};

/** What is shown: a fault of the emitter hits all machines alike. */
enum { FAULTS_MAX = 3 };

/* What DHCP says in the proof. */
#define PROOF_ADDRESS "10.0.2.15"
#define PROOF_NETMASK "255.255.254.0"
#define PROOF_GATEWAY "10.0.2.2"

/** Machines of an order that show whether it uses the right words. */
struct witnesses {
	struct text *first; /**< words of the first machine */
	size_t *alike;      /**< the first word that has been the same always */
	bool *varied;       /**< more than one value has been seen */
	size_t *before;     /**< scratch */
};

/** By what a node may be known: what comes first counts more. */
enum mark { MARK_MAC, MARK_UUID, MARK_SERIAL, MARK_ASSET, MARKS };

struct proof {
	const struct plan *plan;
	const struct site *site;
	struct diags *ds;
	struct arena arena;
	struct sim *sim;
	const struct sim_script *script;
	bool shares; /**< what holds for one order holds for all like it */
	struct map structures; /**< of orders and machines, numbered */
	size_t structure_count;
	size_t structure;  /**< of the order; 0: like no other */
	struct sbuf shape; /**< of the machine that was last asked about */
	struct witnesses witnesses;
	size_t nodes_max;
	bool shelves_differ; /**< as proof_do_shelves_differ() */
	struct published tree;
	struct sim_world world;
	struct sim_card cards[PROOF_CARDS_MAX];
	struct proof_card about[PROOF_CARDS_MAX];
	unsigned char foreign[2][6]; /**< cards that are in no node */
	struct strangers strangers;
	const struct node *marked[MARKS][2]; /**< nodes that have such a mark */
	bool marks_are_foreign;      /**< as proof_are_marks_foreign() */
	bool marks_seen[1 << MARKS]; /**< together, in a node */
	char order[48], reached[48]; /**< labels: its own, and where it came */
	struct text *words;          /**< of plan_words() */
	/** Its text -> number of the blob, plus one. */
	struct map order_scripts;
	const struct blob **script_of; /**< by number of the order, less one */

	/** With the machine at hand, on the first kind: those that would be the
	 * same on any other. Each kind has the same scenes in the same order. */
	VEC(struct proof_run) runs;
	size_t next_run; /**< on this kind */
	bool first_kind;

	/* Of the run that is going on. */
	const struct machine *machine;
	const struct blob *order_script; /**< of the machine; NULL: embedded */
	const struct traits *traits; /**< of an unknown machine; NULL: any */
	struct scene scene;
	struct intention intention;
	struct progress at;   /**< as it is seen */
	bool shell, timed;    /**< a shell, or the time, were there */
	size_t loader, disks; /**< that is looked for next; all so often */
	bool looked_for_disk;
	const struct boot *booted; /**< that a kernel was started for */
	const struct boot *drive;  /**< whose drive was opened last */
	bool chosen;               /**< the item that was wanted in a menu */
	const char *fault;         /**< found in the midst of it */
	struct sbuf details, lines;
	struct sbuf *trace; /**< NULL: nobody wants it */
};

/** Whether this is one of the ways in which the site verifies. */
bool proof_verifies(const struct proof *p, enum verify how);

/** Find nodes that are known by each kind of mark. */
void proof_find_marked(struct proof *p);

/** @return a node that is known by such a mark, and is not this one; or NULL */
const struct node *proof_marked(const struct proof *p, enum mark mark,
				const struct node *node);

/** What happens to a published item in the scene: for struct published. */
enum harm proof_harm(void *ctx, const struct published_item *item);

/** Find cards that are in no node, for the world around a machine. */
void proof_find_foreign(struct proof *p);

/** The machine pauses: what ends by then has ended. */
void proof_pause(struct proof *p);

/** Before the first or another run in the same world. */
void proof_rewind(struct proof *p);

/** Begin with a world without cards. */
void proof_set_world(struct proof *p, const struct scene *scene);

/** By how many things a node may be known: cards, and what firmware says. */
size_t identity_count(const struct node *node);

/** Let the machine show itself by one of them.
 * @param crowd	among cards of others */
void proof_set_identity(struct proof *p, const struct node *node, size_t which,
			bool crowd);

/** Give it marks of other nodes, which count less than the one it has. */
void proof_add_weaker(struct proof *p, const struct node *node, size_t which);

/** Add the cards that it is to use, but for those with which it would be another
 * machine. */
void proof_add_nics(struct proof *p);

/** Whether the marks that the proof takes for nobody's are in no node. */
bool proof_are_marks_foreign(const struct site *site);

/** Let the firmware show such marks, where it shows none yet. */
void proof_add_foreign_marks(struct proof *p);

/** Add a card that is in no node. */
void proof_add_foreign_card(struct proof *p);

/** The machine that is looked at, with all cards that its site names. */
void proof_set_machine(struct proof *p);

/** Add a card, or what firmware says, to the world. @param mac	as in traits */
void proof_add_mac(struct proof *p, struct text mac);
void proof_set_traits(struct proof *p, const struct traits *traits);

/** Let the firmware say what the scene has, if the machine asks. */
void proof_set_firmware(struct proof *p);

/** Whether the machine has all facts that a boot needs, fit for arguments, once
 * it is online. */
bool proof_has_facts(const struct proof *p, const struct boot *boot);

struct boot_fact;

/** A fact as it must stand in an argument now; proof_has_facts() is true. */
void proof_put_fact(struct proof *p, const struct boot_fact *fact,
		    struct sbuf *out);

/** Which boot of the machine begins with this image; NULL: none. */
const struct boot *proof_boot_of(const struct proof *p,
				 const struct sim_image *image);

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

/** Look at the lines of an order; see is_new_structure(). Its subject is set. */
void structure_begin(struct proof *p, const struct order *order);

/**
 * Whether no machine before had the same lines in its order, but for words, and
 * has got onto the network by the same ones.
 *
 * Words say what to fetch and with which arguments to boot; no line goes another
 * way because of them. So what holds for one machine when something fails holds
 * for all that have its lines. That each has its own words is seen in each; and
 * that the lines use the right ones, by witnesses.
 *
 * @param machine	of the order that structure_begin() looked at
 */
bool is_new_structure(struct proof *p, const struct machine *machine);

void witnesses_init(struct witnesses *w, struct arena *arena, size_t words_max);

/**
 * Whether a machine tells words of its order apart that all before it had alike,
 * or has another word than they. To be asked of all, from the first one.
 */
bool is_witness(struct proof *p, const struct order *order, size_t member);

/** The scene in which the site boots, all being well. */
struct scene scene_of_site(const struct proof *p);

/** Does the machine in this world come to its own order, with its own words? */
void prove_dispatch(struct proof *p, const struct order *order);

/**
 * Do unknown machines come to the rule that is for them, and those for which
 * there is none past all rules? Machines that each rule is for, and others that
 * are almost like them, are tried.
 */
void prove_rules(struct proof *p);

/** The same for each identity of a node. */
void prove_node(struct proof *p, const struct machine *machine,
		const struct order *order);

/** By what the site says of the scene that is set. */
struct intention intention_of(const struct proof *p);

/* ----------------------------------------------------------- progress -- */

/** The network that counts: of the site, as long as a machine asks which node it
 * is. */
const struct uplink *proof_uplink(const struct proof *p);

/** The card by which a machine goes online, after so many pauses; SIZE_MAX:
 * none. */
size_t proof_wanted_card(const struct proof *p, unsigned pauses);

/** Whether a card is that: "net0", or its MAC address. */
bool proof_card_is(const struct proof *p, size_t card, struct text nic);

bool progress_network(const struct proof *p, struct progress *at);

/** It waits, and then begins again without a network. */
void progress_pause(struct progress *at);

/** The mirrors of one shelf: with no assets elsewhere, there is but one. */
const struct located_list *proof_shelf(const struct proof *p, enum shelf shelf);

/** On which one a base URL is. */
enum shelf proof_shelf_of(const struct proof *p, struct text base);

/** Whether no base URL is on both: then it says what is fetched from there. */
bool proof_do_shelves_differ(const struct proof *p);

/** Whether the next fetch is one of those that are lost at the beginning. */
bool progress_detour(const struct proof *p, struct progress *at,
		     enum shelf shelf);

/** Fetch an item, and find it good, asking one mirror after the other. */
bool progress_fetch(const struct proof *p, struct progress *at,
		    const struct blob *blob, enum shelf shelf);

/** Whether a machine finds out in the tree what it is: a node from any server
 * that is well, one that is no node only from all of them. */
bool progress_dispatch(const struct proof *p, struct progress *at);

#endif
