#include "prove_parts.h"

#include "boot_fact.h"
#include "cleanup.h"
#include "emit.h"
#include "simulate_trace.h"

#include <stdio.h>

/* What the script is to do, said once more: 5, 10, … 160 seconds before it tries
 * again, 30 before it gives up; and a name that no DNS knows. */
enum { RETRY_FIRST_S = 5, RETRY_DOUBLINGS = 5, LAST_WORDS_S = 30 };

#define NOWHERE "https://no..where/"

bool proof_verifies(const struct proof *p, enum verify how)
{
	return p->plan->verify & how;
}

/* From where such things are served. */
static bool is_base(const struct proof *p, struct text url, enum shelf shelf)
{
	const struct located_list *bases = proof_shelf(p, shelf);

	for (size_t i = 0; i < bases->count; i++)
		if (text_equal(url, bases->at[i].text))
			return true;
	return false;
}

static bool is_blob(const struct proof *p, const struct sim_image *image,
		    const struct blob *blob, enum shelf shelf)
{
	struct text url = image->url;

	return image->content && image->content->genuine &&
	       memcmp(image->content->sha256, blob->digest.sha256,
		      sizeof(blob->digest.sha256)) == 0 &&
	       strip_suffix(&url, blob->path.ptr) && is_base(p, url, shelf);
}

