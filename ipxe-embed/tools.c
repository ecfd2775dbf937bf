#include "tools.h"

#include "run.h"
#include "sbuf.h"

#include <errno.h>
#include <string.h>

struct tool {
	const char *program, *package;
};

static const struct tool programs[] = {
	{ "make", "make" },        { "gcc", "gcc" },
	{ "ld", "binutils" },      { "as", "binutils" },
	{ "ar", "binutils" },      { "ranlib", "binutils" },
	{ "nm", "binutils" },      { "objcopy", "binutils" },
	{ "objdump", "binutils" }, { "perl", "perl" },
	{ "openssl", "openssl" },  { "sed", "sed" },
	{ "awk", "mawk" },         { "csplit", "coreutils" },
	{ "sh", "dash" },          { "grep", "grep" },
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
		if (!run_has(programs[i].program))
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

int tools_identity(struct sbuf *out)
{
	static const char *const questions[][4] = {
		{ "gcc", "-dumpmachine", NULL },
		{ "gcc", "--version", NULL },
		{ "ld", "--version", NULL },
	};
	int result = 0;

	for (size_t i = 0; i < COUNT(questions) && !result; i++)
		result = run_capture(questions[i], out);
	return result;
}
