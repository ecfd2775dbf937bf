#include "efi_store.h"

#include "pe.h"
#include "sbuf.h"

#include <errno.h>
#include <string.h>

enum {
	VOLUME_SIGNATURE_AT = 40,
	VOLUME_HEADER_BYTES_AT = 48,
	STORE_HEADER_BYTES = 28,
	STORE_SIZE_AT = 16,
	STORE_FORMAT_AT = 20,
	STORE_FORMATTED = 0x5a,
	STORE_STATE_AT = 21,
	STORE_HEALTHY = 0xfe,
	VARIABLE_HEADER_BYTES = 60,
	VARIABLE_START = 0x55aa,
	VARIABLE_ADDED = 0x3f,
	ALIGNMENT = 4,
	NAME_MOST = 40,
	/* NON_VOLATILE and BOOTSERVICE_ACCESS. */
	PRIVATE_ATTRIBUTES = 0x3,
};

/* EFI_AUTHENTICATED_VARIABLE_GUID and EFI_SECURE_BOOT_ENABLE_DISABLE. */
static const unsigned char store_guid[16] = { 0x78, 0x2c, 0xf3, 0xaa,
					      0x7b, 0x94, 0x9a, 0x43,
					      0xa1, 0x80, 0x2e, 0x14,
					      0x4e, 0xc3, 0x77, 0x92 };
static const struct efi_guid guid_enable = {
	{ 0xc7, 0x0b, 0xa3, 0xf0, 0x08, 0xaf, 0x56, 0x45, 0x99, 0xc4, 0x00,
	  0x10, 0x09, 0xc9, 0x3a, 0x44 }
};

/** The part of the flash that holds variables. */
struct store {
	unsigned char *bytes; /**< from its own header */
	size_t len;
	struct sbuf *why;
};

static int refuse(struct sbuf *why, const char *reason)
{
	sbuf_puts(why, reason);
	return -EBADMSG;
}

static int find_store(unsigned char *flash, size_t len, struct store *store)
{
	size_t at = len > VOLUME_HEADER_BYTES_AT + 2
			    ? pe_get16(flash + VOLUME_HEADER_BYTES_AT)
			    : len;

	if (at >= len || len - at < STORE_HEADER_BYTES ||
	    memcmp(flash + VOLUME_SIGNATURE_AT, "_FVH", 4) != 0 ||
	    memcmp(flash + at, store_guid, sizeof(store_guid)) != 0)
		return refuse(store->why, "is no store of OVMF for "
					  "authenticated variables");
	store->bytes = flash + at;
	store->len = pe_get32(store->bytes + STORE_SIZE_AT);
	if (store->len < STORE_HEADER_BYTES || store->len > len - at ||
	    store->bytes[STORE_FORMAT_AT] != STORE_FORMATTED ||
	    store->bytes[STORE_STATE_AT] != STORE_HEALTHY)
		return refuse(store->why, "has a damaged header");
	return 0;
}

static size_t align(size_t at)
{
	return (at + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/** The name as UTF-16 with its end. @return bytes */
static size_t wide_name(const char *name, unsigned char ret_wide[NAME_MOST])
{
	size_t len = strlen(name) + 1;

	for (size_t i = 0; i < len; i++)
		pe_put16(ret_wide + 2 * i, (unsigned char)name[i]);
	return 2 * len;
}

/* There must be no PK yet: a second one would leave it to chance which counts. */
static bool is_platform_key(const unsigned char *variable)
{
	unsigned char wide[NAME_MOST];
	size_t len = wide_name("PK", wide);

	return variable[2] == VARIABLE_ADDED &&
	       pe_get32(variable + 36) == len &&
	       memcmp(variable + VARIABLE_HEADER_BYTES, wide, len) == 0;
}

/** Where the next variable goes. */
static int find_end(const struct store *store, size_t *ret_end)
{
	size_t at = STORE_HEADER_BYTES;

	while (store->len - at > VARIABLE_HEADER_BYTES &&
	       pe_get16(store->bytes + at) == VARIABLE_START) {
		const unsigned char *variable = store->bytes + at;
		uint64_t end = (uint64_t)at + VARIABLE_HEADER_BYTES +
			       pe_get32(variable + 36) +
			       pe_get32(variable + 40);

		if (end > store->len)
			return refuse(store->why, "has a damaged variable");
		if (is_platform_key(variable))
			return refuse(store->why, "has a platform key "
						  "already");
		at = align((size_t)end);
		if (at > store->len)
			at = store->len;
	}
	*ret_end = at;
	return 0;
}

/** @param at	where to put it; moved behind it */
static int put_variable(const struct store *store, const char *name,
			const struct efi_guid *vendor, uint32_t attributes,
			struct text content, size_t *at)
{
	unsigned char wide[NAME_MOST];
	size_t name_bytes = wide_name(name, wide);
	unsigned char *to = store->bytes + *at;

	if (store->len - *at < VARIABLE_HEADER_BYTES + NAME_MOST + ALIGNMENT ||
	    content.len > store->len - *at - VARIABLE_HEADER_BYTES - NAME_MOST -
				  ALIGNMENT) {
		sbuf_puts(store->why, "has no room for the keys");
		return -ENOSPC;
	}
	memset(to, 0, VARIABLE_HEADER_BYTES);
	pe_put16(to, VARIABLE_START);
	to[2] = VARIABLE_ADDED;
	pe_put32(to + 4, attributes);
	pe_put32(to + 36, (uint32_t)name_bytes);
	pe_put32(to + 40, (uint32_t)content.len);
	memcpy(to + 44, vendor->bytes, sizeof(vendor->bytes));
	memcpy(to + VARIABLE_HEADER_BYTES, wide, name_bytes);
	memcpy(to + VARIABLE_HEADER_BYTES + name_bytes, content.ptr,
	       content.len);
	*at = align(*at + VARIABLE_HEADER_BYTES + name_bytes + content.len);
	return 0;
}

int efi_store_enrol(unsigned char *flash, size_t len,
		    const struct text lists[EFI_DB + 1], struct sbuf *why)
{
	struct store store = { .why = why };
	int rc = find_store(flash, len, &store);
	size_t at;

	if (rc == 0)
		rc = find_end(&store, &at);
	for (unsigned i = 0; rc == 0 && i <= EFI_DB; i++) {
		enum efi_variable variable = (enum efi_variable)i;

		rc = put_variable(&store, efi_variable_name(variable),
				  efi_variable_vendor(variable),
				  EFI_VARIABLE_ATTRIBUTES, lists[i], &at);
	}
	if (rc == 0)
		rc = put_variable(&store, "SecureBootEnable", &guid_enable,
				  PRIVATE_ATTRIBUTES, TEXT("\1"), &at);
	return rc;
}
