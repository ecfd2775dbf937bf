#include "verbs.h"

#include <stddef.h>

#ifndef VERSION
#define VERSION "0.1"
#endif

/* One a line. */
/* clang-format off */
static const struct verb *const verbs[] = {
	&verb_check,
	&verb_show,
	&verb_diff,
	&verb_build,
	&verb_sign,
	&verb_verify,
	&verb_base_list,
	&verb_base_build,
	&verb_base_stock,
	&verb_cache_list,
	&verb_cache_prune,
	&verb_simulate,
	&verb_try,
	&verb_phase,
	&verb_keys_init,
	&verb_keys_issue,
	&verb_keys_show,
	&verb_keys_secure_boot,
	&verb_keys_ovmf,
	&verb_import_matchbox,
	&verb_import_leases,
	&verb_schema,
	&verb_explain,
	&verb_help,
	NULL,
};
/* clang-format on */

static const struct term statuses[] = {
	{ "0", "Done; there may have been warnings." },
	{ "1", "The input is at fault: the site file, an asset, a certificate, "
	       "a signature." },
	{ "2", "The command line is at fault." },
	{ "3", "The machine is at fault: reading, writing, memory, or a "
	       "program that was run." },
	{ 0 },
};

static const struct term environment[] = {
	{ "IPXE_SRC", "The iPXE source tree, as --ipxe-src of build." },
	{ "IPXE_EMBED_CACHE",
	  "Where compiled bases and images are kept, instead of "
	  "$XDG_CACHE_HOME/ipxe-embed or ~/.cache/ipxe-embed. It may be deleted "
	  "at any time." },
	{ "NO_COLOR", "No colour, when set to anything but the empty string." },
	{ 0 },
};

static const struct topic topics[] = {
	{ "Exit status", statuses },
	{ "Environment", environment },
	{ 0 },
};

static const struct program program = {
	.name = "ipxe-embed",
	.version = VERSION,
	.summary = "Make iPXE images and a signed static tree from a site file",
	.text = "A site file says which machines there are, what each of them "
		"boots, and whom they trust. ipxe-embed turns it into iPXE "
		"images that carry the boot script and the roots of trust, and "
		"a tree of files that any web server can host. The machines "
		"fetch over HTTPS, verify every item and boot it; no other "
		"service is needed.",
	.verbs = verbs,
	.topics = topics,
};

int main(int argc, char **argv)
{
	return cli_main(&program, argc, argv);
}
