#include "leases.h"

#include "sbuf.h"
#include "source.h"
#include "value.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

/* ----------------------------------------------------------------- words -- */

static struct span place(const struct source *source, size_t begin, size_t end)
{
	return (struct span){ source, (uint32_t)begin, (uint32_t)end };
}

/* Behind white space and comments; ends of lines stay if they count. */
static size_t skip(const struct lease_lexer *x)
{
	struct text bytes = x->source->bytes;
	size_t i = x->next;

	while (i < bytes.len) {
		char c = bytes.ptr[i];

		if (c == '\n' && x->lines)
			break;
		if (c == '#') {
			while (i < bytes.len && bytes.ptr[i] != '\n')
				i++;
		} else if (c == '/' && i + 1 < bytes.len &&
			   bytes.ptr[i + 1] == '*') {
			const char *end = memmem(bytes.ptr + i + 2,
						 bytes.len - i - 2, "*/", 2);

			i = end ? (size_t)(end - bytes.ptr) + 2 : bytes.len;
		} else if (isspace((unsigned char)c)) {
			i++;
		} else {
			break;
		}
	}
	return i;
}

static enum lease_token punctuation(const struct lease_lexer *x, char c)
{
	switch (c) {
	case '{':
		return TOKEN_OPEN;
	case '}':
		return TOKEN_CLOSE;
	case '\n':
		return x->lines ? TOKEN_NEWLINE : TOKEN_WORD;
	case ';':
		return x->lines ? TOKEN_WORD : TOKEN_SEMICOLON;
	default:
		return TOKEN_WORD;
	}
}

static bool ends_word(const struct lease_lexer *x, char c)
{
	return isspace((unsigned char)c) || c == '"' || c == '#' ||
	       (c == ',' && x->commas) || punctuation(x, c) != TOKEN_WORD;
}

static size_t quoted_end(struct text bytes, size_t begin)
{
	char quote = bytes.ptr[begin];
	size_t i = begin + 1;

	while (i < bytes.len && bytes.ptr[i] != quote && bytes.ptr[i] != '\n')
		i += bytes.ptr[i] == '\\' && i + 1 < bytes.len ? 2 : 1;
	return i < bytes.len ? i : bytes.len;
}

struct lease_word lease_next(struct lease_lexer *x, struct arena *arena)
{
	struct text bytes = x->source->bytes;
	size_t begin = skip(x), end = begin, inside = begin;
	struct lease_word word = { 0 };

	while (begin < bytes.len && x->commas && bytes.ptr[begin] == ',') {
		x->next = begin + 1;
		begin = end = inside = skip(x);
	}
	if (begin >= bytes.len) {
		x->next = bytes.len;
		word.at = place(x->source, bytes.len, bytes.len);
		return word;
	}
	word.token = punctuation(x, bytes.ptr[begin]);
	if (word.token != TOKEN_WORD) {
		x->next = begin + 1;
		word.at = place(x->source, begin, begin + 1);
		return word;
	}
	if (bytes.ptr[begin] == '"' || (bytes.ptr[begin] == '\'' && x->lines)) {
		inside = begin + 1;
		end = quoted_end(bytes, begin);
		x->next = end < bytes.len ? end + 1 : end;
	} else {
		while (end < bytes.len && !ends_word(x, bytes.ptr[end]))
			end++;
		end += end == begin; /* never stand still */
		x->next = end;
	}
	if (inside > end)
		inside = end;
	word.text.len = end - inside;
	word.text.ptr = arena_copy(arena, bytes.ptr + inside, word.text.len);
	word.at = place(x->source, begin, x->next);
	return word;
}

/* ----------------------------------------------------------------- values -- */

static bool ipv4(struct text word, uint32_t *ret)
{
	char text[INET_ADDRSTRLEN];
	struct in_addr address;

	if (!word.len || word.len >= sizeof(text))
		return false;
	memcpy(text, word.ptr, word.len);
	text[word.len] = '\0';
	if (strlen(text) != word.len || inet_pton(AF_INET, text, &address) != 1)
		return false;
	*ret = ntohl(address.s_addr);
	return true;
}

bool lease_is_ipv4(struct text word)
{
	uint32_t address;

	return ipv4(word, &address);
}

/* "52:54:0:0:0:1", as some programs allow. */
static struct text full_mac(struct leases *l, struct text word)
{
	struct sbuf full = { 0 };
	size_t part = 0;

