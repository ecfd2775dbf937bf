#ifndef COMPILER_BOOT_FACT_H
#define COMPILER_BOOT_FACT_H
/**
 * @file
 * Facts that only the machine knows, once it boots: `{{boot.mac}}`. They stand
 * in arguments of kernels, as settings of iPXE.
 *
 * In an argument of struct boot a fact is written `${boot.mac}`; no other text
 * of an argument holds "${".
 */
#include "sbuf.h"
#include "text.h"

struct boot;

struct boot_fact {
	const char *name; /**< behind "boot.": "mac" */
	const char *doc;  /**< for people, half a sentence */
	/** As iPXE knows it: `${…}` of something that has a type, so that no
	 * value can hold anything but digits and marks. NULL: the setting
	 * called `name` is text from the firmware, and may be anything. */
	const char *value;
	/** Longest that it is expected to be, in bytes. */
	size_t bytes;
};

enum { BOOT_FACTS = 13 };

/** What holds for all of them; a few sentences. */
extern const char boot_facts_doc[];

extern const struct boot_fact boot_facts[BOOT_FACTS];

/** What stands for a fact while an argument is rendered: this byte in the place
 * of `$`. No text of a site holds one. */
#define BOOT_FACT_MARK '\0'

/** One piece of an argument. */
struct arg_piece {
	struct text text;             /**< as it stands, when it is no fact */
	const struct boot_fact *fact; /**< or NULL */
};

/**
 * Take the next piece of an argument.
 *
 * @param rest	of it; becomes what is left
 * @return false at its end
 */
bool arg_next(struct text *rest, struct arg_piece *ret_piece);

/**
 * Text that is different for boots whose facts stand in different places
 * among their arguments; none for a boot without facts.
 */
void boot_facts_key(const struct boot *boot, struct sbuf *key);

#endif
