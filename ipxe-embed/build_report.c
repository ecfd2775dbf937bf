#include "build.h"

#include "arena.h"
#include "ir.h"
#include "report.h"
#include "unverified.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* "12 bytes", "3.4 MB" */
const char *size_words(struct arena *arena, uint64_t bytes)
{
	static const char *const units[] = { "kB", "MB", "GB", "TB" };
	double value = (double)bytes / 1000;
	size_t unit = 0;

	if (bytes < 1000)
		return arena_printf(arena, "%" PRIu64 " bytes", bytes);
	while (value >= 999.5 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		value /= 1000;
		unit++;
	}
	return arena_printf(arena, value < 9.95 ? "%.1f %s" : "%.0f %s", value,
			    units[unit]);
}

/* "1 file", "2 files" */
const char *count_words(struct arena *arena, size_t count, const char *thing)
{
	return arena_printf(arena, "%zu %s%s", count, thing,
			    count == 1 ? "" : "s");
}

static void say_done(const struct build *build)
{
	struct arena *arena = build->call->arena;
	const struct tree_summary *sum = &build->sum;
	const char *out = build->options->output;

	if (!sum->changed) {
		printf("%s: nothing to do, %s up to date\n", out,
		       count_words(arena, sum->kept, "file"));
		return;
	}
	printf("%s: %s written (%s), %zu kept, %zu removed", out,
	       count_words(arena, sum->written, "file"),
	       size_words(arena, sum->written_bytes), sum->kept, sum->removed);
	if (build->made.count)
		printf("; %s made",
		       count_words(arena, build->made.count, "signature"));
	if (build->made.found)
		printf(", %zu of them in a run that was interrupted",
		       build->made.found);
	putchar('\n');
}

static bool is_baked(const struct build *build,
		     const struct bake_target *target)
{
	for (size_t i = 0; i < build->baked.image_count; i++)
		if (build->baked.images[i].target == target)
			return true;
	return false;
}

static const char *stick_firmwares(const struct build *build)
{
	CLEANUP(sbuf) names = { 0 };

	for (const struct bake_target *t = bake_targets; t->name; t++)
		if (t->on_stick && is_baked(build, t))
			sbuf_printf(&names, "%s%s", names.len ? ", " : "",
				    t->firmware);
	return arena_copy(build->call->arena, sbuf_text(&names), names.len);
}

/* A site whose machines fetch nothing has no such directory. */
static bool has_www(const struct build *build)
{
	return build->plan->blob_count || build->plan->node_script_count ||
	       build_is_stock(build);
}

static void say_where(const struct build *build)
{
	const struct located_list *urls = &build->plan->effective->site->urls;
	const char *out = build->options->output;

	for (size_t i = 0; has_www(build) && i < urls->count; i++)
		printf("  %s/www/  to be served at %s\n", out,
		       urls->at[i].text.ptr);
	if (build->choice.status == CHOICE_MADE)
		printf("  base: %s\n", build->choice.why);
	for (size_t i = 0; i < build->choice.asked_count; i++) {
		const struct bake_image *image = &build->baked.images[i];

		printf("  %s/%s/%s  %s, %s: %s\n", out,
		       image->target->netboot ? "tftp" : "images",
		       image->target->name, image->target->firmware,
		       size_words(build->call->arena, image->digest.size_bytes),
		       image->target->use);
	}
	if (build_is_stock(build))
		printf("  " AUTOEXEC " and " EMIT_ROOT " belong beside each of "
		       "them; %s/www/boot/ has all of it, for HTTP boot\n",
		       out);
	if (build->usb.size_bytes)
		printf("  %s/images/" USB_NAME
		       "  %s, %s: a stick; dd writes it\n",
		       out, stick_firmwares(build),
		       size_words(build->call->arena, build->usb.size_bytes));
}

static void say_unsigned(const struct build *build)
{
	const char *out = build->options->output;
	size_t count = build->unsigned_items.count;

	if (count)
		printf("%s not signed yet: ipxe-embed sign %s --key FILE "
		       "--cert FILE; or take %s/" SIGNING_REQUEST_NAME
		       " to where the key is\n",
		       count_words(build->call->arena, count, "file"), out,
		       out);
}

static void say_unverified(const struct build *build)
{
	CLEANUP(sbuf) text = { 0 };

	unverified_print(build->plan, "  ", &text);
	fputs(sbuf_text(&text), stdout);
}

/* Who builds for the first time wants to see something boot. */
static void say_next(const struct build *build)
{
	const struct site *site = build->plan->effective->site;
	const char *firmware = build->plan->verify & VERIFY_SECURE_BOOT
				       ? " --firmware secure-boot"
			       : build_is_stock(build) ? " --firmware uefi"
						       : "";

	if (build->choice.status == CHOICE_MADE && site->node_count &&
	    !build->options->images.count && !build->sum.kept &&
	    !build->sum.removed)
		printf("To see a machine boot%s: ipxe-embed try %s %s -o %s%s\n",
		       build->unsigned_items.count ? ", once they are signed"
						   : "",
		       build->call->operands[0], site->nodes[0].name.ptr,
		       build->options->output, firmware);
}

enum status build_say(struct build *build)
{
	say_done(build);
	if (build->sum.changed)
		say_where(build);
	say_unverified(build);
	say_unsigned(build);
	say_next(build);
	if (build->choice.status == CHOICE_NONE && !build->options->no_images &&
	    !build->kept_images)
		puts(build->choice.why);
	return STATUS_OK;
}
