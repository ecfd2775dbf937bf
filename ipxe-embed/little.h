#ifndef PROGRAM_LITTLE_H
#define PROGRAM_LITTLE_H
/**
 * @file
 * Little-endian numbers of up to 8 bytes at any place.
 */
#include <stddef.h>
#include <stdint.h>

static inline uint64_t little_get(const char *at, size_t bytes)
{
	uint64_t value = 0;

	while (bytes--)
		value = value << 8 | (unsigned char)at[bytes];
	return value;
}

static inline void little_put(char *at, size_t bytes, uint64_t value)
{
	for (size_t i = 0; i < bytes; i++, value >>= 8)
		at[i] = (char)(value & 0xff);
}

#endif
