#ifndef COMPILER_UTF8_H
#define COMPILER_UTF8_H
/**
 * @file
 * UTF-8, one sequence at a time.
 */
#include <stdbool.h>
#include <stddef.h>

/**
 * Length of the UTF-8 sequence at the start of some bytes.
 *
 * @param len	bytes that may be read; at least 1
 * @return 1 to 4; 0 if it is malformed, cut off, overlong, a surrogate or
 *	beyond U+10FFFF
 * @see RFC 3629, section 4
 */
static inline size_t utf8_sequence(const char *bytes, size_t len)
{
	const unsigned char *s = (const unsigned char *)bytes;
	size_t need = s[0] < 0x80   ? 1
		      : s[0] < 0xc2 ? 0
		      : s[0] < 0xe0 ? 2
		      : s[0] < 0xf0 ? 3
		      : s[0] < 0xf5 ? 4
				    : 0;

	if (!need || need > len)
		return 0;
	for (size_t i = 1; i < need; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return need;
}

/**
 * Whether a control character stands at the start of some bytes: one of ASCII,
 * or one of U+0080 to U+009F, among which terminals know U+009B as "ESC [".
 *
 * @param len	bytes that may be read; at least 1
 */
static inline bool utf8_is_control(const char *bytes, size_t len)
{
	const unsigned char *s = (const unsigned char *)bytes;

	return s[0] < 0x20 || s[0] == 0x7f ||
	       (s[0] == 0xc2 && len > 1 && s[1] >= 0x80 && s[1] < 0xa0);
}

/** Whether a byte is not the first of its sequence. */
static inline bool utf8_continues(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

#endif
