#include "resolve_parts.h"

#include "arena.h"

static void cycle(struct resolve *r, const struct profile *profile)
{
	struct diag *d = diag_at(r->ds, DIAG_E415, profile->extends.at,
				 "profile \"%s\" extends itself, in the end",
				 profile->name.ptr);

	for (const struct profile *p = profile->base; p != profile; p = p->base)
		diag_note_at(r->ds, d, p->extends.at, "\"%s\" extends \"%s\"",
			     p->name.ptr, p->extends.text.ptr);
}

/* Each cycle is told of once, and cut. Chains may be long, so each profile is
 * passed once: it belongs to the walk that came to it first. */
static void cut_cycles(struct resolve *r)
{
	struct site *site = r->site;
	size_t *walks = arena_new_array(r->arena, site->profile_count, size_t);

	for (size_t i = 0; i < site->profile_count; i++) {
		struct profile *at = &site->profiles[i];

		while (at && !walks[at - site->profiles]) {
			walks[at - site->profiles] = i + 1;
			at = (struct profile *)(uintptr_t)at->base;
		}
		if (!at || walks[at - site->profiles] != i + 1)
			continue;
		cycle(r, at);
		at->set.incomplete = true;
		at->base = NULL;
	}
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
	cut_cycles(r);
}
