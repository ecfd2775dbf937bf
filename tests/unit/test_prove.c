/* The proof that every machine does what the site says: it holds for what the
 * emitter writes, and sees each kind of fault that could be in it. */
#include "arena.h"
#include "compile.h"
#include "plan.h"
#include "prove.h"
#include "sbuf.h"
#include "sha256.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

/* ------------------------------------------------------------- world -- */

static int world_read(void *ctx, const char *path, size_t max_bytes,
		      struct sbuf *ret_bytes)
{
	(void)max_bytes;
	if (strcmp(path, "own.ipxe") == 0) {
		sbuf_puts(ret_bytes, "#!ipxe\n");
		return 0;
	}
	if (strcmp(path, "site.yaml") != 0)
		return -ENOENT;
	sbuf_puts(ret_bytes, ctx);
	return 0;
}

static int world_digest(void *ctx, const char *path, struct digest *ret_digest)
{
	(void)ctx;
	sha256_of(path, strlen(path), ret_digest);
	return 0;
}

static void world_check_trust(void *ctx, const char *path, struct span at,
			      struct diags *ds)
{
	(void)ctx, (void)path, (void)at, (void)ds;
}

static bool world_is_private_key(void *ctx, const char *path, const void *bytes,
				 size_t len)
{
	(void)ctx, (void)path, (void)bytes, (void)len;
	return false;
}

static bool world_make_uki(void *ctx, const struct uki_request *request,
			   struct span at, struct diags *ds,
			   struct text *ret_path, struct digest *ret_digest)
{
	(void)ctx, (void)at, (void)ds;
	*ret_path = request->name;
	sha256_of(request->command_line.ptr, request->command_line.len,
		  ret_digest);
	return true;
}

/* ----------------------------------------------------------- fixture -- */

struct fixture {
	struct arena arena;
	struct diags ds;
	struct sbuf shown;
};

static void fixture_close(struct fixture *f)
{
	sbuf_release(&f->shown);
	arena_release(&f->arena);
}

/* The script with all occurrences of a text replaced; NULL: as it is. */
static struct text changed(struct fixture *f, struct text script,
			   const char *from, const char *to)
{
	struct sbuf out = { 0 };
	const char *rest = script.ptr, *next;
	struct text text;

	while (from && (next = strstr(rest, from))) {
		sbuf_add(&out, rest, (size_t)(next - rest));
		sbuf_puts(&out, to);
		rest = next + strlen(from);
	}
	sbuf_puts(&out, rest);
	text.ptr = arena_copy(&f->arena, out.ptr, out.len);
	text.len = out.len;
	sbuf_release(&out);
	return text;
}

/* The same for the scripts of nodes, where it occurs. */
static void change_nodes(struct fixture *f, struct plan *plan, const char *from,
			 const char *to)
{
	struct node_script *scripts = arena_new_array(
		&f->arena, plan->node_script_count, struct node_script);

	for (size_t i = 0; i < plan->node_script_count; i++) {
		scripts[i] = plan->node_scripts[i];
		if (from && strstr(scripts[i].bytes.ptr, from))
			scripts[i].bytes =
				changed(f, scripts[i].bytes, from, to);
	}
	plan->node_scripts = scripts;
}

/* @return what is wrong with the script of a site, after a change */
static const char *prove_changed(struct fixture *f, const char *site,
				 const char *from, const char *to)
{
	char text[4096];
	struct compile_env env = {
		.ctx = text,
		.read = world_read,
		.digest = world_digest,
		.digest_bytes = sha256_of,
		.check_trust = world_check_trust,
		.is_private_key = world_is_private_key,
		.make_uki = world_make_uki,
	};
	const struct plan *plan;
	struct plan copy;

	*f = (struct fixture){ .ds.arena = &f->arena };
	snprintf(text, sizeof(text), "%s", site);
	plan = compile(&f->arena, "site.yaml", &env, &f->ds);
	if (plan) {
		copy = *plan;
		copy.script = changed(f, plan->script, from, to);
		change_nodes(f, &copy, from, to);
		prove(&copy, SIZE_MAX, &f->ds);
	}
	diags_sort(&f->ds);
	diags_render(&f->ds, false, &f->shown);
	return sbuf_text(&f->shown);
}

/* ------------------------------------------------------------- cases -- */

