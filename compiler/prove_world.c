#include "prove_parts.h"

#include "emit.h"
#include "hex.h"
#include "menu.h"

#include <stdio.h>
#include <stdlib.h>

/* ------------------------------------------------------------- fetch -- */

/* By the scene, of what is fetched now. */
static enum harm harm_now(struct proof *p, const struct published_item *item,
			  enum shelf shelf)
{
	const struct scene *scene = &p->scene;
	bool harmed = item->blob ? scene_harms(scene, item->blob,
					       item->signature, item->base)
				 : scene_harms_nodes(scene, item->base);

	if (item->base.ptr && progress_detour(p, &p->at, shelf))
		return HARM_LOST;
	if (!harmed || scene_is_over(scene, p->at.hits, p->at.pauses))
		return HARM_NONE;
	if (item->blob)
		p->at.turn = !p->at.turn;
	if (item->blob && scene->by_turns && !p->at.turn)
		return HARM_NONE;
	p->at.hits++;
	return scene->harm;
}

/* Whoever has answered well stays the first to be asked, and after one that has
 * not comes the next. One that knows nothing about a node may be asked for its
 * other marks, or the next one. */
static void note_mirror(struct proof *p, const struct published_item *item,
			enum shelf shelf, enum harm harm)
{
	const struct located_list *bases = proof_shelf(p, shelf);
	size_t *mirror = &p->at.mirrors[shelf], asked = 0;
	size_t next = (*mirror + 1) % bases->count;

	while (!text_equal(bases->at[asked].text, item->base))
		asked++;
	if (!item->signature && asked != *mirror &&
	    !(shelf == SHELF_URLS && p->at.unsure && asked == next))
		p->fault = "asks another server than is next";
	if (shelf == SHELF_URLS)
		p->at.unsure = !item->blob && harm == HARM_NONE;
	if (harm != HARM_NONE)
		*mirror = (asked + 1) % bases->count;
	else if (!item->signature)
		*mirror = asked;
}

enum harm proof_harm(void *ctx, const struct published_item *item)
{
	struct proof *p = ctx;
	enum shelf shelf = proof_shelf_of(p, item->base);
	enum harm harm = harm_now(p, item, shelf);

