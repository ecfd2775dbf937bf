#include "template_parts.h"

#include "arena.h"
#include "source.h"
#include "vec.h"

enum {
	DELIMITER_BYTES_MAX = 32,
	TAGS_MAX = 1000000, /* each takes memory, thirty times its own size */
};

struct open_section {
	struct part_list *outer;
	struct text name;
};

struct parser {
	struct arena *arena;
	struct diags *ds;
	struct text text;
	struct span at;
	bool exact;              /* `at` covers the very bytes of the text */
	struct text open, close; /* delimiters */
	size_t pos;              /* all before it is in the parts */
	struct part_list *parts; /* where new parts go */
	VEC(struct open_section) sections;
	size_t tag_count;
	bool failed;
};

struct tag {
	char sigil; /* 0 for a plain variable */
	struct text name;
	size_t begin, end; /* with the delimiters */
	size_t line;       /* where the blanks before it begin */
	bool standalone;   /* nothing else on its line but blanks */
};

static struct span here(const struct parser *p, size_t begin, size_t end)
{
	if (!p->exact)
		return span_within(p->at, p->text, begin, end);
	return (struct span){ p->at.source, (uint32_t)(p->at.begin + begin),
			      (uint32_t)(p->at.begin + end) };
}

static struct span name_at(const struct parser *p, struct text name)
{
	size_t begin = (size_t)(name.ptr - p->text.ptr);

	return here(p, begin, begin + name.len);
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

static size_t skip_blanks(const struct parser *p, size_t pos, size_t end)
{
	while (pos < end && is_blank(p->text.ptr[pos]))
		pos++;
	return pos;
}

static bool at_line_begin(const struct parser *p, size_t pos)
{
	return pos == 0 || p->text.ptr[pos - 1] == '\n';
}

/* Where the blanks before a tag begin. A line may be as long as the file: its
 * begin is not looked for. */
static size_t blanks_before(const struct parser *p, size_t pos)
{
	while (pos && is_blank(p->text.ptr[pos - 1]))
		pos--;
	return pos;
}

/* The end of the line if nothing but blanks is left of it; else @p pos. */
static size_t skip_line_end(const struct parser *p, size_t pos)
{
	const char *s = p->text.ptr;
	size_t end = skip_blanks(p, pos, p->text.len), left = p->text.len - end;

	if (!left)
		return end;
	if (s[end] == '\n')
		return end + 1;
	if (left > 1 && s[end] == '\r' && s[end + 1] == '\n')
		return end + 2;
	return pos;
}

static struct part *add(struct parser *p, enum part_kind kind, struct text text)
{
	struct part *part = vec_push(p->arena, p->parts);

