#ifndef PROGRAM_LAN_H
#define PROGRAM_LAN_H
/**
 * @file
 * Who has which address in the network of a trial: every server that the site
 * names is there, at its own address and port; one that is known by name gets
 * an address.
 */
#include "dns.h"
#include "vec.h"

#include <stdint.h>

struct node;
struct sbuf;
struct site;

/** One web server; several base URLs of the site may lie on it. */
struct lan_server {
	struct in_addr address;
	uint16_t port;
	bool secret;                /**< https://, else http:// */
	VEC(const char *) prefixes; /**< directories: "/", "/boot/" */
};

struct lan {
	struct in_addr net, mask;
	struct in_addr router, nameserver;
	struct in_addr first; /**< for machines, of LAN_MACHINES in a row */
	VEC(struct lan_server) servers;
	VEC(struct dns_name) names;
};

enum { LAN_MACHINES = 16 };

/**
 * Give everybody an address.
 *
 * @param node	gets the `ip:` that it has in the site, if that can be; or NULL
 * @param why	gets what cannot be tried, and why
 * @return whether it can
 */
bool lan_plan(struct arena *arena, const struct site *site,
	      const struct node *node, struct lan *ret_lan, struct sbuf *why);

#endif
