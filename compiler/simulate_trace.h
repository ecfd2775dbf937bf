#ifndef COMPILER_SIMULATE_TRACE_H
#define COMPILER_SIMULATE_TRACE_H
/**
 * @file
 * What a simulated machine does, in a line each.
 */
#include "simulate.h"

/** Colours of a terminal, or empty texts. */
struct sim_colours {
	const char *good, *bad, *faint, *strong, *reset;
};

/**
 * The line of an event, with its end; nothing for events that only matter to
 * whoever debugs a script (labels).
 *
 * @param colours	NULL: none
 */
void sim_event_show(const struct sim *sim, const struct sim_event *event,
		    const struct sim_colours *colours, struct sbuf *out);

/** "echo", "fetch", … for other programs; NULL for what is not shown. */
const char *sim_event_name(enum sim_event_kind kind);

#endif
