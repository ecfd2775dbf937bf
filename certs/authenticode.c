#include "authenticode.h"

#include "arena.h"
#include "compile.h"
#include "openssl_glue.h"
#include "pe.h"
#include "sbuf.h"
#include "sha256.h"

#include <errno.h>
#include <openssl/objects.h>
#include <openssl/pkcs7.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SPC_INDIRECT_DATA "1.3.6.1.4.1.311.2.1.4"

enum {
	WIN_CERTIFICATE_BYTES = 8,
	WIN_CERTIFICATE_REVISION = 0x0200,
	WIN_CERT_TYPE_PKCS_SIGNED_DATA = 0x0002,
	ALIGNMENT = 8,
	CHUNK_BYTES = 256 * 1024,
	/* Signatures are a few KiB; several of them still are. */
	SIGNATURES_MOST = 1 << 20,
};

/*
 * SpcIndirectDataContent: SpcPeImageData without flags and with an empty file
 * name, as all signers write it, then the algorithm and the digest.
 */
static const unsigned char indirect_head[] = {
	0x30, 0x4c, 0x30, 0x17, 0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82,
	0x37, 0x02, 0x01, 0x0f, 0x30, 0x09, 0x03, 0x01, 0x00, 0xa0, 0x04, 0xa2,
	0x02, 0x80, 0x00, 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48,
	0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20,
};

enum {
	INDIRECT_BYTES = sizeof(indirect_head) + 32,
	INDIRECT_TAG_BYTES = 2, /* not part of what is signed */
};

/** An EFI program on disk. */
struct program {
	int fd;
	struct pe pe;
	uint64_t bytes; /**< of the file */
	struct sbuf *why;
};

static int refuse(const struct program *program, const char *reason)
{
	sbuf_puts(program->why, reason);
	return -EBADMSG;
}

static int fail(const struct program *program, int error)
{
	sbuf_printf(program->why, "cannot be read or written: %s",
		    strerror(error));
	return -error;
}

