#ifndef COMPILER_EFFECTIVE_H
#define COMPILER_EFFECTIVE_H
/**
 * @file
 * site -> effective: what each machine will really do. Precedence is applied,
 * templates are rendered, files are measured.
 */
#include "compile.h"
#include "ir.h"

/** Names that templates know of every machine; NULL ends the list. */
extern const char *const reserved_names[];

/**
 * @param site	without errors in @p ds it is complete; machines whose settings
 *	have been reported as wrong are passed over
 * @return usable only if @p ds has no errors
 */
const struct effective *effective(struct arena *arena, const struct site *site,
				  const struct compile_env *env,
				  struct diags *ds);

#endif
