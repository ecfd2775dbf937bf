#include "simulate_parts.h"

#include "arena.h"

#include <stdarg.h>
#include <stdlib.h>

/* After so many lines a run is a circle: some for any script, and more for a
 * long one, whose boot orders may have many steps. */
enum { LINES_MAX = 50000, LINES_PER_BYTE = 2 };

void *sim_pool_take(struct sim_pool *pool, size_t bytes)
{
	if (pool->live == pool->room) {
		pool->room = pool->room ? 2 * pool->room : 8;
		pool->at = xrealloc(
			pool->at, size_product(pool->room, sizeof(*pool->at)));
	}
	if (pool->live == pool->made) {
		pool->at[pool->made] = xrealloc(NULL, bytes);
		memset(pool->at[pool->made++], 0, bytes);
	}
	return pool->at[pool->live++];
}

int sim_compare(struct text text, const char *name)
{
	int order;

	if (text.len && *text.ptr != *name)
		return (unsigned char)*text.ptr - (unsigned char)*name;
	order = strncmp(text.ptr, name, text.len);
	return order ? order : -(int)(unsigned char)name[text.len];
}

/* ------------------------------------------------------------ events -- */

void sim_emit(struct sim *sim, const struct sim_event *event)
{
	if (sim->world->event)
		sim->world->event(sim->world->ctx, event);
}

void sim_unmodelled(struct sim *sim, const char *format, ...)
{
	struct sbuf text = { 0 };
	va_list args;

	va_start(args, format);
	sbuf_vprintf(&text, format, args);
	va_end(args);
	sim_emit(sim, &(struct sim_event){ .kind = SIM_UNMODELLED,
					   .text = { text.ptr, text.len } });
	sbuf_release(&text);
}

void sim_finish(struct sim *sim, enum sim_end end)
{
	if (sim->end == SIM_RUNNING)
		sim->end = end;
}

unsigned long sim_status_of(int error)
{
	/* The last byte is the platform's own. */
	if (error > 0xff)
		return (unsigned long)error << 8 | 0x39;
	return (unsigned long)error << 24;
}

/* ----------------------------------------------------------- one line -- */

/* Each word is expanded by itself, so that a value never makes two. They lie in
 * one buffer, each with a NUL behind it; until it is full, as offsets. */
static bool expand_words(struct sim *sim, const struct sim_word *from,
			 struct sim_words *words)
{
	struct sbuf *buffer = &sim->command_text[sim->depth - 1];
	size_t begin;

	sbuf_reset(buffer);
	for (size_t i = 0; i < words->count; i++) {
		words->at[i] = from[i].text;
		if (!from[i].expands)
			continue;
		begin = buffer->len;
		if (!sim_expand_add(sim, from[i].text, buffer)) {
			sim_finish(sim, SIM_HANGS);
			return false;
		}
		words->at[i] = (struct text){ NULL, buffer->len - begin };
		sbuf_putc(buffer, '\0');
	}
	for (size_t i = 0, offset = 0; i < words->count; i++) {
		if (!from[i].expands)
			continue;
		words->at[i].ptr = buffer->ptr + offset;
		offset += words->at[i].len + 1;
	}
	return true;
}

static unsigned long run_clause(struct sim *sim, const struct sim_line *line,
				const struct sim_clause *clause)
{
	struct text at[SIM_WORDS_MAX];
	struct sim_words words = { at, clause->count };
	unsigned long status;

	if (!clause->count)
		return 0;
	if (!expand_words(sim, line->words + clause->first, &words))
		return sim_status_of(SIM_EINVAL);
	status = sim_command(sim, clause->command, words);
	if (status)
		sim->error = (uint32_t)status;
	return status;
}

static bool stopped(struct sim *sim, enum sim_stop stop)
{
	bool is_stopped = sim->stop >= stop;

	if (sim->stop <= stop)
		sim->stop = STOP_NOTHING;
	return is_stopped;
}

/* From left to right; `&&` and `||` bind alike. */
static unsigned long run_clauses(struct sim *sim, const struct sim_line *line)
{
	bool process = true;
	unsigned long status = 0;

	for (size_t i = 0; i < line->clause_count; i++) {
		const struct sim_clause *clause = &line->clauses[i];

		if (clause->then == OP_TOO_LONG) {
			sim_unmodelled(sim, "more than %d words",
				       SIM_WORDS_MAX);
			return sim_status_of(SIM_EINVAL);
		}
		if (process)
			status = run_clause(sim, line, clause);
		if (sim->end || stopped(sim, STOP_COMMAND))
			break;
		process = clause->then == OP_OR    ? status != 0
			  : clause->then == OP_AND ? status == 0
						   : true;
	}
	return status;
}

