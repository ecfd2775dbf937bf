#include "verbs.h"

#include "asset.h"
#include "importing.h"
#include "report.h"
#include "value.h"

struct leases_options {
	struct importing_options common;
	int format; /**< enum lease_format */
	const char *group;
};

static const struct option_row rows[] = {
	IMPORTING_ROWS(struct leases_options),
	{ .name = "format",
	  .help = "What wrote the files; auto looks into each.",
	  .fallback = "auto",
	  OPTION_CHOICE(struct leases_options, format, lease_formats) },
	{ .name = "group",
	  .value = "NAME",
	  .help = "Put all of the nodes into this group.",
	  OPTION_TEXT(struct leases_options, group) },
	{ 0 },
};

static enum status run_import(struct call *call)
{
	const struct leases_options *options = call->options;
	struct assets assets = { 0 };
	struct compile_env env = asset_env(&assets);
	struct diags ds = { .arena = call->arena };
	struct import im = { .arena = call->arena,
			     .ds = &ds,
			     .read = env.read,
			     .ctx = env.ctx };
	struct import_file *files = arena_new_array(
		call->arena, call->operand_count, struct import_file);
	struct import_files all = { files, call->operand_count };
	bool good;

	if (options->group && value_name(text_of(options->group)))
		return report_usage(call, "--group=%s: the name %s",
				    options->group,
				    value_name(text_of(options->group)));
	for (size_t i = 0; i < call->operand_count; i++) {
		enum status status;

		files[i].path = text_of(call->operands[i]);
		files[i].source =
			importing_read(call, call->operands[i], &status);
		if (!files[i].source)
			return status;
	}
	good = import_leases(
		&im, &all, (enum lease_format)options->format, options->group,
		importing_site_file(&options->common, "nodes.yaml"));
	return importing_finish(call, &im, good, &options->common);
}

const struct verb verb_import_leases = {
	.name = "import leases",
	.operands = "FILE...",
	.summary = "Turn static hosts of a DHCP server into nodes",
	.text = "Reads the configuration of ISC dhcpd, Kea, dnsmasq, EdgeOS or "
		"VyOS, or /etc/ethers, with the files that it includes, and "
		"writes a node for each host that has a MAC address: its name, "
		"its address and the length of its network's prefix. The "
		"result is a file for include: of a site.\n\n"
		"The report names what of a host is not carried, each with its "
		"place; a MAC address that two hosts claim is an error that "
		"shows both.",
	.options = rows,
	.options_bytes = sizeof(struct leases_options),
	.run = run_import,
	.examples =
		(const struct example[]){
			{ "ipxe-embed import leases /etc/dhcp/dhcpd.conf -o "
			  "nodes.yaml",
			  "In the site: include: [nodes.yaml]." },
			{ "ipxe-embed import leases --format=vyos router.txt",
			  "Only the report." },
			{ 0 },
		},
};
