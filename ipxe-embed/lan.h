#ifndef PROGRAM_LAN_H
#define PROGRAM_LAN_H
/**
 * @file
 * Who has which address in the network of a trial: every server that the site
 * names is there, at its own address and port; one that is known by name gets
 * an address. Where the machine has a static address, its router, its name
 * server and its time server are where it looks for them.
 */
#include "dns.h"
#include "vec.h"

#include <stdint.h>

struct machine;
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
	struct in_addr timeserver; /**< 0: none, or one of the others */
	uint16_t vlan;             /**< 0: none */
	VEC(struct lan_server) servers;
	VEC(struct dns_name) names;
};

enum { LAN_MACHINES = 16 };

/**
 * Give everybody an address.
 *
 * @param machine	gets the `ip:` that its node has in the site by DHCP, if
 *			that can be
 * @param why	gets what cannot be tried, and why
 * @return whether it can
 */
bool lan_plan(struct arena *arena, const struct site *site,
	      const struct machine *machine, struct lan *ret_lan,
	      struct sbuf *why);

#endif
