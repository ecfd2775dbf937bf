#include "secret.h"

#include "arena.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

void secret_make(struct secret *secret, size_t len)
{
	secret_release(secret);
	secret->ptr = xrealloc(NULL, len + 1);
	memset(secret->ptr, 0, len + 1);
	secret->len = len;
}

void secret_cut(struct secret *secret, size_t len)
{
	if (len >= secret->len)
		return;
	secret_wipe(secret->ptr + len, secret->len - len);
	secret->len = len;
}

void secret_release(struct secret *secret)
{
	secret_wipe(secret->ptr, secret->len);
	free(secret->ptr);
	*secret = (struct secret){ 0 };
}

void secret_wipe(void *bytes, size_t len)
{
	if (bytes)
		OPENSSL_cleanse(bytes, len);
}
