#ifndef COMPILER_TRACE_H
#define COMPILER_TRACE_H
/**
 * @file
 * Where the values of one machine come from: noted by effective*.c while it
 * applies the levels, so that what is told is what was done.
 */
#include "levels.h"
#include "vec.h"

/** Zero-initialise but for the arena; nothing is noted while it is off. */
struct trace {
	struct arena *arena;
	VEC(struct origin) origins;
	bool on;
};

/**
 * Note a value.
 *
 * @param boot	that has it; NULL: the machine itself
 * @param name	within @p key: of a variable, of a file; or empty
 */
void trace_add(struct trace *trace, const struct boot *boot, const char *key,
	       struct text name, const struct level *level, struct span at,
	       struct text value);

/** Note a value as the site says it, which no template renders. */
void trace_add_said(struct trace *trace, const struct boot *boot,
		    const char *key, struct text name,
		    const struct level *level, struct span at,
		    const struct doc *said);

/**
 * Note that a higher level takes the place of what was noted so far.
 *
 * @param name	only what has this name; ptr NULL: all of @p key
 */
void trace_replace(struct trace *trace, const struct boot *boot,
		   const char *key, struct text name);

/** Note what the levels say that is no part of a boot. */
void trace_machine(struct trace *trace, const struct levels *levels);

/** Note what unknown machines do. */
void trace_unknown(struct trace *trace, const struct site *site);

/** Note what a profile extends. */
void trace_extends(struct trace *trace, const struct boot *boot,
		   const struct profile *profile);

/** Note the variables and the channel that templates of a boot see. */
void trace_vars(struct trace *trace, const struct boot *boot,
		const struct levels *levels);

#endif
