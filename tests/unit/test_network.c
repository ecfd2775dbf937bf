/**
 * @file
 * What leaves the network of a trial, and what answers in it: frames are put
 * on the cable, as QEMU does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "arena.h"
#include "companion.h"
#include "network.h"
#include "sbuf.h"
#include "scratch.h"

#include <arpa/inet.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* The machine is 52:54:00:00:00:01 with 10.0.2.15; the network's own address
 * of Ethernet goes to it as well. */
#define OURS        "\x52\x54\x00\x00\x00\x01"
#define ALL         "\xff\xff\xff\xff\xff\xff"
#define ETHER(type) ALL OURS type
#define ARP(target)                                                \
	ETHER("\x08\x06")                                          \
	"\x00\x01\x08\x00\x06\x04\x00\x01" OURS "\x0a\x00\x02\x0f" \
	"\x00\x00\x00\x00\x00\x00" target
#define IP(len, protocol, to)                                         \
	ETHER("\x08\x00")                                             \
	"\x45\x00\x00" len "\x00\x00\x00\x00\x40" protocol "\x00\x00" \
	"\x0a\x00\x02\x0f" to
#define SYN(to, port)                                                      \
	IP("\x28", "\x06", to)                                             \
	"\x80\x00" port "\x00\x00\x00\x01\x00\x00\x00\x00\x50\x02\x10\x00" \
	"\x00\x00\x00\x00"
#define QUERY                                                         \
	IP("\x31", "\x11", "\x0a\x00\x02\x02")                        \
	"\x80\x00\x00\x35\x00\x1d\x00\x00"                            \
	"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03web\x00" \
	"\x00\x01\x00\x01"

/* An NTP request as iPXE makes it: 48 bytes, who asks at their end. */
#define TIME_REQUEST                                                       \
	IP("\x4c", "\x11", "\x0a\x00\x02\x04")                             \
	"\x80\x00\x00\x7b\x00\x38\x00\x00"                                 \
	"\xe3\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"                 \
	"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" \
	"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00WHENiPXE"

#define SERVER         "\x0a\x00\x02\x03"
#define ROUTER         "\x0a\x00\x02\x01"
#define HTTPS          "\x01\xbb"
#define BYTES(literal) (literal), sizeof(literal) - 1

enum { PATIENCE_MS = 5000, QUIET_MS = 150 };

struct fixture {
	struct arena arena;
	struct scratch scratch;
	int listener, cable;
	pid_t process;
};

static struct in_addr address(const char *text)
{
	struct in_addr result;

	assert_int_equal(inet_pton(AF_INET, text, &result), 1);
	return result;
}

