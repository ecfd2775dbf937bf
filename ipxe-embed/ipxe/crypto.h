/*
 * TLS 1.2 with forward secrecy and authenticated encryption, and no way round
 * the roots of the site. At config/local/crypto.h of a private copy.
 */
#undef TLS_VERSION_MIN
#define TLS_VERSION_MIN TLS_VERSION_TLS_1_2

#undef CRYPTO_EXCHANGE_PUBKEY
#undef CRYPTO_EXCHANGE_DHE
#undef CRYPTO_CIPHER_AES_CBC
#undef CRYPTO_DIGEST_SHA1
#undef CRYPTO_DIGEST_SHA224

/* A private root has no OCSP responder, and an iPXE that finds an OCSP URI
 * refuses to go on without its answer. */
#undef OCSP_CHECK

/* Do not ask ca.ipxe.org for what the image does not hold. */
#undef CROSSCERT
#define CROSSCERT ""
