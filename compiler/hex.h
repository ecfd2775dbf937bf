#ifndef COMPILER_HEX_H
#define COMPILER_HEX_H
/**
 * @file
 * Bytes as lower-case hex digits.
 */
#include <stddef.h>

/** @param hex	gets two digits for each byte and a NUL */
static inline void hex_digits(const void *bytes, size_t count, char *hex)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *from = bytes;

	for (size_t i = 0; i < count; i++) {
		*hex++ = digits[from[i] >> 4];
		*hex++ = digits[from[i] & 15];
	}
	*hex = '\0';
}

#endif
