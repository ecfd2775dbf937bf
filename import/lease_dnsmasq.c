#include "leases.h"

#include "source.h"
#include "value.h"

#include <ctype.h>
#include <strings.h>

/* A piece of a line. */
struct piece {
	const struct source *source;
	size_t begin, end;
};

static char byte(const struct piece *p, size_t i)
{
	return p->source->bytes.ptr[i];
}

static void trim(struct piece *p)
{
	while (p->begin < p->end && isspace((unsigned char)byte(p, p->begin)))
		p->begin++;
	while (p->end > p->begin && isspace((unsigned char)byte(p, p->end - 1)))
		p->end--;
}

static struct text piece_text(struct leases *l, const struct piece *p)
{
	size_t len = p->end - p->begin;

	return (struct text){ arena_copy(l->im->arena,
					 p->source->bytes.ptr + p->begin, len),
			      len };
}

static struct span piece_at(const struct piece *p)
{
	return (struct span){ p->source, (uint32_t)p->begin, (uint32_t)p->end };
}

/* A line without its comment and the white space around it; empty ones too. */
static struct piece line_at(const struct source *source, size_t line)
{
	struct text text = source_line(source, line);
	struct piece p = { source, (size_t)(text.ptr - source->bytes.ptr), 0 };

	p.end = p.begin + text.len;
	for (size_t i = p.begin; i < p.end; i++)
		if (byte(&p, i) == '#' &&
		    (i == p.begin || isspace((unsigned char)byte(&p, i - 1))))
			p.end = i;
	trim(&p);
	return p;
}

/* Splits off what stands before a separator. */
static struct piece split(struct piece *rest, char separator)
{
	struct piece first = *rest;
	bool found = false;

	for (size_t i = rest->begin; i < rest->end && !found; i++)
		if (byte(rest, i) == separator) {
			first.end = i;
			found = true;
		}
	rest->begin = found ? first.end + 1 : rest->end;
	trim(&first);
	return first;
}

/* ---------------------------------------------------------------- dhcp-host -- */

static bool is_lease_time(struct text word)
{
	size_t i = 0;

	if (text_is(word, "infinite") || text_is(word, "deprecated"))
		return true;
	while (i < word.len && isdigit((unsigned char)word.ptr[i]))
		i++;
	return i && (i == word.len ||
		     (i + 1 == word.len && strchr("smhdw", word.ptr[i])));
}

static bool has_prefix(struct text word, const char *prefix)
{
	size_t len = strlen(prefix);

	return word.len >= len && memcmp(word.ptr, prefix, len) == 0;
}

/* `aa:bb:*:*:*:*`, `06-aa:…` and the like: colons, and no legal address. */
static bool looks_like_mac(struct text word)
{
	size_t colons = 0;

	for (size_t i = 0; i < word.len; i++)
		colons += word.ptr[i] == ':';
	return colons >= 5 && *word.ptr != '[';
}

static void host_word(struct leases *l, struct lease_host *host,
		      const struct piece *p, bool *ignored)
{
	struct text word = piece_text(l, p), mac;
	struct span at = piece_at(p);

	if (!word.len)
		return;
	if (looks_like_mac(word) || !value_mac(l->im->arena, word, &mac))
		lease_mac(l, host, word, at);
	else if (lease_is_ipv4(word))
		lease_ip(l, host, word, at);
	else if (*word.ptr == '[')
		import_find(l->im, FATE_LOST, at, NULL,
			    "%s is an IPv6 address; \"ip\" of a node is an "
			    "IPv4 address",
			    diag_quote(l->im->ds, word));
	else if (text_is(word, "ignore"))
		*ignored = true;
	else if (has_prefix(word, "id:") || has_prefix(word, "set:") ||
		 has_prefix(word, "tag:") || has_prefix(word, "net:") ||
		 is_lease_time(word))
		lease_ignore(l, at, word);
	else
		lease_name(host, word, at);
}

static void read_host(struct leases *l, struct piece rest)
{
	struct lease_host host = { .at = piece_at(&rest) };
	bool ignored = false;

	while (rest.begin < rest.end) {
		struct piece word = split(&rest, ',');

		host_word(l, &host, &word, &ignored);
	}
	if (ignored)
		import_find(l->im, FATE_LOST, host.at,
			    "a machine that is no node does what unknown: says",
			    "a host that dnsmasq is told to ignore");
	else
		lease_add(l, &host);
}

