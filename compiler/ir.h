#ifndef COMPILER_IR_H
#define COMPILER_IR_H
/**
 * @file
 * The shapes of a site on its way through the compiler, one per stage. What a
 * stage has proved is in the type that it returns.
 *
 *     bytes -> doc -> site -> plan -> bytes
 *
 * Everything lives in the arena of the run.
 */
#include "format.h"
#include "text.h"

/* -------------------------------------------------------------- doc --
 * What the file says: a tree of scalars, lists and maps, each with its place.
 * Made by load.c. Keys are unique, text is UTF-8 without NULs, and a doc is
 * never deeper than LOAD_DEPTH_MAX.
 */

enum doc_kind {
	DOC_NULL,
	DOC_SCALAR,
	DOC_LIST,
	DOC_MAP,
	DOC_FACT, /**< of no file: known to the machine; see boot_fact.h */
};

/* Look at the kind first: scalars share their memory with lists and maps, so
 * that a site of 100,000 nodes stays small. What an alias stands for is not
 * copied: the same doc hangs in two places then, with the place of its anchor.
 */
struct doc {
	enum doc_kind kind;
	bool plain;   /**< scalar without quotes: `true` is a boolean */
	bool indexed; /**< large DOC_MAP, quick to search; see doc.h */
	/** A scalar with its quotes; block text from its `|` or `>` to the end
	 * of its last line with text; a list or map: its first byte */
	struct span at;
	union {
		/** DOC_SCALAR; also DOC_NULL, as written; DOC_FACT, marked */
		struct text text;
		struct {
			union {
				struct doc **items;     /**< DOC_LIST */
				struct doc_pair *pairs; /**< DOC_MAP */
			};                              /**< in file order */
			size_t count; /**< of items or pairs */
		};
	};
};

struct doc_pair {
	struct text key;
	struct span key_at;
	struct doc *value;
};

/* ------------------------------------------------------------- site --
 * What the file means: keys known, values parsed, names turned into pointers.
 * Made by resolve.c, examined by check.c. Profiles, groups and nodes are sorted
 * by name, so that the order in the file never matters.
 */

struct map;
struct template;

/** A value and where it stands; text.ptr is NULL where it was not given. */
struct located {
	struct text text;
	struct span at;
};

struct located_list {
	struct located *at;
	size_t count;
};

/** "true" or "false". */
struct flag {
	bool on;
	struct span at;
};

/** Processors of machines, as bits: a value may be for some of them. See
 * arch.h. */
enum arch { ARCH_X86_64 = 1, ARCH_ARM64 = 2, ARCH_ANY = 3 };

/** A value that may hold `{{…}}`. */
struct templated {
	struct text text;
	struct span at;
	unsigned archs;              /**< enum arch; 0: any, too */
	const struct template *tmpl; /**< parsed; never NULL once given */
};

/** A list that merges over the levels, unless its key ends in `!`. Of a key
 * that holds one value there is one for each processor at most. */
struct templated_list {
	struct templated *at;
	size_t count;
	unsigned replaces; /**< enum arch: for those machines */
};

/** A kernel, an initrd and the like: a path beside the site file; or, where
 * there is a digest, a URL to fetch it from. */
struct item {
	struct templated from;
	struct templated sha256; /**< tmpl NULL: a path */
};

/** See struct templated_list. */
struct item_list {
	struct item *at;
	size_t count;
	unsigned replaces;
};

/** How the content of an injected file is given. */
enum file_kind {
	FILE_TEMPLATE, /**< path of a file with `{{…}}` */
	FILE_CONTENT,  /**< the text itself, with `{{…}}` */
	FILE_VERBATIM, /**< path of a file that is taken byte for byte */
};

