#include "template.h"

#include "arena.h"
#include "ir.h"
#include "source.h"
#include "vec.h"

enum {
	DEPTH_MAX = 64,              /* sections and partials in each other */
	OUTPUT_BYTES_MAX = 64 << 20, /* of one rendered text */
	STEPS_MAX = 10000000,        /* sections that print nothing count too */
	CONTEXTS_MAX = DEPTH_MAX + 512, /* vars of the levels, and sections */
	NAMES_SUGGESTED_FROM = 200,
};

enum part_kind {
	PART_TEXT,
	PART_VARIABLE,
	PART_SECTION,
	PART_INVERTED,
	PART_PARTIAL
};

struct part_list {
	struct part *at;
	size_t count, room;
};

struct part {
	enum part_kind kind;
	/* A line of the template begins here: partials indent it. */
	bool begins_line;
	struct text text;        /* PART_TEXT: itself; else the name */
	struct span at;          /* of the name, or where the text begins */
	struct text indent;      /* PART_PARTIAL that stands alone */
	struct part_list inside; /* of a section */
};

struct template
{
	struct part_list parts;
	bool literal;
};

/* ---------------------------------------------------------- parsing -- */

struct open_section {
	struct part_list *outer;
	struct text name;
	struct span at;
};

struct parser {
	struct arena *arena;
	struct diags *ds;
	struct text text;
	struct span at;
	bool exact;              /* at covers the very bytes of the text */
	struct text open, close; /* delimiters */
	size_t pos;
	struct part_list *parts; /* where new parts go */
	VEC(struct open_section) sections;
	bool any_tag;
};

struct tag {
	char sigil; /* 0 for a plain variable */
	struct text name;
	size_t name_begin;
	size_t begin, end; /* with the delimiters */
};

static struct span here(const struct parser *p, size_t begin, size_t end)
{
	struct span at = p->at;

	if (p->exact) {
		at.end = at.begin + (uint32_t)end;
		at.begin += (uint32_t)begin;
	}
	return at;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_space(char c)
{
	return is_blank(c) || c == '\n' || c == '\r';
}

static size_t find(const struct parser *p, size_t from, struct text what)
{
	const char *hit = memmem(p->text.ptr + from, p->text.len - from,
				 what.ptr, what.len);

	return hit ? (size_t)(hit - p->text.ptr) : p->text.len;
}

static bool at_line_begin(const struct parser *p, size_t pos)
{
	return pos == 0 || p->text.ptr[pos - 1] == '\n';
}

/* Where the blanks before a tag begin. */
static size_t blanks_before(const struct parser *p, size_t pos)
{
	while (pos && is_blank(p->text.ptr[pos - 1]))
		pos--;
	return pos;
}

static struct part *add(struct parser *p, enum part_kind kind, size_t begin)
{
	struct part *part = vec_push(p->arena, p->parts);

