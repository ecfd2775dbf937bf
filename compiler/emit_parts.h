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
	bool uses[STEPS]; /**< by enum step_kind */
};

#define PUT(...) sbuf_printf(e->out, __VA_ARGS__)

/** A comment line that divides the script. */
void emit_heading(struct emit *e, const char *text);

/** All boot orders, with the menus that they lead to. */
void emit_orders(struct emit *e);

#endif
