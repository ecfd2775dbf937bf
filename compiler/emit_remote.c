#include "emit_parts.h"

#include "quote.h"

/*
 * Nodes in the tree instead of the image. Three scripts work together:
 *
 * - the image asks each server for the script of a node that has this machine's
 *   identity, at n/mac/525400000001.ipxe and the like;
 * - that script, small and the only thing that is signed, looks whether this
 *   machine really is its node, since whoever answers could send the script of
 *   another one. It sets the variables of the node, and ${order} to the SHA-256
 *   of
 * - the script with the boot order, which machines that boot alike share. It
 *   has the routines too, and ends when the machine is to be looked up anew
 *   (retry), or is to leave (${verdict} exit).
 *
 * All else is verified by the digests that the script of the node brings. No
 * kernel is signed, so none can be sent in the place of that script.
 */

/* ENOENT of net/tcp/httpcore.c, "404 Not Found"; its last byte, which depends
 * on the platform, is left out. The filler makes the first three bytes of the
 * error the last ones of an address. */
#define NOT_FOUND "0.45.12.97"

static const struct {
	const char *kind, *setting, *next;
} identities[] = {
	{ "uuid", "uuid", "serial" },
	{ "serial", "serial:hexraw", "asset" },
	{ "asset", "asset:hexraw", NULL },
};

static void emit_ask(struct emit *e)
{
	PUT(":dispatch-ask\n"
	    "set idx:int32 0\n"
	    ":dispatch-card\n"
	    "isset ${net${idx}/mac} || goto dispatch-uuid\n"
	    "set id mac/${net${idx}/mac:hexraw}\n"
	    "set then dispatch-next-card\n"
	    "goto dispatch-get\n"
	    ":dispatch-next-card\n"
	    "inc idx\n"
	    "goto dispatch-card\n");
	for (size_t i = 0; i < sizeof(identities) / sizeof(*identities); i++)
		PUT(":dispatch-%s\n"
		    "set id %s/${%s}\n"
		    "set then dispatch-%s\n"
		    "isset ${%s} && goto dispatch-get ||\n",
		    identities[i].kind, identities[i].kind,
		    identities[i].setting,
		    identities[i].next ? identities[i].next : "next",
		    identities[i].setting);
}

static void emit_servers(struct emit *e)
{
	size_t count = e->site->urls.count;

	PUT(":dispatch-online\n"
	    "set tried:int32 0\n"
	    "set lost no\n"
	    ":dispatch-server\n"
	    "iseq ${tried} %zu && goto dispatch-end ||\n"
	    "goto dispatch-server-${get-mirror}\n",
	    count);
	for (size_t i = 0; i < count; i++)
		PUT(":dispatch-server-%zu\n"
		    "set from %s\n"
		    "set other %zu\n"
		    "goto dispatch-ask\n",
		    i + 1, e->site->urls.at[i].text.ptr, (i + 1) % count + 1);
}

static void emit_get_node(struct emit *e)
{
	PUT(":dispatch-get\n"
	    "echo ipxe-embed: asking ${from} for ${id}\n"
	    "imgfetch --timeout 30000 --name node ${from}n/${id}.ipxe || "
	    "goto dispatch-lost\n"
	    "imgverify --timeout 30000 --signer %s node ${from}n/${id}.ipxe.sig "
	    "|| goto dispatch-bad\n"
	    "clear order ||\n"
	    "imgexec node || goto dispatch-foreign\n"
	    "imgfree ||\n"
	    "isset ${order} || goto dispatch-foreign\n"
	    "echo ipxe-embed: this is node ${node}\n"
	    "set item order\n"
	    "set sum ${order}\n"
	    "set leaf order.ipxe\n"
	    "set back dispatch-run\n"
	    "goto get\n"
	    ":dispatch-run\n"
	    "set verdict again\n"
	    "imgexec order || goto stop\n"
	    "imgfree ||\n"
	    "iseq ${verdict} exit && goto exit || goto dispatch\n",
	    e->plan->signer.ptr);
	PUT(":dispatch-lost\n"
	    "set reason ${errno:hexraw}\n"
	    "set probe:hexraw 00${reason}\n"
	    "iseq ${probe:ipv4} " NOT_FOUND " && goto ${then} ||\n"
	    "echo ipxe-embed: ${node}: FAILED to ask ${from} for ${id}: "
	    "error ${reason}\n"
	    "goto dispatch-next-server\n"
	    ":dispatch-bad\n"
	    "set reason ${errno:hexraw}\n"
	    "echo ipxe-embed: ${node}: REFUSED ${id} from ${from}: bad "
	    "signature, error ${reason}\n"
	    "goto dispatch-next-server\n"
	    ":dispatch-foreign\n"
	    "echo ipxe-embed: ${node}: REFUSED ${id} from ${from}: it is the "
	    "script of another node\n"
	    ":dispatch-next-server\n"
	    "set lost yes\n"
	    "imgfree ||\n"
	    ":dispatch-next\n"
	    "set get-mirror ${other}\n"
	    "inc tried\n"
	    "goto dispatch-server\n");
}