/** One entry of `files:` or `serve:`. */
struct file {
	/** Absolute path inside the initrd; or the name that is served */
	struct located path;
	enum file_kind kind;
	unsigned archs; /**< of machines that get it; see struct templated */
	struct located from; /**< path, for FILE_TEMPLATE and FILE_VERBATIM */
	struct templated
		body;  /**< for FILE_TEMPLATE (once read), FILE_CONTENT */
	unsigned mode; /**< permission bits, 0 to 07777 */
	enum file_format format;
	struct located_list convert; /**< program and arguments, or none */
	const struct doc *said;      /**< path of a template, or a map */
};

struct file_list {
	struct file *at; /**< in the order of the paths */
	size_t count;
	unsigned replaces; /**< enum arch */
};

enum step_kind {
	STEP_PROFILE,
	STEP_DISK,
	STEP_RETRY,
	STEP_REBOOT,
	STEP_POWEROFF,
	STEP_EXIT,
	STEP_SHELL,
	STEP_MENU,
};

enum { STEPS = STEP_MENU + 1 };

/** One entry of a boot order. */
struct step {
	enum step_kind kind;
	struct located name;           /**< as written */
	const struct profile *profile; /**< STEP_PROFILE */
	const struct menu *menu;       /**< STEP_MENU */
};

struct boot_order {
	struct step *steps;
	size_t count; /**< 0 where it was not given */
	struct span at;
};

/** One line of a menu. */
struct menu_item {
	struct text name;
	struct span at;
	struct located text; /**< ptr NULL: shown by its name */
	struct located key;  /**< one character that chooses it; or ptr NULL */
	struct boot_order boot;
	const struct doc *said; /**< a boot order, or a map with one */
};

/** What a person at the console is asked. */
struct menu {
	struct text name;
	struct span at;
	struct located title;  /**< ptr NULL: the name */
	unsigned timeout_s;    /**< then the default is taken; 0: it waits */
	struct located chosen; /**< name of the default; ptr NULL: the first */
	struct menu_item *items; /**< in the order of the file */
	size_t item_count;
	const struct doc *said; /**< the map of the menu */
};

/** Cards of a machine that can be told apart by number, and listed. */
enum { NICS_MAX = 16 };

/** How a machine gets onto the network: each part replaces that of the levels
 * below it; "dhcp" all of them. */
struct uplink_settings {
	struct span at;
	bool dhcp;
	struct templated ip, gateway, vlan, ntp;
	struct templated_list dns;
	struct located_list nics; /**< "net0", or a MAC address */
};

/** What a level may say besides, and most nodes do not. */
struct more_settings {
	const struct uplink_settings *network; /**< or NULL */
	struct boot_order boot;
	struct located arch; /**< as arch_find() knows it */
	struct item_list kernel, initrd;
	struct item_list efi, uki, chain, iso; /**< of profiles alone */
	struct item_list memdisk;              /**< what boots an iso */
	struct item_list san; /**< of profiles alone: URIs, by processor */
	struct templated initiator; /**< who asks for the drive */
	struct flag unverified;     /**< the drive may be booted from */
	struct templated_list args;
	struct file_list files, serve;
	struct located channel;
	const struct channel *follows; /**< what "channel" names */
	struct phase *phases;          /**< by name */
	size_t phase_count;
};

/** What any level (site, profile, group, node) may say. There may be 100,000
 * nodes: what takes much room is elsewhere. */
struct settings {
	struct located profile;
	const struct profile *booted; /**< what "profile" names */
	const struct doc *vars;       /**< DOC_MAP or NULL */
	const struct doc **vars_from; /**< DOC_MAPs of files: later ones win */
	size_t vars_from_count;
	struct located phase;
	struct more_settings *more; /**< or NULL: see settings_more() */
	bool vars_replace;
	bool incomplete; /**< something in it was wrong and has been reported */
};

/** Settings that lie over those of a profile or group for a while. */
struct phase {
	struct text name;
	struct span at;
	struct text label; /**< for people: "debian/install" */
	struct settings set;
};

