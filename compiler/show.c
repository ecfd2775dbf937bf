#include "show.h"

#include "arch.h"
#include "doc.h"
#include "quote.h"
#include "resolve.h"
#include "source.h"
#include "value.h"

#include <string.h>

enum { INDENT = 2, COMMENT_COLUMN = 48 };

/* What a boot or a machine takes from its levels. */
struct key {
	const char *name;
	bool list; /* of values, or of named values; else one */
};

/* In the order in which people read it. */
static const struct key boot_keys[] = {
	{ "extends", true },    { "kernel", false }, { "efi", false },
	{ "uki", false },       { "chain", false },  { "iso", false },
	{ "memdisk", false },   { "san", false },    { "unverified", false },
	{ "initiator", false }, { "initrd", true },  { "args", true },
	{ "files", true },      { "serve", true },   { "channel", true },
	{ "vars", true },
};
enum { BOOT_KEYS = sizeof(boot_keys) / sizeof(*boot_keys) };

static const struct key machine_keys[] = {
	{ "profile", false }, { "phase", false },
	{ "phases", true },   { "channel", false },
	{ "arch", false },    { "boot", false },
	{ "unknown", false }, { "allow-unknown-install", false },
};
enum { MACHINE_KEYS = sizeof(machine_keys) / sizeof(*machine_keys) };

/* Of "network". */
static const struct key network_keys[] = {
	{ "ip", false },   { "gateway", false }, { "dns", true },
	{ "vlan", false }, { "nics", true },     { "ntp", false },
};
enum { NETWORK_KEYS = sizeof(network_keys) / sizeof(*network_keys) };

const struct machine *show_find(struct arena *arena, const struct plan *plan,
				const char *name)
{
	const struct effective *effective = plan->effective;
	struct text mac = { NULL, 0 };

	value_mac(arena, text_of(name), &mac);
	for (size_t i = 0; i < effective->machine_count; i++) {
		const struct machine *machine = &effective->machines[i];

		if (text_is(machine->node->name, name))
			return machine;
		for (size_t m = 0; mac.ptr && m < machine->node->mac_count; m++)
			if (text_equal(machine->node->macs[m].text, mac))
				return machine;
	}
	return NULL;
}

static bool is_of(const struct origin *origin, const struct boot *boot,
		  const char *key)
{
	return origin->boot == boot && strcmp(origin->key, key) == 0;
}

/* ---------------------------------------------------------------- text -- */

struct show {
	const struct plan *plan;
	const struct machine *machine;
	struct sbuf *out;
	size_t line; /* where it begins */
};

static void line_begin(struct show *show, unsigned depth)
{
	show->line = show->out->len;
	for (unsigned i = 0; i < depth * INDENT; i++)
		sbuf_putc(show->out, ' ');
}

/* As it stands if YAML takes it for the same text; else in quotes. */
static void put_scalar(struct show *show, struct text text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_./";
	static const char inner[] = "-=+%@,:";
	size_t i = 0;

	while (i < text.len &&
	       (memchr(plain, text.ptr[i], sizeof(plain) - 1) ||
		(i && i + 1 < text.len &&
		 memchr(inner, text.ptr[i], sizeof(inner) - 1))))
		i++;
	if (text.len && i == text.len)
		sbuf_add(show->out, text.ptr, text.len);
	else
		quote_json(show->out, text);
}

/* As YAML takes it within a line. */
static void put_flow(struct show *show, const struct doc *doc)
{
	const char *comma = "";

	switch (doc->kind) {
	case DOC_NULL:
		sbuf_puts(show->out, "null");
		return;
	case DOC_SCALAR:
		/* "1.10" in quotes is no number. */
		if (doc->plain)
			put_scalar(show, doc->text);
		else
			quote_json(show->out, doc->text);
		return;
	case DOC_LIST:
		sbuf_putc(show->out, '[');
		for (size_t i = 0; i < doc->count; i++, comma = ", ") {
			sbuf_puts(show->out, comma);
			put_flow(show, doc->items[i]);
		}
		sbuf_putc(show->out, ']');
		return;
	case DOC_MAP:
		sbuf_puts(show->out, "{ ");
		for (size_t i = 0; i < doc->count; i++, comma = ", ") {
			sbuf_puts(show->out, comma);
			put_scalar(show, doc->pairs[i].key);
			sbuf_puts(show->out, ": ");
			put_flow(show, doc->pairs[i].value);
		}
		sbuf_puts(show->out, doc->count ? " }" : "}");
		return;
	case DOC_FACT: /* no vars have one */
		return;
	}
}

