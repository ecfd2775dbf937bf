#include "emit_parts.h"

/*
 * Settings that say how a machine gets onto the network. The script begins with
 * those of the site, which unknown machines have; a node sets what differs.
 */

static const struct {
	const char *name;
	size_t offset;
} fields[] = {
	{ "static-ip", offsetof(struct uplink, ip) },
	{ "static-netmask", offsetof(struct uplink, netmask) },
	{ "static-gateway", offsetof(struct uplink, gateway) },
	{ "static-dns", offsetof(struct uplink, dns) },
	{ "static-vlan", offsetof(struct uplink, vlan) },
	{ "static-ntp", offsetof(struct uplink, ntp) },
};

static struct text field_of(const struct uplink *uplink, size_t field)
{
	const char *at = (const char *)uplink + fields[field].offset;

	return *(const struct text *)(const void *)at;
}

static void emit_setting(struct emit *e, const char *name, struct text value)
{
	if (value.ptr)
		PUT("set %s %s\n", name, value.ptr);
	else
		PUT("clear %s ||\n", name);
}

/* The list ends where no further card is set. */
static void emit_nics(struct emit *e, const struct uplink *uplink,
		      const struct uplink *before)
{
	size_t count = uplink->nic_count;
	bool same = count == before->nic_count;

	for (size_t i = 0; same && i < count; i++)
		same = text_equal(uplink->nics[i], before->nics[i]);
	if (same)
		return;
	for (size_t i = 0; i < count; i++)
		PUT("set nic-%zu %s\n", i + 1, uplink->nics[i].ptr);
	if (before->nic_count > count)
		PUT("clear nic-%zu ||\n", count + 1);
}

void emit_uplink(struct emit *e, const struct machine *machine)
{
	static const struct uplink nothing;
	const struct uplink *before =
		machine->node ? e->plan->effective->unknown.uplink : &nothing;

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		struct text value = field_of(machine->uplink, i);
		struct text other = field_of(before, i);

		if (!value.ptr != !other.ptr || !text_equal(value, other))
			emit_setting(e, fields[i].name, value);
	}
	emit_nics(e, machine->uplink, before);
}

void emit_uplink_copy(struct emit *e, const char *to, const char *from)
{
	const struct uplink_uses *uses = &e->plan->uplink_uses;
	const bool used[] = { uses->address, uses->address, uses->address,
			      uses->dns,     uses->vlan,    uses->ntp };

	_Static_assert(sizeof(used) == sizeof(fields) / sizeof(*fields),
		       "one for each field");
	for (size_t i = 0; i < sizeof(used); i++)
		if (used[i])
			PUT("set %s%s ${%s%s} ||\n", to, fields[i].name, from,
			    fields[i].name);
	/* Behind the longest list, too: what is not set ends it. */
	for (size_t i = 1; uses->nics && i <= uses->nics_most + 1; i++)
		PUT("set %snic-%zu ${%snic-%zu} ||\n", to, i, from, i);
}

/* ----------------------------------------------------------- routine -- */

/* Only when a card is open: iPXE of 2025 opens none for it, although the
 * firmware has left an address there. */
static void emit_certstore(struct emit *e)
{
	if (e->home != EMIT_FILE)
		return;
	PUT("# The image trusts the root by its fingerprint. Its certificate is\n"
	    "# for servers that do not send it; it adds no trust.\n"
	    "certstore ${place}" EMIT_ROOT " ||\n");
}

/* The cards that are listed, in their order. */
static void emit_listed(struct emit *e)
{
	PUT(":network-listed\n"
	    "set other network-listed-next\n"
	    "set pass:int32 1\n"
	    ":network-listed-pass\n"
	    "isset ${nic-${pass}} || goto network-fail\n"
	    "set idx:int32 0\n"
	    ":network-listed-look\n"
	    "isset ${net${idx}/mac} || goto network-listed-end\n"
	    "iseq ${nic-${pass}} net${idx} && goto network-open ||\n"
	    "iseq ${nic-${pass}} ${net${idx}/mac} && goto network-open ||\n"
	    ":network-listed-next\n"
	    "inc idx\n"
	    "goto network-listed-look\n"
	    ":network-listed-end\n"
	    "inc pass\n"
	    "goto network-listed-pass\n");
}

