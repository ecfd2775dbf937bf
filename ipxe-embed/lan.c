#include "lan.h"

#include "ir.h"
#include "sbuf.h"
#include "vec.h"

#include <arpa/inet.h>
#include <stdlib.h>

/* Whom we give an address is among the 256 around that of the first server. */
enum { NEAR = 256, PREFIX_NEAR = 24, PREFIX_MIN = 8, MACHINES_FROM = 128 };

/* A base URL of the site, taken apart. */
struct url {
	const char *text;
	const char *host;
	bool named; /* host is a name, which gets an address */
	struct in_addr address;
	uint16_t port;
	bool secret;
	const char *prefix;
};

struct planner {
	struct arena *arena;
	struct lan *lan;
	struct sbuf *why;
	VEC(struct url) urls;
	uint32_t near; /* the first of the 256; host byte order */
	bool taken[NEAR];
};

/* ----------------------------------------------------------------- URLs -- */

/* What value_url() has let through, in its canonical form. */
static struct url url_parse(struct arena *arena, const char *text)
{
	struct url url = { .text = text, .secret = text[4] == 's' };
	const char *host = strstr(text, "://") + 3;
	const char *end = host + strcspn(host, *host == '[' ? "]" : ":/");

	url.host = arena_copy(arena, host, (size_t)(end - host));
	end += *end == ']';
	url.port = url.secret ? 443 : 80;
	if (*end == ':')
		url.port = (uint16_t)strtoul(end + 1, NULL, 10);
	url.prefix = end + strcspn(end, "/");
	url.named = inet_pton(AF_INET, url.host, &url.address) != 1;
	return url;
}

static bool read_urls(struct planner *p, const struct located_list *urls)
{
	for (size_t i = 0; i < urls->count; i++) {
		struct url url = url_parse(p->arena, urls->at[i].text.ptr);

		if (*url.host == '[') {
			sbuf_printf(p->why,
				    "%s: the virtual network of a trial has no "
				    "IPv6",
				    url.text);
			return false;
		}
		*vec_push(p->arena, &p->urls) = url;
	}
	return true;
}

/* ------------------------------------------------------------ addresses -- */

static bool node_address(const struct node *node, uint32_t *ret_address)
{
	char text[INET_ADDRSTRLEN] = "";
	struct in_addr address;
	size_t len;

	if (!node || !node->ip.text.ptr)
		return false;
	len = strcspn(node->ip.text.ptr, "/");
	if (len >= sizeof(text))
		return false;
	memcpy(text, node->ip.text.ptr, len);
	if (inet_pton(AF_INET, text, &address) != 1)
		return false;
	*ret_address = ntohl(address.s_addr);
	return true;
}

static void choose_near(struct planner *p, const struct node *node)
{
	uint32_t address = 0x0a000200; /* 10.0.2.0, as usual with QEMU */

	node_address(node, &address);
	for (size_t i = p->urls.count; i-- > 0;)
		if (!p->urls.at[i].named)
			address = ntohl(p->urls.at[i].address.s_addr);
	p->near = address & ~(uint32_t)(NEAR - 1);
	p->taken[0] = p->taken[NEAR - 1] = true; /* net, broadcast */
	vec_foreach (const struct url, url, &p->urls) {
		address = ntohl(url->address.s_addr);
		if (!url->named && address - p->near < NEAR)
			p->taken[address - p->near] = true;
	}
}

/* As narrow as can be with all servers in it: then none is behind a router. */
static bool choose_net(struct planner *p)
{
	unsigned prefix = PREFIX_NEAR;
	uint32_t mask = 0;

	vec_foreach (const struct url, url, &p->urls) {
		for (; prefix >= PREFIX_MIN; prefix--) {
			mask = 0xffffffffu << (32 - prefix);
			if (url->named ||
			    !((ntohl(url->address.s_addr) ^ p->near) & mask))
				break;
		}
		if (prefix < PREFIX_MIN) {
			sbuf_printf(p->why,
				    "%s: too far from the address of the first "
				    "URL for one virtual network",
				    url->text);
			return false;
		}
	}
	p->lan->mask.s_addr = htonl(mask);
	p->lan->net.s_addr = htonl(p->near & mask);
	return true;
}

