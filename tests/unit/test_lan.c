/**
 * @file
 * Who has which address in the network of a trial.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "ir.h"
#include "lan.h"
#include "sbuf.h"

#include <arpa/inet.h>
#include <string.h>

/* What was planned, in a line: net, machines, servers, names. */
static void say_address(struct sbuf *out, struct in_addr address)
{
	char text[INET_ADDRSTRLEN];

	sbuf_puts(out, inet_ntop(AF_INET, &address, text, sizeof(text)));
}

static void say(struct sbuf *out, const struct lan *lan)
{
	say_address(out, lan->net);
	sbuf_putc(out, '/');
	say_address(out, lan->mask);
	sbuf_puts(out, " from ");
	say_address(out, lan->first);
	for (size_t i = 0; i < lan->servers.count; i++) {
		const struct lan_server *server = &lan->servers.at[i];

		sbuf_puts(out, server->secret ? ", https " : ", http ");
		say_address(out, server->address);
		sbuf_printf(out, ":%u", server->port);
		for (size_t p = 0; p < server->prefixes.count; p++)
			sbuf_printf(out, " %s", server->prefixes.at[p]);
	}
	for (size_t i = 0; i < lan->names.count; i++) {
		sbuf_printf(out, ", %s is ", lan->names.at[i].name);
		say_address(out, lan->names.at[i].address);
	}
}

/* Of those who help a machine with a static address. */
static void say_helpers(struct sbuf *out, const struct lan *lan)
{
	sbuf_puts(out, ", router ");
	say_address(out, lan->router);
	sbuf_puts(out, ", names ");
	say_address(out, lan->nameserver);
	if (lan->timeserver.s_addr) {
		sbuf_puts(out, ", time ");
		say_address(out, lan->timeserver);
	}
	if (lan->vlan)
		sbuf_printf(out, ", VLAN %u", lan->vlan);
}

struct row {
	const char *urls[4], *ip;
	const char *said; /* of the plan, or why there is none */
};

/* The same for a machine with a static address. */
struct static_row {
	struct row row;
	/* address, netmask, router, name server, time server, VLAN; or NULL */
	const char *uplink[6];
};

static struct text given(const char *text)
{
	return text ? text_of(text) : (struct text){ NULL, 0 };
}

/* @param server	for the name server, of which there is one at most */
static void set_uplink(struct uplink *uplink, const char *const *said,
		       struct text *server)
{
	*server = given(said[3]);
	*uplink = (struct uplink){
		.ip = given(said[0]),
		.netmask = given(said[1]),
		.gateway = given(said[2]),
		.servers = server,
		.server_count = server->ptr != NULL,
		.ntp = given(said[4]),
		.vlan = given(said[5]),
	};
}

static void try(const struct row *row, const char *const *uplink)
{
	struct located urls[4] = { 0 };
	struct site site = { .urls = { urls, 0 } };
	struct node node = { 0 };
	struct uplink static_one = { 0 };
	struct machine machine = { .node = &node, .uplink = &static_one };
	struct arena arena = { 0 };
	struct sbuf said = { 0 };
	struct text server;
	struct lan lan;

	for (; site.urls.count < 4 && row->urls[site.urls.count];
	     site.urls.count++)
		urls[site.urls.count].text =
			text_of(row->urls[site.urls.count]);
	if (row->ip)
		node.ip.text = text_of(row->ip);
	if (uplink)
		set_uplink(&static_one, uplink, &server);
	if (lan_plan(&arena, &site, &machine, &lan, &said)) {
		say(&said, &lan);
		if (uplink)
			say_helpers(&said, &lan);
	}
	assert_string_equal(sbuf_text(&said), row->said);
	sbuf_release(&said);
	arena_release(&arena);
}

