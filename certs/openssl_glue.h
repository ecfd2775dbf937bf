#ifndef CERTS_OPENSSL_GLUE_H
#define CERTS_OPENSSL_GLUE_H
/**
 * @file
 * What the files of libcerts share; not for others.
 */
#include <openssl/bio.h>
#include <openssl/err.h>
#include <stdbool.h>
#include <stddef.h>

struct sbuf;

/**
 * Read-only view of bytes that must outlive it.
 *
 * Ends the program when there is no memory. What is beyond 2 GiB is not seen.
 */
BIO *bio_over(const void *bytes, size_t len);

/** Add what was written to a memory BIO, and free it. */
void bio_take(BIO *bio, struct sbuf *out);

/** A memory BIO; ends the program when there is no memory. */
BIO *bio_make(void);

/** Pass on an object that libcrypto made, or end for lack of memory. */
void *made(void *object);

#endif
