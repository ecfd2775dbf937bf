#include "show.h"

#include "quote.h"
#include "resolve.h"
#include "source.h"
#include "value.h"

#include <string.h>

enum { INDENT = 2, COMMENT_COLUMN = 48 };

static const char *const verify_words[] = { "signature", "digest",
					    "secure-boot" };
enum { VERIFY_WORDS = sizeof(verify_words) / sizeof(*verify_words) };

static const char *const dispatch_words[] = {
	[DISPATCH_EMBEDDED] = "embedded",
	[DISPATCH_REMOTE] = "remote",
	[DISPATCH_BOTH] = "both",
};

/* What a boot takes from its levels, in the order in which people read it. */
struct boot_key {
	const char *name;
	bool list;  /* several values, else one */
	bool named; /* each value has a name */
};

static const struct boot_key boot_keys[] = {
	{ "kernel", false, false }, { "initrd", true, false },
	{ "args", true, false },    { "files", true, true },
	{ "vars", true, true },
};
enum { BOOT_KEYS = sizeof(boot_keys) / sizeof(*boot_keys) };

static const char *const machine_keys[] = { "profile", "phase", "channel",
					    "boot" };
enum { MACHINE_KEYS = sizeof(machine_keys) / sizeof(*machine_keys) };

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
	if (origin->value.ptr)
		put_scalar(show, origin->value);
	else
		sbuf_puts(show->out, "{ content: }");
	line_end(show, origin->at, origin->level, origin->of);
}

static void put_origins(struct show *show, unsigned depth,
			const struct boot *boot, const struct boot_key *key)
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

static void put_blob(struct show *show, unsigned depth, const struct blob *blob)
{
	line_begin(show, depth);
	sbuf_puts(show->out, "- ");
	put_scalar(show, blob->path);
	while (show->out->len - show->line < COMMENT_COLUMN - 1)
		sbuf_putc(show->out, ' ');
	sbuf_printf(show->out, " # %llu bytes\n",
		    (unsigned long long)blob->digest.size_bytes);
}

static void put_fetches(struct show *show, unsigned depth,
			const struct boot *boot)
{
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
	for (size_t i = 0; i < BOOT_KEYS; i++)
		put_origins(show, depth + 2, action->boot, &boot_keys[i]);
	put_fetches(show, depth + 2, action->boot);
}

static void put_actions(struct show *show, unsigned depth,
			struct actions actions)
{
	for (size_t i = 0; i < actions.count; i++)
		put_action(show, depth,
			   &show->machine->actions[actions.first + i]);
}

