#ifndef COMPILER_PROVE_H
#define COMPILER_PROVE_H
/**
 * @file
 * Proof for every node: the boot script of a plan is run by the rules of iPXE
 * for each machine, and must end where the site says.
 *
 * - Every node, by each of its identities, alone and among cards of others,
 *   comes to its own boot order, with its own words and network in it, also
 *   when it has marks of another node that count less; a machine that is no
 *   node comes to the order of the rule that is for it, or of none.
 * - Every boot order, for two of its nodes, on BIOS and on UEFI, boots each of
 *   its profiles with its own kernel, initrds and arguments, those before it not
 *   starting, in each item of its menus as well; and nothing when all that is
 *   fetched has been changed.
 * - One order of each structure (is_new_structure()) also does what the site says
 *   when things go wrong, for good or for a while: struct scene. How the site
 *   means it is said by prove_intention.c and prove_progress.c, which know
 *   nothing of the script.
 * - Nothing is ever used that was not verified as the site wants, and nothing
 *   stands around that could be: an image that lay there from the beginning,
 *   or settings that come by DHCP.
 */
#include "diag.h"

struct plan;

/**
 * Run the proof.
 *
 * @param nodes_max	of how many nodes to look at the way to their boot order;
 *			the orders themselves are all looked at
 * @param ds	gets an error for each machine that would go astray; then the
 *		fault is in the emitter of the script, never in the site
 */
void prove(const struct plan *plan, size_t nodes_max, struct diags *ds);

/**
 * The same by enumeration, for small sites: every node goes through all that can
 * go wrong, and nothing is taken for granted because another one is like it.
 * Tests hold prove() to this.
 */
void prove_each(const struct plan *plan, struct diags *ds);

#endif
