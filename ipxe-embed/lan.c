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
	const struct machine *machine;
	VEC(struct url) urls;
	uint32_t near; /* the first of the 256; host byte order */
	bool taken[NEAR];
	/* Where the machine looks for others without asking its router. */
	uint32_t subnet, subnet_mask;   /* mask 0: DHCP says */
	uint32_t ip, gateway, dns, ntp; /* as the site says; 0: it does not */
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

/* @return 0 if it is none, as for a name */
static uint32_t address_of(struct text text)
{
	char copy[INET_ADDRSTRLEN] = "";
	struct in_addr address;
	size_t len = text.ptr ? strcspn(text.ptr, "/") : 0;

	if (len >= sizeof(copy))
		return 0;
	memcpy(copy, text.ptr ? text.ptr : "", len);
	return inet_pton(AF_INET, copy, &address) == 1 ? ntohl(address.s_addr)
						       : 0;
}

static void read_uplink(struct planner *p)
{
	const struct uplink *uplink = p->machine->uplink;

	p->ip = address_of(uplink->ip);
	p->gateway = address_of(uplink->gateway);
	p->ntp = address_of(uplink->ntp);
	if (uplink->server_count)
		p->dns = address_of(uplink->servers[0]);
	p->subnet_mask = address_of(uplink->netmask);
	p->subnet = p->ip & p->subnet_mask;
	if (uplink->vlan.ptr)
		p->lan->vlan = (uint16_t)strtoul(uplink->vlan.ptr, NULL, 10);
}

/* Whether the machine reaches an address without a router. */
static bool is_in_subnet(const struct planner *p, uint32_t address)
{
	return (address & p->subnet_mask) == p->subnet;
}

static void mark_taken(struct planner *p, uint32_t address)
{
	if (address - p->near < NEAR)
		p->taken[address - p->near] = true;
}

static void choose_near(struct planner *p)
{
	const struct node *node = p->machine->node;
	uint32_t address = node ? address_of(node->ip.text) : 0;

	if (!address)
		address = 0x0a000200; /* 10.0.2.0, as usual with QEMU */
	for (size_t i = p->urls.count; i-- > 0;)
		if (!p->urls.at[i].named)
			address = ntohl(p->urls.at[i].address.s_addr);
	if (p->ip)
		address = p->ip;
	p->near = address & ~(uint32_t)(NEAR - 1);
	mark_taken(p, p->near);            /* net */
	mark_taken(p, p->near + NEAR - 1); /* broadcast */
	if (p->ip) {
		mark_taken(p, p->subnet);
		mark_taken(p, p->subnet | ~p->subnet_mask);
	}
	mark_taken(p, p->ip);
	mark_taken(p, p->gateway);
	mark_taken(p, p->dns);
	mark_taken(p, p->ntp);
	vec_foreach (const struct url, url, &p->urls)
		if (!url->named)
			mark_taken(p, ntohl(url->address.s_addr));
}

/* Widen the net until an address is in it. */
static bool reach(struct planner *p, unsigned *prefix, uint32_t address,
		  const char *what)
{
	while (*prefix >= PREFIX_MIN &&
	       (address ^ p->near) & 0xffffffffu << (32 - *prefix))
		--*prefix;
	if (*prefix >= PREFIX_MIN)
		return true;
	sbuf_printf(p->why,
		    "%s: too far from the address of the %s for one virtual "
		    "network",
		    what, p->ip ? "machine" : "first URL");
	return false;
}

/* As narrow as can be with all servers in it: then none is behind a router. */
static bool choose_net(struct planner *p)
{
	const struct {
		uint32_t address;
		const char *what;
	} others[] = {
		{ p->gateway, "the router" },
		{ p->dns, "the name server" },
		{ p->ntp, "the time server" },
	};
	unsigned prefix = PREFIX_NEAR;
	uint32_t mask;

	vec_foreach (const struct url, url, &p->urls)
		if (!url->named &&
		    !reach(p, &prefix, ntohl(url->address.s_addr), url->text))
			return false;
	/* Those that are not in its subnet are asked for by way of the router,
	 * who knows the answer. */
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (others[i].address && p->ip &&
		    is_in_subnet(p, others[i].address) &&
		    !reach(p, &prefix, others[i].address, others[i].what))
			return false;
	mask = 0xffffffffu << (32 - prefix);
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

/* One that the machine finds, if it has a subnet of its own. */
static bool take_one(struct planner *p, struct in_addr *ret_address)
{
	uint32_t at = take(p, 1, 1);

	while (at && !is_in_subnet(p, p->near + at))
		at = take(p, 1, 1);
	ret_address->s_addr = htonl(p->near + at);
	if (!at)
		sbuf_printf(p->why, "the site has too many URLs for one "
				    "virtual network");
	return at;
}

static bool place_machines(struct planner *p)
{
	const struct node *node = p->machine->node;
	uint32_t wanted = node ? address_of(node->ip.text) : 0;
	uint32_t at, from = MACHINES_FROM;

	if (wanted - p->near < NEAR &&
	    is_free(p, wanted - p->near, LAN_MACHINES))
		from = wanted - p->near;
	at = take(p, from, LAN_MACHINES);
	p->lan->first.s_addr = htonl(p->near + at);
	if (!at)
		sbuf_printf(p->why, "the addresses of the site's URLs leave no "
				    "room for machines");
	return at;
}

static bool is_in_net(const struct planner *p, uint32_t address)
{
	return !((htonl(address) ^ p->lan->net.s_addr) & p->lan->mask.s_addr);
}

static bool is_server(const struct planner *p, uint32_t address)
{
	vec_foreach (const struct url, url, &p->urls)
		if (!url->named && ntohl(url->address.s_addr) == address)
			return true;
	return false;
}

/* Where the site says, if it does and nobody else is there; or anywhere. */
static bool place(struct planner *p, uint32_t said, struct in_addr *ret_address)
{
	if (!said || !is_in_net(p, said) || is_server(p, said) ||
	    said == ntohl(p->lan->router.s_addr))
		return take_one(p, ret_address);
	ret_address->s_addr = htonl(said);
	return true;
}

static bool place_helpers(struct planner *p)
{
	struct lan *lan = p->lan;

	if (!place(p, p->gateway, &lan->router) ||
	    !place(p, p->dns, &lan->nameserver))
		return false;
	if (p->ntp && is_in_net(p, p->ntp) && !is_server(p, p->ntp) &&
	    p->ntp != ntohl(lan->router.s_addr) &&
	    p->ntp != ntohl(lan->nameserver.s_addr))
		lan->timeserver.s_addr = htonl(p->ntp);
	return true;
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
	const struct text ntp = p->machine->uplink->ntp;
	struct url timeserver = { .host = ntp.ptr };

	vec_foreach (struct url, url, &p->urls) {
		if (url->named && !place_name(p, url))
			return false;
	}
	if (!ntp.ptr || p->ntp)
		return true;
	if (!place_name(p, &timeserver))
		return false;
	p->lan->timeserver = timeserver.address;
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
	      const struct machine *machine, struct lan *ret_lan,
	      struct sbuf *why)
{
	struct lan lan = { 0 };
	struct planner p = {
		.arena = arena, .lan = &lan, .why = why, .machine = machine
	};

	if (!read_urls(&p, &site->urls) || !read_urls(&p, &site->assets))
		return false;
	read_uplink(&p);
	choose_near(&p);
	if (!choose_net(&p) || !place_machines(&p) || !place_helpers(&p) ||
	    !place_names(&p) || !place_servers(&p))
		return false;
	*ret_lan = lan;
	return true;
}
