#include "emit.h"

#include "arena.h"
#include "emit_parts.h"
#include "quote.h"
#include "value.h"

/*
 * How the script works, and what of iPXE it leans on (core/exec.c,
 * core/settings.c, image/script.c of release 2.0.0):
 *
 * - `goto` has no return. A routine is called with the label to come back to in
 *   ${back} and leaves by `goto ${back}`, or by `goto failed`.
 * - `goto` to a label that is not there fails and leaves the position alone, so
 *   `goto mac-${…} ||` looks a machine up in one command, whatever the size of
 *   the site. Labels of the look-up set ${found} and `goto ${then}`.
 * - A line whose last status is not zero ends the script, and with it iPXE:
 *   every command that may fail says where to go on (`|| goto`), or that it
 *   does not matter (`||` at the end).
 * - Settings made here hide those of DHCP with the same name. No variable is
 *   tested before it has been set here or cleared here.
 * - `boot` of nothing succeeds: the line behind it is always a failure.
 */

void emit_heading(struct emit *e, const char *text)
{
	PUT("\n# ---- %s ", text);
	for (size_t i = strlen(text); i < 70; i++)
		sbuf_putc(e->out, '-');
	PUT("\n");
}

static bool has(const struct emit *e, enum verify how)
{
	return e->plan->verify & how;
}

/* ------------------------------------------------------------ start -- */

static void emit_head(struct emit *e)
{
	PUT("#!ipxe\n"
	    "#\n"
	    "# Boot script of site %s, made by ipxe-embed from ",
	    e->plan->site_name.ptr);
	/* Its directory would make the bytes depend on who builds where. */
	quote_ipxe_prose(e->out, text_basename(e->plan->site_path));
	PUT(".\n"
	    "# Do not edit it: edit the site and build again.\n"
	    "#\n"
	    "#   start     what comes first\n"
	    "#   identify  which node is this machine?\n"
	    "#   routines  network, get (fetch and verify), boot, retry ...\n"
	    "#   orders    what machines try to boot, step by step\n"
	    "#   nodes     what is particular to each of them\n"
	    "#\n"
	    "# A routine goes back to ${back} when it is done. When a step of a\n"
	    "# boot order fails, all that was fetched is dropped and the next\n"
	    "# one, ${next}, is tried. Nothing is used that was not verified.\n");

	emit_heading(e, "start");
	/* iPXE looks for missing certificates at ${crosscert}, which DHCP may
	 * set. A place that has no name in DNS is asked for nothing; an empty
	 * one would hide why a chain is refused (expired, untrusted) behind
	 * "Invalid argument" (net/validator.c). */
	PUT("imgfree ||\n"
	    "set crosscert https://no..where/ || goto stop\n");
	if (has(e, VERIFY_SIGNATURE))
		PUT("# From here on, only images with a good signature run.\n"
		    "imgtrust --permanent || goto stop\n");
	if (has(e, VERIFY_SECURE_BOOT))
		PUT("# The firmware must refuse what is not signed.\n"
		    "iseq ${platform} efi || goto insecure\n"
		    "iseq ${efi/SecureBoot} 01 || goto insecure\n");
	PUT("set delay:int32 5\n"
	    "set online no\n"
	    "set lease %s\n"
	    "set node unidentified machine\n"
	    "set get-mirror 1\n"
	    "set get-asset-mirror 1\n"
	    "echo\n"
	    "echo ipxe-embed: site %s\n",
	    e->home == EMIT_IMAGE ? "cached" : "new", e->plan->site_name.ptr);
}

