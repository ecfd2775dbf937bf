#include "value.h"

#include "arena.h"
#include "quote.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z');
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ||
	       (c >= 'A' && c <= 'F');
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static unsigned hex_value(char c)
{
	c = lower(c);
	return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* A piece of a longer text does not, and cannot be kept as it is. */
static bool ends_in_nul(struct text text)
{
	return text.ptr[text.len] == '\0';
}

/* Collect hex digits into @p digits; separators may stand only after each
 * @p group digits, and then all of them, all alike. @return whether it fits */
static bool hex_groups(struct text text, size_t count, size_t group,
		       char separator, char *digits)
{
	size_t want = separator ? count + count / group - 1 : count;
	size_t n = 0, left = group; /* digits before a separator */

	if (text.len != want)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (separator && !left) {
			if (text.ptr[i] != separator)
				return false;
			left = group;
		} else if (is_hex(text.ptr[i])) {
			digits[n++] = lower(text.ptr[i]);
			left--;
		} else {
			return false;
		}
	}
	return true;
}

const char *value_mac(struct arena *arena, struct text text, struct text *ret)
{
	static const struct {
		size_t group;
		char separator;
	} forms[] = { { 2, ':' }, { 2, '-' }, { 4, '.' }, { 12, 0 } };
	char digits[12];
	char mac[18] = "";
	bool fits = false;

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms) && !fits; i++)
		fits = hex_groups(text, 12, forms[i].group, forms[i].separator,
				  digits);
	if (!fits)
		return "is not a MAC address: write six pairs of hex digits, "
		       "as 52:54:00:12:34:56";
	if (memcmp(digits, "000000000000", 12) == 0)
		return "is the all-zero address, which belongs to no card";
	if (memcmp(digits, "ffffffffffff", 12) == 0)
		return "is the broadcast address, which belongs to no card";
	if (hex_value(digits[1]) & 1)
		return "is a multicast address (its first byte is odd), which "
		       "belongs to no card";
	for (size_t i = 0; i < 6; i++) {
		mac[3 * i] = digits[2 * i];
		mac[3 * i + 1] = digits[2 * i + 1];
		mac[3 * i + 2] = i < 5 ? ':' : '\0';
	}
	*ret = (struct text){ mac, 17 };
	if (text_equal(text, *ret) && ends_in_nul(text))
		*ret = text;
	else
		ret->ptr = arena_copy(arena, mac, 17);
	return NULL;
}

/* Reported by real machines whose maker filled in nothing; more than one
 * machine has them, so that none can be told by them. */
#define JUNK(literal)                          \
	{                                      \
		(literal), sizeof(literal) - 1 \
	}

static const struct text junk_uuids[] = {
	JUNK("00000000-0000-0000-0000-000000000000"),
	JUNK("ffffffff-ffff-ffff-ffff-ffffffffffff"),
	JUNK("03000200-0400-0500-0006-000700080009"),
	JUNK("00020003-0004-0005-0006-000700080009"),
	JUNK("12345678-1234-5678-90ab-cddeefaabbcc"),
	JUNK("fefefefe-fefe-fefe-fefe-fefefefefefe"),
};

static const struct text junk_tags[] = {
	JUNK("0"),
	JUNK("00000000"),
	JUNK("0123456789"),
	JUNK("123456789"),
	JUNK("1234567890"),
	JUNK("0000000000"),
	JUNK("Asset Tag"),
	JUNK("Asset-1234567890"),
	JUNK("Chassis Serial Number"),
	JUNK("Default string"),
	JUNK("Empty"),
	JUNK("INVALID"),
	JUNK("N/A"),
	JUNK("NA"),
	JUNK("No Asset Information"),
	JUNK("No Asset Tag"),
	JUNK("None"),
	JUNK("Not Applicable"),
	JUNK("Not Available"),
	JUNK("Not Specified"),
	JUNK("Null"),
	JUNK("OEM"),
	JUNK("SerNum"),
	JUNK("Serial Number"),
	JUNK("System Serial Number"),
	JUNK("To Be Filled By O.E.M."),
	JUNK("To be filled by O.E.M."),
	JUNK("Unknown"),
	JUNK("xxxxxxxxxx"),
};

