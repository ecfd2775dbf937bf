#ifndef COMPILER_RESOLVE_PARTS_H
#define COMPILER_RESOLVE_PARTS_H
/**
 * @file
 * What resolve.c is made of: private to resolve*.c.
 *
 * The keys of every level are in the table of schema.c. For each type of value
 * there is a parser here, found through the table in resolve_map.c:
 *
 *     resolve_map.c       a map of keys: which are good, who parses their values
 *     resolve_value.c     shapes, and values that are no setting's own
 *     resolve_site.c      what only the site says: URLs, trust, verify, dispatch
 *     resolve_named.c     maps of profiles, groups and nodes; names -> pointers
 *     resolve_settings.c  names -> pointers, in what every level may say
 *     resolve_arch.c      what holds for some processors: kernel, initrd, args
 *     resolve_boot.c      boot orders
 *     resolve_rules.c     unknown machines, and rules for them
 *     resolve_ranges.c    one key for the nodes of a rack
 *     resolve_node.c      who a node is, and its groups
 *     resolve_extends.c   profiles that start from others
 *     resolve_channels.c  release channels
 *     resolve_vars.c      values for templates
 *     resolve_files.c     files for the initrd
 *     resolve_menu.c      menus and their items
 *     resolve_network.c   how machines get onto the network
 */
#include "compile.h"
#include "ir.h"
#include "schema.h"

struct resolve {
	struct arena *arena;
	struct diags *ds;
	const struct compile_env *env;
	struct site *site;
	unsigned required; /**< enum level: those that must have some key */
	const struct schema_key *last_key; /**< that was found in a map */
	/** By schema key: which one came next the last time */
	const struct schema_key **next_keys;
	const struct group *last_group; /**< that a node was found to name */
};

/** Where a value goes. */
struct field {
	const struct schema_key *key;
	const char *name; /**< as written, with its "!" */
	bool replaces;
	void *at; /**< the member that the key is for */
};

typedef void (*parse_fn)(struct resolve *r, const struct doc *doc,
			 const struct field *field);

/** Where the members of one level live; unused holders are NULL. */
struct holders {
	enum level level;
	void *at[HOLDERS];
};

/* ------------------------------------------------------------- maps -- */

/** Report each key that a level must have and @p map, or NULL, has not. */
void require_keys(struct resolve *r, const struct doc *map, struct span at,
		  enum level level);

/** @param map	a DOC_MAP */
void parse_map(struct resolve *r, const struct doc *map,
	       const struct holders *holders);

/* ----------------------------------------------------------- shapes -- */

/** "a list", for messages. */
const char *kind_words(const struct doc *doc);

void wrong_shape(struct resolve *r, const struct doc *doc, const char *key,
		 const char *wanted);

/** @return whether it is a map; nothing at all is passed over in silence */
bool wants_map(struct resolve *r, const struct doc *doc, const char *name);

bool get_scalar(struct resolve *r, const struct doc *doc, const char *key,
		struct located *ret);

/** One value or a list of them, which may be empty. */
struct located_list get_scalars(struct resolve *r, const struct doc *doc,
				const char *key);

/** A list that says something must say what. */
bool refuse_empty_list(struct resolve *r, const struct doc *doc,
		       const char *key);

/** @param wrong	words to follow the value: "is not …" */
void bad_value(struct resolve *r, enum diag_code code,
	       const struct located *value, const char *wrong);

/**
 * Make a path relative to the site file, from wherever it is said.
 *
 * @return whether it is good; else that is reported
 */
bool find_path(struct resolve *r, struct located *path);

bool parse_template(struct resolve *r, struct located value,
		    struct templated *ret);

/* ------------------------------------------------------- processors -- */

/** Whether a value that may be a map by processor is one: a map of something
 * else. */
bool is_by_arch(const struct doc *doc);

/** @return enum arch; 0 after a diagnostic */
unsigned find_arch(struct resolve *r, const struct doc_pair *pair);

