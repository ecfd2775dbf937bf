#ifndef PROGRAM_BASE_STORE_H
#define PROGRAM_BASE_STORE_H
/**
 * @file
 * Where bases lie, and what all kinds of them have in common.
 *
 * A base is a directory: base.json says what every file in it hashes to, and
 * base.json.sha256 what that hashes to. Bases are made below
 * IPXE_EMBED_CACHE/bases; others are looked for in /var/lib/ipxe-embed/bases and
 * /usr/lib/ipxe-embed/bases, which are only read.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct arena;
struct digest;
struct sbuf;

#define BASE_JSON           "base.json"
#define BASE_NOTE           "base.json.sha256"
#define BASE_FILE_MAX_BYTES ((size_t)64 * 1024 * 1024)

/** Directories of others; ends with NULL. */
extern const char *const base_store_shared[];

/**
 * Read a file of a base.
 *
 * @param hex	what it must hash to; NULL is no digest
 * @return whether it is there, and good
 */
bool base_store_read(int dir, const char *name, const char *hex,
		     struct sbuf *ret_bytes);

/**
 * Read what a base says of itself.
 *
 * @param ret_digest	of base.json, and so of all that it vouches for; may be
 *			NULL
 * @return to be released; NULL if it is damaged
 */
json_t *base_store_read_json(int dir, struct digest *ret_digest);

/**
 * What a base says of itself, as text: the same bytes for the same content.
 *
 * @param root	released; NULL is allowed
 * @return false if it cannot be written as JSON
 */
bool base_store_print(json_t *root, struct sbuf *out);

/**
 * Write what a base says of itself, as the last of its files.
 *
 * @return 0 or -errno
 */
int base_store_write_json(int dir, const struct sbuf *json);

/** rm -rf of a base, as far as it is there. */
void base_store_remove(int bases, const char *name);

/**
 * Visit the directories of all bases, in this cache and shared ones, by name,
 * without those in the making.
 *
 * @param cache	may be NULL
 */
void base_store_visit(struct arena *arena, const char *cache,
		      void (*visit)(void *ctx, const char *path,
				    const char *name),
		      void *ctx);

#endif
