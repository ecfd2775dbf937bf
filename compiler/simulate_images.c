#include "simulate_commands.h"

#include "arena.h"
#include "cleanup.h"

static struct sim_image_made *made(struct sim_image *image)
{
	return (struct sim_image_made *)image;
}

static void set_name(struct sim_image *image, struct text name)
{
	sim_assign(&made(image)->name, name, &image->name);
}

/* More than any machine that is well will ever hold. */
enum { IMAGES_MAX = 1000 };

static void register_image(struct sim *sim, struct sim_image *image)
{
	if (sim->registered_count == IMAGES_MAX)
		sim_finish(sim, SIM_HANGS);
	if (sim->registered_count == sim->registered_room) {
		sim->registered_room =
			sim->registered_room ? 2 * sim->registered_room : 16;
		sim->registered =
			xrealloc(sim->registered,
				 size_product(sim->registered_room,
					      sizeof(struct sim_image *)));
	}
	sim->registered[sim->registered_count++] = image;
	image->registered = true;
}

static void unregister_image(struct sim *sim, struct sim_image *image)
{
	size_t i = 0;

	if (!image->registered)
		return;
	while (sim->registered[i] != image)
		i++;
	memmove(sim->registered + i, sim->registered + i + 1,
		(sim->registered_count - i - 1) * sizeof(struct sim_image *));
	sim->registered_count--;
	image->registered = false;
}

struct sim_image *sim_image_add(struct sim *sim, struct text name,
				struct text url,
				const struct sim_content *content)
{
	struct sim_image_made *new = sim_pool_take(&sim->images, sizeof(*new));
	struct sim_image *image = &new->image;

	*image = (struct sim_image){ .content = content };
	set_name(image, name);
	sim_assign(&new->url, url, &image->url);
	sim_assign(&new->arguments, TEXT(""), &image->arguments);
	register_image(sim, image);
	return image;
}

static struct sim_image *find_image(struct sim *sim, struct text name)
{
	for (size_t i = 0; i < sim->registered_count; i++)
		if (text_equal(sim->registered[i]->name, name))
			return sim->registered[i];
	return NULL;
}

static int download(struct sim *sim, struct text given_url,
		    struct sim_image **ret_image)
{
	CLEANUP(sbuf) resolved = { 0 };
	CLEANUP(sbuf) name = { 0 };
	const struct sim_content *content = NULL;
	struct text url;

	if (!sim_url_resolve(sim, given_url, &resolved))
		return SIM_ENOTSUP;
	url = (struct text){ sbuf_text(&resolved), resolved.len };
	if (sim_is_online(sim) && sim->world->fetch)
		content = sim->world->fetch(sim->world->ctx, url);
	if (!content || content->kind == SIM_NOT_FOUND) {
		sim_emit_image(sim, SIM_FETCH, NULL, url, false);
		return content ? SIM_EHTTP_NOT_FOUND : SIM_EIO;
	}
	sim_url_name(sim, url, &name);
	*ret_image = sim_image_add(
		sim, (struct text){ sbuf_text(&name), name.len }, url, content);
	sim_emit_image(sim, SIM_FETCH, *ret_image, url, true);
	return 0;
}

static int acquire(struct sim *sim, struct text name,
		   struct sim_image **ret_image)
{
	*ret_image = find_image(sim, name);
	return *ret_image ? 0 : download(sim, name, ret_image);
}

static int selected_image(struct sim *sim, struct sim_image **ret_image)
{
	*ret_image = NULL;
	for (size_t i = 0; i < sim->registered_count; i++)
		if (sim->registered[i]->selected)
			*ret_image = sim->registered[i];
	return 0;
}

static bool is_executable(const struct sim_image *image)
{
	return image->content && (image->content->kind == SIM_KERNEL ||
				  image->content->kind == SIM_SCRIPT);
}

/* What all commands on one image have in common, in the order of iPXE. */
static int take_image(struct sim *sim, struct sim_call *call,
		      bool download_always, bool clear_arguments,
		      struct sim_image **ret_image)
{
	int error = !call->count ? selected_image(sim, ret_image)
		    : download_always
			    ? download(sim, call->operands[0], ret_image)
			    : acquire(sim, call->operands[0], ret_image);
	struct sim_image *image = error ? NULL : *ret_image;

	if (!image)
		return error;
	if (clear_arguments || call->count > 1)
		sim_assign(&made(image)->arguments, sim_joined(sim, call, 1),
			   &image->arguments);
	if (sim_argument(call, 'n')->is)
		set_name(image, sim_argument(call, 'n')->text);
	if (sim_argument(call, 'a')->is)
		image->autofree = true;
	return 0;
}

