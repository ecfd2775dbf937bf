/**
 * @file
 * The image for a USB stick, for files that no test of whole machines has:
 * none, so large that one sector for a cluster will not do, and very many.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "little.h"
#include "media.h"
#include "place.h"
#include "run.h"
#include "sbuf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECTOR ((size_t)512)
#define START  (2048 * SECTOR)

/* FAT16 is what has this many clusters, by Microsoft's specification. */
static void assert_fat16(const struct sbuf *image)
{
	const char *boot = image->ptr + START;
	uint64_t sectors = little_get(boot + 19, 2);
	uint64_t data;

	if (!sectors)
		sectors = little_get(boot + 32, 4);
	data = sectors - 1 - 2 * little_get(boot + 22, 2) - 32;
	data /= little_get(boot + 13, 1);
	assert_in_range(data, 4085, 65524);
	assert_true(little_get(boot + 22, 2) * SECTOR >= (data + 2) * 2);
	assert_int_equal(image->len, START + (sectors + 33) * SECTOR);
	assert_memory_equal(image->ptr + image->len - SECTOR, "EFI PART", 8);
}

static void test_no_program(void **state)
{
	const struct media_file empty = { MEDIA_PROGRAMS, "BOOTX64.EFI", "",
					  0 };
	struct media_stick stick = { .files = &empty, .file_count = 0 };
	struct sbuf image = { 0 };

	(void)state;
	assert_int_equal(media_usb(&stick, &image), 0);
	assert_fat16(&image);
	sbuf_reset(&image);
	stick.file_count = 1;
	assert_int_equal(media_usb(&stick, &image), 0);
	assert_fat16(&image);
	sbuf_release(&image);
}

/* What boots a BIOS lies before the file system; both tables show the way. */
static void test_bios(void **state)
{
	static char bytes[SECTOR + 1000] = "boot code";
	const struct media_stick stick = { .bios = { bytes, sizeof(bytes) } };
	const char *entry;
	struct sbuf image = { 0 };
	uint64_t start;

	(void)state;
	bytes[439] = 'e';
	bytes[SECTOR] = 'i';
	assert_int_equal(media_usb(&stick, &image), 0);
	assert_fat16(&image);
	assert_memory_equal(image.ptr, bytes, 440);
	entry = image.ptr + 446 + 16;
	start = little_get(entry + 8, 4);
	assert_int_equal(little_get(entry, 1), 0x80);
	assert_int_equal(little_get(entry + 4, 1), 0);
	assert_int_equal(little_get(entry + 12, 4), 0);
	/* Head, sector from 1, cylinder. */
	assert_int_equal(little_get(entry + 1, 3), start / 63 | (start % 63 + 1)
									<< 8);
	assert_memory_equal(image.ptr + start * SECTOR, bytes + SECTOR, 1000);
	entry = image.ptr + 2 * SECTOR;
	assert_memory_equal(entry, "Hah!IdontNeedEFI", 16);
	assert_int_equal(little_get(entry + 32, 8), start);
	assert_int_equal(little_get(entry + 40, 8), start + 1);
	assert_int_equal(little_get(entry + 128 + 32, 8), START / SECTOR);
	sbuf_release(&image);
}

static void test_bad_bios(void **state)
{
	static char bytes[1985 * SECTOR + 1];
	struct media_stick stick = { .bios = { bytes, 0 } };
	struct sbuf image = { 0 };

	(void)state;
	stick.bios.len = SECTOR;
	assert_int_equal(media_usb(&stick, &image), -EINVAL);
	stick.bios.len = 1985 * SECTOR;
	assert_int_equal(media_usb(&stick, &image), 0);
	assert_fat16(&image);
	sbuf_reset(&image);
	stick.bios.len++;
	assert_int_equal(media_usb(&stick, &image), -EFBIG);
	stick.bios.len = 1024;
	bytes[440] = 'x';
	assert_int_equal(media_usb(&stick, &image), -EINVAL);
	assert_int_equal(image.len, 0);
	sbuf_release(&image);
}

/* The first file begins in the third cluster and goes on without a gap. */
static void test_large_programs(void **state)
{
	const size_t len = 40 * 1000 * 1000 + 1;
	char *bytes = malloc(len);
	const struct media_file files[] = {
		{ MEDIA_PROGRAMS, "BOOTX64.EFI", bytes, len },
		{ MEDIA_PROGRAMS, "BOOTAA64.EFI", "second", 6 },
	};
	const struct media_stick stick = { .files = files, .file_count = 2 };
	struct sbuf image = { 0 };
	const char *boot, *data;
	size_t cluster;

	(void)state;
	assert_non_null(bytes);
	memset(bytes, 'x', len);
	assert_int_equal(media_usb(&stick, &image), 0);
	assert_fat16(&image);
	boot = image.ptr + START;
	cluster = little_get(boot + 13, 1) * SECTOR;
	assert_true(cluster > SECTOR);
	data = boot + (1 + 2 * little_get(boot + 22, 2) + 32) * SECTOR;
	assert_memory_equal(data + cluster + 64, "BOOTX64 EFI", 11);
	assert_memory_equal(data + cluster + 96, "BOOTAA64EFI", 11);
	assert_memory_equal(data + 2 * cluster, bytes, len);
	data += (little_get(data + cluster + 96 + 26, 2) - 2) * cluster;
	assert_memory_equal(data, "second", 6);
	sbuf_release(&image);
	free(bytes);
}

