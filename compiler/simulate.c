#include "simulate_parts.h"

#include "arena.h"
#include "map.h"
#include "vec.h"

#include <stdarg.h>
#include <stdlib.h>

/* After so many lines a run is a circle. */
enum { LINES_MAX = 50000 };

/* Where a label is; its name is looked at there. A script of 100,000 nodes has
 * half a million of them. */
struct label {
	uint64_t line : 40; /* offset, plus one; 0: free */
	uint64_t hash : 24; /* the upper bits of that of its name */
};

#define LABEL_LINE(offset) (((offset) + 1) & (((uint64_t)1 << 40) - 1))
#define LABEL_HASH(hash)   ((hash) >> 40 & 0xffffff)

struct sim_script {
	struct text bytes;
	struct label *labels; /* by the lower bits of the hash */
	size_t room;          /* a power of two */
};

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

/* ------------------------------------------------------------- lines -- */

struct line {
	size_t begin;      /* in the script */
	struct text label; /* ptr NULL: none */
	struct text command;
};

static struct text until_nul(struct text text)
{
	const char *nul = memchr(text.ptr, '\0', text.len);

	if (nul)
		text.len = (size_t)(nul - text.ptr);
	return text;
}

static void split_label(struct text text, struct line *line)
{
	line->label = (struct text){ NULL, 0 };
	while (text.len && sim_isspace(*text.ptr))
		text.ptr++, text.len--;
	if (text.len && *text.ptr == ':') {
		line->label = (struct text){ text.ptr + 1, 0 };
		text.ptr++, text.len--;
		while (text.len && !sim_isspace(*text.ptr))
			text.ptr++, text.len--, line->label.len++;
	}
	line->command = text;
}

/* From the offset to the next line feed. */
static struct text next_piece(struct text bytes, size_t *offset)
{
	const char *begin = bytes.ptr + *offset;
	size_t rest = bytes.len - *offset;
	const char *feed = memchr(begin, '\n', rest);
	size_t len = feed ? (size_t)(feed - begin) : rest;

	*offset += len + 1;
	return (struct text){ begin, len };
}

static void strip_return(struct text *text)
{
	if (text->len && text->ptr[text->len - 1] == '\r')
		text->len--;
}

static bool joins(struct text text)
{
	return text.len && text.ptr[text.len - 1] == '\\';
}

/* A line and those that backslashes join to it. */
static bool join_lines(struct text bytes, size_t *offset, struct text *text,
		       struct sbuf *joined)
{
	sbuf_reset(joined);
	sbuf_add(joined, text->ptr, text->len - 1);
	while (*offset < bytes.len) {
		struct text piece = next_piece(bytes, offset);

		sbuf_add(joined, piece.ptr, piece.len);
		*text = (struct text){ sbuf_text(joined), joined->len };
		strip_return(text);
		joined->len = text->len;
		if (!joins(*text))
			return true;
		joined->len--;
	}
	return false;
}

/* @return false where the script ends in a backslash */
static bool next_line(struct text bytes, size_t *offset, struct line *line,
		      struct sbuf *joined)
{
	struct text text;

	line->begin = *offset;
	text = next_piece(bytes, offset);
	strip_return(&text);
	if (joins(text) && !join_lines(bytes, offset, &text, joined))
		return false;
	split_label(until_nul(text), line);
	return true;
}

/* Most lines: without a label, and not joined to the next one. */
static bool is_ordinary(struct text line)
{
	char last;

	if (!line.len || sim_isspace(*line.ptr) || *line.ptr == ':')
		return false;
	last = line.ptr[line.len - 1];
	return last != '\\' && last != '\r';
}

static bool is_label(const struct sim_script *script, size_t at,
		     struct text name)
{
	struct sbuf joined = { 0 };
	struct line line;
	bool is = next_line(script->bytes, &at, &line, &joined) &&
		  line.label.ptr && text_equal(line.label, name);

