#include "efi_variable.h"

#include "certificate.h"
#include "cms.h"
#include "openssl_glue.h"
#include "sbuf.h"
#include "sha256.h"

#include <errno.h>
#include <openssl/asn1.h>
#include <string.h>

/* EFI_CERT_X509_GUID, EFI_CERT_TYPE_PKCS7_GUID, EFI_GLOBAL_VARIABLE and
 * EFI_IMAGE_SECURITY_DATABASE_GUID. */
static const struct efi_guid guid_x509 = { { 0xa1, 0x59, 0xc0, 0xa5, 0xe4, 0x94,
					     0xa7, 0x4a, 0x87, 0xb5, 0xab, 0x15,
					     0x5c, 0x2b, 0xf0, 0x72 } };
static const struct efi_guid guid_pkcs7 = {
	{ 0x9d, 0xd2, 0xaf, 0x4a, 0xdf, 0x68, 0xee, 0x49, 0x8a, 0xa9, 0x34,
	  0x7d, 0x37, 0x56, 0x65, 0xa7 }
};
static const struct efi_guid guid_global = {
	{ 0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11, 0xaa, 0x0d, 0x00,
	  0xe0, 0x98, 0x03, 0x2b, 0x8c }
};
static const struct efi_guid guid_security = {
	{ 0xcb, 0xb2, 0x19, 0xd7, 0x3a, 0x3d, 0x96, 0x45, 0xa3, 0xbc, 0xda,
	  0xd0, 0x0e, 0x67, 0x65, 0x6f }
};

enum {
	LIST_HEADER_BYTES = 28,
	WIN_CERTIFICATE_BYTES = 8,
	WIN_CERTIFICATE_REVISION = 0x0200,
	WIN_CERT_TYPE_EFI_GUID = 0x0ef1,
};

static const struct {
	const char *name;
	const struct efi_guid *vendor;
} variables[] = {
	[EFI_PK] = { "PK", &guid_global },
	[EFI_KEK] = { "KEK", &guid_global },
	[EFI_DB] = { "db", &guid_security },
};

const char *efi_variable_name(enum efi_variable variable)
{
	return variables[variable].name;
}

const struct efi_guid *efi_variable_vendor(enum efi_variable variable)
{
	return variables[variable].vendor;
}

static void put_number(struct sbuf *out, uint32_t number, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		sbuf_putc(out, (char)(number >> 8 * i & 0xff));
}

static void put_guid(struct sbuf *out, const struct efi_guid *guid)
{
	sbuf_add(out, guid->bytes, sizeof(guid->bytes));
}

void efi_owner_of(const struct certificate *platform,
		  struct efi_guid *ret_owner)
{
	unsigned char sha256[32];

	certificate_fingerprint(platform, sha256);
	memcpy(ret_owner->bytes, sha256, sizeof(ret_owner->bytes));
	/* RFC 9562: version 8 (of our own making) and the usual variant. */
	ret_owner->bytes[7] = 0x80 | (ret_owner->bytes[7] & 0x0f);
	ret_owner->bytes[8] = 0x80 | (ret_owner->bytes[8] & 0x3f);
}

void efi_guid_write(const struct efi_guid *guid, struct sbuf *out)
{
	static const unsigned char order[] = { 3, 2, 1,  0,  5,  4,  7,  6,
					       8, 9, 10, 11, 12, 13, 14, 15 };

	for (size_t i = 0; i < sizeof(order); i++)
		sbuf_printf(out, "%s%02x",
			    i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
			    guid->bytes[order[i]]);
}

int efi_signature_list(const struct certificate *certificate,
		       const struct efi_guid *owner, struct sbuf *out)
{
	CLEANUP(sbuf) der = { 0 };
	uint32_t entry_bytes;

	if (certificate_write_der(certificate, &der) != 0)
		return -EIO;
	entry_bytes = (uint32_t)(sizeof(owner->bytes) + der.len);
	put_guid(out, &guid_x509);
	put_number(out, LIST_HEADER_BYTES + entry_bytes, 4);
	put_number(out, 0, 4);
	put_number(out, entry_bytes, 4);
	put_guid(out, owner);
	sbuf_add(out, der.ptr, der.len);
	return 0;
}

