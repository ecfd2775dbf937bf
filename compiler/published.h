#ifndef COMPILER_PUBLISHED_H
#define COMPILER_PUBLISHED_H
/**
 * @file
 * What the tree of a plan answers to a simulated machine, well or harmed.
 */
#include "arena.h"
#include "plan.h"
#include "simulate.h"

struct machine;

enum harm {
	HARM_NONE,
	HARM_LOST,     /**< it cannot be fetched */
	HARM_TAMPERED, /**< it is something else, which runs */
	HARM_SWAPPED,  /**< another one of its kind, with its signature */
};

/** What a URL stands for. */
struct published_item {
	struct text url;
	struct text base;        /**< that it is below of */
	const struct blob *blob; /**< NULL: the script of a node, or none */
	bool signature;          /**< of that */
};

struct published {
	const struct plan *plan;
	/** That fetches; whose own script is not another node's */
	const struct machine *machine;
	void *ctx;
	enum harm (*harm)(void *ctx, const struct published_item *item);
	struct arena arena; /**< of what it answered with */
	struct published_face *faces;
};

/**
 * @param ret_stray	set when nothing of the tree can be meant
 * @return the same for the same question, until published_reset(); NULL: it
 *	cannot be fetched
 */
const struct sim_content *published_fetch(struct published *tree,
					  struct text url, bool *ret_stray);

/** What an item is swapped for: it has a signature, if the item has; or NULL. */
const struct blob *published_another_blob(const struct plan *plan,
					  const struct blob *own);

/** Forget all answers; their memory is for the next ones. */
void published_reset(struct published *tree);
void published_release(struct published *tree);

/** Whether bytes are an iPXE script. */
bool is_script(struct text bytes);

/** Cut off the end of a text, if it is that. */
bool strip_suffix(struct text *text, const char *suffix);

bool has_prefix(struct text text, const char *prefix);

#endif
