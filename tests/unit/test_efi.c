/*
 * EFI programs: their form, and the signatures inside them.
 */
#include "authenticode.h"
#include "newc.h"
#include "pe.h"
#include "sbuf.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

enum {
	HEADER_BYTES = 0x200,
	SECTION_BYTES = 0x200,
	/* Not a multiple of 8: signing pads it. */
	TRAILER_BYTES = 3,
	PROGRAM_BYTES = HEADER_BYTES + 2 * SECTION_BYTES + TRAILER_BYTES,
	PE_AT = 0x40,
	OPTIONAL_AT = PE_AT + 24,
	SECTIONS_AT = OPTIONAL_AT + 112 + 16 * 8,
};

static struct key key, other_key, ecdsa_key;
static struct certificate certificate, other, ecdsa;

static void issue(enum key_type type, struct key *ret_key,
		  struct certificate *ret_certificate)
{
	const struct issue_request request = { .role = ROLE_FIRMWARE,
					       .common_name = "db",
					       .not_before = 0,
					       .not_after = 86400 };

	assert_int_equal(key_generate(type, ret_key), 0);
	assert_int_equal(
		certificate_issue(&request, ret_key, NULL, ret_certificate), 0);
}

static int set_up(void **state)
{
	(void)state;
	issue(KEY_RSA_2048, &key, &certificate);
	issue(KEY_RSA_2048, &other_key, &other);
	issue(KEY_ECDSA, &ecdsa_key, &ecdsa);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	key_release(&key);
	key_release(&other_key);
	key_release(&ecdsa_key);
	certificate_release(&certificate);
	certificate_release(&other);
	certificate_release(&ecdsa);
	return 0;
}

/** A program with two sections, and bytes behind them. */
static void make_program(unsigned char program[PROGRAM_BYTES])
{
	memset(program, 0, PROGRAM_BYTES);
	memcpy(program, "MZ", 2);
	pe_put32(program + 0x3c, PE_AT);
	memcpy(program + PE_AT, "PE\0", 4);
	pe_put16(program + PE_AT + 4, PE_X86_64);
	pe_put16(program + PE_AT + 6, 2);
	pe_put16(program + PE_AT + 20, 112 + 16 * 8);
	pe_put16(program + OPTIONAL_AT, 0x20b);
	pe_put32(program + OPTIONAL_AT + 36, 0x200);
	pe_put32(program + OPTIONAL_AT + 56, 0x3000);
	pe_put32(program + OPTIONAL_AT + 60, HEADER_BYTES);
	pe_put32(program + OPTIONAL_AT + 64, 0x12345678);
	pe_put32(program + OPTIONAL_AT + 108, 16);
	for (uint32_t i = 0; i < 2; i++) {
		unsigned char *section =
			program + SECTIONS_AT + i * PE_SECTION_BYTES;

		pe_put32(section + 8, SECTION_BYTES);
		pe_put32(section + 12, 0x1000 * (i + 1));
		pe_put32(section + 16, SECTION_BYTES);
		pe_put32(section + 20, HEADER_BYTES + i * SECTION_BYTES);
	}
	memset(program + HEADER_BYTES, 'c', 2 * SECTION_BYTES);
	memset(program + HEADER_BYTES + 2 * SECTION_BYTES, 't', TRAILER_BYTES);
}

