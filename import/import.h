#ifndef IMPORT_IMPORT_H
#define IMPORT_IMPORT_H
/**
 * @file
 * The configuration of other programs, turned into a site, and a report that
 * leaves out nothing: every key of every file read is carried, or named with
 * the reason why it is not.
 *
 * Pure, like the compiler: what it needs of the world it asks of its caller,
 * and it writes nothing.
 */
#include "diag.h"
#include "text.h"
#include "vec.h"

struct doc;
struct doc_pair;
struct sbuf;
struct source;

/** What became of a piece of input. */
enum fate {
	FATE_CARRIED, /**< the site does the same */
	FATE_CHANGED, /**< the site does something else, as the text says */
	FATE_LOST,    /**< a static site cannot do it, or cannot yet */
	FATE_TODO,    /**< carried, but something is left to be done by hand */
	FATE_IGNORED, /**< it had no effect before, and has none now */
	FATES
};

struct finding {
	enum fate fate;
	bool nested; /**< a part of something that has a finding */
	struct span at;
	const char *text; /**< a phrase; for FATE_CARRIED where it went */
	const char *help; /**< what to do instead; NULL if nothing */
};

/** A file to be written, relative to the directory of the site file. */
struct import_output {
	struct text path, bytes;
};

/** An import on its way; zero-initialise but for arena and diags. */
struct import {
	struct arena *arena;
	struct diags *ds;

	/** Read a file that another one includes; as of struct compile_env. */
	int (*read)(void *ctx, const char *path, size_t max_bytes,
		    struct sbuf *ret_bytes);
	void *ctx;

	VEC(struct finding) findings;
	VEC(struct import_output) outputs; /**< the site file is the first */
	const char *summary;               /**< "3 nodes, 1 profile" */
	struct map seen;                   /**< places that have a finding */
};

/** A file that was read, or the name of one that need not be. */
struct import_file {
	struct text path; /**< below the directory that is imported */
	const struct source *source;
};

struct import_files {
	const struct import_file *at; /**< sorted by path */
	size_t count;
};

/** What the input cannot know. */
struct import_options {
	const char *site; /**< name of the site */
	const char *url;  /**< where out/www/ will be served */
	const char *from; /**< what was imported, for a comment */
	const char *file; /**< name of the site file to be written */
};

/**
 * The data directory of a Matchbox: groups, profiles, specs, ignition, cloud
 * and generic, or a configuration file of its first versions.
 *
 * @return whether there is something to write; else @p im->ds has errors
 */
bool import_matchbox(struct import *im, const struct import_files *files,
		     const struct import_options *options);

/** The directories of a Matchbox whose files import_matchbox() wants. */
bool import_matchbox_wants(struct text path);

/** Formats of static hosts. */
enum lease_format {
	LEASE_AUTO,    /**< by what is in the file */
	LEASE_DHCPD,   /**< ISC dhcpd.conf, and dhcpd.leases */
	LEASE_KEA,     /**< JSON, with comments */
	LEASE_DNSMASQ, /**< dnsmasq.conf, and a dhcp-hostsfile */
	LEASE_ETHERS,  /**< /etc/ethers */
	LEASE_VYOS,    /**< EdgeOS and VyOS: "set" lines, or blocks */
};

/** Names of enum lease_format; ends with NULL. */
extern const char *const lease_formats[];

/**
 * Static hosts of DHCP servers, as nodes for a site to include.
 *
 * @param group	that all of them are in; NULL: none
 * @param output	name of the file to be written
 * @return whether there is something to write; else @p im->ds has errors
 */
bool import_leases(struct import *im, const struct import_files *files,
		   enum lease_format format, const char *group,
		   const char *output);

/* -- findings -- */

/**
 * Say what became of a piece of input.
 *
 * @param at	where it begins tells which piece
 * @param help	may be NULL
 */
void import_find(struct import *im, enum fate fate, struct span at,
		 const char *help, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/** The same of a key and all that is below it. */
void import_find_key(struct import *im, enum fate fate,
		     const struct doc_pair *pair, const char *help,
		     const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/** What goes the way of something else, and is only listed when verbose. */
void import_find_part(struct import *im, enum fate fate, struct span at,
		      const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/** Whether something has been said of a place. */
bool import_has_finding(struct import *im, struct span at);

/** Whether the worst that was found of a place is FATE_LOST. */
bool import_is_lost(struct import *im, struct span at);

/** Report each key of a doc that has no finding yet as ignored. */
void import_find_rest(struct import *im, const struct doc *doc,
		      const char *who);

/** All findings, for people, sorted by place. @param verbose each key, too */
void import_report(struct import *im, bool verbose, struct sbuf *out);

/* -- writing YAML -- */

/** A scalar, in quotes if it would be taken for something else without. */
void import_put_scalar(struct sbuf *out, struct text text);

/** A value behind `key:`, in as many lines as it needs. */
void import_put_value(struct sbuf *out, const struct doc *value, size_t indent);

/** `key: value` with what is below it. */
void import_put_pair(struct sbuf *out, struct text key, const struct doc *value,
		     size_t indent);

/** Spaces. */
void import_indent(struct sbuf *out, size_t count);

/** A name that no other has yet: letters of @p wanted that a name may have.
 * @param taken	names so far; the new one is added */
struct text import_name(struct import *im, struct map *taken,
			struct text wanted, const char *fallback);

/** A copy of what was put together, with a NUL behind it. */
struct text import_text(struct import *im, const struct sbuf *sb);

#endif