static void put_place(struct sbuf *out, struct span at)
{
	struct place place = source_place(at.source, at.begin);

	sbuf_printf(out, "%s:%zu:%zu", at.source->path.ptr, place.line,
		    place.column);
}

/* @param level	"profile" and the like; NULL: goes without saying */
static void line_end(struct show *show, struct span at, const char *level,
		     const char *of)
{
	if (at.source) {
		do
			sbuf_putc(show->out, ' ');
		while (show->out->len - show->line < COMMENT_COLUMN);
		sbuf_puts(show->out, "# ");
		put_place(show->out, at);
		if (level)
			sbuf_printf(show->out, ", %s%s%s", level,
				    *of ? " " : "", of);
	}
	sbuf_putc(show->out, '\n');
}

static void put_value(struct show *show, unsigned depth, const char *key,
		      struct text value, struct span at)
{
	if (!value.ptr)
		return;
	line_begin(show, depth);
	sbuf_printf(show->out, "%s: ", key);
	put_scalar(show, value);
	line_end(show, at, NULL, NULL);
}

static void put_heading(struct show *show, unsigned depth, const char *key)
{
	line_begin(show, depth);
	sbuf_printf(show->out, "%s:\n", key);
}

static void put_list(struct show *show, const char *key,
		     const struct located *values, size_t count)
{
	if (count)
		put_heading(show, 0, key);
	for (size_t i = 0; i < count; i++) {
		line_begin(show, 1);
		sbuf_puts(show->out, "- ");
		put_scalar(show, values[i].text);
		line_end(show, values[i].at, NULL, NULL);
	}
}

/* @param name	before the value: of the key, or of the entry; or empty */
static void put_origin(struct show *show, unsigned depth, bool item,
		       struct text name, const struct origin *origin)
{
	line_begin(show, depth);
	if (origin->replaced)
		sbuf_puts(show->out, "# replaced: ");
	if (item && !name.len)
		sbuf_puts(show->out, "- ");
	if (name.len) {
		put_scalar(show, name);
		sbuf_puts(show->out, ": ");
	}
	if (origin->said)
		put_flow(show, origin->said);
	else
		put_scalar(show, origin->value);
	line_end(show, origin->at, origin->level, origin->of);
}

static void put_origins(struct show *show, unsigned depth,
			const struct boot *boot, const struct key *key)
{
	bool begun = !key->list;

	for (size_t i = 0; i < show->machine->origin_count; i++) {
		const struct origin *origin = &show->machine->origins[i];

		if (!is_of(origin, boot, key->name))
			continue;
		if (!begun)
			put_heading(show, depth, key->name);
		begun = true;
		put_origin(show, depth + key->list, key->list,
			   key->list ? origin->name : text_of(key->name),
			   origin);
	}
}

/* One part of the network. */
static void put_part(struct show *show, const struct key *key)
{
	bool begun = false;

	for (size_t i = 0; i < show->machine->origin_count; i++) {
		const struct origin *origin = &show->machine->origins[i];

		if (!is_of(origin, NULL, "network") ||
		    !text_is(origin->name, key->name))
			continue;
		if (origin->replaced || !key->list) {
			put_origin(show, 1, false, origin->name, origin);
			continue;
		}
		if (!begun)
			put_heading(show, 1, key->name);
		begun = true;
		put_origin(show, 2, true, TEXT(""), origin);
	}
}

static void put_blob(struct show *show, unsigned depth, const struct blob *blob)
{
	line_begin(show, depth);
	sbuf_puts(show->out, "- ");
	put_scalar(show, blob->path);
	while (show->out->len - show->line < COMMENT_COLUMN - 1)
		sbuf_putc(show->out, ' ');
	if (blob_is_unfetched(blob))
		sbuf_puts(show->out, " # not fetched yet\n");
	else
		sbuf_printf(show->out, " # %llu bytes\n",
			    (unsigned long long)blob->digest.size_bytes);
}