	part->kind = kind;
	part->at = here(p, begin, begin + 1);
	part->begins_line = at_line_begin(p, begin);
	return part;
}

static void add_text(struct parser *p, size_t begin, size_t end)
{
	if (begin < end)
		add(p, PART_TEXT, begin)->text =
			(struct text){ p->text.ptr + begin, end - begin };
}

static bool parse_error(struct parser *p, enum diag_code code, size_t begin,
			size_t end, const char *message)
{
	diag_at(p->ds, code, here(p, begin, end), "%s", message);
	return false;
}

static bool read_tag(struct parser *p, size_t begin, struct tag *tag)
{
	size_t pos = begin + p->open.len, end, close;
	struct text closing = p->close;
	char braces[64];

	*tag = (struct tag){ .begin = begin };
	if (pos < p->text.len && strchr("#^/>&!={$<", p->text.ptr[pos]))
		tag->sigil = p->text.ptr[pos++];
	if ((tag->sigil == '{' || tag->sigil == '=') &&
	    p->close.len < sizeof(braces)) {
		braces[0] = tag->sigil == '{' ? '}' : '=';
		memcpy(braces + 1, p->close.ptr, p->close.len);
		closing = (struct text){ braces, p->close.len + 1 };
	}
	close = find(p, pos, closing);
	if (close == p->text.len)
		return parse_error(p, DIAG_E501, begin, begin + p->open.len,
				   "this tag is never closed");
	tag->end = close + closing.len;
	end = close;
	while (pos < end && is_space(p->text.ptr[pos]))
		pos++;
	while (end > pos && is_space(p->text.ptr[end - 1]))
		end--;
	tag->name_begin = pos;
	tag->name = (struct text){ p->text.ptr + pos, end - pos };
	return true;
}

static bool check_name(struct parser *p, const struct tag *tag)
{
	if (tag->sigil == '!' || tag->sigil == '=')
		return true;
	if (tag->sigil == '$' || tag->sigil == '<')
		return parse_error(p, DIAG_E503, tag->begin, tag->end,
				   "template inheritance is no part of this "
				   "Mustache; use a partial, {{> name}}");
	if (!tag->name.len)
		return parse_error(p, DIAG_E503, tag->begin, tag->end,
				   "this tag names nothing");
	for (size_t i = 0; i < tag->name.len; i++)
		if (is_space(tag->name.ptr[i]))
			return parse_error(p, DIAG_E503, tag->name_begin,
					   tag->name_begin + tag->name.len,
					   "a name in a tag has no white "
					   "space");
	if (tag->sigil == '>' && tag->name.ptr[0] == '*')
		return parse_error(p, DIAG_E503, tag->begin, tag->end,
				   "dynamic names are no part of this "
				   "Mustache");
	return true;
}

static bool set_delimiters(struct parser *p, const struct tag *tag)
{
	const char *s = tag->name.ptr;
	size_t len = tag->name.len, first = 0, second;

	while (first < len && !is_space(s[first]))
		first++;
	second = first;
	while (second < len && is_space(s[second]))
		second++;
	if (!first || second == len || len - second > 32 || first > 32 ||
	    memchr(s, '=', len))
		goto bad;
	for (size_t i = second; i < len; i++)
		if (is_space(s[i]))
			goto bad;
	p->open = (struct text){ s, first };
	p->close = (struct text){ s + second, len - second };
	return true;
bad:
	return parse_error(p, DIAG_E503, tag->begin, tag->end,
			   "delimiters are set as {{=<% %>=}}: two words "
			   "without \"=\"");
}

static bool open_section(struct parser *p, const struct tag *tag,
			 bool standalone)
{
	struct open_section *open;
	struct part *part;

	if (p->sections.count >= DEPTH_MAX)
		return parse_error(p, DIAG_E506, tag->begin, tag->end,
				   "sections are nested too deep");
	part = add(p, tag->sigil == '#' ? PART_SECTION : PART_INVERTED,
		   tag->begin);
	/* Nothing of a line that a tag has for itself is printed. */
	part->begins_line = part->begins_line && !standalone;
	part->text = tag->name;
	part->at = here(p, tag->name_begin, tag->name_begin + tag->name.len);
	open = vec_push(p->arena, &p->sections);
	*open = (struct open_section){ p->parts, tag->name, part->at };
	p->parts = &part->inside;
	return true;
}

static bool close_section(struct parser *p, const struct tag *tag,
			  bool standalone)
{
	struct span at = here(p, tag->begin, tag->end);
	const struct open_section *open;
	struct diag *d;

	if (!p->sections.count) {
		diag_at(p->ds, DIAG_E502, at,
			"this closes section \"%.*s\", but none is open",
			(int)tag->name.len, tag->name.ptr);
		return false;
	}
	open = &p->sections.at[p->sections.count - 1];
	if (!text_equal(open->name, tag->name)) {
		d = diag_at(
			p->ds, DIAG_E502, at,
			"this closes section \"%.*s\", but \"%.*s\" is open",
			(int)tag->name.len, tag->name.ptr, (int)open->name.len,
			open->name.ptr);
		diag_note_at(p->ds, d, open->at, "opened here");
		return false;
	}
	/* A line that begins with this tag is indented by an empty part. */
	if (!standalone && at_line_begin(p, tag->begin))
		add(p, PART_TEXT, tag->begin)->text = TEXT("");
	p->parts = open->outer;
	p->sections.count--;
	return true;
}

static void add_named(struct parser *p, enum part_kind kind,
		      const struct tag *tag, bool standalone)
{
	struct part *part = add(p, kind, tag->begin);
	size_t line = blanks_before(p, tag->begin);

	part->text = tag->name;
	part->at = here(p, tag->name_begin, tag->name_begin + tag->name.len);
	if (!standalone)
		return;
	part->begins_line = false;
	part->indent = (struct text){ p->text.ptr + line, tag->begin - line };
}

/* Text up to the tag and the tag itself. */
static bool parse_tag(struct parser *p, size_t begin)
{
	size_t line = blanks_before(p, begin), after;
	bool standalone;
	struct tag tag;

	if (!read_tag(p, begin, &tag) || !check_name(p, &tag))
		return false;
	after = tag.end;
	while (after < p->text.len && is_blank(p->text.ptr[after]))
		after++;
	standalone = tag.sigil && strchr("#^/>!=", tag.sigil) &&
		     at_line_begin(p, line) &&
		     (after == p->text.len || p->text.ptr[after] == '\n' ||
		      (p->text.ptr[after] == '\r' && after + 1 < p->text.len &&
		       p->text.ptr[after + 1] == '\n'));
	add_text(p, p->pos, standalone ? line : begin);
	p->pos = tag.end;
	if (standalone) {
		p->pos = after;
		if (p->pos < p->text.len && p->text.ptr[p->pos] == '\r')
			p->pos++;
		if (p->pos < p->text.len)
			p->pos++;
	}
	switch (tag.sigil) {
	case '!':
		return true;
	case '=':
		return set_delimiters(p, &tag);
	case '#':
	case '^':
		return open_section(p, &tag, standalone);
	case '/':
		return close_section(p, &tag, standalone);
	case '>':
		add_named(p, PART_PARTIAL, &tag, standalone);
		return true;
	default:
		add_named(p, PART_VARIABLE, &tag, false);
		return true;
	}
}

const struct template *template_parse(struct arena *arena, struct text text,
				      struct span at, struct diags *ds)
{
	struct template *tmpl = arena_new(arena, struct template);
	struct parser p = {
		.arena = arena,
		.ds = ds,
		.text = text,
		.at = at,
		.open = TEXT("{{"),
		.close = TEXT("}}"),
		.parts = &tmpl->parts,
	};