unsigned long sim_do_imgfetch(struct sim *sim, struct sim_call *call)
{
	struct sim_image *image;
	int error = take_image(sim, call, true, false, &image);

	return error ? sim_status_of(error) : 0;
}

unsigned long sim_do_imgargs(struct sim *sim, struct sim_call *call)
{
	struct sim_image *image;
	int error = take_image(sim, call, false, true, &image);

	return error ? sim_status_of(error) : 0;
}

unsigned long sim_do_imgselect(struct sim *sim, struct sim_call *call)
{
	struct sim_image *image;
	int error = take_image(sim, call, false, false, &image);

	if (!error && !is_executable(image))
		error = SIM_ENOEXEC;
	if (error)
		return sim_status_of(error);
	for (size_t i = 0; i < sim->registered_count; i++)
		sim->registered[i]->selected = sim->registered[i] == image;
	return 0;
}

static int boot_kernel(struct sim *sim, struct sim_image *image)
{
	const char *platform = sim->world->platform;
	bool efi = platform && strcmp(platform, "efi") == 0;

	sim->asked_for_kind = true;
	if (efi && sim->world->secure_boot &&
	    !image->content->signed_for_firmware) {
		sim_emit_image(sim, SIM_REFUSE, image,
			       TEXT("not signed for the firmware"), false);
		return SIM_EACCES;
	}
	if (sim->world->starts && !sim->world->starts(sim->world->ctx, image)) {
		sim_emit_image(sim, SIM_REFUSE, image,
			       TEXT("it does not start"), false);
		return SIM_ENOEXEC;
	}
	sim_emit_image(sim, SIM_BOOT, image, image->arguments, true);
	sim->booted = image;
	sim_finish(sim, SIM_BOOTED);
	return 0;
}

/* Once; a script may name another image that is to take its place. */
static unsigned long execute_once(struct sim *sim, struct sim_image *image,
				  const struct sim_script *script)
{
	unsigned long status;

	if (!script && is_executable(image))
		script = image->content->script;
	if (!script && !is_executable(image))
		return sim_status_of(SIM_ENOEXEC);
	if (sim->trust_required && !image->trusted) {
		sim_emit_image(sim, SIM_REFUSE, image, TEXT("not trusted"),
			       false);
		return sim_status_of(SIM_EACCES);
	}
	unregister_image(sim, image);
	if (script) {
		sim_emit_image(sim, SIM_SCRIPT_RUN, image, image->arguments,
			       true);
		status = sim_run_script(sim, script, image);
	} else {
		int error = boot_kernel(sim, image);

		status = error ? sim_status_of(error) : 0;
	}
	if (!sim->end && !image->replacement)
		register_image(sim, image);
	return status;
}

unsigned long sim_execute(struct sim *sim, struct sim_image *image,
			  const struct sim_script *script)
{
	unsigned long status = 0;
	CLEANUP(sbuf) directory = { 0 };

	sbuf_add(&directory, sim->directory.ptr, sim->directory.len);
	while (image) {
		struct sim_image *next;

		if (image->url.len) {
			sbuf_reset(&sim->directory);
			sbuf_add(&sim->directory, image->url.ptr,
				 image->url.len);
		}
		status = execute_once(sim, image, script);
		if (sim->end)
			break;
		next = image->replacement;
		image->replacement = NULL;
		if (image->autofree)
			unregister_image(sim, image);
		sbuf_reset(&sim->directory);
		sbuf_add(&sim->directory, directory.ptr, directory.len);
		image = next;
		script = NULL;
	}
	return status;
}

static int replace_script(struct sim *sim, struct sim_image *image)
{
	if (!is_executable(image))
		return SIM_ENOEXEC;
	sim->frames[sim->depth - 1].image->replacement = image;
	sim->stop = STOP_SEQUENCE;
	return 0;
}

/* Without an image it says so, and that is a success. */
unsigned long sim_do_imgexec(struct sim *sim, struct sim_call *call)
{
	struct sim_image *image;
	int error = take_image(sim, call, false, false, &image);

	if (error || !image)
		return error ? sim_status_of(error) : 0;
	if (!sim_argument(call, 'r')->is)
		return sim_execute(sim, image, NULL);
	error = replace_script(sim, image);
	return error ? sim_status_of(error) : 0;
}

