#ifndef COMPILER_COMPILE_H
#define COMPILER_COMPILE_H
/**
 * @file
 * The compiler: a site file in, everything that is to be published out.
 *
 * It is pure: what it needs of the world it asks of its caller through struct
 * compile_env, and it writes nothing. Same answers, same bytes.
 */
#include "diag.h"
#include "text.h"

struct arena;
struct plan;
struct sbuf;
struct site;

/** SHA-256 and size of some content. */
struct digest {
	unsigned char sha256[32];
	uint64_t size_bytes;
};

/** One file for the initrd inside a UKI. */
struct uki_file {
	struct text path; /**< inside the initrd, absolute */
	unsigned mode;
	struct text from;  /**< file to take it from; ptr NULL: the bytes */
	struct text bytes; /**< rendered content */
};

/**
 * A unified kernel image: kernel, initrds, injected files and command line of
 * one machine, or of several that boot alike, in one EFI program.
 */
struct uki_request {
	struct text name; /**< file name to publish it as: "debian.efi" */
	struct text kernel;
	const struct text *initrds;
	size_t initrd_count;
	const struct uki_file *files; /**< sorted by path */
	size_t file_count;
	struct text command_line; /**< words with single spaces between */
};

/**
 * What the compiler asks of the world. Paths are as the site file has them,
 * joined to the directory of the site file.
 */
struct compile_env {
	void *ctx;

	/** Name of a node, or a MAC address in canonical form: its machine, and
	 * that of unknown machines, is to tell where its values come from.
	 * NULL: none is. */
	const char *traced;

	/**
	 * Read a whole file: the site file, templates, partials.
	 *
	 * @param max_bytes	larger files are refused with -EFBIG
	 * @param ret_bytes	filled on success; zero-initialised by the caller
	 * @return 0 or -errno; -EISDIR for a directory
	 */
	int (*read)(void *ctx, const char *path, size_t max_bytes,
		    struct sbuf *ret_bytes);

	/**
	 * Find the files that a pattern of `include:` names, with `*`, `?` and
	 * `[...]` as in a shell.
	 *
	 * @param directory	of the site file, taken as it is: "" or ending
	 *	in "/"
	 * @param pattern	what to look for in there
	 * @param found		called for each, with its path from there, in
	 *	any order
	 * @return 0 also if there are none; or -errno
	 */
	int (*glob)(void *ctx, const char *directory, const char *pattern,
		    void (*found)(void *found_ctx, const char *path),
		    void *found_ctx);

	/**
	 * Measure a kernel or initrd that may be too large to hold.
	 *
	 * `check` may answer with a zero digest: it only wants to know that
	 * the file can be read.
	 *
	 * @return 0 or -errno; -EBUSY if it changed while it was read
	 */
	int (*digest)(void *ctx, const char *path, struct digest *ret_digest);

	/**
	 * Which processors a kernel is for, by its own header.
	 *
	 * @return enum arch, or'ed; 0: it does not say, as most that are
	 *	compressed, or cannot be read. NULL: none says
	 */
	unsigned (*archs)(void *ctx, const char *path);

	/**
	 * Have a file that is elsewhere. Asked once for each; NULL: only its
	 * digest is wanted, and is known.
	 *
	 * `check` may leave everything as it is: it needs no network.
	 *
	 * @param digest	what it must hash to; its size is filled in
	 * @param at	where the site file names it, for diagnostics
	 * @param ret_path	where it lies then, to be published from
	 * @return false after a diagnostic
	 */
	bool (*download)(void *ctx, struct text url, struct digest *digest,
			 struct span at, struct diags *ds,
			 struct text *ret_path);

	/** SHA-256 of bytes that the compiler rendered itself. */
	void (*digest_bytes)(const void *bytes, size_t len,
			     struct digest *ret_digest);

	/**
	 * Look at one file under `trust:` and report what is wrong with it.
	 *
	 * @param at	where the site file names it
	 */
	void (*check_trust)(void *ctx, const char *path, struct span at,
			    struct diags *ds);

	/**
	 * Whether content must not be published: it is a private key.
	 *
	 * @param path	to look into; or NULL, and then the bytes
	 */
	bool (*is_private_key)(void *ctx, const char *path, const void *bytes,
			       size_t len);

	/**
	 * Turn a rendered file into another by a program: `convert:`.
	 *
	 * Asked once for each different program and content. NULL: files stay
	 * as they are.
	 *
	 * @param argv	words of the site file; the first is found in PATH, or a
	 *	path when it has a "/"
	 * @param at	what wants it, for diagnostics
	 * @param ret_output	added to
	 * @return false after a diagnostic
	 */
	bool (*convert)(void *ctx, const struct text *argv, size_t argc,
			struct text input, struct span at, struct diags *ds,
			struct sbuf *ret_output);

	/**
	 * Make a UKI, signed for the firmware of the site's machines. Asked
	 * once for each different content. NULL: `verify: secure-boot` is
	 * refused.
	 *
	 * `check` may answer with an empty path and a zero digest: it only
	 * wants to know that the parts are good.
	 *
	 * @param at	the profile, for diagnostics
	 * @param ret_path	where it lies, to be published from
	 * @return false after a diagnostic
	 */
	bool (*make_uki)(void *ctx, const struct uki_request *request,
			 struct span at, struct diags *ds,
			 struct text *ret_path, struct digest *ret_digest);
};

/**
 * Compile a site.
 *
 * @param arena	holds the result and all diagnostics
 * @param path	of the site file
 * @param ds	gets every error and warning, unsorted
 * @return NULL if there were errors
 */
const struct plan *compile(struct arena *arena, const char *path,
			   const struct compile_env *env, struct diags *ds);

#endif