	p.exact = span_find_text(at, text, &p.at);
	tmpl->literal = find(&p, 0, p.open) == text.len;
	if (tmpl->literal) {
		add_text(&p, 0, text.len);
		return tmpl;
	}
	for (;;) {
		size_t begin = find(&p, p.pos, p.open);

		if (begin == text.len)
			break;
		if (!parse_tag(&p, begin))
			return NULL;
	}
	add_text(&p, p.pos, text.len);
	if (p.sections.count) {
		const struct open_section *open =
			&p.sections.at[p.sections.count - 1];

		diag_at(ds, DIAG_E502, open->at,
			"section \"%.*s\" is never closed", (int)open->name.len,
			open->name.ptr);
		return NULL;
	}
	return tmpl;
}

bool template_is_literal(const struct template *tmpl)
{
	return tmpl->literal;
}

/* -------------------------------------------------------- rendering -- */

struct renderer {
	const struct template_env *env;
	struct arena *arena;
	struct diags *ds;
	struct sbuf *out;
	size_t out_begin;
	size_t steps;
	size_t depth;
	const struct doc *stack[CONTEXTS_MAX];
	size_t stack_count;
	struct sbuf indent;
};

/* @param words	follow the name of the tag */
static struct diag *render_error(struct renderer *r, enum diag_code code,
				 const struct part *part, const char *words)
{
	struct diag *d = diag_at(r->ds, code, part->at, "\"%.*s\" %s",
				 (int)part->text.len, part->text.ptr, words);

	if (r->env->use_text)
		diag_note_at(r->ds, d, r->env->use_at, "%s", r->env->use_text);
	return d;
}

static const struct doc *map_get(const struct doc *map, struct text key)
{
	if (map->kind != DOC_MAP)
		return NULL;
	for (size_t i = 0; i < map->count; i++)
		if (text_equal(map->pairs[i].key, key))
			return map->pairs[i].value;
	return NULL;
}

static struct text first_name(struct text *dotted)
{
	const char *dot = memchr(dotted->ptr, '.', dotted->len);
	struct text first = { dotted->ptr,
			      dot ? (size_t)(dot - dotted->ptr) : dotted->len };

