#ifndef CERTS_SECRET_H
#define CERTS_SECRET_H
/**
 * @file
 * Bytes that are wiped when they are let go: passphrases and private keys.
 */
#include "cleanup.h"

#include <stddef.h>

/** Zero-initialise before first use. */
struct secret {
	char *ptr; /**< NULL: there is none; else a NUL follows the bytes */
	size_t len;
};

/** Room for @p len bytes, zeroed, in place of what was there. */
void secret_make(struct secret *secret, size_t len);

/** Shorten, and wipe what is cut off. */
void secret_cut(struct secret *secret, size_t len);

void secret_release(struct secret *secret);

/** Overwrite memory in a way that the compiler keeps. */
void secret_wipe(void *bytes, size_t len);

#endif
