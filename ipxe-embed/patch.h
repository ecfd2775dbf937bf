#ifndef PROGRAM_PATCH_H
#define PROGRAM_PATCH_H
/**
 * @file
 * Blank images: iPXE linked once with a script and roots that only hold the
 * place, and the places in them where those of a site are written.
 *
 * A script, and certificates behind it, go into the room that the placeholder
 * script has in the image (BIOS, where it is compressed later and costs
 * nothing; Linux), or into a section that is appended (UEFI, where an image
 * is as large as its file). iPXE's own pointers and lengths are then set to
 * it, so that every one of its functions finds what a build with EMBED=,
 * TRUST= and CERT= would have left there.
 */
#include "text.h"

#include <stdbool.h>
#include <stdint.h>

struct root_certificates;
struct sbuf;

/** Roots that one image takes. */
#define PATCH_ROOTS 64

/** Where things are in a blank image: offsets in bytes. */
struct patch_places {
	size_t word; /**< bytes of a pointer: 4 or 8 */
	/* of struct image (embedded.c) */
	size_t script_pointer, script_length;
	/* of struct x509_root and its digests (rootcert.c) */
	size_t root_count, fingerprints;
	/* of the first of PATCH_ROOTS struct asn1_cursor (certstore.c) */
	size_t certificates;
	/** For script and certificates; bytes 0: a section is appended. */
	size_t room, room_bytes, room_address;
};

/** What a blank image is linked with. */
struct placeholder {
	struct text script;
	const struct root_certificates *roots; /**< PATCH_ROOTS of them */
};

/**
 * Find the places.
 *
 * @param elf	what ld made; with all its symbols
 * @param image	what came of that, uncompressed; its placeholders are wiped
 * @param append	whether script and certificates get a section
 * @return NULL, or what was not found as expected
 */
const char *patch_survey(struct text elf, const struct placeholder *placeholder,
			 bool append, struct sbuf *image,
			 struct patch_places *ret_places);

/**
 * Whether places are of an image of this size: nothing is written outside of
 * it, whatever they say.
 */
bool patch_fits(const struct patch_places *places, size_t image_bytes);

enum patch_status {
	PATCH_OK,
	PATCH_TOO_LARGE, /**< *ret_excess bytes more than there is room for */
	PATCH_FAILED,    /**< no section can be added */
};

/**
 * Write a site into a blank image.
 *
 * @param roots	1 to PATCH_ROOTS
 */
enum patch_status patch(const struct patch_places *places, struct text script,
			const struct root_certificates *roots,
			struct sbuf *image, size_t *ret_excess);

#endif
