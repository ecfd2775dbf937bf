#include "matchbox.h"

#include "doc.h"
#include "source.h"

#include <strings.h>

/* ---------------------------------------------------------------- labels -- */

bool matchbox_is_mac(struct text key)
{
	return key.len == 3 && strncasecmp(key.ptr, "mac", 3) == 0;
}

bool matchbox_is_identity(struct text key)
{
	return matchbox_is_mac(key) || text_is(key, "uuid") ||
	       text_is(key, "serial");
}

/* Those that only the network, or the build of iPXE, can tell. */
static bool is_circumstance(struct text key)
{
	return text_is(key, "hostname") || text_is(key, "domain") ||
	       text_is(key, "arch");
}

bool matchbox_is_boot_label(struct text key)
{
	return matchbox_is_identity(key) || is_circumstance(key);
}

static const struct mb_label *label_find(const struct mb_labels *labels,
					 struct text key)
{
	for (size_t i = 0; i < labels->count; i++)
		if (text_equal(labels->at[i].key, key))
			return &labels->at[i];
	return NULL;
}

static bool has_identity(const struct mb_labels *labels)
{
	for (size_t i = 0; i < labels->count; i++)
		if (matchbox_is_identity(labels->at[i].key) &&
		    labels->at[i].value.len)
			return true;
	return false;
}

/* @param lenient	take it that the network will say what is wanted */
static bool selects(const struct mb_label *selector,
		    const struct mb_labels *labels, bool lenient)
{
	for (size_t i = 0; i < labels->count; i++) {
		const struct mb_label *label = &labels->at[i];
		bool same = text_equal(label->key, selector->key) ||
			    (matchbox_is_mac(label->key) &&
			     matchbox_is_mac(selector->key));

		if (same)
			return text_equal(label->value, selector->value);
	}
	/* A label that is not there has an empty value for Matchbox. */
	return !selector->value.len ||
	       (lenient && is_circumstance(selector->key));
}

bool matchbox_is_own(const struct mb_group *group)
{
	return has_identity(&group->selectors);
}

struct mb_group *matchbox_match(struct matchbox *mb,
				const struct mb_labels *labels)
{
	vec_foreach (struct mb_group, g, &mb->groups) {
		bool lenient = matchbox_is_own(g);
		size_t good = 0;

		while (good < g->selectors.count &&
		       selects(&g->selectors.at[good], labels, lenient))
			good++;
		if (good == g->selectors.count)
			return g;
	}
	return NULL;
}

void matchbox_extra(struct matchbox *mb, const struct mb_labels *labels,
		    struct mb_labels *ret)
{
	for (size_t i = 0; i < labels->count; i++)
		if (!matchbox_is_boot_label(labels->at[i].key))
			*vec_push(mb->im->arena, ret) = labels->at[i];
}

static bool same_labels(const struct mb_labels *a, const struct mb_labels *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		const struct mb_label *other = label_find(b, a->at[i].key);

		if (!other || !text_equal(other->value, a->at[i].value))
			return false;
	}
	return true;
}

size_t matchbox_role(const struct matchbox *mb, const struct mb_labels *labels)
{
	for (size_t i = 1; i < mb->roles.count; i++)
		if (same_labels(&mb->roles.at[i].labels, labels))
			return i;
	return 0;
}

/* ----------------------------------------------------------------- roles -- */

static void add_role(struct matchbox *mb, const struct mb_labels *extra,
		     struct map *names)
{
	struct mb_role *role;
	struct sbuf name = { 0 };

	vec_foreach (const struct mb_label, label, extra)
		sbuf_printf(&name, "%s%s", name.len ? "-" : "",
			    label->value.ptr);
	role = vec_push(mb->im->arena, &mb->roles);
	role->labels = *extra;
	role->name =
		import_name(mb->im, names, import_text(mb->im, &name), "later");
	sbuf_release(&name);
}

/* In the order of matching, so that it is the same each time. */
static void find_roles(struct matchbox *mb)
{
	struct map names = { .arena = mb->im->arena };
	struct mb_labels none = { 0 };

	add_role(mb, &none, &names);
	mb->roles.at[0].name = TEXT("boot");
	*map_at(&names, TEXT("boot")) = mb;
	vec_foreach (struct mb_group, g, &mb->groups) {
		struct mb_labels extra = { 0 };

		matchbox_extra(mb, &g->selectors, &extra);
		if (extra.count && !matchbox_role(mb, &extra))
			add_role(mb, &extra, &names);
	}
}

/* ----------------------------------------------------------------- nodes -- */