static void emit_identify(struct emit *e)
{
	bool uuid = false, serial = false, asset = false;

	for (size_t i = 0; i < e->site->node_count; i++) {
		uuid = uuid || e->site->nodes[i].uuid.text.ptr;
		serial = serial || e->site->nodes[i].serial.text.ptr;
		asset = asset || e->site->nodes[i].asset.text.ptr;
	}
	emit_heading(e, "identify");
	PUT("# By the MAC address of any network card, then by what the "
	    "firmware says.\n"
	    "set then identified\n"
	    "set idx:int32 0\n"
	    ":identify-card\n"
	    "isset ${net${idx}/mac} || goto identify-machine\n"
	    "goto mac-${net${idx}/mac:hexraw} ||\n"
	    "inc idx\n"
	    "goto identify-card\n"
	    ":identify-machine\n");
	if (uuid)
		PUT("goto uuid-${uuid} ||\n");
	if (serial)
		PUT("goto serial-${serial:uristring} ||\n");
	if (asset)
		PUT("goto asset-${asset:uristring} ||\n");
	PUT("goto unknown\n"
	    ":identified\n"
	    "set node ${found}\n"
	    "echo ipxe-embed: this is node ${node}\n"
	    "goto node-${node} || goto stop\n");
}

/* ------------------------------------------------------------ nodes -- */

static void emit_labels(struct emit *e, const struct node *node)
{
	for (size_t i = 0; i < node->mac_count; i++) {
		PUT(":mac-");
		for (const char *c = node->macs[i].text.ptr; *c; c++)
			if (*c != ':')
				sbuf_putc(e->out, *c);
		PUT("\n");
	}
	if (node->uuid.text.ptr)
		PUT(":uuid-%s\n", node->uuid.text.ptr);
	if (node->serial.text.ptr) {
		PUT(":serial-");
		quote_uristring(e->out, node->serial.text);
		PUT("\n");
	}
	if (node->asset.text.ptr) {
		PUT(":asset-");
		quote_uristring(e->out, node->asset.text);
		PUT("\n");
	}
}

static void emit_variables(struct emit *e, const struct machine *machine,
			   const struct order *order, struct text *words)
{
	plan_words(machine, words);
	for (size_t i = 0; i < order->word_count; i++) {
		if (!order->variables[i])
			continue;
		PUT("set v%zu ", order->variables[i]);
		quote_ipxe(e->out, words[i]);
		PUT("\n");
	}
}

static void emit_nodes(struct emit *e)
{
	const struct effective *effective = e->plan->effective;
	size_t most = 0;
	struct text *words;
	struct arena scratch = { 0 };

	emit_heading(e, "nodes");
	PUT("# Looked up by the labels that begin with mac-, uuid-, serial- "
	    "and asset-.\n");
	for (size_t i = 0; i < e->plan->order_count; i++)
		if (e->plan->orders[i].word_count > most)
			most = e->plan->orders[i].word_count;
	words = arena_new_array(&scratch, most, struct text);
	for (size_t i = 0; i < effective->machine_count; i++) {
		const struct machine *machine = &effective->machines[i];
		const struct order *order = e->plan->order_of[i];

		PUT("\n");
		emit_labels(e, machine->node);
		PUT("set found %s\n"
		    "goto ${then}\n"
		    ":node-%s\n",
		    machine->node->name.ptr, machine->node->name.ptr);
		emit_variables(e, machine, order, words);
		PUT("goto order-%zu\n", order->number);
	}
	arena_release(&scratch);
}

/* ---------------------------------------------------------- unknown -- */

static void emit_unknown(struct emit *e)
{
	emit_heading(e, "unknown");
	PUT(":unknown\n"
	    "set node unknown machine\n"
	    "clear macs ||\n"
	    "set idx:int32 0\n"
	    ":unknown-card\n"
	    "isset ${net${idx}/mac} || goto unknown-show\n"
	    "iseq ${idx} 0 && set macs ${net${idx}/mac} || "
	    "set macs ${macs}, ${net${idx}/mac}\n"
	    "inc idx\n"
	    "goto unknown-card\n"
	    ":unknown-show\n"
	    "echo\n"
	    "echo This machine is not a node of site %s:\n"
	    "echo mac: ${macs}\n"
	    "echo uuid: ${uuid}\n"
	    "echo serial: ${serial:uristring}\n"
	    "echo asset: ${asset:uristring}\n"
	    "echo manufacturer: ${manufacturer:uristring}\n"
	    "echo product: ${product:uristring}\n"
	    "echo To make it one, put this line below nodes: and build again:\n"
	    "echo new-node: { mac: [${macs}], profile: NAME }\n"
	    "echo\n",
	    e->plan->site_name.ptr);
	PUT("goto order-unknown\n");
}

