#include "difference.h"

#include "arch.h"
#include "levels.h"
#include "map.h"
#include "menu.h"
#include "quote.h"
#include "resolve.h"
#include "rules.h"

enum { NAMES_MAX = 8 }; /* of nodes in a line */

/* ---------------------------------------------------------------- facts --
 * A machine as a list of sentences; what two lists do not share has changed. */

struct fact {
	struct text key, value;
};

struct facts {
	struct arena *arena;
	VEC(struct fact) all;
};

static const struct fact *fact_find(const struct facts *facts, struct text key)
{
	vec_foreach (const struct fact, fact, &facts->all)
		if (text_equal(fact->key, key))
			return fact;
	return NULL;
}

static struct text taken(struct arena *arena, struct sbuf *text)
{
	struct text copy = { arena_copy(arena, sbuf_text(text), text->len),
			     text->len };

	sbuf_release(text);
	return copy;
}

static void fact_add(struct facts *facts, const char *key, struct text value)
{
	if (value.ptr && value.len)
		*vec_push(facts->arena, &facts->all) =
			(struct fact){ text_of(key), value };
}

static void fact_add_list(struct facts *facts, const char *key,
			  const struct located *values, size_t count)
{
	struct sbuf text = { 0 };

	for (size_t i = 0; i < count; i++)
		sbuf_printf(&text, "%s%s", i ? ", " : "", values[i].text.ptr);
	fact_add(facts, key, taken(facts->arena, &text));
}

static void fact_add_texts(struct facts *facts, const char *key,
			   const struct text *texts, size_t count,
			   const char *separator)
{
	struct sbuf text = { 0 };

	for (size_t i = 0; i < count; i++)
		sbuf_printf(&text, "%s%s", i ? separator : "", texts[i].ptr);
	fact_add(facts, key, taken(facts->arena, &text));
}

static const char *key_of(struct facts *facts, const struct boot *boot,
			  const char *what)
{
	const char *arch = arch_word(boot->archs);

	return arena_printf(facts->arena, "%s %s%s%s", boot->profile->name.ptr,
			    what, arch ? " for " : "", arch ? arch : "");
}

static void put_blob(struct sbuf *out, const struct blob *blob)
{
	sbuf_printf(out, "%s%s sha256 %s", out->len ? ", " : "", blob->name.ptr,
		    blob->hex.ptr);
}

static void boot_facts(struct facts *facts, const struct boot *boot)
{
	const char *kernel = key_of(facts, boot, boot_kernel_word(boot));
	struct sbuf text = { 0 };

	/* A profile may stand in an order and in menus. */
	if (fact_find(facts, text_of(kernel)))
		return;
	if (boot->kind == BOOT_SAN)
		sbuf_printf(&text, "%s, which nobody verifies",
			    boot->drive.ptr);
	else
		put_blob(&text, boot->kernel);
	fact_add(facts, kernel, taken(facts->arena, &text));
	fact_add(facts, key_of(facts, boot, "initiator"), boot->initiator);
	for (size_t i = 0; i < boot->initrd_count; i++)
		put_blob(&text, boot->initrds[i]);
	fact_add(facts, key_of(facts, boot, boot_initrd_word(boot)),
		 taken(facts->arena, &text));
	fact_add_texts(facts, key_of(facts, boot, "args"), boot->args,
		       boot->arg_count, " ");
	for (size_t i = 0; i < boot->file_count; i++) {
		const struct injected *file = &boot->files[i];

		sbuf_printf(&text, "mode %04o, sha256 %s", file->mode,
			    file->blob->hex.ptr);
		fact_add(facts, key_of(facts, boot, file->path.ptr),
			 taken(facts->arena, &text));
	}
	for (size_t i = 0; i < boot->served_count; i++) {
		const struct served_file *served = &boot->served[i];

		sbuf_printf(&text, "%s, sha256 %s", served->blob->path.ptr,
			    served->blob->hex.ptr);
		fact_add(facts,
			 key_of(facts, boot,
				arena_printf(facts->arena, "serve %s",
					     served->name.ptr)),
			 taken(facts->arena, &text));
	}
}

static void uplink_facts(struct facts *facts, const struct uplink *uplink)
{
	fact_add(facts, "network ip", uplink->ip);
	fact_add(facts, "network netmask", uplink->netmask);
	fact_add(facts, "network gateway", uplink->gateway);
	fact_add_texts(facts, "network dns", uplink->servers,
		       uplink->server_count, ", ");
	fact_add(facts, "network vlan", uplink->vlan);
	fact_add_texts(facts, "network nics", uplink->nics, uplink->nic_count,
		       ", ");
	fact_add(facts, "network ntp", uplink->ntp);
}

