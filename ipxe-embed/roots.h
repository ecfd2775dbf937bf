#ifndef PROGRAM_ROOTS_H
#define PROGRAM_ROOTS_H
/**
 * @file
 * The roots of trust of a site, one by one, as an image carries them.
 */
#include "compile.h"

struct arena;

/** One certificate. */
struct root_certificate {
	struct text der;
	struct digest digest; /**< of the DER: the fingerprint */
	const char *hex;      /**< of the fingerprint, 64 lower-case digits */
	struct text pem;      /**< nothing but the certificate */
};

struct root_certificates {
	struct root_certificate *at; /**< sorted by fingerprint, no repeats */
	size_t count;
};

/**
 * Take PEM files apart. Whatever stands between certificates is passed over;
 * what a certificate says is not looked at.
 *
 * @param files	any number of certificates in each
 * @return the number of the first file (from 0) with a certificate that is
 *	   damaged, or with none; @p count if all is well
 */
size_t roots_split(struct arena *arena, const struct text *files, size_t count,
		   struct root_certificates *ret_roots);

/**
 * Certificates that only hold a place: each parses, none says or proves
 * anything, and they are the same everywhere and always.
 *
 * @param count	at most 127
 */
void roots_placeholders(struct arena *arena, size_t count,
			struct root_certificates *ret_roots);

#endif