static const char plain[] =
	"site: lab\n"
	"url: [https://one.example/, https://two.example/b/]\n"
	"assets: http://cdn.example/\n"
	"trust: root.pem\n"
	"verify: [signature, digest]\n"
	"unknown: [disk, exit]\n"
	"profiles:\n"
	"  debian: { kernel: linux, initrd: [one.gz, two.gz], args: [quiet, "
	"\"n={{name}}\"],\n"
	"            files: { /a: { content: \"of {{name}}\" }, /b: { content: "
	"x, mode: 0600 } } }\n"
	"  bare: { kernel: other }\n"
	"nodes:\n"
	"  a: { mac: [52:54:00:00:00:01, 52:54:00:00:01:01], profile: debian }\n"
	"  b: { mac: 52:54:00:00:00:02, uuid: "
	"6a4c5c5e-0d0f-4b4e-9d53-8f2f6b1d0c11, serial: \"SN 42/7\", asset: "
	"R7, profile: debian }\n"
	"  c: { mac: 52:54:00:00:00:03, boot: [disk, bare, shell, reboot] }\n"
	"  d: { mac: 52:54:00:00:00:04, boot: [bare, poweroff] }\n";

static const char with_menus[] =
	"site: lab\n"
	"url: https://one.example/\n"
	"trust: root.pem\n"
	"verify: signature\n"
	"allow-unknown-install: true\n"
	"unknown: [menu:tools, exit]\n"
	"profiles: { debian: { kernel: linux, args: [x] }, rescue: { kernel: "
	"other } }\n"
	"menus:\n"
	"  main: { timeout: 1m, default: disk, items: { disk: [disk], install: "
	"[debian, reboot], tools: menu:tools } }\n"
	"  tools: { items: { rescue: [rescue, retry], shell: shell, back: "
	"menu } }\n"
	"nodes: { a: { mac: 52:54:00:00:00:01, boot: [menu, debian] } }\n";

static const char by_digest[] =
	"site: lab\n"
	"url: https://one.example/\n"
	"trust: root.pem\n"
	"verify: digest\n"
	"profiles: { debian: { kernel: linux, initrd: one.gz } }\n"
	"nodes: { a: { mac: 52:54:00:00:00:01, profile: debian } }\n";

static const char remote[] =
	"site: lab\n"
	"url: [https://one.example/, https://two.example/]\n"
	"trust: root.pem\n"
	"verify: signature\n"
	"dispatch: remote\n"
	"signer: lab-nodes\n"
	"profiles: { debian: { kernel: linux, initrd: one.gz, args: "
	"[\"n={{name}}\"] } }\n"
	"nodes:\n"
	"  a: { mac: 52:54:00:00:00:01, profile: debian }\n"
	"  b: { mac: 52:54:00:00:00:02, serial: S/1, profile: debian }\n";

static const char facts[] =
	"site: lab\n"
	"url: https://one.example/\n"
	"trust: root.pem\n"
	"verify: signature\n"
	"allow-unknown-install: true\n"
	"unknown: debian\n"
	"profiles:\n"
	"  debian: { kernel: linux, args: [\"BOOTIF=01-{{boot.mac-hyphens}}\", "
	"\"s={{boot.serial}}-{{boot.uuid}}\", "
	"\"ip={{boot.ip}}::{{boot.gateway}}:{{boot.netmask}}\"] }\n"
	"  named: { extends: debian, args: [\"h={{name}}-{{boot.asset}}\"] }\n"
	"nodes:\n"
	"  a: { mac: 52:54:00:00:00:01, profile: named }\n"
	"  b: { serial: \"S N\", profile: named, network: { vlan: 7, "
	"ip: 10.0.0.2/24, gateway: 10.0.0.1 } }\n"
	"  c: { uuid: 6a4c5c5e-0d0f-4b4e-9d53-8f2f6b1d0c11, boot: [named, "
	"exit], network: { ip: 10.0.0.3/24 } }\n";

static const char programs[] =
	"site: lab\n"
	"url: [https://one.example/, https://two.example/]\n"
	"trust: root.pem\n"
	"verify: signature\n"
	"kernel: linux\n"
	"args: [quiet]\n"
	"menus: { main: { items: { test: test, own: [own, disk, exit], back: own } } }\n"
	"profiles:\n"
	"  test: { efi: linux, args: [\"{{boot.mac}}\"] }\n"
	"  whole: { uki: other }\n"
	"  own: { chain: own.ipxe }\n"
	"  disc: { iso: other, memdisk: memdisk, args: [x] }\n"
	"  bare: { args: [\"n={{name}}\"] }\n"
	"nodes:\n"
	"  a: { mac: 52:54:00:00:00:01, boot: [test, own, bare, whole] }\n"
	"  b: { mac: 52:54:00:00:00:02, boot: [menu, own, bare], network: { "
	"vlan: 7, ip: 10.0.0.2/24 } }\n"
	"  c: { mac: 52:54:00:00:00:03, boot: [own, own, whole, poweroff] }\n"
	"  d: { mac: 52:54:00:00:00:04, boot: [disc, bare, poweroff] }\n";

