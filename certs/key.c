#include "key.h"

#include "openssl_glue.h"
#include "pkcs11.h"
#include "sbuf.h"

#include <errno.h>
#include <limits.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

/* What guessing a passphrase costs; about a quarter of a second for each. The
 * number is what OWASP recommends for PBKDF2-HMAC-SHA256 since 2023; the 2048
 * of OpenSSL's own writer are from another age. */
enum { KDF_ROUNDS = 600000 };

static EVP_PKEY *generate(enum key_type type)
{
	switch (type) {
	case KEY_RSA:
		return EVP_RSA_gen(3072);
	case KEY_RSA_2048:
		return EVP_RSA_gen(2048);
	case KEY_ECDSA:
		return EVP_EC_gen("P-256");
	}
	return NULL;
}

void key_release(struct key *key)
{
	EVP_PKEY_free(key->pkey);
	pkcs11_release(key->token);
	key->pkey = NULL;
	key->token = NULL;
}

int key_generate(enum key_type type, struct key *ret_key)
{
	EVP_PKEY *pkey = generate(type);

	if (!pkey)
		return -EIO;
	key_release(ret_key);
	ret_key->pkey = pkey;
	return 0;
}

/** What the reader of a key was asked for and what it was given. */
struct passphrase_use {
	const struct secret *passphrase;
	bool asked;
};

static int give_passphrase(char *into, int room, int writing, void *arg)
{
	struct passphrase_use *use = arg;
	const struct secret *passphrase = use->passphrase;

	(void)writing;
	use->asked = true;
	if (!passphrase || !passphrase->ptr || passphrase->len > (size_t)room)
		return -1;
	memcpy(into, passphrase->ptr, passphrase->len);
	return (int)passphrase->len;
}

static int refuse_key(const struct passphrase_use *use, struct sbuf *why)
{
	ERR_clear_error();
	if (use->asked && !use->passphrase) {
		sbuf_puts(why, "the key has a passphrase");
		return -ENOKEY;
	}
	if (use->asked) {
		sbuf_puts(why, "the passphrase is not the right one, or the "
			       "key is damaged");
		return -EKEYREJECTED;
	}
	sbuf_puts(why, "no private key in PEM form is in it");
	return -EBADMSG;
}

int key_parse(const void *pem, size_t len, const struct secret *passphrase,
	      struct key *ret_key, struct sbuf *why)
{
	struct passphrase_use use = { .passphrase = passphrase };
	BIO *bio = bio_over(pem, len);
	EVP_PKEY *pkey =
		PEM_read_bio_PrivateKey(bio, NULL, give_passphrase, &use);

	BIO_free(bio);
	if (!pkey)
		return refuse_key(&use, why);
	key_release(ret_key);
	ret_key->pkey = pkey;
	return 0;
}

static X509_SIG *encrypt(PKCS8_PRIV_KEY_INFO *info,
			 const struct secret *passphrase)
{
	X509_ALGOR *algorithm =
		PKCS5_pbe2_set_iv(EVP_aes_256_cbc(), KDF_ROUNDS, NULL, 0, NULL,
				  NID_hmacWithSHA256);
	X509_SIG *encrypted;

	if (!algorithm)
		return NULL;
	encrypted = PKCS8_set0_pbe(passphrase->ptr, (int)passphrase->len, info,
				   algorithm);
	if (!encrypted)
		X509_ALGOR_free(algorithm);
	return encrypted;
}

static int write_info(BIO *bio, PKCS8_PRIV_KEY_INFO *info,
		      const struct secret *passphrase)
{
	X509_SIG *encrypted;
	int ok;

	if (!passphrase || !passphrase->ptr)
		return PEM_write_bio_PKCS8_PRIV_KEY_INFO(bio, info);
	if (passphrase->len > INT_MAX)
		return 0;
	encrypted = encrypt(info, passphrase);
	if (!encrypted)
		return 0;
	ok = PEM_write_bio_PKCS8(bio, encrypted);
	X509_SIG_free(encrypted);
	return ok;
}

int key_write(const struct key *key, const struct secret *passphrase,
	      struct secret *ret_pem)
{
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key->pkey);
	/* Wiped when it is freed, and whenever it grows. */
	BIO *bio = BIO_new(BIO_s_secmem());
	char *bytes;
	int rc = -EIO;

	if (info && bio && write_info(bio, info, passphrase) == 1) {
		long len = BIO_get_mem_data(bio, &bytes);

		secret_make(ret_pem, (size_t)len);
		memcpy(ret_pem->ptr, bytes, (size_t)len);
		rc = 0;
	}
	BIO_free(bio);
	PKCS8_PRIV_KEY_INFO_free(info);
	ERR_clear_error();
	return rc;
}
