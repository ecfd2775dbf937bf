#ifndef COMPILER_ARCH_H
#define COMPILER_ARCH_H
/**
 * @file
 * Processors of machines, by the names that iPXE has for them. What a machine
 * with an image for BIOS has, which iPXE calls i386, counts as x86_64.
 */
#include "ir.h"

enum { ARCHS = 2 };

/** All of them, in the order of their names in the language. */
extern const enum arch arch_all[ARCHS];

/** "x86_64"; of several, NULL. */
const char *arch_word(unsigned archs);

/** @return 0 if there is none of that name */
unsigned arch_find(struct text name);

/** What another name of a processor means here: "aarch64"; NULL: nothing. */
const char *arch_other_name(struct text name);

/** Whether what is for @p archs, 0 for any, is for all of @p machine. */
static inline bool arch_holds(unsigned archs, unsigned machine)
{
	return !archs || (archs & machine) == machine;
}

#endif
