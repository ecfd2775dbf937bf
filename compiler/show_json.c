#include "show.h"

#include "arch.h"
#include "levels.h"
#include "quote.h"
#include "resolve.h"
#include "source.h"

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

/* Scalars are text, whatever YAML takes them for. */
static void json_doc(struct sbuf *out, const char *key, const struct doc *doc)
{
	switch (doc->kind) {
	case DOC_NULL:
		json_key(out, key);
		sbuf_puts(out, "null");
		return;
	case DOC_SCALAR:
		json_text(out, key, doc->text);
		return;
	case DOC_LIST:
		json_key(out, key);
		sbuf_putc(out, '[');
		for (size_t i = 0; i < doc->count; i++)
			json_doc(out, NULL, doc->items[i]);
		sbuf_putc(out, ']');
		return;
	case DOC_MAP:
		json_key(out, key);
		sbuf_putc(out, '{');
		for (size_t i = 0; i < doc->count; i++)
			json_doc(out, doc->pairs[i].key.ptr,
				 doc->pairs[i].value);
		sbuf_putc(out, '}');
		return;
	case DOC_FACT: /* no vars have one */
		return;
	}
}

static void json_verify(struct sbuf *out, unsigned verify)
{
	const char *word;
	unsigned i = 0;

	json_key(out, "verify");
	sbuf_putc(out, '[');
	while ((i = verify_next(verify, i, &word)))
		json_text(out, NULL, text_of(word));
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
	if (!blob_is_unfetched(blob))
		json_number(out, "bytes", blob->digest.size_bytes);
	json_text(out, "fetched", blob->path);
	sbuf_putc(out, '}');
}

static void json_boot(struct sbuf *out, const struct boot *boot)
{
	json_text(out, "profile", boot->profile->name);
	if (boot->archs != ARCH_ANY)
		json_text(out, "arch", text_of(arch_word(boot->archs)));
	if (boot->kind == BOOT_SAN) {
		json_text(out, "san", boot->drive);
		json_text(out, "initiator", boot->initiator);
		json_key(out, "unverified");
		sbuf_puts(out, "true");
	} else {
		json_blob(out, boot_kernel_word(boot), boot->kernel, NULL);
	}
	json_key(out, boot_initrd_word(boot));
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
	json_key(out, "serve");
	sbuf_putc(out, '{');
	for (size_t i = 0; i < boot->served_count; i++)
		json_blob(out, boot->served[i].name.ptr, boot->served[i].blob,
			  NULL);
	sbuf_putc(out, '}');
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

/* What the site says of a menu or an item besides what is in it. */
static void json_said(struct sbuf *out, const struct doc *said,
		      const char *except)
{
	for (size_t i = 0; said->kind == DOC_MAP && i < said->count; i++)
		if (!text_is(said->pairs[i].key, except))
			json_doc(out, said->pairs[i].key.ptr,
				 said->pairs[i].value);
}

static void json_item(struct sbuf *out, const struct machine *machine,
		      const struct menu_item *item, struct actions actions)
{
	json_key(out, item->name.ptr);
	sbuf_putc(out, '{');
	json_said(out, item->said, "boot");
	json_actions(out, "steps", machine, actions);
	sbuf_putc(out, '}');
}

static void json_menus(struct sbuf *out, const struct machine *machine)
{
	json_key(out, "menus");
	sbuf_putc(out, '{');
	for (size_t i = 0; i < machine->menu_count; i++) {
		const struct menu_boot *shown = &machine->menus[i];

		json_key(out, shown->menu->name.ptr);
		sbuf_putc(out, '{');
		json_said(out, shown->menu->said, "items");
		json_key(out, "items");
		sbuf_putc(out, '{');
		for (size_t j = 0; j < shown->menu->item_count; j++)
			json_item(out, machine, &shown->menu->items[j],
				  shown->items[j]);
		sbuf_puts(out, "}}");
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
		if (origin->said)
			json_doc(out, "value", origin->said);
		else
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

static void json_rules(struct sbuf *out, const struct effective *effective)
{
	json_key(out, "rules");
	sbuf_putc(out, '[');
	for (size_t i = 0; i < effective->site->rule_count; i++) {
		const struct machine *machine = &effective->ruled[i];

		json_key(out, NULL);
		sbuf_putc(out, '{');
		json_said(out, machine->rule->said, "boot");
		json_actions(out, "steps", machine, machine->order);
		json_menus(out, machine);
		json_origins(out, machine);
		sbuf_putc(out, '}');
	}
	sbuf_putc(out, ']');
}

/* Its values are found among the origins, with their places. */
static void json_network(struct sbuf *out, const struct uplink *uplink)
{
	json_key(out, "network");
	sbuf_putc(out, '{');
	json_text(out, "ip", uplink->ip);
	json_text(out, "netmask", uplink->netmask);
	json_text(out, "gateway", uplink->gateway);
	json_key(out, "dns");
	sbuf_putc(out, '[');
	for (size_t i = 0; i < uplink->server_count; i++)
		json_text(out, NULL, uplink->servers[i]);
	sbuf_putc(out, ']');
	json_text(out, "vlan", uplink->vlan);
	json_key(out, "nics");
	sbuf_putc(out, '[');
	for (size_t i = 0; i < uplink->nic_count; i++)
		json_text(out, NULL, uplink->nics[i]);
	sbuf_putc(out, ']');
	json_text(out, "ntp", uplink->ntp);
	sbuf_putc(out, '}');
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
	json_text(out, "dispatch", text_of(dispatch_word(site->dispatch.kind)));
	if (node) {
		json_text(out, "node", node->name);
		json_texts(out, "mac", node->macs, node->mac_count);
		json_text(out, "uuid", node->uuid.text);
		json_text(out, "serial", node->serial.text);
		json_text(out, "asset", node->asset.text);
		json_text(out, "ip", node->ip.text);
	}
	json_text(out, "phase", machine->phase);
	json_network(out, machine->uplink);
	if (!node)
		json_rules(out, plan->effective);
	json_actions(out, "steps", machine, machine->order);
	json_menus(out, machine);
	json_origins(out, machine);
	sbuf_puts(out, "}\n");
}
