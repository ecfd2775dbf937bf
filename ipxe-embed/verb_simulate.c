#include "verbs.h"

#include "arena.h"
#include "asset.h"
#include "cleanup.h"
#include "diag.h"
#include "ir.h"
#include "no_node.h"
#include "plan.h"
#include "published.h"
#include "quote.h"
#include "report.h"
#include "sbuf.h"
#include "simulate.h"
#include "simulate_trace.h"
#include "statcache.h"
#include "value.h"
#include "vec.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct simulate_options {
	struct words nics, fail, tamper, choose;
	const char *uuid, *serial, *asset, *manufacturer, *product, *arch;
	int platform;
	bool secure_boot, disk, offline, unknown, json;
};

static const char *const platforms[] = { "pcbios", "efi", NULL };

/* One run, and what is shown of it. */
struct simulation {
	const struct call *call;
	const struct simulate_options *options;
	const struct plan *plan;
	const struct node *node;
	struct published tree;
	struct sim *sim;
	struct sim_world world;
	VEC(struct sim_card) cards;
	size_t chosen; /* of options->choose */
	struct sim_colours colours;
	struct sbuf out;
	bool first; /* of the events of a JSON list */
};

/* ------------------------------------------------------------- world -- */

static bool matches(const struct words *globs, struct text url)
{
	vec_foreach (const char *, glob, globs)
		if (fnmatch(*glob, url.ptr, 0) == 0)
			return true;
	return false;
}

static enum harm harm_of(void *ctx, const struct published_item *item)
{
	const struct simulation *s = ctx;

	if (matches(&s->options->fail, item->url))
		return HARM_LOST;
	return matches(&s->options->tamper, item->url) ? HARM_TAMPERED
						       : HARM_NONE;
}

static const struct sim_content *fetch(void *ctx, struct text url)
{
	bool stray;

	return published_fetch(&((struct simulation *)ctx)->tree, url, &stray);
}

/* All drives boot but those that fail. */
static enum sim_drive drive(void *ctx, struct text uri)
{
	const struct simulation *s = ctx;

	return matches(&s->options->fail, uri) ? SIM_DRIVE_NONE
					       : SIM_DRIVE_BOOTS;
}

static uint64_t fetch_state(void *ctx)
{
	return ((struct simulation *)ctx)->chosen;
}

/* The next choice that was given, if this menu has it; else nobody is there. */
static size_t choose(void *ctx, struct text title, const struct sim_item *items,
		     size_t count)
{
	struct simulation *s = ctx;
	const struct words *choices = &s->options->choose;

	(void)title;
	if (s->chosen >= choices->count)
		return SIZE_MAX;
	for (size_t i = 0; i < count; i++) {
		if (!items[i].name.ptr ||
		    !text_is(items[i].name, choices->at[s->chosen]))
			continue;
		s->chosen++;
		return i;
	}
	return SIZE_MAX;
}

/* ------------------------------------------------------------- trace -- */

static void put_field(struct sbuf *out, const char *name, struct text value)
{
	sbuf_printf(out, ", \"%s\": ", name);
	quote_json(out, value);
}

static void put_json_image(const struct sim_image *image, struct sbuf *out)
{
	sbuf_puts(out, "{ \"name\": ");
	quote_json(out, image->name);
	put_field(out, "url", image->url);
	put_field(out, "arguments", image->arguments);
	sbuf_puts(out, " }");
}

static void put_json_boot(const struct simulation *s,
			  const struct sim_image *kernel, struct sbuf *out)
{
	size_t count;
	struct sim_image *const *images = sim_images(s->sim, &count);

	sbuf_puts(out, ", \"kernel\": ");
	put_json_image(kernel, out);
	sbuf_puts(out, ", \"initrds\": [");
	for (size_t i = 0; i < count; i++) {
		sbuf_puts(out, i ? ", " : "");
		put_json_image(images[i], out);
	}
	sbuf_putc(out, ']');
}

static void put_json_event(struct simulation *s, const struct sim_event *event)
{
	struct sbuf *out = &s->out;
	const char *name = sim_event_name(event->kind);

	if (!name || event->kind == SIM_END)
		return;
	sbuf_printf(out, "%s\n    { \"event\": \"%s\", \"good\": %s",
		    s->first ? "" : ",", name, event->good ? "true" : "false");
	s->first = false;
	if (event->text.ptr)
		put_field(out, "text", event->text);
	if (event->more.ptr)
		put_field(out, "more", event->more);
	if (event->image)
		put_field(out, "image", event->image->name);
	if (event->kind == SIM_SLEEP)
		sbuf_printf(out, ", \"seconds\": %lu", event->number);
	if (event->kind == SIM_BOOT)
		put_json_boot(s, event->image, out);
	sbuf_puts(out, " }");
}

static void show_event(void *ctx, const struct sim_event *event)
{
	struct simulation *s = ctx;

	if (s->options->json)
		put_json_event(s, event);
	else if (event->kind != SIM_END)
		sim_event_show(s->sim, event, &s->colours, &s->out);
}

static void show_begin(struct simulation *s)
{
	if (!s->options->json)
		return;
	s->first = true;
	sbuf_puts(&s->out, "{\n  \"events\": [");
}

