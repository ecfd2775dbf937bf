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
		if (settings_more(levels->at[i].set)->network)
			return true;
	return false;
}

/* One level at a time. */
struct tracing {
	struct context *c;
	const struct level *level;
};

/* What another level replaces is not rendered: what it needs may not even be
 * there. */
static void trace_values(struct tracing *t, const char *key,
			 const struct templated *values, size_t count,
			 bool kept)
{
	struct trace *trace = &t->c->b->trace;
	struct text name = text_of(key);

	if (count)
		trace_replace(trace, NULL, "network", name);
	for (size_t i = 0; i < count; i++) {
		struct text text = values[i].text;

		if (!kept || render(t->c, &values[i], &text))
			trace_add(trace, NULL, "network", name, t->level,
				  values[i].at, text);
	}
}

static void trace_value(struct tracing *t, const char *key,
			const struct templated *value,
			const struct templated *kept)
{
	trace_values(t, key, value, value->tmpl != NULL,
		     value->tmpl == kept->tmpl);
}

static void trace_nics(struct tracing *t, const struct located_list *nics)
{
	struct trace *trace = &t->c->b->trace;

	if (nics->count)
		trace_replace(trace, NULL, "network", TEXT("nics"));
	for (size_t i = 0; i < nics->count; i++)
		trace_add(trace, NULL, "network", TEXT("nics"), t->level,
			  nics->at[i].at, nics->at[i].text);
}

static void trace_level(struct tracing *t, const struct uplink *uplink,
			const struct uplink_settings *said,
			const struct uplink_settings *kept)
{
	struct trace *trace = &t->c->b->trace;

	trace_replace(trace, NULL, "network",
		      said->dhcp ? (struct text){ NULL, 0 } : TEXT(""));
	if (said->dhcp)
		trace_add(trace, NULL, "network", TEXT(""), t->level, said->at,
			  TEXT("dhcp"));
	if (uplink->ip.ptr)
		trace_value(t, "ip", &said->ip, &kept->ip);
	if (uplink->gateway.ptr)
		trace_value(t, "gateway", &said->gateway, &kept->gateway);
	trace_values(t, "dns", said->dns.at, said->dns.count,
		     said->dns.at == kept->dns.at);
	trace_value(t, "vlan", &said->vlan, &kept->vlan);
	trace_nics(t, &said->nics);
	trace_value(t, "ntp", &said->ntp, &kept->ntp);
}

/* An address is left out where DHCP gives it, and so is its router. */
static void trace_uplink(struct context *c, const struct uplink *uplink)
{
	const struct uplink_settings kept = uplink_merge(c->levels);

	for (size_t i = 0; c->b->trace.on && i < c->levels->count; i++) {
		struct tracing t = { c, &c->levels->at[i] };
		const struct uplink_settings *network =
			settings_more(t.level->set)->network;

		if (network)
			trace_level(&t, uplink, network, &kept);
	}
}

/* By the levels that are set. */
void machine_find_uplink(struct builder *b, struct machine *machine,
			 const struct profile *profile)
{
	static const struct uplink by_dhcp;
	struct context c;
	const struct uplink_env env = { b->arena, &c, uplink_render,
					uplink_refuse };
	struct uplink *uplink;
	struct span at;

	machine->uplink = &by_dhcp;
	if (!says_network(&b->levels))
		return;
	c = context_of(b, machine->node, profile);
	context_set(&c);
	uplink = arena_new(b->arena, struct uplink);
	*uplink = uplink_of(&env, &b->levels, machine->node != NULL, &at);
	machine->uplink = uplink;
	trace_uplink(&c, uplink);
	if (uplink->ip.ptr)
		address_is_unique(b, machine->node, uplink->ip, at);
}
