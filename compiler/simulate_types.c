#include "simulate_parts.h"

#include "quote.h"

#include <stdlib.h>

/* ------------------------------------------------------------- types -- */

static const char *const type_names[TYPE_COUNT] = {
	[TYPE_STRING] = "string",     [TYPE_URISTRING] = "uristring",
	[TYPE_IPV4] = "ipv4",         [TYPE_IPV6] = "ipv6",
	[TYPE_INT8] = "int8",         [TYPE_INT16] = "int16",
	[TYPE_INT32] = "int32",       [TYPE_UINT8] = "uint8",
	[TYPE_UINT16] = "uint16",     [TYPE_UINT32] = "uint32",
	[TYPE_HEX] = "hex",           [TYPE_HEXHYP] = "hexhyp",
	[TYPE_HEXRAW] = "hexraw",     [TYPE_BASE64] = "base64",
	[TYPE_UUID] = "uuid",         [TYPE_GUID] = "guid",
	[TYPE_BUSDEVFN] = "busdevfn", [TYPE_DNSSL] = "dnssl",
};

enum sim_type sim_type_of(struct text name)
{
	for (enum sim_type type = TYPE_STRING; type < TYPE_COUNT; type++)
		if (text_is(name, type_names[type]))
			return type;
	return TYPE_NONE;
}

size_t sim_type_width(enum sim_type type)
{
	switch ((int)type) {
	case TYPE_INT8:
	case TYPE_UINT8:
		return 1;
	case TYPE_INT16:
	case TYPE_UINT16:
		return 2;
	case TYPE_INT32:
	case TYPE_UINT32:
		return 4;
	default:
		return 0;
	}
}

static bool is_signed(enum sim_type type)
{
	return type == TYPE_INT8 || type == TYPE_INT16 || type == TYPE_INT32;
}

/* ------------------------------------------------------ small changes -- */

static unsigned digit_value(unsigned char c)
{
	if (c >= 'a')
		return c - (unsigned)('a' - 10);
	if (c >= 'A')
		return c - (unsigned)('A' - 10);
	return c <= '9' ? c - (unsigned)'0' : c;
}

static unsigned char at(struct text text, size_t i)
{
	return i < text.len ? (unsigned char)text.ptr[i] : 0;
}

uint64_t sim_strtoul(struct text text, unsigned base, size_t *ret_used)
{
	uint64_t value = 0;
	bool negate;
	size_t i = 0;

	while (sim_isspace((char)at(text, i)))
		i++;
	negate = at(text, i) == '-';
	if (negate || at(text, i) == '+')
		i++;
	if (!base) {
		base = 10;
		if (at(text, i) == '0') {
			i++;
			base = 8;
			if ((at(text, i) & ~0x20) == 'X') {
				i++;
				base = 16;
			}
		}
	}
	while (digit_value(at(text, i)) < base)
		value = value * base + digit_value(at(text, i++));
	*ret_used = i;
	return negate ? -value : value;
}

static bool hex_decode(struct text text, char separator, bool optional,
		       struct sbuf *raw)
{
	size_t count = 0;

	for (size_t i = 0; i < text.len; count++) {
		unsigned high, low;

		if (count && separator) {
			if (text.ptr[i] == separator)
				i++;
			else if (!optional)
				return false;
		}
		high = digit_value(at(text, i++));
		if (high >= 16)
			return false;
		low = digit_value(at(text, i++));
		if (low >= 16)
			return false;
		sbuf_putc(raw, (char)(high << 4 | low));
	}
	return true;
}

static void hex_encode(const struct sbuf *raw, const char *separator,
		       struct sbuf *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < raw->len; i++) {
		unsigned char byte = (unsigned char)raw->ptr[i];
		const char pair[] = { digits[byte >> 4], digits[byte & 15] };

		if (i)
			sbuf_puts(out, separator);
		sbuf_add(out, pair, sizeof(pair));
	}
}

static void uri_decode(struct text text, struct sbuf *raw)
{
	for (size_t i = 0; i < text.len;) {
		char c = text.ptr[i++];

		if (c == '%') {
			struct text digits = { text.ptr + i, text.len - i };
			size_t used;
			uint64_t value;

			if (digits.len > 2)
				digits.len = 2;
			value = sim_strtoul(digits, 16, &used);
			if (used)
				c = (char)value;
			i += used;
		}
		sbuf_putc(raw, c);
	}
}

/* Its characters are signed, where char is: all but ASCII comes out as 32 bits. */
static void uri_encode(const struct sbuf *raw, struct sbuf *out)
{
	for (size_t i = 0; i < raw->len; i++) {
		if (raw->ptr[i] & 0x80)
			sbuf_printf(out, "%%FFFFFF%02X",
				    (unsigned char)raw->ptr[i]);
		else
			quote_uristring(out, (struct text){ raw->ptr + i, 1 });
	}
}

