#ifndef COMPILER_CHECK_KINDS_H
#define COMPILER_CHECK_KINDS_H
/**
 * @file
 * Whether each profile boots one thing, and says of it only what it can take.
 */
#include "diag.h"
#include "ir.h"

void check_kinds(const struct site *site, struct diags *ds);

#endif