static bool is_junk(struct text text, const struct text *junk, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (text.len == junk[i].len &&
		    strncasecmp(text.ptr, junk[i].ptr, text.len) == 0)
			return true;
	return false;
}

#define IS_JUNK(text, table) \
	is_junk((text), (table), sizeof(table) / sizeof(*(table)))

const char *value_uuid(struct arena *arena, struct text text, struct text *ret)
{
	static const unsigned char groups[] = { 8, 4, 4, 4, 12 };
	char *uuid = arena_alloc(arena, 37);
	size_t in = 0, out = 0;
	bool hyphens = text.len == 36;

	if (text.len != 36 && text.len != 32)
		goto bad;
	for (size_t g = 0; g < sizeof(groups); g++) {
		if (g) {
			uuid[out++] = '-';
			if (hyphens && text.ptr[in++] != '-')
				goto bad;
		}
		for (size_t i = 0; i < groups[g]; i++) {
			if (!is_hex(text.ptr[in]))
				goto bad;
			uuid[out++] = lower(text.ptr[in++]);
		}
	}
	*ret = (struct text){ uuid, 36 };
	if (IS_JUNK(*ret, junk_uuids))
		return "is a placeholder that careless vendors leave in many "
		       "machines, so it tells none apart";
	return NULL;
bad:
	return "is not a UUID: write 32 hex digits with hyphens, as "
	       "4c4c4544-0051-3510-8052-b4c04f4e3132";
}

static bool is_printable(char c)
{
	return c >= 0x20 && c <= 0x7e;
}

static bool is_plain(struct text text)
{
	size_t i = 0;

	while (i < text.len && is_printable(text.ptr[i]) && text.ptr[i] != '%')
		i++;
	return i == text.len;
}

const char *value_plain(struct arena *arena, struct text text, struct text *ret)
{
	size_t len = 0;
	char *plain;

	if (is_plain(text) && ends_in_nul(text)) {
		*ret = text;
		return NULL;
	}
	plain = arena_alloc_aligned(arena, text.len + 1, 1);
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (c == '%') {
			if (i + 2 >= text.len || !is_hex(text.ptr[i + 1]) ||
			    !is_hex(text.ptr[i + 2]))
				return "holds a \"%\" that two hex digits do "
				       "not follow: write %25 for a percent "
				       "sign";
			c = (char)(hex_value(text.ptr[i + 1]) * 16 +
				   hex_value(text.ptr[i + 2]));
			i += 2;
		}
		if (!is_printable(c))
			return "holds a character that is not printable "
			       "ASCII; firmware tables have no others";
		plain[len++] = c;
	}
	*ret = (struct text){ plain, len };
	return NULL;
}

static bool is_blank(struct text text)
{
	size_t i = 0;

	while (i < text.len && text.ptr[i] == ' ')
		i++;
	return i == text.len;
}

const char *value_tag(struct arena *arena, struct text text, struct text *ret)
{
	const char *wrong = value_plain(arena, text, ret);

	if (wrong)
		return wrong;
	if (is_blank(*ret))
		return "is empty, so it tells no machine apart";
	if (IS_JUNK(*ret, junk_tags))
		return "is a placeholder that careless vendors leave in many "
		       "machines, so it tells none apart";
	if (strstr(ret->ptr, "${"))
		return "holds \"${\", which iPXE would expand";
	return NULL;
}

const char *value_ip(struct arena *arena, struct text text, struct text *ret)
{
	const char *slash = memchr(text.ptr, '/', text.len);
	size_t len = slash ? (size_t)(slash - text.ptr) : text.len;
	const char *address = arena_copy(arena, text.ptr, len);
	struct in_addr parsed;

	if (inet_pton(AF_INET, address, &parsed) != 1)
		return "is not an IPv4 address: write it as 192.168.1.201/24";
	if (slash) {
		size_t digits = text.len - len - 1;

		if (digits < 1 || digits > 2 || !isdigit(slash[1]) ||
		    (digits == 2 && !isdigit(slash[2])) ||
		    atoi(slash + 1) > 32 || (digits == 2 && slash[1] == '0'))
			return "has a prefix length that is not 0 to 32";
	}
	*ret = text;
	return NULL;
}

/* A host name (RFC 1123), or an IPv4 address. iPXE takes IPv6 literals in
 * brackets, but our images have no IPv6. */
