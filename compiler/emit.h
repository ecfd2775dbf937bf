#ifndef COMPILER_EMIT_H
#define COMPILER_EMIT_H
/**
 * @file
 * plan -> bytes: one function per output. None can fail.
 */
#include "plan.h"
#include "sbuf.h"

/** The boot script that is baked into every image of the site. */
void emit_ipxe(const struct plan *plan, struct sbuf *out);

#endif