static const char base64_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void base64_encode(const struct sbuf *raw, struct sbuf *out)
{
	size_t bit;

	for (bit = 0; bit < 8 * raw->len; bit += 6) {
		unsigned bits = (unsigned char)raw->ptr[bit / 8] << (bit % 8);

		if (bit / 8 + 1 < raw->len)
			bits |= (unsigned char)raw->ptr[bit / 8 + 1] >>
				(8 - bit % 8);
		sbuf_putc(out, base64_digits[bits >> 2 & 0x3f]);
	}
	for (; bit % 8; bit += 6)
		sbuf_putc(out, '=');
}

static bool base64_decode(struct text text, struct sbuf *raw)
{
	unsigned pad = 0, bits = 0, held = 0;

	for (size_t i = 0; i < text.len; i++) {
		const char *digit;

		if (sim_isspace(text.ptr[i]))
			continue;
		if (text.ptr[i] == '=') {
			if (pad++ >= 2)
				return false;
			held -= 2;
			continue;
		}
		digit = strchr(base64_digits, text.ptr[i]);
		if (pad || !digit)
			return false;
		bits = bits << 6 | (unsigned)(digit - base64_digits);
		held += 6;
		if (held >= 8) {
			held -= 8;
			sbuf_putc(raw, (char)(bits >> held));
		}
	}
	return held % 8 == 0;
}

static bool ipv4_parse(struct text text, struct sbuf *raw)
{
	for (int part = 0; part < 4; part++) {
		size_t used;
		uint64_t value = sim_strtoul(text, 0, &used);

		if (!used || value > 0xff ||
		    at(text, used) != (part < 3 ? '.' : 0))
			return false;
		sbuf_putc(raw, (char)value);
		text.ptr += used + (part < 3);
		text.len -= used + (part < 3);
	}
	return true;
}

/* A GUID has its first three fields the other way round. */
static void mangle(char *raw)
{
	static const unsigned char swaps[][2] = {
		{ 0, 3 }, { 1, 2 }, { 4, 5 }, { 6, 7 }
	};

	for (size_t i = 0; i < 4; i++) {
		char c = raw[swaps[i][0]];

		raw[swaps[i][0]] = raw[swaps[i][1]];
		raw[swaps[i][1]] = c;
	}
}

static int int_parse(enum sim_type type, struct text value, struct sbuf *raw)
{
	size_t used, width = sim_type_width(type);
	uint64_t number = sim_strtoul(value, 0, &used);

	if (used < value.len)
		return SIM_EINVAL;
	for (size_t i = width; i-- > 0;)
		sbuf_putc(raw, (char)(number >> (8 * i)));
	return 0;
}

static int uuid_parse(enum sim_type type, struct text value, struct sbuf *raw)
{
	if (!hex_decode(value, '-', true, raw) || raw->len != 16)
		return SIM_EINVAL;
	if (type == TYPE_GUID)
		mangle(raw->ptr);
	return 0;
}

int sim_parse(struct sim *sim, enum sim_type type, struct text value,
	      struct sbuf *raw)
{
	sbuf_reset(raw);
	switch (type) {
	case TYPE_STRING:
		sbuf_add(raw, value.ptr, value.len);
		return 0;
	case TYPE_URISTRING:
		uri_decode(value, raw);
		return 0;
	case TYPE_IPV4:
		return ipv4_parse(value, raw) ? 0 : SIM_EINVAL;
	case TYPE_INT8:
	case TYPE_INT16:
	case TYPE_INT32:
	case TYPE_UINT8:
	case TYPE_UINT16:
	case TYPE_UINT32:
		return int_parse(type, value, raw);
	case TYPE_HEX:
		return hex_decode(value, ':', false, raw) ? 0 : SIM_EINVAL;
	case TYPE_HEXHYP:
		return hex_decode(value, '-', false, raw) ? 0 : SIM_EINVAL;
	case TYPE_HEXRAW:
		return hex_decode(value, 0, false, raw) ? 0 : SIM_EINVAL;
	case TYPE_BASE64:
		return base64_decode(value, raw) ? 0 : SIM_EINVAL;
	case TYPE_UUID:
	case TYPE_GUID:
		return uuid_parse(type, value, raw);
	case TYPE_IPV6:
	case TYPE_DNSSL:
		sim_unmodelled(sim, "a setting of type %s", type_names[type]);
		return SIM_ENOTSUP;
	case TYPE_BUSDEVFN:
	case TYPE_NONE:
	case TYPE_COUNT:
		break;
	}
	return SIM_ENOTSUP;
}

int sim_number(enum sim_type type, const struct sbuf *raw, uint64_t *ret)
{
	bool negative =
		is_signed(type) && raw->len && (signed char)raw->ptr[0] < 0;
	uint64_t value = negative ? UINT64_MAX : 0;
	unsigned char pad = (unsigned char)value;

	for (size_t i = 0; i < raw->len; i++) {
		unsigned char byte = (unsigned char)raw->ptr[i];

		value = value << 8 | byte;
		if (i + sizeof(value) < raw->len && byte != pad)
			return SIM_ERANGE;
	}
	*ret = value;
	return 0;
}

static int uuid_format(enum sim_type type, const struct sbuf *raw,
		       struct sbuf *out)
{
	char bytes[16];

