#ifndef COMPILER_EMIT_PARTS_H
#define COMPILER_EMIT_PARTS_H
/**
 * @file
 * What the parts of the emitter of boot scripts share; not for others.
 */
#include "emit.h"
#include "ir.h"

/** One script in the making. */
struct emit {
	const struct plan *plan;
	const struct site *site;
	enum emit_home home;
	struct sbuf *out;
	bool uses[STEPS];       /**< by enum step_kind */
	bool uses_arch;         /**< some profile depends on the processor */
	unsigned facts;         /**< as in struct boot */
	bool boots[BOOT_KINDS]; /**< by enum boot_kind */
	/** It is not baked but fetched: see emit_remote.c */
	bool fetched;
};

/** Where certificates that are missing are looked for: nowhere. */
#define EMIT_NO_CROSSCERT "https://no..where/"

#define PUT(...) sbuf_printf(e->out, __VA_ARGS__)

/** A comment line that divides the script. */
void emit_heading(struct emit *e, const char *text);

/** As the type :hexraw prints it: such a token is never an option. */
void emit_hex(struct emit *e, struct text text);

/** "made by ipxe-embed from site.yaml", and that nobody edits it. */
void emit_origin(struct emit *e);

/** Whether items are verified so before they are used. */
bool emit_has(const struct emit *e, enum verify how);

/** Note which steps a machine may come to. */
void emit_find_uses(struct emit *e, const struct machine *machine);

/** Set ${arch}, if something depends on it. */
void emit_arch(struct emit *e);

/** Set what is particular to how a machine gets onto the network. */
void emit_uplink(struct emit *e, const struct machine *machine);

/** Copy all of that to other names, or back. @param to,from	before the names */
void emit_uplink_copy(struct emit *e, const char *to, const char *from);

/** The routine that does it: goes back when the machine is online. */
void emit_network(struct emit *e);

/** Routines for what emit_find_uses() has seen, and for failures. */
void emit_routines(struct emit *e);

/** All boot orders, with the menus that they lead to. */
void emit_orders(struct emit *e);

/** @param label	of its first step */
void emit_order(struct emit *e, const struct order *order, const char *label);

/** Where unknown machines find the rule that holds; behind it, none does. */
void emit_rules(struct emit *e);

/** The search for the script of a node; begins at the label "dispatch". */
void emit_dispatch(struct emit *e);

/** Labels of what identifies a node: mac-525400000001, uuid-…. */
void emit_mac_labels(struct emit *e, const struct node *node);

#endif