static void show_end(struct simulation *s, enum sim_end end)
{
	if (s->options->json) {
		sbuf_puts(&s->out, "\n  ],\n  \"end\": ");
		quote_json(&s->out, text_of(sim_end_text(end)));
		put_field(&s->out, "node", sim_setting(s->sim, "node"));
		sbuf_puts(&s->out, "\n}\n");
	} else {
		sbuf_printf(&s->out, "%sIt %s.%s\n", s->colours.strong,
			    sim_end_text(end), s->colours.reset);
	}
}

/* ----------------------------------------------------------- machine -- */

static enum status find_node(struct simulation *s)
{
	const struct site *site = s->plan->effective->site;
	const char *name = s->call->operands[1];

	for (size_t i = 0; i < site->node_count; i++)
		if (text_is(site->nodes[i].name, name))
			s->node = &site->nodes[i];
	return s->node ? STATUS_OK : report_no_node(s->call, site, name, "");
}

static enum status add_card(struct simulation *s, const char *given)
{
	bool online = !s->options->offline;
	struct sim_card *card;
	struct text mac;
	const char *wrong = value_mac(s->call->arena, text_of(given), &mac);

	if (wrong)
		return report_usage(s->call, "--mac %s: it %s", given, wrong);
	card = vec_push(s->call->arena, &s->cards);
	card->link = card->dhcp = online;
	for (size_t i = 0; i < sizeof(card->mac); i++)
		card->mac[i] =
			(unsigned char)strtoul(mac.ptr + 3 * i, NULL, 16);
	return STATUS_OK;
}

/* Of the cards of those who are no node. */
#define FOREIGN_MAC "02:00:00:00:00:01"

static enum status add_cards(struct simulation *s)
{
	const struct simulate_options *o = s->options;
	enum status status = STATUS_OK;

	for (size_t i = 0; i < o->nics.count && !status; i++)
		status = add_card(s, o->nics.at[i]);
	for (size_t i = 0;
	     s->node && !o->nics.count && i < s->node->mac_count && !status;
	     i++)
		status = add_card(s, s->node->macs[i].text.ptr);
	if (!status && !s->cards.count)
		status = add_card(s, FOREIGN_MAC);
	return status;
}

static struct text fact(const char *given, const struct located *of_node)
{
	if (given)
		return text_of(given);
	return of_node ? of_node->text : (struct text){ NULL, 0 };
}

/* What a DHCP server says besides an address. */
static const struct sim_given leased[] = {
	{ "netmask", "255.255.255.0" },
	{ "gateway", "10.0.2.2" },
};

static void set_world(struct simulation *s)
{
	const struct simulate_options *o = s->options;
	const struct node *node = s->node;

	s->world = (struct sim_world){
		.ctx = s,
		.cards = s->cards.at,
		.card_count = s->cards.count,
		.platform = platforms[o->platform],
		.arch = o->arch,
		.uuid = fact(o->uuid, node ? &node->uuid : NULL),
		.serial = fact(o->serial, node ? &node->serial : NULL),
		.asset = fact(o->asset, node ? &node->asset : NULL),
		.manufacturer = fact(o->manufacturer, NULL),
		.product = fact(o->product, NULL),
		.secure_boot = o->secure_boot,
		.disk = o->disk,
		.given = leased,
		.given_count = sizeof(leased) / sizeof(*leased),
		.fetch = fetch,
		.drive = drive,
		.fetch_state = fetch_state,
		.choose = choose,
		.event = show_event,
	};
}

static enum status find_machine(struct simulation *s)
{
	const struct simulate_options *o = s->options;
	enum status status = STATUS_OK;

	if (s->call->operand_count > 1 && o->unknown)
		return report_usage(s->call, "a node is not unknown");
	if (s->call->operand_count > 1)
		status = find_node(s);
	else if (!o->unknown && !o->nics.count && !o->uuid && !o->serial &&
		 !o->asset && !o->manufacturer && !o->product)
		return report_usage(s->call,
				    "which machine? Name a node, or say what "
				    "it shows (--mac, --uuid, --serial, "
				    "--asset, --manufacturer, --product), or "
				    "--unknown");
	if (status == STATUS_OK)
		status = add_cards(s);
	return status;
}

/* --------------------------------------------------------------- run -- */

static const struct sim_colours terminal = {
	.good = "\033[32m",
	.bad = "\033[31m",
	.faint = "\033[2m",
	.strong = "\033[1m",
	.reset = "\033[0m",
};
static const struct sim_colours plain = { "", "", "", "", "" };

static void simulate(struct simulation *s)
{
	struct arena arena = { 0 };
	const struct sim_script *script =
		sim_script_new(&arena, s->plan->script);

	/* call->colour is that of standard error. */
	s->colours =
		s->call->colour && isatty(STDOUT_FILENO) ? terminal : plain;
	s->sim = sim_new();
	set_world(s);
	show_begin(s);
	show_end(s, sim_run(s->sim, script, &s->world));
	fputs(sbuf_text(&s->out), stdout);
	sbuf_release(&s->out);
	sim_free(s->sim);
	published_release(&s->tree);
	arena_release(&arena);
}