static void put_menus(struct show *show)
{
	if (show->machine->menu_count)
		put_heading(show, 0, "menus");
	for (size_t i = 0; i < show->machine->menu_count; i++) {
		const struct menu_boot *shown = &show->machine->menus[i];

		line_begin(show, 1);
		put_scalar(show, shown->menu->name);
		sbuf_putc(show->out, ':');
		line_end(show, shown->menu->at, NULL, NULL);
		for (size_t j = 0; j < shown->menu->item_count; j++) {
			line_begin(show, 2);
			put_scalar(show, shown->menu->items[j].name);
			sbuf_putc(show->out, ':');
			line_end(show, shown->menu->items[j].at, NULL, NULL);
			put_actions(show, 3, shown->items[j]);
		}
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
	if (node->group_count)
		put_heading(show, 0, "groups");
	for (size_t i = 0; i < node->group_count; i++) {
		line_begin(show, 1);
		sbuf_puts(show->out, "- ");
		put_scalar(show, node->groups[i]->name);
		line_end(show, node->groups[i]->at, NULL, NULL);
	}
}

static void put_verify(struct show *show, const struct site *site)
{
	const char *separator = "verify: [";

	line_begin(show, 0);
	for (size_t i = 0; i < VERIFY_WORDS; i++) {
		if (!(site->verify & 1u << i))
			continue;
		sbuf_printf(show->out, "%s%s", separator, verify_words[i]);
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
		  text_of(dispatch_words[site->dispatch.kind]),
		  site->dispatch.at);
	put_node(&show, machine->node);
	for (size_t i = 0; i < MACHINE_KEYS; i++)
		put_origins(
			&show, 0, NULL,
			&(struct boot_key){ machine_keys[i], false, false });
	put_heading(&show, 0, "steps");
	put_actions(&show, 1, machine->order);
	put_menus(&show);
}

/* ---------------------------------------------------------------- JSON -- */

static void json_key(struct sbuf *out, const char *key)
{
	char last = out->len ? out->ptr[out->len - 1] : '{';

	if (last != '{' && last != '[')
		sbuf_puts(out, ", ");
	if (!key)
		return;
	quote_json(out, text_of(key));
	sbuf_puts(out, ": ");
}

static void json_text(struct sbuf *out, const char *key, struct text text)
{
	if (!text.ptr)
		return;
	json_key(out, key);
	quote_json(out, text);
}

static void json_number(struct sbuf *out, const char *key, uint64_t number)
{
	json_key(out, key);
	sbuf_printf(out, "%llu", (unsigned long long)number);
}

static void json_texts(struct sbuf *out, const char *key,
		       const struct located *values, size_t count)
{
	json_key(out, key);
	sbuf_putc(out, '[');
	for (size_t i = 0; i < count; i++)
		json_text(out, NULL, values[i].text);
	sbuf_putc(out, ']');
}

static void json_verify(struct sbuf *out, unsigned verify)
{
	json_key(out, "verify");
	sbuf_putc(out, '[');
	for (size_t i = 0; i < VERIFY_WORDS; i++)
		if (verify & 1u << i)
			json_text(out, NULL, text_of(verify_words[i]));
	sbuf_putc(out, ']');
}

static void json_blob(struct sbuf *out, const char *key,
		      const struct blob *blob, const struct injected *file)
{
	json_key(out, key);
	sbuf_putc(out, '{');
	if (file) {
		json_text(out, "path", file->path);
		json_key(out, "mode");
		sbuf_printf(out, "\"%04o\"", file->mode);
	}
	json_text(out, "sha256", blob->hex);
	json_number(out, "bytes", blob->digest.size_bytes);
	json_text(out, "fetched", blob->path);
	sbuf_putc(out, '}');
}

static void json_boot(struct sbuf *out, const struct boot *boot)
{
	json_text(out, "profile", boot->profile->name);
	json_blob(out, "kernel", boot->kernel, NULL);
	json_key(out, "initrd");
	sbuf_putc(out, '[');
	for (size_t i = 0; i < boot->initrd_count; i++)
		json_blob(out, NULL, boot->initrds[i], NULL);
	sbuf_putc(out, ']');
	json_key(out, "args");
	sbuf_putc(out, '[');
	for (size_t i = 0; i < boot->arg_count; i++)
		json_text(out, NULL, boot->args[i]);
	sbuf_putc(out, ']');
	json_key(out, "files");
	sbuf_putc(out, '[');
	for (size_t i = 0; i < boot->file_count; i++)
		json_blob(out, NULL, boot->files[i].blob, &boot->files[i]);
	sbuf_putc(out, ']');
}

static void json_actions(struct sbuf *out, const char *key,
			 const struct machine *machine, struct actions actions)
{
	json_key(out, key);
	sbuf_putc(out, '[');
	for (size_t i = 0; i < actions.count; i++) {
		const struct action *action =
			&machine->actions[actions.first + i];

		json_key(out, NULL);
		sbuf_putc(out, '{');
		json_text(out, "step", text_of(step_word(action->kind)));
		if (action->boot)
			json_boot(out, action->boot);
		if (action->kind == STEP_MENU)
			json_text(out, "menu", action->menu->name);
		sbuf_putc(out, '}');
	}
	sbuf_putc(out, ']');
}

static void json_menus(struct sbuf *out, const struct machine *machine)
{
	json_key(out, "menus");
	sbuf_putc(out, '{');
	for (size_t i = 0; i < machine->menu_count; i++) {
		const struct menu_boot *shown = &machine->menus[i];

		json_key(out, shown->menu->name.ptr);
		sbuf_putc(out, '{');
		for (size_t j = 0; j < shown->menu->item_count; j++)
			json_actions(out, shown->menu->items[j].name.ptr,
				     machine, shown->items[j]);
		sbuf_putc(out, '}');
	}
	sbuf_putc(out, '}');
}

/* Which boot step an origin is of, from 0, menus' after the boot order's. */
static void json_origin_step(struct sbuf *out, const struct machine *machine,
			     const struct origin *origin)
{
	for (size_t i = 0; origin->boot && i < machine->action_count; i++)
		if (machine->actions[i].boot == origin->boot)
			json_number(out, "action", i);
}

static void json_origins(struct sbuf *out, const struct machine *machine)
{
	json_key(out, "origins");
	sbuf_putc(out, '[');
	for (size_t i = 0; i < machine->origin_count; i++) {
		const struct origin *origin = &machine->origins[i];
		struct place place =
			source_place(origin->at.source, origin->at.begin);

		sbuf_puts(out, i ? ",\n  {" : "\n  {");
		json_text(out, "key", text_of(origin->key));
		if (origin->name.len)
			json_text(out, "name", origin->name);
		json_text(out, "value", origin->value);
		json_text(out, "level", text_of(origin->level));
		if (*origin->of)
			json_text(out, "of", text_of(origin->of));
		json_text(out, "file", origin->at.source->path);
		json_number(out, "line", place.line);
		json_number(out, "column", place.column);
		json_origin_step(out, machine, origin);
		json_key(out, "replaced");
		sbuf_puts(out, origin->replaced ? "true}" : "false}");
	}
	sbuf_putc(out, ']');
}

void show_json(const struct plan *plan, const struct machine *machine,
	       struct sbuf *out)
{
	const struct site *site = plan->effective->site;
	const struct node *node = machine->node;

	sbuf_putc(out, '{');
	json_text(out, "site", plan->site_name);
	json_texts(out, "url", site->urls.at, site->urls.count);
	json_texts(out, "assets", site->assets.at, site->assets.count);
	json_texts(out, "trust", site->trust.at, site->trust.count);
	json_verify(out, site->verify);
	json_text(out, "signer", plan->signer);
	json_text(out, "dispatch",
		  text_of(dispatch_words[site->dispatch.kind]));
	if (node) {
		json_text(out, "node", node->name);
		json_texts(out, "mac", node->macs, node->mac_count);
		json_text(out, "uuid", node->uuid.text);
		json_text(out, "serial", node->serial.text);
		json_text(out, "asset", node->asset.text);
		json_text(out, "ip", node->ip.text);
	}
	json_actions(out, "steps", machine, machine->order);
	json_menus(out, machine);
	json_origins(out, machine);
	sbuf_puts(out, "}\n");
}
