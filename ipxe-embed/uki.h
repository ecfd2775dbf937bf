#ifndef PROGRAM_UKI_H
#define PROGRAM_UKI_H
/**
 * @file
 * Unified kernel images: kernel, initrds, files and command line as sections of
 * one EFI program, behind the stub of systemd, signed for firmware.
 *
 * Written here and not by objcopy or ukify: initrds are streamed and not held,
 * addresses and bytes are a function of the inputs only, and a damaged stub is
 * an error and no strange program.
 *
 * @see systemd-stub(7); UAPI group, Unified Kernel Image
 */
#include "compile.h"
#include "issue.h"

struct statcache;

/** The package of Debian that has the stub. */
#define UKI_STUB_PACKAGE "systemd-boot-efi"

/** What makes the UKIs of one run. */
struct uki_maker {
	struct arena *arena;
	struct statcache *cache;
	struct issuer by; /**< the key of db; RSA */
};

enum uki_result {
	UKI_OK,
	UKI_BAD_KERNEL, /**< it is no EFI program */
	UKI_FAILED,     /**< the machine failed, or lacks the stub */
};

/**
 * Make the UKI that is asked for, or find it: those that were made lie in the
 * user's cache directory, below `ukis`, by the digest of all that is in them.
 * Those that were not asked for in 90 days are removed when one is made.
 *
 * @param why	gets what is wrong: a sentence without its full stop
 * @param ret_path	lives as long as the arena
 */
enum uki_result uki_make(const struct uki_maker *maker,
			 const struct uki_request *request, struct sbuf *why,
			 struct text *ret_path, struct digest *ret_digest);

/** Only look at the kernel. */
enum uki_result uki_check(const struct uki_request *request, struct sbuf *why);

#endif
