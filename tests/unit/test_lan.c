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

struct row {
	const char *urls[4], *ip;
	const char *said; /* of the plan, or why there is none */
};

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
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct located urls[4] = { 0 };
		struct site site = { .urls = { urls, 0 } };
		struct node node = { 0 };
		struct arena arena = { 0 };
		struct sbuf said = { 0 };
		struct lan lan;

		for (; site.urls.count < 4 && rows[i].urls[site.urls.count];
		     site.urls.count++)
			urls[site.urls.count].text =
				text_of(rows[i].urls[site.urls.count]);
		if (rows[i].ip)
			node.ip.text = text_of(rows[i].ip);
		if (lan_plan(&arena, &site, &node, &lan, &said))
			say(&said, &lan);
		assert_string_equal(sbuf_text(&said), rows[i].said);
		sbuf_release(&said);
		arena_release(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plans),
	};

	return cmocka_run_group_tests_name("lan", tests, NULL, NULL);
}