/** What several machines run the same release of: "flatcar/stable". */
struct channel {
	struct text name;
	struct span at;
	const struct doc *vars; /**< DOC_MAP, with its "name": "stable" */
};

struct profile {
	struct text name;
	struct span at;
	struct settings set;
	struct located extends;
	const struct profile *base; /**< what "extends" names; or NULL */
};

struct group {
	struct text name;
	struct span at;
	struct settings set;
};

struct node {
	struct text name;
	struct span at;
	struct located *macs; /**< canonical: "52:54:00:00:00:01" */
	size_t mac_count;
	struct located uuid;   /**< lower case, with hyphens */
	struct located serial; /**< percent-decoded */
	struct located asset;  /**< percent-decoded */
	struct located ip;     /**< address and, if given, prefix length */
	const struct group **groups; /**< as named: later ones win */
	size_t group_count;
	const struct doc *said; /**< its entry, for editing; see also at */
	bool identity_refused;  /**< a MAC, UUID, … was wrong and reported */
	struct settings set;
};

/** Where a machine finds out which node it is. */
enum dispatch {
	DISPATCH_EMBEDDED, /**< in the image */
	DISPATCH_REMOTE,   /**< in the tree */
	DISPATCH_BOTH,     /**< in the image, else in the tree */
};

/** What iPXE knows of a machine, for rules; see rules.h. */
enum trait {
	TRAIT_ARCH,
	TRAIT_PLATFORM,
	TRAIT_MANUFACTURER,
	TRAIT_PRODUCT,
	TRAIT_SERIAL,
	TRAIT_ASSET,
	TRAIT_UUID,
	TRAIT_MAC, /**< of any card */
	TRAITS
};

/** What a rule wants of a trait. */
struct pattern {
	struct text written;
	struct text text; /**< canonical; of a UUID or MAC address its digits */
	bool open;        /**< whatever begins so; else this and no more */
};

struct match {
	struct pattern *any; /**< one of them must hold */
	size_t count;        /**< 0: the rule is not about this trait */
};

/** What unknown machines of some kind do. */
struct rule {
	struct span at;
	size_t number; /**< from 1, as in the file */
	const struct doc *said;
	struct match matches[TRAITS];
	struct boot_order boot;
	struct flag allow_install;
};

struct site {
	struct located name;
	struct text directory; /**< of the site file; "" or ending in "/" */
	struct template_files *templates; /**< those read so far */
	struct map *vars_files; /**< path beside the site file -> struct doc */
	struct located_list urls, assets; /**< each ends in "/" */
	struct located_list trust;
	unsigned verify; /**< enum verify of plan.h, or'ed */
	struct span verify_at;
	struct located signer;
	struct {
		enum dispatch kind;
		struct span at;
	} dispatch;
	/** Of machines for which no rule is; the rules come first. */
	struct boot_order unknown;
	struct flag allow_unknown_install;
	struct flag allow_ruleless_install; /**< for `unknown` alone */
	struct rule *rules; /**< in file order: the first one holds */
	size_t rule_count;
	bool has_phases; /**< some profile or group has */
	bool has_archs;  /**< something is for some processors only */
	struct settings set;
	struct channel *channels;
	struct profile *profiles;
	struct group *groups;
	struct node *nodes;
	struct menu *menus;
	size_t channel_count, profile_count, group_count, node_count;
	size_t menu_count;
};

/* -------------------------------------------------------- effective --
 * What each machine will really do: precedence applied, every template
 * rendered, every file measured. Made by effective.c. From here on no user
 * error is possible.
 */

struct blob;

/** A file for the initrd of one machine. */
struct injected {
	struct text path;
	unsigned mode;
	struct blob *blob;
};

/** A file that the web server has for one machine. */
struct served_file {
	struct text name;
	const struct blob *blob;
};

