#ifndef COMPILER_EFFECTIVE_PARTS_H
#define COMPILER_EFFECTIVE_PARTS_H
/**
 * @file
 * What effective.c is made of: private to effective*.c.
 *
 *     effective.c        the boot orders of each machine
 *     effective_boot.c   one profile as one machine boots it
 *     effective_item.c   kernels and initrds, wherever they are
 *     effective_network.c  how a machine gets onto the network
 *     effective_facts.c  what templates know of a machine
 *     effective_chain.c  scripts of others
 *     effective_san.c    drives elsewhere
 *     effective_blob.c   what is published, and why
 *     effective_file.c   files: rendered, converted, checked
 *     effective_serve.c  those for the web server
 */
#include "arch.h"
#include "effective.h"
#include "levels.h"
#include "map.h"
#include "plan.h"
#include "sbuf.h"
#include "trace.h"
#include "vec.h"

/* What templates know of a machine besides its vars. The order is that of
 * reserved_names[]. */
enum fact {
	FACT_NAME,
	FACT_SITE,
	FACT_URL,
	FACT_PROFILE,
	FACT_GROUPS,
	FACT_MAC,
	FACT_MACS,
	FACT_UUID,
	FACT_SERIAL,
	FACT_ASSET,
	FACT_IP,
	FACT_PREFIX,
	FACT_NETMASK,
	FACT_CHANNEL,
	FACT_PHASE,
	FACT_ARCH,
	FACT_SERVE,
	FACT_BOOT,
	FACTS,
};

/* Texts for a fact that is a list. */
struct fact_list {
	VEC(struct doc) docs;
	VEC(struct doc *) items; /* each of them */
};

/* What a path without {{…}} has led to: thousands of machines have the same. */
struct known_item {
	const struct item *item;
	struct blob *blob;
};

enum { KNOWN_ITEMS = 64 };

struct builder {
	struct arena *arena;
	const struct site *site;
	const struct compile_env *env;
	struct diags *ds;
	struct map blobs;     /* path below www -> struct blob */
	struct map assets;    /* path beside the site file -> struct asset */
	struct map downloads; /* digest and URL -> struct asset */
	struct map kernels;   /* path -> what kernel_archs() found */
	struct map ukis;      /* all that is in one -> struct blob */
	struct map addresses; /* static ones -> struct node */
	struct map converted; /* program and input -> struct text */
	VEC(struct blob *) all_blobs;
	struct known_item known_items[KNOWN_ITEMS]; /* by their address */
	bool *long_line; /* by profile: has been warned of */

	struct levels levels; /* that hold, for what is being made */
	struct trace trace;
	const struct rule *rule; /* of unknown machines, while they are made */
	struct text phase; /* that the machine at hand is in, or may come to */

	/* The facts of the machine at hand, and what else is written over for
	 * each: 100,000 machines need the memory of one. */
	struct doc facts;
	struct doc_pair fact_pairs[FACTS];
	struct doc fact_values[FACTS];
	const struct doc *machine_facts; /* what only the machine knows */
	struct fact_list fact_groups, fact_macs;
	VEC(const struct doc *) docs; /* what names mean; outermost first */
	VEC(struct text) args;
	struct sbuf rendered, use_text;
};

/* One profile of one machine, while it is made. */
struct context {
	struct builder *b;
	const struct node *node; /* NULL for the unknown machine */
	const struct profile *profile;
	unsigned archs; /* enum arch: of machines that it is made for */
	const struct levels *levels;
	struct span use; /* the machine, for notes */
	const char *use_text;
};

/* A file that some level wants. */
struct wanted_file {
	const struct file *file;
	const struct level *level;
};

/* ------------------------------------------------------------ facts -- */

void fact_set_doc(struct builder *b, enum fact fact, const struct doc *doc);

/* @param profile	NULL: none */
struct context context_of(struct builder *b, const struct node *node,
			  const struct profile *profile);

/* All facts of a machine and its profile, and all vars. */
void context_set(struct context *c);

/* That of the machines that a boot is made for. Not before boot_serve(): what
 * is served to a machine is one file, whatever it turns out to be. */
void fact_set_arch(struct context *c);