const char *value_host(struct text host)
{
	size_t label = 0;

	if (!host.len)
		return "has no host name";
	if (host.ptr[0] == '[')
		return "has an IPv6 address as host, which images do not speak "
		       "yet: use a name or an IPv4 address";
	if (memchr(host.ptr, '@', host.len))
		return "holds a user name or password, which would be "
		       "readable in every image";
	if (host.len > 253)
		return "has a host name longer than 253 characters";
	for (size_t i = 0; i < host.len; i++) {
		char c = host.ptr[i];

		if (c == '.') {
			if (!label)
				return "has a host name with an empty label";
			label = 0;
			continue;
		}
		if (!is_alnum(c) && c != '-' && c != '_')
			return "has a host name with a character that host "
			       "names cannot have";
		/* Commands of iPXE would take it for an option, too. */
		if (!label && c == '-')
			return "has a host name with a label that begins with "
			       "\"-\"";
		if (++label > 63)
			return "has a host name with a label longer than 63 "
			       "characters";
	}
	return NULL;
}

static const char *check_port(struct text port)
{
	unsigned long number = 0;

	if (!port.len || port.len > 5)
		return "has a port that is not 1 to 65535";
	for (size_t i = 0; i < port.len; i++) {
		if (!isdigit((unsigned char)port.ptr[i]))
			return "has a port that is not 1 to 65535";
		number = number * 10 + (unsigned long)(port.ptr[i] - '0');
	}
	return number < 1 || number > 65535
		       ? "has a port that is not 1 to 65535"
		       : NULL;
}

static const char *check_url_path(struct text path)
{
	size_t component = 0;

	for (size_t i = 0; i < path.len; i++) {
		char c = path.ptr[i];

		if (c == '/') {
			struct text part = { path.ptr + i - component,
					     component };

			if (i && !component)
				return "has a path with an empty component";
			if (text_is(part, ".") || text_is(part, ".."))
				return "has a path with \".\" or \"..\" in it";
			component = 0;
			continue;
		}
		component++;
		if (c == '?' || c == '#')
			return "has a query or fragment; files are looked up "
			       "below it, so it must be a plain directory";
		if (!is_alnum(c) && !strchr("-._~+,=@:%", c))
			return "has a character in its path that a URL must "
			       "percent-encode";
	}
	return NULL;
}

static bool has_scheme(struct text text, const char *scheme)
{
	size_t len = strlen(scheme);

	return text.len >= len && strncasecmp(text.ptr, scheme, len) == 0;
}

/* What comes behind the host; @p scheme is as long as the text says. */
static const char *check_authority(struct text text, size_t scheme,
				   struct text *ret_path)
{
	struct text rest = { text.ptr + scheme, text.len - scheme };
	const char *end = memchr(rest.ptr, '/', rest.len), *colon, *wrong;
	struct text host = { rest.ptr,
			     end ? (size_t)(end - rest.ptr) : rest.len };
	struct text port = { NULL, 0 };

	*ret_path = (struct text){ rest.ptr + host.len, rest.len - host.len };
	colon = host.len && host.ptr[0] != '[' ? memchr(host.ptr, ':', host.len)
					       : NULL;
	if (colon && !memchr(host.ptr, '@', host.len)) {
		port.ptr = colon + 1;
		port.len = (size_t)(host.ptr + host.len - port.ptr);
		host.len = (size_t)(colon - host.ptr);
	}
	if ((wrong = value_host(host)))
		return wrong;
	return port.ptr ? check_port(port) : NULL;
}

const char *value_url(struct arena *arena, struct text text, bool plain_http,
		      struct text *ret)
{
	bool https = has_scheme(text, "https://");
	bool http = has_scheme(text, "http://");
	struct text path;
	const char *wrong;
	char *canonical;

	if (!https && !http)
		return plain_http ? "is not a URL that begins with https:// or "
				    "http://"
				  : "is not a URL that begins with https://";
	if (http && !plain_http)
		return "is plain http://, which anybody on the way can read "
		       "and change: write https:// (verified blobs may come "
		       "over plain HTTP from the URL under \"assets:\")";
	if ((wrong = check_authority(text, https ? 8 : 7, &path)) ||
	    (wrong = check_url_path(path)))
		return wrong;
	if (!path.len || path.ptr[path.len - 1] != '/')
		return "is the directory that out/www/ is served as, so it must "
		       "end in \"/\"";

