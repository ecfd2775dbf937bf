#ifndef COMPILER_SBUF_H
#define COMPILER_SBUF_H
/**
 * @file
 * Text that grows. The bytes may hold NULs; a NUL always follows them.
 */
#include <stdarg.h>
#include <stddef.h>

/** Zero-initialise before first use. */
struct sbuf {
	char *ptr; /**< NULL while nothing was ever added; see sbuf_text() */
	size_t len, room;
};

void sbuf_release(struct sbuf *sb);
void sbuf_reset(struct sbuf *sb); /**< length 0, memory kept */
void sbuf_add(struct sbuf *sb, const void *from, size_t len);
void sbuf_puts(struct sbuf *sb, const char *text);
void sbuf_putc(struct sbuf *sb, char c);
void sbuf_printf(struct sbuf *sb, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void sbuf_vprintf(struct sbuf *sb, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

/** @return NUL-terminated, never NULL; valid until the next addition */
const char *sbuf_text(const struct sbuf *sb);

#endif
