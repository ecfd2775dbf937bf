#ifndef COMPILER_TEXT_H
#define COMPILER_TEXT_H
/**
 * @file
 * A piece of text and the place it comes from.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct source;

/** Bytes [begin, end) of a source; source NULL when there is no place. */
struct span {
	const struct source *source;
	uint32_t begin, end;
};

/** Text with its length; NUL-terminated too, and free of NULs inside. */
struct text {
	const char *ptr;
	size_t len;
};

#define TEXT(literal) ((struct text){ (literal), sizeof(literal) - 1 })

static inline struct text text_of(const char *s)
{
	return (struct text){ s, strlen(s) };
}

static inline bool text_is(struct text t, const char *s)
{
	if (!t.len)
		return !*s;
	/* In tables of words most differ in the first letter. */
	return *t.ptr == *s && t.len == strlen(s) &&
	       memcmp(t.ptr, s, t.len) == 0;
}

static inline bool text_equal(struct text a, struct text b)
{
	return a.len == b.len && (!a.len || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/** Bytewise order, as of memcmp(); independent of any locale. */
static inline int text_compare(struct text a, struct text b)
{
	size_t shorter = a.len < b.len ? a.len : b.len;
	int order = shorter ? memcmp(a.ptr, b.ptr, shorter) : 0;

	if (order)
		return order;
	return (a.len > b.len) - (a.len < b.len);
}

#endif