static int file_of(const void *bytes, size_t len)
{
	int fd = memfd_create("program", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	return fd;
}

static int make_file(void)
{
	unsigned char program[PROGRAM_BYTES];

	make_program(program);
	return file_of(program, sizeof(program));
}

static void sign(int fd)
{
	const struct issuer by = { &certificate, &key };
	CLEANUP(sbuf) why = { 0 };

	assert_int_equal(authenticode_sign(fd, &by, &why), 0);
	assert_string_equal(sbuf_text(&why), "");
}

static void assert_refused(int fd, const struct certificate *by,
			   const char *reason)
{
	CLEANUP(sbuf) why = { 0 };

	assert_int_equal(authenticode_verify(fd, by, &why), -EBADMSG);
	assert_string_equal(sbuf_text(&why), reason);
}

static void signed_programs_verify(void **state)
{
	int fd = make_file();
	CLEANUP(sbuf) why = { 0 };

	(void)state;
	assert_refused(fd, &certificate, "is not signed");
	sign(fd);
	assert_int_equal(authenticode_verify(fd, &certificate, &why), 0);
	assert_refused(fd, &other, "is signed by somebody else");
	close(fd);
}

static void signing_again_gives_the_same_bytes(void **state)
{
	unsigned char once[2 * PROGRAM_BYTES + 4096], twice[sizeof(once)];
	int fd = make_file();
	ssize_t len;

	(void)state;
	sign(fd);
	len = pread(fd, once, sizeof(once), 0);
	assert_in_range(len, PROGRAM_BYTES + 1, sizeof(once) - 1);
	assert_int_equal(len % 8, 0);
	sign(fd);
	assert_int_equal(pread(fd, twice, sizeof(twice), 0), len);
	assert_memory_equal(once, twice, (size_t)len);
	close(fd);
}

/* The checksum is nobody's business; all else is. */
static void every_changed_byte_is_seen(void **state)
{
	int fd = make_file();
	unsigned char byte;

	(void)state;
	sign(fd);
	for (off_t at = 0; at < PROGRAM_BYTES; at++) {
		CLEANUP(sbuf) why = { 0 };
		bool is_checksum =
			at >= OPTIONAL_AT + 64 && at < OPTIONAL_AT + 68;

		assert_int_equal(pread(fd, &byte, 1, at), 1);
		byte ^= 0x10;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
		assert_int_equal(authenticode_verify(fd, &certificate, &why),
				 is_checksum ? 0 : -EBADMSG);
		byte ^= 0x10;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	}
	close(fd);
}

static void keys_that_firmware_lacks_are_refused(void **state)
{
	const struct issuer by = { &ecdsa, &ecdsa_key };
	CLEANUP(sbuf) why = { 0 };
	int fd = make_file();

	(void)state;
	assert_int_equal(authenticode_sign(fd, &by, &why), -EKEYREJECTED);
	close(fd);
}

static void assert_parse(const unsigned char *program, uint64_t bytes,
			 const char *reason)
{
	CLEANUP(sbuf) why = { 0 };
	struct pe pe;

	assert_int_equal(pe_parse(program, PROGRAM_BYTES, bytes, &pe, &why),
			 *reason ? -EBADMSG : 0);
	assert_string_equal(sbuf_text(&why), reason);
}

static void strange_programs_are_refused(void **state)
{
	static const struct {
		size_t at;
		uint32_t value;
		const char *reason;
	} cases[] = {
		{ 0, 0, "does not begin as an EFI program (MZ)" },
		{ 0x3c, 0xfffffff0,
		  "has no PE header, so it is no EFI program" },
		{ PE_AT + 20, 0x0000ffff, "has a header that is cut off" },
		{ PE_AT + 20, 90, "has a header that is too short" },
		{ OPTIONAL_AT, 0x107, "is neither PE32 nor PE32+" },
		{ OPTIONAL_AT + 108, 4, "has no place for a signature" },
		{ OPTIONAL_AT + 108, 1000, "has no place for a signature" },
		{ OPTIONAL_AT + 60, 0xffffffff,
		  "has a section table that is cut off" },
		{ OPTIONAL_AT + 60, SECTIONS_AT + 79,
		  "has a section table that is cut off" },
		{ SECTIONS_AT + 16, 0xfffffff0,
		  "has a section that is cut off" },
		{ SECTIONS_AT + 60, 0x401,
		  "has sections that do not follow each other" },
		{ OPTIONAL_AT + 112 + 4 * 8, 0x600,
		  "has a signature that is not at its end" },
	};
	unsigned char program[PROGRAM_BYTES];

	(void)state;
	make_program(program);
	assert_parse(program, PROGRAM_BYTES, "");
	assert_parse(program, PROGRAM_BYTES - TRAILER_BYTES - 1,
		     "has a section that is cut off");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		make_program(program);
		pe_put32(program + cases[i].at, cases[i].value);
		assert_parse(program, PROGRAM_BYTES, cases[i].reason);
	}
}

/* Each length in memory of its own, where a sanitizer sees the end. */
static void cut_off_programs_are_refused(void **state)
{
	unsigned char program[PROGRAM_BYTES];

	(void)state;
	make_program(program);
	for (size_t len = 0; len < PROGRAM_BYTES - TRAILER_BYTES; len++) {
		unsigned char *cut = malloc(len ? len : 1);
		CLEANUP(sbuf) why = { 0 };
		struct pe pe;

		assert_non_null(cut);
		memcpy(cut, program, len);
		assert_int_equal(pe_parse(cut, len, len, &pe, &why), -EBADMSG);
		free(cut);
	}
}

static void assert_parents(const char *path, const char *before,
			   const char *names)
{
	CLEANUP(sbuf) out = { 0 };
	CLEANUP(sbuf) got = { 0 };

	newc_parents(text_of(path), text_of(before), &out);
	for (size_t at = 0; at + 110 < out.len;) {
		assert_memory_equal(out.ptr + at, "070701", 6);
		sbuf_printf(&got, "%s ", out.ptr + at + 110);
		at += (110 + strlen(out.ptr + at + 110) + 1 + 3) / 4 * 4;
	}
	assert_string_equal(sbuf_text(&got), names);
}

static void archives_have_each_directory_once(void **state)
{
	(void)state;
	assert_parents("/preseed.cfg", "", "");
	assert_parents("/etc/a/b", "", "etc etc/a ");
	assert_parents("/etc/a/c", "/etc/a/b", "");
	assert_parents("/etc/b/c", "/etc/a/b", "etc/b ");
	assert_parents("/etcetera/c", "/etc/a/b", "etcetera ");
	assert_parents("/etc/ab/c", "/etc/a/b", "etc/ab ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signed_programs_verify),
		cmocka_unit_test(signing_again_gives_the_same_bytes),
		cmocka_unit_test(every_changed_byte_is_seen),
		cmocka_unit_test(keys_that_firmware_lacks_are_refused),
		cmocka_unit_test(strange_programs_are_refused),
		cmocka_unit_test(cut_off_programs_are_refused),
		cmocka_unit_test(archives_have_each_directory_once),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
