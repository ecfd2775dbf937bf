#include "load.h"

#include "arena.h"
#include "doc.h"
#include "load_names.h"
#include "load_parts.h"
#include "utf8.h"
#include "vec.h"

#include <stdlib.h>
#include <yaml.h>

/* -- The loader ----------------------------------------------------------- */

/* A value, with its key, that waits for the end of its list or map. */
struct entry {
	int64_t key; /* number of the key; NO_NAME if it was refused */
	struct span key_at;
	struct doc *value;
};

/* What an anchor stands for. */
struct anchored {
	struct doc *doc; /* NULL until its end has been read */
	unsigned height; /* lists and maps within each other */
	uint64_t bytes;  /* as if all aliases were written out */
};

/* A list or map that has begun. */
struct frame {
	struct doc *doc;
	size_t first_entry;
	int64_t anchor; /* number of its anchor, or NO_NAME */
	bool is_key;    /* stands where a key should: was refused */
	bool want_value;
	unsigned height;
	uint64_t bytes;
};

struct loader {
	struct arena *arena;
	const struct source *source;
	struct diags *ds;
	struct doc *root;
	bool done, failed;

	bool json_pairs;     /* ends of strings must be looked for */
	bool ascii;          /* every character is one byte */
	size_t bom;          /* bytes of the byte order mark */
	size_t mark, offset; /* the place last asked for: in code points after
			      * the byte order mark, and in bytes */
	struct span last_quoted;

	struct frame frames[LOAD_DEPTH_MAX];
	size_t depth;
	struct entry *entries;
	size_t entry_count, entry_room;

	struct names keys, anchors;
	VEC(struct anchored) anchored; /* by number of the anchor */
	uint32_t map_count;
	uint64_t alias_bytes;
};

/* What a value counts for LOAD_ALIAS_BYTES_MAX, beside its text. */
enum { VALUE_BYTES = 64 };

static void loader_release(struct loader *l)
{
	names_release(&l->keys);
	names_release(&l->anchors);
	free(l->entries);
}

/* libyaml counts code points; we count bytes. Marks mostly go forward, and
 * never far back, so walking from the last one is cheap. */
static uint32_t mark_walk(struct loader *l, size_t mark)
{
	const char *bytes = l->source->bytes.ptr;
	size_t end = l->source->bytes.len;

	for (; l->mark < mark && l->offset < end; l->mark++)
		do
			l->offset++;
		while (l->offset < end && utf8_continues(bytes[l->offset]));
	for (; l->mark > mark; l->mark--)
		do
			l->offset--;
		while (utf8_continues(bytes[l->offset]));
	return (uint32_t)l->offset;
}

static inline uint32_t mark_offset(struct loader *l, size_t mark)
{
	size_t offset = mark + l->bom, end = l->source->bytes.len;

	if (!l->ascii)
		return mark_walk(l, mark);
	return (uint32_t)(offset < end ? offset : end);
}

static struct span event_span(struct loader *l, const yaml_event_t *event)
{
	uint32_t begin = mark_offset(l, event->start_mark.index);

	return span_of(l->source, begin, mark_offset(l, event->end_mark.index));
}

/* Step over "&name" and what may stand between it and its value. */
static void span_skip_anchor(struct span *at)
{
	const char *bytes = at->source->bytes.ptr;
	uint32_t begin = at->begin;

	while (begin < at->end && !strchr(" \t\r\n,[]{}", bytes[begin]))
		begin++;
	begin = load_skip_comments(at->source, begin);
	at->begin = begin < at->end ? begin : at->end;
}

/* Block text ends where the next thing begins: give back the empty lines. */
static void span_trim(struct span *at)
{
	const char *bytes = at->source->bytes.ptr;

	while (at->end > at->begin && strchr(" \t\r\n", bytes[at->end - 1]))
		at->end--;
}

static struct doc *doc_new(struct loader *l, enum doc_kind kind, struct span at)
{
	struct doc *doc = arena_new(l->arena, struct doc);

	doc->kind = kind;
	doc->at = at;
	return doc;
}

static struct frame *top_frame(struct loader *l)
{
	return l->depth ? &l->frames[l->depth - 1] : NULL;
}

static bool wants_key(struct loader *l)
{
	struct frame *top = top_frame(l);

	return top && top->doc->kind == DOC_MAP && !top->want_value;
}

