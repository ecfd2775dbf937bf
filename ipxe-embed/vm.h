#ifndef PROGRAM_VM_H
#define PROGRAM_VM_H
/**
 * @file
 * A virtual machine for one trial, as a command line of QEMU.
 */
#include <stdbool.h>
#include <stddef.h>

struct arena;
struct node;

#define VM_QEMU "qemu-system-x86_64"

enum vm_firmware {
	VM_BIOS,
	VM_UEFI,
	VM_SECURE_BOOT, /**< UEFI with it on */
};

enum vm_media {
	VM_PXE,
	VM_USB,
};

struct vm {
	enum vm_firmware firmware;
	enum vm_media media;
	long memory_mib;
	const char *const *macs; /**< a card each; the first one boots */
	size_t mac_count;        /**< at least 1 */
	const struct node *node; /**< whose UUID and tags it has; or NULL */
	int cable;               /**< of network_start() */
	const char *stick;       /**< image, for VM_USB */
	const char *store;       /**< of UEFI variables; it is written to */
};

/** The name of the file that DHCP gives this firmware. */
const char *vm_bootfile(enum vm_firmware firmware);

/** @return argv, for struct run */
const char *const *vm_command(struct arena *arena, const struct vm *vm);

#endif