	for (size_t i = 0; i <= word.len; i++) {
		if (i < word.len && word.ptr[i] != ':') {
			part++;
			continue;
		}
		if (part == 1)
			sbuf_putc(&full, '0');
		sbuf_add(&full, word.ptr + i - part, part);
		if (i < word.len)
			sbuf_putc(&full, ':');
		part = 0;
	}
	word = import_text(l->im, &full);
	sbuf_release(&full);
	return word;
}

bool lease_mac(struct leases *l, struct lease_host *host, struct text word,
	       struct span at)
{
	struct lease_value mac = { .at = at };
	const char *wrong =
		value_mac(l->im->arena, full_mac(l, word), &mac.text);

	if (wrong) {
		host->refused = true;
		import_find(l->im, FATE_LOST, at, NULL, "%s %s",
			    diag_quote(l->im->ds, word), wrong);
		return false;
	}
	vec_foreach (struct lease_value, other, &host->macs)
		if (text_equal(other->text, mac.text))
			return true;
	*vec_push(l->im->arena, &host->macs) = mac;
	return true;
}

void lease_ip(struct leases *l, struct lease_host *host, struct text word,
	      struct span at)
{
	if (!lease_is_ipv4(word))
		import_find(l->im, FATE_LOST, at, NULL,
			    "%s is no IPv4 address, which \"ip\" of a node is",
			    diag_quote(l->im->ds, word));
	else if (host->ip.text.ptr)
		import_find(l->im, FATE_LOST, at, NULL,
			    "%s is another address; a node has one", word.ptr);
	else
		host->ip = (struct lease_value){ word, at };
}

void lease_name(struct lease_host *host, struct text word, struct span at)
{
	if (!host->name.text.ptr && word.len)
		host->name = (struct lease_value){ word, at };
}

void lease_ignore(struct leases *l, struct span at, struct text what)
{
	import_find(l->im, FATE_IGNORED, at, NULL,
		    "%s is between the host and its DHCP server",
		    diag_quote(l->im->ds, what));
}

void lease_subnet(struct leases *l, struct text address, struct text prefix)
{
	const char *slash = memchr(address.ptr, '/', address.len);
	struct lease_subnet subnet = { 0 };
	uint32_t mask;

	if (slash) {
		size_t len = (size_t)(slash - address.ptr);

		prefix = (struct text){ slash + 1, address.len - len - 1 };
		address.len = len;
	}
	if (!ipv4(address, &subnet.address))
		return;
	if (ipv4(prefix, &mask)) {
		while (mask & 0x80000000u) {
			subnet.prefix++;
			mask <<= 1;
		}
	} else {
		subnet.prefix = 0;
		for (size_t i = 0; i < prefix.len; i++) {
			if (!isdigit((unsigned char)prefix.ptr[i]) ||
			    subnet.prefix > 32)
				return;
			subnet.prefix = subnet.prefix * 10 +
					(unsigned)(prefix.ptr[i] - '0');
		}
	}
	if (subnet.prefix >= 1 && subnet.prefix <= 32)
		*vec_push(l->im->arena, &l->subnets) = subnet;
}

/* The most precise network that holds an address; 0 if none is known. */
static unsigned prefix_of(const struct leases *l, struct text word)
{
	uint32_t address = 0;
	unsigned best = 0;

	ipv4(word, &address);
	for (size_t i = 0; i < l->subnets.count; i++) {
		const struct lease_subnet *s = &l->subnets.at[i];
		uint32_t mask = 0xffffffffu << (32 - s->prefix);

		if (s->prefix > best && !((address ^ s->address) & mask))
			best = s->prefix;
	}
	return best;
}

const struct source *lease_include(struct leases *l, const struct source *from,
				   struct text path, struct span at)
{
	const char *slash = strrchr(from->path.ptr, '/');
	const char *full = path.ptr;
	struct sbuf bytes = { 0 };
	const struct source *source = NULL;
	int error;