static bool conflicts(const struct mb_labels *a, const struct mb_labels *b)
{
	for (size_t i = 0; i < b->count; i++) {
		const struct mb_label *other = label_find(a, b->at[i].key);

		if (other && !text_equal(other->value, b->at[i].value))
			return true;
	}
	return false;
}

static bool overlaps(const struct mb_labels *a, const struct mb_labels *b)
{
	for (size_t i = 0; i < b->count; i++) {
		const struct mb_label *other = label_find(a, b->at[i].key);

		if (other && text_equal(other->value, b->at[i].value))
			return true;
	}
	return false;
}

static void identity_of(struct matchbox *mb, const struct mb_group *g,
			struct mb_labels *ret)
{
	for (size_t i = 0; i < g->selectors.count; i++) {
		struct mb_label label = g->selectors.at[i];

		if (!matchbox_is_identity(label.key) || !label.value.len)
			continue;
		if (matchbox_is_mac(label.key))
			label.key = TEXT("mac");
		*vec_push(mb->im->arena, ret) = label;
	}
}

/* A key of labels, for a map: "mac=52:54:…". */
static struct text label_key(struct matchbox *mb, const struct mb_label *label)
{
	return text_of(arena_printf(mb->im->arena, "%s=%s", label->key.ptr,
				    label->value.ptr));
}

/* @param by_label	index of the node + 1, by each of its labels */
static struct mb_node *node_for(struct matchbox *mb, struct map *by_label,
				const struct mb_labels *labels)
{
	for (size_t i = 0; i < labels->count; i++) {
		uintptr_t at = (uintptr_t)*map_at(
			by_label, label_key(mb, &labels->at[i]));

		if (at)
			return &mb->nodes.at[at - 1];
	}
	return NULL;
}

static void node_add_labels(struct matchbox *mb, struct map *by_label,
			    struct mb_node *node,
			    const struct mb_labels *labels)
{
	for (size_t i = 0; i < labels->count; i++) {
		const struct mb_label *label = &labels->at[i];

		if (label_find(&node->labels, label->key))
			continue;
		*vec_push(mb->im->arena, &node->labels) = *label;
		*map_at(by_label, label_key(mb, label)) =
			(void *)(uintptr_t)(node - mb->nodes.at + 1);
	}
}

static void find_node(struct matchbox *mb, struct map *by_label,
		      struct mb_group *g)
{
	struct mb_labels labels = { 0 };
	struct mb_node *node;

	identity_of(mb, g, &labels);
	if (!labels.count)
		return;
	node = node_for(mb, by_label, &labels);
	if (node && (conflicts(&node->labels, &labels) ||
		     !overlaps(&node->labels, &labels))) {
		import_find(mb->im, FATE_LOST, g->at,
			    "say for each machine which mac, uuid and serial "
			    "are its own",
			    "this group and %s share a part of what identifies "
			    "a machine, not all of it",
			    node->first->key.ptr);
		return;
	}
	if (!node) {
		node = vec_push(mb->im->arena, &mb->nodes);
		node->first = g;
		node->at = g->at;
	} else if (labels.count > 1 || node->labels.count > 1) {
		import_find(mb->im, FATE_CHANGED, g->at, NULL,
			    "taken for the same machine as that of %s",
			    node->first->key.ptr);
	}
	node_add_labels(mb, by_label, node, &labels);
}

/* Matchbox is told what the build of iPXE is for, and all that are for BIOS are
 * for 32 bits. */
const char *matchbox_rule(const struct mb_group *g)
{
	static const struct {
		const char *arch, *match;
	} rows[] = {
		{ "i386", "{ platform: pcbios }" },
		{ "x86_64", "{ arch: x86_64, platform: efi }" },
		{ "arm64", "{ arch: arm64 }" },
	};

	if (!g->selectors.count)
		return "";
	if (g->selectors.count > 1 || !text_is(g->selectors.at[0].key, "arch"))
		return NULL;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (text_is(g->selectors.at[0].value, rows[i].arch))
			return rows[i].match;
	return NULL;
}

static void check_circumstances(struct matchbox *mb, struct mb_group *g)
{
	vec_foreach (struct mb_label, label, &g->selectors) {
		if (!is_circumstance(label->key) || matchbox_rule(g))
			continue;
		if (matchbox_is_own(g))
			import_find(mb->im, FATE_CHANGED, label->pair->key_at,
				    NULL,
				    "\"%s\" is not asked for any more: what "
				    "identifies the machine is enough",
				    label->key.ptr);
		else
			import_find(mb->im, FATE_LOST, label->pair->key_at,
				    "list the machines with their mac or uuid",
				    "a group that is told by \"%s\" alone; a "
				    "node of the site is known by its hardware",
				    label->key.ptr);
	}
}

