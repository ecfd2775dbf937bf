#include "prove_parts.h"

#include "uplink.h"

/* ------------------------------------------------------------ scenes -- */

bool scene_harms(const struct scene *scene, const struct blob *blob,
		 bool signature, struct text base)
{
	if (scene->harm == HARM_NONE ||
	    (scene->harm == HARM_SWAPPED && !scene->victim) ||
	    (scene->base.ptr && !text_equal(scene->base, base)))
		return false;
	if (!scene->victim)
		return true;
	/* What was swapped has the signature of the other as well. */
	return text_equal(scene->victim->path, blob->path) &&
	       (scene->harm == HARM_SWAPPED ||
		scene->victim_signature == signature);
}

bool scene_harms_nodes(const struct scene *scene, struct text base)
{
	/* By turns, a machine that asks again would never get beyond them. */
	return scene->harm != HARM_NONE && !scene->victim && !scene->by_turns &&
	       (!scene->base.ptr || text_equal(scene->base, base));
}

bool scene_is_over(const struct scene *scene, unsigned hits, unsigned pauses)
{
	return (scene->hits && hits >= scene->hits) ||
	       (scene->pauses && pauses >= scene->pauses);
}

bool scene_is_insecure(const struct plan *plan, const struct scene *scene)
{
	return (plan->verify & VERIFY_SECURE_BOOT) && !scene->kind.secure_boot;
}

void scene_connect(const struct scene *scene, bool own, unsigned pauses,
		   struct sim_card *card)
{
	bool link = true;

	switch (scene->wire) {
	case WIRE_GOOD:
	case WIRE_SILENT:
	case WIRE_LEASED:
		break;
	case WIRE_CUT:
		link = false;
		break;
	case WIRE_OWN:
		link = own;
		break;
	case WIRE_OTHERS:
		link = !own;
		break;
	case WIRE_LATE:
		link = pauses;
		break;
	}
	card->link = link;
	/* The firmware may have got an address where there is no link any more. */
	card->lease = scene->wire == WIRE_LEASED ||
		      (!link && scene->wire != WIRE_LATE);
	card->dhcp = link && scene->wire != WIRE_SILENT &&
		     scene->wire != WIRE_LEASED;
}

/* ----------------------------------------------------------- network -- */

bool is_remote(const struct plan *plan, const struct machine *machine)
{
	enum dispatch kind = plan->effective->site->dispatch.kind;

	return kind == DISPATCH_REMOTE ||
	       (kind == DISPATCH_BOTH && !machine->node);
}

const struct uplink *proof_uplink(const struct proof *p)
{
	return is_remote(p->plan, p->machine)
		       ? p->plan->effective->unknown.uplink
		       : p->machine->uplink;
}

/* An address of before is good once, and only if the image was loaded by it. */
static bool is_usable(const struct proof *p, const struct proof_card *card,
		      unsigned pauses)
{
	const struct uplink *uplink = proof_uplink(p);
	bool by_lease = !pauses && !p->plan->script_beside && !uplink->vlan.ptr;
	struct sim_card now;

	scene_connect(&p->scene, card->own, pauses, &now);
	return now.link &&
	       (uplink->ip.ptr || now.dhcp || (now.lease && by_lease));
}

/* One of those that are listed, and no other. */
static size_t find_listed(const struct proof *p, unsigned pauses)
{
	const struct uplink *uplink = proof_uplink(p);

	for (size_t i = 0; i < uplink->nic_count; i++)
		for (size_t j = 0; j < p->world.card_count; j++)
			if (proof_card_is(p, j, uplink->nics[i]) &&
			    is_usable(p, &p->about[j], pauses))
				return j;
	return SIZE_MAX;
}

size_t proof_wanted_card(const struct proof *p, unsigned pauses)
{
	/* Who has to ask which node it is knows no card of its own. */
	bool knows = p->machine->node && !is_remote(p->plan, p->machine);

	if (proof_uplink(p)->nic_count)
		return find_listed(p, pauses);
	for (int own = knows; own >= 0; own--)
		for (size_t i = 0; i < p->world.card_count; i++)
			if ((knows && p->about[i].own) == own &&
			    is_usable(p, &p->about[i], pauses))
				return i;
	return SIZE_MAX;
}