	if (item->base.ptr && p->shelves_differ)
		note_mirror(p, item, shelf, harm);
	return harm;
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

static bool is_shown_as(const struct menu_item *item,
			const struct sim_item *shown)
{
	return text_equal(item->name, shown->name) &&
	       text_equal(menu_item_text(item), shown->label);
}

/* The menu that is shown so; no two are alike (E433). */
static size_t find_menu(const struct machine *machine, struct text title,
			const struct sim_item *items, size_t count)
{
	for (size_t i = 0; i < machine->menu_count; i++) {
		const struct menu *menu = machine->menus[i].menu;
		size_t same = 0;

		if (!text_equal(title, menu_title(menu)))
			continue;
		while (same < count && same < menu->item_count &&
		       is_shown_as(&menu->items[same], &items[same]))
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

/* Counted only where it makes a difference to what comes. */
static uint64_t world_state(void *ctx)
{
	const struct proof *p = ctx;
	const struct scene *scene = &p->scene;
	bool harmless = scene_is_over(scene, p->at.hits, p->at.pauses);
	uint64_t hits = harmless || !scene->hits ? 0 : p->at.hits;
	uint64_t pauses = harmless || !scene->pauses ? 0 : p->at.pauses;

	return p->chosen | harmless << 1 | hits << 2 | pauses << 16 |
	       (uint64_t)p->at.duds << 32 |
	       (uint64_t)(p->at.detours[SHELF_URLS] +
			  p->at.detours[SHELF_ASSETS])
		       << 48 |
	       (uint64_t)(scene->by_turns && p->at.turn) << 63;
}

static bool is_name(struct text text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!memchr("abcdefghijklmnopqrstuvwxyz0123456789-",
			    text.ptr[i], 37))
			return false;
	return text.len;
}

/* Words of an order keep theirs (E437), and so does what is put aside. */
static bool is_reserved(struct text name)
{
	return has_prefix(name, "chain-") ||
	       (name.len > 1 && name.ptr[0] == 'v' && name.ptr[1] >= '0' &&
		name.ptr[1] <= '9');
}

/* All names that lines of ours ask for are set to something else. */
static void meddle_by_lines(struct proof *p, struct text lines)
{
	const char *end = lines.ptr + lines.len, *at = lines.ptr;
	char name[64];

	while ((at = memmem(at, (size_t)(end - at), "${", 2))) {
		struct text text = { at += 2, 0 };

		while (at < end && *at != '}' && *at != ':' && *at != '$')
			at++;
		text.len = (size_t)(at - text.ptr);
		if (!is_name(text) || is_reserved(text) ||
		    text.len >= sizeof(name))
			continue;
		memcpy(name, text.ptr, text.len);
		name[text.len] = '\0';
		sim_set(p->sim, name,
			text_is(text, "online") ? "yes" : "meddled");
	}
}

/* What a script that comes back may have set; and it has another card open. */
static void meddle(struct proof *p)
{
	static const char *const of_cards[][2] = {
		{ "ip", "10.9.9.9" },           { "netmask", "255.0.0.0" },
		{ "gateway", "10.9.9.1" },      { "dns", "10.9.9.2" },
		{ "mac", "02:00:09:09:09:09" },
	};
	char name[32];

	meddle_by_lines(p, p->plan->script);
	if (p->order_script)
		meddle_by_lines(p, p->order_script->bytes);
	for (size_t i = 1; i <= NICS_MAX; i++) {
		snprintf(name, sizeof(name), "nic-%zu", i);
		sim_set(p->sim, name, "net0");
	}
	sim_set(p->sim, "dns", "10.9.9.2");
	for (size_t i = 0; i < p->world.card_count; i++)
		for (size_t j = 0; j < sizeof(of_cards) / sizeof(*of_cards);
		     j++) {
			snprintf(name, sizeof(name), "net%zu/%s", i,
				 of_cards[j][0]);
			sim_set(p->sim, name, of_cards[j][1]);
		}
}

static bool is_chain(const struct proof *p, const struct sim_image *image)
{
	const struct boot *boot = proof_boot_of(p, image);

	return boot && boot->kind == BOOT_CHAIN;
}

static bool starts(void *ctx, const struct sim_image *kernel)
{
	struct proof *p = ctx;

	if (p->at.duds >= p->scene.duds)
		return true;
	p->at.duds++;
	if (is_chain(p, kernel)) {
		p->at.online = false;
		meddle(p);
	}
	return false;
}

/* One that does not boot is not there, or there and empty, by turns. */
static enum sim_drive drive(void *ctx, struct text uri)
{
	struct proof *p = ctx;

	(void)uri;
	if (p->at.duds >= p->scene.duds)
		return SIM_DRIVE_BOOTS;
	return ++p->at.duds % 2 ? SIM_DRIVE_EMPTY : SIM_DRIVE_NONE;
}

/* ------------------------------------------------------------- worlds -- */

static void mac_parse(struct text text, unsigned char *mac)
{
	for (size_t i = 0; i < 6 && text.len >= 3 * i + 2; i++)
		(void)hex_bytes(text.ptr + 3 * i, &mac[i], 1);
}

static void mac_from_number(uint32_t number, unsigned char *mac)
{
	mac[0] = 2;
	mac[1] = 0;
	for (size_t i = 0; i < 4; i++)
		mac[2 + i] = (unsigned char)(number >> (24 - 8 * i));
}

/* Numbers that some node has; 0 stands for all that are too large to matter. */
static uint32_t mac_to_number(const unsigned char *mac, size_t most)
{
	uint32_t number = 0;

	for (size_t i = 2; i < 6; i++)
		number = number << 8 | mac[i];
	return mac[0] == 2 && mac[1] == 0 && number <= most ? number : 0;
}

void proof_find_foreign(struct proof *p)
{
	size_t most = 2, found = 0;
	bool *taken;

	for (size_t i = 0; i < p->site->node_count; i++)
		most += p->site->nodes[i].mac_count;
	taken = arena_new_array(&p->arena, most + 1, bool);
	for (size_t i = 0; i < p->site->node_count; i++) {
		const struct node *node = &p->site->nodes[i];
		unsigned char mac[6] = { 0 };

		for (size_t j = 0; j < node->mac_count; j++) {
			if (!has_prefix(node->macs[j].text, "02:00:"))
				continue;
			mac_parse(node->macs[j].text, mac);
			taken[mac_to_number(mac, most)] = true;
		}
	}
	for (size_t i = 1; i <= most && found < 2; i++)
		if (!taken[i])
			mac_from_number((uint32_t)i, p->foreign[found++]);
}

/* Marks that are nobody's, as all firmware has some. */
#define FOREIGN_UUID "c0ffee00-feed-4bad-8ace-0123456789ab"
#define FOREIGN_TEXT "nobody's (proof)"

bool proof_are_marks_foreign(const struct site *site)
{
	for (size_t i = 0; i < site->node_count; i++) {
		const struct node *node = &site->nodes[i];

		if (text_is(node->uuid.text, FOREIGN_UUID) ||
		    text_is(node->serial.text, FOREIGN_TEXT) ||
		    text_is(node->asset.text, FOREIGN_TEXT))
			return false;
	}
	return true;
}

void proof_add_foreign_marks(struct proof *p)
{
	struct sim_world *world = &p->world;

	if (!p->marks_are_foreign)
		return;
	if (!world->uuid.ptr)
		world->uuid = TEXT(FOREIGN_UUID);
	if (!world->serial.ptr)
		world->serial = TEXT(FOREIGN_TEXT);
	if (!world->asset.ptr)
		world->asset = TEXT(FOREIGN_TEXT);
}

static bool has_mac(const struct node *node, const unsigned char *mac)
{
	for (size_t i = 0; node && i < node->mac_count; i++) {
		unsigned char own[6] = { 0 };

		mac_parse(node->macs[i].text, own);
		if (memcmp(own, mac, sizeof(own)) == 0)
			return true;
	}
	return false;
}

static void add_card(struct proof *p, const unsigned char *mac)
{
	size_t i = p->world.card_count++;

	p->cards[i] = (struct sim_card){ .link = false };
	memcpy(p->cards[i].mac, mac, sizeof(p->cards[i].mac));
	p->about[i].own = has_mac(p->machine->node, mac);
	scene_connect(&p->scene, p->about[i].own, p->at.pauses, &p->cards[i]);
}

void proof_pause(struct proof *p)
{
	progress_pause(&p->at);
	p->timed = false;
	for (size_t i = 0; i < p->world.card_count; i++)
		scene_connect(&p->scene, p->about[i].own, p->at.pauses,
			      &p->cards[i]);
}

void proof_rewind(struct proof *p)
{
	p->at = (struct progress){ .hits = 0 };
	p->loader = p->disks = 0;
	p->chosen = p->shell = p->timed = p->looked_for_disk = false;
	for (size_t i = 0; i < p->world.card_count; i++)
		scene_connect(&p->scene, p->about[i].own, 0, &p->cards[i]);
}

bool proof_card_is(const struct proof *p, size_t card, struct text nic)
{
	unsigned char mac[6] = { 0 };

	if (has_prefix(nic, "net"))
		return (size_t)atoi(nic.ptr + 3) == card;
	mac_parse(nic, mac);
	return memcmp(p->cards[card].mac, mac, sizeof(mac)) == 0;
}

/* Settings that DHCP may bring: those whose names the script might use. */
static const struct sim_given leased[] = {
	{ "hostname", "node" },
	{ "filename", "http://elsewhere/evil" },
	{ "crosscert", "http://elsewhere/" },
	{ "user-class", "mac" },
	{ "224", "goto stop" },
	{ "skip-san-boot", "1" },
	{ "keep-san", "1" },
	{ "netmask", PROOF_NETMASK },
	{ "gateway", PROOF_GATEWAY },
};

void proof_set_world(struct proof *p, const struct scene *scene)
{
	p->scene = *scene;
	p->fault = NULL;
	p->booted = p->drive = NULL;
	sbuf_reset(&p->details);
	p->world = (struct sim_world){
		.ctx = p,
		.cards = p->cards,
		.platform = scene->kind.platform,
		.arch = scene->kind.buildarch,
		.secure_boot = scene->kind.secure_boot,
		.disk = scene->disk,
		.stray = true,
		.given = leased,
		.given_count = sizeof(leased) / sizeof(*leased),
		.fetch = fetch,
		.drive = drive,
		.fetch_state = world_state,
		.choose = choose,
		.starts = starts,
		.event = proof_observe,
	};
	proof_rewind(p);
}

/* As what a machine shows itself: a card, or what its firmware says. */
void proof_set_identity(struct proof *p, const struct node *node, size_t which,
			bool crowd)
{
	unsigned char mac[6] = { 0 };

	if (crowd || which >= node->mac_count)
		add_card(p, p->foreign[0]);
	if (which < node->mac_count) {
		mac_parse(node->macs[which].text, mac);
		add_card(p, mac);
	}
	if (crowd)
		add_card(p, p->foreign[1]);
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

/* Cards count before the UUID, that before the serial number, and that before the
 * asset tag; cards in their order. */
void proof_add_weaker(struct proof *p, const struct node *node, size_t which)
{
	const struct node *of[MARKS];
	bool by_card = which < node->mac_count;
	unsigned char mac[6] = { 0 };

	for (enum mark mark = MARK_MAC; mark < MARKS; mark++)
		of[mark] = proof_marked(p, mark, node);
	if (by_card && of[MARK_MAC]) {
		mac_parse(of[MARK_MAC]->macs[0].text, mac);
		add_card(p, mac);
	}
	if (by_card && of[MARK_UUID])
		p->world.uuid = of[MARK_UUID]->uuid.text;
	if ((by_card || p->world.uuid.ptr) && of[MARK_SERIAL])
		p->world.serial = of[MARK_SERIAL]->serial.text;
	if (!p->world.asset.ptr && of[MARK_ASSET])
		p->world.asset = of[MARK_ASSET]->asset.text;
}

size_t identity_count(const struct node *node)
{
	return node->mac_count + (node->uuid.text.ptr != NULL) +
	       (node->serial.text.ptr != NULL) + (node->asset.text.ptr != NULL);
}

void proof_add_mac(struct proof *p, struct text mac)
{
	unsigned char bytes[6] = { 0 };
	char digits[3] = "";

	for (size_t i = 0; i < sizeof(bytes) && mac.len >= 2 * i + 2; i++) {
		memcpy(digits, mac.ptr + 2 * i, 2);
		bytes[i] = (unsigned char)strtoul(digits, NULL, 16);
	}
	add_card(p, bytes);
}

void proof_set_traits(struct proof *p, const struct traits *traits)
{
	const struct text *of = traits->of;

	p->world.manufacturer = of[TRAIT_MANUFACTURER];
	p->world.product = of[TRAIT_PRODUCT];
	p->world.serial = of[TRAIT_SERIAL];
	p->world.asset = of[TRAIT_ASSET];
	p->world.uuid = of[TRAIT_UUID];
	if (of[TRAIT_MAC].ptr)
		proof_add_mac(p, of[TRAIT_MAC]);
	for (size_t i = 0; i < traits->more_mac_count; i++)
		proof_add_mac(p, traits->more_macs[i]);
}

void proof_add_foreign_card(struct proof *p)
{
	add_card(p, p->foreign[0]);
}

static bool has_card(const struct proof *p, const unsigned char *mac)
{
	for (size_t i = 0; i < p->world.card_count; i++)
		if (memcmp(p->cards[i].mac, mac, sizeof(p->cards[i].mac)) == 0)
			return true;
	return false;
}

static bool is_of_nodes(const struct proof *p, const unsigned char *mac)
{
	for (size_t i = 0; i < p->site->node_count; i++)
		if (has_mac(&p->site->nodes[i], mac))
			return true;
	return false;
}

/* Whether another rule would hold for an unknown machine with one more card. */
static bool is_ruled_alike(const struct proof *p, const unsigned char *mac)
{
	char digits[PROOF_CARDS_MAX][MAC_DIGITS + 1];
	struct text macs[PROOF_CARDS_MAX];
	struct traits traits = *p->traits;
	const struct rule *rule;

	for (size_t i = 0; i <= p->world.card_count; i++) {
		const unsigned char *b =
			i < p->world.card_count ? p->cards[i].mac : mac;

		snprintf(digits[i], sizeof(digits[i]),
			 "%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2], b[3],
			 b[4], b[5]);
		macs[i] = (struct text){ digits[i], MAC_DIGITS };
	}
	traits.of[TRAIT_MAC] = macs[0];
	traits.more_macs = macs + 1;
	traits.more_mac_count = p->world.card_count;
	rule = rule_of(p->site, &traits);
	return rule ? rule == p->machine->rule : !p->machine->rule;
}

/* Whether the machine is still the same with this card, which counts more than
 * what its firmware says. */
static bool may_have(const struct proof *p, const unsigned char *mac)
{
	if (p->machine->node && p->machine->node->mac_count)
		return true;
	return !is_of_nodes(p, mac) && (!p->traits || is_ruled_alike(p, mac));
}

/* The cards that a machine is to use are in it, where it could have them. */
static void add_nic(struct proof *p, struct text nic)
{
	unsigned char mac[6];
	size_t number;

	if (strncmp(nic.ptr, "net", 3) != 0) {
		mac_parse(nic, mac);
		if (!has_card(p, mac) && may_have(p, mac))
			add_card(p, mac);
		return;
	}
	number = (size_t)atoi(nic.ptr + 3);
	/* Rules are about the addresses of all cards: no other ones. */
	memcpy(mac,
	       p->traits && p->world.card_count ? p->cards[0].mac
						: p->foreign[1],
	       sizeof(mac));
	while (p->world.card_count <= number && may_have(p, mac))
		add_card(p, mac);
}

void proof_add_nics(struct proof *p)
{
	const struct uplink *uplink = proof_uplink(p);

	for (size_t i = 0; i < uplink->nic_count; i++)
		add_nic(p, uplink->nics[i]);
}

void proof_set_machine(struct proof *p)
{
	if (p->machine->node)
		proof_set_identity(p, p->machine->node, 0, true);
	else if (p->traits)
		proof_set_traits(p, p->traits);
	else
		add_card(p, p->foreign[0]);
	if (!p->traits)
		proof_add_foreign_marks(p);
	proof_add_nics(p);
	proof_set_firmware(p);
}
