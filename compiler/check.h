#ifndef COMPILER_CHECK_H
#define COMPILER_CHECK_H
/**
 * @file
 * What can be wrong with a site although each of its values is fine. Read only;
 * see the table of rules in check.c.
 */
#include "diag.h"
#include "ir.h"

void check(struct arena *arena, const struct site *site, struct diags *ds);

#endif
