#include "verbs.h"

#include "cleanup.h"
#include "keyfile.h"
#include "ovmf.h"
#include "sbuf.h"

#include <stdio.h>

#define STORE_NAME "OVMF_VARS.fd"

struct ovmf_options {
	const char *template;
};

static enum status run_ovmf(struct call *call)
{
	const struct ovmf_options *options = call->options;
	const char *keys = call->operands[0];
	CLEANUP(sbuf) store = { 0 };
	struct new_file file = { .name = STORE_NAME };
	enum status status =
		ovmf_enrolled_store(call, keys, options->template, &store);

	if (status != STATUS_OK)
		return status;
	file.bytes = store.ptr;
	file.len = store.len;
	status = keyfile_write(call, keys, &file, 1);
	if (status == STATUS_OK)
		printf("%s/" STORE_NAME ": Secure Boot is on, with PK, KEK and "
		       "db of %s\n",
		       keys, keys);
	return status;
}

static const struct option_row rows[] = {
	{ .name = "template",
	  .value = "FILE",
	  .help = "The empty store that belongs to the firmware.",
	  .fallback = OVMF_STORE,
	  OPTION_TEXT(struct ovmf_options, template) },
	{ 0 },
};

const struct verb verb_keys_ovmf = {
	.name = "keys ovmf",
	.operands = "DIR",
	.summary = "Make a UEFI variable store for virtual machines",
	.text = "Makes " STORE_NAME " in DIR: the variables of a virtual "
		"machine with OVMF (package ovmf), with the keys that "
		"`ipxe-embed keys secure-boot` made in DIR enrolled and Secure "
		"Boot turned on. Give each machine a copy, for it writes to "
		"it, and firmware that has Secure Boot: "
		"OVMF_CODE_4M.secboot.fd, which wants `-machine q35,smm=on` of "
		"QEMU.",
	.options = rows,
	.options_bytes = sizeof(struct ovmf_options),
	.run = run_ovmf,
	.examples =
		(const struct example[]){
			{ "ipxe-embed keys ovmf certs/secure-boot", NULL },
			{ 0 },
		},
};
