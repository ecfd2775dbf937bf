#include "symbols.h"

#include <elf.h>
#include <string.h>

/* Makefile.linux of iPXE: SYMBOL_PREFIX. */
#define LINUX_PREFIX "_ipxe__"

/* A table of the file: section headers, symbols. */
struct table {
	size_t offset, stride, count;
};

static bool is_inside(const struct elf *elf, uint64_t offset, uint64_t size)
{
	return offset <= elf->bytes.len && size <= elf->bytes.len - offset;
}

/* Headers as of 64 bits, whatever the file has. */
static bool read_header(const struct elf *elf, Elf64_Ehdr *out)
{
	Elf32_Ehdr narrow;

	if (elf->word == 8) {
		if (!is_inside(elf, 0, sizeof(*out)))
			return false;
		memcpy(out, elf->bytes.ptr, sizeof(*out));
		return true;
	}
	if (!is_inside(elf, 0, sizeof(narrow)))
		return false;
	memcpy(&narrow, elf->bytes.ptr, sizeof(narrow));
	out->e_shoff = narrow.e_shoff;
	out->e_shnum = narrow.e_shnum;
	return true;
}

static bool read_section(const struct elf *elf, const struct table *sections,
			 size_t index, Elf64_Shdr *out)
{
	const char *at =
		elf->bytes.ptr + sections->offset + index * sections->stride;
	Elf32_Shdr narrow;

	if (index >= sections->count)
		return false;
	if (elf->word == 8) {
		memcpy(out, at, sizeof(*out));
		return true;
	}
	memcpy(&narrow, at, sizeof(narrow));
	out->sh_type = narrow.sh_type;
	out->sh_addr = narrow.sh_addr;
	out->sh_offset = narrow.sh_offset;
	out->sh_size = narrow.sh_size;
	out->sh_link = narrow.sh_link;
	return true;
}

static void read_symbol(const struct elf *elf, const struct table *symbols,
			size_t index, Elf64_Sym *out)
{
	const char *at =
		elf->bytes.ptr + symbols->offset + index * symbols->stride;
	Elf32_Sym narrow;

	if (elf->word == 8) {
		memcpy(out, at, sizeof(*out));
		return;
	}
	memcpy(&narrow, at, sizeof(narrow));
	out->st_name = narrow.st_name;
	out->st_value = narrow.st_value;
	out->st_size = narrow.st_size;
	out->st_shndx = narrow.st_shndx;
}

static bool find_sections(const struct elf *elf, struct table *ret_sections)
{
	struct table sections = { 0 };
	Elf64_Ehdr header;

	if (!read_header(elf, &header))
		return false;
	sections.offset = header.e_shoff;
	sections.count = header.e_shnum;
	sections.stride =
		elf->word == 8 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
	*ret_sections = sections;
	return is_inside(elf, header.e_shoff,
			 (uint64_t)sections.count * sections.stride);
}

static bool find_symbols(const struct elf *elf, const struct table *sections,
			 struct table *ret_symbols, struct text *ret_names)
{
	Elf64_Shdr section, names;

	for (size_t i = 0; read_section(elf, sections, i, &section); i++) {
		if (section.sh_type != SHT_SYMTAB)
			continue;
		if (!read_section(elf, sections, section.sh_link, &names) ||
		    !is_inside(elf, section.sh_offset, section.sh_size) ||
		    !is_inside(elf, names.sh_offset, names.sh_size))
			return false;
		ret_symbols->offset = section.sh_offset;
		ret_symbols->stride =
			elf->word == 8 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
		ret_symbols->count = section.sh_size / ret_symbols->stride;
		ret_names->ptr = elf->bytes.ptr + names.sh_offset;
		ret_names->len = names.sh_size;
		return true;
	}
	return false;
}

static bool has_name(struct text names, size_t at, const char *wanted)
{
	struct text name = { names.ptr + at, 0 };

	if (at >= names.len)
		return false;
	name.len = strnlen(name.ptr, names.len - at);
	if (name.len > strlen(LINUX_PREFIX) &&
	    memcmp(name.ptr, LINUX_PREFIX, strlen(LINUX_PREFIX)) == 0) {
		name.ptr += strlen(LINUX_PREFIX);
		name.len -= strlen(LINUX_PREFIX);
	}
	return text_is(name, wanted);
}

static bool locate(const struct elf *elf, const struct table *sections,
		   const Elf64_Sym *symbol, struct elf_object *ret_object)
{
	struct elf_object object = { 0 };
	Elf64_Shdr section;
	uint64_t within;

	if (!read_section(elf, sections, symbol->st_shndx, &section) ||
	    section.sh_type != SHT_PROGBITS ||
	    !is_inside(elf, section.sh_offset, section.sh_size) ||
	    symbol->st_value < section.sh_addr)
		return false;
	within = symbol->st_value - section.sh_addr;
	if (within > section.sh_size ||
	    symbol->st_size > section.sh_size - within)
		return false;
	object.address = symbol->st_value;
	object.offset = section.sh_offset + within;
	object.size = symbol->st_size;
	object.section_offset = section.sh_offset;
	object.section_size = section.sh_size;
	*ret_object = object;
	return true;
}

bool elf_open(struct text bytes, struct elf *ret_elf)
{
	if (bytes.len < EI_NIDENT || memcmp(bytes.ptr, ELFMAG, SELFMAG) != 0 ||
	    bytes.ptr[EI_DATA] != ELFDATA2LSB)
		return false;
	ret_elf->bytes = bytes;
	ret_elf->word = bytes.ptr[EI_CLASS] == ELFCLASS64 ? 8 : 4;
	return true;
}

bool elf_find(const struct elf *elf, const char *name,
	      struct elf_object *ret_object)
{
	struct table sections, symbols;
	struct elf_object found;
	struct text names;
	size_t count = 0;

	if (!find_sections(elf, &sections) ||
	    !find_symbols(elf, &sections, &symbols, &names))
		return false;
	for (size_t i = 0; i < symbols.count; i++) {
		Elf64_Sym symbol;

		read_symbol(elf, &symbols, i, &symbol);
		if (has_name(names, symbol.st_name, name) &&
		    locate(elf, &sections, &symbol, &found))
			count++;
	}
	if (count == 1)
		*ret_object = found;
	return count == 1;
}
