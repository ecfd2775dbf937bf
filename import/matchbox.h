#ifndef IMPORT_MATCHBOX_H
#define IMPORT_MATCHBOX_H
/**
 * @file
 * A Matchbox, as it lies on disk: private to matchbox*.c.
 *
 *     files -> groups, profiles -> who gets what -> site
 *
 * @see https://matchbox.psdn.io/ and its source, server/ and http/
 */
#include "go_template.h"

/** What a profile names beside what is booted. */
enum config_kind { CONFIG_IGNITION, CONFIG_CLOUD, CONFIG_GENERIC, CONFIGS };

struct mb_value {
	struct text text; /**< ptr NULL: not given */
	struct span at;
};

struct mb_label {
	struct text key, value; /**< a MAC address in its canonical form */
	const struct doc_pair *pair;
};

struct mb_labels {
	struct mb_label *at;
	size_t count, room;
};

/** A test of a template that became a variable. */
struct mb_test {
	struct text name;
	const struct go_expr *expr;
	size_t role;
};

struct mb_group {
	struct text
		key; /**< name of the file, which is what Matchbox goes by */
	struct span at;
	struct mb_value profile, title;
	struct mb_labels selectors;
	struct text order; /**< "mac=…,os=installed": decides between equals */
	const struct doc *metadata; /**< DOC_MAP or NULL */
	const struct doc *data;     /**< what its templates see */
	struct mb_profile *boots;   /**< NULL: there is no such profile */
	VEC(struct mb_test) tests;
	bool used;
	struct text name;  /**< in the site, where several nodes share it */
	size_t node_count; /**< that it is for */
};

/** A file for the initrd, or for the web server. */
struct mb_file {
	struct text path; /**< in the initrd; of a served one its name */
	struct text from; /**< beside the site file */
	bool served;
	bool verbatim;
	const char *const *convert; /**< program with arguments; or NULL */
	bool script;                /**< text, though its name says YAML */
};

struct mb_files {
	struct mb_file *at;
	size_t count, room;
};

struct mb_profile {
	struct text key;
	struct span at;
	struct mb_value title, kernel;
	VEC(struct mb_value) initrds;
	VEC(struct mb_value) args;
	struct mb_value config[CONFIGS];
	bool has_boot, used;
	bool boots;             /**< some machine boots it */
	bool installs;          /**< what boots writes a system to the disk */
	struct mb_group *alone; /**< of machines that are not listed; no node
				     boots it */
	struct text name;       /**< in the site */
	struct text group;      /**< hands out its configuration to nodes */
	struct mb_files files;  /**< for those who boot it */
	struct mb_files group_files; /**< for that group */
};

/** Labels that are only sent once a system runs: `os=installed`. */
struct mb_role {
	struct text name; /**< "installed"; "boot" for the first, without any */
	struct mb_labels labels;
};

/** A configuration that is put into an initrd, or served. */
struct mb_wanted {
	size_t role;
	enum config_kind kind;
	struct text path;           /**< in the initrd; or the name of it */
	bool served;                /**< on the web server */
	struct mb_profile *profile; /**< that is booted with it */
	bool good;                  /**< everyone gets it */
};

struct mb_template {
	const struct import_file *file;
	const struct go_template
		*tmpl; /**< NULL: cannot be read, or verbatim */
	bool verbatim, used, parsed;
	struct map written; /**< name of the role -> struct mb_written */
};

/** A template as it was written for a role. */
struct mb_written {
	struct text path; /**< ptr NULL: could not be */
	const char *const *convert;
	bool script;
	VEC(struct mb_wanted) wants; /**< that it names; of any profile */
};

struct mb_node {
	struct text name;
	struct span at;
	struct mb_labels labels; /**< mac, uuid, serial: at most one of each */
	struct mb_group **by_role; /**< NULL where nothing matches */
	struct mb_group *first;    /**< that it was found in */
};

struct matchbox {
	struct import *im;
	const struct import_files *files;
	const struct import_options *options;
	VEC(struct mb_group) groups; /**< in the order of matching */
	VEC(struct mb_profile) profiles;
	VEC(struct mb_role) roles;
	VEC(struct mb_node) nodes;
	/** Machines that are not listed, for rules of unknown:, as far as a
	 * profile is theirs alone; in the order of matching. */
	VEC(struct mb_node) others;
	VEC(struct mb_wanted) wanted;
	VEC(struct mb_template) templates;
	struct mb_written *now; /**< what is being written, if anything */
	struct map renamed; /**< keys that mean another thing to each role */
	struct map group_names, node_names, profile_names; /**< of the site */
	struct map paths;             /**< of outputs -> the bytes */
	struct map printed;           /**< variables that templates name */
	struct map replaced;          /**< URLs of the server */
	VEC(const struct doc *) docs; /**< all that was read */
	bool has_phases;              /**< some profile installs */
	bool mac_hyphens; /**< nodes need a variable with their MAC so */
};

/** The directory of a kind of configuration, and its service: "ignition". */
extern const char *const config_kinds[CONFIGS];

