#include "fat.h"

#include "little.h"
#include "media.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define SECTOR          512u
#define FILES_MAX_BYTES ((size_t)1 << 30)

/*
 * The number of clusters is all that makes a FAT a FAT16; drivers disagree on
 * the exact limits, so we stay off them.
 */
#define CLUSTERS_MIN     4096u
#define CLUSTERS_MAX     65500u
#define RESERVED_SECTORS 1u
#define ROOT_ENTRIES     512u
#define ENTRY_BYTES      32u
#define ROOT_SECTORS     (ROOT_ENTRIES * ENTRY_BYTES / SECTOR)
#define LABEL            "IPXE-EMBED "
#define SHORT_NAME       11u
#define LONG_NAME_MAX    255u
#define LONG_NAME_PART   13u
/* The label and EFI in the root, "." and ".." elsewhere. */
#define FIRST_ENTRIES 2u
#define FILES_MAX     999u /* three digits of a short name */

enum { EFI_CLUSTER = 2, PROGRAMS_CLUSTER };
enum {
	ATTRIBUTE_LABEL = 0x08,
	ATTRIBUTE_DIRECTORY = 0x10,
	ATTRIBUTE_LONG_NAME = 0x0f,
};

static uint32_t divide_up(size_t n, size_t by)
{
	return (uint32_t)((n + by - 1) / by);
}

/* -------------------------------------------------------------- names -- */

/* What FAT takes in names of either kind; a dot is not counted. */
static bool is_plain(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("!#$%&'()-@^_`{}", c));
}

static char upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static bool is_name(const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < len; i++)
		if (!is_plain(upper(name[i])) && !strchr(" +,.;=[]", name[i]))
			return false;
	return len && len <= LONG_NAME_MAX && name[0] != ' ' &&
	       name[0] != '.' && name[len - 1] != ' ' && name[len - 1] != '.';
}

/* "BOOTX64.EFI" as "BOOTX64 EFI"; false if it takes a long name. */
static bool pad_name(const char *name, char padded[SHORT_NAME])
{
	const char *dot = strchr(name, '.');
	size_t base = dot ? (size_t)(dot - name) : strlen(name);
	size_t extension = dot ? strlen(dot + 1) : 0;

	if (base > 8 || extension > 3)
		return false;
	for (const char *c = name; *c; c++)
		if (c != dot && !is_plain(*c))
			return false;
	memset(padded, ' ', SHORT_NAME);
	memcpy(padded, name, base);
	if (dot)
		memcpy(padded + 8, dot + 1, extension);
	return true;
}

/* "autoexec.ipxe" as "AUTO~1  IPX": no other file gets this number. */
static void make_short(const char *name, size_t number, char padded[SHORT_NAME])
{
	const char *dot = strrchr(name, '.');
	size_t len = 0;

	memset(padded, ' ', SHORT_NAME);
	for (const char *c = name; *c && c != dot && len < 4; c++)
		if (is_plain(upper(*c)))
			padded[len++] = upper(*c);
	len += (size_t)snprintf(padded + len, SHORT_NAME - len, "~%zu", number);
	padded[len] = ' ';
	len = 8;
	for (const char *c = dot; c && *c && len < SHORT_NAME; c++)
		if (is_plain(upper(*c)))
			padded[len++] = upper(*c);
}

static size_t entries_of(const char *name)
{
	char padded[SHORT_NAME];

	return pad_name(name, padded)
		       ? 1
		       : 1 + divide_up(strlen(name), LONG_NAME_PART);
}

static size_t entries_in(const struct media_stick *stick,
			 enum media_directory directory)
{
	size_t entries = FIRST_ENTRIES;

	for (size_t i = 0; i < stick->file_count; i++)
		if (stick->files[i].directory == directory)
			entries += entries_of(stick->files[i].name);
	return entries;
}

static bool is_taken(const struct media_stick *stick, size_t i)
{
	const struct media_file *file = &stick->files[i];

	for (size_t j = 0; j < i; j++)
		if (stick->files[j].directory == file->directory &&
		    strcasecmp(stick->files[j].name, file->name) == 0)
			return true;
	return file->directory == MEDIA_TOP &&
	       strcasecmp(file->name, "EFI") == 0;
}

int fat_check(const struct media_stick *stick)
{
	size_t bytes = 0;

	if (stick->file_count > FILES_MAX)
		return -ENOSPC;
	for (size_t i = 0; i < stick->file_count; i++) {
		const struct media_file *file = &stick->files[i];

		if (!is_name(file->name) || is_taken(stick, i))
			return -EINVAL;
		if (file->len > FILES_MAX_BYTES - bytes)
			return -EFBIG;
		bytes += file->len;
	}
	return entries_in(stick, MEDIA_TOP) > ROOT_ENTRIES ? -ENOSPC : 0;
}

