#include "pe.h"

#include "sbuf.h"

#include <errno.h>
#include <string.h>

enum {
	DOS_BYTES = 64,
	DOS_PE_OFFSET = 0x3c,
	COFF_BYTES = 24, /* with the signature before it */
	MAGIC_PE32 = 0x10b,
	MAGIC_PE32_PLUS = 0x20b,
	SECURITY_DIRECTORY = 4,
	DIRECTORY_BYTES = 8,
};

uint16_t pe_get16(const unsigned char *at)
{
	return (uint16_t)(at[0] | at[1] << 8);
}

uint32_t pe_get32(const unsigned char *at)
{
	return pe_get16(at) | (uint32_t)pe_get16(at + 2) << 16;
}

void pe_put16(unsigned char *at, uint16_t number)
{
	at[0] = (unsigned char)(number & 0xff);
	at[1] = (unsigned char)(number >> 8);
}

void pe_put32(unsigned char *at, uint32_t number)
{
	pe_put16(at, (uint16_t)(number & 0xffff));
	pe_put16(at + 2, (uint16_t)(number >> 16));
}

static int refuse(struct sbuf *why, const char *reason)
{
	sbuf_puts(why, reason);
	return -EBADMSG;
}

/** A file being read. */
struct reading {
	const unsigned char *head;
	size_t len;
	uint64_t file_bytes;
	struct sbuf *why;
};

/** @param ret_directories	where the table of directories is */
static int parse_optional(const struct reading *in, size_t at, size_t bytes,
			  struct pe *pe, size_t *ret_directories)
{
	const unsigned char *optional = in->head + at;
	uint16_t magic = bytes >= 2 ? pe_get16(optional) : 0;
	/* PE32+ has four fields of twice the size, and one less. */
	size_t directories = magic == MAGIC_PE32_PLUS ? 112 : 96;
	uint32_t count;

	if (magic != MAGIC_PE32 && magic != MAGIC_PE32_PLUS)
		return refuse(in->why, "is neither PE32 nor PE32+");
	if (bytes < directories)
		return refuse(in->why, "has a header that is too short");
	count = pe_get32(optional + directories - 4);
	if (count <= SECURITY_DIRECTORY ||
	    count > (bytes - directories) / DIRECTORY_BYTES)
		return refuse(in->why, "has no place for a signature");
	pe->file_alignment = pe_get32(optional + 36);
	pe->image_bytes_at = at + 56;
	pe->image_bytes = pe_get32(optional + 56);
	pe->header_bytes = pe_get32(optional + 60);
	pe->checksum_at = at + 64;
	*ret_directories = at + directories;
	return 0;
}

static int parse_sections(const struct reading *in, struct pe *pe)
{
	uint32_t end = pe->header_bytes;

	for (size_t i = 0; i < pe->section_count; i++) {
		const unsigned char *section =
			in->head + pe->sections_at + i * PE_SECTION_BYTES;
		uint32_t bytes = pe_get32(section + 16);
		uint32_t offset = pe_get32(section + 20);

		if (!bytes)
			continue;
		if (offset != end)
			return refuse(in->why, "has sections that do not "
					       "follow each other");
		if (bytes > in->file_bytes - end)
			return refuse(in->why, "has a section that is cut off");
		end += bytes;
	}
	pe->sections_end = end;
	return 0;
}

static int parse_security(const struct reading *in, struct pe *pe)
{
	const unsigned char *entry = in->head + pe->security_at;

	pe->security_offset = pe_get32(entry);
	pe->security_bytes = pe_get32(entry + 4);
	if (!pe->security_offset && !pe->security_bytes)
		return 0;
	if (pe->security_offset < pe->sections_end ||
	    (uint64_t)pe->security_offset + pe->security_bytes !=
		    in->file_bytes)
		return refuse(in->why, "has a signature that is not at its "
				       "end");
	return 0;
}

int pe_machine(const unsigned char *head, size_t len, uint16_t *ret_machine,
	       size_t *ret_header, struct sbuf *why)
{
	size_t at;

	if (len < DOS_BYTES || memcmp(head, "MZ", 2) != 0)
		return refuse(why, "does not begin as an EFI program (MZ)");
	at = pe_get32(head + DOS_PE_OFFSET);
	if (at > len || len - at < COFF_BYTES ||
	    memcmp(head + at, "PE\0", 4) != 0)
		return refuse(why, "has no PE header, so it is no EFI program");
	*ret_machine = pe_get16(head + at + 4);
	if (ret_header)
		*ret_header = at;
	return 0;
}

int pe_parse(const unsigned char *head, size_t len, uint64_t file_bytes,
	     struct pe *ret_pe, struct sbuf *why)
{
	const struct reading in = { head, len, file_bytes, why };
	struct pe pe = { 0 };
	size_t at, optional_bytes, directories;

	if (pe_machine(head, len, &pe.machine, &at, why) != 0)
		return -EBADMSG;
	if (file_bytes > UINT32_MAX)
		return refuse(why, "is larger than 4 GiB");
	pe.section_count_at = at + 6;
	pe.section_count = pe_get16(head + at + 6);
	pe.symbols_at = at + 12;
	optional_bytes = pe_get16(head + at + 20);
	at += COFF_BYTES;
	if (optional_bytes > len - at)
		return refuse(why, "has a header that is cut off");
	if (parse_optional(&in, at, optional_bytes, &pe, &directories) != 0)
		return -EBADMSG;
	pe.security_at = directories + SECURITY_DIRECTORY * DIRECTORY_BYTES;
	pe.sections_at = at + optional_bytes;
	if (pe.header_bytes > file_bytes || pe.header_bytes > len ||
	    pe.sections_at > pe.header_bytes ||
	    pe.section_count >
		    (pe.header_bytes - pe.sections_at) / PE_SECTION_BYTES)
		return refuse(why, "has a section table that is cut off");
	if (parse_sections(&in, &pe) != 0 || parse_security(&in, &pe) != 0)
		return -EBADMSG;
	*ret_pe = pe;
	return 0;
}