static struct entry *entry_push(struct loader *l)
{
	if (l->entry_count == l->entry_room) {
		l->entry_room = l->entry_room ? 2 * l->entry_room : 64;
		l->entries =
			xrealloc(l->entries, size_product(l->entry_room,
							  sizeof(*l->entries)));
	}
	l->entries[l->entry_count] = (struct entry){ .key = NO_NAME };
	return &l->entries[l->entry_count++];
}

/* The key of the next value. A refused one has a value behind it too. */
static void key_add(struct loader *l, int64_t key, struct span at)
{
	struct entry *entry = entry_push(l);

	entry->key = key;
	entry->key_at = at;
	top_frame(l)->want_value = true;
}

static void value_add(struct loader *l, struct doc *doc, unsigned height,
		      uint64_t bytes)
{
	struct frame *top = top_frame(l);
	struct entry *entry;

	if (!top) {
		l->root = doc;
		return;
	}
	if (top->height < height + 1)
		top->height = height + 1;
	top->bytes += bytes;
	entry = top->want_value ? &l->entries[l->entry_count - 1]
				: entry_push(l);
	entry->value = doc;
	top->want_value = false;
}

/* -- Anchors and aliases --------------------------------------------------- */

static struct text yaml_text(const yaml_char_t *chars)
{
	return text_of((const char *)chars);
}

static struct span name_at(const struct loader *l, const struct name *name)
{
	return span_of(l->source, name->begin, name->end);
}

static void name_set_at(struct name *name, struct span at)
{
	name->begin = at.begin;
	name->end = at.end;
}

static int64_t anchor_begin(struct loader *l, const yaml_char_t *chars,
			    struct span at)
{
	struct name *anchor;
	struct diag *diag;
	int64_t number;

	if (!chars)
		return NO_NAME;
	number = names_add(&l->anchors, l->arena, yaml_text(chars));
	anchor = &l->anchors.at[number];
	at.end = at.begin + 1 + (uint32_t)anchor->text.len;
	if (anchor->end) {
		diag = diag_at(l->ds, DIAG_E128, at,
			       "anchor \"&%s\" is defined a second time",
			       anchor->text.ptr);
		diag_note_at(l->ds, diag, name_at(l, anchor),
			     "first defined here");
		return NO_NAME;
	}
	name_set_at(anchor, at);
	*vec_push(l->arena, &l->anchored) = (struct anchored){ .doc = NULL };
	return number;
}

static void anchor_end(struct loader *l, int64_t number, struct doc *doc,
		       unsigned height, uint64_t bytes)
{
	if (number != NO_NAME)
		l->anchored.at[number] =
			(struct anchored){ doc, height, bytes };
}

/* @return the number of its anchor; NO_NAME after a diagnostic */
static int64_t alias_find(struct loader *l, struct text name, struct span at)
{
	int64_t number = names_find(&l->anchors, name);
	struct diag *diag;

	if (number == NO_NAME) {
		diag = diag_at(l->ds, DIAG_E126, at,
			       "there is no anchor \"&%s\" above this alias",
			       name.ptr);
		diag_help(l->ds, diag,
			  "if it is meant as text, put it in quotes");
		return NO_NAME;
	}
	if (l->anchored.at[number].doc)
		return number;
	diag = diag_at(l->ds, DIAG_E127, at,
		       "alias \"*%s\" stands within what it stands for",
		       name.ptr);
	diag_note_at(l->ds, diag, name_at(l, &l->anchors.at[number]),
		     "this is what it stands for");
	return NO_NAME;
}

/* @return whether the bounds of the file still hold */
static bool alias_bounds_check(struct loader *l, int64_t number, struct span at)
{
	const struct span anchor_at = name_at(l, &l->anchors.at[number]);
	const struct anchored *anchor = &l->anchored.at[number];
	struct diag *diag;

	l->alias_bytes += anchor->bytes;
	if (l->alias_bytes > LOAD_ALIAS_BYTES_MAX) {
		diag = diag_at(l->ds, DIAG_E129, at,
			       "with this alias the file stands for more than "
			       "%u MiB",
			       (unsigned)(LOAD_ALIAS_BYTES_MAX >> 20));
		diag_note_at(l->ds, diag, anchor_at,
			     "each use stands for %llu bytes",
			     (unsigned long long)anchor->bytes);
	} else if (l->depth + anchor->height > LOAD_DEPTH_MAX) {
		diag = diag_at(l->ds, DIAG_E130, at,
			       "with this alias, lists and maps are more than "
			       "%d deep",
			       LOAD_DEPTH_MAX);
		diag_note_at(l->ds, diag, anchor_at, "it brings %u levels",
			     anchor->height);
	} else {
		return true;
	}
	l->failed = true;
	return false;
}