/* ------------------------------------------------------------------- lines -- */

/* `[tag:…,][set:…,]START,END,NETMASK,…`: the mask tells prefix lengths. */
static void read_range(struct leases *l, struct piece rest)
{
	struct text addresses[3];
	size_t count = 0;

	while (rest.begin < rest.end && count < 3) {
		struct piece word = split(&rest, ',');
		struct text text = piece_text(l, &word);

		if (lease_is_ipv4(text))
			addresses[count++] = text;
	}
	if (count == 3)
		lease_subnet(l, addresses[0], addresses[2]);
	else if (count && has_prefix(addresses[count - 1], "255."))
		lease_subnet(l, addresses[0], addresses[count - 1]);
}

static void include(struct leases *l, struct piece value,
		    void (*read)(struct leases *, const struct source *))
{
	const struct source *source = lease_include(
		l, value.source, piece_text(l, &value), piece_at(&value));

	if (!source)
		return;
	l->depth++;
	read(l, source);
	l->depth--;
}

static void read_option(struct leases *l, struct text key, struct piece value)
{
	if (has_prefix(key, "--"))
		key = text_of(key.ptr + 2);
	if (text_is(key, "dhcp-host"))
		read_host(l, value);
	else if (text_is(key, "dhcp-range"))
		read_range(l, value);
	else if (text_is(key, "conf-file") || text_is(key, "dhcp-hostsfile"))
		include(l, value, leases_dnsmasq);
	else if (text_is(key, "conf-dir") || text_is(key, "dhcp-hostsdir"))
		import_find(l->im, FATE_TODO, piece_at(&value), NULL,
			    "a directory: name its files on the command line");
	else if (text_is(key, "read-ethers"))
		import_find(l->im, FATE_TODO, piece_at(&value), NULL,
			    "/etc/ethers: name it on the command line");
}

static bool is_option(struct text key)
{
	for (size_t i = 0; i < key.len; i++)
		if (!isalnum((unsigned char)key.ptr[i]) && key.ptr[i] != '-')
			return false;
	return key.len;
}

/* A line of a configuration, or of a dhcp-hostsfile: then without its key. */
static void read_line(struct leases *l, struct piece line)
{
	struct piece value = line, key = split(&value, '=');

	trim(&value);
	if (value.begin < value.end && is_option(piece_text(l, &key)))
		read_option(l, piece_text(l, &key), value);
	else if (key.end == line.end && is_option(piece_text(l, &line)))
		read_option(l, piece_text(l, &line), line);
	else
		read_host(l, line);
}

void leases_dnsmasq(struct leases *l, const struct source *source)
{
	for (size_t i = 1; i <= source->line_count; i++) {
		struct piece line = line_at(source, i);

		if (line.begin < line.end)
			read_line(l, line);
	}
}

/* ------------------------------------------------------------------ ethers -- */

static void read_ether(struct leases *l, struct piece line)
{
	struct lease_host host = { .at = piece_at(&line) };
	struct piece mac = line, value = line;

	while (mac.begin + 1 < mac.end &&
	       !isspace((unsigned char)byte(&line, value.begin)) &&
	       value.begin < line.end)
		value.begin++;
	mac.end = value.begin;
	trim(&value);
	if (value.begin >= value.end) {
		diag_at(l->im->ds, DIAG_E901, piece_at(&line),
			"a MAC address and a name were expected");
		return;
	}
	lease_mac(l, &host, piece_text(l, &mac), piece_at(&mac));
	if (lease_is_ipv4(piece_text(l, &value)))
		lease_ip(l, &host, piece_text(l, &value), piece_at(&value));
	else
		lease_name(&host, piece_text(l, &value), piece_at(&value));
	lease_add(l, &host);
}

void leases_ethers(struct leases *l, const struct source *source)
{
	for (size_t i = 1; i <= source->line_count; i++) {
		struct piece line = line_at(source, i);

		if (line.begin < line.end)
			read_ether(l, line);
	}
}