/** Read all files. @return whether there was a group */
bool matchbox_read(struct matchbox *mb);

/** Whether a key of labels means the MAC address. */
bool matchbox_is_mac(struct text key);

/** Whether stock Matchbox is told a label when a machine boots. */
bool matchbox_is_boot_label(struct text key);

/** Whether a label tells one machine from all others. */
bool matchbox_is_identity(struct text key);

/** Whether a group is for one machine. */
bool matchbox_is_own(const struct mb_group *group);

/** The group for some labels, as Matchbox picks it; or NULL. */
struct mb_group *matchbox_match(struct matchbox *mb,
				const struct mb_labels *labels);

/**
 * What tells the machines of a group from others that are not listed, as `match`
 * of a rule has it.
 *
 * @return "" for all machines; NULL if no rule can tell
 */
const char *matchbox_rule(const struct mb_group *group);

/** Whether it stands for machines that are not listed. */
bool matchbox_is_other(const struct matchbox *mb, const struct mb_node *node);

/** Find the machines, and which group each gets in each role. */
void matchbox_resolve(struct matchbox *mb);

/** A node by its number, then the others, if they count; then NULL. */
const struct mb_node *matchbox_machine(const struct matchbox *mb, size_t i);

/** The role for labels of a query; 0 if no group asks for them. */
size_t matchbox_role(const struct matchbox *mb, const struct mb_labels *labels);

/** What of labels is not told at boot. */
void matchbox_extra(struct matchbox *mb, const struct mb_labels *labels,
		    struct mb_labels *ret);

/** @return NULL if there is no such file */
struct mb_template *matchbox_template(struct matchbox *mb,
				      enum config_kind kind, struct text id);

/** The variable of the site for a key of a group's data. */
struct text matchbox_variable(struct matchbox *mb, size_t role,
			      struct text key);

/** Which keys must be called differently for each role. */
void matchbox_rename(struct matchbox *mb);

/** Turn a configuration into an output, once for each role.
 * @return its path is NULL where it cannot be; that has been reported */
const struct mb_written *matchbox_config(struct matchbox *mb,
					 struct mb_template *from,
					 enum config_kind kind, size_t role,
					 struct mb_profile *booted);

/** A file beside the site file, of which there may be one already.
 * @param wanted	below templates/
 * @param role	tells it from one with the same name and other bytes
 * @return its path */
struct text matchbox_output(struct matchbox *mb, struct text wanted,
			    const char *role, struct text bytes);

/** Want a configuration for those who boot a profile.
 * @return whether all of them get it; else it has been reported */
bool matchbox_want(struct matchbox *mb, const struct mb_wanted *wanted);

/** Whether what boots is a CoreOS with rpm-ostree, not one with /usr/share/oem.
 */
bool matchbox_is_fedora(const struct mb_profile *profile);

/**
 * Hand the configuration of the system that coreos-installer writes to it,
 * which is an argument with a URL in Matchbox.
 *
 * @param wanted	the configuration; path and served are set here
 * @return whether it is done; else it has been reported
 */
bool matchbox_coreos_installer(struct matchbox *mb, struct mb_profile *profile,
			       struct mb_wanted *wanted, struct span at);

/** The service that a URL names: "ignition", or something else. */
struct text matchbox_endpoint(struct text url);

/**
 * One argument of the kernel, as the site has it.
 *
 * @param ret	gets it; empty where it is left out, which has been reported
 */
void matchbox_arg(struct matchbox *mb, struct mb_profile *profile,
		  struct text arg, struct span at, struct sbuf *ret);

/**
 * Where those who boot a profile find what the server would have given them.
 *
 * @param labels	that they would have sent beside those of iPXE
 * @return "file://…" in their initrd; ptr NULL: not all of them can have it
 */
struct text matchbox_later(struct matchbox *mb, struct mb_profile *booted,
			   struct text endpoint,
			   const struct mb_labels *labels);

/**
 * Write a text whose URLs name what is in the initrd, where a system asks the
 * server for that without saying which machine it is.
 *
 * @param booted	profile of the machines that read it
 */
void matchbox_replace_urls(struct matchbox *mb, struct mb_profile *booted,
			   struct text text, struct sbuf *out);

/** Report the URLs of the old server that systems go on asking. */
void matchbox_report_urls(struct matchbox *mb);

/** The path of a kernel or initrd beside the site file; ptr NULL after a
 * finding. */
struct text matchbox_asset(struct matchbox *mb, const struct mb_value *value);

/** Mark what machines that are not listed boot as needed, though no node boots
 * it: for unknown:. */
void matchbox_keep_others(struct matchbox *mb);

/** Say what becomes of groups for machines that are not listed. */
void matchbox_report_others(struct matchbox *mb);

/** Write rules of unknown: for them, as a comment; nothing where there is none. */
void matchbox_put_rules(const struct matchbox *mb, struct sbuf *out);

/** Whether Matchbox would choose for a node by its processor. */
bool matchbox_told_by_processor(const struct matchbox *mb,
				const struct mb_node *node);

/** Write the site file. */
void matchbox_write(struct matchbox *mb);

#endif
