#include "configuration.h"

#include "sbuf.h"

/* The bytes of a file, between two symbols. Its path is seen from where make
 * runs; Makefile knows that this object depends on it. */
#define HEADER_BYTES(id, path)                        \
	__asm__(".pushsection .rodata\n"              \
		".global configuration_" #id "\n"     \
		"configuration_" #id ":\n"            \
		".incbin \"" path "\"\n"              \
		".global configuration_" #id "_end\n" \
		"configuration_" #id "_end:\n"        \
		".byte 0\n"                           \
		".popsection\n");                     \
	extern const char configuration_##id[];       \
	extern const char configuration_##id##_end[];

/* clang-format off */
#define HEADERS(_)                                              \
	_(console, "console.h")                                 \
	_(crypto,  "crypto.h")                                  \
	_(general, "general.h")                                 \
	_(serial,  "serial.h")                                  \
	_(usb,     "usb.h")
/* clang-format on */

#define HEADER_FILE(id, file) HEADER_BYTES(id, "ipxe-embed/ipxe/" file)
HEADERS(HEADER_FILE)

const struct configuration *configuration_headers(void)
{
#define HEADER_ROW(id, file) { .name = (file) },
	static struct configuration rows[] = { HEADERS(HEADER_ROW){ 0 } };
	size_t i = 0;

#define HEADER_FILL(id, file)                                            \
	rows[i++].bytes = (struct text){                                 \
		configuration_##id,                                      \
		(size_t)(configuration_##id##_end - configuration_##id), \
	};
	HEADERS(HEADER_FILL)
	return rows;
}

void configuration_site(const struct features *features, struct sbuf *out)
{
	const struct {
		bool wanted;
		const char *name;
	} rows[] = {
		{ features->http, "EMBED_HTTP" },
		{ features->shell, "EMBED_SHELL" },
	};

	sbuf_puts(out, "/* What the site asks for. */\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (rows[i].wanted)
			sbuf_printf(out, "#define %s\n", rows[i].name);
}

struct text configuration_drives(const struct features *features)
{
	static const char drives[] =
		"/* A profile boots from a drive elsewhere. At\n"
		" * config/local/settings.h, which config/config.c reads behind "
		"general.h:\n"
		" * so the bases of all other sites stay what they are. */\n"
		"#define SANBOOT_PROTO_HTTP\n"
		"#define SANBOOT_PROTO_ISCSI\n";

	return features->san ? TEXT(drives) : TEXT("");
}

void configuration_print(const struct features *features, struct sbuf *out)
{
	for (const struct configuration *header = configuration_headers();
	     header->name; header++) {
		sbuf_printf(out, "%s %zu\n", header->name, header->bytes.len);
		sbuf_add(out, header->bytes.ptr, header->bytes.len);
	}
	configuration_site(features, out);
	sbuf_puts(out, configuration_drives(features).ptr);
}
