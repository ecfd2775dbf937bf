#include "roots.h"

#include "sbuf.h"
#include "sha256.h"
#include "vec.h"

#include <stdlib.h>

#define PEM_COLUMNS 64

static const char base64_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* ---------------------------------------------------------- find, cut -- */

static bool find(struct text in, const char *what, size_t *ret_at)
{
	const char *at = memmem(in.ptr, in.len, what, strlen(what));

	if (!at)
		return false;
	*ret_at = (size_t)(at - in.ptr);
	return true;
}

static struct text after(struct text text, size_t bytes)
{
	return (struct text){ text.ptr + bytes, text.len - bytes };
}

/* What openssl takes for a certificate, too. */
static const char *const labels[] = { "CERTIFICATE", "X509 CERTIFICATE",
				      "TRUSTED CERTIFICATE" };

static bool is_label(struct text label)
{
	for (size_t i = 0; i < sizeof(labels) / sizeof(*labels); i++)
		if (text_is(label, labels[i]))
			return true;
	return false;
}

/*
 * The next certificate's base64.
 *
 * @param rest	what is left; moved behind it
 * @return false if there is none; *ret_body.ptr is NULL if it has no end
 */
static bool next_body(struct text *rest, struct text *ret_body)
{
	static const char begin[] = "-----BEGIN ", dashes[] = "-----";
	size_t at, len;

	while (find(*rest, begin, &at)) {
		struct text label = after(*rest, at + sizeof(begin) - 1);

		*rest = label;
		if (!find(label, dashes, &len))
			return false;
		label.len = len;
		if (!is_label(label))
			continue;
		*rest = after(*rest, len + sizeof(dashes) - 1);
		*ret_body = *rest;
		if (!find(*rest, "-----END ", &len)) {
			ret_body->ptr = NULL;
			return true;
		}
		ret_body->len = len;
		*rest = after(*rest, len);
		return true;
	}
	return false;
}

/* ------------------------------------------------------------- base64 -- */

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* @return whether it is base64 and not empty */
static bool decode(struct text body, struct sbuf *out)
{
	unsigned bits = 0, bit_count = 0;
	bool ended = false;

	for (size_t i = 0; i < body.len; i++) {
		char c = body.ptr[i];
		const char *digit;

		if (is_space(c))
			continue;
		if (c == '=') {
			ended = true;
			continue;
		}
		digit = c ? strchr(base64_digits, c) : NULL;
		if (!digit || ended)
			return false;
		bits = bits << 6 | (unsigned)(digit - base64_digits);
		bit_count += 6;
		if (bit_count >= 8) {
			bit_count -= 8;
			sbuf_putc(out, (char)(bits >> bit_count & 0xff));
		}
	}
	return out->len > 0;
}

static void encode(struct text der, struct sbuf *out)
{
	size_t column = 0;

	for (size_t i = 0; i < der.len; i += 3) {
		unsigned bits = 0;
		size_t here = der.len - i < 3 ? der.len - i : 3;

		for (size_t j = 0; j < 3; j++)
			bits = bits << 8 |
			       (j < here ? (unsigned char)der.ptr[i + j] : 0);
		for (size_t j = 0; j < 4; j++)
			sbuf_putc(out,
				  j <= here
					  ? base64_digits[bits >> (18 - 6 * j) &
							  63]
					  : '=');
		column += 4;
		if (column == PEM_COLUMNS || i + 3 >= der.len) {
			sbuf_putc(out, '\n');
			column = 0;
		}
	}
}

/* ---------------------------------------------------------------- DER -- */

/*
 * Bytes of the SEQUENCE that this begins with; 0 if it is none or cut off. A
 * "TRUSTED CERTIFICATE" has more behind it, which is no part of it.
 */
static size_t sequence_bytes(struct text der)
{
	const unsigned char *at = (const unsigned char *)der.ptr;
	size_t bytes = 0, octets;

	if (der.len < 2 || at[0] != 0x30)
		return 0;
	if (at[1] < 0x80)
		return (size_t)at[1] + 2 <= der.len ? (size_t)at[1] + 2 : 0;
	octets = at[1] & 0x7f;
	if (octets < 1 || octets > 4 || der.len < 2 + octets)
		return 0;
	for (size_t i = 0; i < octets; i++)
		bytes = bytes << 8 | at[2 + i];
	bytes += 2 + octets;
	return bytes <= der.len ? bytes : 0;
}

