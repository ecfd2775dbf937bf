/* Any bytes are a tree that keeps what ir.h promises, or faults that can be
 * shown. */
#include "fuzz.h"

#include "arena.h"
#include "diag.h"
#include "ir.h"
#include "load.h"
#include "source.h"
#include "vec.h"

#undef NDEBUG
#include <assert.h>
#include <stdlib.h>

struct walk {
	const struct source *source;
	size_t seen;
};

/* Aliases make a tree large; its beginning tells enough. */
enum { WALK_MAX = 20000 };

static void check_span(const struct walk *w, struct span at)
{
	assert(at.source == w->source);
	assert(at.begin <= at.end);
	assert(at.end <= w->source->bytes.len);
}

static void check_text(struct text text)
{
	assert(strlen(text.ptr) == text.len);
}

static int compare_keys(const void *a, const void *b)
{
	const struct doc_pair *x = a, *y = b;

	return text_compare(x->key, y->key);
}

static void check_keys(struct arena *arena, const struct doc *doc)
{
	struct doc_pair *sorted =
		arena_new_array(arena, doc->count, struct doc_pair);

	for (size_t i = 0; i < doc->count; i++)
		sorted[i] = doc->pairs[i];
	if (doc->count)
		qsort(sorted, doc->count, sizeof(*sorted), compare_keys);
	for (size_t i = 1; i < doc->count; i++)
		assert(compare_keys(&sorted[i - 1], &sorted[i]) < 0);
}

static void check_doc(struct arena *arena, struct walk *w,
		      const struct doc *doc, size_t depth)
{
	if (w->seen++ > WALK_MAX)
		return;
	check_span(w, doc->at);
	switch (doc->kind) {
	case DOC_NULL:
	case DOC_SCALAR:
		check_text(doc->text);
		return;
	case DOC_LIST:
		assert(depth < LOAD_DEPTH_MAX);
		for (size_t i = 0; i < doc->count; i++)
			check_doc(arena, w, doc->items[i], depth + 1);
		return;
	case DOC_MAP:
		assert(depth < LOAD_DEPTH_MAX);
		check_keys(arena, doc);
		for (size_t i = 0; i < doc->count; i++) {
			check_text(doc->pairs[i].key);
			assert(doc->pairs[i].key.len);
			check_span(w, doc->pairs[i].key_at);
			check_doc(arena, w, doc->pairs[i].value, depth + 1);
		}
		return;
	case DOC_FACT: /* in no file */
		break;
	}
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct arena arena = { 0 };
	struct diags ds = { .arena = &arena };
	struct walk walk = { .source = source_new(&arena, "fuzz.yaml", bytes,
						  len) };
	const struct doc *doc = load(&arena, walk.source, &ds);
	struct sbuf shown = { 0 };

	assert(!doc == (ds.errors > 0));
	if (doc)
		check_doc(&arena, &walk, doc, 0);
	for (const struct diag *d = ds.first; d; d = d->next) {
		check_span(&walk, d->at);
		for (const struct diag_note *n = d->notes; n; n = n->next)
			if (n->at.source)
				check_span(&walk, n->at);
	}
	diags_sort(&ds);
	diags_render(&ds, true, &shown);
	diags_render_json(&ds, &shown);
	sbuf_release(&shown);
	arena_release(&arena);
	return 0;
}