static void on_alias(struct loader *l, const yaml_event_t *event)
{
	struct span at = event_span(l, event);
	const struct anchored *anchor;
	int64_t number;

	if (wants_key(l)) {
		diag_at(l->ds, DIAG_E124, at,
			"a key is plain text, it cannot be an alias");
		key_add(l, NO_NAME, at);
		return;
	}
	number = alias_find(l, yaml_text(event->data.alias.anchor), at);
	if (number == NO_NAME) {
		value_add(l, doc_new(l, DOC_NULL, at), 0, 0);
		return;
	}
	anchor = &l->anchored.at[number];
	if (alias_bounds_check(l, number, at))
		value_add(l, anchor->doc, anchor->height, anchor->bytes);
}

/* -- Scalars, lists, maps -------------------------------------------------- */

static bool is_null(struct text text)
{
	return !text.len || text_is(text, "~") || text_is(text, "null") ||
	       text_is(text, "Null") || text_is(text, "NULL");
}

static bool text_starts(struct span at, const char *with)
{
	size_t len = strlen(with);

	return at.source->bytes.len - at.begin >= len &&
	       memcmp(at.source->bytes.ptr + at.begin, with, len) == 0;
}

static void tag_refuse(struct loader *l, const yaml_char_t *tag, struct span at)
{
	struct diag *diag;
	size_t len = 0;

	if (!tag)
		return;
	/* An anchor may stand before the tag. */
	if (text_starts(at, "&"))
		span_skip_anchor(&at);
	while (at.begin + len < at.end &&
	       !strchr(" \t\r\n,[]{}", at.source->bytes.ptr[at.begin + len]))
		len++;
	at.end = at.begin + (uint32_t)len;
	diag = diag_at(l->ds, DIAG_E122, at, "YAML tags are not supported");
	diag_help(l->ds, diag,
		  "remove it; if it is meant as text, put it in quotes");
}

static void key_refuse_collection(struct loader *l, struct span at)
{
	struct diag *diag;

	if (at.begin == 0 ||
	    !text_starts(span_of(at.source, at.begin - 1, at.end), "{{")) {
		diag_at(l->ds, DIAG_E124, at,
			"a key is plain text, it cannot be a list or a map");
		return;
	}
	at.begin--;
	diag = diag_at(l->ds, DIAG_E116, at,
		       "a value that begins with \"{{\" needs quotes");
	diag_help(l->ds, diag,
		  "without them, YAML reads \"{\" as the begin of a map");
	l->failed = true; /* what follows would make no sense */
}

static void on_key(struct loader *l, struct text text, bool plain,
		   struct span at)
{
	struct diag *diag;

	if (!text.len) {
		diag_at(l->ds, DIAG_E124, at,
			"there is no key before the "
			"colon");
	} else if (plain && text_is(text, "<<")) {
		diag = diag_at(l->ds, DIAG_E123, at,
			       "YAML merge keys are not supported");
		diag_help(l->ds, diag, "put what nodes share into a group");
	} else {
		key_add(l, names_add(&l->keys, l->arena, text), at);
		return;
	}
	key_add(l, NO_NAME, at);
}

/* The file has none, but an escape may stand for one. */
static void nul_refuse(struct loader *l, struct text text, struct span at)
{
	if (memchr(text.ptr, '\0', text.len))
		diag_at(l->ds, DIAG_E103, at,
			"an escape in this text stands for a NUL character");
}

static bool is_block(yaml_scalar_style_t style)
{
	return style == YAML_LITERAL_SCALAR_STYLE ||
	       style == YAML_FOLDED_SCALAR_STYLE;
}

/* Just the scalar, without anchor, and without the empty lines that libyaml
 * counts to block text. */
static struct span scalar_span(struct loader *l, const yaml_event_t *event,
			       struct span at)
{
	yaml_scalar_style_t style = event->data.scalar.style;

	if (event->data.scalar.anchor)
		span_skip_anchor(&at);
	if (is_block(style))
		span_trim(&at);
	else if (style == YAML_DOUBLE_QUOTED_SCALAR_STYLE && l->json_pairs)
		at.end = load_json_string_end(l->source, at.begin);
	return at;
}

static struct doc *scalar_new(struct loader *l, struct text text, bool plain,
			      struct span at)
{
	enum doc_kind kind = plain && is_null(text) ? DOC_NULL : DOC_SCALAR;
	struct doc *doc = doc_new(l, kind, at);

