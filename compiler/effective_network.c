#include "effective_parts.h"

#include "uplink.h"

static bool uplink_render(void *ctx, const struct templated *value,
			  struct text *ret)
{
	return render(ctx, value, ret);
}

static void uplink_refuse(void *ctx, struct span at, struct text value,
			  const char *wrong)
{
	bad_rendered(ctx, DIAG_E333, at, value, wrong);
}

static void address_is_unique(struct builder *b, const struct node *node,
			      struct text ip, struct span at)
{
	void **slot = map_at(&b->addresses, ip);
	const struct node *other = *slot;
	struct diag *d;

	*slot = (void *)(uintptr_t)node;
	if (!other || other == node)
		return;
	d = diag_at(b->ds, DIAG_E442, at,
		    "node \"%s\" has the address %s, which is that of node "
		    "\"%s\"",
		    node->name.ptr, ip.ptr, other->name.ptr);
	diag_note_at(b->ds, d, other->at, "the other node");
}

static bool says_network(const struct levels *levels)
{
	for (size_t i = 0; i < levels->count; i++)
		if (levels->at[i].set->network)
			return true;
	return false;
}

/* By the levels that are set. */
void machine_find_uplink(struct builder *b, struct machine *machine,
			 const struct profile *profile)
{
	struct context c = context_of(b, machine->node, profile);
	const struct uplink_env env = { b->arena, &c, uplink_render,
					uplink_refuse };
	struct span at;

	if (!says_network(&b->levels))
		return;
	context_set(&c);
	machine->uplink =
		uplink_of(&env, &b->levels, machine->node != NULL, &at);
	if (machine->uplink.ip.ptr)
		address_is_unique(b, machine->node, machine->uplink.ip, at);
}
