#ifndef PROGRAM_MEDIA_H
#define PROGRAM_MEDIA_H
/**
 * @file
 * A disk image for a USB stick that UEFI machines boot: GPT, one EFI system
 * partition, the programs in \EFI\BOOT where firmware looks for them on media
 * that it does not know.
 *
 * Written by hand instead of by mkfs.fat, mtools and sgdisk, so that a build
 * needs none of them and the same programs always give the same bytes: there is
 * no clock in it, and identifiers are made from the content. Everything is
 * freshly laid out, so the part of FAT that is needed is small.
 */
#include <stddef.h>

struct sbuf;

struct media_program {
	const char *name; /**< of the file: "BOOTX64.EFI", 8.3, upper case */
	const void *bytes;
	size_t len;
};

/**
 * Make an image, to be written to a stick as it is.
 *
 * A BIOS that starts it is told a sentence and goes on with its next device.
 *
 * @param programs	at most 14, each name once
 * @param ret_image	added to; some 3 MB more than the programs
 * @return 0, or -EFBIG if the programs are larger than 1 GiB in all
 * @see UEFI 2.10, 3.5.1.1 (paths), 5.3 (GPT), 13.3 (file system)
 * @see Microsoft Extensible Firmware Initiative FAT32 File System Specification
 */
int media_usb(const struct media_program *programs, size_t count,
	      struct sbuf *ret_image);

#endif