/* ---------------------------------------------------------- renders -- */

bool render(struct context *c, const struct templated *value, struct text *ret);

/* The same for an argument of the kernel, which may hold facts that only the
 * machine knows, each begun by BOOT_FACT_MARK. */
bool render_argument(struct context *c, const struct templated *value,
		     struct text *ret);

/* @param offset	of a byte in what render() has made */
struct span render_place(struct context *c, const struct templated *value,
			 size_t offset);

/* Report a value that is wrong once it is rendered. */
struct diag *bad_rendered(struct context *c, enum diag_code code,
			  struct span at, struct text text, const char *wrong);

/* ------------------------------------------------------------ blobs -- */

/**
 * @param node	of a file that is rendered for one node; or NULL
 * @param what	"kernel" or the like
 */
void blob_want(struct builder *b, struct blob *blob, const struct level *level,
	       const char *what, const char *node);

/* Content by its digest, to be published or not. */
struct blob *blob_get(struct builder *b, const struct digest *digest,
		      struct text name, bool publish);

/* Once it is published, it stays so. */
void blob_publish(struct builder *b, struct blob *blob, bool publish);

/* A kernel, initrd or verbatim file on disk, measured once. */
struct blob *asset_blob(struct context *c, struct text path, struct span at,
			struct text name, bool publish);

/* What a URL names, had once. @return NULL after a diagnostic */
struct blob *download_blob(struct context *c, struct text url, struct span at,
			   const struct digest *digest, struct text name);

/* A kernel or initrd wherever it is; its path or URL is a template. */
struct blob *item_blob(struct context *c, const struct item *item);

/* What goes into a UKI is not published by itself. */
bool parts_are_published(const struct builder *b);

/* ------------------------------------------------------------ files -- */

/**
 * Those of all levels, sorted by path; of two with one path the higher level
 * wins.
 *
 * @param key	"files" or "serve", to be traced
 * @param list	offset of a struct file_list in struct more_settings
 */
struct wanted_file *files_wanted(struct context *c, const struct boot *boot,
				 const char *key, size_t list,
				 size_t *ret_count);

/* Whether no path of an initrd is below another, as files_wanted() gives them;
 * else that is reported. */
bool files_fit(struct context *c, const struct wanted_file *all, size_t count);

/* Whether its content is taken from a file as it is. */
bool file_is_verbatim(const struct file *file);

/* Whether it is rendered for each machine. */
bool file_varies(const struct file *file);

/**
 * Content of a file that is not verbatim.
 *
 * @return false after a diagnostic
 */
bool file_bytes(struct context *c, const struct file *file,
		struct text *ret_bytes);

/* ------------------------------------------------------------ chain -- */

/* What the highest level says that says it for these machines.
 * @return NULL after a diagnostic */
const struct item *find_part(struct context *c, enum boot_kind part,
			     const struct level **ret_level);

/* Note where it comes from. */
void trace_parts(struct context *c, const struct boot *boot,
		 enum boot_kind part, const struct item *taken);

/* Whether a file can be run as a script, and leaves the names that the boot
 * script needs alone; else that is reported. */
bool chain_is_good(struct context *c, const struct item *item,
		   const struct blob *script);

/* ------------------------------------------------------------ drives */

/* Where a drive is, and who asks for it. @return false after a diagnostic */
bool boot_san(struct context *c, struct boot *boot);

/* ------------------------------------------------------------ serve -- */

/* Make what is served to a machine, and let templates know of it. */
bool boot_serve(struct context *c, struct boot *boot);

/* ---------------------------------------------------------- network -- */

/* By the levels that are set. */
void machine_find_uplink(struct builder *b, struct machine *machine,
			 const struct profile *profile);

/* ------------------------------------------------------------ boots -- */

/**
 * One profile as one machine boots it.
 *
 * @param node	NULL for the unknown machine
 * @param ret_boots	one for each kind of processor that boots it in its own
 *	way; or one for all of them. NULL where a diagnostic was given
 * @return how many
 */
size_t boots_new(struct builder *b, const struct node *node,
		 const struct profile *profile, struct boot *ret_boots[ARCHS]);

#endif