static int read_at(const struct program *program, void *into, size_t len,
		   uint64_t offset)
{
	for (char *to = into; len;) {
		ssize_t got = pread(program->fd, to, len, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return fail(program, errno);
		if (got == 0)
			return refuse(program, "became shorter meanwhile");
		to += got;
		offset += (uint64_t)got;
		len -= (size_t)got;
	}
	return 0;
}

static int write_at(const struct program *program, const void *bytes,
		    size_t len, uint64_t offset)
{
	for (const char *from = bytes; len;) {
		ssize_t put = pwrite(program->fd, from, len, (off_t)offset);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return fail(program, errno);
		from += put;
		offset += (uint64_t)put;
		len -= (size_t)put;
	}
	return 0;
}

static int program_open(int fd, struct program *program, struct sbuf *why)
{
	unsigned char *head;
	struct stat st;
	size_t len;
	int rc;

	*program = (struct program){ .fd = fd, .why = why };
	if (fstat(fd, &st) != 0)
		return fail(program, errno);
	program->bytes = (uint64_t)st.st_size;
	len = program->bytes < PE_HEAD_BYTES ? (size_t)program->bytes
					     : PE_HEAD_BYTES;
	head = made(calloc(1, PE_HEAD_BYTES));
	rc = read_at(program, head, len, 0);
	if (rc == 0)
		rc = pe_parse(head, len, program->bytes, &program->pe, why);
	free(head);
	return rc;
}

static int hash_range(const struct program *program, struct sha256 *hash,
		      uint64_t begin, uint64_t end)
{
	unsigned char *chunk = made(malloc(CHUNK_BYTES));
	int rc = 0;

	while (rc == 0 && begin < end) {
		size_t len = end - begin < CHUNK_BYTES ? (size_t)(end - begin)
						       : CHUNK_BYTES;

		rc = read_at(program, chunk, len, begin);
		if (rc == 0)
			sha256_add(hash, chunk, len);
		begin += len;
	}
	free(chunk);
	return rc;
}

/** Everything but the checksum, the place of the signatures, and these. */
static int hash_program(const struct program *program, uint64_t end,
			struct digest *ret_digest)
{
	static const unsigned char zeros[ALIGNMENT];
	const struct pe *pe = &program->pe;
	struct sha256 hash = { 0 };
	int rc;

	sha256_begin(&hash);
	rc = hash_range(program, &hash, 0, pe->checksum_at);
	if (rc == 0)
		rc = hash_range(program, &hash, pe->checksum_at + 4,
				pe->security_at);
	if (rc == 0)
		rc = hash_range(program, &hash, pe->security_at + 8, end);
	sha256_add(&hash, zeros, (ALIGNMENT - end % ALIGNMENT) % ALIGNMENT);
	sha256_end(&hash, ret_digest);
	sha256_release(&hash);
	return rc;
}

static void indirect_data(const struct digest *digest,
			  unsigned char ret_data[INDIRECT_BYTES])
{
	memcpy(ret_data, indirect_head, sizeof(indirect_head));
	memcpy(ret_data + sizeof(indirect_head), digest->sha256, 32);
}

/* -------------------------------------------------------------- signing -- */

/** The content type and the digest; no time of signing. */
static bool add_attributes(PKCS7_SIGNER_INFO *info, const unsigned char *data)
{
	ASN1_OBJECT *type = OBJ_txt2obj(SPC_INDIRECT_DATA, 1);
	struct digest digest;

	if (!type)
		return false;
	if (PKCS7_add_signed_attribute(info, NID_pkcs9_contentType,
				       V_ASN1_OBJECT, type) != 1) {
		ASN1_OBJECT_free(type);
		return false;
	}
	sha256_of(data + INDIRECT_TAG_BYTES,
		  INDIRECT_BYTES - INDIRECT_TAG_BYTES, &digest);
	return PKCS7_add1_attrib_digest(info, digest.sha256,
					sizeof(digest.sha256)) == 1;
}

static bool set_content(PKCS7 *p7, const unsigned char *data)
{
	PKCS7 *content = PKCS7_new();
	ASN1_STRING *string = ASN1_STRING_new();
	ASN1_TYPE *any = ASN1_TYPE_new();
	bool ok = content && string && any &&
		  ASN1_STRING_set(string, data, INDIRECT_BYTES) == 1;

	if (!ok) {
		PKCS7_free(content);
		ASN1_STRING_free(string);
		ASN1_TYPE_free(any);
		return false;
	}
	ASN1_TYPE_set(any, V_ASN1_SEQUENCE, string);
	content->type = made(OBJ_txt2obj(SPC_INDIRECT_DATA, 1));
	content->d.other = any;
	if (PKCS7_set_content(p7, content) == 1)
		return true;
	PKCS7_free(content);
	return false;
}

/** @return NULL when libcrypto fails */
static PKCS7 *make_signed(const struct issuer *by, const unsigned char *data)
{
	PKCS7 *p7 = PKCS7_new();
	PKCS7_SIGNER_INFO *info = NULL;

	if (p7 && PKCS7_set_type(p7, NID_pkcs7_signed) == 1 &&
	    set_content(p7, data))
		info = PKCS7_sign_add_signer(p7, by->certificate->x509,
					     by->key->pkey, EVP_sha256(),
					     PKCS7_BINARY | PKCS7_NOATTR);
	if (info && add_attributes(info, data) &&
	    PKCS7_SIGNER_INFO_sign(info) == 1)
		return p7;
	PKCS7_free(p7);
	return NULL;
}

/** The WIN_CERTIFICATE with the signature, padded. */
static int make_table(const struct issuer *by, const struct digest *digest,
		      struct sbuf *ret_table)
{
	unsigned char head[WIN_CERTIFICATE_BYTES] = { 0 };
	unsigned char data[INDIRECT_BYTES];
	unsigned char *der = NULL;
	PKCS7 *p7;
	int len;

	indirect_data(digest, data);
	p7 = make_signed(by, data);
	len = p7 ? i2d_PKCS7(p7, &der) : -1;
	PKCS7_free(p7);
	ERR_clear_error();
	if (len <= 0)
		return -EIO;
	sbuf_add(ret_table, head, sizeof(head));
	sbuf_add(ret_table, der, (size_t)len);
	OPENSSL_free(der);
	while (ret_table->len % ALIGNMENT)
		sbuf_putc(ret_table, '\0');
	pe_put32((unsigned char *)ret_table->ptr, (uint32_t)ret_table->len);
	pe_put16((unsigned char *)ret_table->ptr + 4, WIN_CERTIFICATE_REVISION);
	pe_put16((unsigned char *)ret_table->ptr + 6,
		 WIN_CERT_TYPE_PKCS_SIGNED_DATA);
	return 0;
}

/* The checksum is zero, "none": firmware does not look at it, and it would mean
 * reading everything once more. */
static int put_table(const struct program *program, const struct sbuf *table,
		     uint64_t end)
{
	static const unsigned char no_checksum[4];
	unsigned char entry[8];
	int rc;

	pe_put32(entry, (uint32_t)end);
	pe_put32(entry + 4, (uint32_t)table->len);
	rc = write_at(program, no_checksum, sizeof(no_checksum),
		      program->pe.checksum_at);
	if (rc == 0)
		rc = write_at(program, entry, sizeof(entry),
			      program->pe.security_at);
	if (rc == 0)
		rc = write_at(program, table->ptr, table->len, end);
	return rc;
}

int authenticode_sign(int fd, const struct issuer *by, struct sbuf *why)
{
	CLEANUP(sbuf) table = { 0 };
	struct program program;
	struct digest digest;
	uint64_t end;
	int rc = program_open(fd, &program, why);

	if (rc != 0)
		return rc;
	if (!EVP_PKEY_is_a(by->key->pkey, "RSA")) {
		sbuf_puts(why, "cannot be signed: firmware takes RSA keys "
			       "only, and this is another");
		return -EKEYREJECTED;
	}
	end = program.pe.security_bytes ? program.pe.security_offset
					: program.bytes;
	end = (end + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	if (end + SIGNATURES_MOST > UINT32_MAX)
		return refuse(&program, "is too large for a signature");
	if (ftruncate(fd, (off_t)end) != 0)
		return fail(&program, errno);
	rc = hash_program(&program, end, &digest);
	if (rc == 0 && make_table(by, &digest, &table) != 0) {
		sbuf_puts(why, "cannot be signed: libcrypto fails");
		rc = -EIO;
	}
	if (rc == 0)
		rc = put_table(&program, &table, end);
	return rc == 0 ? authenticode_verify(fd, by->certificate, why) : rc;
}

/* ------------------------------------------------------------ verifying -- */

/** Whether a signature speaks of these very bytes. */
static bool has_content(PKCS7 *p7, const unsigned char *data)
{
	const PKCS7 *content;
	char type[64];

	if (!PKCS7_type_is_signed(p7) || !p7->d.sign->contents)
		return false;
	content = p7->d.sign->contents;
	if (OBJ_obj2txt(type, sizeof(type), content->type, 1) <= 0 ||
	    strcmp(type, SPC_INDIRECT_DATA) != 0)
		return false;
	return content->d.other && content->d.other->type == V_ASN1_SEQUENCE &&
	       content->d.other->value.sequence->length == INDIRECT_BYTES &&
	       memcmp(content->d.other->value.sequence->data, data,
		      INDIRECT_BYTES) == 0;
}

static bool is_signed_by(PKCS7 *p7, const struct certificate *certificate,
			 const unsigned char *data)
{
	/* Not a memory BIO itself: of these, OpenSSL 3.0 makes a copy that it
	 * forgets when the signature is damaged. */
	BIO *content = BIO_push(made(BIO_new(BIO_f_null())),
				bio_over(data + INDIRECT_TAG_BYTES,
					 INDIRECT_BYTES - INDIRECT_TAG_BYTES));
	STACK_OF(X509) *trusted = made(sk_X509_new_null());
	bool ok = sk_X509_push(trusted, certificate->x509) > 0 &&
		  PKCS7_verify(p7, trusted, NULL, content, NULL,
			       PKCS7_NOVERIFY | PKCS7_NOINTERN |
				       PKCS7_BINARY) == 1;

	sk_X509_free(trusted);
	BIO_free_all(content);
	ERR_clear_error();
	return ok;
}

static int verify_table(const struct program *program,
			const unsigned char *table, size_t len,
			const unsigned char *data,
			const struct certificate *certificate)
{
	const unsigned char *der = table + WIN_CERTIFICATE_BYTES;
	uint32_t entry_bytes = pe_get32(table);
	PKCS7 *p7 = NULL;
	int rc = 0;

	if (entry_bytes <= len && entry_bytes > WIN_CERTIFICATE_BYTES &&
	    pe_get16(table + 6) == WIN_CERT_TYPE_PKCS_SIGNED_DATA)
		p7 = d2i_PKCS7(NULL, &der,
			       (long)(entry_bytes - WIN_CERTIFICATE_BYTES));
	if (!p7)
		rc = refuse(program, "has a damaged signature");
	else if (!has_content(p7, data))
		rc = refuse(program, "is not what was signed");
	else if (!is_signed_by(p7, certificate, data))
		rc = refuse(program, "is signed by somebody else");
	PKCS7_free(p7);
	ERR_clear_error();
	return rc;
}

int authenticode_verify(int fd, const struct certificate *certificate,
			struct sbuf *why)
{
	unsigned char data[INDIRECT_BYTES];
	unsigned char *table;
	struct program program;
	struct digest digest;
	size_t len;
	int rc = program_open(fd, &program, why);

	if (rc != 0)
		return rc;
	len = program.pe.security_bytes;
	if (!len)
		return refuse(&program, "is not signed");
	if (len <= WIN_CERTIFICATE_BYTES || len > SIGNATURES_MOST)
		return refuse(&program, "has a damaged signature");
	rc = hash_program(&program, program.pe.security_offset, &digest);
	if (rc != 0)
		return rc;
	indirect_data(&digest, data);
	table = made(malloc(len));
	rc = read_at(&program, table, len, program.pe.security_offset);
	if (rc == 0)
		rc = verify_table(&program, table, len, data, certificate);
	free(table);
	return rc;
}
