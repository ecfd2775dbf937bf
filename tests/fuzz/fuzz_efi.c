/* EFI programs and stores of variables from outside: any bytes, and a signed
 * program that is damaged, which must not verify if what counts is another. */
#include "fuzz.h"

#include "authenticode.h"
#include "efi_store.h"
#include "pe.h"
#include "sbuf.h"

#undef NDEBUG
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	PE_AT = 0x40,
	OPTIONAL_AT = PE_AT + 24,
	CHECKSUM_AT = OPTIONAL_AT + 64,
	SECURITY_AT = OPTIONAL_AT + 112 + 4 * 8,
	SECTIONS_AT = OPTIONAL_AT + 112 + 16 * 8,
	HEADER_BYTES = 0x200,
	PROGRAM_BYTES = 2 * HEADER_BYTES,
	SIGNED_MOST = 8192,
};

/** A signed program and whose it is; made once. */
static struct {
	struct certificate certificate;
	unsigned char bytes[SIGNED_MOST];
	size_t len;
	int fd;
} world;

static void make_program(unsigned char *program)
{
	memcpy(program, "MZ", 2);
	pe_put32(program + 0x3c, PE_AT);
	memcpy(program + PE_AT, "PE\0", 4);
	pe_put16(program + PE_AT + 4, PE_X86_64);
	pe_put16(program + PE_AT + 6, 1);
	pe_put16(program + PE_AT + 20, 112 + 16 * 8);
	pe_put16(program + OPTIONAL_AT, 0x20b);
	pe_put32(program + OPTIONAL_AT + 60, HEADER_BYTES);
	pe_put32(program + OPTIONAL_AT + 108, 16);
	pe_put32(program + SECTIONS_AT + 16, PROGRAM_BYTES - HEADER_BYTES);
	pe_put32(program + SECTIONS_AT + 20, HEADER_BYTES);
}

static void rewrite(const unsigned char *bytes, size_t len)
{
	assert(ftruncate(world.fd, 0) == 0);
	assert(pwrite(world.fd, bytes, len, 0) == (ssize_t)len);
}

static void make_world(void)
{
	const struct issue_request request = { .role = ROLE_FIRMWARE,
					       .common_name = "db",
					       .not_after = 86400 };
	unsigned char program[PROGRAM_BYTES] = { 0 };
	CLEANUP(sbuf) why = { 0 };
	CLEANUP(key) key = { 0 };
	const struct issuer by = { &world.certificate, &key };
	ssize_t len;

	assert(key_generate(KEY_RSA_2048, &key) == 0);
	assert(certificate_issue(&request, &key, NULL, &world.certificate) ==
	       0);
	make_program(program);
	world.fd = memfd_create("program", MFD_CLOEXEC);
	rewrite(program, sizeof(program));
	assert(authenticode_sign(world.fd, &by, &why) == 0);
	len = pread(world.fd, world.bytes, SIGNED_MOST, 0);
	assert(len > PROGRAM_BYTES && len < SIGNED_MOST);
	world.len = (size_t)len;
}

/** Whether all that the signature is over is as it was signed. */
static bool is_same_program(const unsigned char *bytes)
{
	const unsigned char *good = world.bytes;

	return memcmp(bytes, good, CHECKSUM_AT) == 0 &&
	       memcmp(bytes + CHECKSUM_AT + 4, good + CHECKSUM_AT + 4,
		      SECURITY_AT - CHECKSUM_AT - 4) == 0 &&
	       memcmp(bytes + SECURITY_AT + 8, good + SECURITY_AT + 8,
		      PROGRAM_BYTES - SECURITY_AT - 8) == 0;
}

/* The input as places and values, three bytes each. */
static void damage_program(const uint8_t *bytes, size_t len)
{
	unsigned char program[SIGNED_MOST];
	CLEANUP(sbuf) why = { 0 };

	memcpy(program, world.bytes, world.len);
	for (size_t i = 0; i + 3 <= len; i += 3) {
		size_t at = (size_t)bytes[i] << 8 | bytes[i + 1];

		program[at % world.len] = bytes[i + 2];
	}
	rewrite(program, world.len);
	if (authenticode_verify(world.fd, &world.certificate, &why) == 0)
		assert(is_same_program(program));
	else
		assert(why.len);
}

static void read_as_program(const uint8_t *bytes, size_t len)
{
	CLEANUP(sbuf) why = { 0 };
	struct pe pe;

	if (pe_parse(bytes, len, len, &pe, &why) != 0) {
		assert(why.len);
		return;
	}
	assert(pe.sections_end <= len && pe.header_bytes <= len);
	assert(pe.security_at + 8 <= pe.sections_at);
	assert(pe.sections_at + pe.section_count * PE_SECTION_BYTES <=
	       pe.header_bytes);
}

static void read_as_store(const uint8_t *bytes, size_t len)
{
	static const struct text lists[] = { { "PK", 2 },
					     { "KEK", 3 },
					     { "db", 2 } };
	unsigned char *store = malloc(len + 1);
	CLEANUP(sbuf) why = { 0 };

	assert(store);
	memcpy(store, bytes, len);
	assert((efi_store_enrol(store, len, lists, &why) == 0) !=
	       (why.len != 0));
	free(store);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	if (!world.len)
		make_world();
	damage_program(bytes, len);
	read_as_program(bytes, len);
	read_as_store(bytes, len);
	return 0;
}