	if (*path.ptr != '/' && slash)
		full = arena_printf(l->im->arena, "%.*s/%s",
				    (int)(slash - from->path.ptr),
				    from->path.ptr, path.ptr);
	error = l->depth >= LEASE_INCLUDE_DEPTH_MAX ? -ELOOP
		: l->im->read ? l->im->read(l->im->ctx, full, SOURCE_BYTES_MAX,
					    &bytes)
			      : -ENOENT;
	if (error == -ENOENT || error == -EACCES)
		import_find(l->im, FATE_LOST, at,
			    "if it has hosts, bring it to where it is looked "
			    "for, and import again",
			    "%s: %s", full, strerror(-error));
	else if (error)
		diag_at(l->im->ds, DIAG_E901, at, "cannot read %s: %s", full,
			strerror(-error));
	else
		source = source_new(l->im->arena, full, sbuf_text(&bytes),
				    bytes.len);
	sbuf_release(&bytes);
	return source;
}

/* ------------------------------------------------------------------ hosts -- */

void lease_add(struct leases *l, const struct lease_host *host)
{
	if (!host->macs.count && host->refused)
		return;
	if (!host->macs.count) {
		import_find(l->im, FATE_LOST, host->at,
			    "a node is known by its mac, uuid or serial",
			    "a host without a MAC address");
		return;
	}
	import_find(l->im, FATE_CARRIED, host->at, NULL, "is a node");
	*vec_push(l->im->arena, &l->hosts) = *host;
}

static bool same_value(const struct lease_value *a, const struct lease_value *b)
{
	if (!a->text.ptr || !b->text.ptr)
		return !a->text.ptr && !b->text.ptr;
	return text_equal(a->text, b->text);
}

/* Two hosts with the same name and address: two network cards of one. */
static bool is_same_machine(const struct lease_host *a,
			    const struct lease_host *b)
{
	return a->name.text.ptr && same_value(&a->name, &b->name) &&
	       same_value(&a->ip, &b->ip);
}

static void report_twice(struct leases *l, const struct lease_value *mac,
			 const struct lease_value *before)
{
	struct diag *diag =
		diag_at(l->im->ds, DIAG_E902, mac->at,
			"%s is another host's already", mac->text.ptr);

	diag_note_at(l->im->ds, diag, before->at, "the first one is here");
	diag_help(l->im->ds, diag, "take one of them out");
}

/* A DHCP server may have an address for one card in each of its networks. */
static bool in_other_network(const struct leases *l, const struct lease_host *a,
			     const struct lease_host *b)
{
	unsigned prefix = prefix_of(l, a->ip.text);
	unsigned other = prefix_of(l, b->ip.text);
	uint32_t x = 0, y = 0;

	if (!prefix || !other)
		return false;
	ipv4(a->ip.text, &x);
	ipv4(b->ip.text, &y);
	return prefix != other || (x ^ y) >> (32 - prefix);
}

static void report_moved(struct leases *l, const struct lease_host *owner,
			 const struct lease_host *host,
			 const struct lease_value *mac)
{
	struct text name =
		owner->name.text.ptr ? owner->name.text : owner->ip.text;

	import_find(l->im, FATE_CHANGED, mac->at, NULL,
		    "%s is %s already, in another network: its node has the "
		    "address there, not %s",
		    mac->text.ptr, diag_quote(l->im->ds, name),
		    host->ip.text.ptr);
}

struct owner {
	size_t host;
	const struct lease_value *mac;
};

/* Whoever has a MAC address already must be the same machine.
 * @return whether nobody has it yet */
static bool claim(struct leases *l, struct map *owners, size_t index,
		  const struct lease_value *mac)
{
	struct lease_host *host = &l->hosts.at[index];
	void **at = map_at(owners, mac->text);
	struct owner *owner = *at;

	if (!owner) {
		owner = arena_new(l->im->arena, struct owner);
		owner->host = index;
		owner->mac = mac;
		*at = owner;
		return true;
	}
	if (in_other_network(l, &l->hosts.at[owner->host], host))
		report_moved(l, &l->hosts.at[owner->host], host, mac);
	else if (!is_same_machine(&l->hosts.at[owner->host], host))
		report_twice(l, mac, owner->mac);
	else if (owner->host != index)
		import_find(l->im, FATE_IGNORED, mac->at, NULL,
			    "%s is named a second time", mac->text.ptr);
	return false;
}

/* Nodes by name and address: a second card joins the first. */
static struct lease_host *merge_into(struct leases *l, struct map *machines,
				     struct lease_host *host)
{
	const char *key;
	void **at;

