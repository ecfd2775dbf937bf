#ifndef PROGRAM_METER_H
#define PROGRAM_METER_H
/**
 * @file
 * How far something has come that takes long: one line on a terminal, which
 * goes when it is over.
 *
 *     signing 41,250 of 100,000 [########            ] 41% 1,180/s 50 s left
 *
 * Only on standard error, and only if that is a terminal that can clear a line
 * (TERM is not `dumb`) and errors are for people. Nothing is shown of what is
 * done at once.
 */
#include "cli.h"

#include <stdint.h>

/** Zero-initialise before first use. */
struct meter {
	bool on, line_open;
	const char *what;
	size_t total;
	int64_t begun_ms, shown_ms;
};

/**
 * @param what	"signing"; borrowed
 * @param total	so many are to be done
 */
void meter_begin(struct meter *meter, const struct call *call, const char *what,
		 size_t total);

/** So many are done, of which no more are shown than the total. Cheap enough to be
 * called for each. */
void meter_set(struct meter *meter, size_t done);

/** Clear the line; before anything else is written. */
void meter_end(struct meter *meter);

/** What a terminal of so many columns shows. For tests, too. */
struct meter_state {
	const char *what;
	size_t done, total;
	int64_t elapsed_ms;
};

/**
 * @param columns	of the terminal; the last one stays free, since some
 *			terminals wrap there
 * @param ret_line	as much of it as fits, without an end of line
 */
void meter_line(const struct meter_state *state, size_t columns, char *ret_line,
		size_t room);

#endif
