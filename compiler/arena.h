#ifndef COMPILER_ARENA_H
#define COMPILER_ARENA_H
/**
 * @file
 * Memory of one run: given out piece by piece, returned all at once.
 *
 * Running out of memory ends the program with a message (see arena.c): a
 * compiler that cannot allocate has nothing useful left to do, and output is
 * only ever committed whole.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

struct arena_block;

/** Zero-initialise before first use. */
struct arena {
	struct arena_block *blocks;
	struct arena_taken *taken; /**< of arena_take() */
	size_t total_bytes;        /**< obtained from the system so far */
};

/** Give back all memory; the arena may be used again. */
void arena_release(struct arena *arena);

/** The same, but for some memory that is kept for what comes next. */
void arena_reset(struct arena *arena);

/** @return zeroed memory, aligned for any type; @p bytes may be 0 */
void *arena_alloc(struct arena *arena, size_t bytes);

/**
 * The same, packed more tightly.
 *
 * @param align	a power of two, at most that of max_align_t
 */
void *arena_alloc_aligned(struct arena *arena, size_t bytes, size_t align);

/** Zeroed array of @p count; the product is checked for overflow. */
void *arena_array(struct arena *arena, size_t count, size_t bytes);

/** Copy of @p len bytes with a NUL behind them. */
char *arena_copy(struct arena *arena, const void *from, size_t len);

/** Memory of xrealloc(): from now on to be freed with the arena. */
void arena_take(struct arena *arena, void *mem);

char *arena_printf(struct arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *arena, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

#define arena_new(arena, type) arena_new_array((arena), 1, type)
#define arena_new_array(arena, count, type) \
	((type *)arena_alloc_aligned(       \
		(arena), size_product((count), sizeof(type)), _Alignof(type)))

/** End the program with a message and status 3. */
_Noreturn void out_of_memory(void);

/** malloc() and friends that end the program when there is no memory. */
void *xrealloc(void *old, size_t bytes);

/** The product; ends the program on overflow, as for no memory. */
size_t size_product(size_t a, size_t b);

#endif
