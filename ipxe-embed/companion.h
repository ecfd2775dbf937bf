#ifndef PROGRAM_COMPANION_H
#define PROGRAM_COMPANION_H
/**
 * @file
 * Processes of our own that work beside this one, and never outlive it.
 */
#include <sys/types.h>

/**
 * Start one.
 *
 * Signals that are blocked or caught here have their usual effect there.
 *
 * @param body	runs there; the process ends when it returns
 * @return the process, or -errno
 */
pid_t companion_start(void (*body)(void *ctx), void *ctx);

/** End it, and wait until it has. Nothing if @p process is not above 0. */
void companion_end(pid_t process);

#endif
