#include "network.h"

#include "companion.h"
#include "sbuf.h"

#include <errno.h>
#include <fcntl.h>
#include <net/ethernet.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <signal.h>
#include <slirp/libslirp.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	/* QEMU sends no longer frame: 64 KiB and some headers. */
	FRAME_BYTES_MAX = 68 * 1024,
	LENGTH_BYTES = 4, /* before each frame on the cable */
	SOCKETS_MAX = 1024,
	PORT_DNS = 53,
	PORT_DHCP = 67,
	PORT_TFTP = 69,
	PORT_NTP = 123,
};

/* IEEE 802.1Q: behind the two addresses, before the type. */
enum {
	TAG_AT = 2 * ETH_ALEN,
	TAG_BYTES = 4,
	TAG_VLAN_MASK = 0xfff,
};

struct wire {
	const struct network *network;
	Slirp *slirp;
	int cable;
	bool tagged; /* as the last frame of the machine was */
	unsigned char pending[LENGTH_BYTES + FRAME_BYTES_MAX];
	size_t pending_len;
	struct pollfd sockets[SOCKETS_MAX]; /* the first is the cable */
	size_t socket_count;
};

/* ----------------------------------------------------------- the cable -- */

/* The machine is gone when it does not take a frame. */
static void cable_write(struct wire *wire, const void *bytes, size_t len)
{
	const char *at = bytes;

	while (len) {
		ssize_t now = send(wire->cable, at, len, MSG_NOSIGNAL);

		if (now < 0 && errno == EINTR)
			continue;
		if (now < 0)
			_exit(0);
		at += now;
		len -= (size_t)now;
	}
}

static ssize_t cable_send(const void *frame, size_t len, void *ctx)
{
	struct wire *wire = ctx;
	const char *bytes = frame;
	const uint16_t tag[] = { htons(ETHERTYPE_VLAN),
				 htons(wire->network->vlan) };
	size_t tag_bytes = wire->tagged ? sizeof(tag) : 0;
	uint32_t length = htonl((uint32_t)(len + tag_bytes));

	cable_write(wire, &length, sizeof(length));
	cable_write(wire, bytes, TAG_AT);
	cable_write(wire, tag, tag_bytes);
	cable_write(wire, bytes + TAG_AT, len - TAG_AT);
	return (ssize_t)len;
}

/**
 * Take the tag out of a frame from the machine.
 *
 * @return the frame without it; NULL if it is of another VLAN
 */
static unsigned char *frame_untag(struct wire *wire, unsigned char *frame,
				  size_t *len)
{
	const struct network *network = wire->network;
	uint16_t tag[2];

	if (*len < TAG_AT + TAG_BYTES)
		return NULL;
	memcpy(tag, frame + TAG_AT, sizeof(tag));
	if (tag[0] != htons(ETHERTYPE_VLAN)) {
		if (network->vlan && !network->untagged)
			return NULL;
		wire->tagged = false;
		return frame;
	}
	if ((ntohs(tag[1]) & TAG_VLAN_MASK) != network->vlan)
		return NULL;
	wire->tagged = true;
	memmove(frame + TAG_BYTES, frame, TAG_AT);
	*len -= TAG_BYTES;
	return frame + TAG_BYTES;
}

/* ---------------------------------------------------------- IP packets -- */

/* What a frame from the machine carries. */
struct packet {
	struct ether_header ether;
	struct iphdr ip;
	struct udphdr udp; /* TCP has its ports in the same place */
	const unsigned char *data;
	size_t data_len; /* of the datagram, when it is UDP */
};

/* Whole packets of UDP and TCP, without options of IP: nobody sends other ones
 * to us. */
static bool packet_parse(const unsigned char *frame, size_t len,
			 struct packet *ret_packet)
{
	const size_t headers = sizeof(ret_packet->ether) +
			       sizeof(ret_packet->ip) + sizeof(ret_packet->udp);
	struct packet packet;
	size_t udp_len;

