#include "load_parts.h"

#include "utf8.h"

/* Byte order marks, and what text in UTF-16 without one looks like; the longer
 * marks first, because the shorter begin them. */
static const struct {
	const char *name;
	size_t len;
	unsigned char mask[4], bytes[4]; /* mask 0: any byte but NUL */
} encodings[] = {
	{ "UTF-32", 4, { 1, 1, 1, 1 }, { 0xff, 0xfe, 0, 0 } },
	{ "UTF-32", 4, { 1, 1, 1, 1 }, { 0, 0, 0xfe, 0xff } },
	{ "UTF-16", 2, { 1, 1 }, { 0xff, 0xfe } },
	{ "UTF-16", 2, { 1, 1 }, { 0xfe, 0xff } },
	{ "UTF-16", 4, { 0, 1, 0, 1 }, { 0, 0, 0, 0 } },
	{ "UTF-16", 4, { 1, 0, 1, 0 }, { 0, 0, 0, 0 } },
};

static const char *encoding_other_than_utf8(struct text bytes)
{
	for (size_t i = 0; i < sizeof(encodings) / sizeof(*encodings); i++) {
		size_t j = 0;

		if (bytes.len < encodings[i].len)
			continue;
		for (; j < encodings[i].len; j++) {
			unsigned char c = (unsigned char)bytes.ptr[j];

			if (encodings[i].mask[j] ? c != encodings[i].bytes[j]
						 : !c)
				break;
		}
		if (j == encodings[i].len)
			return encodings[i].name;
	}
	return NULL;
}

/* Characters that YAML refuses, and those that libyaml takes for line ends
 * but no editor does. */
static const char *forbidden_character(const char *s, size_t len)
{
	unsigned char c = (unsigned char)s[0];
	unsigned char second = len > 1 ? (unsigned char)s[1] : 0;

	if (len == 1 && (c < 0x20 || c == 0x7f))
		return "control character";
	if (len == 2 && c == 0xc2 && second < 0xa0)
		return "control character";
	if (len == 3 && memcmp(s, "\xe2\x80\xa8", 3) == 0)
		return "line separator";
	if (len == 3 && memcmp(s, "\xe2\x80\xa9", 3) == 0)
		return "paragraph separator";
	if (len == 3 && memcmp(s, "\xef\xbb\xbf", 3) == 0)
		return "byte order mark";
	if (len == 3 && c == 0xef && second == 0xbf &&
	    (unsigned char)s[2] >= 0xbe)
		return "noncharacter";
	return NULL;
}

static unsigned long code_point(const char *s, size_t len)
{
	static const unsigned char first_mask[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	unsigned long code = (unsigned char)s[0] & first_mask[len];

	for (size_t i = 1; i < len; i++)
		code = code << 6 | ((unsigned char)s[i] & 0x3f);
	return code;
}

static void report_forbidden(const struct source *source, size_t offset,
			     size_t len, const char *name, struct diags *ds)
{
	const char *s = source->bytes.ptr + offset;
	struct span at = span_of(source, offset, offset + len);
	struct diag *diag;

	if (*s == '\r') {
		diag = diag_at(ds, DIAG_E103, at,
			       "carriage return without a line feed behind it");
		diag_help(ds, diag, "end each line with LF, or with CR and LF");
		return;
	}
	diag = diag_at(ds, DIAG_E103, at, "%s U+%04lX in the file", name,
		       code_point(s, len));
	diag_help(ds, diag,
		  "remove it; where it is meant, write \"\\u%04lx\" in double "
		  "quotes",
		  code_point(s, len));
}

static void report_no_utf8(const struct source *source, size_t offset,
			   struct diags *ds)
{
	unsigned char c = (unsigned char)source->bytes.ptr[offset];
	struct span at = span_of(source, offset, offset + 1);
	struct diag *diag = diag_at(
		ds, DIAG_E102, at,
		"this file is not UTF-8: byte 0x%02x cannot stand here", c);

	if (c >= 0xa0)
		diag_help(ds, diag,
			  "as Latin-1 it would be \"%c%c\"; save the file as "
			  "UTF-8",
			  0xc0 | c >> 6, 0x80 | (c & 0x3f));
	else
		diag_help(ds, diag, "save the file as UTF-8");
}

enum { BLOCK_BYTES = 64 };

/* Printable ASCII, tab, line feed: nearly all of nearly every file. Without a
 * branch, so that compilers look at many bytes at a time. */
static bool is_ordinary(const char *s, size_t len)
{
	unsigned strange = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		strange |= (unsigned)((unsigned char)(c - 0x20) >= 0x5f) &
			   (unsigned)(c != '\n') & (unsigned)(c != '\t');
	}
	return !strange;
}

/* @return the length of the ordinary text from an offset on */
static size_t ordinary_bytes(struct text bytes, size_t offset)
{
	size_t i = offset;

	while (bytes.len - i >= BLOCK_BYTES &&
	       is_ordinary(bytes.ptr + i, BLOCK_BYTES))
		i += BLOCK_BYTES;
	while (i < bytes.len && is_ordinary(bytes.ptr + i, 1))
		i++;
	return i - offset;
}

static void report(const struct source *source, size_t offset, size_t len,
		   const char *name, struct diags *ds)
{
	struct text bytes = source->bytes;
	const char *nul = memchr(bytes.ptr, '\0', bytes.len);

	if (nul) {
		offset = (size_t)(nul - bytes.ptr);
		diag_at(ds, DIAG_E101, span_of(source, offset, offset + 1),
			"this is not text: there is a NUL byte in it");
	} else if (!len) {
		report_no_utf8(source, offset, ds);
	} else {
		report_forbidden(source, offset, len, name, ds);
	}
}

static bool characters_check(const struct source *source, struct diags *ds,
			     bool *ret_ascii)
{
	struct text bytes = source->bytes;
	size_t i = source_bom_bytes(source), len;
	bool ascii = true;

	for (; (i += ordinary_bytes(bytes, i)) < bytes.len; i += len) {
		const char *s = bytes.ptr + i, *name = NULL;

		len = 2;
		if (*s == '\r' && s[1] == '\n') /* a NUL is behind the last */
			continue;
		len = utf8_sequence(s, bytes.len - i);
		if (len)
			name = forbidden_character(s, len);
		if (!len || name) {
			report(source, i, len, name, ds);
			return false;
		}
		ascii &= len == 1;
	}
	*ret_ascii = ascii;
	return true;
}

bool load_bytes_check(const struct source *source, struct diags *ds,
		      bool *ret_ascii)
{
	const char *encoding = encoding_other_than_utf8(source->bytes);
	struct diag *diag;

	if (!encoding)
		return characters_check(source, ds, ret_ascii);
	diag = diag_at(ds, DIAG_E102, span_of(source, 0, 0),
		       "this file is %s, not UTF-8", encoding);
	diag_help(ds, diag, "save it as UTF-8, or: iconv -f %s -t UTF-8",
		  encoding);
	return false;
}