static const char drives[] =
	"site: lab\n"
	"url: https://one.example/\n"
	"trust: root.pem\n"
	"verify: signature\n"
	"menus: { main: { items: { lab: [lab, disk], web: [web, debian] } } }\n"
	"profiles:\n"
	"  lab: { san: \"iscsi:10.0.0.5::::iqn.2026-11.example:{{name}}\", "
	"unverified: true, initiator: \"iqn.2026-11.example:me-{{name}}\" }\n"
	"  web: { san: \"https://one.example/disk.img\", unverified: true }\n"
	"  debian: { kernel: linux }\n"
	"nodes:\n"
	"  a: { mac: 52:54:00:00:00:01, boot: [lab, web, disk, debian] }\n"
	"  b: { mac: 52:54:00:00:00:02, boot: [lab, web, disk, debian] }\n"
	"  c: { mac: 52:54:00:00:00:03, boot: [menu, lab, lab, disk, poweroff] }\n"
	"  d: { mac: 52:54:00:00:00:04, profile: web }\n";

static const char secure[] =
	"site: lab\n"
	"url: https://one.example/\n"
	"trust: root.pem\n"
	"verify: secure-boot\n"
	"profiles: { debian: { kernel: linux, args: [\"n={{name}}\"] } }\n"
	"nodes:\n"
	"  a: { mac: 52:54:00:00:00:01, profile: debian }\n"
	"  b: { mac: 52:54:00:00:00:02, profile: debian }\n";

/* The last menu is seven menus away, and each leads back. */
static const char deep_menus[] =
	"site: lab\n"
	"url: https://one.example/\n"
	"trust: root.pem\n"
	"verify: digest\n"
	"profiles: { last: { kernel: farthest } }\n"
	"menus:\n"
	"  main: { items: { on: 'menu:b', stay: 'menu:main' } }\n"
	"  b: { items: { on: 'menu:c', back: menu } }\n"
	"  c: { items: { on: 'menu:d', back: menu } }\n"
	"  d: { items: { on: 'menu:e', back: menu } }\n"
	"  e: { items: { on: 'menu:f', back: menu } }\n"
	"  f: { items: { on: 'menu:g', back: menu } }\n"
	"  g: { items: { last: last, back: menu } }\n"
	"nodes: { a: { mac: 52:54:00:00:00:01, boot: menu } }\n";

/* Of orders that are alike, one is looked at fully, and the words of each. */
static const char rules_alike[] =
	"site: lab\n"
	"url: https://one.example/\n"
	"trust: root.pem\n"
	"verify: digest\n"
	"allow-unknown-install: true\n"
	"profiles: { p: { kernel: first }, q: { kernel: second } }\n"
	"unknown:\n"
	"  - { match: { serial: a }, boot: p }\n"
	"  - { match: { serial: b }, boot: q }\n"
	"  - { match: { serial: c, platform: efi }, boot: [p, disk] }\n"
	"  - { match: { serial: d, platform: pcbios }, boot: [p, disk] }\n";

static const char network[] =
	"site: lab\n"
	"url: https://10.1.1.5/\n"
	"trust: root.pem\n"
	"verify: digest\n"
	"network: { dns: [10.0.0.1], ntp: time.lab }\n"
	"profiles: { debian: { kernel: linux } }\n"
	"nodes:\n"
	"  a: { mac: 52:54:00:00:00:01, profile: debian, ip: 10.1.1.9/24, "
	"network: { gateway: 10.1.1.1, ip: 10.1.1.9/24, vlan: 7 } }\n"
	"  b: { mac: 52:54:00:00:00:02, profile: debian, network: { nics: "
	"[net2, 52:54:00:00:00:02] } }\n";

