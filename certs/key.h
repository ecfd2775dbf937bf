#ifndef CERTS_KEY_H
#define CERTS_KEY_H
/**
 * @file
 * Private keys: RSA, and ECDSA on the curve P-256.
 */
#include "secret.h"

struct sbuf;

enum key_type {
	/**
	 * 3072 bits. A root lives for twenty years, and 2048 bits are advised
	 * against after 2030 (NIST SP 800-57 part 1, table 2). iPXE only ever
	 * verifies with it, which is as good as free with the exponent 65537
	 * on a BIOS machine too. Signatures of the same content have the same
	 * bytes.
	 */
	KEY_RSA,
	/** Half as large and quick to make, but different at every signing. */
	KEY_ECDSA,
	/**
	 * For firmware: 2048 bits is what all of it takes (UEFI 2.10, 32.4.1
	 * and 32.5.2 name no other); longer keys fail on some machines, at
	 * enrolment or, worse, at boot.
	 */
	KEY_RSA_2048,
};

/** Zero-initialise before first use. */
struct key {
	void *pkey;  /**< EVP_PKEY; NULL: there is none */
	void *token; /**< that it stays in, see pkcs11.h; or NULL */
};

void key_release(struct key *key);

/** @return 0, or -EIO when libcrypto fails */
int key_generate(enum key_type type, struct key *ret_key);

/**
 * Read a private key: the first one in a PEM file, in any of the forms that
 * OpenSSL knows, of any type.
 *
 * @param passphrase	borrowed; NULL when there is none
 * @param why	gets what is wrong, to follow the name of the file and ": "
 * @return 0; -ENOKEY if a passphrase is needed; -EKEYREJECTED if it is not the
 *	   right one; -EBADMSG for anything else that is no usable key
 */
int key_parse(const void *pem, size_t len, const struct secret *passphrase,
	      struct key *ret_key, struct sbuf *why);

/**
 * As PKCS#8 in PEM (RFC 5958, RFC 7468).
 *
 * @param passphrase	to encrypt with (PBES2: AES-256, PBKDF2 with
 *			HMAC-SHA-256); NULL writes the key in clear
 * @return 0, or -EIO when libcrypto fails
 */
int key_write(const struct key *key, const struct secret *passphrase,
	      struct secret *ret_pem);

#endif