static struct text order_words(struct arena *arena,
			       const struct machine *machine,
			       struct actions actions)
{
	struct sbuf text = { 0 };

	for (size_t i = 0; i < actions.count; i++) {
		const struct action *action =
			&machine->actions[actions.first + i];

		if (action->another)
			continue;
		sbuf_printf(&text, "%s%s", i ? ", " : "",
			    action->boot ? action->boot->profile->name.ptr
					 : step_word(action->kind));
		if (action->kind == STEP_MENU)
			sbuf_printf(&text, " %s", action->menu->name.ptr);
	}
	return taken(arena, &text);
}

static void put_item(struct sbuf *out, const struct menu_item *item)
{
	sbuf_printf(out, "%s%s", out->len ? ", " : "", item->name.ptr);
	if (item->key.text.ptr)
		sbuf_printf(out, " [%s]", item->key.text.ptr);
	if (item->text.text.ptr)
		sbuf_printf(out, " \"%s\"", item->text.text.ptr);
}

static void menu_facts(struct facts *facts, const struct machine *machine,
		       const struct menu_boot *shown)
{
	const struct menu *menu = shown->menu;
	const char *key = arena_printf(facts->arena, "menu %s", menu->name.ptr);
	struct sbuf text = { 0 };

	/* Several rules may lead to it. */
	if (fact_find(facts, text_of(key)))
		return;
	sbuf_puts(&text, menu_title(menu).ptr);
	sbuf_printf(&text, "; default %s",
		    menu->chosen.text.ptr ? menu->chosen.text.ptr
					  : menu->items[0].name.ptr);
	if (menu->timeout_s)
		sbuf_printf(&text, " after %u s", menu->timeout_s);
	fact_add(facts, key, taken(facts->arena, &text));
	/* Together, since to show them in another order is a change. */
	for (size_t i = 0; i < menu->item_count; i++)
		put_item(&text, &menu->items[i]);
	fact_add(facts, arena_printf(facts->arena, "%s items", key),
		 taken(facts->arena, &text));
	for (size_t i = 0; i < menu->item_count; i++)
		fact_add(facts,
			 arena_printf(facts->arena, "%s: %s", key,
				      menu->items[i].name.ptr),
			 order_words(facts->arena, machine, shown->items[i]));
}

static void node_facts(struct facts *facts, const struct node *node)
{
	fact_add_list(facts, "mac", node->macs, node->mac_count);
	fact_add(facts, "uuid", node->uuid.text);
	fact_add(facts, "serial", node->serial.text);
	fact_add(facts, "asset", node->asset.text);
	fact_add(facts, "ip", node->ip.text);
}

/* The menus and profiles that its boot order leads to. */
static void machine_parts(struct facts *facts, const struct machine *machine)
{
	for (size_t i = 0; i < machine->menu_count; i++)
		menu_facts(facts, machine, &machine->menus[i]);
	for (size_t i = 0; i < machine->action_count; i++)
		if (machine->actions[i].boot)
			boot_facts(facts, machine->actions[i].boot);
}

/* What a machine does in the phase that it is in. */
static void machine_facts(struct facts *facts, const struct machine *machine)
{
	uplink_facts(facts, machine->uplink);
	fact_add(facts, "boot",
		 order_words(facts->arena, machine, machine->order));
	machine_parts(facts, machine);
}

static void verify_fact(struct facts *facts, unsigned verify)
{
	struct sbuf text = { 0 };
	const char *word;
	unsigned i = 0;

	while ((i = verify_next(verify, i, &word)))
		sbuf_printf(&text, "%s%s", text.len ? " " : "", word);
	fact_add(facts, "verify", taken(facts->arena, &text));
}

static void site_facts(struct facts *facts, const struct plan *plan,
		       struct text roots)
{
	const struct site *site = plan->effective->site;

	fact_add(facts, "site", plan->site_name);
	fact_add_list(facts, "url", site->urls.at, site->urls.count);
	fact_add_list(facts, "assets", site->assets.at, site->assets.count);
	fact_add(facts, "trust", roots);
	verify_fact(facts, site->verify);
	fact_add(facts, "signer", plan->signer);
	fact_add(facts, "dispatch",
		 text_of(dispatch_word(site->dispatch.kind)));
}

