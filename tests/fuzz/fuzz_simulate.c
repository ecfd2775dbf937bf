/* The interpreter of scripts, on a script and the files that it may fetch. It
 * always comes to an end, and says the same when it is asked again.
 *
 * An input is a script; further files follow, each behind a line "=== PATH".
 * The URL http://s/PATH is one of them. */
#include "fuzz.h"

#include "arena.h"
#include "input.h"
#include "sbuf.h"
#include "simulate.h"
#include "simulate_trace.h"

#undef NDEBUG
#include <assert.h>

struct run {
	struct arena arena;
	struct input in;
	struct sim *sim;
	struct sbuf shown;
};

static struct sim_content *content_of(struct run *run, struct input_file *file)
{
	struct sim_content *content =
		arena_new(&run->arena, struct sim_content);
	size_t len = file->bytes.len;

	content->kind = SIM_DATA;
	if (len) /* no digest, but the same for the same */
		memcpy(content->sha256, file->bytes.ptr, len < 32 ? len : 32);
	if (len > 7 && memcmp(file->bytes.ptr, "#!ipxe\n", 7) == 0) {
		content->kind = SIM_SCRIPT;
		content->script = sim_script_new(&run->arena, file->bytes);
	} else if (len && *file->bytes.ptr == 'k') {
		content->kind = SIM_KERNEL;
	} else if (len && *file->bytes.ptr == 's') {
		content->kind = SIM_SIGNATURE;
		content->signs = content->sha256;
		content->signer = TEXT("signer");
	}
	file->made = content;
	return content;
}

static const struct sim_content *fetch(void *ctx, struct text url)
{
	struct run *run = ctx;
	struct input_file *file;

	if (url.len < 9 || memcmp(url.ptr, "http://s/", 9) != 0)
		return NULL;
	url.ptr += 9;
	url.len -= 9;
	file = input_find(&run->in, url);
	if (!file)
		return NULL;
	return file->made ? file->made : content_of(run, file);
}

static void show(void *ctx, const struct sim_event *event)
{
	struct run *run = ctx;

	if (run->shown.len < 65536)
		sim_event_show(run->sim, event, NULL, &run->shown);
}

static const struct sim_card cards[] = {
	{ { 0x52, 0x54, 0, 0, 0, 1 }, .link = true, .dhcp = true },
	{ { 0x52, 0x54, 0, 0, 0, 2 }, .link = true, .lease = true },
};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct run run = { .sim = sim_new() };
	struct sim_world world = { .ctx = &run,
				   .cards = cards,
				   .card_count = 2,
				   .platform = "efi",
				   .serial = TEXT("SN 42/7"),
				   .fetch = fetch,
				   .event = show };
	const struct sim_script *script;
	struct sbuf first;
	enum sim_end end;

	input_split(&run.arena, &run.in, TEXT("script"),
		    (struct text){ (const char *)bytes, len });
	script = sim_script_new(&run.arena, run.in.files.at[0].bytes);
	end = sim_run(run.sim, script, &world);
	assert(end != SIM_RUNNING);
	first = run.shown;
	run.shown = (struct sbuf){ 0 };
	assert(sim_run(run.sim, script, &world) == end);
	assert(first.len == run.shown.len);
	assert(!first.len || memcmp(first.ptr, run.shown.ptr, first.len) == 0);
	sbuf_release(&first);
	sbuf_release(&run.shown);
	sim_free(run.sim);
	arena_release(&run.arena);
	return 0;
}