static enum status compile_site(struct simulation *s)
{
	const struct call *call = s->call;
	struct statcache *cache = statcache_open(NULL);
	struct assets assets = { .cache = cache, .arena = call->arena };
	struct compile_env env = asset_env(&assets);
	struct diags ds = { .arena = call->arena };
	enum status status;

	s->plan = compile(call->arena, call->operands[0], &env, &ds);
	status = report_diags(call, &ds);
	statcache_save(cache);
	statcache_free(cache);
	return status;
}

static enum status run_simulate(struct call *call)
{
	struct simulation s = { .call = call, .options = call->options };
	enum status status = compile_site(&s);

	if (status == STATUS_OK)
		status = find_machine(&s);
	if (status != STATUS_OK)
		return status;
	s.tree = (struct published){ .plan = s.plan,
				     .ctx = &s,
				     .harm = harm_of };
	simulate(&s);
	return STATUS_OK;
}

static const struct option_row rows[] = {
	{ .name = "mac",
	  .value = "MAC",
	  .help = "Address of a network card; repeat it for net1 and so on. "
		  "Otherwise the cards of the node.",
	  OPTION_LIST(struct simulate_options, nics) },
	{ .name = "uuid",
	  .value = "UUID",
	  .help = "What the firmware says of the machine; so do the next four.",
	  OPTION_TEXT(struct simulate_options, uuid) },
	{ .name = "serial",
	  .value = "TEXT",
	  .help = "Its serial number.",
	  OPTION_TEXT(struct simulate_options, serial) },
	{ .name = "asset",
	  .value = "TEXT",
	  .help = "Its asset tag.",
	  OPTION_TEXT(struct simulate_options, asset) },
	{ .name = "manufacturer",
	  .value = "TEXT",
	  .help = "Its manufacturer.",
	  OPTION_TEXT(struct simulate_options, manufacturer) },
	{ .name = "product",
	  .value = "TEXT",
	  .help = "Its product name.",
	  OPTION_TEXT(struct simulate_options, product) },
	{ .name = "unknown",
	  .help = "A machine that is no node.",
	  OPTION_FLAG(struct simulate_options, unknown) },
	{ .name = "arch",
	  .value = "ARCH",
	  .help = "What the image was built for, as iPXE names it. Default: "
		  "x86_64, or i386 for pcbios.",
	  OPTION_TEXT(struct simulate_options, arch) },
	{ .name = "platform",
	  .help = "Its firmware.",
	  .fallback = "pcbios",
	  OPTION_CHOICE(struct simulate_options, platform, platforms) },
	{ .name = "secure-boot",
	  .help = "The firmware runs only what is signed for it.",
	  OPTION_FLAG(struct simulate_options, secure_boot) },
	{ .name = "disk",
	  .help = "It has a disk that boots.",
	  OPTION_FLAG(struct simulate_options, disk) },
	{ .name = "offline",
	  .help = "No card has a link.",
	  OPTION_FLAG(struct simulate_options, offline) },
	{ .name = "fail",
	  .value = "GLOB",
	  .help = "URLs that cannot be fetched, drives that cannot be "
		  "opened.",
	  OPTION_LIST(struct simulate_options, fail) },
	{ .name = "tamper",
	  .value = "GLOB",
	  .help = "URLs that answer with something else.",
	  OPTION_LIST(struct simulate_options, tamper) },
	{ .name = "choose",
	  .value = "ITEM",
	  .help = "What is chosen in the next menu that has it. Nobody is "
		  "there afterwards.",
	  OPTION_LIST(struct simulate_options, choose) },
	{ .name = "json",
	  .help = "The trace as a JSON document.",
	  OPTION_FLAG(struct simulate_options, json) },
	{ 0 },
};

const struct verb verb_simulate = {
	.name = "simulate",
	.operands = "SITE [NODE]",
	.summary = "Show what a machine would do, step by step",
	.text = "Runs the boot script of the site by the rules of iPXE, in a "
		"machine that is made up, and shows all that it does: what it "
		"fetches, verifies, says, boots, and where it ends. Nothing is "
		"fetched or booted, and it takes milliseconds. Things can be "
		"made to go wrong, to see what would become of the machine "
		"then.\n\n"
		"Every build runs the same for each node and each thing that "
		"may fail, and refuses to write what would send one astray "
		"(E950).",
	.options = rows,
	.options_bytes = sizeof(struct simulate_options),
	.run = run_simulate,
	.examples =
		(const struct example[]){
			{ "ipxe-embed simulate site.yaml kube-master",
			  "How a node boots." },
			{ "ipxe-embed simulate site.yaml kube-master --platform "
			  "efi --tamper '*/initrd*'",
			  "The same, where somebody changed its initrd." },
			{ "ipxe-embed simulate site.yaml --unknown --disk",
			  "What a machine does that is no node." },
			{ "ipxe-embed simulate site.yaml --manufacturer "
			  "'Dell Inc.' --arch arm64 --platform efi",
			  "Which rule for unknown machines holds for this "
			  "one, and what it does then." },
			{ 0 },
		},
};