static void test_refused(void **state)
{
	static const char letters[] =
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaaaa";
	static const struct {
		struct media_file file;
		int error;
	} rows[] = {
		{ { MEDIA_PROGRAMS, "bootx64.efi", "x", 1 }, -EINVAL },
		{ { MEDIA_TOP, "efi", "x", 1 }, -EINVAL },
		{ { MEDIA_TOP, "", "x", 1 }, -EINVAL },
		{ { MEDIA_TOP, "a/b", "x", 1 }, -EINVAL },
		{ { MEDIA_TOP, ".hidden", "x", 1 }, -EINVAL },
		{ { MEDIA_TOP, "dot.", "x", 1 }, -EINVAL },
		{ { MEDIA_TOP, "AUTO~1.IPX", "x", 1 }, -EINVAL },
		{ { MEDIA_TOP, "caf\xc3\xa9", "x", 1 }, -EINVAL },
		{ { MEDIA_TOP, letters, "x", 1 }, -EINVAL },
		{ { MEDIA_TOP, letters + 1, "x", 1 }, 0 },
		{ { MEDIA_PROGRAMS, "a", "never read", SIZE_MAX }, -EFBIG },
	};
	struct sbuf image = { 0 };

	(void)state;
	assert_int_equal(sizeof(letters), 257);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct media_file files[] = {
			{ MEDIA_PROGRAMS, "BOOTX64.EFI", "x", 1 },
			rows[i].file,
		};
		const struct media_stick stick = { .files = files,
						   .file_count = 2 };

		assert_int_equal(media_usb(&stick, &image), rows[i].error);
		assert_true(rows[i].error ? !image.len : image.len > 0);
		sbuf_reset(&image);
	}
	sbuf_release(&image);
}

#define MANY 200

static void name_all(char names[MANY][64], struct media_file files[MANY])
{
	for (int i = 0; i < MANY; i++) {
		snprintf(names[i], sizeof(*names),
			 i % 3 ? "a name that is long (%d).pem" : "N%d.EFI", i);
		files[i] =
			(struct media_file){ i % 2 ? MEDIA_PROGRAMS : MEDIA_TOP,
					     names[i], names[i],
					     strlen(names[i]) };
	}
}

/* Directories that fill several clusters, and names of both kinds, as others
 * read them. */
static void test_many_names(void **state)
{
	char names[MANY][64], path[PLACE_BYTES];
	struct media_file files[MANY];
	const struct media_stick stick = { .files = files, .file_count = MANY };
	struct sbuf image = { 0 }, text = { 0 };
	const char *const fsck[] = { "fsck.fat", "-n", path, NULL };
	int fd;

	(void)state;
	if (!run_has("fsck.fat") || !run_has("mtype"))
		skip();
	name_all(names, files);
	assert_int_equal(media_usb(&stick, &image), 0);
	assert_fat16(&image);
	fd = mkstemp(place_template(path));
	assert_true(fd >= 0);
	assert_int_equal(write(fd, image.ptr + START, image.len - START),
			 image.len - START);
	close(fd);
	assert_int_equal(run_capture(fsck, &text), 0);
	assert_non_null(strstr(text.ptr, ": 203 files"));
	assert_null(strstr(text.ptr, "rong"));
	for (int i = 0; i < MANY; i += 17) {
		char at[sizeof(*names) + sizeof("::EFI/BOOT/")];
		const char *const show[] = { "mtype", "-i", path, at, NULL };

		snprintf(at, sizeof(at), "::%s%.63s", i % 2 ? "EFI/BOOT/" : "",
			 names[i]);
		sbuf_reset(&text);
		assert_int_equal(run_capture(show, &text), 0);
		text.ptr[text.len - 1] = '\0'; /* the end of the line */
		assert_string_equal(text.ptr, names[i]);
	}
	unlink(path);
	sbuf_release(&image);
	sbuf_release(&text);
}

/* What fits the root: 512 entries, two of which are taken. */
static void test_full_root(void **state)
{
	static char names[511][16];
	static struct media_file files[511];
	struct media_stick stick = { .files = files, .file_count = 510 };
	struct sbuf image = { 0 };

	(void)state;
	for (int i = 0; i < 511; i++) {
		snprintf(names[i], sizeof(*names), "F%d", i);
		files[i] = (struct media_file){ MEDIA_TOP, names[i], "x", 1 };
	}
	assert_int_equal(media_usb(&stick, &image), 0);
	assert_fat16(&image);
	stick.file_count++;
	sbuf_reset(&image);
	assert_int_equal(media_usb(&stick, &image), -ENOSPC);
	sbuf_release(&image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_program),
		cmocka_unit_test(test_bios),
		cmocka_unit_test(test_bad_bios),
		cmocka_unit_test(test_large_programs),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_many_names),
		cmocka_unit_test(test_full_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
