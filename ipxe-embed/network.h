#ifndef PROGRAM_NETWORK_H
#define PROGRAM_NETWORK_H
/**
 * @file
 * A network for one virtual machine, made of nothing: DHCP, TFTP, DNS, and web
 * servers at whatever addresses and ports a site says, without root and without
 * a port of this computer. libslirp does the work; names and the time are
 * answered here, and what may leave is decided here.
 */
#include "dns.h"

#include <stdint.h>
#include <sys/types.h>

struct sbuf;

/** What answers at an address and port: a Unix socket of this computer. */
struct network_service {
	struct in_addr address;
	uint16_t port;
	const char *socket; /**< path */
};

struct network {
	struct in_addr net, mask;
	struct in_addr router;     /**< also DHCP and TFTP */
	struct in_addr nameserver; /**< also the names below */
	struct in_addr first;      /**< that machines get, of 16 */
	struct in_addr timeserver; /**< one more that is there; or 0 */
	uint16_t vlan;             /**< that frames are tagged with; 0: none */
	bool untagged;        /**< frames without a tag are taken as well */
	const char *tftp;     /**< directory; NULL: no TFTP */
	const char *bootfile; /**< that DHCP names; or NULL */
	const struct network_service *services;
	size_t service_count;
	struct dns_zone zone;
	/** Let the machine reach what this computer can; else it meets nothing
	 * but the above. */
	bool open;
};

/**
 * Start it in a process of its own, which ends no later than this one.
 *
 * @param ret_fd	the cable, for `-netdev socket,fd=` of QEMU; to be closed
 * @param why	gets a message
 * @return its process, for companion_end(), or -errno
 */
pid_t network_start(const struct network *network, int *ret_fd,
		    struct sbuf *why);

#endif
