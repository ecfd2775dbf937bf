#ifndef CERTS_EFI_VARIABLE_H
#define CERTS_EFI_VARIABLE_H
/**
 * @file
 * The variables of UEFI Secure Boot: what is in them, and how they are changed.
 *
 * Written here and not by efitools, because it is a hundred lines, the CMS is
 * there already, and efitools takes keys from files in clear only.
 *
 * @see UEFI 2.10, 8.2.2 (authenticated variables) and 32.4.1 (signature lists)
 */
#include "issue.h"

struct sbuf;

/** As it is stored: the first three parts little-endian. */
struct efi_guid {
	unsigned char bytes[16];
};

enum efi_variable {
	EFI_PK,  /**< platform key: who may change KEK, and PK itself */
	EFI_KEK, /**< who may change db */
	EFI_DB,  /**< whose programs may run */
};

enum {
	/** NON_VOLATILE, BOOTSERVICE_ACCESS, RUNTIME_ACCESS and
	 * TIME_BASED_AUTHENTICATED_WRITE_ACCESS, as all of them have. */
	EFI_VARIABLE_ATTRIBUTES = 0x27,
};

/** "PK", "KEK", "db" */
const char *efi_variable_name(enum efi_variable variable);

/** The other half of its name. */
const struct efi_guid *efi_variable_vendor(enum efi_variable variable);

/**
 * The owner to write beside certificates: a mark for people and tools, which
 * firmware does not look at. Made of the digest of the platform key, so it is
 * as random as that key, and nobody needs to keep it.
 */
void efi_owner_of(const struct certificate *platform,
		  struct efi_guid *ret_owner);

/** "8be4df61-93ca-11d2-aa0d-00e098032b8c" */
void efi_guid_write(const struct efi_guid *guid, struct sbuf *out);

/**
 * An EFI_SIGNATURE_LIST with one certificate: what a variable holds (.esl).
 *
 * @param out	added to
 * @return 0, or -EIO when libcrypto fails
 */
int efi_signature_list(const struct certificate *certificate,
		       const struct efi_guid *owner, struct sbuf *out);

/**
 * A signed order to set a variable (.auth): EFI_VARIABLE_AUTHENTICATION_2 and
 * the content behind it. It is held against its signer before it is given out.
 *
 * Firmware refuses one that is not later than the one before it.
 *
 * @param content	signature lists; empty: delete the variable
 * @param when	seconds since 1970
 * @param by	PK for PK and KEK, KEK for db; PK may sign itself
 * @param out	added to
 * @return 0, or -EIO when libcrypto fails
 */
int efi_variable_update(enum efi_variable variable, const void *content,
			size_t len, time_t when, const struct issuer *by,
			struct sbuf *out);

#endif
