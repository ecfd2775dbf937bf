#ifndef CERTS_TLS_H
#define CERTS_TLS_H
/**
 * @file
 * The server's side of TLS, on connections that somebody else has accepted.
 */
#include <stddef.h>
#include <sys/types.h>

struct sbuf;

/** Zero-initialise before first use. */
struct tls_server {
	void *context; /**< SSL_CTX */
};

/**
 * @param chain	PEM file: the certificate, then those above it
 * @param key	PEM file, without a passphrase
 * @param why	gets the file at fault and what is wrong with it
 * @return 0, or -EBADMSG
 */
int tls_server_init(struct tls_server *server, const char *chain,
		    const char *key, struct sbuf *why);

void tls_server_release(struct tls_server *server);

struct tls_link {
	void *ssl;
};

/**
 * Shake hands.
 *
 * @param fd	blocking; stays the caller's
 * @return 0, or -EPROTO
 */
int tls_accept(const struct tls_server *server, int fd,
	       struct tls_link *ret_link);

/** @return bytes read; 0 at the end or after a fault */
size_t tls_read(const struct tls_link *link, void *bytes, size_t room);

/** @return 0 if all was written, or -EPIPE */
int tls_write(const struct tls_link *link, const void *bytes, size_t len);

/** Say good-bye and let go. */
void tls_close(struct tls_link *link);

#endif
