#include "source.h"

#include "arena.h"
#include "sbuf.h"
#include "utf8.h"

#include <assert.h>

/* Files can be one line of many megabytes: columns are counted from here. */
enum { PLACE_BLOCK_BYTES = 1024 };

/* Lines of longer block text are not told apart: it would take time for each
 * place in it, and no person wrote it. */
enum { BLOCK_BYTES_MAX = 64 * 1024 };

size_t source_bom_bytes(const struct source *source)
{
	struct text bytes = source->bytes;

	return bytes.len >= 3 && memcmp(bytes.ptr, "\xef\xbb\xbf", 3) == 0 ? 3
									   : 0;
}

/* Behind the next line feed; NULL if there is none. */
static const char *next_line(const char *at, const char *end)
{
	const char *feed = memchr(at, '\n', (size_t)(end - at));

	return feed ? feed + 1 : NULL;
}

static uint64_t ones(uint64_t bytes)
{
	return bytes * 0x0101010101010101 >> 56;
}

/* How many of some bytes are not the first of their character. */
static uint32_t count_continuations(const char *at, size_t len)
{
	const uint64_t low = 0x0101010101010101;
	uint64_t word;
	uint32_t count = 0;

	for (; len >= sizeof(word); at += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		/* 0x80 but not 0x40 */
		count += (uint32_t)ones(word >> 7 & ~word >> 6 & low);
	}
	while (len--)
		count += utf8_continues(*at++);
	return count;
}

static uint32_t count_feeds(struct text text)
{
	const char *end = text.ptr + text.len;
	uint32_t count = 0;

	for (const char *at = text.ptr; (at = next_line(at, end));)
		count++;
	return count;
}

/* Of all that is before a block. */
struct source_sums {
	uint32_t feeds, continuations;
};

static struct text block_of(const struct source *source, size_t block)
{
	size_t begin = block * PLACE_BLOCK_BYTES;
	size_t rest = source->bytes.len - begin;

	return (struct text){ source->bytes.ptr + begin,
			      rest < PLACE_BLOCK_BYTES ? rest
						       : PLACE_BLOCK_BYTES };
}

/* For each block, the last of which may be empty, and for the end. */
static void sum_up(struct arena *arena, struct source *source)
{
	size_t blocks = source->bytes.len / PLACE_BLOCK_BYTES + 1;
	struct source_sums *sums =
		arena_new_array(arena, blocks + 1, struct source_sums);

	for (size_t i = 0; i < blocks; i++) {
		struct text block = block_of(source, i);

		sums[i + 1].feeds = sums[i].feeds + count_feeds(block);
		sums[i + 1].continuations =
			sums[i].continuations +
			count_continuations(block.ptr, block.len);
	}
	source->sums = sums;
	source->line_count = sums[blocks].feeds + (size_t)1;
}

static const struct source *source_of(struct arena *arena, const char *path,
				      struct text bytes)
{
	struct source *source = arena_new(arena, struct source);

	assert(bytes.len <= UINT32_MAX);
	source->path = text_of(arena_copy(arena, path, strlen(path)));
	source->bytes = bytes;
	sum_up(arena, source);
	return source;
}

const struct source *source_new(struct arena *arena, const char *path,
				const void *bytes, size_t len)
{
	return source_of(arena, path,
			 (struct text){ arena_copy(arena, bytes, len), len });
}

const struct source *source_take(struct arena *arena, const char *path,
				 struct sbuf *bytes)
{
	return source_of(arena, path, sbuf_give(bytes, arena));
}

/* Where a line begins, counted from 0. */
static size_t line_begin(const struct source *source, size_t line)
{
	size_t low = 0, high = source->bytes.len / PLACE_BLOCK_BYTES + 1;
	const char *at;

	if (!line)
		return source_bom_bytes(source);
	/* The last block with fewer line feeds before it has the one that
	 * ends the line above. */
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (source->sums[middle].feeds < line)
			low = middle;
		else
			high = middle;
	}
	at = source->bytes.ptr + low * PLACE_BLOCK_BYTES;
	for (size_t i = source->sums[low].feeds; i < line; i++)
		at = next_line(at, source->bytes.ptr + source->bytes.len);
	return (size_t)(at - source->bytes.ptr);
}