void emit_dispatch(struct emit *e)
{
	emit_heading(e, "dispatch: which node is this machine?");
	PUT("# A machine is unknown only when every server says 404 Not Found to "
	    "all that\n"
	    "# it asks for. If one does not answer, or with what is not good, it "
	    "asks\n"
	    "# them all again.\n"
	    ":dispatch\n"
	    "set node this machine\n"
	    "set next dispatch-failed\n"
	    "set back dispatch-online\n"
	    "goto network\n");
	emit_servers(e);
	emit_ask(e);
	PUT("goto dispatch-next\n");
	emit_get_node(e);
	PUT(":dispatch-end\n"
	    "iseq ${lost} no && goto unknown ||\n"
	    "echo ipxe-embed: ${node}: GIVEN UP: nobody says for sure which "
	    "node this is\n"
	    ":dispatch-failed\n"
	    "set again dispatch\n"
	    "goto retry\n");
}

/* ---------------------------------------------------------- scripts -- */

void emit_order_script(const struct plan *plan, const struct order *order,
		       struct sbuf *out)
{
	struct emit emit = { .plan = plan,
			     .site = plan->effective->site,
			     .out = out,
			     .fetched = true };
	struct emit *e = &emit;

	emit_find_uses(e, order->members[0]);
	PUT("#!ipxe\n"
	    "#\n"
	    "# A boot order of site %s, ",
	    plan->site_name.ptr);
	emit_origin(e);
	PUT("#\n"
	    "# The script of a node names it by its digest and sets what is "
	    "particular\n"
	    "# to the node, ${v1} and so on.\n");
	emit_arch(e);
	PUT("goto order\n");
	emit_routines(e);
	emit_heading(e, "order");
	emit_order(e, order, "order");
}

/* In hex, since commands take for an option what begins with "-". */
static void emit_tag(struct emit *e, const char *setting, struct text value)
{
	if (!value.ptr)
		return;
	PUT("iseq ${%s:hexraw} ", setting);
	emit_hex(e, value);
	PUT(" && goto mine ||\n");
}

/* Whether this machine has an identity of the node; else it ends. */
static void emit_binding(struct emit *e, const struct node *node)
{
	PUT("iseq ${site} %s || exit 1\n", e->plan->site_name.ptr);
	if (node->mac_count)
		PUT("set own:int32 0\n"
		    ":card\n"
		    "isset ${net${own}/mac} || goto machine\n"
		    "goto mac-${net${own}/mac:hexraw} ||\n"
		    "inc own\n"
		    "goto card\n"
		    ":machine\n");
	if (node->uuid.text.ptr)
		PUT("iseq ${uuid} %s && goto mine ||\n", node->uuid.text.ptr);
	emit_tag(e, "serial", node->serial.text);
	emit_tag(e, "asset", node->asset.text);
	PUT("exit 1\n");
	emit_mac_labels(e, node);
	PUT(":mine\n");
}

void emit_node_script(const struct plan *plan, const struct machine *machine,
		      const struct node_order *order, struct sbuf *out)
{
	struct emit emit = { .plan = plan,
			     .site = plan->effective->site,
			     .out = out,
			     .fetched = true };
	struct emit *e = &emit;

	PUT("#!ipxe\n"
	    "#\n"
	    "# Node %s of site %s, ",
	    machine->node->name.ptr, plan->site_name.ptr);
	emit_origin(e);
	emit_binding(e, machine->node);
	PUT("set node %s\n", machine->node->name.ptr);
	plan_words(machine, order->words);
	for (size_t i = 0; i < order->order->word_count; i++) {
		PUT("set v%zu ", i + 1);
		quote_ipxe(out, order->words[i]);
		PUT("\n");
	}
	PUT("set order %s\n", order->hex.ptr);
}