/** What a key that ends in "!" drops; 0 if it does not. */
unsigned archs_replaced(const struct doc *doc, const struct field *field);

/* ------------------------------------------------------------ names -- */

/** Order structs that begin with their name by it. @param bytes of each */
void sort_by_name(void *at, size_t count, size_t bytes);

/** @return one of them; NULL if there is none */
void *find_by_name(struct text name, const void *at, size_t count,
		   size_t bytes);

/** @return whether a name is one; else that is reported */
bool good_name(struct resolve *r, const struct doc_pair *pair);

/** @return NULL if there is none */
const struct profile *profile_find(const struct site *site, struct text name);
const struct group *group_find(const struct site *site, struct text name);
const struct menu *menu_find(const struct site *site, struct text name);

/** @return whether the key of an entry is a name; else that is reported */
bool good_name(struct resolve *r, const struct doc_pair *pair);

/**
 * The nearest of some names, for "did you mean".
 *
 * @param at	array of @p count structs that begin with their name
 * @param bytes	of each
 * @param more	other words that would be good
 * @return NULL if none is near, or if so much is wrong that nobody asks
 */
const char *nearest_name(struct resolve *r, struct text typed, const void *at,
			 size_t count, size_t bytes, const char *const *more,
			 size_t more_count);

/** Report it. @param in_order	whether a step of a boot order names it */
void no_such_profile(struct resolve *r, const struct located *name,
		     bool in_order);

/* Turn names into pointers, when all profiles and groups are known. */
void link_channel(struct resolve *r, struct settings *set);
/** Also finds those that extend themselves. */
void link_profiles(struct resolve *r);
void link_order(struct resolve *r, struct boot_order *order);
void link_menu_items(struct resolve *r, struct menu *menu);
void link_settings(struct resolve *r, struct settings *set);
/** @param name	of the profile or group whose phases these are */
void link_phases(struct resolve *r, struct settings *set, struct text name);
void link_groups(struct resolve *r, struct node *node);

/**
 * Nodes with names as "node-[01-40]" become one node for each number.
 *
 * @param nodes	of any shape
 * @return @p nodes itself if there are none
 */
const struct doc *expand_ranges(struct resolve *r, const struct doc *nodes);

/* ---------------------------------------------------------- parsers -- */

#define PARSER(name)                                        \
	void name(struct resolve *r, const struct doc *doc, \
		  const struct field *field)

PARSER(parse_arch);
PARSER(parse_archs);
PARSER(parse_args);
PARSER(parse_asset);
PARSER(parse_asset_urls);
PARSER(parse_assets);
PARSER(parse_drive);
PARSER(parse_boolean);
PARSER(parse_command);
PARSER(parse_format);
PARSER(parse_serve);
PARSER(parse_boot);
PARSER(parse_channels);
PARSER(parse_dispatch);
PARSER(parse_duration);
PARSER(parse_file_path);
PARSER(parse_files);
PARSER(parse_groups);
PARSER(parse_ip);
PARSER(parse_items);
PARSER(parse_key);
PARSER(parse_mac_patterns);
PARSER(parse_macs);
PARSER(parse_match);
PARSER(parse_menus);
PARSER(parse_mode);
PARSER(parse_name);
PARSER(parse_network);
PARSER(parse_nics);
PARSER(parse_nodes);
PARSER(parse_phases);
PARSER(parse_platforms);
PARSER(parse_profiles);
PARSER(parse_reference);
PARSER(parse_references);
PARSER(parse_tag);
PARSER(parse_tag_patterns);
PARSER(parse_templated_list);
PARSER(parse_text);
PARSER(parse_token);
PARSER(parse_trust);
PARSER(parse_unknown);
PARSER(parse_urls);
PARSER(parse_uuid);
PARSER(parse_uuid_patterns);
PARSER(parse_vars);
PARSER(parse_vars_from);
PARSER(parse_verify);
PARSER(parse_words);

#undef PARSER

#endif