static void put_fetches(struct show *show, unsigned depth,
			const struct boot *boot)
{
	if (boot->kind == BOOT_SAN) {
		line_begin(show, depth);
		sbuf_puts(show->out, "# reads ");
		put_scalar(show, boot->drive);
		sbuf_puts(show->out, ", which nobody verifies\n");
		return;
	}
	put_heading(show, depth, "fetches");
	if (boot->uki && !(boot->uki->digest.size_bytes)) {
		line_begin(show, depth + 1);
		sbuf_puts(show->out, "- # one EFI program, made by build\n");
		return;
	}
	if (boot->uki) {
		put_blob(show, depth + 1, boot->uki);
		return;
	}
	put_blob(show, depth + 1, boot->kernel);
	for (size_t i = 0; i < boot->initrd_count; i++)
		put_blob(show, depth + 1, boot->initrds[i]);
	for (size_t i = 0; i < boot->file_count; i++)
		put_blob(show, depth + 1, boot->files[i].blob);
}

/* What the booted system may fetch itself. */
static void put_served(struct show *show, unsigned depth,
		       const struct boot *boot)
{
	if (boot->served_count)
		put_heading(show, depth, "serves");
	for (size_t i = 0; i < boot->served_count; i++)
		put_blob(show, depth + 1, boot->served[i].blob);
}

static void put_action(struct show *show, unsigned depth,
		       const struct action *action)
{
	line_begin(show, depth);
	sbuf_puts(show->out, "- ");
	if (!action->boot) {
		sbuf_puts(show->out, step_word(action->kind));
		if (action->kind == STEP_MENU)
			sbuf_printf(show->out, ": %s", action->menu->name.ptr);
		sbuf_putc(show->out, '\n');
		return;
	}
	put_scalar(show, action->boot->profile->name);
	sbuf_putc(show->out, ':');
	line_end(show, action->boot->profile->at, NULL, NULL);
	if (action->boot->archs != ARCH_ANY) {
		line_begin(show, depth + 2);
		sbuf_printf(show->out, "arch: %s\n",
			    arch_word(action->boot->archs));
	}
	for (size_t i = 0; i < BOOT_KEYS; i++)
		put_origins(show, depth + 2, action->boot, &boot_keys[i]);
	put_fetches(show, depth + 2, action->boot);
	put_served(show, depth + 2, action->boot);
}

static void put_actions(struct show *show, unsigned depth,
			struct actions actions)
{
	for (size_t i = 0; i < actions.count; i++)
		put_action(show, depth,
			   &show->machine->actions[actions.first + i]);
}

/* What the site says of a menu or an item besides what is in it. */
static void put_said(struct show *show, unsigned depth, const struct doc *said,
		     const char *except)
{
	for (size_t i = 0; said->kind == DOC_MAP && i < said->count; i++) {
		const struct doc_pair *pair = &said->pairs[i];

		if (text_is(pair->key, except))
			continue;
		line_begin(show, depth);
		sbuf_printf(show->out, "%s: ", pair->key.ptr);
		put_flow(show, pair->value);
		line_end(show, pair->value->at, NULL, NULL);
	}
}

static void put_item(struct show *show, unsigned depth,
		     const struct menu_item *item, struct actions actions)
{
	line_begin(show, depth);
	put_scalar(show, item->name);
	sbuf_putc(show->out, ':');
	line_end(show, item->at, NULL, NULL);
	put_said(show, depth + 1, item->said, "boot");
	line_begin(show, depth + 1);
	sbuf_puts(show->out, "boot:");
	line_end(show, item->boot.at, NULL, NULL);
	put_actions(show, depth + 2, actions);
}

static void put_menus(struct show *show, unsigned depth)
{
	if (show->machine->menu_count)
		put_heading(show, depth, "menus");
	for (size_t i = 0; i < show->machine->menu_count; i++) {
		const struct menu_boot *shown = &show->machine->menus[i];

		line_begin(show, depth + 1);
		put_scalar(show, shown->menu->name);
		sbuf_putc(show->out, ':');
		line_end(show, shown->menu->at, NULL, NULL);
		put_said(show, depth + 2, shown->menu->said, "items");
		put_heading(show, depth + 2, "items");
		for (size_t j = 0; j < shown->menu->item_count; j++)
			put_item(show, depth + 3, &shown->menu->items[j],
				 shown->items[j]);
	}
}