static void emit_passes(struct emit *e, const struct uplink_uses *uses)
{
	if (uses->nics)
		PUT("isset ${nic-1} && goto network-listed ||\n"
		    "set other network-next\n");
	PUT("set then network-card\n"
	    "set mine yes\n"
	    ":network-pass\n"
	    "set idx:int32 0\n"
	    ":network-look\n"
	    "isset ${net${idx}/mac} || goto network-end\n"
	    "set found _\n"
	    "goto mac-${net${idx}/mac:hexraw} ||\n"
	    ":network-card\n"
	    "iseq ${found} ${node} && set match yes || set match no\n"
	    "iseq ${match} ${mine} || goto network-next\n");
}

static void emit_open(struct emit *e, const struct uplink_uses *uses)
{
	if (uses->nics)
		PUT(":network-open\n");
	PUT("set card net${idx}\n"
	    "echo ipxe-embed: trying net${idx} ${net${idx}/mac}\n");
	if (uses->vlan)
		PUT("isset ${static-vlan} || goto network-untagged\n"
		    "vcreate --tag ${static-vlan} net${idx} || goto network-close\n"
		    "set card net${idx}-${static-vlan}\n"
		    ":network-untagged\n");
	PUT("ifopen ${card} || goto network-close\n"
	    "iflinkwait --timeout 8000 ${card} || goto network-close\n");
	if (uses->address)
		PUT("isset ${static-ip} && goto network-static ||\n");
	PUT("iseq ${lease} cached && isset ${${card}/ip} && "
	    "goto network-up ||\n"
	    "dhcp ${card} || goto network-close\n");
	if (uses->address)
		PUT("goto network-up\n"
		    ":network-static\n"
		    "set ${card}/netmask ${static-netmask} || "
		    "goto network-close\n"
		    "set ${card}/gateway ${static-gateway} ||\n"
		    "set ${card}/ip ${static-ip} || goto network-close\n");
}

static void emit_up(struct emit *e, const struct uplink_uses *uses)
{
	PUT(":network-up\n");
	if (uses->dns)
		PUT("isset ${static-dns} && set dns:hexraw ${static-dns} ||\n");
	if (uses->ntp)
		PUT("isset ${static-ntp} || goto network-no-ntp\n"
		    "ntp ${static-ntp} || echo ipxe-embed: ${node}: no time from "
		    "${static-ntp}, so the clock of the machine must do\n"
		    ":network-no-ntp\n");
	PUT("set online yes\n");
	emit_certstore(e);
	PUT("goto ${back}\n");
}

void emit_network(struct emit *e)
{
	const struct uplink_uses *uses = &e->plan->uplink_uses;

	emit_heading(e, "network");
	PUT("# Cards of this node first (mine yes), then the others. A port "
	    "without a\n"
	    "# link or an answer is closed again, and costs a few seconds. The "
	    "address\n"
	    "# with which this image was loaded is good for the first try.\n"
	    ":network\n"
	    "iseq ${online} yes && goto ${back} ||\n");
	emit_passes(e, uses);
	emit_open(e, uses);
	emit_up(e, uses);
	PUT(":network-close\n"
	    "ifclose ${card} ||\n"
	    "%s"
	    ":network-next\n"
	    "inc idx\n"
	    "goto network-look\n",
	    uses->nics ? "goto ${other}\n" : "");
	if (uses->nics)
		emit_listed(e);
	PUT(":network-end\n"
	    "iseq ${mine} yes && set mine no && goto network-pass ||\n"
	    "%s"
	    "echo ipxe-embed: ${node}: FAILED: no network card has a link and "
	    "an address\n"
	    "goto failed\n",
	    uses->nics ? ":network-fail\n" : "");
}
