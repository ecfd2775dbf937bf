#include "verbs.h"

#include "arena.h"
#include "asset.h"
#include "cleanup.h"
#include "efi_store.h"
#include "files.h"
#include "keyfile.h"
#include "report.h"
#include "sbuf.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define TEMPLATE   "/usr/share/OVMF/OVMF_VARS_4M.fd"
#define STORE_NAME "OVMF_VARS.fd"

/* Flash of virtual machines has at most 8 MiB; a list has a few KiB. */
enum { STORE_BYTES_MAX = 8 << 20, LIST_BYTES_MAX = 1 << 20 };

struct ovmf_options {
	const char *template;
};

static enum status read_file(const struct call *call, const char *path,
			     size_t max_bytes, struct sbuf *ret_bytes)
{
	int fd = asset_open(path);
	int error = fd < 0 ? fd : files_slurp(fd, max_bytes, ret_bytes);

	if (fd >= 0)
		close(fd);
	return error ? report_error(call, "%s: cannot be read: %s", path,
				    strerror(-error))
		     : STATUS_OK;
}

static enum status read_lists(const struct call *call,
			      struct text ret_lists[EFI_DB + 1])
{
	enum status status = STATUS_OK;

	for (unsigned i = 0; status == STATUS_OK && i <= EFI_DB; i++) {
		CLEANUP(sbuf) bytes = { 0 };

		status = read_file(
			call,
			arena_printf(call->arena, "%s/%s.esl",
				     call->operands[0],
				     efi_variable_name((enum efi_variable)i)),
			LIST_BYTES_MAX, &bytes);
		ret_lists[i].ptr =
			arena_copy(call->arena, sbuf_text(&bytes), bytes.len);
		ret_lists[i].len = bytes.len;
	}
	return status;
}

static enum status run_ovmf(struct call *call)
{
	const struct ovmf_options *options = call->options;
	struct text lists[EFI_DB + 1];
	CLEANUP(sbuf) store = { 0 };
	CLEANUP(sbuf) why = { 0 };
	struct new_file file = { .name = STORE_NAME };
	enum status status = read_lists(call, lists);

	if (status == STATUS_OK)
		status = read_file(call, options->template, STORE_BYTES_MAX,
				   &store);
	if (status != STATUS_OK)
		return status;
	if (!store.len || efi_store_enrol((unsigned char *)store.ptr, store.len,
					  lists, &why) != 0)
		return report_error(call, "%s %s", options->template,
				    store.len ? sbuf_text(&why) : "is empty");
	file.bytes = store.ptr;
	file.len = store.len;
	status = keyfile_write(call, call->operands[0], &file, 1);
	if (status == STATUS_OK)
		printf("%s/" STORE_NAME ": Secure Boot is on, with PK, KEK and "
		       "db of %s\n",
		       call->operands[0], call->operands[0]);
	return status;
}

static const struct option_row rows[] = {
	{ .name = "template",
	  .value = "FILE",
	  .help = "The empty store that belongs to the firmware.",
	  .fallback = TEMPLATE,
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
