#include "base_store.h"

#include "arena.h"
#include "cleanup.h"
#include "files.h"
#include "manifest.h"
#include "sbuf.h"
#include "sha256.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define NOTE_MAX_BYTES 4096

const char *const base_store_shared[] = { "/var/lib/ipxe-embed/bases",
					  "/usr/lib/ipxe-embed/bases", NULL };

/* ------------------------------------------------------------- reading -- */

bool base_store_read(int dir, const char *name, const char *hex,
		     struct sbuf *ret_bytes)
{
	struct digest expected, digest;

	if (!hex || !digest_from_hex(text_of(hex), &expected) ||
	    files_read(dir, name, BASE_FILE_MAX_BYTES, ret_bytes))
		return false;
	sha256_of(ret_bytes->ptr, ret_bytes->len, &digest);
	/* A hexadecimal digest says no size, so not digest_equal(). */
	return memcmp(digest.sha256, expected.sha256, 32) == 0;
}

json_t *base_store_read_json(int dir, struct digest *ret_digest)
{
	CLEANUP(sbuf) json = { 0 };
	CLEANUP(sbuf) note = { 0 };

	if (files_read(dir, BASE_NOTE, NOTE_MAX_BYTES, &note) ||
	    !base_store_read(dir, BASE_JSON, sbuf_text(&note), &json))
		return NULL;
	if (ret_digest)
		sha256_of(json.ptr, json.len, ret_digest);
	return json_loadb(sbuf_text(&json), json.len, JSON_REJECT_DUPLICATES,
			  NULL);
}

/* ------------------------------------------------------------- writing -- */

bool base_store_print(json_t *root, struct sbuf *out)
{
	char *text =
		root ? json_dumps(root, JSON_INDENT(1) | JSON_SORT_KEYS) : NULL;
	bool good = text != NULL;

	if (good) {
		sbuf_puts(out, text);
		sbuf_putc(out, '\n');
	}
	free(text);
	json_decref(root);
	return good;
}

int base_store_write_json(int dir, const struct sbuf *json)
{
	struct digest digest;
	char hex[65];
	int result;

	sha256_of(json->ptr, json->len, &digest);
	digest_hex(&digest, hex);
	result = files_write(dir, BASE_JSON, json->ptr, json->len);
	return result ? result : files_write(dir, BASE_NOTE, hex, 64);
}

void base_store_remove(int bases, const char *name)
{
	int dir = files_open_dir(bases, name);

	if (dir < 0)
		return;
	files_remove_all(dir, NULL);
	close(dir);
	unlinkat(bases, name, AT_REMOVEDIR);
}

/* ------------------------------------------------------------ visiting -- */

static void visit_in(struct arena *arena, const char *bases,
		     void (*visit)(void *ctx, const char *path,
				   const char *name),
		     void *ctx)
{
	struct dirent **names;
	int count = scandir(bases, &names, NULL, alphasort);

	for (int i = 0; i < count; i++) {
		const char *name = arena_printf(arena, "%s", names[i]->d_name);

		free(names[i]);
		/* What is in the making begins with a dot as well. */
		if (name[0] != '.')
			visit(ctx, arena_printf(arena, "%s/%s", bases, name),
			      name);
	}
	if (count >= 0)
		free(names);
}

void base_store_visit(struct arena *arena, const char *cache,
		      void (*visit)(void *ctx, const char *path,
				    const char *name),
		      void *ctx)
{
	if (cache)
		visit_in(arena, arena_printf(arena, "%s/bases", cache), visit,
			 ctx);
	for (size_t i = 0; base_store_shared[i]; i++)
		visit_in(arena, base_store_shared[i], visit, ctx);
}
