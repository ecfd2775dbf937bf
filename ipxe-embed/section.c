#include "section.h"

#include "pe.h"
#include "sbuf.h"

#include <string.h>

/* Fields of a section header. */
enum {
	VIRTUAL_BYTES = 8,
	ADDRESS = 12,
	RAW_BYTES = 16,
	RAW = 20,
	FLAGS = 36,
};

/* CNT_INITIALIZED_DATA, MEM_READ, MEM_WRITE: as .data, where iPXE has it. */
#define DATA_FLAGS 0xc0000040u
#define PAGE_BYTES 4096
/* SizeOfInitializedData comes 48 bytes before SizeOfImage. */
#define INITIALIZED_BEFORE 48
#define SIZE_LIMIT         ((size_t)1 << 30)

static unsigned char *bytes_at(struct sbuf *image, size_t at)
{
	return (unsigned char *)image->ptr + at;
}

static bool read_headers(struct sbuf *image, struct pe *ret_pe)
{
	size_t head = image->len < PE_HEAD_BYTES ? image->len : PE_HEAD_BYTES;
	struct sbuf why = { 0 };
	bool good = image->len && pe_parse(bytes_at(image, 0), head, image->len,
					   ret_pe, &why) == 0;

	sbuf_release(&why);
	return good && ret_pe->file_alignment && !ret_pe->security_bytes;
}

/* iPXE has something of its own at the end of its headers. */
static bool has_room(const struct sbuf *image, const struct pe *pe, size_t at)
{
	if (at + PE_SECTION_BYTES > pe->header_bytes ||
	    at + PE_SECTION_BYTES > image->len)
		return false;
	for (size_t i = at; i < at + PE_SECTION_BYTES; i++)
		if (image->ptr[i])
			return false;
	return true;
}

static size_t align(size_t bytes, size_t to)
{
	return (bytes + to - 1) / to * to;
}

static void add_zeros(struct sbuf *image, size_t count)
{
	static const char zeros[4096];

	for (size_t here; count; count -= here) {
		here = count < sizeof(zeros) ? count : sizeof(zeros);
		sbuf_add(image, zeros, here);
	}
}

static void put_headers(struct sbuf *image, const struct pe *pe, size_t at,
			const char *name, size_t bytes,
			const struct section *section)
{
	unsigned char *header = bytes_at(image, at);
	unsigned char *initialized =
		bytes_at(image, pe->image_bytes_at - INITIALIZED_BEFORE);
	uint32_t raw_bytes = (uint32_t)(image->len - section->offset);

	memcpy(header, name, strnlen(name, 8));
	pe_put32(header + VIRTUAL_BYTES, (uint32_t)bytes);
	pe_put32(header + ADDRESS, (uint32_t)section->address);
	pe_put32(header + RAW_BYTES, raw_bytes);
	pe_put32(header + RAW, (uint32_t)section->offset);
	pe_put32(header + FLAGS, DATA_FLAGS);
	pe_put16(bytes_at(image, pe->section_count_at),
		 (uint16_t)(pe->section_count + 1));
	pe_put32(bytes_at(image, pe->image_bytes_at),
		 (uint32_t)align(section->address + bytes, PAGE_BYTES));
	pe_put32(initialized, pe_get32(initialized) + raw_bytes);
	/* Zero is "not computed", which is what iPXE's elf2efi leaves, too. */
	pe_put32(bytes_at(image, pe->checksum_at), 0);
}

bool section_append(struct sbuf *image, const char *name, size_t bytes,
		    struct section *ret_section)
{
	struct section section;
	struct pe pe;
	size_t at;

	if (bytes > SIZE_LIMIT || image->len > SIZE_LIMIT ||
	    !read_headers(image, &pe))
		return false;
	at = pe.sections_at + (size_t)pe.section_count * PE_SECTION_BYTES;
	if (!has_room(image, &pe, at))
		return false;
	add_zeros(image, align(image->len, pe.file_alignment) - image->len);
	section.offset = image->len;
	section.address = align(pe.image_bytes, PAGE_BYTES);
	add_zeros(image, align(bytes, pe.file_alignment));
	put_headers(image, &pe, at, name, bytes, &section);
	*ret_section = section;
	return true;
}