/* @param action	NULL: only to be there */
static unsigned long each_image(struct sim *sim, const struct sim_call *call,
				void (*action)(struct sim *sim,
					       struct sim_image *image))
{
	if (!call->count)
		while (action && sim->registered_count)
			action(sim, sim->registered[0]);
	for (size_t i = 0; i < call->count; i++) {
		struct sim_image *image = find_image(sim, call->operands[i]);

		if (!image)
			return sim_status_of(SIM_ENOENT);
		if (action)
			action(sim, image);
	}
	return 0;
}

static void free_image(struct sim *sim, struct sim_image *image)
{
	sim_emit_image(sim, SIM_FREE, image, TEXT(""), true);
	unregister_image(sim, image);
}

unsigned long sim_do_imgfree(struct sim *sim, struct sim_call *call)
{
	return each_image(sim, call, free_image);
}

unsigned long sim_do_imgstat(struct sim *sim, struct sim_call *call)
{
	return each_image(sim, call, NULL);
}

unsigned long sim_do_imgtrust(struct sim *sim, struct sim_call *call)
{
	bool required = !sim_argument(call, 'a')->is;

	if (!sim->trust_permanent) {
		sim->trust_required = required;
		sim->trust_permanent = sim_argument(call, 'p')->is;
	}
	return sim->trust_required == required ? 0 : sim_status_of(SIM_EACCES);
}

static bool is_signature_of(const struct sim_image *signature,
			    const struct sim_image *image,
			    const struct sim_argument *signer)
{
	const struct sim_content *by = signature->content;

	if (!by || by->kind != SIM_SIGNATURE || !by->signs || !image->content ||
	    memcmp(by->signs, image->content->sha256,
		   sizeof(image->content->sha256)) != 0)
		return false;
	return !signer->is || (signer->text.len == by->signer.len &&
			       strncasecmp(signer->text.ptr, by->signer.ptr,
					   by->signer.len) == 0);
}

unsigned long sim_do_imgverify(struct sim *sim, struct sim_call *call)
{
	struct sim_image *image, *signature;
	int error = acquire(sim, call->operands[0], &image);
	bool good;

	if (!error)
		error = acquire(sim, call->operands[1], &signature);
	if (error)
		return sim_status_of(error);
	good = is_signature_of(signature, image, sim_argument(call, 's'));
	sim_emit_image(sim, SIM_VERIFY, image, signature->url, good);
	image->trusted = good;
	if (good)
		image->verified |= SIM_BY_SIGNATURE;
	else
		image->verified &= ~(unsigned)SIM_BY_SIGNATURE;
	if (!sim_argument(call, 'k')->is)
		unregister_image(sim, signature);
	return good ? 0 : sim_status_of(SIM_EACCES);
}

static unsigned long show_digest(struct sim *sim, const struct sim_image *image)
{
	CLEANUP(sbuf) text = { 0 };

	for (size_t i = 0; i < sizeof(image->content->sha256); i++)
		sbuf_printf(&text, "%02x", image->content->sha256[i]);
	sbuf_printf(&text, "  %s", image->name.ptr);
	sim_emit_text(sim, SIM_ECHO, (struct text){ text.ptr, text.len }, true);
	return 0;
}

unsigned long sim_do_sha256sum(struct sim *sim, struct sim_call *call)
{
	struct sim_argument *set = sim_argument(call, 's');

	if (set->is && !set->ref.type)
		set->ref.type = TYPE_HEXRAW;
	for (size_t i = 0; i < call->count; i++) {
		struct sim_image *image;
		int error = acquire(sim, call->operands[i], &image);

		if (error)
			return sim_status_of(error);
		if (!image->content) {
			sim_unmodelled(sim, "digest of %s", image->name.ptr);
			return sim_status_of(SIM_ENOENT);
		}
		image->measured = true;
		if (!set->is) {
			show_digest(sim, image);
			continue;
		}
		error = sim_store(sim, &set->ref, image->content->sha256,
				  sizeof(image->content->sha256));
		if (error)
			return sim_status_of(error);
	}
	return 0;
}

/* Adds to certificates that are known, never to those that are trusted. */
unsigned long sim_do_certstore(struct sim *sim, struct sim_call *call)
{
	struct sim_image *image;
	int error = call->count ? acquire(sim, call->operands[0], &image) : 0;

	if (error)
		return sim_status_of(error);
	if (call->count && !sim_argument(call, 'k')->is)
		unregister_image(sim, image);
	return 0;
}