static void put_rule(struct show *show, const struct machine *machine)
{
	const struct rule *rule = machine->rule;
	const struct doc *match = doc_get(rule->said, TEXT("match"));

	show->machine = machine;
	line_begin(show, 1);
	sbuf_puts(show->out, "- match:");
	line_end(show, match->at, NULL, NULL);
	put_said(show, 3, match, "");
	for (size_t i = 0; i < rule->said->count; i++) {
		const struct doc_pair *pair = &rule->said->pairs[i];

		if (text_is(pair->key, "allow-unknown-install"))
			put_value(show, 2, pair->key.ptr, pair->value->text,
				  pair->value->at);
	}
	line_begin(show, 2);
	sbuf_puts(show->out, "boot:");
	line_end(show, rule->boot.at, NULL, NULL);
	put_actions(show, 3, machine->order);
	put_menus(show, 2);
}

/* In the order in which machines try them. */
static void put_rules(struct show *show)
{
	const struct effective *effective = show->plan->effective;
	const struct machine *machine = show->machine;

	if (machine->node || !effective->site->rule_count)
		return;
	put_heading(show, 0, "rules");
	for (size_t i = 0; i < effective->site->rule_count; i++)
		put_rule(show, &effective->ruled[i]);
	show->machine = machine;
	sbuf_puts(show->out, "# any other machine that is no node\n");
}

/* Where the node names them; what they say has places of its own. */
static void put_groups(struct show *show, const struct node *node)
{
	const struct doc *named = doc_get(node->said, TEXT("groups"));

	if (node->group_count)
		put_heading(show, 0, "groups");
	for (size_t i = 0; i < node->group_count; i++) {
		line_begin(show, 1);
		sbuf_puts(show->out, "- ");
		put_scalar(show, node->groups[i]->name);
		line_end(show,
			 named->kind == DOC_LIST ? named->items[i]->at
						 : named->at,
			 NULL, NULL);
	}
}

static void put_node(struct show *show, const struct node *node)
{
	if (!node) {
		sbuf_puts(show->out, "# any machine that is no node\n");
		return;
	}
	put_value(show, 0, "node", node->name, node->at);
	put_list(show, "mac", node->macs, node->mac_count);
	put_value(show, 0, "uuid", node->uuid.text, node->uuid.at);
	put_value(show, 0, "serial", node->serial.text, node->serial.at);
	put_value(show, 0, "asset", node->asset.text, node->asset.at);
	put_value(show, 0, "ip", node->ip.text, node->ip.at);
	put_groups(show, node);
}

/* "dhcp" is the whole of it; else each part stands by itself. */
static void put_network(struct show *show)
{
	const struct machine *machine = show->machine;
	bool said = false, parts = false;

	for (size_t i = 0; i < machine->origin_count; i++) {
		const struct origin *origin = &machine->origins[i];

		if (!is_of(origin, NULL, "network"))
			continue;
		said = true;
		if (origin->name.len)
			parts = parts || !origin->replaced;
		else
			put_origin(show, 0, false, text_of("network"), origin);
	}
	if (!said)
		sbuf_puts(show->out, "network: dhcp\n");
	if (parts)
		put_heading(show, 0, "network");
	for (size_t i = 0; i < NETWORK_KEYS; i++)
		put_part(show, &network_keys[i]);
}

static void put_verify(struct show *show, const struct site *site)
{
	const char *separator = "verify: [", *word;
	unsigned i = 0;

	line_begin(show, 0);
	while ((i = verify_next(site->verify, i, &word))) {
		sbuf_printf(show->out, "%s%s", separator, word);
		separator = ", ";
	}
	sbuf_putc(show->out, ']');
	line_end(show, site->verify_at, NULL, NULL);
}

void show_text(const struct plan *plan, const struct machine *machine,
	       struct sbuf *out)
{
	const struct site *site = plan->effective->site;
	struct show show = { plan, machine, out, 0 };

	put_value(&show, 0, "site", site->name.text, site->name.at);
	put_list(&show, "url", site->urls.at, site->urls.count);
	put_list(&show, "assets", site->assets.at, site->assets.count);
	put_list(&show, "trust", site->trust.at, site->trust.count);
	put_verify(&show, site);
	put_value(&show, 0, "signer", plan->signer, site->signer.at);
	put_value(&show, 0, "dispatch",
		  text_of(dispatch_word(site->dispatch.kind)),
		  site->dispatch.at);
	put_node(&show, machine->node);
	for (size_t i = 0; i < MACHINE_KEYS; i++)
		put_origins(&show, 0, NULL, &machine_keys[i]);
	put_network(&show);
	put_rules(&show);
	put_heading(&show, 0, "steps");
	put_actions(&show, 1, machine->order);
	put_menus(&show, 0);
}