/** EFI_TIME, of which authentication wants all zero but date and time. */
static int put_time(struct sbuf *out, time_t when)
{
	struct tm tm;

	if (!gmtime_r(&when, &tm) || tm.tm_year < 0 || tm.tm_year > 8099)
		return -EIO;
	put_number(out, (uint32_t)(tm.tm_year + 1900), 2);
	put_number(out, (uint32_t)(tm.tm_mon + 1), 1);
	put_number(out, (uint32_t)tm.tm_mday, 1);
	put_number(out, (uint32_t)tm.tm_hour, 1);
	put_number(out, (uint32_t)tm.tm_min, 1);
	put_number(out, (uint32_t)tm.tm_sec, 1);
	/* Padding, nanoseconds, time zone, daylight, padding. */
	sbuf_add(out, (const char[9]){ 0 }, 9);
	return 0;
}

/** What the signature is over: UEFI 2.10, 8.2.2. */
static void digest_update(enum efi_variable variable, const struct sbuf *when,
			  const void *content, size_t len,
			  struct digest *ret_digest)
{
	CLEANUP(sbuf) head = { 0 };
	struct sha256 hash = { 0 };

	for (const char *c = variables[variable].name; *c; c++)
		put_number(&head, (uint32_t)(unsigned char)*c, 2);
	put_guid(&head, variables[variable].vendor);
	put_number(&head, EFI_VARIABLE_ATTRIBUTES, 4);
	sbuf_add(&head, when->ptr, when->len);
	sha256_begin(&hash);
	sha256_add(&hash, head.ptr, head.len);
	sha256_add(&hash, content, len);
	sha256_end(&hash, ret_digest);
	sha256_release(&hash);
}

/** ContentInfo ::= SEQUENCE { contentType, [0] EXPLICIT SignedData }: firmware
 * wants the SignedData alone.
 *
 * @return where it begins, NULL if it is no such thing */
static const unsigned char *signed_data(const struct sbuf *cms)
{
	const unsigned char *at = (const unsigned char *)sbuf_text(cms);
	const unsigned char *end = at + cms->len;
	static const int tags[] = { V_ASN1_SEQUENCE, V_ASN1_OBJECT, 0 };

	for (size_t i = 0; i < sizeof(tags) / sizeof(*tags); i++) {
		int tag, class;
		long len;
		int flags = ASN1_get_object(&at, &len, &tag, &class, end - at);

		if (flags & 0x80 || tag != tags[i])
			return NULL;
		if (tag == V_ASN1_OBJECT)
			at += len;
	}
	return at;
}

static int sign_update(const struct digest *digest, time_t when,
		       const struct issuer *by, struct sbuf *ret_cms)
{
	const struct certificates none = { 0 };
	const struct cms_signer signer = { by->certificate, by->key, &none };
	CLEANUP(certificates) roots = { 0 };
	CLEANUP(sbuf) why = { 0 };
	const struct cms_policy policy = { .roots = &roots, .now = when };

	certificates_add(&roots, by->certificate);
	if (cms_sign(&signer, digest, ret_cms) != 0 ||
	    cms_verify(ret_cms->ptr, ret_cms->len, digest, &policy, NULL,
		       &why) != 0)
		return -EIO;
	return 0;
}

int efi_variable_update(enum efi_variable variable, const void *content,
			size_t len, time_t when, const struct issuer *by,
			struct sbuf *out)
{
	CLEANUP(sbuf) time = { 0 };
	CLEANUP(sbuf) cms = { 0 };
	const unsigned char *bare;
	struct digest digest;
	size_t bare_len;

	if (put_time(&time, when) != 0)
		return -EIO;
	digest_update(variable, &time, content, len, &digest);
	if (sign_update(&digest, when, by, &cms) != 0)
		return -EIO;
	bare = signed_data(&cms);
	if (!bare)
		return -EIO;
	bare_len = (size_t)((const unsigned char *)cms.ptr + cms.len - bare);
	sbuf_add(out, time.ptr, time.len);
	put_number(out,
		   (uint32_t)(WIN_CERTIFICATE_BYTES + sizeof(guid_pkcs7.bytes) +
			      bare_len),
		   4);
	put_number(out, WIN_CERTIFICATE_REVISION, 2);
	put_number(out, WIN_CERT_TYPE_EFI_GUID, 2);
	put_guid(out, &guid_pkcs7);
	sbuf_add(out, bare, bare_len);
	sbuf_add(out, content, len);
	return 0;
}
