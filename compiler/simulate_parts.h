#ifndef COMPILER_SIMULATE_PARTS_H
#define COMPILER_SIMULATE_PARTS_H
/**
 * @file
 * What the parts of the simulator share: the state of a run, settings, errors.
 *
 * A run of a site's proof takes microseconds, and there are many: what a run has
 * made is kept for the next one to fill again, and nothing is freed in between.
 */
#include "simulate.h"

/** Errors of iPXE: the POSIX part of what ${errno} holds, in its top byte. */
enum sim_error {
	SIM_EACCES = 0x02,
	SIM_EADDRINUSE = 0x03,
	SIM_EADDRNOTAVAIL = 0x04,
	SIM_ECANCELED = 0x0b,
	SIM_EINVAL = 0x1c,
	SIM_EIO = 0x1d,
	SIM_ENODEV = 0x2c,
	SIM_ENOENT = 0x2d,
	SIM_ENOEXEC = 0x2e,
	SIM_ENOTSUP = 0x3c,
	SIM_ENOTTY = 0x3d,
	SIM_ERANGE = 0x46,
	SIM_ETIMEDOUT = 0x4c,
	/** Of net/tcp/httpcore.c, which scripts may look for: all its bytes but
	 * the last one. */
	SIM_EHTTP_NOT_FOUND = 0x2d0c61,
};

/** An argument list. */
struct sim_words {
	struct text *at;
	size_t count;
};

/** Objects that are made once and used again by later runs. */
struct sim_pool {
	void **at;
	size_t live, made, room;
};

/** @return the next object; zeroed when it is new, else as it was left */
void *sim_pool_take(struct sim_pool *pool, size_t bytes);

/** As strcmp(), for look-ups in sorted tables. */
int sim_compare(struct text text, const char *name);

/* ----------------------------------------------------------- settings -- */

enum sim_type {
	TYPE_NONE,
	TYPE_STRING,
	TYPE_URISTRING,
	TYPE_IPV4,
	TYPE_IPV6,
	TYPE_INT8,
	TYPE_INT16,
	TYPE_INT32,
	TYPE_UINT8,
	TYPE_UINT16,
	TYPE_UINT32,
	TYPE_HEX,
	TYPE_HEXHYP,
	TYPE_HEXRAW,
	TYPE_BASE64,
	TYPE_UUID,
	TYPE_GUID,
	TYPE_BUSDEVFN,
	TYPE_DNSSL,
	TYPE_COUNT
};

enum sim_scope { SCOPE_NONE, SCOPE_BUILTIN, SCOPE_SMBIOS };

enum sim_block_kind {
	BLOCK_GENERIC, /**< holds what was stored */
	BLOCK_BUILTIN,
	BLOCK_SMBIOS,
	BLOCK_EFI,
	BLOCK_LATEST, /**< netX: the card that was opened last */
	BLOCK_CARD,
	BLOCK_DHCP, /**< found by tag only, as in a packet */
};

struct sim_command;
struct sim_nic;

struct sim_block {
	enum sim_block_kind kind;
	struct sbuf name;
	struct sim_block *parent;
	struct sim_nic *nic;    /**< BLOCK_CARD */
	struct sim_pool values; /**< struct sim_value */
};

struct sim_value {
	struct sbuf name, raw;
	uint64_t hash; /**< of the name */
	uint64_t tag;
	enum sim_scope scope;
	enum sim_type type;
	bool set;
};

/** What a name means: `block/name:type`. */
struct sim_ref {
	struct sim_block *block;
	struct text name;
	uint64_t hash; /**< of the name */
	uint64_t tag;
	enum sim_scope scope;
	enum sim_type type;
};

/** A name that was looked at before. */
struct sim_name {
	struct sbuf text; /**< empty: none so far */
	/** Its type is TYPE_NONE if there is none of that name; without a block,
	 * and but for a name that is known without its own, which is here: */
	struct sim_ref ref;
	size_t begin, len; /**< in the text */
	bool has_block;    /**< before that, and a slash */
	bool typed;        /**< behind that, by a colon */
};