	doc->plain = plain;
	doc->text.ptr = arena_copy(l->arena, text.ptr, text.len);
	doc->text.len = text.len;
	return doc;
}

static void on_scalar(struct loader *l, const yaml_event_t *event)
{
	yaml_scalar_style_t style = event->data.scalar.style;
	bool plain = style == YAML_PLAIN_SCALAR_STYLE, is_key = wants_key(l);
	struct text text = { (const char *)event->data.scalar.value,
			     event->data.scalar.length };
	struct span whole = event_span(l, event);
	struct span at = scalar_span(l, event, whole);
	uint64_t bytes = VALUE_BYTES + text.len;
	int64_t anchor = anchor_begin(l, event->data.scalar.anchor, whole);
	struct doc *doc = NULL;

	tag_refuse(l, event->data.scalar.tag, whole);
	if (style == YAML_DOUBLE_QUOTED_SCALAR_STYLE)
		nul_refuse(l, text, at);
	if (!plain && !is_block(style))
		l->last_quoted = at;
	if (!is_key || anchor != NO_NAME)
		doc = scalar_new(l, text, plain, at);
	anchor_end(l, anchor, doc, 0, bytes);
	if (is_key)
		on_key(l, text, plain, at);
	else
		value_add(l, doc, 0, bytes);
}

static void on_begin(struct loader *l, const yaml_event_t *event,
		     enum doc_kind kind, const yaml_char_t *anchor_name,
		     const yaml_char_t *tag)
{
	struct span at = event_span(l, event);
	bool is_key = wants_key(l);
	struct frame *frame;
	int64_t anchor;

	if (l->depth == LOAD_DEPTH_MAX) {
		diag_at(l->ds, DIAG_E130, at,
			"lists and maps are more than %d deep", LOAD_DEPTH_MAX);
		l->failed = true;
		return;
	}
	anchor = anchor_begin(l, anchor_name, at);
	tag_refuse(l, tag, at);
	if (anchor_name)
		span_skip_anchor(&at);
	if (is_key)
		key_refuse_collection(l, at);
	frame = &l->frames[l->depth++];
	*frame = (struct frame){
		.doc = doc_new(l, kind, at),
		.first_entry = l->entry_count,
		.anchor = anchor,
		.is_key = is_key,
		.height = 1,
		.bytes = VALUE_BYTES,
	};
}

/* Keys were only numbered when they were read. Now that the map is complete,
 * and no other one is being read, each is looked at once. */
static void keys_check(struct loader *l, struct entry *entries, size_t *count)
{
	size_t kept = 0;

	l->map_count++;
	for (size_t i = 0; i < *count; i++) {
		const struct entry *entry = &entries[i];
		struct name *key;
		struct diag *diag;

		if (entry->key == NO_NAME)
			continue;
		key = &l->keys.at[entry->key];
		if (key->map == l->map_count) {
			diag = diag_at(l->ds, DIAG_E125, entry->key_at,
				       "key \"%s\" is there a second time",
				       key->text.ptr);
			diag_note_at(l->ds, diag, name_at(l, key),
				     "first here");
			continue;
		}
		key->map = l->map_count;
		name_set_at(key, entry->key_at);
		entries[kept++] = *entry;
	}
	*count = kept;
}

static void doc_fill(struct loader *l, struct doc *doc,
		     const struct entry *entries, size_t count)
{
	if (doc->kind == DOC_MAP) {
		doc_set_room(l->arena, doc, count);
		for (size_t i = 0; i < count; i++)
			doc->pairs[i] = (struct doc_pair){
				l->keys.at[entries[i].key].text,
				entries[i].key_at, entries[i].value
			};
		doc_index(doc);
	} else {
		doc->count = count;
		doc->items = arena_new_array(l->arena, count, struct doc *);
		for (size_t i = 0; i < count; i++)
			doc->items[i] = entries[i].value;
	}
}

static void on_end(struct loader *l)
{
	struct frame frame = l->frames[--l->depth];
	/* Null and zero are no sum, even if nothing has been pushed yet. */
	struct entry *entries =
		l->entries ? l->entries + frame.first_entry : NULL;
	size_t count = l->entry_count - frame.first_entry;

	if (frame.doc->kind == DOC_MAP)
		keys_check(l, entries, &count);
	doc_fill(l, frame.doc, entries, count);
	l->entry_count = frame.first_entry;
	anchor_end(l, frame.anchor, frame.doc, frame.height, frame.bytes);
	if (frame.is_key)
		key_add(l, NO_NAME, frame.doc->at);
	else
		value_add(l, frame.doc, frame.height, frame.bytes);
}

