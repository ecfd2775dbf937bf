#include "source.h"

#include "arena.h"
#include "utf8.h"

#include <assert.h>

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
	return source;
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
	for (size_t i = source->lines[low]; i < offset; i++)
		place.column += !utf8_continues(source->bytes.ptr[i]);
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

struct span span_within(struct span at, struct text text, size_t begin,
			size_t end)
{
	for (uint32_t quote = 0; quote < 2 && at.source; quote++) {
		size_t from = at.begin + quote;

		if (from > at.end || at.end - from < text.len || !text.len ||
		    memcmp(at.source->bytes.ptr + from, text.ptr, text.len) !=
			    0)
			continue;
		return (struct span){ at.source, (uint32_t)(from + begin),
				      (uint32_t)(from + end) };
	}
	return at;
}