static bool is_free(const struct planner *p, uint32_t from, uint32_t count)
{
	if (from + count > NEAR)
		return false;
	for (uint32_t i = from; i < from + count; i++)
		if (p->taken[i])
			return false;
	return true;
}

/* @return 0 if there is none */
static uint32_t take(struct planner *p, uint32_t from, uint32_t count)
{
	for (uint32_t i = 0; i < NEAR; i++) {
		uint32_t at = (from + i) % NEAR;

		if (!is_free(p, at, count))
			continue;
		memset(&p->taken[at], true, count);
		return at;
	}
	return 0;
}

static bool take_one(struct planner *p, struct in_addr *ret_address)
{
	uint32_t at = take(p, 1, 1);

	ret_address->s_addr = htonl(p->near + at);
	if (!at)
		sbuf_printf(p->why, "the site has too many URLs for one "
				    "virtual network");
	return at;
}

static bool place_machines(struct planner *p, const struct node *node)
{
	uint32_t at, from = MACHINES_FROM, wanted;

	if (node_address(node, &wanted) && wanted - p->near < NEAR &&
	    is_free(p, wanted - p->near, LAN_MACHINES))
		from = wanted - p->near;
	at = take(p, from, LAN_MACHINES);
	p->lan->first.s_addr = htonl(p->near + at);
	if (!at)
		sbuf_printf(p->why, "the addresses of the site's URLs leave no "
				    "room for machines");
	return at;
}

static bool place_name(struct planner *p, struct url *url)
{
	struct lan *lan = p->lan;

	for (size_t i = 0; i < lan->names.count; i++) {
		if (strcmp(lan->names.at[i].name, url->host) != 0)
			continue;
		url->address = lan->names.at[i].address;
		return true;
	}
	if (!take_one(p, &url->address))
		return false;
	*vec_push(p->arena, &lan->names) =
		(struct dns_name){ url->host, url->address };
	return true;
}

static bool place_names(struct planner *p)
{
	vec_foreach (struct url, url, &p->urls) {
		if (url->named && !place_name(p, url))
			return false;
	}
	return true;
}

/* -------------------------------------------------------------- servers -- */

static struct lan_server *server_of(struct planner *p, const struct url *url)
{
	struct lan_server *server;

	vec_foreach (struct lan_server, known, &p->lan->servers) {
		if (known->address.s_addr == url->address.s_addr &&
		    known->port == url->port)
			return known;
	}
	server = vec_push(p->arena, &p->lan->servers);
	server->address = url->address;
	server->port = url->port;
	server->secret = url->secret;
	return server;
}

static bool place_servers(struct planner *p)
{
	vec_foreach (const struct url, url, &p->urls) {
		struct lan_server *server = server_of(p, url);

		if (server->secret != url->secret) {
			sbuf_printf(p->why,
				    "%s: another URL of the site has the same "
				    "host and port, but is %s://",
				    url->text,
				    server->secret ? "https" : "http");
			return false;
		}
		*vec_push(p->arena, &server->prefixes) = url->prefix;
	}
	return true;
}

bool lan_plan(struct arena *arena, const struct site *site,
	      const struct node *node, struct lan *ret_lan, struct sbuf *why)
{
	struct lan lan = { 0 };
	struct planner p = { .arena = arena, .lan = &lan, .why = why };

	if (!read_urls(&p, &site->urls) || !read_urls(&p, &site->assets))
		return false;
	choose_near(&p, node);
	if (!choose_net(&p) || !place_machines(&p, node) ||
	    !take_one(&p, &lan.router) || !take_one(&p, &lan.nameserver) ||
	    !place_names(&p) || !place_servers(&p))
		return false;
	*ret_lan = lan;
	return true;
}
