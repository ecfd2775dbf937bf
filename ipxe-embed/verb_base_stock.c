#include "verbs.h"

#include "arena.h"
#include "base.h"
#include "cleanup.h"
#include "report.h"
#include "run.h"
#include "scratch.h"
#include "stock_package.h"

#include <stdio.h>
#include <sys/stat.h>

struct stock_options {
	const char *package, *suite;
};

static enum stock_status make_base(const struct call *call, const char *bases,
				   const char *scratch, struct stock *ret_stock,
				   struct sbuf *why)
{
	const struct stock_options *options = call->options;
	struct stock_wish wish = { options->package, options->suite };
	struct stock_package package = { 0 };
	enum stock_status status =
		stock_package_get(call->arena, &wish, scratch, &package, why);

	return status ? status
		      : stock_make(call->arena, package.directory,
				   package.version, bases, ret_stock, why);
}

static void print_stock(const struct stock *stock)
{
	printf("%s\n  iPXE %s from the distribution, for", stock->directory,
	       stock->version);
	for (size_t i = 0; i < stock->image_count; i++)
		printf(" %s", stock->images[i].name);
	printf("\n  one root; UEFI only%s\n",
	       stock->digests ? "; has sha256sum" : "");
}

static enum status check_options(const struct call *call)
{
	const struct stock_options *options = call->options;

	if (options->package && options->suite)
		return report_usage(call, "--package and --suite exclude each "
					  "other");
	if (options->suite && !stock_suite_is_plain(options->suite))
		return report_usage(call, "%s is no name of a suite",
				    options->suite);
	return STATUS_OK;
}

static enum stock_status make_in_scratch(const struct call *call,
					 const char *bases,
					 struct stock *ret_stock,
					 struct sbuf *why)
{
	struct scratch scratch;
	enum stock_status status;
	int error = scratch_make(call->arena, &scratch);

	if (error) {
		sbuf_printf(why,
			    "cannot make a directory in TMPDIR or /tmp: %s",
			    strerror(-error));
		return STOCK_FAILED;
	}
	/* Run by root, apt fetches as a user that must get in. */
	fchmod(scratch.lock, 0755);
	status = make_base(call, bases, scratch.path, ret_stock, why);
	scratch_remove(&scratch);
	return status;
}

static enum status run_stock(struct call *call)
{
	const char *cache = base_cache(call->arena);
	CLEANUP(stock) stock = { 0 };
	CLEANUP(sbuf) why = { 0 };
	enum stock_status made;
	enum status status = check_options(call);

	if (status != STATUS_OK)
		return status;
	if (!cache)
		return report_failure(call, "there is no place to keep a base: "
					    "set HOME or IPXE_EMBED_CACHE");
	run_block_signals();
	made = make_in_scratch(call,
			       arena_printf(call->arena, "%s/bases", cache),
			       &stock, &why);
	run_unblock_signals();
	if (made == STOCK_INPUT)
		return report_error(call, "%s", sbuf_text(&why));
	if (made == STOCK_FAILED)
		return report_failure(call, "%s", sbuf_text(&why));
	print_stock(&stock);
	return STATUS_OK;
}

static const struct option_row rows[] = {
	{ .name = "package",
	  .value = "FILE",
	  .help = "The package ipxe as a .deb file. Nobody checks where it "
		  "comes from; apt does for those that it fetches.",
	  OPTION_TEXT(struct stock_options, package) },
	{ .name = "suite",
	  .value = "NAME",
	  .help = "A suite of Debian to take the package from, as trixie. One "
		  "that this machine does not use is read from the same "
		  "mirror, with lists of its own and the keys of package "
		  "debian-archive-keyring; the configuration of apt stays as "
		  "it is.",
	  OPTION_TEXT(struct stock_options, suite) },
	{ 0 },
};

const struct verb verb_base_stock = {
	.name = "base stock",
	.summary = "Check and keep the EFI programs of the package ipxe",
	.text = "Takes them from the package that is installed, if it is new "
		"enough, else from the one that apt would install; from Debian "
		"13 on. Each must be an uncompressed EFI program that speaks "
		"HTTPS, knows certstore, and holds the fingerprint of iPXE's "
		"root certificate exactly once: the place for the root of a "
		"site. They are kept in the cache with a list of what they "
		"hash to.\n\n"
		"build takes such a base where there is none from source and "
		"the site can do with it: UEFI, one root of trust, no `verify: "
		"signature`; `verify: digest` takes iPXE 2.0.0 or later.",
	.options = rows,
	.options_bytes = sizeof(struct stock_options),
	.run = run_stock,
	.examples =
		(const struct example[]){
			{ "ipxe-embed base stock --suite trixie",
			  "On Debian 12, whose own package is too old." },
			{ 0 },
		},
};
