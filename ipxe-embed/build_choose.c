#include "build.h"

#include "arena.h"
#include "ir.h"
#include "report.h"

#include <string.h>

static const char *image_names(struct arena *arena)
{
	CLEANUP(sbuf) names = { 0 };

	for (const struct bake_target *t = bake_targets; t->name; t++)
		if (!t->part)
			sbuf_printf(&names, "%s, ", t->name);
	sbuf_puts(&names, USB_NAME);
	return arena_copy(arena, sbuf_text(&names), names.len);
}

static void choose_target(struct build *build, const struct bake_target *target)
{
	vec_foreach (const struct bake_target *, chosen, &build->targets)
		if (*chosen == target)
			return;
	*vec_push(build->call->arena, &build->targets) = target;
}

static enum status choose_image(struct build *build, const char *name)
{
	const struct bake_target *target = bake_target(name);

	if (strcmp(name, USB_NAME) == 0)
		build->wants_stick = true;
	else if (target && !target->part)
		choose_target(build, target);
	else
		return report_usage(build->call,
				    "there is no image '%s', only %s", name,
				    image_names(build->call->arena));
	return STATUS_OK;
}

enum status build_choose_targets(struct build *build)
{
	const struct words *names = &build->options->images;

	for (size_t i = 0; i < names->count; i++)
		if (choose_image(build, names->at[i]) != STATUS_OK)
			return STATUS_USAGE;
	if (!names->count)
		build->wants_stick = true;
	if (names->count && build->options->no_images)
		return report_usage(build->call,
				    "--image and --no-images exclude each "
				    "other");
	if (build->options->base && build->options->no_images)
		return report_usage(build->call,
				    "--base and --no-images exclude each "
				    "other");
	return STATUS_OK;
}

void build_choose_base(struct build *build)
{
	const struct base_wish wish = { build->options->base,
					build->options->ipxe_src };
	const struct base_needs needs = {
		.verify = build->plan->verify,
		.features = build->plan->features,
		.ntp = build->plan->uplink_uses.ntp,
		.root_count = build->root_count,
		.targets = build->targets.at,
		.target_count = build->targets.count,
		.usual = !build->options->images.count,
		.stick = build->wants_stick,
	};

	base_choose(build->call->arena, &wish, &needs, &build->choice);
}