static bool is_verified(const struct proof *p, const struct sim_image *image)
{
	if (proof_verifies(p, VERIFY_SIGNATURE) &&
	    !(image->verified & SIM_BY_SIGNATURE))
		return false;
	if (proof_verifies(p, VERIFY_DIGEST) &&
	    !(image->verified & SIM_BY_DIGEST))
		return false;
	return !proof_verifies(p, VERIFY_SECURE_BOOT) ||
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
static bool are_initrds(const struct proof *p, struct sim_image *const *images,
			size_t count, const struct boot *boot)
{
	if (boot->uki)
		return count == 0;
	if (count != boot->initrd_count + boot->file_count)
		return false;
	for (size_t i = 0; i < boot->initrd_count; i++)
		if (!is_blob(p, images[i], boot->initrds[i], SHELF_ASSETS) ||
		    images[i]->arguments.len)
			return false;
	images += boot->initrd_count;
	for (size_t i = 0; i < boot->file_count; i++)
		if (!is_blob(p, images[i], boot->files[i].blob, SHELF_URLS) ||
		    !has_file_arguments(images[i], &boot->files[i]))
			return false;
	return true;
}

static void put_argument(struct proof *p, struct text arg, struct sbuf *out)
{
	struct arg_piece piece;

	while (arg_next(&arg, &piece)) {
		if (piece.fact)
			proof_put_fact(p, piece.fact, out);
		else
			sbuf_add(out, piece.text.ptr, piece.text.len);
	}
}

static bool are_arguments(struct proof *p, struct text given,
			  const struct boot *boot)
{
	CLEANUP(sbuf) wanted = { 0 };
	bool initrds = boot->initrd_count || boot->file_count;

	if (boot->uki)
		return given.len == 0;
	if (strcmp(p->scene.kind.platform, "efi") == 0 && initrds)
		sbuf_puts(&wanted, "initrd=initrd.magic");
	for (size_t i = 0; i < boot->arg_count; i++) {
		if (wanted.len)
			sbuf_putc(&wanted, ' ');
		put_argument(p, boot->args[i], &wanted);
	}
	/* Words that are empty on iPXE leave their space. */
	while (given.len && *given.ptr == ' ')
		given.ptr++, given.len--;
	while (given.len && given.ptr[given.len - 1] == ' ')
		given.len--;
	return text_equal(given,
			  (struct text){ sbuf_text(&wanted), wanted.len });
}

const struct boot *proof_boot_of(const struct proof *p,
				 const struct sim_image *image)
{
	for (size_t i = 0; i < p->machine->action_count; i++) {
		const struct boot *boot = p->machine->actions[i].boot;

		if (boot && boot->kernel &&
		    is_blob(p, image, boot->uki ? boot->uki : boot->kernel,
			    SHELF_ASSETS))
			return boot;
	}
	return NULL;
}

static void observe_boot(struct proof *p, const struct sim_image *kernel)
{
	size_t count;
	struct sim_image *const *images = sim_images(p->sim, &count);
	const struct boot *boot = p->intention.boot;

	if (!is_verified(p, kernel))
		p->fault = "uses a kernel that is not verified";
	for (size_t i = 0; i < count; i++)
		if (!is_verified(p, images[i]))
			p->fault = "could use an item that is not verified";
	if (proof_verifies(p, VERIFY_SIGNATURE) && !sim_trust_required(p->sim))
		p->fault = "would run programs that are not trusted";
	if (p->fault)
		return;
	if (!boot)
		boot = proof_boot_of(p, kernel);
	p->booted = boot;
	if (!boot || !boot->kernel ||
	    !is_blob(p, kernel, boot->uki ? boot->uki : boot->kernel,
		     SHELF_ASSETS))
		p->fault = "boots a kernel that is not its own";
	else if (!are_initrds(p, images, count, boot))
		p->fault = "boots with initrds that are not its own";
	else if (!proof_has_facts(p, boot) ||
		 !are_arguments(p, kernel->arguments, boot))
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

static bool has_setting(struct proof *p, const char *name, struct text wanted)
{
	return !wanted.ptr || text_equal(sim_setting(p->sim, name), wanted);
}

/* Which card that is, with which settings, and whose certificates it trusts. */
static void observe_fetch(struct proof *p)
{
	const struct uplink *uplink = proof_uplink(p);
	size_t wanted = proof_wanted_card(p, p->at.pauses);
	struct text name, tag;

	p->at.online = true;
	if (!text_is(sim_setting(p->sim, "crosscert"), NOWHERE))
		p->fault = "lets DHCP say where certificates come from";
	if (wanted == SIZE_MAX || sim_card_in_use(p->sim) != &p->cards[wanted])
		p->fault = "uses another network card than it should";
	if (!has_setting(p, "netX/ip",
			 uplink->ip.ptr ? uplink->ip : TEXT(PROOF_ADDRESS)) ||
	    !has_setting(p, "netX/netmask", uplink->netmask) ||
	    !has_setting(p, "netX/gateway", uplink->gateway) ||
	    !has_setting(p, "dns:hexraw", uplink->dns) ||
	    (uplink->ntp.ptr && !p->timed))
		p->fault = "has another network than its own";
	name = sim_setting(p->sim, "netX/ifname");
	tag.ptr = memchr(name.ptr, '-', name.len);
	tag.len = tag.ptr ? (size_t)(name.ptr + name.len - tag.ptr) - 1 : 0;
	tag.ptr = tag.ptr ? tag.ptr + 1 : "";
	if (!text_equal(tag, uplink->vlan.ptr ? uplink->vlan : TEXT("")))
		p->fault = "is in another VLAN than its own";
}

static void observe_pause(struct proof *p, unsigned long seconds)
{
	unsigned long wanted = p->at.pauses < RETRY_DOUBLINGS
				       ? RETRY_FIRST_S << p->at.pauses
				       : RETRY_FIRST_S << RETRY_DOUBLINGS;

	if (scene_is_insecure(p->plan, &p->scene))
		wanted = LAST_WORDS_S;
	if (seconds != wanted)
		p->fault = "pauses for another time than it should";
	proof_pause(p);
}

static bool is_loader(const struct proof *p, struct text name,
		      const char *wanted)
{
	static const char variable[] = "${loader}";
	const char *at = strstr(wanted, variable);
	const char *loader = p->scene.kind.arch == ARCH_ARM64 ? "aa64" : "x64";
	CLEANUP(sbuf) expected = { 0 };

	if (!at)
		return text_is(name, wanted);
	sbuf_printf(&expected, "%.*s%s%s", (int)(at - wanted), wanted, loader,
		    at + strlen(variable));
	return text_is(name, sbuf_text(&expected));
}

/* All loaders that are looked for, one after the other; then from the first. */
static void observe_disk(struct proof *p, const struct sim_event *event)
{
	bool efi = strcmp(p->scene.kind.platform, "efi") == 0;
	struct text name = event->text;
	const char *wanted = p->loader ? emit_efi_loaders[p->loader - 1] : "";

	p->looked_for_disk = true;
	if (*wanted && has_prefix(name, "\\EFI\\"))
		name.ptr += strlen("\\EFI\\"), name.len -= strlen("\\EFI\\");
	if (!is_loader(p, name, wanted) || event->number != (efi ? 0 : 0x80))
		p->fault = "looks elsewhere for what is to boot from disk";
	if (!efi || !emit_efi_loaders[p->loader++])
		p->loader = 0;
	p->disks += !p->loader && !event->good;
}

/* Whether a boot has this drive, as it is asked for. */
static bool is_drive(struct proof *p, const struct boot *boot, struct text uri)
{
	return boot && boot->kind == BOOT_SAN && text_equal(boot->drive, uri) &&
	       text_equal(sim_setting(p->sim, "initiator-iqn"),
			  boot->initiator.ptr ? boot->initiator : TEXT(""));
}

/* The one that is meant, if it can be; a profile may stand in several places. */
static const struct boot *find_drive(struct proof *p, struct text uri)
{
	if (is_drive(p, p->intention.boot, uri))
		return p->intention.boot;
	for (size_t i = 0; i < p->machine->action_count; i++)
		if (is_drive(p, p->machine->actions[i].boot, uri))
			return p->machine->actions[i].boot;
	return NULL;
}

/* The one thing that may run unverified, and only where the site says so. */
static void observe_drive(struct proof *p, struct text uri)
{
	p->drive = find_drive(p, uri);
	if (!p->drive)
		p->fault = "reads a drive that is not its own";
}

static void observe_network(struct proof *p, const struct sim_event *event)
{
	struct text ntp = proof_uplink(p)->ntp;

	if (p->at.online)
		p->fault = "sets up a network that it has already";
	if (text_is(event->text, "ntp") && ntp.ptr &&
	    text_equal(event->more, ntp))
		p->timed = true;
}

void proof_observe(void *ctx, const struct sim_event *event)
{
	struct proof *p = ctx;

	if (p->trace)
		sim_event_show(p->sim, event, NULL, p->trace);
	if (event->kind == SIM_LABEL && p->scene.elsewhere)
		sim_set(p->sim, "site", "elsewhere");
	if (event->kind == SIM_FETCH)
		observe_fetch(p);
	if (event->kind == SIM_NETWORK)
		observe_network(p, event);
	if (event->kind == SIM_SAN)
		observe_drive(p, event->text);
	if (event->kind == SIM_DISK)
		observe_disk(p, event);
	if (event->kind == SIM_SLEEP)
		observe_pause(p, event->number);
	if (event->kind == SIM_SHELL)
		p->shell = true;
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