/* -- The whole file -------------------------------------------------------- */

static void on_event(struct loader *l, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		on_scalar(l, event);
		break;
	case YAML_ALIAS_EVENT:
		on_alias(l, event);
		break;
	case YAML_SEQUENCE_START_EVENT:
		on_begin(l, event, DOC_LIST, event->data.sequence_start.anchor,
			 event->data.sequence_start.tag);
		break;
	case YAML_MAPPING_START_EVENT:
		on_begin(l, event, DOC_MAP, event->data.mapping_start.anchor,
			 event->data.mapping_start.tag);
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		on_end(l);
		break;
	case YAML_DOCUMENT_END_EVENT:
		load_rest_check(l->source, event_span(l, event).end, l->ds);
		l->done = true;
		break;
	case YAML_STREAM_END_EVENT:
		l->done = true;
		break;
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_DOCUMENT_START_EVENT:
		break;
	}
}

static void syntax_error(struct loader *l, const yaml_parser_t *parser)
{
	struct syntax_fault fault = {
		.problem = parser->problem,
		.context = parser->context,
		.quoted = l->last_quoted,
	};

	if (parser->error == YAML_MEMORY_ERROR)
		out_of_memory();
	if (l->depth)
		fault.list = top_frame(l)->doc->at;
	fault.at = mark_offset(l, parser->problem_mark.index);
	fault.opened = mark_offset(l, parser->context_mark.index);
	load_syntax_explain(l->source, &fault, l->ds);
	l->failed = true;
}

static void parse(struct loader *l)
{
	struct text bytes = { l->source->bytes.ptr + l->bom,
			      l->source->bytes.len - l->bom };
	struct sbuf decoded = { 0 };
	yaml_parser_t parser;
	yaml_event_t event;

	l->json_pairs = load_json_pairs(bytes, &decoded);
	if (l->json_pairs)
		bytes = (struct text){ decoded.ptr, decoded.len };

	if (!yaml_parser_initialize(&parser))
		out_of_memory();
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)bytes.ptr,
				     bytes.len);
	l->offset = l->bom;
	while (!l->done && !l->failed) {
		if (!yaml_parser_parse(&parser, &event)) {
			syntax_error(l, &parser);
			break;
		}
		on_event(l, &event);
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	sbuf_release(&decoded);
}

/* Directives come before the document, if at all. Each one costs libyaml a
 * look at all others, so they are refused before it sees them. */
static bool begin_check(struct loader *l)
{
	uint32_t begin = load_skip_comments(l->source, (uint32_t)l->bom);
	struct place place = source_place(l->source, begin);
	struct diag *diag;

	if (begin == l->source->bytes.len) {
		diag_at(l->ds, DIAG_E104, span_of(l->source, 0, 0),
			"there is nothing in this file%s",
			l->source->bytes.len > l->bom ? " but comments" : "");
		return false;
	}
	if (l->source->bytes.ptr[begin] != '%' || place.column != 1)
		return true;
	diag = diag_at(l->ds, DIAG_E121,
		       span_of(l->source, begin,
			       begin + source_line(l->source, place.line).len),
		       "YAML directives are not supported");
	diag_help(l->ds, diag, "remove this line");
	return false;
}

static bool size_check(struct loader *l)
{
	if (l->source->bytes.len <= SOURCE_BYTES_MAX)
		return true;
	diag_at(l->ds, DIAG_E105, span_of(l->source, 0, 0),
		"this file is larger than %u MiB",
		(unsigned)(SOURCE_BYTES_MAX >> 20));
	return false;
}

const struct doc *load(struct arena *arena, const struct source *source,
		       struct diags *ds)
{
	struct loader loader = { .arena = arena,
				 .source = source,
				 .ds = ds,
				 .bom = source_bom_bytes(source) };
	size_t errors = ds->errors;

	if (size_check(&loader) &&
	    load_bytes_check(source, ds, &loader.ascii) && begin_check(&loader))
		parse(&loader);
	loader_release(&loader);
	if (ds->errors > errors)
		return NULL;
	if (loader.root->kind != DOC_NULL)
		return loader.root;
	diag_at(ds, DIAG_E104, loader.root->at,
		"there is nothing in this "
		"file");
	return NULL;
}