enum { SIM_NAMES = 512 };

/** @param make	make blocks that are not there, as `set` does
 * @return 0 or an error */
int sim_ref_parse(struct sim *sim, struct text text, bool make,
		  struct sim_ref *ret_ref);
/** @param ret_type	its type: as asked for, or as stored
 * @return whether it is there; @p raw is replaced */
bool sim_fetch(struct sim *sim, const struct sim_ref *ref, struct sbuf *raw,
	       enum sim_type *ret_type);
/** @param len	0 deletes it */
int sim_store(struct sim *sim, const struct sim_ref *ref, const void *raw,
	      size_t len);
/** As text; an empty one deletes it. */
int sim_store_text(struct sim *sim, const struct sim_ref *ref,
		   struct text value);
int sim_parse(struct sim *sim, enum sim_type type, struct text value,
	      struct sbuf *raw);
/** @return 0, or an error when the type cannot show these bytes */
int sim_format(struct sim *sim, enum sim_type type, const struct sbuf *raw,
	       struct sbuf *out);
int sim_number(enum sim_type type, const struct sbuf *raw, uint64_t *ret);
/** A type by its name; TYPE_NONE when there is none of that name. */
enum sim_type sim_type_of(struct text name);
/** Width in bytes; 0 when it is no integer. */
size_t sim_type_width(enum sim_type type);
void sim_settings_init(struct sim *sim);
struct sim_block *sim_block_add(struct sim *sim, struct sim_block *parent,
				struct text name, enum sim_block_kind kind);
/** What DHCP brings to a card. */
void sim_settings_lease(struct sim *sim, struct sim_nic *nic);
/** Add a text to @p out, expanded. @return false when it never ends */
bool sim_expand_add(struct sim *sim, struct text token, struct sbuf *out);

