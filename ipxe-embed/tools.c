#include "tools.h"

#include "run.h"
#include "sbuf.h"

#include <errno.h>
#include <string.h>

struct tool {
	const char *program, *package;
	unsigned need; /* enum tools_need; 0: always */
};

static const struct tool programs[] = {
	{ "make", "make", 0 },
	{ "gcc", "gcc", 0 },
	{ "ld", "binutils", 0 },
	{ "as", "binutils", 0 },
	{ "ar", "binutils", 0 },
	{ "ranlib", "binutils", 0 },
	{ "nm", "binutils", 0 },
	{ "objcopy", "binutils", 0 },
	{ "objdump", "binutils", 0 },
	{ "perl", "perl", 0 },
	{ "openssl", "openssl", 0 },
	{ "sed", "sed", 0 },
	{ "awk", "mawk", 0 },
	{ "csplit", "coreutils", 0 },
	{ "sh", "dash", 0 },
	{ "grep", "grep", 0 },
	{ ARM64_TOOLS "gcc", "gcc-aarch64-linux-gnu", TOOLS_ARM64 },
	{ ARM64_TOOLS "ld", "binutils-aarch64-linux-gnu", TOOLS_ARM64 },
};

struct header {
	const char *name, *package;
	unsigned need; /* enum tools_need; 0: always */
};

static const struct header headers[] = {
	{ "stdio.h", "libc6-dev", 0 },
	{ "lzma.h", "liblzma-dev", TOOLS_COMPRESS },
	{ "slirp/libslirp.h", "libslirp-dev", TOOLS_SLIRP },
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static bool has_header(const char *name)
{
	const char *const argv[] = { "gcc",      "-E", "-x",        "c",
				     "-include", name, "/dev/null", NULL };
	struct sbuf output = { 0 };
	bool found = run_capture(argv, &output) == 0;

	sbuf_release(&output);
	return found;
}

struct missing {
	struct sbuf list;
	const char *packages[COUNT(programs) + COUNT(headers)];
	size_t count;
};

static void miss(struct missing *missing, const char *what, const char *name,
		 const char *package)
{
	sbuf_printf(&missing->list, "  %s %s (Debian package %s)\n", what, name,
		    package);
	for (size_t i = 0; i < missing->count; i++)
		if (strcmp(missing->packages[i], package) == 0)
			return;
	missing->packages[missing->count++] = package;
}

bool tools_are_here(unsigned needs, struct sbuf *why)
{
	struct missing missing = { 0 };

	for (size_t i = 0; i < COUNT(programs); i++)
		if ((programs[i].need & ~needs) == 0 &&
		    !run_has(programs[i].program))
			miss(&missing, "program", programs[i].program,
			     programs[i].package);
	for (size_t i = 0; run_has("gcc") && i < COUNT(headers); i++)
		if ((headers[i].need & ~needs) == 0 &&
		    !has_header(headers[i].name))
			miss(&missing, "header", headers[i].name,
			     headers[i].package);
	if (missing.count) {
		sbuf_printf(why,
			    "Building iPXE needs what is not here:\n%s"
			    "Install it:\n  apt-get install",
			    sbuf_text(&missing.list));
		for (size_t i = 0; i < missing.count; i++)
			sbuf_printf(why, " %s", missing.packages[i]);
		sbuf_putc(why, '\n');
	}
	sbuf_release(&missing.list);
	return missing.count == 0;
}

int tools_identity(unsigned needs, struct sbuf *out)
{
	static const struct {
		const char *argv[4];
		unsigned need; /* as of programs */
	} questions[] = {
		{ { "gcc", "-dumpmachine", NULL }, 0 },
		{ { "gcc", "--version", NULL }, 0 },
		{ { "ld", "--version", NULL }, 0 },
		{ { ARM64_TOOLS "gcc", "--version", NULL }, TOOLS_ARM64 },
		{ { ARM64_TOOLS "ld", "--version", NULL }, TOOLS_ARM64 },
	};
	int result = 0;

	for (size_t i = 0; i < COUNT(questions) && !result; i++)
		if ((questions[i].need & ~needs) == 0)
			result = run_capture(questions[i].argv, out);
	return result;
}