/* ----------------------------------------------------------- comparison -- */

struct comparison {
	struct arena *arena;
	struct difference *result;
};

static struct text kept(struct arena *arena, struct text text)
{
	return text.ptr ? (struct text){ arena_copy(arena, text.ptr, text.len),
					 text.len }
			: text;
}

/* @param fact	in one of the two; the other has another one, or NULL */
static void note(struct comparison *c, struct changes *changes, struct text key,
		 const struct fact *old, const struct fact *new)
{
	const struct text none = { NULL, 0 };

	*vec_push(c->arena, &changes->list) = (struct change){
		kept(c->arena, key),
		kept(c->arena, old ? old->value : none),
		kept(c->arena, new ? new->value : none),
	};
}

static void compare_facts(struct comparison *c, struct changes *changes,
			  const struct facts *old, const struct facts *new)
{
	vec_foreach (const struct fact, fact, &old->all) {
		const struct fact *other = fact_find(new, fact->key);

		if (!other || !text_equal(fact->value, other->value))
			note(c, changes, fact->key, fact, other);
	}
	vec_foreach (const struct fact, fact, &new->all)
		if (!fact_find(old, fact->key))
			note(c, changes, fact->key, NULL, fact);
}

static void keep(struct comparison *c, const struct changes *changes)
{
	if (!changes->list.count)
		return;
	c->result->nodes_changed += changes->of == OF_NODE;
	*vec_push(c->arena, &c->result->all) = *changes;
}

static bool same_value(struct text a, struct text b)
{
	return !a.ptr == !b.ptr && text_equal(a, b);
}

/* Whether a change is known already: of the phase that the machine is in. */
static bool is_noted(const struct changes *changes, const struct change *change)
{
	vec_foreach (const struct change, known, &changes->list)
		if (text_equal(known->key, change->key) &&
		    same_value(known->old, change->old) &&
		    same_value(known->new, change->new))
			return true;
	return false;
}

/* What a machine would do in a phase that neither site has it in. */
static void compare_later(struct comparison *c, struct changes *changes,
			  const struct machine *old, const struct machine *new)
{
	struct arena scratch = { 0 };
	struct facts before = { .arena = &scratch }, after = before;
	struct changes later = { .of = changes->of };

	machine_facts(&before, old);
	machine_facts(&after, new);
	compare_facts(c, &later, &before, &after);
	vec_foreach (struct change, change, &later.list) {
		const char *key;

		if (is_noted(changes, change))
			continue;
		key = arena_printf(c->arena, "in phase %s: %s", old->phase.ptr,
				   change->key.ptr);
		change->key = text_of(key);
		*vec_push(c->arena, &changes->list) = *change;
	}
	arena_release(&scratch);
}

static void compare_phases(struct comparison *c, struct changes *changes,
			   const struct machine *old, const struct machine *new)
{
	for (size_t i = 0; i < old->later_count; i++)
		for (size_t j = 0; j < new->later_count; j++)
			if (text_equal(old->later[i].phase,
				       new->later[j].phase))
				compare_later(c, changes, &old->later[i],
					      &new->later[j]);
}

static void whole_machine_facts(struct facts *facts,
				const struct machine *machine)
{
	if (machine->node)
		node_facts(facts, machine->node);
	fact_add(facts, "phase", machine->phase);
	machine_facts(facts, machine);
}

static void compare_machines(struct comparison *c, struct changes changes,
			     const struct machine *old,
			     const struct machine *new)
{
	struct arena scratch = { 0 };
	struct facts before = { .arena = &scratch }, after = before;

	whole_machine_facts(&before, old);
	whole_machine_facts(&after, new);
	compare_facts(c, &changes, &before, &after);
	compare_phases(c, &changes, old, new);
	keep(c, &changes);
	arena_release(&scratch);
}

static void compare_sites(struct comparison *c, const struct plan *old,
			  struct text old_roots, const struct plan *new,
			  struct text new_roots)
{
	struct arena scratch = { 0 };
	struct facts before = { .arena = &scratch }, after = before;
	struct changes changes = { .of = OF_SITE };

	site_facts(&before, old, old_roots);
	site_facts(&after, new, new_roots);
	compare_facts(c, &changes, &before, &after);
	keep(c, &changes);
	arena_release(&scratch);
}

