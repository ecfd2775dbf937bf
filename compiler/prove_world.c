#include "prove_parts.h"

#include "emit.h"

#include <stdio.h>
#include <stdlib.h>

/* ------------------------------------------------------------- fetch -- */

enum harm proof_harm(void *ctx, const struct published_item *item)
{
	const struct scene *scene = &((struct proof *)ctx)->scene;

	if (item->blob ? scene_harms(scene, item->blob, item->signature,
				     item->base)
		       : scene_harms_nodes(scene, item->base))
		return scene->harm;
	return HARM_NONE;
}

static const struct sim_content *fetch(void *ctx, struct text url)
{
	struct proof *p = ctx;
	bool stray = false;
	const struct sim_content *content =
		published_fetch(&p->tree, url, &stray);

	/* The certificate of EMIT_FILE adds no trust: having none will do. */
	if (stray && !text_is(url, "file:/" EMIT_ROOT))
		p->fault = "fetches what is not published";
	return content;
}

/* ------------------------------------------------------------- person -- */

/* The menu that has this title and exactly these items. */
static size_t find_menu(const struct machine *machine, struct text title,
			const struct sim_item *items, size_t count)
{
	for (size_t i = 0; i < machine->menu_count; i++) {
		const struct menu *menu = machine->menus[i].menu;
		size_t same = 0;

		if (!text_equal(title, menu->title.text.ptr ? menu->title.text
							    : menu->name))
			continue;
		while (same < count && same < menu->item_count &&
		       text_equal(items[same].name, menu->items[same].name))
			same++;
		if (same == count && same == menu->item_count)
			return i;
	}
	return SIZE_MAX;
}

static size_t choose(void *ctx, struct text title, const struct sim_item *items,
		     size_t count)
{
	struct proof *p = ctx;
	size_t menu = find_menu(p->machine, title, items, count), item;

	if (menu == SIZE_MAX) {
		p->fault = "shows a menu that is not its own";
		return count;
	}
	item = scene_choice(p->machine, &p->scene, menu, p->chosen);
	if (item < count && menu == p->scene.menu)
		p->chosen = true;
	return item;
}

static uint64_t person_state(void *ctx)
{
	return ((struct proof *)ctx)->chosen;
}

/* ------------------------------------------------------------- worlds -- */

static void mac_parse(struct text text, unsigned char *mac)
{
	for (size_t i = 0; i < 6 && text.len >= 3 * i + 2; i++)
		mac[i] = (unsigned char)strtoul(text.ptr + 3 * i, NULL, 16);
}

/* Of cards that are in no node; the first is lower than theirs, mostly. */
void proof_find_foreign(struct proof *p)
{
	char label[32];
	unsigned number = 0;

	for (size_t i = 0; i < 2; i++) {
		do {
			snprintf(label, sizeof(label), "mac-02000000%04x",
				 ++number & 0xffff);
		} while (sim_script_has(p->script, text_of(label)));
		p->foreign[i][0] = 2;
		p->foreign[i][4] = (unsigned char)(number >> 8);
		p->foreign[i][5] = (unsigned char)number;
	}
}

static void add_card(struct proof *p, const unsigned char *mac, bool online)
{
	struct sim_card *card = &p->cards[p->world.card_count++];

	*card = (struct sim_card){ .link = online, .dhcp = online };
	memcpy(card->mac, mac, sizeof(card->mac));
}

/* Settings that DHCP may bring: those whose names the script might use. */
static const struct sim_given hostile[] = {
	{ "hostname", "node" },
	{ "filename", "http://elsewhere/evil" },
	{ "crosscert", "http://elsewhere/" },
	{ "user-class", "mac" },
	{ "224", "goto stop" },
};

void proof_set_world(struct proof *p, const struct scene *scene)
{
	p->scene = *scene;
	p->chosen = false;
	p->fault = NULL;
	p->booted = NULL;
	sbuf_reset(&p->details);
	p->world = (struct sim_world){
		.ctx = p,
		.cards = p->cards,
		.platform = scene->kind.platform,
		.arch = scene->kind.buildarch,
		.secure_boot = scene->kind.secure_boot,
		.disk = scene->disk,
		.stray = true,
		.given = hostile,
		.given_count = sizeof(hostile) / sizeof(*hostile),
		.fetch = fetch,
		.fetch_state = person_state,
		.choose = choose,
		.event = proof_observe,
	};
}

/* As what a machine shows itself: a card, or what its firmware says. */
void proof_set_identity(struct proof *p, const struct node *node, size_t which,
			bool crowd)
{
	bool online = !p->scene.offline;
	unsigned char mac[6] = { 0 };

	if (crowd || which >= node->mac_count)
		add_card(p, p->foreign[0], online);
	if (which < node->mac_count) {
		mac_parse(node->macs[which].text, mac);
		add_card(p, mac, online);
	}
	if (crowd)
		add_card(p, p->foreign[1], online);
	if (which < node->mac_count)
		return;
	which -= node->mac_count;
	if (node->uuid.text.ptr && which-- == 0)
		p->world.uuid = node->uuid.text;
	else if (node->serial.text.ptr && which-- == 0)
		p->world.serial = node->serial.text;
	else if (node->asset.text.ptr)
		p->world.asset = node->asset.text;
}

size_t identity_count(const struct node *node)
{
	return node->mac_count + (node->uuid.text.ptr != NULL) +
	       (node->serial.text.ptr != NULL) + (node->asset.text.ptr != NULL);
}

static bool has_card(const struct proof *p, const unsigned char *mac)
{
	for (size_t i = 0; i < p->world.card_count; i++)
		if (memcmp(p->cards[i].mac, mac, sizeof(p->cards[i].mac)) == 0)
			return true;
	return false;
}

/* The cards that a machine is to use are in it. */
static void add_nic(struct proof *p, struct text nic)
{
	bool online = !p->scene.offline;
	unsigned char mac[6];
	size_t number;

	if (strncmp(nic.ptr, "net", 3) != 0) {
		mac_parse(nic, mac);
		if (!has_card(p, mac))
			add_card(p, mac, online);
		return;
	}
	number = (size_t)atoi(nic.ptr + 3);
	while (p->world.card_count <= number)
		add_card(p, p->foreign[1], online);
}

void proof_set_machine(struct proof *p)
{
	const struct uplink *uplink = &p->machine->uplink;

	if (p->machine->node)
		proof_set_identity(p, p->machine->node, 0, true);
	else
		add_card(p, p->foreign[0], !p->scene.offline);
	for (size_t i = 0; i < uplink->nic_count; i++)
		add_nic(p, uplink->nics[i]);
}
