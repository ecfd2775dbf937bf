#ifndef CERTS_PE_H
#define CERTS_PE_H
/**
 * @file
 * The form of EFI programs: PE32 and PE32+ (Microsoft PE format; the parts that
 * firmware looks at).
 */
#include <stddef.h>
#include <stdint.h>

struct sbuf;

enum {
	PE_X86_64 = 0x8664,
	PE_ARM64 = 0xaa64,
	PE_SECTION_BYTES = 40,
	/** The head of a file that pe_parse() needs, if there is so much. */
	PE_HEAD_BYTES = 64 * 1024,
};

/** Places are offsets in the file. */
struct pe {
	uint16_t machine;
	uint16_t section_count;
	uint32_t file_alignment;
	uint32_t header_bytes; /**< with the section table and padding */
	uint32_t image_bytes;  /**< in memory, from address 0 */
	size_t section_count_at, symbols_at;
	size_t image_bytes_at, checksum_at, security_at;
	size_t sections_at;
	uint32_t sections_end; /**< end of what sections hold */
	/** Signatures at the end of the file; 0 and 0 if there are none */
	uint32_t security_offset, security_bytes;
};

uint16_t pe_get16(const unsigned char *at);
uint32_t pe_get32(const unsigned char *at);
void pe_put16(unsigned char *at, uint16_t number);
void pe_put32(unsigned char *at, uint32_t number);

/**
 * Whether a file begins as an EFI program, and of what machine.
 *
 * @param ret_header	offset of the PE header; NULL if not wanted
 * @param why	gets what is wrong, to follow the name of the file and " "
 * @return 0 or -EBADMSG
 */
int pe_machine(const unsigned char *head, size_t len, uint16_t *ret_machine,
	       size_t *ret_header, struct sbuf *why);

/**
 * Read the headers of an EFI program, and hold all of their numbers against
 * each other and the file.
 *
 * Sections must follow each other without gaps, as every EFI linker writes
 * them: else one half of the world would hash other bytes than the other.
 *
 * @param head	first bytes of the file
 * @param len	PE_HEAD_BYTES, or all there is
 * @param why	gets what is wrong, to follow the name of the file and " "
 * @return 0 or -EBADMSG
 */
int pe_parse(const unsigned char *head, size_t len, uint64_t file_bytes,
	     struct pe *ret_pe, struct sbuf *why);

#endif