/* --------------------------------------------------------- routines -- */

/* Only when a card is open: iPXE of 2025 opens none for it, although the
 * firmware has left an address there. */
static void emit_certstore(struct emit *e)
{
	if (e->home != EMIT_FILE)
		return;
	PUT("# The image trusts the root by its fingerprint. Its certificate is\n"
	    "# for servers that do not send it; it adds no trust.\n"
	    "certstore " EMIT_ROOT " ||\n");
}

static void emit_network(struct emit *e)
{
	emit_heading(e, "network");
	PUT("# Cards of this node first (mine yes), then the others. A port "
	    "without a\n"
	    "# link or an answer is closed again, and costs a few seconds. The "
	    "address\n"
	    "# with which this image was loaded is good for the first try.\n"
	    ":network\n"
	    "iseq ${online} yes && goto ${back} ||\n"
	    "set then network-card\n"
	    "set mine yes\n"
	    ":network-pass\n"
	    "set idx:int32 0\n"
	    ":network-look\n"
	    "isset ${net${idx}/mac} || goto network-end\n"
	    "set found _\n"
	    "goto mac-${net${idx}/mac:hexraw} ||\n"
	    ":network-card\n"
	    "iseq ${found} ${node} && set match yes || set match no\n"
	    "iseq ${match} ${mine} || goto network-next\n"
	    "echo ipxe-embed: trying net${idx} ${net${idx}/mac}\n"
	    "ifopen net${idx} || goto network-close\n"
	    "iflinkwait --timeout 8000 net${idx} || goto network-close\n"
	    "iseq ${lease} cached && isset ${net${idx}/ip} && "
	    "goto network-up ||\n"
	    "dhcp net${idx} || goto network-close\n"
	    ":network-up\n"
	    "set online yes\n");
	emit_certstore(e);
	PUT("goto ${back}\n"
	    ":network-close\n"
	    "ifclose net${idx} ||\n"
	    ":network-next\n"
	    "inc idx\n"
	    "goto network-look\n"
	    ":network-end\n"
	    "iseq ${mine} yes && set mine no && goto network-pass ||\n"
	    "echo ipxe-embed: ${node}: FAILED: no network card has a link and "
	    "an address\n"
	    "goto failed\n");
}

/* One base URL of a routine; @p number counts from 1. */
static void emit_mirror(struct emit *e, const char *routine, size_t number,
			const struct located_list *urls)
{
	PUT(":%s-%zu\n"
	    "set from %s\n"
	    "imgfetch --timeout 30000 --name ${item} "
	    "${from}a/${sum}/${leaf} || goto %s-%zu-lost\n",
	    routine, number, urls->at[number - 1].text.ptr, routine, number);
	if (has(e, VERIFY_SIGNATURE))
		PUT("set step signature\n"
		    "imgverify --timeout 30000 --signer %s ${item} "
		    "${from}a/${sum}/${leaf}.sig || goto %s-%zu-bad\n",
		    e->plan->signer.ptr, routine, number);
	if (has(e, VERIFY_DIGEST))
		PUT("set step digest\n"
		    "clear got ||\n"
		    "sha256sum --set got ${item} || goto %s-%zu-bad\n"
		    "iseq ${got} ${sum} || goto %s-%zu-bad\n",
		    routine, number, routine, number);
	PUT("goto ${back}\n"
	    ":%s-%zu-bad\n"
	    "set reason ${errno:hexraw}\n"
	    "imgfree ${item} || goto stop\n"
	    "echo ipxe-embed: ${node}: REFUSED ${item} from ${from}: bad "
	    "${step}, error ${reason}\n",
	    routine, number);
	PUT("set %s-mirror %zu\n"
	    "goto %s-next\n"
	    ":%s-%zu-lost\n"
	    "set reason ${errno:hexraw}\n"
	    "echo ipxe-embed: ${node}: FAILED to fetch ${item} from ${from}: "
	    "error ${reason}\n"
	    "set %s-mirror %zu\n"
	    "goto %s-next\n",
	    routine, number % urls->count + 1, routine, routine, number,
	    routine, number % urls->count + 1, routine);
}