/** strtoul() of iPXE.  @param ret_used	bytes that belong to the number */
uint64_t sim_strtoul(struct text text, unsigned base, size_t *ret_used);
/** White space as iPXE's isspace(). */
static inline bool sim_isspace(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* -------------------------------------------------------------- state -- */

struct sim_nic {
	struct sbuf name;
	unsigned char mac[6], hardware_mac[6];
	const struct sim_card *card;
	struct sim_block *block;
	size_t opened; /**< larger is later; 0: closed */
};

/** An image with the memory of its texts. */
struct sim_image_made {
	struct sim_image image; /**< first */
	struct sbuf name, url, arguments;
};

struct sim_menu {
	struct sbuf name, title;
	bool named, there;
	struct sim_pool items; /**< struct sim_menu_item */
};

struct sim_menu_item {
	struct sbuf name, label;
	struct sim_item item;
};

/* -------------------------------------------------------------- lines -- */

/** A line and those that backslashes join to it. */
struct sim_raw_line {
	size_t begin;      /**< in the script */
	struct text label; /**< ptr NULL: none */
	struct text command;
};

/**
 * Read a line, and go to the next one.
 *
 * @param joined	holds the text if it is made of several
 * @return false where the script ends in a backslash
 */
bool sim_next_line(struct text bytes, size_t *offset,
		   struct sim_raw_line *ret_line, struct sbuf *joined);

/** What stands behind a command. */
enum sim_operator { OP_NONE, OP_AND, OP_OR, OP_ALWAYS, OP_TOO_LONG };

enum { SIM_WORDS_MAX = 256 };

struct sim_word {
	struct text text;
	bool expands; /**< there is a "$" in it */
};

/** A command of a line, up to the next operator. */
struct sim_clause {
	/** NULL: to be looked up when its first word is expanded */
	const struct sim_command *command;
	size_t first, count; /**< words */
	enum sim_operator then;
};

/** A line, taken apart. */
struct sim_line {
	size_t len;         /**< in the script, with the line feed */
	struct sbuf bytes;  /**< a copy of that, if it is kept */
	struct sbuf joined; /**< the text, if it is made of several lines */
	bool whole;         /**< sim_next_line() */
	struct sim_word *words;
	size_t word_count, word_room;
	struct sim_clause *clauses; /**< none: there is nothing to do */
	size_t clause_count, clause_room;
	unsigned running; /**< so often it is being executed */
};

/** A place where a line may be kept. */
struct sim_slot {
	struct sim_line *line; /**< NULL: none so far */
	const char *last;      /**< where one was that could be */
};

/**
 * The line that the rest of a script begins with; as it was kept, if it was.
 *
 * @return valid until the next call, or as long as it is running
 */
struct sim_line *sim_line_at(struct sim *sim, struct text rest);

void sim_line_release(struct sim_line *line);

/** Up to its end. */
struct text sim_script_bytes(const struct sim_script *script);

/** A script that is being executed. */
struct sim_frame {
	const struct sim_script *script;
	size_t offset; /**< of the line to come */
	struct sim_image *image;
	struct sim_line line; /**< one that is not kept */
};

/** A drive elsewhere that has a number here. */
struct sim_hooked {
	uint32_t number;
	bool boots;
};

enum { SIM_FRAMES = 8, SIM_LINE_BITS = 10, SIM_DRIVES = 4 };

/** What of a line is still to be done; shell_stop() of iPXE. */
enum sim_stop { STOP_NOTHING, STOP_COMMAND, STOP_SEQUENCE };

struct sim {
	const struct sim_world *world;
	enum sim_end end;
	enum sim_stop stop;
	unsigned long status;
	uint32_t error; /**< ${errno} */
	size_t steps, sleeps, gotos, opened;
	unsigned unnamed; /**< images without a name so far */
	bool trust_required, trust_permanent;
	bool asked_for_kind; /**< to be set wherever the world's is looked at */
	struct sim_pool blocks, nics, images, menus;
	struct sim_block *root;
	struct sim_image **registered;
	size_t registered_count, registered_room;
	struct sim_hooked drives[SIM_DRIVES];
	size_t drive_count;
	const struct sim_image *booted;
	struct sim_frame frames[SIM_FRAMES];
	struct sim_slot lines[1 << SIM_LINE_BITS]; /* by where they stand */
	size_t depth;
	struct sbuf directory; /**< current working URI */
	struct sbuf value, spare, again, shown, raw, line, reference;
	struct sim_name names[SIM_NAMES]; /* by their hash */
	struct sbuf command_text[SIM_FRAMES];
	/* Brent's algorithm: is this the state of long ago? */
	uint64_t tortoise, paused;
	size_t power, lap, tortoise_sleeps;
};

void sim_emit(struct sim *sim, const struct sim_event *event);
void sim_unmodelled(struct sim *sim, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/** A pause: the run ends if all is as it was at the last one. */
void sim_pause(struct sim *sim);
/** To be called at each jump: the run ends if it goes round in a circle. */
void sim_look_for_circle(struct sim *sim);
/** End the run; the first end counts. */
void sim_finish(struct sim *sim, enum sim_end end);

/** A card; the rest of the arguments make its name. */
struct sim_nic *sim_nic_add(struct sim *sim, const struct sim_card *card,
			    const unsigned char *mac, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/** A registered image. */
struct sim_image *sim_image_add(struct sim *sim, struct text name,
				struct text url,
				const struct sim_content *content);
/**
 * image_exec() of iPXE.
 *
 * @param script	what it is; NULL: what its content says
 * @return its status; the run may have ended
 */
unsigned long sim_execute(struct sim *sim, struct sim_image *image,
			  const struct sim_script *script);

/** @return NULL: there is none of that name, or it is not known here */
const struct sim_command *sim_command_find(struct text name);
/**
 * Execute a command whose words are expanded.
 *
 * @param command	NULL: by the first word
 * @return its status
 */
unsigned long sim_command(struct sim *sim, const struct sim_command *command,
			  struct sim_words words);
/** `goto` of the innermost script. */
int sim_goto(struct sim *sim, struct text label);
/** @return the status of its last line */
unsigned long sim_run_script(struct sim *sim, const struct sim_script *script,
			     struct sim_image *image);
/** An error as a status: what ${errno} becomes. */
unsigned long sim_status_of(int error);

#endif
