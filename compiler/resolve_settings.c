#include "resolve_parts.h"

void link_settings(struct resolve *r, struct settings *set)
{
	size_t errors = r->ds->errors;

	if (set->profile.text.ptr) {
		set->booted = profile_find(r->site, set->profile.text);
		if (!set->booted)
			no_such_profile(r, &set->profile, false);
	}
	link_channel(r, set);
	if (set->more)
		link_order(r, &set->more->boot);
	if (r->ds->errors != errors)
		set->incomplete = true;
}