	if (!host->name.text.ptr)
		return host;
	key = arena_printf(l->im->arena, "%s %s", host->name.text.ptr,
			   host->ip.text.ptr ? host->ip.text.ptr : "");
	at = map_at(machines, text_of(key));
	if (!*at)
		*at = host;
	return *at;
}

static void check_addresses(struct leases *l, struct map *addresses,
			    struct lease_host *host)
{
	const struct lease_host *other;
	void **at;

	if (!host->ip.text.ptr)
		return;
	at = map_at(addresses, host->ip.text);
	other = *at;
	if (other)
		import_find(l->im, FATE_TODO, host->ip.at, NULL,
			    "%s is the address of %s, too", host->ip.text.ptr,
			    other->node.ptr);
	else
		*at = host;
}

static struct text default_name(struct leases *l, const struct lease_host *host)
{
	struct text from =
		host->ip.text.ptr ? host->ip.text : host->macs.at[0].text;
	char *name = arena_printf(l->im->arena, "host-%s", from.ptr);

	for (char *c = name; *c; c++)
		if (*c == '.' || *c == ':')
			*c = '-';
	return text_of(name);
}

static void name_node(struct leases *l, struct map *names,
		      struct lease_host *host)
{
	struct text wanted =
		host->name.text.ptr ? host->name.text : default_name(l, host);
	struct lease_value *from =
		host->name.text.ptr ? &host->name : &host->macs.at[0];

	host->node = import_name(l->im, names, wanted, "host");
	if (!text_equal(host->node, wanted) || !host->name.text.ptr)
		import_find(l->im, FATE_CHANGED, from->at, NULL,
			    host->name.text.ptr ? "%s is called %s"
						: "%s, without a name, is "
						  "called %s",
			    diag_quote(l->im->ds, from->text), host->node.ptr);
}

/* ----------------------------------------------------------------- output -- */

static int compare_hosts(const void *a, const void *b)
{
	const struct lease_host *x = *(const struct lease_host *const *)a;
	const struct lease_host *y = *(const struct lease_host *const *)b;

	return text_compare(x->node, y->node);
}

static void put_host(struct leases *l, const struct lease_host *host,
		     struct sbuf *out)
{
	unsigned prefix = prefix_of(l, host->ip.text);

	sbuf_puts(out, "  ");
	import_put_scalar(out, host->node);
	sbuf_puts(out, host->macs.count > 1 ? ": { mac: [" : ": { mac: ");
	for (size_t i = 0; i < host->macs.count; i++)
		sbuf_printf(out, "%s%s", i ? ", " : "",
			    host->macs.at[i].text.ptr);
	if (host->macs.count > 1)
		sbuf_putc(out, ']');
	if (host->ip.text.ptr)
		sbuf_printf(out, ", ip: %s", host->ip.text.ptr);
	if (host->ip.text.ptr && prefix)
		sbuf_printf(out, "/%u", prefix);
	if (l->group)
		sbuf_printf(out, ", groups: [%s]", l->group);
	sbuf_puts(out, " }\n");
	if (host->ip.text.ptr && !prefix)
		import_find(l->im, FATE_TODO, host->ip.at, NULL,
			    "%s: no network is known that holds it, so it has "
			    "no prefix length",
			    host->ip.text.ptr);
}

static void put_nodes(struct leases *l, struct lease_host **nodes, size_t count,
		      const char *file)
{
	struct import_output *output = vec_push(l->im->arena, &l->im->outputs);
	struct sbuf out = { 0 };

	sbuf_printf(&out,
		    "# Made from the static hosts of a DHCP server by "
		    "ipxe-embed; in the site file:\n"
		    "# include: [%s]\n\nnodes:\n",
		    file);
	if (count)
		qsort(nodes, count, sizeof(*nodes), compare_hosts);
	for (size_t i = 0; i < count; i++)
		put_host(l, nodes[i], &out);
	output->path = text_of(file);
	output->bytes = import_text(l->im, &out);
	sbuf_release(&out);
}

/* The cards of a host that no machine before it has, as those of its node. */
static void take_cards(struct leases *l, struct map *owners, size_t index,
		       struct lease_host *node)
{
	struct lease_host *host = &l->hosts.at[index];
	const size_t count = host->macs.count;

	if (node == host)
		host->macs.count = 0;
	for (size_t i = 0; i < count; i++) {
		struct lease_value *mac =
			arena_new(l->im->arena, struct lease_value);

		*mac = host->macs.at[i];
		if (claim(l, owners, index, mac))
			*vec_push(l->im->arena, &node->macs) = *mac;
	}
}

