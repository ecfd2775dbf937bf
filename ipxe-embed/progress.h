#ifndef PROGRAM_PROGRESS_H
#define PROGRAM_PROGRESS_H
/**
 * @file
 * Show how far the making of images is: on a terminal one line that changes,
 * elsewhere a line every few seconds.
 */
#include <stdbool.h>

struct bake_progress;

/** Zero-initialise before first use. */
struct progress {
	bool begun, terminal, line_open;
	long long shown_ms; /**< when */
};

/** Fits struct bake_request; @p ctx is a struct progress. */
void progress_show(void *ctx, const struct bake_progress *at);

/** Clear the line before anything else is written. */
void progress_end(struct progress *progress);

#endif