/* A machine answers to any one of its identities here; Matchbox wants all. */
static void check_several(struct matchbox *mb)
{
	vec_foreach (struct mb_node, node, &mb->nodes)
		if (node->labels.count > 1)
			import_find(mb->im, FATE_CHANGED, node->at, NULL,
				    "any of mac, uuid and serial makes a "
				    "machine this node; Matchbox asked for all "
				    "of them");
}

static struct mb_group *match_role(struct matchbox *mb,
				   const struct mb_node *node, size_t role)
{
	struct mb_labels labels = { 0 };

	vec_foreach (const struct mb_label, label, &node->labels)
		*vec_push(mb->im->arena, &labels) = *label;
	vec_foreach (const struct mb_label, label, &mb->roles.at[role].labels)
		*vec_push(mb->im->arena, &labels) = *label;
	return matchbox_match(mb, &labels);
}

static struct mb_profile *profile_find(struct matchbox *mb, struct text key)
{
	vec_foreach (struct mb_profile, p, &mb->profiles)
		if (text_equal(p->key, key))
			return p;
	return NULL;
}

static void find_profiles(struct matchbox *mb)
{
	vec_foreach (struct mb_group, g, &mb->groups) {
		if (!g->profile.text.ptr) {
			import_find(mb->im, FATE_LOST, g->at, NULL,
				    "a group without a profile: its machines "
				    "get \"not found\" from Matchbox");
			continue;
		}
		g->boots = profile_find(mb, g->profile.text);
		if (!g->boots)
			import_find(
				mb->im, FATE_LOST, g->profile.at,
				"Matchbox goes by the name of the file, "
				"not by its \"id\"",
				"there is no profiles/%s.json: machines of "
				"this group get \"not found\" from Matchbox",
				g->profile.text.ptr);
	}
}

static void node_resolve(struct matchbox *mb, struct mb_node *node)
{
	node->by_role = arena_new_array(mb->im->arena, mb->roles.count,
					struct mb_group *);
	for (size_t r = 0; r < mb->roles.count; r++) {
		struct mb_group *g = match_role(mb, node, r);
		bool again = false;

		node->by_role[r] = g;
		if (!g)
			continue;
		for (size_t s = 0; s < r; s++)
			again = again || node->by_role[s] == g;
		g->used = true;
		g->node_count += !again;
		if (g->boots)
			g->boots->used = true;
		if (g->boots && r == 0)
			g->boots->boots = true;
	}
}

static void name_nodes(struct matchbox *mb)
{
	vec_foreach (struct mb_node, node, &mb->nodes)
		node->name = import_name(mb->im, &mb->node_names,
					 node->first->key, "node");
}

const struct mb_node *matchbox_machine(const struct matchbox *mb, size_t i)
{
	if (i < mb->nodes.count)
		return &mb->nodes.at[i];
	i -= mb->nodes.count;
	return i < mb->others.count ? &mb->others.at[i] : NULL;
}

bool matchbox_is_other(const struct matchbox *mb, const struct mb_node *node)
{
	for (size_t i = 0; i < mb->others.count; i++)
		if (node == &mb->others.at[i])
			return true;
	return false;
}

static void add_other(struct matchbox *mb, struct mb_group *g)
{
	struct mb_node *other = vec_push(mb->im->arena, &mb->others);

	g->boots->alone = g;
	other->first = g;
	other->at = g->at;
	other->labels = g->selectors;
	other->by_role = arena_new_array(mb->im->arena, mb->roles.count,
					 struct mb_group *);
	for (size_t r = 0; r < mb->roles.count; r++)
		other->by_role[r] = match_role(mb, other, r);
}

/* Where a group for machines that are not listed boots what no node boots, its
 * profile is for them, and so is what it hands out to whoever asks. */
static void find_others(struct matchbox *mb)
{
	vec_foreach (struct mb_group, g, &mb->groups)
		if (matchbox_rule(g) && g->boots && !g->boots->boots &&
		    !g->boots->alone && !g->node_count)
			add_other(mb, g);
}

void matchbox_resolve(struct matchbox *mb)
{
	struct map by_label = { .arena = mb->im->arena };

	find_profiles(mb);
	find_roles(mb);
	vec_foreach (struct mb_group, g, &mb->groups) {
		check_circumstances(mb, g);
		find_node(mb, &by_label, g);
	}
	check_several(mb);
	name_nodes(mb);
	vec_foreach (struct mb_node, node, &mb->nodes)
		node_resolve(mb, node);
	find_others(mb);
}