/* ------------------------------------------------------------- layout -- */

static uint32_t clusters_needed(const struct media_stick *stick,
				struct fat_layout *l)
{
	size_t cluster_bytes = (size_t)l->cluster_sectors * SECTOR;
	uint32_t clusters = 1; /* of the directory EFI */

	l->programs_clusters = divide_up(
		entries_in(stick, MEDIA_PROGRAMS) * ENTRY_BYTES, cluster_bytes);
	for (size_t i = 0; i < stick->file_count; i++)
		clusters += divide_up(stick->files[i].len, cluster_bytes);
	return clusters + l->programs_clusters;
}

struct fat_layout fat_lay_out(const struct media_stick *stick)
{
	struct fat_layout l = { .cluster_sectors = 1 };

	while ((l.clusters = clusters_needed(stick, &l)) > CLUSTERS_MAX)
		l.cluster_sectors *= 2;
	if (l.clusters < CLUSTERS_MIN)
		l.clusters = CLUSTERS_MIN;
	l.fat_sectors =
		divide_up((size_t)(l.clusters + EFI_CLUSTER) * 2, SECTOR);
	l.first_fat = RESERVED_SECTORS;
	l.root = l.first_fat + 2 * l.fat_sectors;
	l.data = l.root + ROOT_SECTORS;
	l.sectors = l.data + l.clusters * l.cluster_sectors;
	return l;
}

static char *cluster_at(char *volume, const struct fat_layout *l,
			uint32_t cluster)
{
	return volume + (size_t)SECTOR * (l->data + (cluster - EFI_CLUSTER) *
							    l->cluster_sectors);
}

/* ---------------------------------------------------------------- FAT -- */

void fat_put_boot_sector(char *at, const struct fat_layout *l, uint32_t start,
			 uint32_t serial)
{
	memcpy(at, "\xeb\x3c\x90IPXEMBED", 11);
	little_put(at + 11, 2, SECTOR);
	little_put(at + 13, 1, l->cluster_sectors);
	little_put(at + 14, 2, RESERVED_SECTORS);
	little_put(at + 16, 1, 2); /* FATs */
	little_put(at + 17, 2, ROOT_ENTRIES);
	little_put(at + 19, 2, l->sectors > UINT16_MAX ? 0 : l->sectors);
	little_put(at + 21, 1, 0xf8); /* a disk with partitions */
	little_put(at + 22, 2, l->fat_sectors);
	little_put(at + 24, 2, 63);  /* sectors of a track, for BIOS */
	little_put(at + 26, 2, 255); /* heads */
	little_put(at + 28, 4, start);
	little_put(at + 32, 4, l->sectors > UINT16_MAX ? l->sectors : 0);
	little_put(at + 36, 1, 0x80); /* drive, for BIOS */
	little_put(at + 38, 1, 0x29); /* the next three are there */
	little_put(at + 39, 4, serial);
	memcpy(at + 43, LABEL "FAT16   ", 19);
	memcpy(at + 62, "\xeb\xfe", 2); /* nobody starts it: stay here */
	little_put(at + 510, 2, 0xaa55);
}

/* @param name	padded with spaces, no dot */
static void put_entry(char *at, const char *name, unsigned attributes,
		      uint32_t cluster, size_t len)
{
	/* The first day that FAT knows; day 0 of month 0 would be no date. */
	enum { FIRST_DATE = 1 << 5 | 1 };

	memcpy(at, name, SHORT_NAME);
	little_put(at + 11, 1, attributes);
	little_put(at + 16, 2, FIRST_DATE);
	little_put(at + 18, 2, FIRST_DATE);
	little_put(at + 24, 2, FIRST_DATE);
	little_put(at + 26, 2, cluster);
	little_put(at + 28, 4, len);
}

static void put_directory(char *at, uint32_t self, uint32_t parent)
{
	put_entry(at, ".          ", ATTRIBUTE_DIRECTORY, self, 0);
	put_entry(at + ENTRY_BYTES, "..         ", ATTRIBUTE_DIRECTORY, parent,
		  0);
}

/* The letters of one part of a name, in UTF-16, padded as FAT has it. */
static void put_letters(char *at, const char *name, size_t len)
{
	static const unsigned char places[LONG_NAME_PART] = {
		1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30
	};

	for (size_t i = 0; i < LONG_NAME_PART; i++)
		little_put(at + places[i], 2,
			   i < len    ? (unsigned char)name[i]
			   : i == len ? 0
				      : 0xffff);
}

