#include "sha256.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

/* A libcrypto that cannot do SHA-256 (a broken FIPS provider, no memory) leaves
 * nothing useful to do; nothing has been published at this point. */
static void must(int ok)
{
	if (ok == 1)
		return;
	fputs("ipxe-embed: libcrypto cannot compute SHA-256\n", stderr);
	exit(3);
}

void sha256_begin(struct sha256 *hash)
{
	if (!hash->context)
		hash->context = EVP_MD_CTX_new();
	must(hash->context != NULL);
	must(EVP_DigestInit_ex(hash->context, EVP_sha256(), NULL));
	hash->size_bytes = 0;
}

void sha256_add(struct sha256 *hash, const void *bytes, size_t len)
{
	must(EVP_DigestUpdate(hash->context, bytes, len));
	hash->size_bytes += len;
}

void sha256_end(struct sha256 *hash, struct digest *ret_digest)
{
	must(EVP_DigestFinal_ex(hash->context, ret_digest->sha256, NULL));
	ret_digest->size_bytes = hash->size_bytes;
}

void sha256_release(struct sha256 *hash)
{
	EVP_MD_CTX_free(hash->context);
	hash->context = NULL;
}

void sha256_of(const void *bytes, size_t len, struct digest *ret_digest)
{
	struct sha256 hash = { 0 };

	sha256_begin(&hash);
	sha256_add(&hash, bytes, len);
	sha256_end(&hash, ret_digest);
	sha256_release(&hash);
}
