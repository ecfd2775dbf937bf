#include "ovmf.h"

#include "arena.h"
#include "asset.h"
#include "cleanup.h"
#include "efi_store.h"
#include "files.h"
#include "report.h"
#include "sbuf.h"

#include <unistd.h>

/* Flash of virtual machines has at most 8 MiB; a list has a few KiB. */
enum { STORE_BYTES_MAX = 8 << 20, LIST_BYTES_MAX = 1 << 20 };

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

static enum status read_lists(const struct call *call, const char *keys,
			      struct text ret_lists[EFI_DB + 1])
{
	enum status status = STATUS_OK;

	for (unsigned i = 0; status == STATUS_OK && i <= EFI_DB; i++) {
		CLEANUP(sbuf) bytes = { 0 };

		status = read_file(
			call,
			arena_printf(call->arena, "%s/%s.esl", keys,
				     efi_variable_name((enum efi_variable)i)),
			LIST_BYTES_MAX, &bytes);
		ret_lists[i].ptr =
			arena_copy(call->arena, sbuf_text(&bytes), bytes.len);
		ret_lists[i].len = bytes.len;
	}
	return status;
}

enum status ovmf_empty_store(const struct call *call, const char *path,
			     struct sbuf *ret_store)
{
	enum status status = read_file(call, path, STORE_BYTES_MAX, ret_store);

	if (status == STATUS_OK && !ret_store->len)
		status = report_error(call, "%s is empty", path);
	return status;
}

enum status ovmf_enrolled_store(const struct call *call, const char *keys,
				const char *template, struct sbuf *ret_store)
{
	struct text lists[EFI_DB + 1];
	CLEANUP(sbuf) why = { 0 };
	enum status status = read_lists(call, keys, lists);

	if (status == STATUS_OK)
		status = ovmf_empty_store(call, template, ret_store);
	if (status != STATUS_OK)
		return status;
	if (efi_store_enrol((unsigned char *)ret_store->ptr, ret_store->len,
			    lists, &why) != 0)
		return report_error(call, "%s %s", template, sbuf_text(&why));
	return STATUS_OK;
}