	if (len < headers)
		return false;
	memcpy(&packet.ether, frame, sizeof(packet.ether));
	frame += sizeof(packet.ether);
	memcpy(&packet.ip, frame, sizeof(packet.ip));
	frame += sizeof(packet.ip);
	memcpy(&packet.udp, frame, sizeof(packet.udp));
	packet.data = frame + sizeof(packet.udp);
	packet.data_len = len - headers;
	udp_len = ntohs(packet.udp.uh_ulen);
	if (packet.ip.protocol == IPPROTO_UDP &&
	    udp_len >= sizeof(packet.udp) &&
	    udp_len - sizeof(packet.udp) < packet.data_len)
		packet.data_len = udp_len - sizeof(packet.udp);
	if (packet.ether.ether_type != htons(ETHERTYPE_IP) ||
	    packet.ip.version != 4 || packet.ip.ihl != 5 ||
	    (packet.ip.frag_off & htons(IP_MF | IP_OFFMASK)))
		return false;
	*ret_packet = packet;
	return true;
}

/* RFC 1071, of a header that has zero in the place of the sum. */
static uint16_t ip_checksum(const struct iphdr *ip)
{
	uint16_t words[sizeof(*ip) / 2];
	uint32_t sum = 0;

	memcpy(words, ip, sizeof(*ip));
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t) ~(sum + (sum >> 16));
}

/* Back to where the query came from. */
static void send_answer(struct wire *wire, const struct packet *query,
			const unsigned char *data, size_t len)
{
	struct {
		struct ether_header ether;
		struct iphdr ip;
		struct udphdr udp;
		unsigned char data[DNS_BYTES_MAX];
	} __attribute__((packed)) frame = { .ether = query->ether };
	struct iphdr ip = {
		.version = 4,
		.ihl = 5,
		.ttl = 64,
		.protocol = IPPROTO_UDP,
		.saddr = query->ip.daddr,
		.daddr = query->ip.saddr,
		.tot_len =
			htons((uint16_t)(sizeof(ip) + sizeof(frame.udp) + len)),
	};

	ip.check = ip_checksum(&ip);
	memcpy(frame.ether.ether_dhost, query->ether.ether_shost, ETH_ALEN);
	memcpy(frame.ether.ether_shost, query->ether.ether_dhost, ETH_ALEN);
	frame.ip = ip;
	frame.udp.uh_sport = query->udp.uh_dport;
	frame.udp.uh_dport = query->udp.uh_sport;
	frame.udp.uh_ulen = htons((uint16_t)(sizeof(frame.udp) + len));
	memcpy(frame.data, data, len);
	cable_send(&frame, sizeof(frame) - sizeof(frame.data) + len, wire);
}

/* ---------------------------------------------------------- the border -- */

static bool is_for_port(const struct packet *packet, uint16_t port)
{
	return packet->ip.protocol == IPPROTO_UDP &&
	       packet->udp.uh_dport == htons(port);
}

static bool answer_query(struct wire *wire, const struct packet *packet)
{
	unsigned char answer[DNS_BYTES_MAX];
	size_t len = dns_answer(&wire->network->zone, packet->data,
				packet->data_len, answer);

	if (len)
		send_answer(wire, packet, answer, len);
	return len;
}

/* RFC 5905, as far as a client needs it: which request is answered, and what
 * the time is. */
static bool answer_time(struct wire *wire, const struct packet *packet)
{
	enum { WORDS = 12, ORIGINATE = 6, RECEIVE = 8, TRANSMIT = 10 };
	const uint32_t to_1900 = 2208988800u, server = 0x24010000;
	uint32_t request[WORDS], answer[WORDS] = { htonl(server) };

	if (packet->data_len < sizeof(request))
		return false;
	memcpy(request, packet->data, sizeof(request));
	memcpy(&answer[ORIGINATE], &request[TRANSMIT], 2 * sizeof(*answer));
	answer[RECEIVE] = htonl((uint32_t)time(NULL) + to_1900);
	answer[TRANSMIT] = answer[RECEIVE];
	send_answer(wire, packet, (const unsigned char *)answer,
		    sizeof(answer));
	return true;
}