static void test_plans(void **state)
{
	static const struct row rows[] = {
		{ { "https://192.0.2.3:8443/boot/" },
		  NULL,
		  "192.0.2.0/255.255.255.0 from 192.0.2.128, https "
		  "192.0.2.3:8443 /boot/" },
		{ { "https://boot.lab.example/" },
		  NULL,
		  "10.0.2.0/255.255.255.0 from 10.0.2.128, https 10.0.2.3:443 "
		  "/, boot.lab.example is 10.0.2.3" },
		{ { "https://a.example/x/", "https://b.example:1/",
		    "http://a.example/", "https://a.example/y/" },
		  "192.168.1.201/24",
		  "192.168.1.0/255.255.255.0 from 192.168.1.201, https "
		  "192.168.1.3:443 /x/ /y/, https 192.168.1.4:1 /, http "
		  "192.168.1.3:80 /, a.example is 192.168.1.3, b.example is "
		  "192.168.1.4" },
		{ { "https://10.0.2.129/", "https://10.9.0.1/" },
		  "10.0.2.128",
		  "10.0.0.0/255.240.0.0 from 10.0.2.130, https 10.0.2.129:443 "
		  "/, https 10.9.0.1:443 /" },
		{ { "https://10.0.2.1/", "https://n.example/" },
		  "10.0.2.250",
		  "10.0.2.0/255.255.255.0 from 10.0.2.128, https 10.0.2.1:443 "
		  "/, https 10.0.2.4:443 /, n.example is 10.0.2.4" },
		{ { "https://10.0.2.1/", "https://192.0.2.1/" },
		  NULL,
		  "https://192.0.2.1/: too far from the address of the first "
		  "URL for one virtual network" },
		{ { "https://a.example:80/", "http://a.example/" },
		  NULL,
		  "http://a.example/: another URL of the site has the same "
		  "host and port, but is https://" },
		{ { "https://[2001:db8::1]:8443/" },
		  NULL,
		  "https://[2001:db8::1]:8443/: the virtual network of a trial "
		  "has no IPv6" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		try(&rows[i], NULL);
}

static void test_static_plans(void **state)
{
	static const struct static_row rows[] = {
		/* Everybody is where the machine looks for them. */
		{ { { "https://boot.lab.example/" },
		    "192.168.7.5/24",
		    "192.168.7.0/255.255.255.0 from 192.168.7.128, https "
		    "192.168.7.1:443 /, boot.lab.example is 192.168.7.1, router "
		    "192.168.7.254, names 192.168.7.253, time 192.168.7.252, VLAN "
		    "100" },
		  { "192.168.7.5", "255.255.255.0", "192.168.7.254",
		    "192.168.7.253", "192.168.7.252", "100" } },
		/* The router leads to the server, and is all the rest. */
		{ { { "https://10.1.0.9:8443/" },
		    NULL,
		    "10.0.0.0/255.254.0.0 from 10.0.0.128, https 10.1.0.9:8443 "
		    "/, router 10.0.0.1, names 10.0.0.2" },
		  { "10.0.0.5", "255.255.255.0", "10.0.0.1", "10.0.0.1",
		    "10.0.0.1" } },
		/* The server is the router as well, the name server elsewhere. */
		{ { { "https://10.0.0.1/" },
		    NULL,
		    "10.0.0.0/255.255.255.0 from 10.0.0.128, https "
		    "10.0.0.1:443 /, time.example is 10.0.0.4, router "
		    "10.0.0.2, names 10.0.0.3, time 10.0.0.4" },
		  { "10.0.0.5", "255.255.255.0", "10.0.0.1", "192.0.2.1",
		    "time.example" } },
		/* A subnet that is smaller than what is given away by DHCP. */
		{ { { "https://a.example/" },
		    NULL,
		    "10.0.0.0/255.255.255.0 from 10.0.0.128, https 10.0.0.67:443 "
		    "/, a.example is 10.0.0.67, router 10.0.0.65, names "
		    "10.0.0.66" },
		  { "10.0.0.70", "255.255.255.248", "10.0.0.65" } },
		{ { { "https://192.0.2.1/" },
		    NULL,
		    "https://192.0.2.1/: too far from the address of the machine "
		    "for one virtual network" },
		  { "10.0.0.5", "255.255.255.0", "10.0.0.1" } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		try(&rows[i].row, rows[i].uplink);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plans),
		cmocka_unit_test(test_static_plans),
	};

	return cmocka_run_group_tests_name("lan", tests, NULL, NULL);
}