	part->kind = kind;
	part->text = text;
	return part;
}

static void add_text(struct parser *p, size_t begin, size_t end)
{
	struct part *part;

	if (begin == end)
		return;
	part = add(p, PART_TEXT,
		   (struct text){ p->text.ptr + begin, end - begin });
	part->begins_line = at_line_begin(p, begin);
}

static void tag_error(struct parser *p, enum diag_code code, struct span at,
		      const char *message)
{
	diag_at(p->ds, code, at, "%s", message);
	p->failed = true;
}

/* ------------------------------------------------------- reading tags -- */

/* What closes a tag: {{{name}}} and {{=<% %>=}} have one more character. */
static struct text closing_of(const struct parser *p, char sigil,
			      char room[DELIMITER_BYTES_MAX + 1])
{
	if (sigil != '{' && sigil != '=')
		return p->close;
	room[0] = sigil == '{' ? '}' : '=';
	memcpy(room + 1, p->close.ptr, p->close.len);
	return (struct text){ room, p->close.len + 1 };
}

static struct text trimmed(const struct parser *p, size_t begin, size_t end)
{
	while (begin < end && is_space(p->text.ptr[begin]))
		begin++;
	while (end > begin && is_space(p->text.ptr[end - 1]))
		end--;
	return (struct text){ p->text.ptr + begin, end - begin };
}

/* @return false if nothing closes it; its end is that of its begin then */
static bool read_tag(struct parser *p, size_t begin, struct tag *ret)
{
	size_t pos = begin + p->open.len, close;
	char room[DELIMITER_BYTES_MAX + 1];
	struct tag tag = { .begin = begin, .end = pos };
	struct text closing;

	if (pos < p->text.len && strchr("#^/>&!={$<", p->text.ptr[pos]))
		tag.sigil = p->text.ptr[pos++];
	closing = closing_of(p, tag.sigil, room);
	close = find(p, pos, closing);
	if (close < p->text.len) {
		tag.end = close + closing.len;
		tag.name = trimmed(p, pos, close);
	}
	*ret = tag;
	return close < p->text.len;
}

/* Where the tag stands; what is before it goes to the parts. */
static void place_tag(struct parser *p, struct tag *tag)
{
	size_t next = skip_line_end(p, tag->end);

	tag->line = blanks_before(p, tag->begin);
	tag->standalone = tag->sigil && strchr("#^/>!=", tag->sigil) &&
			  at_line_begin(p, tag->line) &&
			  (next > tag->end || next == p->text.len);
	add_text(p, p->pos, tag->standalone ? tag->line : tag->begin);
	p->pos = tag->standalone ? next : tag->end;
	/* A line that begins with a tag has no text that could be indented. */
	if (!tag->standalone && at_line_begin(p, tag->begin))
		add(p, PART_TEXT, (struct text){ p->text.ptr + tag->begin, 0 })
			->begins_line = true;
}

/* @return what is wrong with the tag, or NULL */
static const char *tag_fault(const struct tag *tag)
{
	if (tag->sigil == '$' || tag->sigil == '<')
		return "template inheritance is no part of this Mustache; use "
		       "a partial, {{> name}}";
	if (!tag->name.len)
		return "this tag names nothing";
	if (tag->sigil == '>' && tag->name.ptr[0] == '*')
		return "dynamic names are no part of this Mustache";
	return NULL;
}

/* @return what is wrong with the name, or NULL */
static const char *name_fault(const struct tag *tag)
{
	struct text name = tag->name;

	for (size_t i = 0; i < name.len; i++)
		if (is_space(name.ptr[i]))
			return "a name in a tag has no white space";
		else if ((unsigned char)name.ptr[i] < ' ' ||
			 name.ptr[i] == 0x7f)
			return "a name in a tag has no control characters";
	if (tag->sigil == '>' || text_is(name, "."))
		return NULL;
	if (name.ptr[0] == '.' || name.ptr[name.len - 1] == '.' ||
	    memmem(name.ptr, name.len, "..", 2))
		return "a name in a tag has words between its dots";
	return NULL;
}

/* @return whether the tag is good, and reports it if not */
static bool check_tag(struct parser *p, const struct tag *tag)
{
	const char *fault;

	if (tag->sigil == '!' || tag->sigil == '=')
		return true;
	fault = tag_fault(tag);
	if (fault) {
		tag_error(p, DIAG_E503, here(p, tag->begin, tag->end), fault);
		return false;
	}
	fault = name_fault(tag);
	if (fault)
		tag_error(p, DIAG_E503, name_at(p, tag->name), fault);
	return !fault;
}

/* ------------------------------------------------------ kinds of tags -- */

typedef bool tag_reader(struct parser *p, const struct tag *tag);

static bool on_comment(struct parser *p, const struct tag *tag)
{
	(void)p, (void)tag;
	return true;
}

static bool is_delimiter(struct text text)
{
	for (size_t i = 0; i < text.len; i++)
		if (is_space(text.ptr[i]) || text.ptr[i] == '=')
			return false;
	return text.len && text.len <= DELIMITER_BYTES_MAX;
}

static bool on_delimiters(struct parser *p, const struct tag *tag)
{
	struct text open = tag->name, close;
	size_t begin = (size_t)(tag->name.ptr - p->text.ptr);

	open.len = 0;
	while (open.len < tag->name.len && !is_space(open.ptr[open.len]))
		open.len++;
	close = trimmed(p, begin + open.len, begin + tag->name.len);
	if (!is_delimiter(open) || !is_delimiter(close)) {
		tag_error(p, DIAG_E503, here(p, tag->begin, tag->end),
			  "delimiters are set as {{=<% %>=}}: two words "
			  "without \"=\"");
		return false;
	}
	p->open = open;
	p->close = close;
	return true;
}

static bool on_open(struct parser *p, const struct tag *tag)
{
	struct part *part;

	if (p->sections.count >= TEMPLATE_DEPTH_MAX) {
		tag_error(p, DIAG_E506, name_at(p, tag->name),
			  "sections are nested too deep");
		return false;
	}
	part = add(p, tag->sigil == '#' ? PART_SECTION : PART_INVERTED,
		   tag->name);
	*vec_push(p->arena, &p->sections) =
		(struct open_section){ p->parts, tag->name };
	p->parts = &part->inside;
	return true;
}

static bool on_close(struct parser *p, const struct tag *tag)
{
	struct span at = here(p, tag->begin, tag->end);
	const struct open_section *open;
	struct diag *d;

	if (!p->sections.count) {
		diag_at(p->ds, DIAG_E502, at,
			"this closes section %s, but none is open",
			diag_quote(p->ds, tag->name));
		return false;
	}
	open = &p->sections.at[p->sections.count - 1];
	if (!text_equal(open->name, tag->name)) {
		d = diag_at(p->ds, DIAG_E502, at,
			    "this closes section %s, but %s is open",
			    diag_quote(p->ds, tag->name),
			    diag_quote(p->ds, open->name));
		diag_note_at(p->ds, d, name_at(p, open->name), "opened here");
		return false;
	}
	p->parts = open->outer;
	p->sections.count--;
	return true;
}

static bool on_partial(struct parser *p, const struct tag *tag)
{
	struct part *part = add(p, PART_PARTIAL, tag->name);

	part->at = name_at(p, tag->name);
	part->standalone = tag->standalone;
	if (tag->standalone)
		part->indent = (struct text){ p->text.ptr + tag->line,
					      tag->begin - tag->line };
	return true;
}

static bool on_variable(struct parser *p, const struct tag *tag)
{
	add(p, PART_VARIABLE, tag->name);
	return true;
}

static tag_reader *reader_of(char sigil)
{
	static const struct {
		char sigil;
		tag_reader *read;
	} readers[] = {
		{ '!', on_comment }, { '=', on_delimiters },
		{ '#', on_open },    { '^', on_open },
		{ '/', on_close },   { '>', on_partial },
	};

	for (size_t i = 0; i < sizeof(readers) / sizeof(*readers); i++)
		if (readers[i].sigil == sigil)
			return readers[i].read;
	return on_variable;
}

/* @return false if what follows the tag cannot be understood without it */
static bool parse_tag(struct parser *p, size_t begin)
{
	struct tag tag;

	if (!read_tag(p, begin, &tag)) {
		tag_error(p, DIAG_E501, here(p, begin, tag.end),
			  "this tag is never closed");
		return false;
	}
	if (++p->tag_count > TAGS_MAX) {
		tag_error(p, DIAG_E506, here(p, begin, tag.end),
			  "this template has more than a million tags");
		return false;
	}
	place_tag(p, &tag);
	if (!check_tag(p, &tag))
		return !tag.sigil || strchr("{&>", tag.sigil);
	return reader_of(tag.sigil)(p, &tag);
}

static bool parse_tags(struct parser *p)
{
	size_t begin;

	while ((begin = find(p, p->pos, p->open)) < p->text.len)
		if (!parse_tag(p, begin))
			return false;
	add_text(p, p->pos, p->text.len);
	vec_foreach (const struct open_section, open, &p->sections) {
		diag_at(p->ds, DIAG_E502, name_at(p, open->name),
			"section %s is never closed",
			diag_quote(p->ds, open->name));
		p->failed = true;
	}
	return !p->failed;
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
	tmpl->text = text;
	tmpl->at = at;
	tmpl->literal = find(&p, 0, p.open) == text.len;
	return parse_tags(&p) ? tmpl : NULL;
}

bool template_is_literal(const struct template *tmpl)
{
	return tmpl->literal;
}
