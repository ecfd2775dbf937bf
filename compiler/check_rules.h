#ifndef COMPILER_CHECK_RULES_H
#define COMPILER_CHECK_RULES_H
/**
 * @file
 * What must hold of unknown machines and the rules for them: private to check.c.
 */
#include "arena.h"
#include "diag.h"
#include "ir.h"

/** That they boot no profile, unless that is allowed. */
void check_unknown_install(struct arena *arena, const struct site *site,
			   struct diags *ds);

/** That there are machines for which each rule is the first that holds. */
void check_rules(struct arena *arena, const struct site *site,
		 struct diags *ds);

#endif