/* The next one. */
static unsigned long run_line(struct sim *sim, struct sim_frame *frame)
{
	struct text rest = sim_script_bytes(frame->script);
	struct sim_line *line;
	unsigned long status;

	rest.ptr += frame->offset;
	rest.len -= frame->offset;
	line = sim_line_at(sim, rest);
	frame->offset += line->len;
	if (!line->whole)
		return sim_status_of(SIM_EINVAL);
	line->running++;
	status = run_clauses(sim, line);
	line->running--;
	return status;
}

static size_t most_lines(const struct sim *sim)
{
	return LINES_MAX +
	       LINES_PER_BYTE * sim_script_bytes(sim->frames[0].script).len;
}

unsigned long sim_run_script(struct sim *sim, const struct sim_script *script,
			     struct sim_image *image)
{
	struct sim_frame *frame = &sim->frames[sim->depth];
	unsigned long status = 0;

	if (sim->depth == SIM_FRAMES) {
		sim_unmodelled(sim, "more than %d scripts within each other",
			       SIM_FRAMES);
		return sim_status_of(SIM_ENOEXEC);
	}
	sim->depth++;
	frame->script = script;
	frame->image = image;
	frame->offset = 0;
	do {
		if (++sim->steps > most_lines(sim))
			sim_finish(sim, SIM_SPINS);
		status = run_line(sim, frame);
		if (sim->end || stopped(sim, STOP_SEQUENCE) || status)
			break;
	} while (frame->offset < sim_script_bytes(script).len);
	sim->depth--;
	return status;
}

int sim_goto(struct sim *sim, struct text label)
{
	struct sim_frame *frame = &sim->frames[sim->depth - 1];
	size_t line = sim_script_find(frame->script, label);

	if (line == SIZE_MAX) {
		sim_emit(sim, &(struct sim_event){ .kind = SIM_NO_LABEL,
						   .text = label });
		return SIM_ENOENT;
	}
	sim_emit(sim, &(struct sim_event){ .kind = SIM_LABEL, .text = label });
	frame->offset = line;
	sim->stop = STOP_COMMAND;
	if (sim->world->stop_at && sim->world->stop_at(sim->world->ctx, label))
		sim_finish(sim, SIM_STOPPED);
	sim_look_for_circle(sim);
	return 0;
}

/* --------------------------------------------------------------- run -- */

struct sim *sim_new(void)
{
	struct sim *sim = xrealloc(NULL, sizeof(*sim));

	memset(sim, 0, sizeof(*sim));
	return sim;
}

static void release_pool(struct sim_pool *pool, void (*release)(void *object))
{
	for (size_t i = 0; i < pool->made; i++) {
		release(pool->at[i]);
		free(pool->at[i]);
	}
	free(pool->at);
}

static void release_value(void *object)
{
	struct sim_value *value = object;

	sbuf_release(&value->name);
	sbuf_release(&value->raw);
}

static void release_block(void *object)
{
	struct sim_block *block = object;

	sbuf_release(&block->name);
	release_pool(&block->values, release_value);
}

static void release_nic(void *object)
{
	sbuf_release(&((struct sim_nic *)object)->name);
}

static void release_image(void *object)
{
	struct sim_image_made *made = object;

	sbuf_release(&made->name);
	sbuf_release(&made->url);
	sbuf_release(&made->arguments);
}

static void release_item(void *object)
{
	struct sim_menu_item *item = object;

	sbuf_release(&item->name);
	sbuf_release(&item->label);
}

static void release_menu(void *object)
{
	struct sim_menu *menu = object;

	sbuf_release(&menu->name);
	sbuf_release(&menu->title);
	release_pool(&menu->items, release_item);
}

void sim_free(struct sim *sim)
{
	if (!sim)
		return;
	release_pool(&sim->blocks, release_block);
	release_pool(&sim->nics, release_nic);
	release_pool(&sim->images, release_image);
	release_pool(&sim->menus, release_menu);
	for (size_t i = 0; i < SIM_FRAMES; i++) {
		sim_line_release(&sim->frames[i].line);
		sbuf_release(&sim->command_text[i]);
	}
	for (size_t i = 0; i < sizeof(sim->lines) / sizeof(*sim->lines); i++) {
		if (sim->lines[i].line)
			sim_line_release(sim->lines[i].line);
		free(sim->lines[i].line);
	}
	sbuf_release(&sim->directory);
	sbuf_release(&sim->value);
	sbuf_release(&sim->spare);
	sbuf_release(&sim->again);
	sbuf_release(&sim->reference);
	for (size_t i = 0; i < SIM_NAMES; i++)
		sbuf_release(&sim->names[i].text);
	sbuf_release(&sim->shown);
	sbuf_release(&sim->raw);
	sbuf_release(&sim->line);
	free(sim->registered);
	free(sim);
}