	sbuf_release(&joined);
	return is;
}

/* @return that of the name, or the free one where it belongs */
static struct label *find_label(const struct sim_script *script,
				struct text name)
{
	uint64_t hash = text_hash(name);
	size_t i = hash & (script->room - 1);

	while (script->labels[i].line &&
	       !(script->labels[i].hash == LABEL_HASH(hash) &&
		 is_label(script, script->labels[i].line - 1, name)))
		i = (i + 1) & (script->room - 1);
	return &script->labels[i];
}

static void note_label(struct sim_script *script, const struct line *line)
{
	struct label *label = find_label(script, line->label);

	if (!label->line) { /* the first one counts */
		label->line = LABEL_LINE(line->begin);
		label->hash = LABEL_HASH(text_hash(line->label));
	}
}

/* No label is without a colon. */
static size_t count_colons(struct text bytes)
{
	const char *end = bytes.ptr + bytes.len, *at = bytes.ptr;
	size_t count = 0;

	while (at < end && (at = memchr(at, ':', (size_t)(end - at))))
		at++, count++;
	return count;
}

const struct sim_script *sim_script_new(struct arena *arena, struct text bytes)
{
	struct sim_script *script = arena_new(arena, struct sim_script);
	size_t offset = 0, most = count_colons(bytes);
	struct sbuf joined = { 0 };
	struct line line;

	script->bytes = bytes;
	for (script->room = 2; script->room < 2 * most;)
		script->room = size_product(script->room, 2);
	script->labels = arena_new_array(arena, script->room, struct label);
	while (offset < bytes.len) {
		size_t next = offset;

		if (is_ordinary(next_piece(bytes, &next))) {
			offset = next;
			continue;
		}
		if (!next_line(bytes, &offset, &line, &joined))
			break;
		if (line.label.ptr)
			note_label(script, &line);
	}
	sbuf_release(&joined);
	return script;
}