static bool is_service(const struct network *network,
		       const struct packet *packet)
{
	for (size_t i = 0; i < network->service_count; i++) {
		const struct network_service *service = &network->services[i];

		if (packet->ip.daddr == service->address.s_addr &&
		    packet->udp.uh_dport == htons(service->port))
			return true;
	}
	return false;
}

static bool is_for_router(const struct network *network,
			  const struct packet *packet)
{
	bool named = packet->ip.daddr == network->router.s_addr ||
		     packet->ip.daddr == htonl(INADDR_BROADCAST);

	return named && (packet->udp.uh_dport == htons(PORT_DHCP) ||
			 packet->udp.uh_dport == htons(PORT_TFTP));
}

static bool may_pass(const struct network *network, const struct packet *packet)
{
	switch (packet->ip.protocol) {
	case IPPROTO_UDP:
		return network->open || is_for_router(network, packet);
	case IPPROTO_TCP:
		return network->open || is_service(network, packet);
	default:
		return network->open;
	}
}

static bool is_arp(const unsigned char *frame, size_t len)
{
	struct ether_header ether;

	if (len < sizeof(ether))
		return false;
	memcpy(&ether, frame, sizeof(ether));
	return ether.ether_type == htons(ETHERTYPE_ARP);
}

static void take_frame(struct wire *wire, unsigned char *frame, size_t len)
{
	const struct network *network = wire->network;
	struct packet packet;
	bool parsed;

	frame = frame_untag(wire, frame, &len);
	if (!frame)
		return;
	parsed = packet_parse(frame, len, &packet);
	if (parsed && is_for_port(&packet, PORT_DNS) &&
	    answer_query(wire, &packet))
		return;
	if (parsed && is_for_port(&packet, PORT_NTP) &&
	    answer_time(wire, &packet))
		return;
	if (is_arp(frame, len) || (parsed && may_pass(network, &packet)) ||
	    (!parsed && network->open))
		slirp_input(wire->slirp, frame, (int)len);
}

/** @return false at the end of the cable, or nonsense */
static bool cable_read(struct wire *wire)
{
	unsigned char *at = wire->pending;
	ssize_t now = recv(wire->cable, at + wire->pending_len,
			   sizeof(wire->pending) - wire->pending_len, 0);

	if (now < 0)
		return errno == EINTR || errno == EAGAIN;
	wire->pending_len += (size_t)now;
	while (wire->pending_len >= LENGTH_BYTES) {
		uint32_t length;

		memcpy(&length, at, sizeof(length));
		length = ntohl(length);
		if (length > FRAME_BYTES_MAX)
			return false;
		if (wire->pending_len < LENGTH_BYTES + length)
			break;
		take_frame(wire, at + LENGTH_BYTES, length);
		at += LENGTH_BYTES + length;
		wire->pending_len -= LENGTH_BYTES + length;
	}
	memmove(wire->pending, at, wire->pending_len);
	return now > 0;
}

/* ---------------------------------------------------------- libslirp -- */

/* In the order of the bits of libslirp. */
static const short poll_bits[] = { POLLIN, POLLOUT, POLLPRI, POLLERR, POLLHUP };
enum { POLL_BITS = sizeof(poll_bits) / sizeof(*poll_bits) };

static int add_socket(int fd, int events, void *ctx)
{
	struct wire *wire = ctx;
	struct pollfd *entry = &wire->sockets[wire->socket_count];

	if (wire->socket_count == SOCKETS_MAX)
		return -1;
	*entry = (struct pollfd){ .fd = fd };
	for (int i = 0; i < POLL_BITS; i++)
		if (events & 1 << i)
			entry->events |= poll_bits[i];
	return (int)wire->socket_count++;
}

static int seen_events(int index, void *ctx)
{
	const struct wire *wire = ctx;
	int events = 0;

	for (int i = 0; index >= 0 && i < POLL_BITS; i++)
		if (wire->sockets[index].revents & poll_bits[i])
			events |= 1 << i;
	return events;
}