static int listen_at(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_true(strlen(path) < sizeof(at.sun_path));
	memcpy(at.sun_path, path, strlen(path));
	assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static void start_tagged(struct fixture *f, uint16_t vlan, bool untagged)
{
	struct network_service service = { address("10.0.2.3"), 443, NULL };
	const struct dns_name name = { "web", address("10.0.2.3") };
	const struct network network = {
		.net = address("10.0.2.0"),
		.mask = address("255.255.255.0"),
		.router = address("10.0.2.1"),
		.nameserver = address("10.0.2.2"),
		.first = address("10.0.2.15"),
		.timeserver = address("10.0.2.4"),
		.vlan = vlan,
		.untagged = untagged,
		.services = &service,
		.service_count = 1,
		.zone = { &name, 1, true },
	};
	struct sbuf why = { 0 };

	assert_int_equal(scratch_make(&f->arena, &f->scratch), 0);
	service.socket = arena_printf(&f->arena, "%s/web", f->scratch.path);
	f->listener = listen_at(service.socket);
	f->process = network_start(&network, &f->cable, &why);
	assert_true(f->process > 0);
}

static void start(struct fixture *f)
{
	start_tagged(f, 0, false);
}

static void end(struct fixture *f)
{
	companion_end(f->process);
	close(f->cable);
	close(f->listener);
	scratch_remove(&f->scratch);
	arena_release(&f->arena);
}

static void put_sum(unsigned char *frame)
{
	uint32_t sum = 0;

	for (int i = 14; i < 34; i += 2)
		sum += (uint32_t)(frame[i] << 8 | frame[i + 1]);
	sum = (sum & 0xffff) + (sum >> 16);
	frame[24] = (unsigned char)(~sum >> 8);
	frame[25] = (unsigned char)~sum;
}

/* Of TCP without data. */
static void put_tcp_sum(unsigned char *frame)
{
	uint32_t sum = 6 + 20;

	for (int i = 26; i < 54; i += 2)
		sum += (uint32_t)(frame[i] << 8 | frame[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	frame[50] = (unsigned char)(~sum >> 8);
	frame[51] = (unsigned char)~sum;
}

static void send_frame(struct fixture *f, const char *bytes, size_t len)
{
	unsigned char frame[4 + 128] = { 0 };

	assert_true(len <= 128);
	frame[3] = (unsigned char)len;
	memcpy(frame + 4, bytes, len);
	if (memcmp(frame + 16, "\x08\x00", 2) == 0)
		put_sum(frame + 4);
	if (frame[4 + 23] == 6)
		put_tcp_sum(frame + 4);
	assert_int_equal(write(f->cable, frame, 4 + len), 4 + len);
}

/* @return its length; 0: none came */
static size_t next_frame(struct fixture *f, int patience_ms,
			 unsigned char *frame)
{
	struct pollfd cable = { .fd = f->cable, .events = POLLIN };
	unsigned char head[4];
	size_t len;

	if (poll(&cable, 1, patience_ms) <= 0)
		return 0;
	assert_int_equal(recv(f->cable, head, 4, MSG_WAITALL), 4);
	len = (size_t)(head[2] << 8 | head[3]);
	assert_int_equal(recv(f->cable, frame, len, MSG_WAITALL), len);
	return len;
}

static void greet(struct fixture *f)
{
	unsigned char frame[65536];

	send_frame(f, BYTES(ARP(ROUTER)));
	assert_true(next_frame(f, PATIENCE_MS, frame) >= 42);
	assert_memory_equal(frame + 28, ROUTER, 4);
}

static void test_name_is_answered(void **state)
{
	struct fixture f = { 0 };
	unsigned char frame[65536];
	size_t len;

	(void)state;
	start(&f);
	greet(&f);
	send_frame(&f, BYTES(QUERY));
	len = next_frame(&f, PATIENCE_MS, frame);
	assert_int_equal(len, 63 + 16);
	assert_memory_equal(frame, OURS, 6);
	assert_memory_equal(frame + 26, "\x0a\x00\x02\x02\x0a\x00\x02\x0f", 8);
	assert_memory_equal(frame + 34, "\x00\x35\x80\x00", 4);
	assert_memory_equal(frame + len - 4, SERVER, 4);
	end(&f);
}

static void test_server_answers(void **state)
{
	struct fixture f = { 0 };
	unsigned char frame[65536];

	(void)state;
	start(&f);
	greet(&f);
	send_frame(&f, BYTES(SYN(SERVER, HTTPS)));
	assert_true(next_frame(&f, PATIENCE_MS, frame) >= 54);
	assert_int_equal(frame[47], 0x12); /* SYN, ACK */
	end(&f);
}

static void test_nothing_else_is_reached(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} rows[] = {
		{ BYTES(SYN(SERVER, "\x00\x50")) },
		{ BYTES(SYN(ROUTER, HTTPS)) },
		{ BYTES(SYN("\x7f\x00\x00\x01", HTTPS)) },
		{ BYTES(SYN("\xc0\x00\x02\x01", HTTPS)) },
	};
	struct fixture f = { 0 };
	unsigned char frame[65536];

	(void)state;
	start(&f);
	greet(&f);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		send_frame(&f, rows[i].bytes, rows[i].len);
	assert_int_equal(next_frame(&f, QUIET_MS, frame), 0);
	end(&f);
}

static void test_time_is_told(void **state)
{
	struct fixture f = { 0 };
	unsigned char frame[65536];
	uint32_t told;

	(void)state;
	start(&f);
	send_frame(&f, BYTES(ARP("\x0a\x00\x02\x04")));
	assert_true(next_frame(&f, PATIENCE_MS, frame) >= 42);
	send_frame(&f, BYTES(TIME_REQUEST));
	assert_int_equal(next_frame(&f, PATIENCE_MS, frame), 42 + 48);
	assert_memory_equal(frame + 34, "\x00\x7b\x80\x00", 4);
	assert_int_equal(frame[42] & 7, 4); /* of a server */
	assert_true(frame[43]);             /* not refused */
	assert_memory_equal(frame + 42 + 24, "WHENiPXE", 8);
	memcpy(&told, frame + 42 + 32, sizeof(told));
	assert_true(ntohl(told) - 2208988800u - (uint32_t)time(NULL) + 5 < 10);
	end(&f);
}

/* @param tag	of four bytes, as on the cable */
static void send_tagged(struct fixture *f, const char *tag, const char *bytes,
			size_t len)
{
	unsigned char frame[4 + 128] = { 0 };

	assert_true(len + 4 <= 128);
	frame[3] = (unsigned char)(len + 4);
	memcpy(frame + 4, bytes, 12);
	memcpy(frame + 16, tag, 4);
	memcpy(frame + 20, bytes + 12, len - 12);
	assert_int_equal(write(f->cable, frame, 8 + len), 8 + len);
}

/* The answer is tagged as the question was; other VLANs are not heard. */
static void test_vlan(void **state)
{
	static const char ours[] = "\x81\x00\x00\x64",
			  priority[] = "\x81\x00\xe0\x64",
			  other[] = "\x81\x00\x00\x65";
	unsigned char frame[65536];

	(void)state;
	for (int untagged = 0; untagged < 2; untagged++) {
		struct fixture f = { 0 };

		start_tagged(&f, 100, untagged);
		send_tagged(&f, other, BYTES(ARP(ROUTER)));
		assert_int_equal(next_frame(&f, QUIET_MS, frame), 0);
		send_tagged(&f, priority, BYTES(ARP(ROUTER)));
		assert_true(next_frame(&f, PATIENCE_MS, frame) >= 46);
		assert_memory_equal(frame + 12, ours, 4);
		assert_memory_equal(frame + 32, ROUTER, 4);
		send_frame(&f, BYTES(ARP(ROUTER)));
		if (untagged) {
			assert_true(next_frame(&f, PATIENCE_MS, frame) >= 42);
			assert_memory_equal(frame + 28, ROUTER, 4);
		}
		assert_int_equal(next_frame(&f, QUIET_MS, frame), 0);
		end(&f);
	}
}

static void test_tag_where_none_is(void **state)
{
	struct fixture f = { 0 };
	unsigned char frame[65536];

	(void)state;
	start(&f);
	send_tagged(&f, "\x81\x00\x00\x64", BYTES(ARP(ROUTER)));
	assert_int_equal(next_frame(&f, QUIET_MS, frame), 0);
	end(&f);
}

static void test_nonsense_ends_it(void **state)
{
	struct fixture f = { 0 };
	char byte;

	(void)state;
	start(&f);
	greet(&f);
	send_frame(&f, BYTES("short"));
	greet(&f);
	assert_int_equal(write(f.cable, "\xff\xff\xff\xff", 4), 4);
	assert_int_equal(recv(f.cable, &byte, 1, 0), 0);
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_name_is_answered),
		cmocka_unit_test(test_server_answers),
		cmocka_unit_test(test_nothing_else_is_reached),
		cmocka_unit_test(test_time_is_told),
		cmocka_unit_test(test_vlan),
		cmocka_unit_test(test_tag_where_none_is),
		cmocka_unit_test(test_nonsense_ends_it),
	};

	return cmocka_run_group_tests_name("network", tests, NULL, NULL);
}
