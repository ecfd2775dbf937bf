#ifndef COMPILER_EMIT_H
#define COMPILER_EMIT_H
/**
 * @file
 * plan -> bytes: one function per output. None can fail.
 */
#include "plan.h"
#include "sbuf.h"

/** What the boot script finds around it. */
enum emit_home {
	EMIT_IMAGE, /**< it lies in an image, which has the roots as well */
	/** It lies beside an image that knows the root by its fingerprint; the
	 * certificate lies there too, as EMIT_ROOT. */
	EMIT_FILE,
};

#define EMIT_ROOT "root.pem"

/** Loaders below \EFI\ that are looked for on a disk besides the one for removable
 * media, in this order; then NULL. ${loader} is what their names call the
 * processor: x64 or aa64. */
extern const char *const emit_efi_loaders[];

/** The boot script of the site. */
void emit_ipxe(const struct plan *plan, enum emit_home home, struct sbuf *out);

/** The boot order of a node, as the tree has it. */
struct node_order {
	const struct order *order;
	struct text hex;    /**< SHA-256 of its script */
	struct text *words; /**< room for plan_words() */
};

/** The script of a boot order in the tree; same for whoever has the order. */
void emit_order_script(const struct plan *plan, const struct order *order,
		       struct sbuf *out);

/** The script of a node in the tree. */
void emit_node_script(const struct plan *plan, const struct machine *machine,
		      const struct node_order *order, struct sbuf *out);

#endif
