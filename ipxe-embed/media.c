#include "media.h"

#include "fat.h"
#include "little.h"
#include "sbuf.h"
#include "sha256.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define SECTOR 512u
/* 1 MiB, a multiple of what any flash erases at once. */
#define PARTITION_START 2048u
/* Between the table and the file system is more room than a BIOS can fill. */
#define BIOS_START        64u
#define BIOS_MAX_BYTES    ((size_t)(PARTITION_START - BIOS_START + 1) * SECTOR)
#define BOOT_CODE_BYTES   440u
#define GPT_ENTRY_BYTES   128u
#define GPT_ENTRIES       128u
#define GPT_ENTRY_SECTORS (GPT_ENTRIES * GPT_ENTRY_BYTES / SECTOR)
#define GPT_HEADER_BYTES  92u
#define GUID_BYTES        16u

/* ---------------------------------------------------------------- MBR -- */

static uint32_t bios_sectors(struct text bios)
{
	return (uint32_t)((bios.len + SECTOR - 1) / SECTOR - (bios.len > 0));
}

/* A BIOS comes here; it is told why nothing happens. */
static void put_message(char *at)
{
	static const char program[] =
		"\x31\xc0\x8e\xd8"     /* xor ax,ax; mov ds,ax */
		"\x31\xdb"             /* xor bx,bx: page 0 */
		"\xbe\x1a\x7c\xfc"     /* mov si,words; cld */
		"\xac\x84\xc0\x74\x06" /* next: lodsb; test al,al; jz end */
		"\xb4\x0e\xcd\x10"     /* mov ah,0x0e; int 0x10: print al */
		"\xeb\xf5"             /* jmp next */
		"\xcd\x18"             /* end: int 0x18: the next device */
		"\xf4\xeb\xfd"         /* hlt; jmp there */
		"ipxe-embed: this stick boots UEFI machines only.\r\n";

	memcpy(at, program, sizeof(program));
}

/* For a BIOS without LBA; all agree on this geometry for sticks. */
static void put_cylinder(char *at, uint32_t sector)
{
	enum { HEADS = 255, SECTORS = 63 };
	uint32_t cylinder = sector / (HEADS * SECTORS);

	little_put(at, 1, sector / SECTORS % HEADS);
	little_put(at + 1, 1, (sector % SECTORS + 1) | cylinder >> 8 << 6);
	little_put(at + 2, 1, cylinder);
}

/*
 * The boot code of iPXE looks for a partition that is marked active, and so
 * do some BIOSes before they start any. Only its start is of interest; with
 * type 0 and no length it is unused for all others, for whom the disk has the
 * one protective entry that UEFI asks for. Images of installers of many
 * distributions have such an entry, too.
 */
static void put_active_entry(char *at)
{
	little_put(at, 1, 0x80);
	put_cylinder(at + 1, BIOS_START);
	put_cylinder(at + 5, BIOS_START);
	little_put(at + 8, 4, BIOS_START);
}

static void put_mbr(char *at, uint32_t last, struct text bios)
{
	char *partition = at + 446;

	memcpy(partition + 1, "\x00\x02\x00", 3); /* from sector 1 */
	little_put(partition + 4, 1, 0xee);
	memcpy(partition + 5, "\xff\xff\xff", 3);
	little_put(partition + 8, 4, 1);
	little_put(partition + 12, 4, last);
	little_put(at + 510, 2, 0xaa55);
	if (bios.len) {
		memcpy(at, bios.ptr, BOOT_CODE_BYTES);
		put_active_entry(partition + 16);
	} else {
		put_message(at);
	}
}

/* ---------------------------------------------------------------- GPT -- */

/* The CRC of ISO 3309, as in Ethernet and zlib. */
static uint32_t crc32(const char *bytes, size_t len)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < len; i++) {
		crc ^= (unsigned char)bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return ~crc;
}

struct partition {
	const char *type; /* GUID, as it lies on the disk */
	const char *name;
	uint32_t start, sectors;
	char guid[GUID_BYTES];
};

/* 21686148-6449-6E6F-744E-656564454649, "BIOS boot", as GRUB has it, too */
#define TYPE_BIOS "Hah!IdontNeedEFI"
/* C12A7328-F81F-11D2-BA4B-00A0C93EC93B, an EFI system partition */
#define TYPE_EFI                           \
	"\x28\x73\x2a\xc1\x1f\xf8\xd2\x11" \
	"\xba\x4b\x00\xa0\xc9\x3e\xc9\x3b"

static void put_partition_entry(char *at, const struct partition *partition)
{
	memcpy(at, partition->type, GUID_BYTES);
	memcpy(at + 16, partition->guid, GUID_BYTES);
	little_put(at + 32, 8, partition->start);
	little_put(at + 40, 8, partition->start + partition->sectors - 1);
	for (size_t i = 0; partition->name[i]; i++)
		at[56 + 2 * i] = partition->name[i];
}

/*
 * @param here	sector of this header; the other one is at @p there
 * @param entries	sector of the entries that go with it
 */
