#include "check.h"

#include "arena.h"
#include "check_kinds.h"
#include "check_rules.h"
#include "cleanup.h"
#include "effective.h"
#include "levels.h"
#include "map.h"
#include "menu.h"
#include "plan.h"
#include "resolve.h"
#include "sbuf.h"

#include <stdlib.h>

struct check {
	struct arena *arena;
	const struct site *site;
	struct diags *ds;
	struct map reserved; /* reserved_names */
};

/* What tells machines apart. */
struct identity_kind {
	const char *what;
	size_t offset; /* of its struct located in struct node; 0: many */
};

static const struct identity_kind identity_kinds[] = {
	{ "MAC address", 0 },
	{ "UUID", offsetof(struct node, uuid) },
	{ "serial number", offsetof(struct node, serial) },
	{ "asset tag", offsetof(struct node, asset) },
};

struct identity {
	const struct located *value;
	const struct node *node;
};

/* @return those of one kind that a node has */
static struct located_list identities_of(const struct node *node,
					 const struct identity_kind *kind)
{
	struct located *value =
		(void *)((char *)(uintptr_t)node + kind->offset);

	if (!kind->offset)
		return (struct located_list){ node->macs, node->mac_count };
	return (struct located_list){ value, value->text.ptr != NULL };
}

static size_t count_identities(const struct site *site,
			       const struct identity_kind *kind)
{
	size_t count = 0;

	for (size_t i = 0; i < site->node_count; i++)
		count += identities_of(&site->nodes[i], kind).count;
	return count;
}

/* Hashes, for it is enough that those differ. */
struct hashes {
	uint64_t *at; /* 0: none */
	size_t room;  /* twice as many as there are, at least */
};

/* @return whether it is the first of its kind */
static bool hashes_add(struct hashes *hashes, uint64_t hash)
{
	size_t mask = hashes->room - 1, slot = hash & mask;

	hash |= (uint64_t)1 << 63;
	for (; hashes->at[slot]; slot = (slot + 1) & mask)
		if (hashes->at[slot] == hash)
			return false;
	hashes->at[slot] = hash;
	return true;
}

/* Nearly always they do, and then need not be sorted. */
static bool all_differ(const struct site *site,
		       const struct identity_kind *kind, size_t count)
{
	struct arena scratch = { 0 };
	struct hashes hashes = { .room = 64 };
	bool differ = true;

	while (hashes.room < 2 * count)
		hashes.room = size_product(hashes.room, 2);
	hashes.at = arena_new_array(&scratch, hashes.room, uint64_t);
	for (size_t i = 0; i < site->node_count && differ; i++) {
		struct located_list all = identities_of(&site->nodes[i], kind);

		for (size_t j = 0; j < all.count && differ; j++)
			differ = hashes_add(&hashes, text_hash(all.at[j].text));
	}
	arena_release(&scratch);
	return differ;
}

static int compare_identities(const void *a, const void *b)
{
	const struct located *x = ((const struct identity *)a)->value;
	const struct located *y = ((const struct identity *)b)->value;
	int order = text_compare(x->text, y->text);

	if (order)
		return order;
	/* The earlier place is the first one, the later one the repeat. */
	return (x->at.begin > y->at.begin) - (x->at.begin < y->at.begin);
}

static struct identity *
sort_identities(struct check *c, const struct identity_kind *kind, size_t count)
{
	struct identity *sorted =
		arena_new_array(c->arena, count, struct identity);
	size_t n = 0;

	for (size_t i = 0; i < c->site->node_count; i++) {
		const struct node *node = &c->site->nodes[i];
		struct located_list all = identities_of(node, kind);

		for (size_t j = 0; j < all.count; j++)
			sorted[n++] = (struct identity){ &all.at[j], node };
	}
	qsort(sorted, count, sizeof(*sorted), compare_identities);
	return sorted;
}

