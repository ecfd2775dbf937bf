#ifndef PROGRAM_SPOOL_H
#define PROGRAM_SPOOL_H
/**
 * @file
 * Signatures as they are made, so that none is lost when a run ends early: with
 * a token that makes two in a second, 10,000 nodes are more than an hour.
 *
 * It is believed by nobody: what comes from it is verified before it counts. So
 * the file may end anywhere, and be anything.
 */
#include "text.h"

struct digest;
struct spool;

/**
 * Read what an earlier run has left, and be ready to add to it.
 *
 * @param path	NULL, and one that cannot be written: nothing is kept
 * @return never NULL
 */
struct spool *spool_open(const char *path);

/** The file stays. Accepts NULL. */
void spool_free(struct spool *spool);

/** @return the signature of that content; without bytes if there is none */
struct text spool_find(const struct spool *spool, const struct digest *content);

/** Add one. Safe to call from several threads at once. */
void spool_add(struct spool *spool, const struct digest *content,
	       struct text der);

#endif
