#include "private_key.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

/* Nobody writes more text than this around a key. */
static const size_t text_limit_bytes = (size_t)4 << 20;
/* DER is known by its first fields; the largest stands before them: p of DSA
 * or n of RSA, with 16384 bits. */
enum { HEAD_BYTES = 4096 };

/** A piece of DER not yet read. */
struct der {
	const unsigned char *at;
	size_t len;
};

enum {
	DER_INTEGER = 0x02,
	DER_OCTETS = 0x04,
	DER_OID = 0x06,
	DER_SEQUENCE = 0x30,
};

/* The content may go on beyond the end of what was read of the file, so the
 * caller of this gets its full length, and what there is of it. */
static bool der_header(struct der *der, unsigned tag, uint64_t *ret_len)
{
	uint64_t len;
	size_t more, i;

	if (der->len < 2 || der->at[0] != tag)
		return false;
	len = der->at[1];
	more = len & 0x80 ? len & 0x7f : 0;
	if (more > 4 || (len & 0x80 && more == 0) || der->len < 2 + more)
		return false;
	if (more)
		for (len = 0, i = 0; i < more; i++)
			len = len << 8 | der->at[2 + i];
	der->at += 2 + more;
	der->len -= 2 + more;
	*ret_len = len;
	return true;
}

/** Take a whole element; @p ret_content may be NULL. */
static bool der_take(struct der *der, unsigned tag, struct der *ret_content)
{
	struct der rest = *der;
	uint64_t len;

	if (!der_header(&rest, tag, &len) || len > rest.len)
		return false;
	if (ret_content)
		*ret_content = (struct der){ rest.at, (size_t)len };
	der->at = rest.at + len;
	der->len = rest.len - (size_t)len;
	return true;
}

static bool der_begins(struct der der, unsigned tag)
{
	return der.len && der.at[0] == tag;
}

/** Take the version that most key formats begin with. */
static bool der_take_version(struct der *der, unsigned char *ret_version)
{
	struct der number;

	if (!der_take(der, DER_INTEGER, &number) || number.len != 1)
		return false;
	*ret_version = number.at[0];
	return true;
}

/* version, n or p, e or q, then only numbers that are secret. */
static bool is_rsa_or_dsa(struct der body)
{
	struct der large;
	unsigned char version;

	return der_take_version(&body, &version) && version <= 1 &&
	       der_take(&body, DER_INTEGER, &large) && large.len >= 32 &&
	       der_take(&body, DER_INTEGER, NULL) &&
	       der_begins(body, DER_INTEGER);
}

/* version, algorithm, key */
static bool is_pkcs8(struct der body)
{
	struct der algorithm;
	unsigned char version;

	return der_take_version(&body, &version) && version <= 1 &&
	       der_take(&body, DER_SEQUENCE, &algorithm) &&
	       der_begins(algorithm, DER_OID) && der_begins(body, DER_OCTETS);
}

/* version, key, then its curve and public part in [0] and [1] */
static bool is_sec1(struct der body)
{
	struct der key;
	unsigned char version;

	return der_take_version(&body, &version) && version == 1 &&
	       der_take(&body, DER_OCTETS, &key) && key.len >= 16 &&
	       key.len <= 66 &&
	       (!body.len || body.at[0] == 0xa0 || body.at[0] == 0xa1);
}

static bool oid_begins(struct der oid, const char *with, size_t len)
{
	return oid.len >= len && memcmp(oid.at, with, len) == 0;
}

/* algorithm, encrypted key; what else looks like that has another algorithm. */
static bool is_encrypted_pkcs8(struct der body)
{
	static const char pkcs5[] = "\x2a\x86\x48\x86\xf7\x0d\x01\x05";
	static const char pkcs12[] = "\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01";
	struct der algorithm, oid;

	return der_take(&body, DER_SEQUENCE, &algorithm) &&
	       der_take(&algorithm, DER_OID, &oid) &&
	       (oid_begins(oid, pkcs5, sizeof(pkcs5) - 1) ||
		oid_begins(oid, pkcs12, sizeof(pkcs12) - 1)) &&
	       der_begins(body, DER_OCTETS);
}

static bool is_pkcs7(struct der oid)
{
	static const char pkcs7[] = "\x2a\x86\x48\x86\xf7\x0d\x01\x07";

	return oid_begins(oid, pkcs7, sizeof(pkcs7) - 1);
}

/* version 3, then PKCS #7 data or signed data, cut off as it may be */
static bool is_pkcs12(struct der body)
{
	struct der oid;
	unsigned char version;
	uint64_t len;

	return der_take_version(&body, &version) && version == 3 &&
	       der_header(&body, DER_SEQUENCE, &len) &&
	       der_take(&body, DER_OID, &oid) && is_pkcs7(oid);
}

/* Browsers write PKCS #12 with lengths left open (BER), which has no end that
 * could be compared with that of the file. */
static bool is_open_pkcs12(struct der head)
{
	static const unsigned char begin[] = { 0x30, 0x80, 0x02, 0x01,
					       0x03, 0x30, 0x80 };
	struct der oid;

	if (head.len < sizeof(begin) ||
	    memcmp(head.at, begin, sizeof(begin)) != 0)
		return false;
	head.at += sizeof(begin);
	head.len -= sizeof(begin);
	return der_take(&head, DER_OID, &oid) && is_pkcs7(oid);
}

