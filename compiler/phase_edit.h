#ifndef COMPILER_PHASE_EDIT_H
#define COMPILER_PHASE_EDIT_H
/**
 * @file
 * The text of a site file with one node in another phase.
 */
#include "ir.h"

struct sbuf;

/**
 * Change the value of `phase:` of a node, or add the key as its first one. Not
 * a byte elsewhere changes: comments, quotes and the ends of lines stay.
 *
 * @param node	of a site without errors
 * @param phase	a name, as value_name() has it
 * @param out	gets all of the file that holds the node, node->at.source
 * @return NULL; or why it cannot be done, and then nothing is added
 */
const char *phase_edit(const struct node *node, struct text phase,
		       struct sbuf *out);

#endif
