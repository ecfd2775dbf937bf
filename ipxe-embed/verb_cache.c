#include "verbs.h"

#include "arena.h"
#include "base.h"
#include "build.h"
#include "report.h"
#include "store.h"
#include "vec.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define DAY_S (24 * 60 * 60)

static enum status find_items(const struct call *call, const char **ret_cache,
			      struct store_items *ret_items)
{
	const char *path;
	int error;

	*ret_cache = base_cache(call->arena);
	if (!*ret_cache)
		return report_failure(call, "there is no cache: set HOME or "
					    "IPXE_EMBED_CACHE");
	error = store_list(call->arena, *ret_cache, ret_items, &path);
	if (error)
		return report_failure(call, "%s: %s", path, strerror(-error));
	return STATUS_OK;
}

static const char *used_words(struct arena *arena, time_t used)
{
	long long days = ((long long)time(NULL) - used) / DAY_S;

	if (days <= 0)
		return "today";
	return arena_printf(arena, "%s ago",
			    count_words(arena, (size_t)days, "day"));
}

static void print_item(struct arena *arena, const struct store_item *item)
{
	printf("  %10s  %12s  %s/%s\n", size_words(arena, item->bytes),
	       used_words(arena, item->used), item->kind, item->name);
}

static uint64_t bytes_of(const struct store_items *items)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < items->count; i++)
		bytes += items->at[i].bytes;
	return bytes;
}

/* ----------------------------------------------------------------- list -- */

static enum status run_list(struct call *call)
{
	struct store_items items = { 0 };
	const char *cache;
	enum status status = find_items(call, &cache, &items);

	if (status != STATUS_OK)
		return status;
	for (size_t i = 0; i < items.count; i++)
		print_item(call->arena, &items.at[i]);
	printf("%s: %s, %s\n", cache,
	       count_words(call->arena, items.count, "item"),
	       size_words(call->arena, bytes_of(&items)));
	return STATUS_OK;
}

const struct verb verb_cache_list = {
	.name = "cache list",
	.summary = "Show what is kept in the cache, and since when unused",
	.text = "One line for each thing that `cache prune` may remove, with "
		"its size and the day of its last use: files that sites name "
		"by `url` (downloads/), UKIs (ukis/), compressed images "
		"(images/), iPXE as it was compiled (bases/) and the copies of "
		"its source in which that was done (builds/). What else lies "
		"there is not listed: source trees of iPXE, bases out of "
		"packages, and small notes of what was read and verified.",
	.run = run_list,
};

/* ---------------------------------------------------------------- prune -- */

struct prune_options {
	long days;
	bool dry_run;
};

struct pruned {
	struct store_items gone, kept;
	bool failed;
};

/* @return whether it is gone, or would be */
static bool prune_one(const struct call *call, const char *cache,
		      const struct store_item *item, time_t before,
		      struct pruned *pruned)
{
	const struct prune_options *options = call->options;
	int error;

	if (item->used >= before)
		return false;
	if (options->dry_run)
		return true;
	error = store_remove(call->arena, cache, item, before);
	if (error == 0 || error == -ENOENT)
		return true;
	if (error != -EBUSY) {
		report_failure(call, "%s/%s/%s: cannot be removed: %s", cache,
			       item->kind, item->name, strerror(-error));
		pruned->failed = true;
	}
	return false;
}

static enum status run_prune(struct call *call)
{
	const struct prune_options *options = call->options;
	const time_t before = time(NULL) - (time_t)options->days * DAY_S;
	struct store_items items = { 0 };
	struct pruned pruned = { 0 };
	struct arena *arena = call->arena;
	const char *cache;
	enum status status = find_items(call, &cache, &items);

	for (size_t i = 0; status == STATUS_OK && i < items.count; i++) {
		const struct store_item *item = &items.at[i];
		bool gone = prune_one(call, cache, item, before, &pruned);

		*vec_push(arena, gone ? &pruned.gone : &pruned.kept) = *item;
		if (gone)
			print_item(arena, item);
	}
	if (status != STATUS_OK)
		return status;
	printf("%s: %s (%s) %s; %zu kept (%s)\n", cache,
	       count_words(arena, pruned.gone.count, "item"),
	       size_words(arena, bytes_of(&pruned.gone)),
	       options->dry_run ? "would be removed" : "removed",
	       pruned.kept.count, size_words(arena, bytes_of(&pruned.kept)));
	return pruned.failed ? STATUS_MACHINE : STATUS_OK;
}

static const struct option_row rows[] = {
	{ .name = "older-than",
	  .value = "DAYS",
	  .help = "Remove what was not used for so many days.",
	  .fallback = "60",
	  OPTION_NUMBER(struct prune_options, days, STORE_DAYS_MIN, 36500) },
	{ .name = "dry-run",
	  .letter = 'n',
	  .help = "Only say what would be removed.",
	  OPTION_FLAG(struct prune_options, dry_run) },
	{ 0 },
};

const struct verb verb_cache_prune = {
	.name = "cache prune",
	.summary = "Remove from the cache what was not used for long",
	.text = "Everything in the cache comes again when it is needed: it is "
		"fetched, or made anew, which takes minutes for iPXE itself. "
		"What `cache list` does not show stays. It may run beside "
		"builds: what one of them uses is in use since today, and what "
		"is being made or fetched is locked.\n"
		"\n"
		"Images, bases and UKIs that are unused for 60 or 90 days go "
		"by themselves when new ones are made; downloads go only here.",
	.options = rows,
	.options_bytes = sizeof(struct prune_options),
	.run = run_prune,
	.examples =
		(const struct example[]){
			{ "ipxe-embed cache prune --older-than 30 --dry-run",
			  "See first." },
			{ 0 },
		},
};