static void check_unique(struct check *c, const struct identity_kind *kind)
{
	size_t count = count_identities(c->site, kind);
	struct identity *all;

	if (!count || all_differ(c->site, kind, count))
		return;
	all = sort_identities(c, kind, count);
	for (size_t i = 1, first = 0; i < count; i++) {
		const struct located *value = all[i].value;
		struct diag *d;

		if (!text_equal(value->text, all[first].value->text)) {
			first = i;
			continue;
		}
		d = diag_at(c->ds, DIAG_E310, value->at,
			    "%s %s is already that of node \"%s\"", kind->what,
			    value->text.ptr, all[first].node->name.ptr);
		diag_note_at(c->ds, d, all[first].value->at,
			     "given here first");
	}
}

static void identities_are_unique(struct check *c)
{
	for (size_t i = 0; i < sizeof(identity_kinds) / sizeof(*identity_kinds);
	     i++)
		check_unique(c, &identity_kinds[i]);
}

static void nodes_can_be_found(struct check *c)
{
	for (size_t i = 0; i < c->site->node_count; i++) {
		const struct node *node = &c->site->nodes[i];
		struct diag *d;

		if (node->mac_count || node->uuid.text.ptr ||
		    node->serial.text.ptr || node->asset.text.ptr ||
		    node->set.incomplete || node->identity_refused)
			continue;
		d = diag_at(c->ds, DIAG_E411, node->at,
			    "no machine can be found to be node \"%s\"",
			    node->name.ptr);
		diag_help(c->ds, d,
			  "give it a mac, or else a uuid, serial or asset");
	}
}

typedef void (*settings_fn)(struct check *c, const struct settings *set);

static void with_phases(struct check *c, const struct settings *set,
			settings_fn fn)
{
	const struct more_settings *more = settings_more(set);

	fn(c, set);
	for (size_t i = 0; i < more->phase_count; i++)
		fn(c, &more->phases[i].set);
}

/* Whatever level says it. */
static void each_settings(struct check *c, settings_fn fn)
{
	const struct site *site = c->site;

	fn(c, &site->set);
	for (size_t i = 0; i < site->profile_count; i++)
		with_phases(c, &site->profiles[i].set, fn);
	for (size_t i = 0; i < site->group_count; i++)
		with_phases(c, &site->groups[i].set, fn);
	for (size_t i = 0; i < site->node_count; i++)
		fn(c, &site->nodes[i].set);
}

static void order_is_reachable(struct check *c, const struct boot_order *order,
			       bool in_menu)
{
	for (size_t i = 0; i + 1 < order->count; i++) {
		struct diag *d;

		if (!step_ends_order(&order->steps[i], in_menu))
			continue;
		d = diag_at(c->ds, DIAG_E406, order->steps[i + 1].name.at,
			    "step \"%s\" is never reached: \"%s\" before it "
			    "does not go on",
			    order->steps[i + 1].name.text.ptr,
			    order->steps[i].name.text.ptr);
		diag_note_at(c->ds, d, order->steps[i].name.at,
			     "the order ends here");
		return;
	}
}

static void own_order_is_reachable(struct check *c, const struct settings *set)
{
	order_is_reachable(c, &settings_more(set)->boot, false);
}

static void orders_are_reachable(struct check *c)
{
	const struct site *site = c->site;

	order_is_reachable(c, &site->unknown, false);
	for (size_t i = 0; i < site->rule_count; i++)
		order_is_reachable(c, &site->rules[i].boot, false);
	each_settings(c, own_order_is_reachable);
	for (size_t i = 0; i < site->menu_count; i++)
		for (size_t j = 0; j < site->menus[i].item_count; j++)
			order_is_reachable(c, &site->menus[i].items[j].boot,
					   true);
}

