/**
 * @file
 * The image for a USB stick, for programs of sizes that no test of whole
 * machines has: none, and so large that one sector for a cluster will not do.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "little.h"
#include "media.h"
#include "sbuf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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
	const struct media_program empty = { "BOOTX64.EFI", "", 0 };
	struct sbuf image = { 0 };

	(void)state;
	assert_int_equal(media_usb(&empty, 0, &image), 0);
	assert_fat16(&image);
	sbuf_reset(&image);
	assert_int_equal(media_usb(&empty, 1, &image), 0);
	assert_fat16(&image);
	sbuf_release(&image);
}

/* The first file begins in the third cluster and goes on without a gap. */
static void test_large_programs(void **state)
{
	const size_t len = 40 * 1000 * 1000 + 1;
	char *bytes = malloc(len);
	const struct media_program programs[] = {
		{ "BOOTX64.EFI", bytes, len },
		{ "BOOTAA64.EFI", "second", 6 },
	};
	struct sbuf image = { 0 };
	const char *boot, *data;
	size_t cluster;

	(void)state;
	assert_non_null(bytes);
	memset(bytes, 'x', len);
	assert_int_equal(media_usb(programs, 2, &image), 0);
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

static void test_too_large(void **state)
{
	const struct media_program programs[] = {
		{ "BOOTX64.EFI", "x", 1 },
		{ "BOOTAA64.EFI", "never read", SIZE_MAX },
	};
	struct sbuf image = { 0 };

	(void)state;
	assert_int_equal(media_usb(programs, 2, &image), -EFBIG);
	assert_int_equal(image.len, 0);
	sbuf_release(&image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_program),
		cmocka_unit_test(test_large_programs),
		cmocka_unit_test(test_too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
