#include "openssl_glue.h"

#include "arena.h"
#include "sbuf.h"

#include <limits.h>

void *made(void *object)
{
	if (!object)
		out_of_memory();
	return object;
}

BIO *bio_over(const void *bytes, size_t len)
{
	return made(BIO_new_mem_buf(len ? bytes : "",
				    len < INT_MAX ? (int)len : INT_MAX));
}

BIO *bio_make(void)
{
	return made(BIO_new(BIO_s_mem()));
}

void bio_take(BIO *bio, struct sbuf *out)
{
	char *bytes = NULL;
	long len = BIO_get_mem_data(bio, &bytes);

	if (len > 0)
		sbuf_add(out, bytes, (size_t)len);
	BIO_free(bio);
}
