#ifndef COMPILER_SCHEMA_H
#define COMPILER_SCHEMA_H
/**
 * @file
 * ONE table of every key of the site file. It drives parsing (resolve.c), the
 * JSON Schema that editors use, and the reference of keys.
 *
 *     schema.c           the table, and what looks keys up
 *     schema_types.c     what a value of each type looks like
 *     schema_json.c      the JSON Schema
 *     schema_markdown.c  the reference, docs/keys.md
 *     schema_man.c       the manual page
 */
#include "sbuf.h"
#include "text.h"

/** Where a key may stand; bits. */
enum level {
	AT_SITE = 1,
	AT_PROFILE = 2,
	AT_GROUP = 4,
	AT_NODE = 8,
	AT_FILE = 16, /**< the map form of one entry of `files:` */
	AT_MENU = 32,
	AT_ITEM = 64, /**< the map form of one entry of `items:` */
	AT_PHASE = 128,
	AT_NETWORK = 256, /**< the map form of `network:` */
	AT_ASSET = 512,   /**< the map form of a kernel or initrd */
	AT_RULE = 1024,   /**< an item of the list of `unknown:` */
	AT_MATCH = 2048,
	AT_LAST = AT_MATCH,
	AT_ANY = AT_SITE | AT_PROFILE | AT_GROUP | AT_NODE | AT_PHASE,
};

/** What a value looks like; the table of schema_types.c tells more. */
enum value_type {
	TYPE_NAME,
	TYPE_TOKEN,
	TYPE_TEXT,
	TYPE_TEXTS,
	TYPE_ARGS,
	TYPE_URLS,
	TYPE_ASSET_URLS,
	TYPE_ASSET,
	TYPE_ASSETS,
	TYPE_DRIVE,
	TYPE_ARCH,
	TYPE_DOWNLOAD,
	TYPE_SHA256,
	TYPE_FILE_PATH,
	TYPE_TRUST,
	TYPE_INCLUDE,
	TYPE_VERIFY,
	TYPE_BOOT,
	TYPE_UNKNOWN,
	TYPE_BOOLEAN,
	TYPE_DISPATCH,
	TYPE_PROFILES,
	TYPE_GROUPS,
	TYPE_NODES,
	TYPE_PHASES,
	TYPE_REFERENCE,
	TYPE_REFERENCES,
	TYPE_CHANNELS,
	TYPE_CHANNEL,
	TYPE_FILES,
	TYPE_VARS,
	TYPE_VARS_FROM,
	TYPE_MACS,
	TYPE_UUID,
	TYPE_TAG,
	TYPE_IP,
	TYPE_MODE,
	TYPE_SERVE,
	TYPE_COMMAND,
	TYPE_FORMAT,
	TYPE_MENUS,
	TYPE_ITEMS,
	TYPE_WORDS,
	TYPE_KEY,
	TYPE_DURATION,
	TYPE_NETWORK,
	TYPE_NICS,
	TYPE_MATCH,
	TYPE_ARCHS,
	TYPE_PLATFORMS,
	TYPE_TAG_PATTERNS,
	TYPE_UUID_PATTERNS,
	TYPE_MAC_PATTERNS,
	TYPES
};

/** The struct of ir.h that holds the value. */
enum holder {
	IN_SITE,
	IN_SETTINGS,
	IN_MORE, /**< struct more_settings, made when one is said */
	IN_PROFILE,
	IN_NODE,
	IN_FILE,
	IN_MENU,
	IN_ITEM,
	IN_NETWORK,
	IN_ASSET,
	IN_RULE,
	IN_MATCHES, /**< struct match, by enum trait */
	HOLDERS
};

struct schema_key {
	const char *name;
	unsigned levels;   /**< enum level, or'ed */
	unsigned required; /**< levels where it may not be missing */
	enum value_type type;
	bool merges; /**< over the levels; `name!` replaces instead */
	enum holder holder;
	size_t offset;       /**< in the holder */
	const char *doc;     /**< a sentence or a few */
	const char *example; /**< YAML of the value */
};

extern const struct schema_key schema_keys[];
extern const size_t schema_key_count;

/** "site", "profile", … */
const char *schema_level_name(enum level level);

/** @return NULL if no such key exists at that level */
const struct schema_key *schema_find(struct text name, enum level level);

/** A key of that name at some other level, for a better message; or NULL. */
const struct schema_key *schema_find_anywhere(struct text name);

/**
 * The nearest known key to a mistyped one.
 *
 * @return NULL if none is near
 */
const char *schema_nearest(struct text typed, enum level level);

/**
 * Visit the levels, in the order in which people read of them.
 *
 * @param i	from 0
 * @param ret_doc	its heading: "An entry of nodes"
 * @return whether there is such a level
 */
bool schema_level(size_t i, enum level *ret_level, const char **ret_doc);

/** Whether a level before this one has the key, too, so that it is explained. */
bool schema_told_before(const struct schema_key *key, enum level level);

/** Whether the value is a map of named things, which may be empty, and may be
 * said in several files, each thing in one. */
bool schema_type_is_named(enum value_type type);

/** What a value looks like, in a few words: "name or list of names". */
const char *schema_type_words(enum value_type type);

/** Members of the JSON Schema of a value: "\"type\": \"boolean\"". */
const char *schema_type_json(enum value_type type);

/** JSON Schema (draft 2020-12) of a site file. */
void schema_emit_json(struct sbuf *out);

/** Reference of all keys, in Markdown. */
void schema_emit_markdown(struct sbuf *out);

/**
 * The manual page ipxe-embed-site(5).
 *
 * @param version	of the program: "0.1"
 */
void schema_emit_man(struct sbuf *out, const char *version);

#endif
