#include "certificate.h"

#include "arena.h"
#include "openssl_glue.h"
#include "sbuf.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void certificate_release(struct certificate *certificate)
{
	X509_free(certificate->x509);
	certificate->x509 = NULL;
}

void certificate_copy(struct certificate *into, const struct certificate *from)
{
	X509_up_ref(from->x509);
	certificate_release(into);
	into->x509 = from->x509;
}

static void take(struct certificates *certificates, X509 *x509)
{
	if (certificates->count == certificates->room) {
		certificates->room = certificates->room * 2 + 4;
		certificates->at =
			xrealloc(certificates->at,
				 size_product(certificates->room,
					      sizeof(*certificates->at)));
	}
	certificates->at[certificates->count++].x509 = x509;
}

void certificates_add(struct certificates *certificates,
		      const struct certificate *certificate)
{
	X509_up_ref(certificate->x509);
	take(certificates, certificate->x509);
}

static void cut(struct certificates *certificates, size_t count)
{
	while (certificates->count > count)
		certificate_release(&certificates->at[--certificates->count]);
}

void certificates_release(struct certificates *certificates)
{
	cut(certificates, 0);
	free(certificates->at);
	*certificates = (struct certificates){ 0 };
}

/* The fingerprint that iPXE pins is of the bytes in the file. What libcrypto
 * would encode in another way is not DER, and iPXE cannot read it either. */
static bool is_encoded_as(X509 *x509, const unsigned char *der, long len)
{
	unsigned char *again = NULL;
	int again_len = i2d_X509(x509, &again);
	bool same = again_len == len && memcmp(again, der, (size_t)len) == 0;

	OPENSSL_free(again);
	return same;
}

static X509 *decode(const unsigned char *der, long len)
{
	const unsigned char *end = der;
	X509 *x509 = d2i_X509(NULL, &end, len);

	if (x509 && end == der + len && is_encoded_as(x509, der, len))
		return x509;
	X509_free(x509);
	return NULL;
}

/**
 * Take one block of a PEM file.
 *
 * @return 0 also for blocks that are no certificates; -EBADMSG
 */
static int take_block(struct certificates *certificates, const char *label,
		      const unsigned char *der, long len, struct sbuf *why)
{
	X509 *x509;

	if (strcmp(label, PEM_STRING_X509_TRUSTED) == 0) {
		sbuf_puts(why, "a certificate in it has OpenSSL's own form, "
			       "TRUSTED CERTIFICATE");
		return -EBADMSG;
	}
	if (strcmp(label, PEM_STRING_X509) != 0 &&
	    strcmp(label, PEM_STRING_X509_OLD) != 0)
		return 0;
	x509 = decode(der, len);
	if (!x509) {
		sbuf_puts(why, "a certificate in it is damaged");
		return -EBADMSG;
	}
	take(certificates, x509);
	return 0;
}

static int take_blocks(struct certificates *certificates, BIO *bio,
		       struct sbuf *why)
{
	char *label, *header;
	unsigned char *der;
	long len;
	int rc = 0;

	ERR_clear_error();
	while (rc == 0 && PEM_read_bio(bio, &label, &header, &der, &len)) {
		rc = take_block(certificates, label, der, len, why);
		OPENSSL_free(label);
		OPENSSL_free(header);
		/* It may have been a private key. */
		OPENSSL_clear_free(der, (size_t)len);
	}
	if (rc == 0 &&
	    ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
		sbuf_puts(why, "it is damaged: a block that begins with "
			       "-----BEGIN has no whole content or no end");
		rc = -EBADMSG;
	}
	ERR_clear_error();
	return rc;
}

static int refuse_empty(const void *bytes, size_t len, struct sbuf *why)
{
	const unsigned char *der = bytes;
	X509 *x509 = len < 1 << 20 ? d2i_X509(NULL, &der, (long)len) : NULL;

	sbuf_puts(why, x509 ? "the certificate in it is in DER form; PEM is "
			      "wanted (openssl x509 -inform DER -in … -out …)"
			    : "no certificate in PEM form is in it");
	X509_free(x509);
	ERR_clear_error();
	return -ENOENT;
}

int certificates_parse(struct certificates *certificates, const void *pem,
		       size_t len, struct sbuf *why)
{
	size_t before = certificates->count;
	BIO *bio = bio_over(pem, len);
	int rc = take_blocks(certificates, bio, why);

	BIO_free(bio);
	if (rc != 0)
		cut(certificates, before);
	else if (certificates->count == before)
		rc = refuse_empty(pem, len, why);
	return rc;
}

