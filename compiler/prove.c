#include "prove.h"

#include "arena.h"
#include "cleanup.h"
#include "emit.h"
#include "map.h"
#include "prove_parts.h"
#include "published.h"
#include "sbuf.h"
#include "simulate_trace.h"

#include <stdio.h>
#include <stdlib.h>

/* What is shown: a fault of the emitter hits all machines alike. */
enum { FAULTS_MAX = 3, TRACE_LINES = 12, CARDS_MAX = 3 + 2 * NICS_MAX };

struct proof {
	const struct plan *plan;
	const struct site *site;
	struct diags *ds;
	struct arena arena;
	struct sim *sim;
	const struct sim_script *script;
	struct map structures; /* of orders that have been looked at fully */
	struct published tree;
	struct sim_world world;
	struct sim_card cards[CARDS_MAX];
	unsigned char foreign[2][6];
	char order[32], reached[32];
	struct text *words;       /* of plan_words() */
	struct map order_scripts; /* its text -> number of the blob, plus one */
	const struct blob **script_of; /* by number of the order, less one */

	/* Of the run that is going on. */
	const struct machine *machine;
	const struct blob *order_script; /* of the machine; NULL: embedded */
	struct scene scene;
	const struct boot *booted; /* that a kernel was started for */
	bool chosen;               /* the item that was wanted in a menu */
	const char *fault;         /* found in the midst of it */
	struct sbuf details;
	struct sbuf *trace; /* NULL: nobody wants it */
};

/* ------------------------------------------------------------- fetch -- */

static bool verifies(const struct proof *p, enum verify how)
{
	return p->plan->verify & how;
}

static enum harm harm_in_scene(void *ctx, const struct published_item *item)
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

/* ---------------------------------------------------------- observing -- */

static bool is_blob(const struct sim_image *image, const struct blob *blob)
{
	struct text url = image->url;

	return image->content && image->content->genuine &&
	       strip_suffix(&url, blob->path.ptr);
}

static bool is_verified(const struct proof *p, const struct sim_image *image)
{
	if (verifies(p, VERIFY_SIGNATURE) &&
	    !(image->verified & SIM_BY_SIGNATURE))
		return false;
	if (verifies(p, VERIFY_DIGEST) && !(image->verified & SIM_BY_DIGEST))
		return false;
	return !verifies(p, VERIFY_SECURE_BOOT) ||
	       (image->content && image->content->signed_for_firmware);
}

static bool has_file_arguments(const struct sim_image *image,
			       const struct injected *file)
{
	char mode[64];
	struct text rest = image->arguments;

	snprintf(mode, sizeof(mode), " mode=%04o mkdir=-1", file->mode);
	return strip_suffix(&rest, mode) && text_equal(rest, file->path);
}

/* Exactly the initrds and files of a boot, in this order. */
static bool are_initrds(struct sim_image *const *images, size_t count,
			const struct boot *boot)
{
	if (boot->uki)
		return count == 0;
	if (count != boot->initrd_count + boot->file_count)
		return false;
	for (size_t i = 0; i < boot->initrd_count; i++)
		if (!is_blob(images[i], boot->initrds[i]) ||
		    images[i]->arguments.len)
			return false;
	images += boot->initrd_count;
	for (size_t i = 0; i < boot->file_count; i++)
		if (!is_blob(images[i], boot->files[i].blob) ||
		    !has_file_arguments(images[i], &boot->files[i]))
			return false;
	return true;
}

static bool are_arguments(struct proof *p, struct text given,
			  const struct boot *boot)
{
	CLEANUP(sbuf) wanted = { 0 };
	bool initrds = boot->initrd_count || boot->file_count;

	if (boot->uki)
		return given.len == 0;
	if (strcmp(p->scene.platform, "efi") == 0 && initrds)
		sbuf_puts(&wanted, "initrd=initrd.magic");
	for (size_t i = 0; i < boot->arg_count; i++) {
		if (wanted.len)
			sbuf_putc(&wanted, ' ');
		sbuf_add(&wanted, boot->args[i].ptr, boot->args[i].len);
	}
	/* Words that are empty on iPXE leave their space. */
	while (given.len && *given.ptr == ' ')
		given.ptr++, given.len--;
	while (given.len && given.ptr[given.len - 1] == ' ')
		given.len--;
	return text_equal(given,
			  (struct text){ sbuf_text(&wanted), wanted.len });
}