static void note_one(struct comparison *c, const struct machine *machine,
		     bool added)
{
	c->result->nodes_changed++;
	*vec_push(c->arena, &c->result->all) =
		(struct changes){ .of = OF_NODE,
				  .name = machine->node->name,
				  .added = added,
				  .removed = !added };
}

/* What unknown machines do by a rule, and for which of them it is. */
static void rule_facts(struct facts *facts, const struct machine *machine)
{
	const struct rule *rule = machine->rule;
	struct sbuf text = { 0 };

	for (enum trait t = TRAIT_ARCH; t < TRAITS; t++) {
		const struct match *match = &rule->matches[t];

		if (match->count)
			sbuf_printf(&text, "%s%s", text.len ? "; " : "",
				    trait_word(t));
		for (size_t i = 0; i < match->count; i++)
			sbuf_printf(&text, "%s %s", i ? "," : "",
				    match->any[i].written.ptr);
	}
	sbuf_printf(&text, ": %s",
		    order_words(facts->arena, machine, machine->order).ptr);
	fact_add(facts, arena_printf(facts->arena, "rule %zu", rule->number),
		 taken(facts->arena, &text));
	machine_parts(facts, machine);
}

static void unknown_facts(struct facts *facts,
			  const struct effective *effective)
{
	for (size_t i = 0; i < effective->site->rule_count; i++)
		rule_facts(facts, &effective->ruled[i]);
	whole_machine_facts(facts, &effective->unknown);
}

static void compare_unknown(struct comparison *c, const struct effective *old,
			    const struct effective *new)
{
	struct arena scratch = { 0 };
	struct facts before = { .arena = &scratch }, after = before;
	struct changes changes = { .of = OF_UNKNOWN };

	unknown_facts(&before, old);
	unknown_facts(&after, new);
	compare_facts(c, &changes, &before, &after);
	keep(c, &changes);
	arena_release(&scratch);
}

/* Both lists are sorted by name. */
static void compare_nodes(struct comparison *c, const struct effective *old,
			  const struct effective *new)
{
	size_t i = 0, j = 0;

	while (i < old->machine_count || j < new->machine_count) {
		const struct machine *a =
			i < old->machine_count ? &old->machines[i] : NULL;
		const struct machine *b =
			j < new->machine_count ? &new->machines[j] : NULL;
		int order = !a   ? 1
			    : !b ? -1
				 : text_compare(a->node->name, b->node->name);

		c->result->node_count++;
		i += order <= 0;
		j += order >= 0;
		if (order < 0)
			note_one(c, a, false);
		else if (order > 0)
			note_one(c, b, true);
		else
			compare_machines(
				c,
				(struct changes){ .of = OF_NODE,
						  .name = b->node->name },
				a, b);
	}
}

struct difference difference(struct arena *arena, const struct plan *old,
			     struct text old_roots, const struct plan *new,
			     struct text new_roots)
{
	struct difference result = { 0 };
	struct comparison c = { arena, &result };

	compare_sites(&c, old, old_roots, new, new_roots);
	compare_unknown(&c, old->effective, new->effective);
	compare_nodes(&c, old->effective, new->effective);
	return result;
}

/* ----------------------------------------------------------------- text -- */

/* As of diff(1) with --color. */
struct palette {
	const char *head, *old, *new, *reset;
};

static const struct palette plain = { "", "", "", "" };
static const struct palette terminal = { "\033[1m", "\033[31m", "\033[32m",
					 "\033[0m" };

/* What happened to a machine: the same text for those that change alike. */
static struct text changes_text(struct arena *arena,
				const struct palette *palette,
				const struct changes *changes)
{
	const struct palette *p = palette;
	struct sbuf text = { 0 };

	if (changes->added)
		sbuf_printf(&text, "  %sadded%s\n", p->new, p->reset);
	if (changes->removed)
		sbuf_printf(&text, "  %sremoved%s\n", p->old, p->reset);
	vec_foreach (const struct change, change, &changes->list) {
		if (change->old.ptr)
			sbuf_printf(&text, "  %s- %s: %s%s\n", p->old,
				    change->key.ptr, change->old.ptr, p->reset);
		if (change->new.ptr)
			sbuf_printf(&text, "  %s+ %s: %s%s\n", p->new,
				    change->key.ptr, change->new.ptr, p->reset);
	}
	return taken(arena, &text);
}

/* Nodes that change alike. */
struct alike {
	enum difference_of of;
	struct text text;
	struct text names[NAMES_MAX];
	size_t count;
};