	canonical = arena_copy(arena, text.ptr, text.len);
	for (size_t i = 0; i < (size_t)(path.ptr - text.ptr); i++)
		canonical[i] = lower(canonical[i]);
	*ret = (struct text){ canonical, text.len };
	return NULL;
}

const char *value_download(struct text text, struct text *ret_name)
{
	bool https = has_scheme(text, "https://");
	struct text path;
	const char *wrong, *query;

	if (!https && !has_scheme(text, "http://"))
		return "is not a URL that begins with https:// or http://";
	if ((wrong = check_authority(text, https ? 8 : 7, &path)))
		return wrong;
	for (size_t i = 0; i < path.len; i++)
		if (path.ptr[i] <= ' ' || path.ptr[i] >= 0x7f ||
		    strchr("\"#<>\\^`{|}", path.ptr[i]))
			return "has a character that cannot stand in the path "
			       "of a URL";
	query = memchr(path.ptr, '?', path.len);
	if (query)
		path.len = (size_t)(query - path.ptr);
	*ret_name = text_basename(path);
	return value_file_name(*ret_name);
}

const char *value_iscsi_name(struct text text)
{
	const char *wrong = quote_ipxe_refusal(text);

	if (wrong)
		return wrong;
	if (!has_scheme(text, "iqn.") && !has_scheme(text, "eui.") &&
	    !has_scheme(text, "naa."))
		return "is no iSCSI name: those begin with iqn., eui. or naa.";
	return text.len > 223 ? "is longer than 223 characters" : NULL;
}

/* Up to a colon; @p text becomes what is behind it. @return ptr NULL: none */
static struct text take_part(struct text *text)
{
	const char *colon = memchr(text->ptr, ':', text->len);
	struct text part = { NULL, 0 };

	if (!colon)
		return part;
	part = (struct text){ text->ptr, (size_t)(colon - text->ptr) };
	text->ptr = colon + 1;
	text->len -= part.len + 1;
	return part;
}

static const char *check_iscsi(struct text rest)
{
	struct text server = take_part(&rest), protocol = take_part(&rest);
	struct text port = take_part(&rest), lun = take_part(&rest);
	const char *wrong;

	if (!lun.ptr)
		return "is too short: write iscsi:SERVER:PROTOCOL:PORT:LUN:"
		       "TARGET, where PROTOCOL, PORT and LUN may be empty";
	if ((wrong = value_host(server)))
		return wrong;
	if (protocol.len && !text_is(protocol, "6"))
		return "has a protocol other than 6, which is TCP";
	if (port.len && (wrong = check_port(port)))
		return wrong;
	for (size_t i = 0; i < lun.len; i++)
		if (!is_hex(lun.ptr[i]) && lun.ptr[i] != '-')
			return "has a LUN that is no hexadecimal number";
	return value_iscsi_name(rest);
}

const char *value_drive(struct text text)
{
	static const char iscsi[] = "iscsi:";
	size_t len = sizeof(iscsi) - 1;
	const char *wrong = quote_ipxe_refusal(text);
	struct text path;

	if (wrong)
		return wrong;
	if (has_scheme(text, iscsi))
		return check_iscsi(
			(struct text){ text.ptr + len, text.len - len });
	if (!has_scheme(text, "https://") && !has_scheme(text, "http://"))
		return "is no drive: write iscsi:SERVER:::LUN:TARGET, or an "
		       "https:// or http:// URL";
	wrong = check_authority(text, has_scheme(text, "https://") ? 8 : 7,
				&path);
	if (!wrong && path.len < 2)
		wrong = "names no file of the server";
	return wrong;
}

const char *value_name(struct text text)
{
	if (!text.len)
		return "is empty";
	if (text.len > 63)
		return "is longer than 63 characters";
	if (!is_alnum(text.ptr[0]))
		return "does not begin with a letter or digit";
	for (size_t i = 0; i < text.len; i++)
		if (!is_alnum(text.ptr[i]) && !strchr("-_.", text.ptr[i]))
			return "has a character other than letters, digits, "
			       "\"-\", \"_\" and \".\"";
	return NULL;
}