static void default_is_an_item(struct check *c, const struct menu *menu)
{
	const char **names;
	const char *nearest;
	struct diag *d;

	if (!menu->chosen.text.ptr)
		return;
	names = arena_new_array(c->arena, menu->item_count, const char *);
	for (size_t i = 0; i < menu->item_count; i++) {
		if (text_equal(menu->items[i].name, menu->chosen.text))
			return;
		names[i] = menu->items[i].name.ptr;
	}
	nearest = diag_nearest(menu->chosen.text, names, menu->item_count);
	d = diag_at(c->ds, DIAG_E431, menu->chosen.at,
		    "menu \"%s\" has no item \"%s\"", menu->name.ptr,
		    menu->chosen.text.ptr);
	if (nearest)
		diag_help(c->ds, d, "did you mean \"%s\"?", nearest);
}

static void keys_choose_one(struct check *c, const struct menu *menu)
{
	const struct menu_item *seen[256] = { NULL };

	for (size_t i = 0; i < menu->item_count; i++) {
		const struct menu_item *item = &menu->items[i], **first;
		struct diag *d;

		if (!item->key.text.ptr)
			continue;
		first = &seen[(unsigned char)item->key.text.ptr[0]];
		if (*first) {
			d = diag_at(c->ds, DIAG_E432, item->key.at,
				    "key \"%s\" chooses item \"%s\" already",
				    item->key.text.ptr, (*first)->name.ptr);
			diag_note_at(c->ds, d, (*first)->key.at,
				     "given here first");
		} else {
			*first = item;
		}
	}
}

/* By what a person sees, and the proof with it. */
static void menu_differs(struct check *c, const struct menu *menu,
			 struct map *shown)
{
	CLEANUP(sbuf) text = { 0 };
	const struct menu *other;
	void **first;
	struct diag *d;

	sbuf_printf(&text, "%s\n", menu_title(menu).ptr);
	for (size_t i = 0; i < menu->item_count; i++)
		sbuf_printf(&text, "%s\n%s\n", menu->items[i].name.ptr,
			    menu_item_text(&menu->items[i]).ptr);
	first = map_at(shown,
		       (struct text){ arena_copy(c->arena, text.ptr, text.len),
				      text.len });
	if (!*first) {
		*first = (void *)(uintptr_t)menu;
		return;
	}
	other = *first;
	d = diag_at(c->ds, DIAG_E433, menu->at,
		    "menu \"%s\" looks like menu \"%s\": nobody could tell "
		    "which of them is shown",
		    menu->name.ptr, other->name.ptr);
	diag_note_at(c->ds, d, other->at, "the other one");
	diag_help(c->ds, d, "give each a title of its own");
}

static void menus_are_whole(struct check *c)
{
	struct map shown = { .arena = c->arena };

	for (size_t i = 0; i < c->site->menu_count; i++) {
		default_is_an_item(c, &c->site->menus[i]);
		keys_choose_one(c, &c->site->menus[i]);
		menu_differs(c, &c->site->menus[i], &shown);
	}
}

static void map_hides_nothing(struct check *c, const struct doc *vars)
{
	for (size_t i = 0; i < vars->count; i++) {
		const struct doc_pair *pair = &vars->pairs[i];

		if (map_find(&c->reserved, pair->key))
			diag_at(c->ds, DIAG_E408, pair->key_at,
				"a variable cannot be named \"%s\": templates "
				"know this name already",
				pair->key.ptr);
	}
}

static void vars_hide_nothing_in(struct check *c, const struct settings *set)
{
	if (set->vars)
		map_hides_nothing(c, set->vars);
	for (size_t i = 0; i < set->vars_from_count; i++)
		map_hides_nothing(c, set->vars_from[i]);
}

static void vars_hide_nothing(struct check *c)
{
	for (size_t i = 0; reserved_names[i]; i++)
		map_at(&c->reserved, text_of(reserved_names[i]));
	each_settings(c, vars_hide_nothing_in);
}