static const struct boot *boot_of(const struct proof *p,
				  const struct sim_image *image)
{
	for (size_t i = 0; i < p->machine->action_count; i++) {
		const struct boot *boot = p->machine->actions[i].boot;

		if (boot &&
		    is_blob(image, boot->uki ? boot->uki : boot->kernel))
			return boot;
	}
	return NULL;
}

static void observe_boot(struct proof *p, const struct sim_image *kernel)
{
	size_t count;
	struct sim_image *const *images = sim_images(p->sim, &count);
	const struct boot *boot =
		intention_of(p->plan, p->machine, p->order_script, &p->scene)
			.boot;

	if (!is_verified(p, kernel))
		p->fault = "uses a kernel that is not verified";
	for (size_t i = 0; i < count; i++)
		if (!is_verified(p, images[i]))
			p->fault = "could use an item that is not verified";
	if (verifies(p, VERIFY_SIGNATURE) && !sim_trust_required(p->sim))
		p->fault = "would run programs that are not trusted";
	if (p->fault)
		return;
	if (!boot)
		boot = boot_of(p, kernel);
	p->booted = boot;
	if (!boot || !is_blob(kernel, boot->uki ? boot->uki : boot->kernel))
		p->fault = "boots a kernel that is not its own";
	else if (!are_initrds(images, count, boot))
		p->fault = "boots with initrds that are not its own";
	else if (!are_arguments(p, kernel->arguments, boot))
		p->fault = "boots with arguments that are not its own";
}

/* Scripts of nodes are signed, and those of boot orders named by their digest. */
static void observe_script(struct proof *p, const struct sim_image *script)
{
	if (!script->content) /* the one of the image */
		return;
	if (!script->verified || !script->content->genuine)
		p->fault = "runs a script that is not verified";
}

static void observe(void *ctx, const struct sim_event *event)
{
	struct proof *p = ctx;

	if (p->trace)
		sim_event_show(p->sim, event, NULL, p->trace);
	if (event->kind == SIM_BOOT)
		observe_boot(p, event->image);
	if (event->kind == SIM_SCRIPT_RUN)
		observe_script(p, event->image);
	if (event->kind == SIM_UNMODELLED) {
		p->fault = "runs what the proof does not know";
		sbuf_reset(&p->details);
		sbuf_add(&p->details, event->text.ptr, event->text.len);
	}
}

/* ------------------------------------------------------------- faults -- */

static void describe_scene(const struct proof *p, struct sbuf *out)
{
	static const char *const harms[] = {
		[HARM_NONE] = "",
		[HARM_LOST] = " cannot be fetched",
		[HARM_TAMPERED] = " was changed on the way",
		[HARM_SWAPPED] = " of nodes is that of others",
	};
	const struct scene *scene = &p->scene;

	sbuf_printf(out, "on %s%s", scene->platform,
		    scene->secure_boot ? " with Secure Boot" : "");
	if (scene->disk)
		sbuf_puts(out, ", with a disk that boots");
	if (scene->offline)
		sbuf_puts(out, ", without a network");
	if (scene->person == PERSON_LEAVES)
		sbuf_puts(out, ", leaving every menu");
	if (scene->person == PERSON_CHOOSES) {
		const struct menu *menu = p->machine->menus[scene->menu].menu;

		sbuf_printf(out, ", choosing %s in menu %s",
			    menu->items[scene->item].name.ptr, menu->name.ptr);
	}
	if (scene->harm && scene->victim)
		sbuf_printf(out, ", when %s%s%s", scene->victim->path.ptr,
			    scene->victim_signature ? ".sig" : "",
			    harms[scene->harm]);
	else if (scene->harm)
		sbuf_printf(out, ", when everything%s", harms[scene->harm]);
	if (scene->harm && scene->base.ptr)
		sbuf_printf(out, " at %s", scene->base.ptr);
}

