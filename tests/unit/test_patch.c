/**
 * @file
 * Blank images: places outside of the image, ELF files and EFI programs that
 * are none, placeholders. That what is patched works, tests/base shows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "arena.h"
#include "patch.h"
#include "roots.h"
#include "sbuf.h"
#include "section.h"
#include "symbols.h"

#define IMAGE_BYTES 10000u

static const struct patch_places good = {
	.word = 8,
	.script_pointer = 0,
	.script_length = 8,
	.root_count = 16,
	.fingerprints = 100,
	.certificates = 4000,
	.room = 6000,
	.room_bytes = 1000,
	.room_address = 0x420000,
};

static void test_places_are_inside(void **state)
{
	static const struct {
		size_t offset, value;
	} bad[] = {
		{ offsetof(struct patch_places, word), 0 },
		{ offsetof(struct patch_places, word), 16 },
		{ offsetof(struct patch_places, script_pointer), 9993 },
		{ offsetof(struct patch_places, script_length), SIZE_MAX },
		{ offsetof(struct patch_places, root_count), 9997 },
		{ offsetof(struct patch_places, fingerprints), 9000 },
		{ offsetof(struct patch_places, certificates), 9500 },
		{ offsetof(struct patch_places, room), 9001 },
		{ offsetof(struct patch_places, room_bytes), SIZE_MAX },
	};

	(void)state;
	assert_true(patch_fits(&good, IMAGE_BYTES));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct patch_places places = good;

		*(size_t *)(void *)((char *)&places + bad[i].offset) =
			bad[i].value;
		assert_false(patch_fits(&places, IMAGE_BYTES));
	}
}

static void test_patch(void **state)
{
	struct arena arena = { 0 };
	struct sbuf image = { 0 };
	struct root_certificates roots;
	char script[2000] = "#!ipxe\n";
	size_t excess = 0;

	(void)state;
	roots_placeholders(&arena, 3, &roots);
	for (size_t i = 0; i < IMAGE_BYTES; i++)
		sbuf_putc(&image, 0);
	assert_int_equal(patch(&good, (struct text){ script, 600 }, &roots,
			       &image, &excess),
			 PATCH_OK);
	assert_memory_equal(image.ptr + 6000, script, 600);
	assert_memory_equal(image.ptr + 6608, roots.at[0].der.ptr,
			    roots.at[0].der.len);
	assert_memory_equal(image.ptr, "\0\0\x42\0\0\0\0\0\x58\2", 10);
	assert_int_equal(image.ptr[16], 3);
	/* The fourth certificate is the first again. */
	assert_memory_equal(image.ptr + 4000, image.ptr + 4048, 16);
	assert_int_equal(patch(&good, (struct text){ script, 1000 }, &roots,
			       &image, &excess),
			 PATCH_TOO_LARGE);
	assert_true(excess > 300 && excess < 400);
	sbuf_release(&image);
	arena_release(&arena);
}

static void test_junk_is_no_program(void **state)
{
	struct section section;
	struct sbuf image = { 0 };

	(void)state;
	assert_false(section_append(&image, ".site", 10, &section));
	sbuf_puts(&image, "MZ");
	for (size_t i = 0; i < 1000; i++)
		sbuf_putc(&image, (char)i);
	assert_false(section_append(&image, ".site", 10, &section));
	assert_int_equal(image.len, 1002);
	sbuf_release(&image);
}

static void test_junk_is_no_elf(void **state)
{
	char bytes[200] = "\177ELF\2\1\1";
	struct elf elf;
	struct elf_object object;

	(void)state;
	assert_false(elf_open(TEXT("short"), &elf));
	assert_true(elf_open((struct text){ bytes, 16 }, &elf));
	assert_false(elf_find(&elf, "x", &object));
	/* Whatever the headers say: all ones are far outside. */
	for (size_t i = 16; i < sizeof(bytes); i++) {
		bytes[i] = -1;
		elf_open((struct text){ bytes, sizeof(bytes) }, &elf);
		assert_false(elf_find(&elf, "x", &object));
	}
}

static void test_placeholders_differ(void **state)
{
	struct arena arena = { 0 };
	struct root_certificates roots, split;

	(void)state;
	roots_placeholders(&arena, PATCH_ROOTS, &roots);
	for (size_t i = 0; i < PATCH_ROOTS; i++) {
		assert_int_equal(
			roots_split(&arena, &roots.at[i].pem, 1, &split), 1);
		assert_memory_equal(split.at[0].digest.sha256,
				    roots.at[i].digest.sha256, 32);
		if (i)
			assert_memory_not_equal(roots.at[i].digest.sha256,
						roots.at[i - 1].digest.sha256,
						32);
	}
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places_are_inside),
		cmocka_unit_test(test_patch),
		cmocka_unit_test(test_junk_is_no_program),
		cmocka_unit_test(test_junk_is_no_elf),
		cmocka_unit_test(test_placeholders_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
