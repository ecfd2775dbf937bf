#ifndef COMPILER_DIFFERENCE_H
#define COMPILER_DIFFERENCE_H
/**
 * @file
 * Which machines of two sites would behave differently, and how.
 */
#include "plan.h"
#include "sbuf.h"
#include "vec.h"

/** Something that is said of a machine. */
struct change {
	struct text key;      /**< "boot", "debian kernel" */
	struct text old, new; /**< ptr NULL where it is not said */
};

enum difference_of { OF_SITE, OF_UNKNOWN, OF_NODE };

/** All changes of one machine, or of what holds for all. */
struct changes {
	enum difference_of of;
	struct text name;    /**< of a node */
	bool added, removed; /**< the node; then nothing below */
	VEC(struct change) list;
};

struct difference {
	VEC(struct changes) all; /**< site, unknown machines, nodes by name */
	size_t node_count;       /**< in both sites together */
	size_t nodes_changed;
};

/**
 * Compare what two sites mean, not how they say it.
 *
 * @param old_roots,new_roots	what tells their roots of trust apart
 */
struct difference difference(struct arena *arena, const struct plan *old,
			     struct text old_roots, const struct plan *new,
			     struct text new_roots);

/**
 * For people: nodes with the same changes together.
 *
 * @param colour	for a terminal
 */
void difference_text(struct arena *arena, const struct difference *difference,
		     bool colour, struct sbuf *out);

void difference_json(const struct difference *difference, struct sbuf *out);

#endif
