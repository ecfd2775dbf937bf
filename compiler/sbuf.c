#include "sbuf.h"

#include "arena.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void sbuf_release(struct sbuf *sb)
{
	free(sb->ptr);
	*sb = (struct sbuf){ 0 };
}

void sbuf_reset(struct sbuf *sb)
{
	sb->len = 0;
	if (sb->ptr)
		sb->ptr[0] = '\0';
}

void sbuf_reserve(struct sbuf *sb, size_t more)
{
	size_t need = sb->len + more + 1;

	assert(need > sb->len);
	if (need <= sb->room)
		return;
	sb->room = need > 2 * sb->room ? need : 2 * sb->room;
	sb->ptr = xrealloc(sb->ptr, sb->room);
	sb->ptr[sb->len] = '\0';
}

void sbuf_puts(struct sbuf *sb, const char *text)
{
	sbuf_add(sb, text, strlen(text));
}

void sbuf_put_number(struct sbuf *sb, unsigned long number)
{
	char digits[3 * sizeof(number)];
	size_t begin = sizeof(digits);

	do {
		digits[--begin] = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	sbuf_add(sb, digits + begin, sizeof(digits) - begin);
}

/*
 * Text, %s and %zu, which is nearly all that a boot script is written with:
 * copied straight, for vsnprintf() takes five times as long.
 *
 * @return where the format holds anything else; its end if it does not
 */
static const char *put_plain(struct sbuf *sb, const char *format, va_list args)
{
	for (;;) {
		const char *percent = strchrnul(format, '%');

		sbuf_add(sb, format, (size_t)(percent - format));
		if (percent[0] == '\0')
			return percent;
		if (percent[1] == 's') {
			sbuf_puts(sb, va_arg(args, const char *));
			format = percent + 2;
		} else if (percent[1] == 'z' && percent[2] == 'u') {
			sbuf_put_number(sb, va_arg(args, size_t));
			format = percent + 3;
		} else {
			return percent;
		}
	}
}

void sbuf_vprintf(struct sbuf *sb, const char *format, va_list args)
{
	size_t old_len = sb->len;
	va_list again;
	bool plain;
	int len;

	va_copy(again, args);
	plain = *put_plain(sb, format, again) == '\0';
	va_end(again);
	if (plain)
		return;
	sb->len = old_len;

	/* Most often there is room already; once more if there was not. */
	sbuf_reserve(sb, 0);
	va_copy(again, args);
	len = vsnprintf(sb->ptr + sb->len, sb->room - sb->len, format, again);
	va_end(again);
	assert(len >= 0);
	if ((size_t)len >= sb->room - sb->len) {
		sbuf_reserve(sb, (size_t)len);
		vsnprintf(sb->ptr + sb->len, (size_t)len + 1, format, args);
	}
	sb->len += (size_t)len;
}

void sbuf_printf(struct sbuf *sb, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	sbuf_vprintf(sb, format, args);
	va_end(args);
}

struct text sbuf_give(struct sbuf *sb, struct arena *arena)
{
	struct text text = { sbuf_text(sb), sb->len };

	if (sb->ptr)
		arena_take(arena, sb->ptr);
	*sb = (struct sbuf){ 0 };
	return text;
}

const char *sbuf_text(const struct sbuf *sb)
{
	return sb->ptr ? sb->ptr : "";
}