static void emit_get(struct emit *e, const char *routine,
		     const struct located_list *urls)
{
	PUT(":%s\n"
	    "echo ipxe-embed: ${node}: ${item} (${leaf})\n"
	    "set tried:int32 0\n"
	    "goto %s-${%s-mirror}\n",
	    routine, routine, routine);
	for (size_t i = 0; i < urls->count; i++)
		emit_mirror(e, routine, i + 1, urls);
	PUT(":%s-next\n"
	    "inc tried\n"
	    "iseq ${tried} %zu || goto %s-${%s-mirror}\n"
	    "echo ipxe-embed: ${node}: GIVEN UP: no good ${item} (${leaf}); "
	    "see https://ipxe.org/${reason}\n"
	    "goto failed\n",
	    routine, urls->count, routine, routine);
}

static void emit_gets(struct emit *e)
{
	emit_heading(e, "get: fetch ${item} and verify it");
	PUT("# The only place where anything is fetched. An item that is not "
	    "verified\n"
	    "# is dropped at once, and the next mirror is asked; one that "
	    "answers well\n"
	    "# stays the first to be asked.\n");
	emit_get(e, "get", &e->site->urls);
	if (e->site->assets.count) {
		PUT("\n");
		emit_get(e, "get-asset", &e->site->assets);
	}
}

static void emit_boot_uki(struct emit *e)
{
	emit_heading(e, "boot");
	PUT("# Kernel, initrds and command line in one: the firmware verifies "
	    "it.\n"
	    ":boot-uki\n"
	    "echo ipxe-embed: ${node}: booting ${leaf}\n"
	    "boot uki ||\n"
	    "# A kernel that starts does not come back.\n"
	    "set reason ${errno:hexraw}\n"
	    "echo ipxe-embed: ${node}: REFUSED by the firmware, or it did not "
	    "start: ${leaf}; see https://ipxe.org/${reason}\n"
	    "goto failed\n");
}

static void emit_boot(struct emit *e)
{
	emit_heading(e, "boot");
	PUT("# EFI kernels find their initrds under the name initrd.magic.\n"
	    ":boot\n"
	    "clear magic ||\n"
	    "iseq ${platform}-${initrds} efi-yes && "
	    "set magic initrd=initrd.magic ||\n"
	    "imgargs kernel ${magic} ${args} || goto failed\n"
	    "echo ipxe-embed: ${node}: booting: ${magic} ${args}\n"
	    "boot kernel ||\n"
	    "# A kernel that starts does not come back.\n"
	    "set reason ${errno:hexraw}\n"
	    "echo ipxe-embed: ${node}: FAILED to start the kernel; "
	    "see https://ipxe.org/${reason}\n"
	    "goto failed\n");
}

/* Where systems put their loader on an EFI disk besides the path for removable
 * media. Not to find one would be to take an installed machine for an empty
 * one, and go on to the installer. */
static const char *const efi_loaders[] = {
	"debian\\shimx64.efi",
	"debian\\grubx64.efi",
	"ubuntu\\shimx64.efi",
	"ubuntu\\grubx64.efi",
	"fedora\\shimx64.efi",
	"centos\\shimx64.efi",
	"rocky\\shimx64.efi",
	"almalinux\\shimx64.efi",
	"redhat\\shimx64.efi",
	"opensuse\\shim.efi",
	"sles\\shim.efi",
	"systemd\\systemd-bootx64.efi",
	"arch\\grubx64.efi",
	"nixos\\grubx64.efi",
	"Microsoft\\Boot\\bootmgfw.efi",
};

