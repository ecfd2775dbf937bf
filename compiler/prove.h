#ifndef COMPILER_PROVE_H
#define COMPILER_PROVE_H
/**
 * @file
 * Proof for every node: the boot script of a plan is run by the rules of iPXE
 * for each machine, and must end where the site says.
 *
 * - Every node, by each of its identities, alone and among cards of others,
 *   comes to its own boot order, with its own words in it; a machine that is no
 *   node comes to the one for unknown machines.
 * - Every boot order, for two of its nodes, on BIOS and on UEFI, when all is
 *   well and when all that is fetched has been changed. One order of each
 *   structure also with each fetch on its way, or all of them, failing or
 *   bringing something else, each mirror lost, a disk that boots, and no
 *   network. It must boot the kernel of the step that is next by then, with
 *   its own initrds and arguments, or end as the site says, or try again.
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

#endif
