#include "prove_parts.h"

#include "boot_fact.h"
#include "quote.h"
#include "rules.h"

#define UUID "7d0c9a5e-6a53-4b1f-9d62-0c2b3f1e8a77"

/* What machines of the proof have in their firmware. */
static const struct {
	const char *name;
	enum trait trait;
	const char *talks, *hostile;
} texts[] = {
	{ "uuid", TRAIT_UUID, UUID, UUID },
	{ "serial", TRAIT_SERIAL, "S/N 1 100%", "${asset}" },
	{ "asset", TRAIT_ASSET, "R-12 & U-7", "{x} init=/bin/sh" },
	{ "manufacturer", TRAIT_MANUFACTURER, "Manufacturer, Inc.", "a$" },
	{ "product", TRAIT_PRODUCT, "Product={9}", "a${b" },
};
enum { TEXTS = sizeof(texts) / sizeof(*texts) };

unsigned facts_asked(const struct machine *machine)
{
	unsigned facts = 0;

	for (size_t i = 0; i < machine->action_count; i++)
		if (machine->actions[i].boot)
			facts |= machine->actions[i].boot->facts;
	return facts;
}

/* Whether this is the fact that is odd in the scene. */
static bool is_odd(const struct scene *scene, enum firmware how,
		   const char *name)
{
	return scene->firmware == how &&
	       strcmp(boot_facts[scene->fact].name, name) == 0;
}

/* What decides which machine it is, and so stays as it is in every scene: by what
 * a node without a card is known (see proof_set_identity()), and what rules for
 * unknown machines look at.
 * @return whether it decides about this, be it by saying nothing */
static bool decides(const struct proof *p, enum trait trait, struct text *ret)
{
	const struct node *node = p->machine->node;
	const struct text of[TRAITS] = {
		[TRAIT_UUID] = node ? node->uuid.text : (struct text){ 0 },
		[TRAIT_SERIAL] = node ? node->serial.text : (struct text){ 0 },
		[TRAIT_ASSET] = node ? node->asset.text : (struct text){ 0 },
	};

	if (p->traits) {
		*ret = p->traits->of[trait];
		return true;
	}
	if (!node || node->mac_count || !of[trait].ptr)
		return false;
	*ret = of[trait];
	return trait == TRAIT_UUID ||
	       (!of[TRAIT_UUID].ptr &&
		(trait == TRAIT_SERIAL || !of[TRAIT_SERIAL].ptr));
}

static struct text firmware_text(const struct proof *p, const char *name)
{
	struct text text = { NULL, 0 };
	size_t i = 0;

	while (strcmp(name, texts[i].name) != 0)
		i++;
	if (decides(p, texts[i].trait, &text))
		return text;
	if (is_odd(&p->scene, FIRMWARE_SILENT, name))
		return (struct text){ NULL, 0 };
	return text_of(is_odd(&p->scene, FIRMWARE_HOSTILE, name)
			       ? texts[i].hostile
			       : texts[i].talks);
}

/* Whether a text from the firmware is harmless once it is encoded. */
static bool is_harmless(struct text text)
{
	return text.len && text.ptr[0] != '{' &&
	       text.ptr[text.len - 1] != '$' &&
	       !memmem(text.ptr, text.len, "${", 2);
}

/* A card that is online has an address; the rest is up to DHCP. One that does
 * not say the netmask says no gateway either. */
static bool network_says(const struct proof *p, const char *name)
{
	const struct uplink *uplink = proof_uplink(p);
	bool gateway = strcmp(name, "gateway") == 0;

	if (!gateway && strcmp(name, "netmask") != 0)
		return true;
	if (uplink->ip.ptr) /* or the firmware has got a router before */
		return !gateway || uplink->gateway.ptr ||
		       p->scene.wire == WIRE_LEASED;
	return !is_odd(&p->scene, FIRMWARE_SILENT, "netmask") &&
	       !(gateway && is_odd(&p->scene, FIRMWARE_SILENT, name));
}

static bool has_fact(const struct proof *p, const struct boot_fact *fact)
{
	struct text text;

	if (fact->value && strcmp(fact->name, "uuid") != 0)
		return network_says(p, fact->name);
	text = firmware_text(p, fact->name);
	return text.ptr && (fact->value || is_harmless(text));
}

bool proof_has_facts(const struct proof *p, const struct boot *boot)
{
	for (size_t i = 0; i < BOOT_FACTS; i++)
		if ((boot->facts & 1u << i) && !has_fact(p, &boot_facts[i]))
			return false;
	return true;
}

void proof_set_firmware(struct proof *p)
{
	struct sim_world *world = &p->world;
	struct text *of[] = { &world->uuid, &world->serial, &world->asset,
			      &world->manufacturer, &world->product };

	if (!facts_asked(p->machine))
		return;
	for (size_t i = 0; i < TEXTS; i++)
		*of[i] = firmware_text(p, texts[i].name);
	/* They come last in the list. */
	if (is_odd(&p->scene, FIRMWARE_SILENT, "netmask"))
		world->given_count -= 2;
	if (is_odd(&p->scene, FIRMWARE_SILENT, "gateway"))
		world->given_count -= 1;
}

/* ---------------------------------------------------------- expectations -- */

static void put_mac(const struct proof *p, const char *separator,
		    struct sbuf *out)
{
	size_t card = proof_wanted_card(p, p->at.pauses);

	for (size_t i = 0; i < 6 && card != SIZE_MAX; i++)
		sbuf_printf(out, "%s%02x", i ? separator : "",
			    p->cards[card].mac[i]);
}

static void put_address(struct text fixed, const char *leased, struct sbuf *out)
{
	sbuf_puts(out, fixed.ptr ? fixed.ptr : leased);
}

/* @param uuid	with hyphens or without */
static void put_uuid(struct text uuid, struct sbuf *out)
{
	size_t digits = 0;

	for (size_t i = 0; i < uuid.len; i++) {
		if (uuid.ptr[i] == '-')
			continue;
		if (digits == 8 || digits == 12 || digits == 16 || digits == 20)
			sbuf_putc(out, '-');
		sbuf_putc(out, uuid.ptr[i]);
		digits++;
	}
}

void proof_put_fact(struct proof *p, const struct boot_fact *fact,
		    struct sbuf *out)
{
	const struct uplink *uplink = proof_uplink(p);
	const char *name = fact->name;

	if (strcmp(name, "mac") == 0)
		put_mac(p, ":", out);
	else if (strcmp(name, "mac-hyphens") == 0)
		put_mac(p, "-", out);
	else if (strcmp(name, "mac-plain") == 0)
		put_mac(p, "", out);
	else if (strcmp(name, "ip") == 0)
		put_address(uplink->ip, PROOF_ADDRESS, out);
	else if (strcmp(name, "netmask") == 0)
		put_address(uplink->netmask, PROOF_NETMASK, out);
	else if (strcmp(name, "gateway") == 0)
		put_address(uplink->gateway, PROOF_GATEWAY, out);
	else if (strcmp(name, "platform") == 0)
		sbuf_puts(out, p->scene.kind.platform);
	else if (strcmp(name, "buildarch") == 0)
		sbuf_puts(out, p->scene.kind.buildarch);
	else if (fact->value)
		put_uuid(firmware_text(p, name), out);
	else
		quote_uristring(out, firmware_text(p, name));
}