/* Ties the parts of a long name to its short one. */
static unsigned checksum(const char padded[SHORT_NAME])
{
	unsigned sum = 0;

	for (size_t i = 0; i < SHORT_NAME; i++) {
		sum = (sum & 1) << 7 | sum >> 1;
		sum = (sum + (unsigned char)padded[i]) & 0xff;
	}
	return sum;
}

/* Before the entry of the file, the last part first. */
static char *put_long_name(char *at, const char *name,
			   const char padded[SHORT_NAME])
{
	enum { LAST = 0x40 };
	size_t len = strlen(name), parts = divide_up(len, LONG_NAME_PART);

	for (size_t i = parts; i--; at += ENTRY_BYTES) {
		size_t begin = i * LONG_NAME_PART;

		put_letters(at, name + begin, len - begin);
		little_put(at, 1, (i + 1) | (i + 1 == parts ? LAST : 0));
		little_put(at + 11, 1, ATTRIBUTE_LONG_NAME);
		little_put(at + 13, 1, checksum(padded));
	}
	return at;
}

static void put_link(char *volume, const struct fat_layout *l, uint32_t cluster,
		     unsigned next)
{
	char *fat = volume + (size_t)l->first_fat * SECTOR;

	little_put(fat + 2 * (size_t)cluster, 2, next);
	little_put(fat + (size_t)l->fat_sectors * SECTOR + 2 * (size_t)cluster,
		   2, next);
}

/* Clusters that follow each other. */
static void put_chain(char *volume, const struct fat_layout *l, uint32_t first,
		      uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		put_link(volume, l, first + i,
			 i + 1 < count ? first + i + 1 : 0xffff);
}

static void put_directories(char *volume, const struct fat_layout *l)
{
	char *root = volume + (size_t)l->root * SECTOR;
	char *efi = cluster_at(volume, l, EFI_CLUSTER);

	put_link(volume, l, 0, 0xfff8);
	put_link(volume, l, 1, 0xffff);
	put_chain(volume, l, EFI_CLUSTER, 1);
	put_chain(volume, l, PROGRAMS_CLUSTER, l->programs_clusters);
	put_entry(root, LABEL, ATTRIBUTE_LABEL, 0, 0);
	put_entry(root + ENTRY_BYTES, "EFI        ", ATTRIBUTE_DIRECTORY,
		  EFI_CLUSTER, 0);
	put_directory(efi, EFI_CLUSTER, 0);
	put_entry(efi + 2 * (size_t)ENTRY_BYTES, "BOOT       ",
		  ATTRIBUTE_DIRECTORY, PROGRAMS_CLUSTER, 0);
	put_directory(cluster_at(volume, l, PROGRAMS_CLUSTER), PROGRAMS_CLUSTER,
		      EFI_CLUSTER);
}

/* @return where the next entry goes */
static char *put_file_entry(char *at, const struct media_file *file,
			    size_t number, uint32_t cluster)
{
	char padded[SHORT_NAME];

	if (!pad_name(file->name, padded)) {
		make_short(file->name, number, padded);
		at = put_long_name(at, file->name, padded);
	}
	put_entry(at, padded, 0, file->len ? cluster : 0, file->len);
	return at + ENTRY_BYTES;
}

static void put_files(char *volume, const struct fat_layout *l,
		      const struct media_stick *stick)
{
	uint32_t cluster = PROGRAMS_CLUSTER + l->programs_clusters;
	char *ends[] = {
		[MEDIA_PROGRAMS] = cluster_at(volume, l, PROGRAMS_CLUSTER),
		[MEDIA_TOP] = volume + (size_t)l->root * SECTOR,
	};

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		ends[i] += (size_t)FIRST_ENTRIES * ENTRY_BYTES;
	for (size_t i = 0; i < stick->file_count; i++) {
		const struct media_file *file = &stick->files[i];
		char **end = &ends[file->directory];
		uint32_t clusters = divide_up(
			file->len, (size_t)l->cluster_sectors * SECTOR);

		*end = put_file_entry(*end, file, i + 1, cluster);
		if (!clusters)
			continue;
		memcpy(cluster_at(volume, l, cluster), file->bytes, file->len);
		put_chain(volume, l, cluster, clusters);
		cluster += clusters;
	}
}

void fat_put(char *volume, const struct fat_layout *l,
	     const struct media_stick *stick)
{
	put_directories(volume, l);
	put_files(volume, l, stick);
}