static void start_nics(struct sim *sim)
{
	for (size_t i = 0; i < sim->world->card_count; i++) {
		const struct sim_card *card = &sim->world->cards[i];
		struct sim_nic *nic =
			sim_nic_add(sim, card, card->mac, "net%zu", i);

		if (card->lease)
			sim_settings_lease(sim, nic);
	}
}

static void start(struct sim *sim, const struct sim_world *world)
{
	sim->world = world;
	sim->end = SIM_RUNNING;
	sim->stop = STOP_NOTHING;
	sim->status = sim->error = 0;
	sim->steps = sim->sleeps = sim->gotos = sim->opened = 0;
	sim->unnamed = 0;
	sim->trust_required = sim->trust_permanent = false;
	sim->asked_for_kind = false;
	sim->nics.live = sim->images.live = sim->menus.live = 0;
	sim->registered_count = sim->depth = sim->drive_count = 0;
	sim->booted = NULL;
	sim->tortoise = sim->power = sim->lap = 0;
	sbuf_reset(&sim->directory);
	sim_settings_init(sim);
	start_nics(sim);
	if (world->stray)
		sim_image_add(sim, TEXT("autoexec.ipxe"), TEXT(""), NULL);
}

enum sim_end sim_run(struct sim *sim, const struct sim_script *script,
		     const struct sim_world *world)
{
	struct sim_image *image;

	start(sim, world);
	image = sim_image_add(sim, TEXT("script"), TEXT(""), NULL);
	image->trusted = true;
	sim->status = sim_execute(sim, image, script);
	sim_finish(sim, SIM_EXITED);
	sim_emit(sim,
		 &(struct sim_event){ .kind = SIM_END, .number = sim->status });
	return sim->end;
}

unsigned long sim_status(const struct sim *sim)
{
	return sim->status;
}

const struct sim_image *sim_booted(const struct sim *sim)
{
	return sim->booted;
}

struct sim_image *const *sim_images(const struct sim *sim, size_t *ret_count)
{
	*ret_count = sim->registered_count;
	return sim->registered;
}

bool sim_trust_required(const struct sim *sim)
{
	return sim->trust_required && sim->trust_permanent;
}

struct text sim_expand(struct sim *sim, struct text text)
{
	sbuf_reset(&sim->line);
	if (!sim_expand_add(sim, text, &sim->line))
		sbuf_reset(&sim->line);
	return (struct text){ sbuf_text(&sim->line), sim->line.len };
}

struct text sim_setting(struct sim *sim, const char *name)
{
	sbuf_reset(&sim->reference);
	sbuf_puts(&sim->reference, "${");
	sbuf_puts(&sim->reference, name);
	sbuf_putc(&sim->reference, '}');
	return sim_expand(
		sim, (struct text){ sim->reference.ptr, sim->reference.len });
}

void sim_set(struct sim *sim, const char *name, const char *value)
{
	struct sim_ref ref;

	if (!sim_ref_parse(sim, text_of(name), true, &ref))
		(void)sim_store_text(sim, &ref, text_of(value));
}

bool sim_asked_for_kind(const struct sim *sim)
{
	return sim->asked_for_kind;
}

size_t sim_steps(const struct sim *sim)
{
	return sim->steps;
}

const char *sim_end_text(enum sim_end end)
{
	static const char *const texts[] = {
		[SIM_RUNNING] = "is still running",
		[SIM_BOOTED] = "boots a kernel",
		[SIM_DISK_BOOTED] = "boots from disk",
		[SIM_SAN_BOOTED] = "boots from a drive that nobody verifies",
		[SIM_EXITED] = "goes back to the firmware",
		[SIM_REBOOTED] = "reboots",
		[SIM_POWERED_OFF] = "powers off",
		[SIM_RETRIES] = "tries again and again, pausing in between",
		[SIM_SPINS] = "goes round in a circle without a pause",
		[SIM_WAITS] = "waits for a key",
		[SIM_HANGS] =
			"hangs: it expands without end, or is out of memory",
		[SIM_STOPPED] = "was stopped",
	};

	return texts[end];
}