	dotted->ptr += first.len + (dot ? 1 : 0);
	dotted->len -= first.len + (dot ? 1 : 0);
	return first;
}

static const struct doc *lookup(const struct renderer *r, struct text name)
{
	const struct doc *found = NULL;
	struct text first;

	if (text_is(name, "."))
		return r->stack[r->stack_count - 1];
	first = first_name(&name);
	for (size_t i = r->stack_count; i-- && !found;)
		found = map_get(r->stack[i], first);
	while (found && name.len) {
		first = first_name(&name);
		found = map_get(found, first);
	}
	return found;
}

static bool is_true(const struct doc *doc)
{
	if (!doc || doc->kind == DOC_NULL)
		return false;
	if (doc->kind == DOC_LIST)
		return doc->count;
	if (doc->kind != DOC_SCALAR)
		return true;
	if (doc->plain &&
	    (text_is(doc->text, "false") || text_is(doc->text, "null") ||
	     text_is(doc->text, "~")))
		return false;
	return doc->text.len;
}

static const char *nearest_name(const struct renderer *r, struct text name)
{
	const char *names[NAMES_SUGGESTED_FROM];
	size_t count = 0;

	for (size_t i = r->stack_count; i--;) {
		const struct doc *map = r->stack[i];

		if (map->kind != DOC_MAP)
			continue;
		for (size_t j = 0; j < map->count; j++)
			if (count < NAMES_SUGGESTED_FROM)
				names[count++] = map->pairs[j].key.ptr;
	}
	return diag_nearest(name, names, count);
}

static bool missing(struct renderer *r, const struct part *part)
{
	const char *nearest;
	struct diag *d;

	if (r->env->lenient)
		return true;
	nearest = nearest_name(r, part->text);
	d = render_error(r, DIAG_E504, part, "is not defined here");
	if (nearest)
		diag_help(r->ds, d, "did you mean \"%s\"?", nearest);
	else
		diag_help(r->ds, d,
			  "if it may be missing, say so: "
			  "{{#%.*s}}...{{/%.*s}}",
			  (int)part->text.len, part->text.ptr,
			  (int)part->text.len, part->text.ptr);
	return false;
}

static bool put(struct renderer *r, struct text text, const struct part *part)
{
	if (r->out->len - r->out_begin + text.len > OUTPUT_BYTES_MAX) {
		render_error(r, DIAG_E506, part,
			     "makes the rendered text grow beyond 64 MiB");
		return false;
	}
	sbuf_add(r->out, text.ptr, text.len);
	return true;
}

static bool render_variable(struct renderer *r, const struct part *part)
{
	const struct doc *value = lookup(r, part->text);

	if (!value)
		return missing(r, part);
	if (value->kind == DOC_SCALAR)
		return put(r, value->text, part);
	if (r->env->lenient && value->kind == DOC_NULL)
		return true;
	render_error(
		r, DIAG_E505, part,
		value->kind == DOC_NULL ? "has no value that could be printed"
		: value->kind == DOC_LIST
			? "is a list, which cannot be printed; go through "
			  "it with {{#name}}{{.}}{{/name}}"
			: "is a map, which cannot be printed; print a value "
			  "in it as {{name.key}}");
	return false;
}

static bool render_text(struct renderer *r, const struct part *part)
{
	struct text rest = part->text;

	if (!r->indent.len)
		return put(r, rest, part);
	while (rest.len) {
		const char *end = memchr(rest.ptr, '\n', rest.len);
		size_t len = end ? (size_t)(end - rest.ptr) + 1 : rest.len;

		if (!put(r, (struct text){ rest.ptr, len }, part))
			return false;
		rest.ptr += len;
		rest.len -= len;
		if (rest.len)
			sbuf_add(r->out, r->indent.ptr, r->indent.len);
	}
	return true;
}

static bool render_parts(struct renderer *r, const struct part_list *parts);

static bool too_deep(struct renderer *r, const struct part *part)
{
	if (r->depth < DEPTH_MAX && r->stack_count < CONTEXTS_MAX)
		return false;
	render_error(r, DIAG_E506, part,
		     "is nested too deep: a partial that includes itself?");
	return true;
}

static bool render_with(struct renderer *r, const struct part *part,
			const struct doc *context)
{
	bool good;

	r->stack[r->stack_count++] = context;
	good = render_parts(r, &part->inside);
	r->stack_count--;
	return good;
}

static bool render_section(struct renderer *r, const struct part *part)
{
	const struct doc *value = lookup(r, part->text);
	bool good = true;

	if (is_true(value) != (part->kind == PART_SECTION))
		return true;
	if (too_deep(r, part))
		return false;
	r->depth++;
	if (part->kind == PART_INVERTED)
		good = render_parts(r, &part->inside);
	else if (value->kind != DOC_LIST)
		good = render_with(r, part, value);
	else
		for (size_t i = 0; i < value->count && good; i++)
			good = render_with(r, part, value->items[i]);
	r->depth--;
	return good;
}

static bool render_partial(struct renderer *r, const struct part *part)
{
	const struct template *tmpl;
	size_t indent = r->indent.len;
	bool good;

	if (too_deep(r, part))
		return false;
	tmpl = r->env->partial
		       ? r->env->partial(r->env->ctx, part->text, part->at)
		       : NULL;
	if (!tmpl)
		return r->env->lenient;
	r->depth++;
	sbuf_add(&r->indent, part->indent.ptr, part->indent.len);
	good = render_parts(r, &tmpl->parts);
	r->indent.len = indent;
	r->depth--;
	return good;
}

static bool (*const renderers[])(struct renderer *, const struct part *) = {
	[PART_TEXT] = render_text,       [PART_VARIABLE] = render_variable,
	[PART_SECTION] = render_section, [PART_INVERTED] = render_section,
	[PART_PARTIAL] = render_partial,
};

static bool render_parts(struct renderer *r, const struct part_list *parts)
{
	vec_foreach (const struct part, part, parts) {
		if (++r->steps > STEPS_MAX) {
			render_error(r, DIAG_E506, part,
				     "takes more than ten million steps");
			return false;
		}
		if (part->begins_line && r->indent.len)
			sbuf_add(r->out, r->indent.ptr, r->indent.len);
		if (!renderers[part->kind](r, part))
			return false;
	}
	return true;
}

bool template_render(const struct template *tmpl,
		     const struct template_env *env, struct arena *arena,
		     struct diags *ds, struct sbuf *out)
{
	struct renderer r; /* its stack is large: not zeroed */
	bool good;

	r.env = env;
	r.arena = arena;
	r.ds = ds;
	r.out = out;
	r.out_begin = out->len;
	r.steps = r.depth = r.stack_count = 0;
	r.indent = (struct sbuf){ 0 };

	for (size_t i = 0;
	     i < env->context_count && i < CONTEXTS_MAX - DEPTH_MAX; i++)
		r.stack[r.stack_count++] = env->contexts[i];
	good = render_parts(&r, &tmpl->parts);
	sbuf_release(&r.indent);
	return good;
}
