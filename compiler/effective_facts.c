#include "effective_parts.h"

#include "boot_fact.h"

#include <arpa/inet.h>
#include <stdlib.h>

const char *const reserved_names[] = {
	"name",  "site",   "url",   "profile", "groups", "mac",     "macs",
	"uuid",  "serial", "asset", "ip",      "prefix", "netmask", "channel",
	"phase", "arch",   "serve", "boot",    NULL,
};

void fact_set_doc(struct builder *b, enum fact fact, const struct doc *doc)
{
	struct doc *value = &b->fact_values[fact];

	*value = *doc;
	b->fact_pairs[b->facts.count++] =
		(struct doc_pair){ .key = text_of(reserved_names[fact]),
				   .value = value };
}

static void fact_set(struct builder *b, enum fact fact, struct text text)
{
	if (text.ptr)
		fact_set_doc(b, fact,
			     &(struct doc){ .kind = DOC_SCALAR, .text = text });
}

static void fact_list_clear(struct fact_list *list)
{
	list->docs.count = list->items.count = 0;
}

static void fact_list_add(struct builder *b, struct fact_list *list,
			  struct text text)
{
	*vec_push(b->arena, &list->docs) =
		(struct doc){ .kind = DOC_SCALAR, .text = text };
}

/* A list of texts, for {{#macs}}{{.}}{{/macs}}. */
static void fact_set_list(struct builder *b, enum fact fact,
			  struct fact_list *list)
{
	vec_foreach (struct doc, doc, &list->docs)
		*vec_push(b->arena, &list->items) = doc;
	fact_set_doc(b, fact,
		     &(struct doc){ .kind = DOC_LIST,
				    .items = list->items.at,
				    .count = list->items.count });
}

static void facts_set_ip(struct builder *b, struct text ip)
{
	const char *slash = memchr(ip.ptr, '/', ip.len);
	size_t len = slash ? (size_t)(slash - ip.ptr) : ip.len;
	struct in_addr mask;
	unsigned prefix;
	char *text;

	fact_set(b, FACT_IP,
		 (struct text){ arena_copy(b->arena, ip.ptr, len), len });
	if (!slash)
		return;
	prefix = (unsigned)atoi(slash + 1);
	mask.s_addr = htonl(prefix ? 0xffffffffu << (32 - prefix) : 0);
	text = arena_alloc(b->arena, INET_ADDRSTRLEN);
	inet_ntop(AF_INET, &mask, text, INET_ADDRSTRLEN);
	fact_set(b, FACT_PREFIX, text_of(slash + 1));
	fact_set(b, FACT_NETMASK, text_of(text));
}

static void facts_set_node(struct builder *b, const struct node *node)
{
	fact_list_clear(&b->fact_macs);
	for (size_t i = 0; i < node->mac_count; i++)
		fact_list_add(b, &b->fact_macs, node->macs[i].text);
	fact_list_clear(&b->fact_groups);
	for (size_t i = 0; i < node->group_count; i++)
		fact_list_add(b, &b->fact_groups, node->groups[i]->name);
	fact_set(b, FACT_NAME, node->name);
	fact_set_list(b, FACT_GROUPS, &b->fact_groups);
	if (node->mac_count)
		fact_set(b, FACT_MAC, node->macs[0].text);
	fact_set_list(b, FACT_MACS, &b->fact_macs);
	fact_set(b, FACT_UUID, node->uuid.text);
	fact_set(b, FACT_SERIAL, node->serial.text);
	fact_set(b, FACT_ASSET, node->asset.text);
	if (node->ip.text.ptr)
		facts_set_ip(b, node->ip.text);
}

/* {{boot.mac}} and so on: a map of all of them, made once. */
static const struct doc *machine_facts(struct builder *b)
{
	struct doc *map, *facts;

	if (b->machine_facts)
		return b->machine_facts;
	map = arena_new(b->arena, struct doc);
	facts = arena_new_array(b->arena, BOOT_FACTS, struct doc);
	map->kind = DOC_MAP;
	map->count = BOOT_FACTS;
	map->pairs = arena_new_array(b->arena, BOOT_FACTS, struct doc_pair);
	for (size_t i = 0; i < BOOT_FACTS; i++) {
		const char *name = boot_facts[i].name;
		const char *text = arena_printf(b->arena, "%c{boot.%s}",
						BOOT_FACT_MARK, name);

		facts[i] = (struct doc){
			.kind = DOC_FACT,
			.text = { text, strlen("${boot.}") + strlen(name) }
		};
		map->pairs[i] = (struct doc_pair){ .key = text_of(name),
						   .value = &facts[i] };
	}
	b->machine_facts = map;
	return map;
}

static void facts_set(struct builder *b, const struct node *node,
		      const struct profile *profile)
{
	b->facts = (struct doc){ .kind = DOC_MAP, .pairs = b->fact_pairs };
	fact_set(b, FACT_SITE, b->site->name.text);
	if (b->site->urls.count)
		fact_set(b, FACT_URL, b->site->urls.at[0].text);
	if (profile)
		fact_set(b, FACT_PROFILE, profile->name);
	fact_set(b, FACT_PHASE, b->phase);
	fact_set_doc(b, FACT_BOOT, machine_facts(b));
	if (node)
		facts_set_node(b, node);
}

static void context_add_vars(struct context *c)
{
	struct builder *b = c->b;

	b->docs.count = 0;
	for (size_t i = 0; i < c->levels->count; i++) {
		const struct settings *set = c->levels->at[i].set;

		if (set->vars_replace)
			b->docs.count = 0;
		for (size_t j = 0; j < set->vars_from_count; j++)
			*vec_push(b->arena, &b->docs) = set->vars_from[j];
		if (set->vars)
			*vec_push(b->arena, &b->docs) = set->vars;
	}
	*vec_push(b->arena, &b->docs) = &b->facts;
}

/* What the levels of a machine decide, and templates may want to know. */
static void context_add_facts(struct context *c)
{
	const struct channel *channel = NULL;

	for (size_t i = 0; i < c->levels->count; i++)
		if (settings_more(c->levels->at[i].set)->follows)
			channel = settings_more(c->levels->at[i].set)->follows;
	if (channel)
		fact_set_doc(c->b, FACT_CHANNEL, channel->vars);
	fact_set(c->b, FACT_ARCH, levels_arch(c->levels));
}

void fact_set_arch(struct context *c)
{
	if (c->archs != ARCH_ANY && !levels_arch(c->levels).ptr)
		fact_set(c->b, FACT_ARCH, text_of(arch_word(c->archs)));
}

struct context context_of(struct builder *b, const struct node *node,
			  const struct profile *profile)
{
	sbuf_reset(&b->use_text);
	sbuf_puts(&b->use_text, node ? "for node \"" : "for unknown machines");
	if (node) {
		sbuf_add(&b->use_text, node->name.ptr, node->name.len);
		sbuf_putc(&b->use_text, '"');
	}
	return (struct context){
		.b = b,
		.node = node,
		.profile = profile,
		.levels = &b->levels,
		.use = node      ? node->at
		       : b->rule ? b->rule->at
				 : b->site->unknown.at,
		.use_text = sbuf_text(&b->use_text),
	};
}

void context_set(struct context *c)
{
	facts_set(c->b, c->node, c->profile);
	context_add_facts(c);
	context_add_vars(c);
}