/* Drive 0 is any drive with a loader under EFI, but the floppy on BIOS. */
static void emit_disk(struct emit *e)
{
	PUT(":disk\n"
	    "echo ipxe-embed: ${node}: booting from disk\n"
	    "iseq ${platform} efi || goto disk-bios\n"
	    "sanboot --no-describe --drive 0 ||\n");
	for (size_t i = 0; i < sizeof(efi_loaders) / sizeof(*efi_loaders); i++)
		PUT("sanboot --no-describe --drive 0 --filename \\EFI\\%s ||\n",
		    efi_loaders[i]);
	PUT("goto disk-failed\n"
	    ":disk-bios\n"
	    "sanboot --no-describe --drive 0x80 ||\n"
	    ":disk-failed\n"
	    "echo ipxe-embed: ${node}: FAILED: nothing boots from disk\n"
	    "goto failed\n");
}

static void emit_step_routines(struct emit *e)
{
	emit_heading(e, "other steps of boot orders");
	if (e->uses[STEP_DISK])
		emit_disk(e);
	if (e->uses[STEP_RETRY])
		PUT("# The pause doubles from 5 to 160 seconds.\n"
		    ":retry\n"
		    "echo ipxe-embed: ${node}: trying again in ${delay} "
		    "seconds\n"
		    "sleep ${delay} ||\n"
		    "iseq ${delay} 160 || inc delay ${delay}\n"
		    "ifclose ||\n"
		    "set online no\n"
		    "set lease new\n"
		    "goto ${again} || goto stop\n");
	if (e->uses[STEP_REBOOT])
		PUT(":reboot\n"
		    "reboot ||\n"
		    "goto stop\n");
	if (e->uses[STEP_POWEROFF])
		PUT(":poweroff\n"
		    "poweroff ||\n"
		    "goto stop\n");
	if (e->uses[STEP_SHELL])
		PUT(":shell\n"
		    "echo ipxe-embed: ${node}: a shell; type exit to go on\n"
		    "shell ||\n"
		    "goto failed\n");
	if (e->uses[STEP_EXIT])
		PUT("# A status other than 0 makes UEFI go on with its next "
		    "entry.\n"
		    ":exit\n"
		    "echo ipxe-embed: ${node}: back to the firmware\n"
		    "exit 1\n");
}

static void find_uses(struct emit *e, const struct machine *machine)
{
	for (size_t i = 0; i < machine->action_count; i++)
		e->uses[machine->actions[i].kind] = true;
}

static void emit_end(struct emit *e)
{
	emit_heading(e, "failed: on with the next step");
	PUT(":failed\n"
	    "imgfree ||\n"
	    "goto ${next} || goto stop\n");
	if (has(e, VERIFY_SECURE_BOOT))
		PUT("\n:insecure\n"
		    "echo ipxe-embed: REFUSED: site %s boots only with UEFI "
		    "Secure Boot on\n"
		    "echo ipxe-embed: platform ${platform}, SecureBoot "
		    "${efi/SecureBoot}\n"
		    "sleep 30 ||\n"
		    "exit 1\n",
		    e->plan->site_name.ptr);
	emit_heading(e, "stop: what must not happen");
	PUT(":stop\n"
	    "echo ipxe-embed: ${node}: stopped, error ${errno:hexraw}\n"
	    "imgfree ||\n"
	    "sleep 30 ||\n"
	    "exit 1\n");
}

void emit_ipxe(const struct plan *plan, enum emit_home home, struct sbuf *out)
{
	struct emit emit = {
		.plan = plan,
		.site = plan->effective->site,
		.home = home,
		.out = out,
	};
	struct emit *e = &emit;

	find_uses(e, &plan->effective->unknown);
	for (size_t i = 0; i < plan->order_count; i++)
		find_uses(e, plan->orders[i].members[0]);

	/* What grows with the site comes last: iPXE looks for a label from the
	 * top of the script, line by line. */
	emit_head(e);
	emit_identify(e);
	emit_unknown(e);
	emit_network(e);
	emit_gets(e);
	if (has(e, VERIFY_SECURE_BOOT))
		emit_boot_uki(e);
	else
		emit_boot(e);
	emit_step_routines(e);
	emit_end(e);
	emit_orders(e);
	emit_nodes(e);
}
