#include "unverified.h"

#include "ir.h"

enum { NAMES_MAX = 8 };

static bool boots(const struct machine *machine, const struct profile *profile)
{
	for (size_t i = 0; i < machine->action_count; i++) {
		const struct boot *boot = machine->actions[i].boot;

		if (boot && boot->kind == BOOT_SAN && boot->profile == profile)
			return true;
	}
	return false;
}

static bool unknown_boots(const struct effective *effective,
			  const struct profile *profile)
{
	for (size_t i = 0; i < effective->site->rule_count; i++)
		if (boots(&effective->ruled[i], profile))
			return true;
	return boots(&effective->unknown, profile);
}

static void print_profile(const struct effective *effective,
			  const struct profile *profile, const char *prefix,
			  struct sbuf *out)
{
	bool unknown = unknown_boots(effective, profile);
	size_t count = 0;

	for (size_t i = 0; i < effective->machine_count; i++)
		count += boots(&effective->machines[i], profile);
	if (!count && !unknown)
		return;
	sbuf_printf(out, "%sprofile %s boots a drive that nobody verifies: %s",
		    prefix, profile->name.ptr,
		    !count       ? ""
		    : count == 1 ? "node"
				 : "nodes");
	for (size_t i = 0, named = 0;
	     i < effective->machine_count && named < NAMES_MAX; i++)
		if (boots(&effective->machines[i], profile))
			sbuf_printf(out, "%s %s", named++ ? "," : "",
				    effective->machines[i].node->name.ptr);
	if (count > NAMES_MAX)
		sbuf_printf(out, " and %zu more", count - NAMES_MAX);
	sbuf_printf(out, "%s%s\n", count && unknown ? "; " : "",
		    unknown ? "unknown machines" : "");
}

void unverified_print(const struct plan *plan, const char *prefix,
		      struct sbuf *out)
{
	const struct effective *effective = plan->effective;

	for (size_t i = 0;
	     plan->features.san && i < effective->site->profile_count; i++)
		print_profile(effective, &effective->site->profiles[i], prefix,
			      out);
}
