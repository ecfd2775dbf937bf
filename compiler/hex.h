#ifndef COMPILER_HEX_H
#define COMPILER_HEX_H
/**
 * @file
 * Bytes as lower-case hex digits.
 */
#include <stdbool.h>
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

/** @return whether @p hex is two digits, of any case, for each byte */
static inline bool hex_bytes(const char *hex, void *bytes, size_t count)
{
	unsigned char *to = bytes;

	for (size_t i = 0; i < 2 * count; i++) {
		const char c = hex[i];
		unsigned digit =
			c >= '0' && c <= '9'   ? (unsigned)(c - '0')
			: c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
			: c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10)
					       : 16;

		if (digit > 15)
			return false;
		to[i / 2] =
			(unsigned char)(i % 2 ? to[i / 2] << 4 | digit : digit);
	}
	return true;
}

#endif
