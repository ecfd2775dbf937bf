#ifndef COMPILER_SBUF_H
#define COMPILER_SBUF_H
/**
 * @file
 * Text that grows. The bytes may hold NULs; a NUL always follows them.
 */
#include "text.h"

#include <stdarg.h>

struct arena;

/** Zero-initialise before first use. */
struct sbuf {
	char *ptr; /**< NULL while nothing was ever added; see sbuf_text() */
	size_t len, room;
};

void sbuf_release(struct sbuf *sb);
void sbuf_reset(struct sbuf *sb);                /**< length 0, memory kept */
void sbuf_reserve(struct sbuf *sb, size_t more); /**< room, and a NUL */
void sbuf_puts(struct sbuf *sb, const char *text);
void sbuf_put_number(struct sbuf *sb, unsigned long number); /**< as %lu */
void sbuf_printf(struct sbuf *sb, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void sbuf_vprintf(struct sbuf *sb, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

static inline void sbuf_add(struct sbuf *sb, const void *from, size_t len)
{
	if (sb->room - sb->len <= len)
		sbuf_reserve(sb, len);
	if (len)
		memcpy(sb->ptr + sb->len, from, len);
	sb->len += len;
	sb->ptr[sb->len] = '\0';
}

static inline void sbuf_putc(struct sbuf *sb, char c)
{
	sbuf_add(sb, &c, 1);
}

/** Hand the text over to an arena, without copying. @param sb	left empty */
struct text sbuf_give(struct sbuf *sb, struct arena *arena);

/** @return NUL-terminated, never NULL; valid until the next addition */
const char *sbuf_text(const struct sbuf *sb);

#endif