/* The last lines of a text. */
static const char *tail(struct sbuf *text, size_t lines)
{
	const char *begin;

	if (text->len)
		text->ptr[--text->len] = '\0';
	begin = sbuf_text(text) + text->len;

	while (begin > sbuf_text(text)) {
		if (begin[-1] == '\n' && --lines == 0)
			break;
		begin--;
	}
	return begin;
}

/* Once more, with somebody looking. */
static void record(struct proof *p, struct sbuf *trace)
{
	p->trace = trace;
	p->chosen = false;
	(void)sim_run(p->sim, p->script, &p->world);
	p->trace = NULL;
}

static void report(struct proof *p, enum sim_end end)
{
	const struct node *node = p->machine->node;
	const char *fault = p->fault ? p->fault : sim_end_text(end);
	const char *details =
		arena_copy(p->ds->arena, p->details.ptr, p->details.len);
	CLEANUP(sbuf) scene = { 0 };
	CLEANUP(sbuf) trace = { 0 };
	struct intention intention =
		intention_of(p->plan, p->machine, p->order_script, &p->scene);
	struct diag *diag;

	describe_scene(p, &scene);
	record(p, &trace);
	diag = diag_at(p->ds, DIAG_E950, node ? node->at : (struct span){ 0 },
		       "%s%s, %s, %s%s%s", node ? "node " : "",
		       node ? node->name.ptr : "an unknown machine",
		       sbuf_text(&scene), fault, *details ? ": " : "", details);
	diag_help(p->ds, diag, "by the site it %s%s%s",
		  sim_end_text(intention.end),
		  intention.boot ? " of profile " : "",
		  intention.boot ? intention.boot->profile->name.ptr : "");
	diag_help(p->ds, diag, "the last that it does:\n%s",
		  tail(&trace, TRACE_LINES));
}

/* ------------------------------------------------------------- worlds -- */

static void mac_parse(struct text text, unsigned char *mac)
{
	for (size_t i = 0; i < 6 && text.len >= 3 * i + 2; i++)
		mac[i] = (unsigned char)strtoul(text.ptr + 3 * i, NULL, 16);
}

/* Of cards that are in no node; the first is lower than theirs, mostly. */
static void find_foreign(struct proof *p)
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

static void set_world(struct proof *p, const struct scene *scene)
{
	p->scene = *scene;
	p->chosen = false;
	p->fault = NULL;
	p->booted = NULL;
	sbuf_reset(&p->details);
	p->world = (struct sim_world){
		.ctx = p,
		.cards = p->cards,
		.platform = scene->platform,
		.secure_boot = scene->secure_boot,
		.disk = scene->disk,
		.stray = true,
		.given = hostile,
		.given_count = sizeof(hostile) / sizeof(*hostile),
		.fetch = fetch,
		.fetch_state = person_state,
		.choose = choose,
		.event = observe,
	};
}