bool certificate_equal(const struct certificate *a, const struct certificate *b)
{
	unsigned char hash_a[32], hash_b[32];

	certificate_fingerprint(a, hash_a);
	certificate_fingerprint(b, hash_b);
	return memcmp(hash_a, hash_b, sizeof(hash_a)) == 0;
}

bool certificates_have(const struct certificates *certificates,
		       const struct certificate *certificate)
{
	for (size_t i = 0; i < certificates->count; i++)
		if (certificate_equal(&certificates->at[i], certificate))
			return true;
	return false;
}

void certificate_fingerprint(const struct certificate *certificate,
			     unsigned char ret_sha256[static 32])
{
	if (X509_digest(certificate->x509, EVP_sha256(), ret_sha256, NULL) != 1)
		out_of_memory();
}

void certificate_subject_digest(const struct certificate *certificate,
				unsigned char ret_sha256[static 32])
{
	const X509_NAME *subject = X509_get_subject_name(certificate->x509);

	if (X509_NAME_digest(subject, EVP_sha256(), ret_sha256, NULL) != 1)
		out_of_memory();
}

void certificate_write(const struct certificate *certificate, struct sbuf *out)
{
	BIO *bio = bio_make();

	if (PEM_write_bio_X509(bio, certificate->x509) != 1)
		out_of_memory();
	bio_take(bio, out);
}

int certificate_write_der(const struct certificate *certificate,
			  struct sbuf *out)
{
	unsigned char *der = NULL;
	int len = i2d_X509(certificate->x509, &der);

	if (len <= 0)
		return -EIO;
	sbuf_add(out, der, (size_t)len);
	OPENSSL_free(der);
	return 0;
}

static time_t seconds_of(const ASN1_TIME *time, time_t otherwise)
{
	struct tm tm = { 0 };

	if (ASN1_TIME_to_tm(time, &tm) != 1) {
		ERR_clear_error();
		return otherwise;
	}
	return timegm(&tm);
}

time_t certificate_not_before(const struct certificate *certificate)
{
	return seconds_of(X509_get0_notBefore(certificate->x509), INT64_MAX);
}

time_t certificate_not_after(const struct certificate *certificate)
{
	return seconds_of(X509_get0_notAfter(certificate->x509), INT64_MIN);
}

static void print_name(const X509_NAME *name, struct sbuf *out)
{
	BIO *bio = bio_make();

	X509_NAME_print_ex(bio, name, 0,
			   XN_FLAG_SEP_CPLUS_SPC | XN_FLAG_FN_SN |
				   (ASN1_STRFLGS_RFC2253 &
				    ~(unsigned long)ASN1_STRFLGS_ESC_MSB));
	bio_take(bio, out);
}

void certificate_subject(const struct certificate *certificate,
			 struct sbuf *out)
{
	if (X509_NAME_entry_count(X509_get_subject_name(certificate->x509)) ==
	    0)
		sbuf_puts(out, "(no subject)");
	else
		print_name(X509_get_subject_name(certificate->x509), out);
}

void certificate_issuer(const struct certificate *certificate, struct sbuf *out)
{
	print_name(X509_get_issuer_name(certificate->x509), out);
}

static void print_text(const char *kind, const ASN1_IA5STRING *text,
		       struct sbuf *out)
{
	BIO *bio = bio_make();

	sbuf_printf(out, "%s%s ", out->len ? ", " : "", kind);
	ASN1_STRING_print_ex(bio, text, ASN1_STRFLGS_ESC_CTRL);
	bio_take(bio, out);
}

static void print_address(const ASN1_OCTET_STRING *address, struct sbuf *out)
{
	char text[INET6_ADDRSTRLEN] = "?";
	int len = ASN1_STRING_length(address);

	if (len == 4 || len == 16)
		inet_ntop(len == 4 ? AF_INET : AF_INET6,
			  ASN1_STRING_get0_data(address), text, sizeof(text));
	sbuf_printf(out, "%sIP %s", out->len ? ", " : "", text);
}

static GENERAL_NAMES *names_of(const struct certificate *certificate)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(
		certificate->x509, NID_subject_alt_name, NULL, NULL);

	ERR_clear_error();
	return names;
}

void certificate_names(const struct certificate *certificate, struct sbuf *out)
{
	GENERAL_NAMES *names = names_of(certificate);
	struct sbuf list = { 0 };

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type == GEN_DNS)
			print_text("DNS", name->d.dNSName, &list);
		else if (name->type == GEN_IPADD)
			print_address(name->d.iPAddress, &list);
	}
	sbuf_puts(out, sbuf_text(&list));
	sbuf_release(&list);
	GENERAL_NAMES_free(names);
}

