#include "tls.h"

#include "openssl_glue.h"
#include "sbuf.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

/* Nobody is there to be asked: a key with a passphrase is no use here. */
static int no_passphrase(char *buffer, int room, int writing, void *ctx)
{
	(void)buffer;
	(void)room;
	(void)writing;
	(void)ctx;
	return -1;
}

static int refuse(const char *path, const char *what, struct sbuf *why)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	sbuf_printf(why, "%s: cannot be used as %s: %s", path, what,
		    reason ? reason : "it cannot be read");
	ERR_clear_error();
	return -EBADMSG;
}

int tls_server_init(struct tls_server *server, const char *chain,
		    const char *key, struct sbuf *why)
{
	SSL_CTX *context = made(SSL_CTX_new(TLS_server_method()));

	server->context = context;
	SSL_CTX_set_default_passwd_cb(context, no_passphrase);
	if (SSL_CTX_use_certificate_chain_file(context, chain) != 1)
		return refuse(chain, "the certificate of the web server", why);
	if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1)
		return refuse(key, "the key of the web server", why);
	return 0;
}

void tls_server_release(struct tls_server *server)
{
	SSL_CTX_free(server->context);
	server->context = NULL;
}

int tls_accept(const struct tls_server *server, int fd,
	       struct tls_link *ret_link)
{
	SSL *ssl = made(SSL_new(server->context));

	if (SSL_set_fd(ssl, fd) != 1 || SSL_accept(ssl) != 1) {
		SSL_free(ssl);
		ERR_clear_error();
		return -EPROTO;
	}
	ret_link->ssl = ssl;
	return 0;
}

size_t tls_read(const struct tls_link *link, void *bytes, size_t room)
{
	size_t len = 0;

	return SSL_read_ex(link->ssl, bytes, room, &len) == 1 ? len : 0;
}

int tls_write(const struct tls_link *link, const void *bytes, size_t len)
{
	size_t done;

	return !len || SSL_write_ex(link->ssl, bytes, len, &done) == 1 ? 0
								       : -EPIPE;
}

void tls_close(struct tls_link *link)
{
	SSL_shutdown(link->ssl);
	SSL_free(link->ssl);
	link->ssl = NULL;
}
