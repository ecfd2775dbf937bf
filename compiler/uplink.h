#ifndef COMPILER_UPLINK_H
#define COMPILER_UPLINK_H
/**
 * @file
 * How one machine gets onto the network: precedence over the levels, and values
 * once they are rendered.
 */
#include "diag.h"
#include "levels.h"

struct arena;

/** What is asked of the caller. */
struct uplink_env {
	struct arena *arena;
	void *ctx;

	/** @return false after a diagnostic */
	bool (*render)(void *ctx, const struct templated *value,
		       struct text *ret);

	/** Report a value; @p wrong follows it: "is not ..." */
	void (*refuse)(void *ctx, struct span at, struct text value,
		       const char *wrong);
};

/** What the levels leave of what each of them says. */
struct uplink_settings uplink_merge(const struct levels *levels);

/**
 * @param with_address	false for the unknown machine: DHCP gives it one
 * @param ret_ip_at	where the address was given, if there is one
 * @return what is good of it; the rest has been reported
 */
struct uplink uplink_of(const struct uplink_env *env,
			const struct levels *levels, bool with_address,
			struct span *ret_ip_at);

#endif