/* One order. */
static const char alike[] =
	"site: lab\n"
	"url: https://10.1.1.5/\n"
	"trust: root.pem\n"
	"verify: digest\n"
	"profiles: { debian: { kernel: linux, args: [\"{{x}}\", \"{{y}}\"] }, bare: { kernel: other } }\n"
	"groups: { all: { boot: [debian, bare], vars: { x: x, y: x } } }\n"
	"nodes:\n"
	"  a: { mac: 52:54:00:00:00:01, groups: [all] }\n"
	"  b: { mac: 52:54:00:00:00:02, groups: [all], vars: { x: z, y: z2 } }\n"
	"  c: { mac: 52:54:00:00:00:03, groups: [all], network: { vlan: 7 } }\n"
	"  d: { mac: 52:54:00:00:00:04, groups: [all] }\n";

static void what_is_written_holds(void **state)
{
	static const char *const sites[] = { plain,  with_menus, by_digest,
					     facts,  programs,   secure,
					     drives, network };

	(void)state;
	for (size_t i = 0; i < COUNT(sites); i++) {
		struct fixture f;

		assert_string_equal(prove_changed(&f, sites[i], NULL, NULL),
				    "");
		fixture_close(&f);
	}
}

struct row {
	const char *site, *from, *to, *seen;
};

static void check_rows(const struct row *rows, size_t count)
{
	size_t failed = 0;

	for (size_t i = 0; i < count; i++) {
		struct fixture f;
		const char *shown = prove_changed(&f, rows[i].site,
						  rows[i].from, rows[i].to);

		if (!strstr(shown, rows[i].seen) || !strstr(shown, "[E950]")) {
			print_error("\"%s\" -> \"%s\": no \"%s\" in\n",
				    rows[i].from, rows[i].to, rows[i].seen);
			print_error("%.900s\n", shown);
			failed++;
		}
		fixture_close(&f);
	}
	assert_int_equal(failed, 0);
}

static void scripts_from_the_tree_are_watched(void **state)
{
	static const struct row rows[] = {
		{ remote, "imgverify --timeout 30000 --signer lab-nodes node",
		  "isset", "uses a kernel that is not verified" },
		{ remote, "0.45.12.97", "0.45.12.98", "tries again" },
		{ remote, "isset ${net${own}/mac} || goto machine", "goto mine",
		  "of nodes is that of others" },
		{ remote, "set v1 ", "set v1 0", "word of its boot order" },
		{ remote, ":mac-525400000001\n:mine", ":mine",
		  "node a, on pcbios" },
		{ remote, "set lost yes", "set lost no", "an unknown machine" },
		{ remote, "set sum ${order}", "set sum ${v1}",
		  "not published" },
	};

	(void)state;
	check_rows(rows, COUNT(rows));
}

/* What the firmware says is let through only where it is harmless. */
static void facts_are_watched(void **state)
{
	static const struct row rows[] = {
		{ facts, "iseq ${probe:hexraw} 24${${fact}:hexraw}7b7d", "echo",
		  "that iPXE would expand" },
		{ facts, "set probe $${${fact}}{}", "set probe $${${fact}}}{}",
		  "by the site it boots a kernel" },
		{ facts, "set boot-${fact} ${${fact}:uristring}",
		  "set boot-${fact} ${${fact}}", "arguments that are not" },
		{ facts, "isset ${${fact}:hexraw} || goto fact-missing",
		  "isset ${${fact}:hexraw} || goto ${back}",
		  "arguments that are not" },
		{ facts, "isset ${boot-gateway} && goto ${back}",
		  "goto ${back}", "arguments that are not" },
		{ facts, "set boot-mac-hyphens ${${card}/mac:hexhyp}",
		  "set boot-mac-hyphens ${net0/mac:hexhyp}",
		  "arguments that are not" },
		{ facts, "set boot-ip ${${card}/ip}",
		  "set boot-ip ${${card}/gateway}", "arguments that are not" },
	};

	(void)state;
	check_rows(rows, COUNT(rows));
}

/* Behind a script that may set what it likes, all is as before. */
static void programs_are_watched(void **state)
{
	static const struct row rows[] = {
		{ programs, "set node ${chain-node} ||", "", "node a, on " },
		{ programs, "set next ${chain-next} ||", "", "node a, on " },
		{ programs, "set again ${chain-again} ||", "", "node a, on " },
		{ programs, "set leave ${chain-leave} ||", "", "node b, on " },
		{ programs, "set delay:int32 ${chain-delay}", "",
		  "node a, on " },
		{ programs, "clear platform ||", "", "node a, on efi" },
		{ programs,
		  "set online no\necho ipxe-embed: ${node}: the script", "echo",
		  "node a, on " },
		{ programs, "iseq ${platform} efi || goto no-efi", "",
		  "on pcbios" },
		{ programs, "iseq ${platform} efi || goto no-efi",
		  "goto no-efi", "on efi" },
		{ programs, "iseq ${platform} pcbios || goto no-bios", "",
		  "node d, on efi" },
		{ programs, "iseq ${platform} pcbios || goto no-bios",
		  "goto no-bios", "node d, on pcbios" },
		{ programs, "set args iso raw x", "set args iso raw",
		  "node d, on pcbios" },
	};

	(void)state;
	check_rows(rows, COUNT(rows));
}