static void dispatch_is_signed(struct check *c)
{
	const struct site *site = c->site;
	struct diag *d;

	if (site->dispatch.kind == DISPATCH_EMBEDDED || !site->verify ||
	    (site->verify & VERIFY_SIGNATURE))
		return;
	d = diag_at(c->ds, DIAG_E440, site->dispatch.at,
		    "what comes from the tree to tell a machine which node it "
		    "is must be signed, and \"verify\" does not have "
		    "\"signature\"");
	diag_help(c->ds, d,
		  "write  verify: [signature%s]  (what the scripts name is "
		  "verified by digest), or  dispatch: embedded",
		  site->verify & VERIFY_SECURE_BOOT ? ", secure-boot" : "");
}

/* A kernel that somebody signed could be sent in the place of the script of a
 * node, and would be started: iPXE looks at the name of who signed, not at what
 * was signed. */
static void nodes_have_a_signer(struct check *c)
{
	const struct site *site = c->site;
	struct diag *d;

	if (site->dispatch.kind == DISPATCH_EMBEDDED ||
	    !(site->verify & VERIFY_SIGNATURE) || site->signer.at.source ||
	    !site->name.text.ptr)
		return;
	d = diag_at(c->ds, DIAG_W813, site->dispatch.at,
		    "the scripts of nodes are signed under the name that every "
		    "site has, \"%s\"",
		    site->signer.text.ptr);
	diag_help(c->ds, d,
		  "give them a signer of their own:  signer: %s-nodes  (made "
		  "by  ipxe-embed keys issue certs signer --name nodes "
		  "--signer %s-nodes)",
		  site->name.text.ptr, site->name.text.ptr);
}

static void refuse_network(struct check *c, struct span at, const char *what)
{
	struct diag *d =
		diag_at(c->ds, DIAG_E441, at, "%s is known too late", what);

	diag_note_at(c->ds, d, c->site->dispatch.at,
		     "the machine finds out over the network which node it is");
	diag_help(c->ds, d,
		  "let the site say it, without an ip, or write  dispatch: "
		  "embedded");
}

static void network_is_of_the_site(struct check *c, const struct settings *set)
{
	const struct uplink_settings *network = settings_more(set)->network;

	if (network && set != &c->site->set)
		refuse_network(c, network->at,
			       "the network of some machines only");
}

static void network_is_known_in_time(struct check *c)
{
	const struct uplink_settings *network =
		settings_more(&c->site->set)->network;

	if (c->site->dispatch.kind == DISPATCH_EMBEDDED)
		return;
	if (network && network->ip.tmpl)
		refuse_network(c, network->ip.at, "the address of a machine");
	each_settings(c, network_is_of_the_site);
}

static void unknown_is_harmless(struct check *c)
{
	check_unknown_install(c->arena, c->site, c->ds);
}

static void rules_are_reachable(struct check *c)
{
	check_rules(c->arena, c->site, c->ds);
}

static void profiles_boot_one_thing(struct check *c)
{
	check_kinds(c->site, c->ds);
}

static const struct {
	const char *name;
	void (*run)(struct check *c);
} rules[] = {
	{ "identities-are-unique", identities_are_unique },
	{ "nodes-can-be-found", nodes_can_be_found },
	{ "orders-are-reachable", orders_are_reachable },
	{ "unknown-is-harmless", unknown_is_harmless },
	{ "rules-are-reachable", rules_are_reachable },
	{ "profiles-boot-one-thing", profiles_boot_one_thing },
	{ "menus-are-whole", menus_are_whole },
	{ "dispatch-is-signed", dispatch_is_signed },
	{ "nodes-have-a-signer", nodes_have_a_signer },
	{ "network-is-known-in-time", network_is_known_in_time },
	{ "vars-hide-nothing", vars_hide_nothing },
};

void check(struct arena *arena, const struct site *site, struct diags *ds)
{
	struct check c = { arena, site, ds, .reserved = { .arena = arena } };

	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++)
		rules[i].run(&c);
}
