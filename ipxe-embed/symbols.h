#ifndef PROGRAM_SYMBOLS_H
#define PROGRAM_SYMBOLS_H
/**
 * @file
 * Symbols of an ELF file that ld made; little-endian, 32 or 64 bits.
 */
#include "text.h"

#include <stdbool.h>
#include <stdint.h>

struct elf {
	struct text bytes;
	unsigned word; /**< bytes of an address: 4 or 8 */
};

/** Something that a symbol names. All of it lies within the file. */
struct elf_object {
	uint64_t address;    /**< when it is loaded */
	size_t offset, size; /**< in the file; size is 0 for a bare label */
	size_t section_offset, section_size; /**< of all that it stands in */
};

/** @return whether it is one, as far as the first 16 bytes tell */
bool elf_open(struct text bytes, struct elf *ret_elf);

/**
 * Find what a name stands for.
 *
 * @param name	without the prefix that iPXE gives its symbols on Linux
 * @return false if nothing in the file, or more than one thing, has it
 */
bool elf_find(const struct elf *elf, const char *name,
	      struct elf_object *ret_object);

#endif
