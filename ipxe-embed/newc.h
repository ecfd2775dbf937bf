#ifndef PROGRAM_NEWC_H
#define PROGRAM_NEWC_H
/**
 * @file
 * The headers of a cpio archive as Linux unpacks it into its first file system.
 * libarchive writes it too, but wants to hold a file of each entry's own time
 * and owner; these are a few lines.
 *
 * @see Linux, Documentation/driver-api/early-userspace/buffer-format.rst
 */
#include "text.h"

struct sbuf;

enum { NEWC_ALIGNMENT = 4 };

/**
 * The directories above a file, as far as they are not above the one before it:
 * 0755, as iPXE makes them.
 *
 * @param path	absolute
 * @param before	empty for the first one
 */
void newc_parents(struct text path, struct text before, struct sbuf *out);

/**
 * What comes before the content of a file. The content follows, then zeros up
 * to NEWC_ALIGNMENT.
 *
 * @param path	absolute
 * @param mode	permissions
 */
void newc_file(struct text path, unsigned mode, uint32_t bytes,
	       struct sbuf *out);

/** What comes after the last one. */
void newc_end(struct sbuf *out);

#endif
