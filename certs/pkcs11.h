#ifndef CERTS_PKCS11_H
#define CERTS_PKCS11_H
/**
 * @file
 * Private keys that stay in a token: a smart card, a YubiKey, an HSM.
 *
 * @see PKCS #11 URI scheme, RFC 7512
 */
#include "secret.h"

#include <stdbool.h>

struct key;
struct sbuf;

/** Whether the name of a key is a URI of a token. */
bool pkcs11_is_uri(const char *name);

/**
 * Find the one private key that a URI describes; it never leaves its token.
 *
 * The driver is `module-path` of the URI, else all that p11-kit knows.
 *
 * A PIN in the URI is refused: everybody on this computer would see it.
 *
 * @param pin	borrowed; NULL: there is none
 * @param why	gets what is wrong, to follow the URI and ": "
 * @return 0; -ENOKEY if a PIN is needed; -EKEYREJECTED if it is not the right
 *	   one; -EBADMSG for anything else
 */
int pkcs11_key(const char *uri, const struct secret *pin, struct key *ret_key,
	       struct sbuf *why);

/** Part of key_release(). Accepts NULL. */
void pkcs11_release(void *token);

#endif