/** What a profile boots, by the key that says it. */
enum boot_kind {
	BOOT_KERNEL,
	BOOT_EFI,   /**< any program of UEFI */
	BOOT_UKI,   /**< a kernel with all that it needs, as such a program */
	BOOT_CHAIN, /**< another script of iPXE */
	BOOT_ISO,   /**< the image of a disc, by memdisk */
	BOOT_SAN,   /**< a drive elsewhere, which nobody verifies */
	BOOT_LAST = BOOT_SAN,
	/** What boots an ISO: no kind of its own, but named alike. */
	BOOT_MEMDISK,
};

enum { BOOT_KINDS = BOOT_LAST + 1 };

/** A profile as one machine boots it. */
struct boot {
	enum boot_kind kind;
	unsigned archs; /**< enum arch: machines that it is for */
	const struct profile *profile;
	/** Or what is booted in its place; NULL for BOOT_SAN */
	struct blob *kernel;
	struct text drive;     /**< BOOT_SAN: its URI */
	struct text initiator; /**< the same: who asks; or ptr NULL */
	struct blob **initrds;
	size_t initrd_count;
	struct injected *files;
	size_t file_count;
	struct served_file *served; /**< by name */
	size_t served_count;
	struct text *args; /**< tokens that iPXE can carry, with facts */
	size_t arg_count;
	unsigned facts; /**< in args: 1 << index in boot_facts, or'ed */
	/** All of the above in one, which alone is published and fetched;
	 * NULL unless the firmware verifies. */
	struct blob *uki;
};

struct action {
	enum step_kind kind;
	/** Where a profile differs by processor, there is an action for each,
	 * one behind the other, and this is set in all but the first: together
	 * they are one step. */
	bool another;
	struct boot *boot; /**< STEP_PROFILE */
	/** STEP_MENU: to show; STEP_RETRY: to go back to, or NULL */
	const struct menu *menu;
};

/** How one machine gets onto the network; ptr NULL: as DHCP says. */
struct uplink {
	struct text ip, netmask, gateway;
	struct text dns;      /**< all servers, eight hex digits each */
	struct text *servers; /**< the same, dotted */
	size_t server_count;
	struct text vlan, ntp;
	struct text *nics; /**< in this order and no others; any if none */
	size_t nic_count;
};

/** Some actions of a machine, the last of which does not go on. */
struct actions {
	size_t first, count;
};

/** A menu that one machine may come to. */
struct menu_boot {
	const struct menu *menu;
	struct actions *items; /**< as menu->items */
};

/** Where one value of a machine comes from. */
struct origin {
	const struct boot *boot; /**< that has it; NULL: the machine itself */
	const char *key;         /**< of the site file: "args" */
	struct text name;        /**< of a variable or file; or empty */
	struct text value;       /**< rendered; or ptr NULL */
	const struct doc *said;  /**< what is not rendered: as it is said */
	const char *level, *of;  /**< "profile", "debian"; "site", "" */
	struct span at;
	bool replaced; /**< a higher level has another */
};

/** All that one machine may do. */
struct machine {
	const struct node *node;     /**< NULL for the unknown machine */
	struct text phase;           /**< that it is in; ptr NULL: none */
	const struct rule *rule;     /**< of some unknown machines; or NULL */
	const struct uplink *uplink; /**< never NULL */
	struct action *actions; /**< of the boot order, then of the menus */
	size_t action_count;
	struct actions order;    /**< the boot order */
	struct menu_boot *menus; /**< those that can be reached; by name */
	size_t menu_count;
	struct origin *origins; /**< if they were asked for; lowest first */
	size_t origin_count;
	struct machine *later; /**< the same in its other phases, by name */
	size_t later_count;
};

struct effective {
	const struct site *site;
	struct machine unknown;   /**< for which no rule is */
	struct machine *ruled;    /**< as site->rules */
	struct machine *machines; /**< as site->nodes */
	size_t machine_count;
	struct blob **blobs; /**< in no particular order */
	size_t blob_count;
};

#endif