static void put_alike(const struct alike *alike, const struct palette *palette,
		      struct sbuf *out)
{
	size_t named = alike->count < NAMES_MAX ? alike->count : NAMES_MAX;

	sbuf_puts(out, palette->head);
	if (alike->of == OF_SITE)
		sbuf_puts(out, "site");
	else if (alike->of == OF_UNKNOWN)
		sbuf_puts(out, "unknown machines");
	else
		sbuf_puts(out, alike->count == 1 ? "node" : "nodes");
	for (size_t i = 0; alike->of == OF_NODE && i < named; i++)
		sbuf_printf(out, "%s %s", i ? "," : "", alike->names[i].ptr);
	if (alike->count > named)
		sbuf_printf(out, " and %zu more", alike->count - named);
	sbuf_printf(out, ":%s\n%s", palette->reset, alike->text.ptr);
}

/* "3 of 7 nodes differ: 2 changed, 1 added" */
static void put_summary(const struct difference *difference, struct sbuf *out)
{
	size_t added = 0, removed = 0;
	const char *separator = ": ";

	vec_foreach (const struct changes, changes, &difference->all) {
		added += changes->added;
		removed += changes->removed;
	}
	const struct {
		size_t count;
		const char *what;
	} rows[] = { { difference->nodes_changed - added - removed, "changed" },
		     { added, "added" },
		     { removed, "removed" } };

	sbuf_printf(out, "%zu of %zu nodes differ", difference->nodes_changed,
		    difference->node_count);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (!rows[i].count)
			continue;
		sbuf_printf(out, "%s%zu %s", separator, rows[i].count,
			    rows[i].what);
		separator = ", ";
	}
	sbuf_putc(out, '\n');
}

void difference_text(struct arena *arena, const struct difference *difference,
		     bool colour, struct sbuf *out)
{
	const struct palette *palette = colour ? &terminal : &plain;
	struct map known = { .arena = arena };
	VEC(struct alike *) all = { 0 };

	vec_foreach (const struct changes, changes, &difference->all) {
		struct text text = changes_text(arena, palette, changes);
		struct sbuf key = { 0 };
		struct alike *alike;
		void **slot;

		sbuf_printf(&key, "%d %s", changes->of, text.ptr);
		slot = map_at(&known, taken(arena, &key));
		if (!*slot) {
			*slot = alike = arena_new(arena, struct alike);
			*alike = (struct alike){ .of = changes->of,
						 .text = text };
			*vec_push(arena, &all) = alike;
		}
		alike = *slot;
		if (alike->count++ < NAMES_MAX)
			alike->names[alike->count - 1] = changes->name;
	}
	vec_foreach (struct alike *, alike, &all)
		put_alike(*alike, palette, out);
	if (difference->all.count)
		put_summary(difference, out);
}

/* ----------------------------------------------------------------- JSON -- */

static void json_change(struct sbuf *out, const struct change *change)
{
	sbuf_puts(out, "{\"what\": ");
	quote_json(out, change->key);
	sbuf_puts(out, ", \"old\": ");
	if (change->old.ptr)
		quote_json(out, change->old);
	else
		sbuf_puts(out, "null");
	sbuf_puts(out, ", \"new\": ");
	if (change->new.ptr)
		quote_json(out, change->new);
	else
		sbuf_puts(out, "null");
	sbuf_putc(out, '}');
}

void difference_json(const struct difference *difference, struct sbuf *out)
{
	static const char *const of[] = { [OF_SITE] = "site",
					  [OF_UNKNOWN] = "unknown machines",
					  [OF_NODE] = "node" };

	sbuf_printf(out,
		    "{\"nodes\": %zu, \"nodes_changed\": %zu, \"changes\": [",
		    difference->node_count, difference->nodes_changed);
	vec_foreach (const struct changes, changes, &difference->all) {
		sbuf_printf(out, "%s\n  {\"of\": \"%s\"",
			    changes == difference->all.at ? "" : ",",
			    of[changes->of]);
		if (changes->of == OF_NODE) {
			sbuf_puts(out, ", \"name\": ");
			quote_json(out, changes->name);
		}
		sbuf_printf(out, ", \"change\": \"%s\", \"list\": [",
			    changes->added     ? "added"
			    : changes->removed ? "removed"
					       : "changed");
		vec_foreach (const struct change, change, &changes->list) {
			if (change != changes->list.at)
				sbuf_puts(out, ", ");
			json_change(out, change);
		}
		sbuf_puts(out, "]}");
	}
	sbuf_puts(out, "]}\n");
}
