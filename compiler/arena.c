#include "arena.h"

#include <assert.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct arena_block {
	struct arena_block *next;
	void *mem;         /**< that it stands in */
	size_t used, size; /**< of `bytes` */
	alignas(max_align_t) unsigned char bytes[];
};

/* The address sanitizer would take a whole block for one object: show it the
 * pieces, with forbidden ground between them. It sees 8 bytes at a time. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#define poison(mem, bytes)   ASAN_POISON_MEMORY_REGION((mem), (bytes))
#define unpoison(mem, bytes) ASAN_UNPOISON_MEMORY_REGION((mem), (bytes))
enum { PIECE_ALIGN_MIN = 8, RED_ZONE_BYTES = 16 };
#else
#define poison(mem, bytes)   ((void)(mem), (void)(bytes))
#define unpoison(mem, bytes) ((void)(mem), (void)(bytes))
enum { PIECE_ALIGN_MIN = 1, RED_ZONE_BYTES = 0 };
#endif

/* Large enough that a small site is one block, small enough not to matter. Each
 * block is as large as all before it, for the sake of huge pages. */
enum { BLOCK_BYTES_MIN = 256 * 1024, BLOCK_BYTES_MAX = 32 * 1024 * 1024 };
enum { PAGE_BYTES = 4096, HUGE_PAGE_BYTES = 2 * 1024 * 1024 };

_Noreturn void out_of_memory(void)
{
	/* The one message and exit in compiler/: there is no memory to report
	 * the normal way, and nothing has been written that could be half. */
	fputs("ipxe-embed: out of memory\n", stderr);
	exit(3);
}

size_t size_product(size_t a, size_t b)
{
	size_t product;

	if (__builtin_mul_overflow(a, b, &product))
		out_of_memory();
	return product;
}

/* A wish and no need: where there are no huge pages, it fails. The system must
 * clear small pages one by one, which takes it as long as all the rest takes us. */
static void ask_for_huge_pages(void *mem, size_t bytes)
{
	/* From the page that it begins in: all that malloc() mapped for it must
	 * stay alike, or the system refuses to let it grow in place. */
	size_t before = (uintptr_t)mem & (PAGE_BYTES - 1);

	if (bytes >= HUGE_PAGE_BYTES)
		(void)madvise((char *)mem - before, bytes + before,
			      MADV_HUGEPAGE);
}

void *xrealloc(void *old, size_t bytes)
{
	void *mem = realloc(old, bytes ? bytes : 1);

	if (!mem)
		out_of_memory();
	ask_for_huge_pages(mem, bytes);
	return mem;
}

/* Large memory that grew elsewhere. */
struct arena_taken {
	struct arena_taken *next;
	void *mem;
};

void arena_take(struct arena *arena, void *mem)
{
	struct arena_taken *taken = arena_new(arena, struct arena_taken);

	*taken = (struct arena_taken){ arena->taken, mem };
	arena->taken = taken;
}

void arena_release(struct arena *arena)
{
	for (; arena->taken; arena->taken = arena->taken->next)
		free(arena->taken->mem);
	while (arena->blocks) {
		struct arena_block *block = arena->blocks;

		arena->blocks = block->next;
		free(block->mem);
	}
	arena->total_bytes = 0;
}

void arena_reset(struct arena *arena)
{
	struct arena_block *kept = arena->blocks;
	size_t used;

	if (kept) {
		arena->blocks = kept->next;
		kept->next = NULL;
	}
	arena_release(arena);
	if (!kept)
		return;
	used = kept->used < kept->size ? kept->used : kept->size;
	unpoison(kept->bytes, used);
	memset(kept->bytes, 0, used);
	poison(kept->bytes, kept->size);
	kept->used = 0;
	arena->blocks = kept;
	arena->total_bytes = sizeof(*kept) + kept->size;
}

/* A large one begins where a huge page can; what it skips is never touched.
 * @param size	without what the block itself takes
 * @return zeroes */
static struct arena_block *block_new(size_t size)
{
	size_t bytes, align, skip;
	struct arena_block *block;
	char *mem;

	if (size > SIZE_MAX / 2)
		out_of_memory();
	bytes = sizeof(*block) + size;
	align = bytes < HUGE_PAGE_BYTES ? 1 : HUGE_PAGE_BYTES;
	mem = calloc(1, bytes + align - 1);
	if (!mem)
		out_of_memory();
	skip = -(uintptr_t)mem & (align - 1);
	block = (struct arena_block *)(void *)(mem + skip);
	/* Before it is touched, or its first huge page is many small ones. */
	ask_for_huge_pages(block, bytes);
	block->mem = mem;
	block->size = size;
	return block;
}

static struct arena_block *block_add(struct arena *arena, size_t at_least)
{
	size_t size = arena->total_bytes;
	struct arena_block *block;

	if (size < BLOCK_BYTES_MIN)
		size = BLOCK_BYTES_MIN;
	if (size > BLOCK_BYTES_MAX)
		size = BLOCK_BYTES_MAX;
	size -= sizeof(*block);
	block = block_new(at_least > size ? at_least : size);
	poison(block->bytes, block->size);
	arena->total_bytes += sizeof(*block) + block->size;

	/* An oversized piece goes behind the block in use, whose rest would be
	 * lost otherwise. */
	if (arena->blocks && at_least > size) {
		block->next = arena->blocks->next;
		arena->blocks->next = block;
	} else {
		block->next = arena->blocks;
		arena->blocks = block;
	}
	return block;
}

/* @return where in the block the next piece begins; beyond its size if full */
static size_t piece_begin(const struct arena_block *block, size_t align)
{
	return (block->used + align - 1) & ~(align - 1);
}

void *arena_alloc_aligned(struct arena *arena, size_t bytes, size_t align)
{
	struct arena_block *block = arena->blocks;
	size_t begin;

	if (align < PIECE_ALIGN_MIN)
		align = PIECE_ALIGN_MIN;
	if (bytes > SIZE_MAX / 2)
		out_of_memory();
	begin = block ? piece_begin(block, align) : 0;
	if (!block || begin > block->size || block->size - begin < bytes) {
		block = block_add(arena, bytes);
		begin = 0;
	}
	block->used = begin + bytes + RED_ZONE_BYTES;
	unpoison(block->bytes + begin, bytes);
	return block->bytes + begin;
}

void *arena_alloc(struct arena *arena, size_t bytes)
{
	return arena_alloc_aligned(arena, bytes, alignof(max_align_t));
}

void *arena_array(struct arena *arena, size_t count, size_t bytes)
{
	return arena_alloc(arena, size_product(count, bytes));
}

char *arena_copy(struct arena *arena, const void *from, size_t len)
{
	char *copy = arena_alloc_aligned(arena, len + 1, 1);

	if (len)
		memcpy(copy, from, len);
	return copy;
}

char *arena_vprintf(struct arena *arena, const char *format, va_list args)
{
	char line[128], *text;
	va_list again;
	int len;

	/* Most texts are short: they need not be formatted twice. */
	va_copy(again, args);
	len = vsnprintf(line, sizeof(line), format, again);
	va_end(again);
	assert(len >= 0);
	if ((size_t)len < sizeof(line))
		return arena_copy(arena, line, (size_t)len);
	text = arena_alloc_aligned(arena, (size_t)len + 1, 1);
	vsnprintf(text, (size_t)len + 1, format, args);
	return text;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = arena_vprintf(arena, format, args);
	va_end(args);
	return text;
}