size_t sim_script_find(const struct sim_script *script, struct text label)
{
	uint64_t line = find_label(script, label)->line;

	return line ? (size_t)line - 1 : SIZE_MAX;
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

enum operator{ OP_NONE, OP_AND, OP_OR, OP_ALWAYS, OP_TOO_LONG };

/* @return false at the end of the line */
static bool next_token(struct text *rest, struct text *ret_token)
{
	while (rest->len && sim_isspace(*rest->ptr))
		rest->ptr++, rest->len--;
	*ret_token = (struct text){ rest->ptr, 0 };
	while (rest->len && !sim_isspace(*rest->ptr))
		rest->ptr++, rest->len--, ret_token->len++;
	return ret_token->len;
}

static bool is_operator(struct text token, enum operator* ret)
{
	if (text_is(token, "||"))
		*ret = OP_OR;
	else if (text_is(token, "&&"))
		*ret = OP_AND;
	else if (text_is(token, ";"))
		*ret = OP_ALWAYS;
	else
		return false;
	return true;
}

enum { WORDS_MAX = 256 };

/* The words up to the next operator, in the text that they come from. */
static enum operator next_command(struct text *rest, struct sim_words *words)
{
	enum operator op;
	struct text token;

	words->count = 0;
	while (next_token(rest, &token)) {
		if (*token.ptr == '#')
			break;
		if (is_operator(token, &op))
			return op;
		if (words->count == WORDS_MAX)
			return OP_TOO_LONG;
		words->at[words->count++] = token;
	}
	return OP_NONE;
}

/* Each word is expanded by itself, so that a value never makes two. They lie in
 * one buffer, each with a NUL behind it; until it is full, as offsets. */
static bool expand_words(struct sim *sim, struct sbuf *buffer,
			 struct sim_words *words)
{
	bool expanded[WORDS_MAX];

	sbuf_reset(buffer);
	for (size_t i = 0; i < words->count; i++) {
		struct text *word = &words->at[i];

		expanded[i] = memchr(word->ptr, '$', word->len);
		if (!expanded[i])
			continue;
		if (!sim_expand_into(sim, *word, &sim->line)) {
			sim_finish(sim, SIM_HANGS);
			return false;
		}
		*word = (struct text){ NULL, sim->line.len };
		sbuf_add(buffer, sim->line.ptr, sim->line.len + 1);
	}
	for (size_t i = 0, offset = 0; i < words->count; i++) {
		if (!expanded[i])
			continue;
		words->at[i].ptr = buffer->ptr + offset;
		offset += words->at[i].len + 1;
	}
	return true;
}

static unsigned long run_command(struct sim *sim, struct sim_words *words)
{
	unsigned long status;

	if (!words->count)
		return 0;
	if (!expand_words(sim, &sim->command_text[sim->depth - 1], words))
		return sim_status_of(SIM_EINVAL);
	status = sim_command(sim, *words);
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
static unsigned long run_line(struct sim *sim, struct text line)
{
	struct text at[WORDS_MAX];
	struct sim_words words = { .at = at };
	bool process = true;
	unsigned long status = 0;
	enum operator op;

	do {
		op = next_command(&line, &words);
		if (op == OP_TOO_LONG) {
			sim_unmodelled(sim, "more than %d words", WORDS_MAX);
			return sim_status_of(SIM_EINVAL);
		}
		if (process)
			status = run_command(sim, &words);
		if (sim->end || stopped(sim, STOP_COMMAND))
			break;
		process = op == OP_OR    ? status != 0
			  : op == OP_AND ? status == 0
					 : true;
	} while (op);
	return status;
}

unsigned long sim_run_script(struct sim *sim, const struct sim_script *script,
			     struct sim_image *image)
{
	struct sim_frame *frame = &sim->frames[sim->depth];
	unsigned long status = 0;
	struct line line;

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
		if (++sim->steps > LINES_MAX)
			sim_finish(sim, SIM_SPINS);
		if (next_line(script->bytes, &frame->offset, &line,
			      &frame->joined))
			status = line.command.len && *line.command.ptr != '#'
					 ? run_line(sim, line.command)
					 : 0;
		else
			status = sim_status_of(SIM_EINVAL);
		if (sim->end || stopped(sim, STOP_SEQUENCE) || status)
			break;
	} while (frame->offset < script->bytes.len);
	sim->depth--;
	return status;
}

int sim_goto(struct sim *sim, struct text label)
{
	struct sim_frame *frame = &sim->frames[sim->depth - 1];
	uint64_t line = find_label(frame->script, label)->line;

	if (!line) {
		sim_emit(sim, &(struct sim_event){ .kind = SIM_NO_LABEL,
						   .text = label });
		return SIM_ENOENT;
	}
	sim_emit(sim, &(struct sim_event){ .kind = SIM_LABEL, .text = label });
	frame->offset = line - 1;
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
		sbuf_release(&sim->frames[i].joined);
		sbuf_release(&sim->command_text[i]);
	}
	sbuf_release(&sim->directory);
	sbuf_release(&sim->value);
	sbuf_release(&sim->spare);
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
	sim->nics.live = sim->images.live = sim->menus.live = 0;
	sim->registered_count = sim->depth = 0;
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
	if (!sim_expand_into(sim, text, &sim->line))
		sbuf_reset(&sim->line);
	return (struct text){ sbuf_text(&sim->line), sim->line.len };
}

struct text sim_setting(struct sim *sim, const char *name)
{
	struct sbuf reference = { 0 };
	struct text value;

	sbuf_printf(&reference, "${%s}", name);
	value = sim_expand(sim, (struct text){ reference.ptr, reference.len });
	sbuf_release(&reference);
	return value;
}

void sim_set(struct sim *sim, const char *name, const char *value)
{
	struct sim_ref ref;

	if (!sim_ref_parse(sim, text_of(name), true, &ref))
		(void)sim_store_text(sim, &ref, text_of(value));
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
