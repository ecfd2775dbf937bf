#ifndef PROGRAM_FAT_H
#define PROGRAM_FAT_H
/**
 * @file
 * The file system of a stick, for media.c: a FAT16 that holds what is put into
 * it, and nothing else.
 */
#include <stdint.h>

struct media_stick;

/** Where everything lies, in sectors from the start of the file system. */
struct fat_layout {
	uint32_t cluster_sectors, clusters, fat_sectors;
	uint32_t programs_clusters; /**< of that directory */
	uint32_t first_fat, root, data;
	uint32_t sectors; /**< of all of it */
};

/** @return 0, or -errno as of media_usb() */
int fat_check(const struct media_stick *stick);

/** @param stick	good by fat_check() */
struct fat_layout fat_lay_out(const struct media_stick *stick);

/**
 * Write all of it but the first sector.
 *
 * @param volume	zeroes, layout->sectors
 */
void fat_put(char *volume, const struct fat_layout *layout,
	     const struct media_stick *stick);

/**
 * Write the first sector.
 *
 * @param start		where on the disk it is
 * @param serial	any number; systems tell disks apart by it
 */
void fat_put_boot_sector(char *at, const struct fat_layout *layout,
			 uint32_t start, uint32_t serial);

#endif