static void put_gpt_header(char *disk, uint32_t here, uint32_t there,
			   uint32_t entries, const char *guid)
{
	char *at = disk + (size_t)here * SECTOR;
	uint32_t last = here > there ? here : there;

	memcpy(at, "EFI PART", 8);
	little_put(at + 8, 4, 0x00010000); /* revision 1.0 */
	little_put(at + 12, 4, GPT_HEADER_BYTES);
	little_put(at + 24, 8, here);
	little_put(at + 32, 8, there);
	little_put(at + 40, 8, 2 + GPT_ENTRY_SECTORS); /* first usable */
	little_put(at + 48, 8, last - GPT_ENTRY_SECTORS - 1);
	memcpy(at + 56, guid, GUID_BYTES);
	little_put(at + 72, 8, entries);
	little_put(at + 80, 4, GPT_ENTRIES);
	little_put(at + 84, 4, GPT_ENTRY_BYTES);
	little_put(at + 88, 4,
		   crc32(disk + (size_t)entries * SECTOR,
			 (size_t)GPT_ENTRIES * GPT_ENTRY_BYTES));
	little_put(at + 16, 4, crc32(at, GPT_HEADER_BYTES));
}

/* Half of a digest as a GUID of version 8 (RFC 9562, 5.8), little-endian. */
static void make_guid(const unsigned char *half, char guid[GUID_BYTES])
{
	memcpy(guid, half, GUID_BYTES);
	guid[7] = (char)((guid[7] & 0x0f) | 0x80);
	guid[8] = (char)((guid[8] & 0x3f) | 0x80);
}

/* @param content	of both partitions */
static void put_gpt(char *disk, uint32_t sectors, uint32_t last,
		    struct text bios, const struct digest *content)
{
	struct partition partitions[] = {
		{ .type = TYPE_BIOS,
		  .name = "ipxe-embed BIOS",
		  .start = BIOS_START,
		  .sectors = bios_sectors(bios) },
		{ .type = TYPE_EFI,
		  .name = "ipxe-embed",
		  .start = PARTITION_START,
		  .sectors = sectors },
	};
	char *first = disk + 2 * (size_t)SECTOR, *entry = first;
	uint32_t second = last - GPT_ENTRY_SECTORS;
	char disk_guid[GUID_BYTES];
	struct digest more;

	sha256_of(content->sha256, sizeof(content->sha256), &more);
	make_guid(content->sha256, disk_guid);
	make_guid(more.sha256, partitions[0].guid);
	make_guid(content->sha256 + GUID_BYTES, partitions[1].guid);
	for (size_t i = 0; i < sizeof(partitions) / sizeof(*partitions); i++)
		if (partitions[i].sectors) {
			put_partition_entry(entry, &partitions[i]);
			entry += GPT_ENTRY_BYTES;
		}
	memcpy(disk + (size_t)second * SECTOR, first,
	       (size_t)GPT_ENTRY_SECTORS * SECTOR);
	put_gpt_header(disk, 1, last, 2, disk_guid);
	put_gpt_header(disk, last, 1, second, disk_guid);
}

/* ----------------------------------------------------------- together -- */

static void add_zeroes(struct sbuf *out, size_t count)
{
	static const char zeroes[16 * 1024];

	for (size_t now; count; count -= now) {
		now = count < sizeof(zeroes) ? count : sizeof(zeroes);
		sbuf_add(out, zeroes, now);
	}
}

/* The table of partitions goes behind the boot code. */
static bool is_bios(struct text bios)
{
	if (bios.len <= SECTOR)
		return false;
	for (size_t i = BOOT_CODE_BYTES; i < SECTOR; i++)
		if (bios.ptr[i])
			return false;
	return true;
}

static int check(const struct media_stick *stick)
{
	if (stick->bios.len && !is_bios(stick->bios))
		return -EINVAL;
	if (stick->bios.len > BIOS_MAX_BYTES)
		return -EFBIG;
	return fat_check(stick);
}

int media_usb(const struct media_stick *stick, struct sbuf *ret_image)
{
	size_t start = ret_image->len;
	struct digest content;
	struct fat_layout l;
	uint32_t last;
	char *disk, *volume;
	int error = check(stick);

	if (error)
		return error;
	l = fat_lay_out(stick);
	last = PARTITION_START + l.sectors + GPT_ENTRY_SECTORS;
	add_zeroes(ret_image, ((size_t)last + 1) * SECTOR);
	disk = ret_image->ptr + start;
	volume = disk + (size_t)PARTITION_START * SECTOR;
	put_mbr(disk, last, stick->bios);
	fat_put(volume, &l, stick);
	if (stick->bios.len)
		memcpy(disk + (size_t)BIOS_START * SECTOR,
		       stick->bios.ptr + SECTOR, stick->bios.len - SECTOR);
	sha256_of(disk, ((size_t)PARTITION_START + l.sectors) * SECTOR,
		  &content);
	fat_put_boot_sector(
		volume, &l, PARTITION_START,
		(uint32_t)little_get((const char *)content.sha256, 4));
	put_gpt(disk, l.sectors, last, stick->bios, &content);
	return 0;
}