	if (raw->len != sizeof(bytes))
		return SIM_ERANGE;
	memcpy(bytes, raw->ptr, sizeof(bytes));
	if (type == TYPE_GUID)
		mangle(bytes);
	for (size_t i = 0; i < sizeof(bytes); i++)
		sbuf_printf(out, "%s%02x",
			    i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
			    (unsigned char)bytes[i]);
	return 0;
}

static int int_format(enum sim_type type, const struct sbuf *raw,
		      struct sbuf *out)
{
	uint64_t value;
	int error = sim_number(type, raw, &value);

	if (error)
		return error;
	if (is_signed(type) && (int64_t)value >= 0)
		sbuf_put_number(out, value);
	else if (is_signed(type))
		sbuf_printf(out, "%lld", (long long)value);
	else
		sbuf_printf(out, "0x%llx", (unsigned long long)value);
	return 0;
}

static int busdevfn_format(const struct sbuf *raw, struct sbuf *out)
{
	uint64_t value;
	int error = sim_number(TYPE_UINT32, raw, &value);

	if (error)
		return error;
	sbuf_printf(out, "%04x:%02x:%02x.%x", (unsigned)(value >> 16 & 0xffff),
		    (unsigned)(value >> 8 & 0xff),
		    (unsigned)(value >> 3 & 0x1f), (unsigned)(value & 7));
	return 0;
}

/* The label of a DNS name that stands at *offset, or that a pointer there leads
 * to: see dns_label() in net/udp/dns.c of iPXE, where whatever has one of its two
 * highest bits set is a pointer. */
static bool dns_label(const struct sbuf *raw, size_t *offset, size_t *ret_len)
{
	const unsigned char *bytes = (const unsigned char *)raw->ptr;

	while (*offset < raw->len && bytes[*offset] & 0xc0) {
		size_t to;

		if (*offset + 2 > raw->len)
			return false;
		to = ((size_t)bytes[*offset] << 8 | bytes[*offset + 1]) &
		     0x3fff;
		if (to >= *offset)
			return false;
		*offset = to;
	}
	if (*offset >= raw->len)
		return false;
	*ret_len = bytes[*offset];
	return *offset + 1 + *ret_len <= raw->len;
}

/* A name, with a dot between its labels; its root label has no length. */
static bool dns_name(const struct sbuf *raw, size_t offset, struct sbuf *out)
{
	for (size_t count = 0; count < raw->len; count++) {
		size_t len;

		if (!dns_label(raw, &offset, &len))
			return false;
		if (!len)
			return true;
		if (count)
			sbuf_putc(out, '.');
		sbuf_add(out, raw->ptr + offset + 1, len);
		offset += 1 + len;
	}
	return false;
}

/* Behind a name, which ends at its root label or at a pointer; and behind the
 * zeros that follow. */
static bool dns_skip(const struct sbuf *raw, size_t *offset)
{
	size_t label, len = 1;

	while (len) {
		label = *offset;
		if (!dns_label(raw, &label, &len))
			return false;
		if (label != *offset) {
			*offset += 2;
			break;
		}
		*offset += 1 + len;
	}
	while (*offset < raw->len && !raw->ptr[*offset])
		++*offset;
	return true;
}

static int dnssl_format(const struct sbuf *raw, struct sbuf *out)
{
	size_t offset = 0;

	while (offset < raw->len) {
		if (!dns_name(raw, offset, out) || !dns_skip(raw, &offset))
			return SIM_EINVAL;
		if (offset < raw->len)
			sbuf_putc(out, ' ');
	}
	return 0;
}

int sim_format(struct sim *sim, enum sim_type type, const struct sbuf *raw,
	       struct sbuf *out)
{
	const unsigned char *bytes = (const unsigned char *)raw->ptr;

	switch (type) {
	case TYPE_STRING:
		sbuf_add(out, raw->ptr, raw->len);
		return 0;
	case TYPE_URISTRING:
		uri_encode(raw, out);
		return 0;
	case TYPE_IPV4:
		if (raw->len < 4)
			return SIM_EINVAL;
		sbuf_printf(out, "%d.%d.%d.%d", bytes[0], bytes[1], bytes[2],
			    bytes[3]);
		return 0;
	case TYPE_INT8:
	case TYPE_INT16:
	case TYPE_INT32:
	case TYPE_UINT8:
	case TYPE_UINT16:
	case TYPE_UINT32:
		return int_format(type, raw, out);
	case TYPE_HEX:
		hex_encode(raw, ":", out);
		return 0;
	case TYPE_HEXHYP:
		hex_encode(raw, "-", out);
		return 0;
	case TYPE_HEXRAW:
		hex_encode(raw, "", out);
		return 0;
	case TYPE_BASE64:
		base64_encode(raw, out);
		return 0;
	case TYPE_UUID:
	case TYPE_GUID:
		return uuid_format(type, raw, out);
	case TYPE_BUSDEVFN:
		return busdevfn_format(raw, out);
	case TYPE_DNSSL:
		return dnssl_format(raw, out);
	case TYPE_IPV6:
		sim_unmodelled(sim, "a setting of type %s", type_names[type]);
		return SIM_ENOTSUP;
	case TYPE_NONE:
	case TYPE_COUNT:
		break;
	}
	return SIM_ENOTSUP;
}
