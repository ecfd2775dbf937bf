#include "prove_parts.h"

#include "cleanup.h"
#include "simulate_trace.h"

#include <stdio.h>

bool proof_verifies(const struct proof *p, enum verify how)
{
	return p->plan->verify & how;
}

static bool is_blob(const struct sim_image *image, const struct blob *blob)
{
	struct text url = image->url;

	return image->content && image->content->genuine &&
	       strip_suffix(&url, blob->path.ptr);
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
	if (strcmp(p->scene.kind.platform, "efi") == 0 && initrds)
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
	if (proof_verifies(p, VERIFY_SIGNATURE) && !sim_trust_required(p->sim))
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

void proof_observe(void *ctx, const struct sim_event *event)
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
