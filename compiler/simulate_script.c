#include "simulate_parts.h"

#include "arena.h"
#include "map.h"

/* Where a label is; its name is looked at there. A script of 100,000 nodes has
 * half a million of them. */
struct label {
	uint64_t line : 40; /* offset, plus one; 0: free */
	uint64_t hash : 24; /* the upper bits of that of its name */
};

#define LABEL_LINE(offset) (((offset) + 1) & (((uint64_t)1 << 40) - 1))
#define LABEL_HASH(hash)   ((unsigned)((hash) >> 40) & 0xffffff)

struct sim_script {
	struct text bytes;
	struct label *labels; /* by the lower bits of the hash */
	size_t room;          /* a power of two */
};

/* ------------------------------------------------------------- lines -- */

static struct text until_nul(struct text text)
{
	const char *nul = memchr(text.ptr, '\0', text.len);

	if (nul)
		text.len = (size_t)(nul - text.ptr);
	return text;
}

static void split_label(struct text text, struct sim_raw_line *line)
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

bool sim_next_line(struct text bytes, size_t *offset, struct sim_raw_line *line,
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
	struct sim_raw_line line;
	bool is = sim_next_line(script->bytes, &at, &line, &joined) &&
		  line.label.ptr && text_equal(line.label, name);

	sbuf_release(&joined);
	return is;
}

/* @return that of the name, or the free one where it belongs */
static struct label *find_label(const struct sim_script *script,
				struct text name, uint64_t hash)
{
	size_t i = hash & (script->room - 1);

	while (script->labels[i].line &&
	       !(script->labels[i].hash == LABEL_HASH(hash) &&
		 is_label(script, script->labels[i].line - 1, name)))
		i = (i + 1) & (script->room - 1);
	return &script->labels[i];
}

/* Labels on their way into the table, which is larger than caches: it is asked
 * for the slots of some at once. */
struct pending {
	struct {
		struct text name;
		uint64_t hash;
		size_t begin; /* of its line */
	} at[16];
	size_t count;
};

static void pending_flush(struct sim_script *script, struct pending *pending)
{
	for (size_t i = 0; i < pending->count; i++) {
		uint64_t hash = pending->at[i].hash;
		struct label *label =
			find_label(script, pending->at[i].name, hash);

		if (label->line) /* the first one counts */
			continue;
		label->line = LABEL_LINE(pending->at[i].begin);
		label->hash = LABEL_HASH(hash);
	}
	pending->count = 0;
}

static void note_label(struct sim_script *script, struct pending *pending,
		       const struct sim_raw_line *line)
{
	uint64_t hash = text_hash(line->label);

	__builtin_prefetch(&script->labels[hash & (script->room - 1)]);
	pending->at[pending->count].name = line->label;
	pending->at[pending->count].hash = hash;
	pending->at[pending->count].begin = line->begin;
	if (++pending->count == sizeof(pending->at) / sizeof(*pending->at))
		pending_flush(script, pending);
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
	struct pending pending = { .count = 0 };
	struct sim_raw_line line;

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
		if (!sim_next_line(bytes, &offset, &line, &joined))
			break;
		if (line.label.ptr)
			note_label(script, &pending, &line);
		if (joined.len) /* the next such line takes its place */
			pending_flush(script, &pending);
	}
	pending_flush(script, &pending);
	sbuf_release(&joined);
	return script;
}

size_t sim_script_find(const struct sim_script *script, struct text label)
{
	uint64_t line = find_label(script, label, text_hash(label))->line;

	return line ? (size_t)line - 1 : SIZE_MAX;
}

struct text sim_script_bytes(const struct sim_script *script)
{
	return script->bytes;
}
