#include "resolve_parts.h"

/* A profile that is in the chain of those that it extends. */
static bool extends_itself(const struct profile *profile)
{
	const struct profile *slow = profile, *fast = profile->base;

	while (fast && fast != profile && fast != slow) {
		fast = fast->base;
		if (!fast || fast == profile)
			break;
		fast = fast->base;
		slow = slow->base;
	}
	return fast == profile;
}

static void cycle(struct resolve *r, const struct profile *profile)
{
	struct diag *d = diag_at(r->ds, DIAG_E415, profile->extends.at,
				 "profile \"%s\" extends itself, in the end",
				 profile->name.ptr);

	for (const struct profile *p = profile->base; p != profile; p = p->base)
		diag_note_at(r->ds, d, p->extends.at, "\"%s\" extends \"%s\"",
			     p->name.ptr, p->extends.text.ptr);
}

void link_profiles(struct resolve *r)
{
	struct site *site = r->site;

	for (size_t i = 0; i < site->profile_count; i++) {
		struct profile *profile = &site->profiles[i];

		if (!profile->extends.text.ptr)
			continue;
		profile->base = profile_find(site, profile->extends.text);
		if (profile->base)
			continue;
		profile->set.incomplete = true;
		no_such_profile(r, &profile->extends, false);
	}
	/* Each cycle is told of once, and cut. */
	for (size_t i = 0; i < site->profile_count; i++) {
		struct profile *profile = &site->profiles[i];

		if (!extends_itself(profile))
			continue;
		cycle(r, profile);
		profile->set.incomplete = true;
		profile->base = NULL;
	}
}
