#ifndef PROGRAM_OVMF_H
#define PROGRAM_OVMF_H
/**
 * @file
 * OVMF, the UEFI of virtual machines, as Debian has it in the package ovmf.
 */
#include "cli.h"

struct sbuf;

#define OVMF_CODE        "/usr/share/OVMF/OVMF_CODE_4M.fd"
#define OVMF_CODE_SECURE "/usr/share/OVMF/OVMF_CODE_4M.secboot.fd"
/** The empty store of variables that belongs to both. */
#define OVMF_STORE "/usr/share/OVMF/OVMF_VARS_4M.fd"

/** Read an empty store. What is wrong is reported. */
enum status ovmf_empty_store(const struct call *call, const char *path,
			     struct sbuf *ret_store);

/**
 * Make a store of variables with Secure Boot on. What is wrong is reported.
 *
 * @param keys	directory that `ipxe-embed keys secure-boot` has made
 * @param template	an empty store
 */
enum status ovmf_enrolled_store(const struct call *call, const char *keys,
				const char *template, struct sbuf *ret_store);

#endif