/* A drive that nobody verifies is read where the site says so, and nowhere
 * else; and it is no more there behind it. */
static void drives_are_watched(void **state)
{
	static const struct row rows[] = {
		{ drives, "set drive ${v", "set drive iscsi:10.0.0.6:${v",
		  "reads a drive that is not its own" },
		{ drives, "set initiator-iqn ", "set initiator ",
		  "reads a drive that is not its own" },
		{ drives, "clear initiator-iqn ||", "",
		  "reads a drive that is not its own" },
		{ drives, "sanunhook --drive 0x80 ||", "", "node " },
		{ drives, "set keep-san 0", "", "node " },
		{ drives, "set skip-san-boot 0", "",
		  "by the site it boots from disk" },
		{ drives, "sanhook --drive 0x80 ${drive} || goto san-failed",
		  "sanboot --drive 0x80 https://one.example/other ||",
		  "reads a drive that is not its own" },
		{ drives, "sanhook --drive 0x80 ${drive} || goto san-failed",
		  "goto san-failed", "by the site it boots from a drive" },
		{ drives, "boot kernel ||",
		  "sanboot https://one.example/disk.img ||",
		  "by the site it boots a kernel" },
		{ plain, "boot kernel ||", "sanboot http://10.0.0.5/disk ||",
		  "reads a drive that is not its own" },
	};

	(void)state;
	check_rows(rows, COUNT(rows));
}

/* An installed machine is not taken for an empty one because DHCP says so. */
static void disks_are_watched(void **state)
{
	static const struct row rows[] = {
		{ programs, "set skip-san-boot 0", "", "with a disk" },
	};

	(void)state;
	check_rows(rows, COUNT(rows));
}

/* Where a machine would take what was not verified. */
static void unverified_items_are_seen(void **state)
{
	static const struct row rows[] = {
		{ plain, "imgverify ", "imgstat ||\n#", "tries again" },
		{ with_menus, "imgtrust --perm", "imgtrust --allow ||\n#",
		  "not trusted" },
		{ plain, "|| goto get-1-bad\nset step", "||\nset step",
		  "not verified" },
		{ plain, "iseq ${got} ${sum} || goto get-1-bad", "",
		  "not verified" },
		{ by_digest, "iseq ${got} ${sum}", "iseq ${got} ${got}",
		  "boots a kernel that is not its own" },
		{ plain, "imgtrust --permanent", "imgtrust", "not trusted" },
		{ plain, "imgtrust --permanent || goto stop", "",
		  "not trusted" },
		{ plain, "imgfree ||\nset cross", "set cross",
		  "could use an item that is not verified" },
		{ plain, ":failed\nimgfree ||", ":failed",
		  "could use an item that is not verified" },
		{ secure, "iseq ${efi/SecureBoot} 01 || goto insecure", "",
		  "by the site it goes back to the firmware" },
		{ secure, "boot uki", "imgargs uki x ||\nboot uki",
		  "arguments that are not its own" },
	};

	(void)state;
	check_rows(rows, COUNT(rows));
}

