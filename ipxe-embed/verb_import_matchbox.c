#include "verbs.h"

#include "importing.h"
#include "report.h"

struct matchbox_options {
	struct importing_options common;
	const char *site, *url;
};

static const struct option_row rows[] = {
	IMPORTING_ROWS(struct matchbox_options),
	{ .name = "site",
	  .value = "NAME",
	  .help = "Name of the site. Default: that of the directory.",
	  OPTION_TEXT(struct matchbox_options, site) },
	{ .name = "url",
	  .value = "URL",
	  .help = "Where the tree of the site will be served.",
	  .fallback = "https://boot.example/",
	  OPTION_TEXT(struct matchbox_options, url) },
	{ 0 },
};

static enum status run_import(struct call *call)
{
	const struct matchbox_options *options = call->options;
	const char *directory = call->operands[0];
	struct diags ds = { .arena = call->arena };
	struct import im = { .arena = call->arena, .ds = &ds };
	struct import_files files = { 0 };
	struct map names = { 0 };
	struct import_options what = {
		.site = options->site,
		.url = options->url,
		.from = directory,
		.file = importing_site_file(&options->common, "site.yaml"),
	};
	enum status status = importing_gather(call, directory,
					      import_matchbox_wants, &files);
	bool good;

	if (status != STATUS_OK)
		return status;
	if (!what.site)
		what.site = import_name(&im, &names,
					text_of(importing_basename(call,
								   directory)),
					"matchbox")
				    .ptr;
	good = import_matchbox(&im, &files, &what);
	return importing_finish(call, &im, good, &options->common);
}

const struct verb verb_import_matchbox = {
	.name = "import matchbox",
	.operands = "DIR",
	.summary = "Turn the data directory of a Matchbox into a site",
	.text = "Reads groups, profiles, and the Ignition, cloud and generic "
		"configurations of a Matchbox of any version, and writes a "
		"site that boots the same machines in the same way: groups for "
		"a machine become nodes, groups for many become groups, "
		"templates of Go become Mustache.\n\n"
		"The report says of every key what became of it, with its "
		"place: carried exactly, different from now on, not carried "
		"and what to do instead, or left to be done by hand. Nothing "
		"is left out silently, and nothing in DIR is changed.",
	.options = rows,
	.options_bytes = sizeof(struct matchbox_options),
	.run = run_import,
	.examples =
		(const struct example[]){
			{ "ipxe-embed import matchbox /var/lib/matchbox",
			  "Only the report." },
			{ "ipxe-embed import matchbox /var/lib/matchbox -o site "
			  "--url https://boot.lab.example/",
			  "Write site/site.yaml and site/templates/." },
			{ 0 },
		},
};
