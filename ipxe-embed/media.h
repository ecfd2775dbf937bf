#ifndef PROGRAM_MEDIA_H
#define PROGRAM_MEDIA_H
/**
 * @file
 * A disk image for a USB stick: GPT; an EFI system partition with programs in
 * \EFI\BOOT, where firmware looks for them on media that it does not know; and
 * a partition that a BIOS boots.
 *
 * Written by hand instead of by mkfs.fat, mtools and sgdisk, so that a build
 * needs none of them and the same files always give the same bytes: there is
 * no clock in it, and identifiers are made from the content. Everything is
 * freshly laid out, so the part of FAT that is needed is small.
 */
#include "text.h"

#include <stddef.h>

struct sbuf;

enum media_directory {
	MEDIA_PROGRAMS, /**< \EFI\BOOT */
	MEDIA_TOP,      /**< the root of the file system */
};

struct media_file {
	enum media_directory directory;
	/**
	 * Printable ASCII that FAT takes, without `~`: "BOOTX64.EFI",
	 * "autoexec.ipxe". Case does not tell names apart.
	 */
	const char *name;
	const void *bytes;
	size_t len;
};

struct media_stick {
	const struct media_file *files;
	size_t file_count;
	/**
	 * For a BIOS: a sector with boot code, up to 440 bytes and zeroes;
	 * then what goes into the active partition. Up to 1 MB; len 0: a BIOS
	 * that starts the stick is told a sentence, and goes on with its next
	 * device.
	 */
	struct text bios;
};

/**
 * Make an image, to be written to a stick as it is.
 *
 * @param ret_image	added to; some 3 MB more than the files
 * @return 0; -EFBIG if the files are larger than 1 GiB in all, or what is for
 *	   a BIOS is too large; -EINVAL if a name is none, or is there twice,
 *	   or the boot code is too long; -ENOSPC if there are too many files
 * @see UEFI 2.10, 3.5.1.1 (paths), 5.3 (GPT), 13.3 (file system)
 * @see Microsoft Extensible Firmware Initiative FAT32 File System Specification
 */
int media_usb(const struct media_stick *stick, struct sbuf *ret_image);

#endif