struct usage {
	uint32_t bit;
	const char *name;
};

static void print_usages(uint32_t bits, const struct usage *usages,
			 struct sbuf *out)
{
	for (; usages->name; usages++)
		if (bits & usages->bit)
			sbuf_printf(out, "%s%s", out->len ? ", " : "",
				    usages->name);
}

void certificate_usages(const struct certificate *certificate, struct sbuf *out)
{
	static const struct usage flags[] = { { EXFLAG_CA, "CA" }, { 0 } };
	static const struct usage key[] = {
		{ KU_DIGITAL_SIGNATURE, "digitalSignature" },
		{ KU_NON_REPUDIATION, "nonRepudiation" },
		{ KU_KEY_ENCIPHERMENT, "keyEncipherment" },
		{ KU_DATA_ENCIPHERMENT, "dataEncipherment" },
		{ KU_KEY_AGREEMENT, "keyAgreement" },
		{ KU_KEY_CERT_SIGN, "keyCertSign" },
		{ KU_CRL_SIGN, "cRLSign" },
		{ 0 },
	};
	static const struct usage extended[] = {
		{ XKU_SSL_SERVER, "serverAuth" },
		{ XKU_SSL_CLIENT, "clientAuth" },
		{ XKU_CODE_SIGN, "codeSigning" },
		{ XKU_SMIME, "emailProtection" },
		{ XKU_OCSP_SIGN, "OCSPSigning" },
		{ XKU_TIMESTAMP, "timeStamping" },
		{ XKU_ANYEKU, "any purpose" },
		{ 0 },
	};
	X509 *x509 = certificate->x509;
	uint32_t present = X509_get_extension_flags(x509);
	struct sbuf list = { 0 };

	print_usages(present, flags, &list);
	if (present & EXFLAG_KUSAGE)
		print_usages(X509_get_key_usage(x509), key, &list);
	if (present & EXFLAG_XKUSAGE)
		print_usages(X509_get_extended_key_usage(x509), extended,
			     &list);
	sbuf_puts(out, sbuf_text(&list));
	sbuf_release(&list);
	ERR_clear_error();
}

void certificate_key(const struct certificate *certificate, struct sbuf *out)
{
	const EVP_PKEY *pkey = X509_get0_pubkey(certificate->x509);
	char curve[64];
	size_t len;

	ERR_clear_error();
	if (!pkey)
		sbuf_puts(out, "of a kind that OpenSSL does not know");
	else if (EVP_PKEY_get_group_name(pkey, curve, sizeof(curve), &len) == 1)
		sbuf_printf(out, "%s, %s",
			    EVP_PKEY_is_a(pkey, "EC") ? "ECDSA" : "DH", curve);
	else
		sbuf_printf(out, "%s, %d bits", EVP_PKEY_get0_type_name(pkey),
			    EVP_PKEY_get_bits(pkey));
	ERR_clear_error();
}

/* strncasecmp() of iPXE knows ASCII only, and so does that of glibc for what
 * can be in a name here. */
static bool name_matches(const ASN1_STRING *pattern, const char *name)
{
	const char *text = (const char *)ASN1_STRING_get0_data(pattern);
	size_t len = (size_t)ASN1_STRING_length(pattern);

	if (len >= 2 && memcmp(text, "*.", 2) == 0) {
		name = strchr(name, '.');
		if (!name)
			return false;
		name++;
		text += 2;
		len -= 2;
	}
	return strlen(name) == len && strncasecmp(name, text, len) == 0;
}

bool certificate_is_named(const struct certificate *certificate,
			  const char *name)
{
	X509_NAME *subject = X509_get_subject_name(certificate->x509);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	GENERAL_NAMES *names;
	bool found;

	/* Only the first common name counts. */
	if (at >= 0 && name_matches(X509_NAME_ENTRY_get_data(
					    X509_NAME_get_entry(subject, at)),
				    name))
		return true;
	names = names_of(certificate);
	found = false;
	for (int i = 0; !found && i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *other = sk_GENERAL_NAME_value(names, i);

		found = other->type == GEN_DNS &&
			name_matches(other->d.dNSName, name);
	}
	GENERAL_NAMES_free(names);
	return found;
}

bool certificate_has_key(const struct certificate *certificate,
			 const struct key *key)
{
	const EVP_PKEY *pkey = X509_get0_pubkey(certificate->x509);
	bool same = pkey && EVP_PKEY_eq(pkey, key->pkey) == 1;

	ERR_clear_error();
	return same;
}
