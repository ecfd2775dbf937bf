#ifndef CERTS_SHA256_H
#define CERTS_SHA256_H
/**
 * @file
 * SHA-256 of bytes that come piece by piece.
 */
#include "compile.h"

/** Zero-initialise before first use. */
struct sha256 {
	void *context; /**< EVP_MD_CTX */
	uint64_t size_bytes;
};

/** Begin anew. Ends the program when libcrypto has no memory or no SHA-256. */
void sha256_begin(struct sha256 *hash);
void sha256_add(struct sha256 *hash, const void *bytes, size_t len);
void sha256_end(struct sha256 *hash, struct digest *ret_digest);
void sha256_release(struct sha256 *hash);

/** All at once. */
void sha256_of(const void *bytes, size_t len, struct digest *ret_digest);

#endif