/** @param size	of the file, of which @p head is the begin */
static bool is_der_key(struct der head, uint64_t size)
{
	static bool (*const kinds[])(struct der) = {
		is_rsa_or_dsa, is_pkcs8, is_sec1, is_encrypted_pkcs8, is_pkcs12,
	};
	size_t had = head.len;
	uint64_t len;

	if (is_open_pkcs12(head))
		return true;
	if (!der_header(&head, DER_SEQUENCE, &len) ||
	    len != size - (had - head.len))
		return false;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i](head))
			return true;
	return false;
}

/* No program, archive or compressed file of any size is without NULs. */
static bool is_text(const unsigned char *bytes, size_t len)
{
	return memchr(bytes, 0, len) == NULL;
}

static bool is_base64(unsigned char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c >= '0' && c <= '9') || c == '+' || c == '/' || c == '=';
}

/** What separates the lines of a key: white space, \n in JSON, quotes. */
static size_t skip_line_end(const char *at, size_t len)
{
	size_t i = 0;

	while (i < len) {
		if (strchr(" \t\r\n", at[i]) && at[i])
			i++;
		else if (at[i] == '\\' && i + 1 < len &&
			 strchr("nrt\\", at[i + 1]))
			i += at[i + 1] == '\\' ? 1 : 2;
		else
			break;
	}
	return i;
}

/* Documentation and programs name the line that a key begins with; only a key
 * goes on with base64, or with the fields of old encrypted ones. */
static bool is_key_body(const char *at, size_t len)
{
	static const char *const fields[] = { "Proc-Type:", "Comment:",
					      "Subject:", "Version:" };
	size_t skip = skip_line_end(at, len), run = 0;

	if (skip == 0)
		return false;
	at += skip;
	len -= skip;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (len > strlen(fields[i]) &&
		    memcmp(at, fields[i], strlen(fields[i])) == 0)
			return true;
	while (run < len && is_base64((unsigned char)at[run]))
		run++;
	return run >= 16;
}

/* @p at stands behind "BEGIN ", before the kind, those words, dashes, base64 */
static bool is_armour(const char *at, size_t len)
{
	static const char word[] = "PRIVATE KEY";
	const char *end = memchr(at, '-', len < 64 ? len : 64);
	const char *key;

	if (!end)
		return false;
	key = memmem(at, (size_t)(end - at), word, sizeof(word) - 1);
	if (!key)
		return false;
	while (end < at + len && *end == '-')
		end++;
	return is_key_body(end, len - (size_t)(end - at));
}

/* @p at stands behind "PuTTY-User-Key-File-": "3: ssh-ed25519" */
static bool is_putty(const char *at, size_t len)
{
	return len >= 3 && at[0] >= '1' && at[0] <= '9' && at[1] == ':' &&
	       at[2] == ' ';
}

/* Behind "AGE-SECRET-KEY-1" come 58 characters of Bech32; half will do. */
static bool is_age(const char *at, size_t len)
{
	static const char digits[] = "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L";
	size_t i = 0;

	while (i < len && i < 29 && at[i] && strchr(digits, at[i]))
		i++;
	return i == 29;
}

/** Texts that begin a private key, and what must follow. */
static const struct mark {
	const char *text;
	bool (*follows)(const char *at, size_t len);
} marks[] = {
	{ "---BEGIN ", is_armour },
	{ "--- BEGIN ", is_armour },
	{ "PuTTY-User-Key-File-", is_putty },
	{ "AGE-SECRET-KEY-1", is_age },
};

static bool has_mark(const char *bytes, size_t len, const struct mark *mark)
{
	const char *at = bytes, *end = bytes + len;
	size_t mark_len = strlen(mark->text);

	while ((at = memmem(at, (size_t)(end - at), mark->text, mark_len))) {
		at += mark_len;
		if (mark->follows(at, (size_t)(end - at)))
			return true;
	}
	return false;
}

static bool has_text_key(const char *bytes, size_t len)
{
	if (!is_text((const unsigned char *)bytes, len))
		return false;
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (has_mark(bytes, len, &marks[i]))
			return true;
	return false;
}

bool is_private_key(const void *bytes, size_t len)
{
	struct der head = { bytes, len };

	if (len == 0)
		return false;
	return is_der_key(head, len) ||
	       (len <= text_limit_bytes && has_text_key(bytes, len));
}

/** Read up to @p want bytes from the begin. */
static ssize_t read_begin(int fd, void *into, size_t want)
{
	size_t have = 0;

	while (have < want) {
		ssize_t got = pread(fd, (char *)into + have, want - have,
				    (off_t)have);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		have += (size_t)got;
	}
	return (ssize_t)have;
}

/* Most large files show in their first bytes that they are no text. */
static int whole_file(int fd, size_t size)
{
	char *bytes = malloc(size);
	ssize_t got;
	int result;

	if (!bytes)
		return -ENOMEM;
	got = read_begin(fd, bytes, size);
	result = got < 0 ? (int)got : is_private_key(bytes, (size_t)got);
	OPENSSL_cleanse(bytes, size);
	free(bytes);
	return result;
}

int is_private_key_file(int fd)
{
	unsigned char head[HEAD_BYTES];
	struct stat st;
	ssize_t got;
	int result = 0;

	if (fstat(fd, &st) != 0)
		return -errno;
	got = read_begin(fd, head, sizeof(head));
	if (got < 0)
		return (int)got;
	if (is_der_key((struct der){ head, (size_t)got }, (uint64_t)st.st_size))
		result = 1;
	else if (is_text(head, (size_t)got) && got > 0 &&
		 (uint64_t)st.st_size <= text_limit_bytes)
		result = whole_file(fd, (size_t)st.st_size);
	OPENSSL_cleanse(head, sizeof(head));
	return result;
}