/* ------------------------------------------------------------ together -- */

static void fill(struct arena *arena, struct text der,
		 struct root_certificate *root)
{
	struct sbuf pem = { 0 };
	char *hex = arena_alloc(arena, 65);

	root->der.ptr = arena_copy(arena, der.ptr, der.len);
	root->der.len = der.len;
	sha256_of(der.ptr, der.len, &root->digest);
	for (size_t i = 0; i < 32; i++) {
		hex[2 * i] = "0123456789abcdef"[root->digest.sha256[i] >> 4];
		hex[2 * i + 1] =
			"0123456789abcdef"[root->digest.sha256[i] & 15];
	}
	root->hex = hex;
	sbuf_puts(&pem, "-----BEGIN CERTIFICATE-----\n");
	encode(der, &pem);
	sbuf_puts(&pem, "-----END CERTIFICATE-----\n");
	root->pem.ptr = arena_copy(arena, pem.ptr, pem.len);
	root->pem.len = pem.len;
	sbuf_release(&pem);
}

static int compare_roots(const void *a, const void *b)
{
	const struct root_certificate *left = a, *right = b;

	return memcmp(left->digest.sha256, right->digest.sha256, 32);
}

static void drop_repeats(struct root_certificates *roots)
{
	size_t kept = 0;

	for (size_t i = 0; i < roots->count; i++)
		if (!kept || compare_roots(&roots->at[kept - 1], &roots->at[i]))
			roots->at[kept++] = roots->at[i];
	roots->count = kept;
}

struct found {
	struct root_certificate *at;
	size_t count, room;
};

/* @return whether there was at least one, and none of them damaged */
static bool split_file(struct arena *arena, struct text rest,
		       struct found *found)
{
	size_t before = found->count;
	struct sbuf der = { 0 };
	struct text body;
	bool good = true;

	while (good && next_body(&rest, &body)) {
		struct text whole;

		sbuf_reset(&der);
		good = body.ptr && decode(body, &der);
		whole.ptr = sbuf_text(&der);
		whole.len = der.len;
		whole.len = sequence_bytes(whole);
		good = good && whole.len;
		if (good)
			fill(arena, whole, vec_push(arena, found));
	}
	sbuf_release(&der);
	return good && found->count > before;
}

size_t roots_split(struct arena *arena, const struct text *files, size_t count,
		   struct root_certificates *ret_roots)
{
	struct found found = { 0 };

	for (size_t i = 0; i < count; i++)
		if (!split_file(arena, files[i], &found))
			return i;
	ret_roots->at = found.at;
	ret_roots->count = found.count;
	if (found.count)
		qsort(found.at, found.count, sizeof(*found.at), compare_roots);
	drop_repeats(ret_roots);
	return count;
}

/* -------------------------------------------------------- placeholders -- */

/* clang-format off */
/* RFC 5280, version 1: no names, valid for no time, an Ed25519 key of zeros. */
static const unsigned char blank_certificate[] = {
	0x30, 0x66,
	0x30, 0x5a,
	0x02, 0x01, 0x00, /* serial number, to be filled in */
	0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70,
	0x30, 0x00,
	0x30, 0x1e,
	0x17, 0x0d, '7', '0', '0', '1', '0', '1',
	'0', '0', '0', '0', '0', '0', 'Z',
	0x17, 0x0d, '7', '0', '0', '1', '0', '1',
	'0', '0', '0', '0', '0', '0', 'Z',
	0x30, 0x00,
	0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70,
	0x03, 0x21, 0x00,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70,
	0x03, 0x01, 0x00,
};
/* clang-format on */
#define BLANK_SERIAL 6

void roots_placeholders(struct arena *arena, size_t count,
			struct root_certificates *ret_roots)
{
	struct root_certificate *roots =
		arena_new_array(arena, count, struct root_certificate);
	char der[sizeof(blank_certificate)];

	memcpy(der, blank_certificate, sizeof(der));
	for (size_t i = 0; i < count; i++) {
		der[BLANK_SERIAL] = (char)(i + 1);
		fill(arena, (struct text){ der, sizeof(der) }, &roots[i]);
	}
	qsort(roots, count, sizeof(*roots), compare_roots);
	ret_roots->at = roots;
	ret_roots->count = count;
}
