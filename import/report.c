#include "import.h"

#include "doc.h"
#include "source.h"

#include <stdlib.h>

/* ----------------------------------------------------------- findings -- */

/* What is said of a place: the worst fate + 1. */
static void **seen_at(struct import *im, struct span at)
{
	struct text key;

	key.ptr = arena_printf(im->arena, "%u %s", at.begin,
			       at.source ? at.source->path.ptr : "");
	key.len = strlen(key.ptr);
	im->seen.arena = im->arena;
	return map_at(&im->seen, key);
}

static void see(struct import *im, struct span at, enum fate fate)
{
	void **seen = seen_at(im, at);

	if (fate >= (uintptr_t)*seen)
		*seen = (void *)((uintptr_t)fate + 1);
}

static void find(struct import *im, enum fate fate, struct span at,
		 const char *help, const char *format, va_list args)
	__attribute__((format(printf, 5, 0)));

static void find(struct import *im, enum fate fate, struct span at,
		 const char *help, const char *format, va_list args)
{
	struct finding *f = vec_push(im->arena, &im->findings);

	f->fate = fate;
	f->at = at;
	f->help = help;
	f->text = arena_vprintf(im->arena, format, args);
}

void import_find(struct import *im, enum fate fate, struct span at,
		 const char *help, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	find(im, fate, at, help, format, args);
	va_end(args);
	see(im, at, fate);
}

void import_find_part(struct import *im, enum fate fate, struct span at,
		      const char *format, ...)
{
	va_list args;

	va_start(args, format);
	find(im, fate, at, NULL, format, args);
	va_end(args);
	im->findings.at[im->findings.count - 1].nested = true;
	see(im, at, fate);
}

bool import_has_finding(struct import *im, struct span at)
{
	return *seen_at(im, at);
}

bool import_is_lost(struct import *im, struct span at)
{
	return (uintptr_t)*seen_at(im, at) == FATE_LOST + 1;
}

/* Each key below goes the same way. */
static void find_all(struct import *im, enum fate fate, const struct doc *doc)
{
	if (doc->kind == DOC_LIST)
		for (size_t i = 0; i < doc->count; i++)
			find_all(im, fate, doc->items[i]);
	if (doc->kind != DOC_MAP)
		return;
	for (size_t i = 0; i < doc->count; i++) {
		const struct doc_pair *pair = &doc->pairs[i];

		if (!*seen_at(im, pair->key_at)) {
			import_find_part(im, fate, pair->key_at,
					 "\"%s\" with it", pair->key.ptr);
		}
		find_all(im, fate, pair->value);
	}
}

void import_find_key(struct import *im, enum fate fate,
		     const struct doc_pair *pair, const char *help,
		     const char *format, ...)
{
	va_list args;

	va_start(args, format);
	find(im, fate, pair->key_at, help, format, args);
	va_end(args);
	see(im, pair->key_at, fate);
	find_all(im, fate, pair->value);
}

void import_find_rest(struct import *im, const struct doc *doc, const char *who)
{
	if (doc->kind == DOC_LIST)
		for (size_t i = 0; i < doc->count; i++)
			import_find_rest(im, doc->items[i], who);
	if (doc->kind != DOC_MAP)
		return;
	for (size_t i = 0; i < doc->count; i++) {
		const struct doc_pair *pair = &doc->pairs[i];

		if (*seen_at(im, pair->key_at)) {
			import_find_rest(im, pair->value, who);
			continue;
		}
		import_find_key(im, FATE_IGNORED, pair, NULL,
				"\"%s\" means nothing to %s", pair->key.ptr,
				who);
	}
}

/* ------------------------------------------------------------- report -- */

static const struct {
	const char *heading;
} fates[FATES] = {
	[FATE_CARRIED] = { "Carried exactly" },
	[FATE_CHANGED] = { "Behaves differently" },
	[FATE_LOST] = { "Not carried" },
	[FATE_TODO] = { "Left for you to do" },
	[FATE_IGNORED] = { "Nothing for a site" },
};

static int compare_findings(const void *a, const void *b)
{
	const struct finding *x = *(const struct finding *const *)a;
	const struct finding *y = *(const struct finding *const *)b;
	int order;

	if (x->fate != y->fate)
		return (x->fate > y->fate) - (x->fate < y->fate);
	if (!x->at.source || !y->at.source) {
		order = !y->at.source - !x->at.source;
		return order ? order : strcmp(x->text, y->text);
	}
	order = text_compare(x->at.source->path, y->at.source->path);
	if (!order)
		order = (x->at.begin > y->at.begin) -
			(x->at.begin < y->at.begin);
	return order ? order : strcmp(x->text, y->text);
}

/* What holds for several in a row is said behind the last of them. */
static void put_finding(const struct finding *f, const struct finding *next,
			struct sbuf *out)
{
	sbuf_puts(out, "  ");
	if (f->at.source) {
		struct place place = source_place(f->at.source, f->at.begin);

		sbuf_printf(out, "%s:%zu:%zu: ", f->at.source->path.ptr,
			    place.line, place.column);
	}
	sbuf_printf(out, "%s\n", f->text);
	if (f->help &&
	    !(next && next->help && strcmp(next->help, f->help) == 0))
		sbuf_printf(out, "      %s\n", f->help);
}

/* A place of which something else was found later is not carried exactly. */
static bool is_overruled(struct import *im, const struct finding *f)
{
	return f->fate == FATE_CARRIED && f->at.source &&
	       (uintptr_t)*seen_at(im, f->at) > FATE_CARRIED + 1;
}

/* What is well is only counted: nobody reads a thousand lines of it. */
static bool is_brief(enum fate fate, bool verbose)
{
	return !verbose && fate == FATE_CARRIED;
}

static void put_fate(enum fate fate, const struct finding *const *sorted,
		     size_t count, bool verbose, struct sbuf *out)
{
	sbuf_printf(out, "\n%s (%zu)", fates[fate].heading, count);
	if (is_brief(fate, verbose)) {
		sbuf_puts(out, "; --verbose lists it\n");
		return;
	}
	sbuf_puts(out, ":\n");
	for (size_t i = 0; i < count; i++)
		put_finding(sorted[i], i + 1 < count ? sorted[i + 1] : NULL,
			    out);
}

/* Parts of what is not well need no line of their own. */
static bool is_hidden(const struct finding *f)
{
	return f->nested && f->fate != FATE_CARRIED;
}

/* @return how many are left */
static size_t without_repeats(const struct finding **sorted, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		if (!kept || compare_findings(&sorted[kept - 1], &sorted[i]))
			sorted[kept++] = sorted[i];
	return kept;
}

void import_report(struct import *im, bool verbose, struct sbuf *out)
{
	const struct finding **sorted = arena_new_array(
		im->arena, im->findings.count, const struct finding *);
	size_t count = 0, done = 0;

	vec_foreach (struct finding, f, &im->findings)
		if (!is_overruled(im, f) && (verbose || !is_hidden(f)))
			sorted[count++] = f;
	if (count)
		qsort(sorted, count, sizeof(*sorted), compare_findings);
	count = without_repeats(sorted, count);
	sbuf_printf(out, "%s\n", im->summary);
	while (done < count) {
		enum fate fate = sorted[done]->fate;
		size_t begin = done;

		while (done < count && sorted[done]->fate == fate)
			done++;
		put_fate(fate, sorted + begin, done - begin, verbose, out);
	}
}