/* As what a machine shows itself: a card, or what its firmware says. */
static void set_identity(struct proof *p, const struct node *node, size_t which,
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

static size_t identity_count(const struct node *node)
{
	return node->mac_count + (node->uuid.text.ptr != NULL) +
	       (node->serial.text.ptr != NULL) + (node->asset.text.ptr != NULL);
}

/* ----------------------------------------------------------- dispatch -- */

/* Where the boot orders begin: up to there each node has lines of its own. */
static bool stop_at_order(void *ctx, struct text label)
{
	struct proof *p = ctx;
	size_t len = label.len < sizeof(p->reached) - 1
			     ? label.len
			     : sizeof(p->reached) - 1;

	if (!has_prefix(label, "order-") && !text_is(label, "order"))
		return false;
	memcpy(p->reached, label.ptr, len);
	p->reached[len] = '\0';
	return true;
}

static void check_words(struct proof *p, const struct order *order)
{
	char name[32];

	if (order->word_count)
		plan_words(p->machine, p->words);
	for (size_t i = 0; i < order->word_count && !p->fault; i++) {
		/* In the tree, all words are variables. */
		size_t number = p->order_script ? i + 1 : order->variables[i];

		if (!number)
			continue;
		snprintf(name, sizeof(name), "v%zu", number);
		if (!text_equal(sim_setting(p->sim, name), p->words[i]))
			p->fault = "takes a word of its boot order from "
				   "elsewhere";
	}
	if (p->machine->node &&
	    !text_equal(sim_setting(p->sim, "node"), p->machine->node->name))
		p->fault = "takes itself for another node";
}

/* Does this machine come to its own order, with its own words? */
static void prove_dispatch(struct proof *p, const struct order *order)
{
	enum sim_end end;

	p->world.stop_at = stop_at_order;
	end = sim_run(p->sim, p->script, &p->world);
	if (scene_is_insecure(p->plan, &p->scene) && end == SIM_EXITED)
		return;
	if (end == SIM_STOPPED && strcmp(p->reached, p->order) == 0)
		check_words(p, order);
	else if (!p->fault)
		p->fault = "comes to another boot order than its own";
	if (p->fault)
		report(p, end);
}

/* The boot orders in the tree, by what is in them. */
static void find_order_scripts(struct proof *p)
{
	p->order_scripts.arena = &p->arena;
	p->script_of = arena_new_array(&p->arena, p->plan->order_count,
				       const struct blob *);
	for (size_t i = 0; i < p->plan->blob_count; i++) {
		const struct blob *blob = &p->plan->blobs[i];

		if (is_script(blob->bytes))
			*map_at(&p->order_scripts, blob->bytes) =
				(void *)(uintptr_t)(i + 1);
	}
}

/* NULL if what is published is another one. */
static const struct blob *order_script(struct proof *p,
				       const struct order *order)
{
	const struct blob **script = &p->script_of[order->number - 1];
	CLEANUP(sbuf) text = { 0 };
	void **slot;

	if (*script)
		return *script;
	emit_order_script(p->plan, order, &text);
	slot = map_find(&p->order_scripts, (struct text){ text.ptr, text.len });
	if (slot)
		*script = &p->plan->blobs[(uintptr_t)*slot - 1];
	return *script;
}

static void set_subject(struct proof *p, const struct machine *machine,
			const struct order *order)
{
	p->machine = machine;
	p->order_script = NULL;
	published_reset(&p->tree);
	p->tree.machine = machine;
	if (!order->number) {
		snprintf(p->order, sizeof(p->order), "order-unknown");
		return;
	}
	if (!is_remote(p->plan, machine)) {
		snprintf(p->order, sizeof(p->order), "order-%zu",
			 order->number);
		return;
	}
	snprintf(p->order, sizeof(p->order), "order");
	p->order_script = order_script(p, order);
}

static struct scene scene_of_site(const struct proof *p)
{
	bool secure = verifies(p, VERIFY_SECURE_BOOT);

	return (struct scene){ .platform = secure ? "efi" : "pcbios",
			       .secure_boot = secure };
}

static void prove_node(struct proof *p, const struct machine *machine,
		       const struct order *order)
{
	struct scene scene = scene_of_site(p);
	/* What comes before the look-up of a card is the same for all nodes:
	 * those that stand for their order try it alone as well. */
	bool also_alone = machine == order->members[0];

	set_subject(p, machine, order);
	for (size_t i = 0; i < identity_count(machine->node); i++) {
		for (int alone = 0; alone <= also_alone; alone++) {
			set_world(p, &scene);
			set_identity(p, machine->node, i, !alone);
			prove_dispatch(p, order);
		}
	}
}

/* -------------------------------------------------------------- orders -- */

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

static void set_machine(struct proof *p)
{
	const struct uplink *uplink = &p->machine->uplink;

	if (p->machine->node)
		set_identity(p, p->machine->node, 0, true);
	else
		add_card(p, p->foreign[0], !p->scene.offline);
	for (size_t i = 0; i < uplink->nic_count; i++)
		add_nic(p, uplink->nics[i]);
}

static void prove_scene(struct proof *p, const struct scene *scene)
{
	struct intention intention;
	enum sim_end end;

	if (p->ds->errors >= FAULTS_MAX)
		return;
	set_world(p, scene);
	set_machine(p);
	intention = intention_of(p->plan, p->machine, p->order_script, scene);
	end = sim_run(p->sim, p->script, &p->world);
	if (p->fault || end != intention.end || intention.boot != p->booted)
		report(p, end);
}

/* Everything that a boot fetches, in the scene where it does. */
static void prove_harm(struct proof *p, struct scene scene,
		       const struct blob *blob)
{
	int signatures = verifies(p, VERIFY_SIGNATURE);

	scene.victim = blob;
	for (int signature = 0; signature <= signatures; signature++) {
		scene.victim_signature = signature;
		scene.harm = HARM_LOST;
		prove_scene(p, &scene);
		scene.harm = HARM_TAMPERED;
		prove_scene(p, &scene);
	}
}

static void prove_harms(struct proof *p, const struct scene *scene,
			struct actions actions)
{
	for (size_t i = 0; i < actions.count; i++) {
		const struct boot *boot =
			p->machine->actions[actions.first + i].boot;

		if (boot && boot->uki)
			prove_harm(p, *scene, boot->uki);
		if (!boot || boot->uki)
			continue;
		prove_harm(p, *scene, boot->kernel);
		for (size_t j = 0; j < boot->initrd_count; j++)
			prove_harm(p, *scene, boot->initrds[j]);
		for (size_t j = 0; j < boot->file_count; j++)
			prove_harm(p, *scene, boot->files[j].blob);
	}
}

/* Each item of each menu; and to leave them all. */
static void prove_menus(struct proof *p, struct scene scene)
{
	scene.person = PERSON_LEAVES;
	if (p->machine->menu_count)
		prove_scene(p, &scene);
	scene.person = PERSON_CHOOSES;
	for (scene.menu = 0; scene.menu < p->machine->menu_count;
	     scene.menu++) {
		const struct menu_boot *menu = &p->machine->menus[scene.menu];

		for (scene.item = 0; scene.item < menu->menu->item_count;
		     scene.item++) {
			prove_scene(p, &scene);
			prove_harms(p, &scene, menu->items[scene.item]);
		}
	}
}

static void prove_lost_bases(struct proof *p, struct scene scene,
			     const struct located_list *bases)
{
	for (size_t i = 0; i < bases->count; i++) {
		scene.base = bases->at[i].text;
		scene.harm = HARM_LOST;
		prove_scene(p, &scene);
		scene.harm = HARM_TAMPERED;
		prove_scene(p, &scene);
	}
}

/* All that may happen to one machine on one platform. */
static void prove_platform(struct proof *p, const char *platform, bool secure)
{
	struct scene scene = { .platform = platform, .secure_boot = secure };
	struct scene other = scene;

	for (int disk = 0; disk < 2; disk++) {
		scene.disk = other.disk = disk;
		other.harm = HARM_NONE;
		prove_scene(p, &scene);
		other.offline = true;
		prove_scene(p, &other);
		other.offline = false;
		other.harm = HARM_LOST;
		prove_scene(p, &other);
		other.harm = HARM_TAMPERED;
		prove_scene(p, &other);
	}
	scene.disk = false;
	prove_harms(p, &scene, p->machine->order);
	prove_menus(p, scene);
	prove_lost_bases(p, scene, &p->site->urls);
	prove_lost_bases(p, scene, &p->site->assets);
	if (p->order_script)
		prove_harm(p, scene, p->order_script);
	scene.harm = HARM_SWAPPED;
	if (is_remote(p->plan, p->machine) && p->site->node_count > 1)
		prove_scene(p, &scene);
}

static void set_platforms(struct proof *p, const struct order *order,
			  const struct machine *machine,
			  void (*prove_on)(struct proof *p,
					   const char *platform, bool secure))
{
	set_subject(p, machine, order);
	prove_on(p, "pcbios", false);
	prove_on(p, "efi", false);
	if (verifies(p, VERIFY_SECURE_BOOT))
		prove_on(p, "efi", true);
}

/* What the words of an order could change. */
static void prove_briefly(struct proof *p, const char *platform, bool secure)
{
	struct scene scene = { .platform = platform, .secure_boot = secure };

	prove_scene(p, &scene);
	scene.harm = HARM_TAMPERED;
	if (secure || strcmp(platform, "pcbios") == 0)
		prove_scene(p, &scene);
}

/* Orders of one structure are the same lines with other words in them. */
static bool is_new_structure(struct proof *p, const struct machine *machine)
{
	CLEANUP(sbuf) key = { 0 };
	void **slot;

	for (size_t i = 0; i < machine->action_count; i++) {
		const struct boot *boot = machine->actions[i].boot;

		sbuf_printf(&key, "%d", (int)machine->actions[i].kind);
		if (machine->actions[i].menu)
			sbuf_printf(&key, " %s",
				    machine->actions[i].menu->name.ptr);
		if (boot)
			sbuf_printf(&key, " %zu %zu %zu", boot->initrd_count,
				    boot->file_count, boot->arg_count);
		sbuf_putc(&key, '\n');
	}
	slot = map_at(&p->structures,
		      (struct text){ arena_copy(&p->arena, key.ptr, key.len),
				     key.len });
	if (*slot)
		return false;
	*slot = p;
	return true;
}

static void prove_order(struct proof *p, const struct order *order)
{
	const struct machine *first = order->members[0];

	set_platforms(p, order, first,
		      is_new_structure(p, first) ? prove_platform
						 : prove_briefly);
	if (order->member_count > 1)
		set_platforms(p, order, order->members[order->member_count - 1],
			      prove_briefly);
}

static void prove_unknown(struct proof *p)
{
	struct scene scene = scene_of_site(p);

	set_subject(p, &p->plan->effective->unknown, &p->plan->unknown);
	set_world(p, &scene);
	set_machine(p);
	prove_dispatch(p, &p->plan->unknown);
	set_world(p, &scene); /* without any card */
	if (!is_remote(p->plan, p->machine))
		prove_dispatch(p, &p->plan->unknown);
	prove_order(p, &p->plan->unknown);
}

static size_t most_words(const struct plan *plan)
{
	size_t most = plan->unknown.word_count;

	for (size_t i = 0; i < plan->order_count; i++)
		if (plan->orders[i].word_count > most)
			most = plan->orders[i].word_count;
	return most;
}

void prove(const struct plan *plan, size_t nodes_max, struct diags *ds)
{
	size_t count = plan->effective->machine_count;

	const struct effective *effective = plan->effective;
	struct proof proof = {
		.plan = plan,
		.site = effective->site,
		.ds = ds,
		.sim = sim_new(),
		.tree = { .plan = plan, .harm = harm_in_scene },
	};
	struct proof *p = &proof;

	p->tree.ctx = p;
	p->structures.arena = &p->arena;
	p->script = sim_script_new(&p->arena, plan->script);
	p->words = arena_new_array(&p->arena, most_words(plan), struct text);
	find_foreign(p);
	find_order_scripts(p);
	prove_unknown(p);
	if (count > nodes_max)
		count = nodes_max;
	for (size_t i = 0; i < count && ds->errors < FAULTS_MAX; i++)
		prove_node(p, &effective->machines[i], plan->order_of[i]);
	for (size_t i = 0; i < plan->order_count && ds->errors < FAULTS_MAX;
	     i++)
		prove_order(p, &plan->orders[i]);
	sbuf_release(&p->details);
	sim_free(p->sim);
	published_reset(&p->tree);
	arena_release(&p->arena);
}