static size_t characters_before(const struct source *source, size_t offset)
{
	size_t block = offset / PLACE_BLOCK_BYTES;

	return offset - source->sums[block].continuations -
	       count_continuations(source->bytes.ptr +
					   block * PLACE_BLOCK_BYTES,
				   offset % PLACE_BLOCK_BYTES);
}

struct place source_place(const struct source *source, size_t offset)
{
	size_t block = offset / PLACE_BLOCK_BYTES, begin;
	struct text before = block_of(source, block);
	struct place place = { .column = 1 };

	assert(offset <= source->bytes.len);
	before.len = offset % PLACE_BLOCK_BYTES;
	place.line = source->sums[block].feeds + count_feeds(before) + 1;
	begin = line_begin(source, place.line - 1);
	if (offset > begin)
		place.column += characters_before(source, offset) -
				characters_before(source, begin);
	return place;
}

struct text source_line(const struct source *source, size_t line)
{
	const char *ptr = source->bytes.ptr;
	const char *end = ptr + source->bytes.len, *feed;
	size_t begin;

	assert(line >= 1 && line <= source->line_count);
	begin = line_begin(source, line - 1);
	feed = memchr(ptr + begin, '\n', source->bytes.len - begin);
	if (feed)
		end = feed;
	if (end > ptr + begin && end[-1] == '\r')
		end--;
	return (struct text){ ptr + begin, (size_t)(end - ptr) - begin };
}

bool span_find_text(struct span at, struct text text, struct span *ret)
{
	for (uint32_t quote = 0; quote < 2 && at.source; quote++) {
		size_t from = at.begin + quote;

		if (from > at.end || at.end - from < text.len || !text.len ||
		    memcmp(at.source->bytes.ptr + from, text.ptr, text.len) !=
			    0)
			continue;
		*ret = (struct span){ at.source, (uint32_t)from,
				      (uint32_t)(from + text.len) };
		return true;
	}
	return false;
}

/* The line that holds a byte, without its end. */
static struct text line_around(struct text text, size_t offset)
{
	const char *before = memrchr(text.ptr, '\n', offset);
	const char *line = before ? before + 1 : text.ptr;
	const char *rest = text.ptr + offset;
	const char *feed = memchr(rest, '\n', text.len - offset);
	const char *end = feed ? feed : text.ptr + text.len;

	return (struct text){ line, (size_t)(end - line) };
}

static bool ends_in(struct text text, struct text end)
{
	return text.len >= end.len &&
	       memcmp(text.ptr + text.len - end.len, end.ptr, end.len) == 0;
}

/* A piece of one line of block text (`|`): each line of the text is a line of
 * the file, behind its indentation. */
static bool span_in_block(struct span at, struct text text, size_t begin,
			  size_t end, struct span *ret)
{
	struct text line = line_around(text, begin), written;
	size_t number, from, skipped = (size_t)(line.ptr - text.ptr);

	if (!at.source || at.begin == at.end || text.len > BLOCK_BYTES_MAX ||
	    at.source->bytes.ptr[at.begin] != '|')
		return false;
	number = source_place(at.source, at.begin).line + 1 +
		 count_feeds((struct text){ text.ptr, begin });
	if (number > at.source->line_count)
		return false;
	written = source_line(at.source, number);
	from = (size_t)(written.ptr + written.len - at.source->bytes.ptr) -
	       line.len;
	if (!ends_in(written, line) || from + line.len > at.end)
		return false;
	end = end - skipped < line.len ? end - skipped : line.len;
	*ret = (struct span){ at.source, (uint32_t)(from + begin - skipped),
			      (uint32_t)(from + end) };
	return true;
}

struct span span_within(struct span at, struct text text, size_t begin,
			size_t end)
{
	struct span found;

	if (!span_find_text(at, text, &found))
		return span_in_block(at, text, begin, end, &found) ? found : at;
	return (struct span){ found.source, (uint32_t)(found.begin + begin),
			      (uint32_t)(found.begin + end) };
}