const char *value_path(struct text text)
{
	if (!text.len)
		return "is empty; a path beside the site file is wanted";
	if (text.ptr[0] == '/')
		return "is an absolute path; write one beside the site file (a "
		       "symbolic link there may lead anywhere)";
	if (text.ptr[text.len - 1] == '/')
		return "is a directory; a file is wanted";
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if (c < 0x20 || c == 0x7f)
			return "holds a control character";
	}
	return NULL;
}

const char *value_file_name(struct text name)
{
	if (!name.len || text_is(name, ".") || text_is(name, ".."))
		return "names no file";
	if (name.len > 200)
		return "has a file name longer than 200 characters";
	for (size_t i = 0; i < name.len; i++)
		if (!is_alnum(name.ptr[i]) && !strchr("-._~+,=@", name.ptr[i]))
			return "has a file name that cannot stand in a URL of "
			       "the boot script: letters, digits and -._~+,=@ "
			       "can; rename the file or link to it";
	if (name.len > 4 && memcmp(name.ptr + name.len - 4, ".sig", 4) == 0)
		return "ends in .sig, as the signatures do that lie beside "
		       "each file: rename it";
	return NULL;
}

const char *value_initrd_path(struct text text)
{
	size_t component = 0;
	const char *wrong;

	if (!text.len || text.ptr[0] != '/')
		return "is not an absolute path inside the initrd, as "
		       "/preseed.cfg";
	if (text.ptr[text.len - 1] == '/')
		return "is a directory; a file is wanted";
	if (text.len > 1000)
		return "is longer than 1000 characters";
	if ((wrong = quote_ipxe_refusal(text)))
		return wrong;
	for (size_t i = 1; i <= text.len; i++) {
		struct text part = { text.ptr + i - component, component };

		if (i < text.len && text.ptr[i] != '/') {
			component++;
			continue;
		}
		if (!component)
			return "has an empty component";
		if (text_is(part, ".") || text_is(part, ".."))
			return "has \".\" or \"..\" in it";
		component = 0;
	}
	return NULL;
}

const char *value_mode(struct text text, unsigned *ret_mode)
{
	unsigned mode = 0;

	if (text.len < 3 || text.len > 4)
		goto bad;
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '7')
			goto bad;
		mode = mode * 8 + (unsigned)(text.ptr[i] - '0');
	}
	*ret_mode = mode;
	return NULL;
bad:
	return "is not a file mode: write three or four octal digits, as 0600";
}

const char *value_duration(struct text text, unsigned *ret_s)
{
	static const struct {
		char letter;
		unsigned seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 } };
	unsigned number = 0, seconds = 0;

	if (text.len < 2 || text.len > 6)
		goto bad;
	for (size_t i = 0; i + 1 < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			goto bad;
		number = number * 10 + (unsigned)(text.ptr[i] - '0');
	}
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (text.ptr[text.len - 1] == units[i].letter)
			seconds = number * units[i].seconds;
	if (!seconds || seconds > 24 * 3600)
		goto bad;
	*ret_s = seconds;
	return NULL;
bad:
	return "is not a length of time up to a day: write 30s, 5m or 1h";
}

const char *value_key(struct text text)
{
	return text.len == 1 && is_alnum(text.ptr[0])
		       ? NULL
		       : "is not a key: write one letter or digit";
}

const char *value_words(struct text text)
{
	size_t begin = 0;

	if (!text.len)
		return "is empty";
	if (text.len > 200)
		return "is longer than 200 characters";
	for (size_t i = 0; i <= text.len; i++) {
		const char *wrong;

		if (i < text.len && text.ptr[i] != ' ')
			continue;
		if (begin == i)
			return "has white space at an end or in a run, which "
			       "iPXE would swallow";
		wrong = quote_ipxe_refusal(
			(struct text){ text.ptr + begin, i - begin });
		if (wrong)
			return wrong;
		begin = i + 1;
	}
	return NULL;
}

struct text text_basename(struct text path)
{
	size_t begin = path.len;

	while (begin && path.ptr[begin - 1] != '/')
		begin--;
	return (struct text){ path.ptr + begin, path.len - begin };
}