bool progress_network(const struct proof *p, struct progress *at)
{
	if (!at->online)
		at->online = proof_wanted_card(p, at->pauses) != SIZE_MAX;
	return at->online;
}

void progress_pause(struct progress *at)
{
	at->pauses++;
	at->online = false;
}

/* ------------------------------------------------------------- fetch -- */

static bool is_harmed(const struct proof *p, struct progress *at,
		      const struct blob *blob, bool signature, struct text base)
{
	if (!scene_harms(&p->scene, blob, signature, base) ||
	    scene_is_over(&p->scene, at->hits, at->pauses))
		return false;
	at->turn = !at->turn;
	if (p->scene.by_turns && !at->turn)
		return false;
	at->hits++;
	return true;
}

/* Item and signature, from one mirror. What the firmware alone verifies is taken
 * as it is, and refused when it is to start. */
static bool is_good(const struct proof *p, struct progress *at,
		    const struct blob *blob, struct text base,
		    bool *ret_refused)
{
	bool by_signature = proof_verifies(p, VERIFY_SIGNATURE), item,
	     signature;

	item = is_harmed(p, at, blob, false, base);
	if (item && p->scene.harm == HARM_LOST)
		return false;
	signature = by_signature && is_harmed(p, at, blob, true, base);
	*ret_refused =
		item && !by_signature && !proof_verifies(p, VERIFY_DIGEST);
	return *ret_refused || (!item && !signature);
}

const struct located_list *proof_shelf(const struct proof *p, enum shelf shelf)
{
	return shelf == SHELF_ASSETS && p->site->assets.count ? &p->site->assets
							      : &p->site->urls;
}

enum shelf proof_shelf_of(const struct proof *p, struct text base)
{
	for (size_t i = 0; i < p->site->assets.count; i++)
		if (text_equal(p->site->assets.at[i].text, base))
			return SHELF_ASSETS;
	return SHELF_URLS;
}

bool proof_do_shelves_differ(const struct proof *p)
{
	for (size_t i = 0; i < p->site->urls.count; i++)
		if (proof_shelf_of(p, p->site->urls.at[i].text) != SHELF_URLS)
			return false;
	return true;
}

bool progress_detour(const struct proof *p, struct progress *at,
		     enum shelf shelf)
{
	if (at->detours[shelf] == p->scene.detour)
		return false;
	at->detours[shelf]++;
	return true;
}

bool progress_fetch(const struct proof *p, struct progress *at,
		    const struct blob *blob, enum shelf shelf)
{
	const struct located_list *bases = proof_shelf(p, shelf);
	size_t *mirror;
	bool refused = false;

	if (bases == &p->site->urls)
		shelf = SHELF_URLS;
	mirror = &at->mirrors[shelf];
	for (size_t tried = 0; tried < bases->count; tried++) {
		if (!progress_detour(p, at, shelf) &&
		    is_good(p, at, blob, bases->at[*mirror].text, &refused))
			return !refused;
		*mirror = (*mirror + 1) % bases->count;
	}
	return false;
}

/* ---------------------------------------------------------- dispatch -- */

bool progress_dispatch(const struct proof *p, struct progress *at)
{
	const struct located_list *urls = &p->site->urls;
	size_t *mirror = &at->mirrors[SHELF_URLS];
	bool lost = false;

	if (!progress_network(p, at))
		return false;
	for (size_t tried = 0; tried < urls->count; tried++) {
		bool harmed =
			progress_detour(p, at, SHELF_URLS) ||
			(scene_harms_nodes(&p->scene, urls->at[*mirror].text) &&
			 !scene_is_over(&p->scene, at->hits, at->pauses));

		if (!harmed && p->machine->node)
			return !p->order_script ||
			       progress_fetch(p, at, p->order_script,
					      SHELF_URLS);
		lost = lost || harmed;
		*mirror = (*mirror + 1) % urls->count;
	}
	return !p->machine->node && !lost;
}
