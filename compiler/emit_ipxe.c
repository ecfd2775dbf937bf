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

void emit_hex(struct emit *e, struct text text)
{
	for (size_t i = 0; i < text.len; i++)
		PUT("%02x", (unsigned char)text.ptr[i]);
}

/* ------------------------------------------------------------ start -- */

void emit_origin(struct emit *e)
{
	PUT("made by ipxe-embed from ");
	/* Its directory would make the bytes depend on who builds where. */
	quote_ipxe_prose(e->out, text_basename(e->plan->site_path));
	PUT(".\n"
	    "# Do not edit it: edit the site and build again.\n");
}

/* iPXE of 2025 does not know where a script on a stick came from, and takes the
 * TFTP server for it once DHCP has named one; so it is noted before that. */
static void emit_place(struct emit *e)
{
	if (e->home != EMIT_FILE)
		return;
	PUT("# Where this script came from; without a name, the top of a stick.\n"
	    "set place ${cwduri} ||\n"
	    "isset ${place} || set place file:/\n");
}

static void emit_head(struct emit *e)
{
	PUT("#!ipxe\n"
	    "#\n"
	    "# Boot script of site %s, ",
	    e->plan->site_name.ptr);
	emit_origin(e);
	PUT("#\n"
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
	    "set crosscert " EMIT_NO_CROSSCERT " || goto stop\n");
	if (emit_has(e, VERIFY_SIGNATURE))
		PUT("# From here on, only images with a good signature run.\n"
		    "imgtrust --permanent || goto stop\n");
	if (emit_has(e, VERIFY_SECURE_BOOT))
		PUT("# The firmware must refuse what is not signed.\n"
		    "iseq ${platform} efi || goto insecure\n"
		    "iseq ${efi/SecureBoot} 01 || goto insecure\n");
	if (emit_has(e, VERIFY_NODES))
		PUT("# The scripts of nodes look whether they are of this "
		    "site.\n"
		    "set site %s\n",
		    e->plan->site_name.ptr);
	emit_place(e);
	emit_arch(e);
	emit_uplink(e, &e->plan->effective->unknown);
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

void emit_arch(struct emit *e)
{
	if (e->uses_arch)
		PUT("# An image for BIOS is i386, whatever it runs on.\n"
		    "set arch ${buildarch}\n"
		    "iseq ${arch} i386 && set arch x86_64 ||\n");
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
	PUT("goto %s\n"
	    ":identified\n"
	    "set node ${found}\n"
	    "echo ipxe-embed: this is node ${node}\n"
	    "goto node-${node} || goto stop\n",
	    e->site->dispatch.kind == DISPATCH_EMBEDDED ? "unknown"
							: "dispatch");
}

/* ------------------------------------------------------------ nodes -- */

void emit_mac_labels(struct emit *e, const struct node *node)
{
	for (size_t i = 0; i < node->mac_count; i++) {
		char digits[13] = "";
		size_t count = 0;

		for (const char *c = node->macs[i].text.ptr; *c; c++)
			if (*c != ':')
				digits[count++] = *c;
		PUT(":mac-%s\n", digits);
	}
}

static void emit_labels(struct emit *e, const struct node *node)
{
	emit_mac_labels(e, node);
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
		sbuf_putc(e->out, '\n');
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

		sbuf_putc(e->out, '\n');
		emit_labels(e, machine->node);
		PUT("set found %s\n"
		    "goto ${then}\n"
		    ":node-%s\n",
		    machine->node->name.ptr, machine->node->name.ptr);
		emit_uplink(e, machine);
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
	if (e->site->rule_count)
		emit_rules(e);
	PUT("goto order-unknown\n");
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
	enum dispatch dispatch = e->site->dispatch.kind;

	emit_find_uses(e, &plan->effective->unknown);
	for (size_t i = 0; i < emit.site->rule_count; i++)
		emit_find_uses(e, &plan->effective->ruled[i]);
	if (dispatch != DISPATCH_REMOTE)
		for (size_t i = 0; i < plan->order_count; i++)
			emit_find_uses(e, plan->orders[i].members[0]);
	if (dispatch != DISPATCH_EMBEDDED)
		e->uses[STEP_RETRY] = e->uses[STEP_EXIT] = true;

	/* What grows with the site comes last: iPXE looks for a label from the
	 * top of the script, line by line. */
	emit_head(e);
	if (dispatch != DISPATCH_REMOTE)
		emit_identify(e);
	if (dispatch != DISPATCH_EMBEDDED)
		emit_dispatch(e);
	emit_unknown(e);
	emit_routines(e);
	emit_orders(e);
	if (dispatch != DISPATCH_REMOTE)
		emit_nodes(e);
}
