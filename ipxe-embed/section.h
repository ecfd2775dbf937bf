#ifndef PROGRAM_SECTION_H
#define PROGRAM_SECTION_H
/**
 * @file
 * Add a section to an EFI program.
 *
 * iPXE's elf2efi leaves room behind the section headers, so nothing has to
 * move, and what is signed is what Authenticode expects.
 *
 * @see Microsoft, PE Format
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sbuf;

/** Where a section came to lie. */
struct section {
	uint64_t address; /**< when loaded, from the start of the program */
	size_t offset;    /**< in the file */
};

/**
 * Append a section of data, filled with zeros.
 *
 * @param image	an unsigned program that is linked to address 0
 * @param name	up to 8 letters
 * @param bytes	at least 1
 * @return whether it was one, and had room for another section header
 */
bool section_append(struct sbuf *image, const char *name, size_t bytes,
		    struct section *ret_section);

#endif
