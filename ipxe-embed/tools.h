#ifndef PROGRAM_TOOLS_H
#define PROGRAM_TOOLS_H
/**
 * @file
 * The programs and headers that building iPXE takes.
 */
#include <stdbool.h>

struct sbuf;

/** What a build needs beside a compiler; bits. */
enum tools_need {
	TOOLS_COMPRESS = 1, /**< BIOS: zbin is built, with liblzma */
	TOOLS_SLIRP = 2,    /**< iPXE as a Linux program, with libslirp */
	TOOLS_ARM64 = 4,    /**< a compiler for 64-bit ARM */
};

/** What its names begin with, also on a machine that is one. */
#define ARM64_TOOLS "aarch64-linux-gnu-"

/**
 * Look whether all of them are here.
 *
 * @param needs		enum tools_need, or'ed
 * @param why		else gets what is missing, with the Debian packages
 * @return whether they are
 */
bool tools_are_here(unsigned needs, struct sbuf *why);

/**
 * Which compiler and linker: other ones make other bytes.
 *
 * @param needs		as of tools_are_here()
 * @param out	gets lines of text
 * @return 0, or -errno if one of them does not run
 */
int tools_identity(unsigned needs, struct sbuf *out);

#endif