/* Where it would do what another should, or nobody. */
static void astray_machines_are_seen(void **state)
{
	static const struct row rows[] = {
		{ plain, "set found b", "set found a",
		  "takes itself for another node" },
		{ plain, "set found d", "set found c",
		  "comes to another boot order" },
		{ plain, ":mac-525400000101\n", "",
		  "comes to another boot order" },
		{ plain, ":uuid-", ":uuid", "comes to another boot order" },
		{ plain, ":serial-SN%20", ":serial-SN%2020", "node b" },
		{ plain, "inc idx\ngoto identify-card", "",
		  "comes to another boot order" },
		{ plain, "set v1 ", "set v1 x",
		  "takes a word of its boot order from elsewhere" },
		{ plain, "set args quiet", "set args ${hostname}",
		  "arguments that are not its own" },
		{ plain, "mode=0600", "mode=0644", "initrds that are not" },
		{ plain, "set item initrd-2", "set item initrd-1",
		  "tries again" },
		{ plain, "${from}a/", "${from}b/", "not published" },
		{ plain, "sleep ${delay} ||", "", "without a pause" },
		{ plain, ":poweroff\npoweroff", ":poweroff\nreboot",
		  "reboots" },
		{ plain, "sanboot --no-describe --drive 0x80", "isset",
		  "an unknown machine" },
		{ plain, "--drive 0 --filename \\EFI\\sles", "--drive 0",
		  "looks elsewhere for what is to boot from disk" },
		{ plain, "set crosscert https://no..where/", "isset 1",
		  "lets DHCP say where certificates come from" },
		{ plain, "iseq ${match} ${mine} || goto network-next", "",
		  "uses another network card" },
		{ plain, "inc delay ${delay}", "inc delay 1",
		  "pauses for another time" },
		{ plain, "set get-mirror 2", "set get-mirror 1",
		  "asks another server than is next" },
		{ plain, "set get-mirror 1\nset get-a",
		  "set get-mirror 2\nset get-a",
		  "asks another server than is next" },
		{ alike, "iseq ${online} yes && goto ${back} ||\n", "",
		  "sets up a network that it has already" },
		/* One fault among several servers, where the first one was lost. */
		{ plain,
		  ":get-2-bad\nset reason ${errno:hexraw}\nimgfree ${item}",
		  ":get-2-bad\nset reason ${errno:hexraw}\nisset 1",
		  "could use an item that is not verified" },
		/* Some of several nodes with one order have the same words. */
		{ alike, "set args ${v1} ${v2}", "set args ${v1} ${v1}",
		  "node b, on pcbios, boots with arguments" },
		{ alike, "set args ${v1} ${v2}", "set args x ${v2}",
		  "node b, on pcbios, boots with arguments" },
		/* One of several has a network of its own. */
		{ alike, "vcreate --tag ${static-vlan}", "vcreate --tag 9",
		  "node c" },
		{ plain, "shell ||\n", "", "node c" },
		{ plain, ":get-1\nset from https://one.example/\n", ":get-1\n",
		  "initrds that are not its own" },
		{ plain, "set next order-2-step-3", "set next order-2-step-4",
		  "node c" },
		{ network, "set static-ip 10.1.1.9", "set static-ip 10.1.1.8",
		  "takes its network from elsewhere" },
		{ network, "set ${card}/gateway", "set ${card}/x",
		  "has another network than its own" },
		{ network, "set card net${idx}-${static-vlan}", "isset 1",
		  "is in another VLAN" },
		{ network, "\nntp ${static-ntp}", "\nisset",
		  "has another network than its own" },
		{ network, "&& goto network-listed", "",
		  "uses another network card" },
		{ plain, "goto unknown\n", "goto node-a\n",
		  "an unknown machine" },
		{ plain, "exit 1", "colour 1", "what the proof does not know" },
		{ with_menus, "-- rescue", "-- disk", "a menu" },
		{ with_menus, "--default disk", "--default install", "boots" },
		{ with_menus, "set next ${leave}", "", "menu" },
		{ deep_menus, "set leaf farthest", "set leaf nearest",
		  "not published" },
		{ rules_alike, "set leaf second", "set leaf third",
		  "not published" },
		{ rules_alike, ":disk-bios\nsanboot", ":disk-bios\nisset",
		  "on pcbios" },
	};

	(void)state;
	check_rows(rows, COUNT(rows));
}

/* E950 says which machine, in which world, what it does, and what it should. */
static void faults_are_told(void **state)
{
	struct fixture f;
	const char *shown =
		prove_changed(&f, plain, "set args quiet", "set args loud");

	(void)state;
	assert_non_null(strstr(shown, "site.yaml:12:3: error: node a, on "
				      "pcbios, boots with arguments that are "
				      "not its own [E950]"));
	assert_non_null(strstr(shown, "boots a kernel of profile debian"));
	assert_non_null(strstr(shown, "boot     kernel  loud n=a"));
	assert_int_equal(f.ds.errors, 3);
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_holds),
		cmocka_unit_test(facts_are_watched),
		cmocka_unit_test(programs_are_watched),
		cmocka_unit_test(drives_are_watched),
		cmocka_unit_test(disks_are_watched),
		cmocka_unit_test(unverified_items_are_seen),
		cmocka_unit_test(astray_machines_are_seen),
		cmocka_unit_test(scripts_from_the_tree_are_watched),
		cmocka_unit_test(faults_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
