#ifndef COMPILER_PLAN_H
#define COMPILER_PLAN_H
/**
 * @file
 * What will be published and booted: made by compile(), read by emitters and
 * by the program. Nothing in it is open to a user error any more.
 */
#include "compile.h"

/** How each item is verified before it is used; bits. */
enum verify {
	VERIFY_SIGNATURE = 1,   /**< detached CMS beside the item */
	VERIFY_DIGEST = 2,      /**< SHA-256 in the boot script */
	VERIFY_SECURE_BOOT = 4, /**< a UKI that the firmware verifies */
	/** Signatures are beside the scripts of nodes; see emit_remote.c */
	VERIFY_NODES = 8,
	VERIFY_SIGNED = VERIFY_SIGNATURE | VERIFY_NODES,
};

/** One file below www/. */
struct blob {
	/** "a/<sha256>/<name>", below www/; what is served to one machine:
	 * "s/<node>/<name>" */
	struct text path;
	struct text name;  /**< last component of the path */
	struct text from;  /**< file to copy; empty when the bytes are here */
	struct text bytes; /**< rendered content, when from is empty */
	struct digest digest;
	bool published;
	bool signable;   /**< whether machines verify its signature */
	struct text hex; /**< SHA-256, 64 lower-case digits */
	/** Who asked for it, as "profile debian: kernel"; sorted, no repeats */
	struct text *wanted_by;
	size_t wanted_by_count;
	/** The last to ask, and for what: mostly they ask again. */
	const struct settings *asker;
	const char *asked;
};

/** Whether it lies elsewhere and is known by its digest alone, without a size. */
static inline bool blob_is_unfetched(const struct blob *blob)
{
	return !blob->from.ptr && !blob->bytes.ptr && !blob->digest.size_bytes;
}

/** One root of trust file of the site, as given. */
struct root {
	struct text path;
	struct span at;
};

/** Capabilities that an image of this site needs compiled in. */
struct features {
	bool shell; /**< a boot order names `shell` */
	bool http;  /**< a base URL or a drive is plain http:// */
	bool san;   /**< a profile boots from a drive elsewhere */
};

/** What some machine of the site asks of the network besides DHCP. */
struct uplink_uses {
	bool address, dns, vlan, nics, ntp;
	size_t nics_most; /**< of one machine */
};

/* The boot script shares code between machines that boot alike: those whose
 * boot orders have the same shape (steps, profiles, number of initrds and
 * arguments, paths of injected files) follow one `order`. Its words that are
 * the same for all of them stand in it; the others are variables, which the
 * lines of each machine set. */

struct order {
	size_t number; /**< from 1; 0 is one of unknown machines */
	const struct machine **members; /**< sorted by name; at least one */
	size_t member_count;
	size_t word_count; /**< see plan_words() */
	size_t *variables; /**< per word: 0 if constant, else its number */
	size_t variable_count;
};

/**
 * All words of a machine's boot order, in the order of the steps: for each
 * profile the digest and name of the kernel, of each initrd, of each injected
 * file, then the arguments, without the facts in them that only the machine
 * knows; or the digest and name of the UKI; or the URI of the drive, and the
 * initiator if there is one.
 */
void plan_words(const struct machine *machine, struct text *ret_words);

/** A script of a node in the tree, once for each identity of the node. */
struct node_script {
	struct text path; /**< "n/mac/525400000001.ipxe", below www/ */
	struct text bytes;
	struct digest digest;
	struct text *wanted_by; /**< one */
};

struct plan {
	struct text site_name;
	struct text site_path; /**< of the site file */
	/** enum verify, or'ed. With VERIFY_NODES, digests stand for the
	 * signatures of items. */
	unsigned verify;
	struct text signer; /**< common name that signatures must come from */
	struct root *roots;
	size_t root_count;
	struct features features;
	struct uplink_uses uplink_uses;
	/** enum arch, or'ed: processors that something is booted on alone */
	unsigned archs;
	bool needs_bios; /**< something boots by BIOS alone */

	struct blob *blobs; /**< sorted by path, no repeats */
	size_t blob_count;

	const struct effective *effective;
	struct order unknown; /**< of machines for which no rule is */
	struct order *ruled;  /**< as site->rules */
	struct order *orders; /**< by number */
	size_t order_count;
	struct order **order_of; /**< per machine of effective */

	struct text script; /**< the boot script, as it is baked: EMIT_IMAGE */
	bool script_beside; /**< it is that of EMIT_FILE, which see */
	/** Sorted by path; with dispatch remote or both. */
	struct node_script *node_scripts;
	size_t node_script_count;
};

/** effective -> plan, without the script. Cannot fail. */
struct plan *plan_new(struct arena *arena, const char *site_path,
		      const struct effective *effective);

/** Sort by path, after some were added. */
void plan_sort_blobs(struct plan *plan);

#endif