static void leases_write(struct leases *l, const char *file)
{
	struct arena *arena = l->im->arena;
	struct map owners = { .arena = arena }, machines = { .arena = arena };
	struct map names = { .arena = arena }, addresses = { .arena = arena };
	VEC(struct lease_host *) nodes = { 0 };

	for (size_t i = 0; i < l->hosts.count; i++) {
		struct lease_host *host = &l->hosts.at[i];
		struct lease_host *first = merge_into(l, &machines, host);

		take_cards(l, &owners, i, first);
		if (first != host)
			host->macs.count = 0;
	}
	vec_foreach (struct lease_host, host, &l->hosts) {
		if (!host->macs.count)
			continue;
		name_node(l, &names, host);
		check_addresses(l, &addresses, host);
		*vec_push(arena, &nodes) = host;
	}
	put_nodes(l, nodes.at, nodes.count, file);
	l->im->summary =
		arena_printf(arena, "%zu host%s became %zu node%s",
			     l->hosts.count, l->hosts.count == 1 ? "" : "s",
			     nodes.count, nodes.count == 1 ? "" : "s");
}

/* ---------------------------------------------------------------- formats -- */

const char *const lease_formats[] = { "auto",   "dhcpd", "kea", "dnsmasq",
				      "ethers", "vyos",  NULL };

static void (*const readers[])(struct leases *l,
			       const struct source *source) = {
	[LEASE_AUTO] = NULL,
	[LEASE_DHCPD] = leases_dhcpd,
	[LEASE_KEA] = leases_kea,
	[LEASE_DNSMASQ] = leases_dnsmasq,
	[LEASE_ETHERS] = leases_ethers,
	[LEASE_VYOS] = leases_vyos,
};

/* What gives a file away; the first that occurs decides. */
static const struct {
	const char *words;
	enum lease_format format;
} signs[] = {
	{ "\"Dhcp4\"", LEASE_KEA },           { "\"Dhcp6\"", LEASE_KEA },
	{ "\"reservations\"", LEASE_KEA },    { "static-mapping ", LEASE_VYOS },
	{ "dhcp-host", LEASE_DNSMASQ },       { "dhcp-range", LEASE_DNSMASQ },
	{ "hardware ethernet", LEASE_DHCPD }, { "host ", LEASE_DHCPD },
	{ "subnet ", LEASE_DHCPD },
};

/* A line that begins with a MAC address: behind a comma dnsmasq goes on, behind
 * white space /etc/ethers. */
static enum lease_format format_of_lines(struct arena *arena,
					 const struct source *source)
{
	for (size_t i = 1; i <= source->line_count; i++) {
		struct text line = source_line(source, i), mac;

		for (size_t len = 0; len < line.len; len++) {
			char c = line.ptr[len];

			if (c != ',' && c != ' ' && c != '\t')
				continue;
			line.len = len;
			if (!value_mac(arena, line, &mac))
				return c == ',' ? LEASE_DNSMASQ : LEASE_ETHERS;
			break;
		}
	}
	return LEASE_AUTO;
}

static enum lease_format format_of(struct arena *arena,
				   const struct source *source)
{
	struct text bytes = source->bytes;

	for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++)
		if (bytes.len && memmem(bytes.ptr, bytes.len, signs[i].words,
					strlen(signs[i].words)))
			return signs[i].format;
	return format_of_lines(arena, source);
}

bool import_leases(struct import *im, const struct import_files *files,
		   enum lease_format format, const char *group,
		   const char *output)
{
	struct leases l = { .im = im, .group = group };

	for (size_t i = 0; i < files->count; i++) {
		const struct source *source = files->at[i].source;
		enum lease_format own =
			format ? format : format_of(im->arena, source);

		if (own)
			readers[own](&l, source);
		else
			diag_at(im->ds, DIAG_E900, place(source, 0, 0),
				"nothing here looks like static hosts of dhcpd, "
				"Kea, dnsmasq, EdgeOS or VyOS");
	}
	if (!l.hosts.count && !im->ds->errors)
		diag_at(im->ds, DIAG_E900, (struct span){ 0 },
			"no static host with a MAC address in any of the "
			"files");
	if (!im->ds->errors)
		leases_write(&l, output);
	return !im->ds->errors;
}
