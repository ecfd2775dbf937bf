#include "source.h"

#include "arena.h"
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

/* How many of some bytes are not the first of their character. */
static uint32_t count_continuations(const char *at, size_t len)
{
	const uint64_t ones = 0x0101010101010101;
	uint64_t word;
	uint32_t count = 0;

	for (; len >= sizeof(word); at += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		word = word >> 7 & ~word >> 6 & ones; /* 0x80 but not 0x40 */
		count += (uint32_t)(word * ones >> 56);
	}
	while (len--)
		count += utf8_continues(*at++);
	return count;
}

static const uint32_t *sum_continuations(struct arena *arena, struct text bytes)
{
	size_t blocks = bytes.len / PLACE_BLOCK_BYTES;
	uint32_t *sums = arena_new_array(arena, blocks + 1, uint32_t);

	for (size_t i = 0; i < blocks; i++)
		sums[i + 1] =
			sums[i] +
			count_continuations(bytes.ptr + i * PLACE_BLOCK_BYTES,
					    PLACE_BLOCK_BYTES);
	return sums;
}

const struct source *source_new(struct arena *arena, const char *path,
				const void *bytes, size_t len)
{
	struct source *source = arena_new(arena, struct source);
	const char *begin = arena_copy(arena, bytes, len), *end = begin + len;
	uint32_t *lines;

	assert(len <= UINT32_MAX);
	source->path = text_of(arena_copy(arena, path, strlen(path)));
	source->bytes = (struct text){ begin, len };
	for (const char *at = begin; at; at = next_line(at, end))
		source->line_count++;
	lines = arena_new_array(arena, source->line_count, uint32_t);
	source->lines = lines;
	*lines++ = (uint32_t)source_bom_bytes(source);
	for (const char *at = begin; (at = next_line(at, end));)
		*lines++ = (uint32_t)(at - begin);
	source->continuations = sum_continuations(arena, source->bytes);
	return source;
}

static size_t characters_before(const struct source *source, size_t offset)
{
	size_t block = offset / PLACE_BLOCK_BYTES;

	return offset - source->continuations[block] -
	       count_continuations(source->bytes.ptr +
					   block * PLACE_BLOCK_BYTES,
				   offset % PLACE_BLOCK_BYTES);
}

struct place source_place(const struct source *source, size_t offset)
{
	size_t low = 0, high = source->line_count;
	struct place place;

	assert(offset <= source->bytes.len);
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (source->lines[middle] <= offset)
			low = middle;
		else
			high = middle;
	}
	place = (struct place){ .line = low + 1, .column = 1 };
	if (offset > source->lines[low])
		place.column += characters_before(source, offset) -
				characters_before(source, source->lines[low]);
	return place;
}

struct text source_line(const struct source *source, size_t line)
{
	size_t begin, end;

	assert(line >= 1 && line <= source->line_count);
	begin = source->lines[line - 1];
	end = line < source->line_count ? source->lines[line] - 1
					: source->bytes.len;
	if (end > begin && source->bytes.ptr[end - 1] == '\r')
		end--;
	return (struct text){ source->bytes.ptr + begin, end - begin };
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

static size_t count_feeds(struct text text)
{
	size_t count = 0;

	for (const char *at = text.ptr;
	     (at = next_line(at, text.ptr + text.len));)
		count++;
	return count;
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
