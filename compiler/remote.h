#ifndef COMPILER_REMOTE_H
#define COMPILER_REMOTE_H
/**
 * @file
 * The scripts that the tree has for nodes: dispatch remote or both.
 */
#include "plan.h"

/** Add the scripts of boot orders to the blobs, and those of all nodes. */
void remote_publish(struct arena *arena, const struct compile_env *env,
		    struct plan *plan);

#endif
