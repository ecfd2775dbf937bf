#ifndef CERTS_EFI_STORE_H
#define CERTS_EFI_STORE_H
/**
 * @file
 * The flash memory in which OVMF, the UEFI of virtual machines, keeps its
 * variables.
 *
 * @see EDK 2, MdeModulePkg/Include/Guid/VariableFormat.h and
 *	MdePkg/Include/Pi/PiFirmwareVolume.h
 */
#include "efi_variable.h"
#include "text.h"

/**
 * Enrol keys and turn Secure Boot on, in a store that has no keys yet.
 *
 * What is written has no time, so that any signed order is later than it.
 *
 * @param store	content of an OVMF_VARS file; changed in place
 * @param lists	of PK, KEK and db, by enum efi_variable
 * @param why	gets what is wrong, to follow the name of the file and " "
 * @return 0; -EBADMSG if it is no such store; -ENOSPC if there is no room
 */
int efi_store_enrol(unsigned char *store, size_t len,
		    const struct text lists[EFI_DB + 1], struct sbuf *why);

#endif