static int64_t clock_ns(void *ctx)
{
	struct timespec now;

	(void)ctx;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Timers are for IPv6, which is off; nobody needs to be told the rest, since
 * all sockets are asked for each time. */
static void *timer_new(SlirpTimerCb callback, void *of_callback, void *ctx)
{
	(void)callback;
	(void)of_callback;
	return ctx;
}

static void timer_free(void *timer, void *ctx)
{
	(void)timer;
	(void)ctx;
}

static void timer_set(void *timer, int64_t expire_ms, void *ctx)
{
	(void)timer;
	(void)expire_ms;
	(void)ctx;
}

static void ignore_message(const char *message, void *ctx)
{
	(void)message;
	(void)ctx;
}

static void ignore_socket(int fd, void *ctx)
{
	(void)fd;
	(void)ctx;
}

static void ignore_wish(void *ctx)
{
	(void)ctx;
}

static const SlirpCb callbacks = {
	.send_packet = cable_send,
	.guest_error = ignore_message,
	.clock_get_ns = clock_ns,
	.timer_new = timer_new,
	.timer_free = timer_free,
	.timer_mod = timer_set,
	.register_poll_fd = ignore_socket,
	.unregister_poll_fd = ignore_socket,
	.notify = ignore_wish,
};

/* libslirp answers ARP for whoever has a service; no connection to this one is
 * let through. */
static bool add_timeserver(const struct wire *wire)
{
	struct in_addr address = wire->network->timeserver;

	return !address.s_addr || slirp_add_unix(wire->slirp, "/dev/null",
						 &address, PORT_NTP) == 0;
}

static bool make_slirp(struct wire *wire)
{
	const struct network *network = wire->network;
	const SlirpConfig config = {
		.version = 1,
		.in_enabled = true,
		.vnetwork = network->net,
		.vnetmask = network->mask,
		.vhost = network->router,
		.vnameserver = network->nameserver,
		.vdhcp_start = network->first,
		.tftp_path = network->tftp,
		.bootfile = network->bootfile,
		.disable_host_loopback = true,
	};

	wire->slirp = slirp_new(&config, &callbacks, wire);
	for (size_t i = 0; wire->slirp && i < network->service_count; i++) {
		struct in_addr address = network->services[i].address;

		if (slirp_add_unix(wire->slirp, network->services[i].socket,
				   &address, network->services[i].port) != 0)
			return false;
	}
	return wire->slirp && add_timeserver(wire);
}

static void work(void *ctx)
{
	struct wire *wire = ctx;
	bool plugged = true;

	signal(SIGPIPE, SIG_IGN);
	while (plugged) {
		uint32_t timeout_ms = 1000;
		int ready;

		wire->socket_count = 0;
		add_socket(wire->cable, SLIRP_POLL_IN, wire);
		slirp_pollfds_fill(wire->slirp, &timeout_ms, add_socket, wire);
		ready = poll(wire->sockets, wire->socket_count,
			     (int)timeout_ms);
		slirp_pollfds_poll(wire->slirp, ready < 0, seen_events, wire);
		if (ready > 0 && wire->sockets[0].revents)
			plugged = cable_read(wire);
	}
}

pid_t network_start(const struct network *network, int *ret_fd,
		    struct sbuf *why)
{
	static struct wire wire;
	int ends[2];
	pid_t process;

	wire.network = network;
	/* Until it is heard, the machine is taken to be as it should be. */
	wire.tagged = network->vlan && !network->untagged;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
		process = -errno;
	} else {
		wire.cable = ends[0];
		process = make_slirp(&wire) ? companion_start(work, &wire)
					    : -EINVAL;
		if (wire.slirp)
			slirp_cleanup(wire.slirp);
		close(ends[0]);
		*ret_fd = ends[1];
		if (process < 0)
			close(ends[1]);
	}
	if (process < 0)
		sbuf_printf(why, "cannot start the virtual network: %s",
			    strerror((int)-process));
	return process;
}
