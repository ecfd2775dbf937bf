#include "load_parts.h"

#include "arena.h"
#include "utf8.h"

/* What is known of a syntax error; libyaml's words decide who explains it. */
struct fault {
	const struct source *source;
	const struct syntax_fault *yaml;
	struct diags *ds;
	uint32_t at;
	struct place place;
	uint32_t line_begin, line_end; /* of the line with the fault */
	uint32_t first;                /* first byte of it that is no blank */
};

uint32_t load_skip_comments(const struct source *source, uint32_t offset)
{
	const char *s = source->bytes.ptr;
	uint32_t end = (uint32_t)source->bytes.len;

	while (offset < end) {
		if (strchr(" \t\r\n", s[offset]))
			offset++;
		else if (s[offset] == '#')
			while (offset < end && s[offset] != '\n')
				offset++;
		else
			break;
	}
	return offset;
}

static char byte_at(const struct fault *f, uint32_t offset)
{
	return offset < f->source->bytes.len ? f->source->bytes.ptr[offset]
					     : '\0';
}

/* One character at a place; nothing at the end of the file. */
static struct span one(const struct fault *f, uint32_t offset)
{
	size_t left = f->source->bytes.len - offset;
	size_t len =
		left ? utf8_sequence(f->source->bytes.ptr + offset, left) : 0;

	return span_of(f->source, offset, offset + len);
}

static struct span rest_of_line(const struct fault *f, uint32_t offset)
{
	uint32_t end = f->line_end;

	while (end > offset && strchr(" \t", byte_at(f, end - 1)))
		end--;
	return span_of(f->source, offset, end > offset ? end : offset);
}

/* Sets where the fault is, and which line that is. */
static void fault_at(struct fault *f, uint32_t at)
{
	struct text line;

	f->at = at;
	f->place = source_place(f->source, at);
	line = source_line(f->source, f->place.line);
	f->line_begin = (uint32_t)(line.ptr - f->source->bytes.ptr);
	f->line_end = f->line_begin + (uint32_t)line.len;
	f->first = f->line_begin;
	while (f->first < f->line_end && strchr(" \t", byte_at(f, f->first)))
		f->first++;
}

/* The last line above with something on it; false if there is none. */
static bool line_above(const struct fault *f, struct fault *ret_above)
{
	struct fault above = *f;

	while (above.place.line > 1) {
		struct text line = source_line(f->source, above.place.line - 1);

		fault_at(&above, (uint32_t)(line.ptr - f->source->bytes.ptr));
		if (above.first < above.line_end &&
		    byte_at(&above, above.first) != '#') {
			*ret_above = above;
			return true;
		}
	}
	return false;
}

static uint32_t indent(const struct fault *f)
{
	return f->first - f->line_begin;
}

/* The first ": " in a part of a line; @p end if there is none. */
static uint32_t find_colon(const struct fault *f, uint32_t begin, uint32_t end)
{
	for (; begin < end; begin++)
		if (byte_at(f, begin) == ':' &&
		    (begin + 1 >= f->line_end ||
		     strchr(" \t", byte_at(f, begin + 1))))
			return begin;
	return end;
}

/* A quote that was forgotten swallows lines up to the next one. */
static void note_quote(struct fault *f, struct diag *diag)
{
	struct span quoted = f->yaml->quoted;

	if (!quoted.source || f->at < quoted.end ||
	    source_place(f->source, quoted.begin).line ==
		    source_place(f->source, quoted.end).line ||
	    source_place(f->source, quoted.end).line + 1 < f->place.line)
		return;
	diag_note_at(f->ds, diag,
		     span_of(f->source, quoted.begin, quoted.begin + 1),
		     "this quote closes only at line %zu: is one missing?",
		     source_place(f->source, quoted.end).line);
}

static void explain_tab(struct fault *f)
{
	struct diag *diag;
	uint32_t tab = f->at;

	/* libyaml may point behind the tab. */
	for (uint32_t i = f->line_begin; i <= f->first; i++) {
		if (byte_at(f, i) == '\t') {
			tab = i;
			break;
		}
	}
	diag = diag_at(f->ds, DIAG_E111, one(f, tab),
		       "a tab cannot indent YAML");
	diag_help(f->ds, diag, "use spaces");
}

static void explain_needs_quotes(struct fault *f)
{
	struct diag *diag;

	if (byte_at(f, f->at) == '\t') {
		explain_tab(f);
		return;
	}
	diag = diag_at(f->ds, DIAG_E116, one(f, f->at),
		       "text that begins with \"%c\" needs quotes",
		       byte_at(f, f->at));
	note_quote(f, diag);
}

static void explain_name(struct fault *f)
{
	fault_at(f, f->yaml->opened);
	explain_needs_quotes(f);
}

static void explain_open_quote(struct fault *f)
{
	uint32_t at = f->at;
	struct diag *diag;

	fault_at(f, f->yaml->opened);
	diag = diag_at(f->ds, DIAG_E112, one(f, f->at),
		       "this quote is never closed");
	if (at < f->source->bytes.len)
		diag_note_at(f->ds, diag, one(f, at), "the document ends here");
}

static void explain_escape(struct fault *f)
{
	uint32_t at = f->at, begin;
	struct diag *diag;
	bool surrogate;

	/* libyaml points at the backslash, or behind the letter. */
	while (at > f->line_begin && byte_at(f, at) != '\\')
		at--;
	begin = at + 1;
	if (begin >= f->source->bytes.len) {
		explain_open_quote(f);
		return;
	}
	surrogate =
		byte_at(f, begin) == 'u' && strchr("dD", byte_at(f, begin + 1));
	diag = diag_at(f->ds, DIAG_E117,
		       span_of(f->source, at, one(f, begin).end),
		       surrogate ? "this escape is one half of a character"
				 : "unknown escape in double quotes");
	diag_help(f->ds, diag,
		  surrogate ? "write the character itself, or \\U and its "
			      "eight hexadecimal digits"
			    : "write \\\\ for a backslash, or use single "
			      "quotes");
}

static void report_no_colon(struct fault *f)
{
	struct diag *diag = diag_at(f->ds, DIAG_E114, rest_of_line(f, f->first),
				    "expected \"key: value\"");
	const char *colon = memchr(f->source->bytes.ptr + f->first, ':',
				   f->line_end - f->first);

	if (colon)
		diag_help(f->ds, diag, "a space goes behind the colon");
	note_quote(f, diag);
}

static void explain_missing_colon(struct fault *f)
{
	fault_at(f, f->yaml->opened);
	if (f->first != f->at) {
		struct diag *diag =
			diag_at(f->ds, DIAG_E110, rest_of_line(f, f->at),
				"unexpected text behind a value");

		note_quote(f, diag);
		return;
	}
	report_no_colon(f);
}

static void report_indentation(struct fault *f, const struct fault *above)
{
	struct diag *diag = diag_at(f->ds, DIAG_E115, one(f, f->first),
				    "this line is indented by %u, which fits "
				    "nothing above",
				    indent(f));

	if (above)
		diag_note_at(f->ds, diag, one(above, above->first),
			     "the line above is indented by %u", indent(above));
	note_quote(f, diag);
}

static void explain_stray_colon(struct fault *f)
{
	uint32_t colon = find_colon(f, f->first, f->at);
	struct fault above;
	struct diag *diag;

	if (colon < f->at) {
		diag = diag_at(f->ds, DIAG_E116, one(f, f->at),
			       "a value with \": \" in it needs quotes");
		diag_note_at(f->ds, diag, one(f, colon),
			     "the value begins behind this colon");
		return;
	}
	if (!line_above(f, &above)) {
		diag_at(f->ds, DIAG_E110, one(f, f->at), "unexpected \":\"");
		return;
	}
	if (indent(&above) == indent(f) &&
	    find_colon(&above, above.first, above.line_end) == above.line_end) {
		fault_at(&above, above.first);
		report_no_colon(&above);
		return;
	}
	report_indentation(f, &above);
}

static void report_unexpected(struct fault *f)
{
	char c = byte_at(f, f->at);
	struct diag *diag;

	if (c == ']' || c == '}') {
		diag_at(f->ds, DIAG_E113, one(f, f->at),
			"this \"%c\" closes nothing", c);
		return;
	}
	if (f->at == f->source->bytes.len) {
		diag_at(f->ds, DIAG_E110, one(f, f->at),
			"the file ends too early");
		return;
	}
	diag = diag_at(f->ds, DIAG_E110, rest_of_line(f, f->at),
		       "unexpected text behind a value");
	if (byte_at(f, f->at) != '#' && f->yaml->quoted.source &&
	    f->yaml->quoted.end <= f->at &&
	    f->yaml->quoted.end >= f->line_begin)
		diag_help(f->ds, diag,
			  "inside '...', '' stands for one '; inside "
			  "\"...\", \\\" stands for one \"");
	note_quote(f, diag);
}

static bool is_list_item(const struct fault *f)
{
	return byte_at(f, f->first) == '-' &&
	       (f->first + 1 >= f->line_end ||
		strchr(" \t", byte_at(f, f->first + 1)));
}

static void explain_no_key(struct fault *f)
{
	struct fault above;

	if (f->first != f->at || strchr("]}", byte_at(f, f->at))) {
		report_unexpected(f);
		return;
	}
	if (is_list_item(f) &&
	    indent(f) == source_place(f->source, f->yaml->opened).column - 1) {
		struct diag *diag = diag_at(f->ds, DIAG_E115, one(f, f->at),
					    "a list item stands where a key "
					    "is expected");

		diag_note_at(f->ds, diag, one(f, f->yaml->opened),
			     "the keys begin here");
		return;
	}
	if (byte_at(f, f->at) == ':') {
		diag_at(f->ds, DIAG_E124, one(f, f->at),
			"there is no key before the colon");
		return;
	}
	report_indentation(f, line_above(f, &above) ? &above : NULL);
}

static void explain_no_item(struct fault *f)
{
	struct diag *diag;

	if (f->first != f->at) {
		report_unexpected(f);
		return;
	}
	diag = diag_at(f->ds, DIAG_E115, one(f, f->at),
		       "expected a list item, \"- ...\"");
	diag_note_at(f->ds, diag, one(f, f->yaml->opened),
		     "the list begins here");
}

static void explain_list_in_line(struct fault *f)
{
	struct diag *diag;

	if (f->first == f->at) {
		struct fault above;

		report_indentation(f, line_above(f, &above) ? &above : NULL);
		return;
	}
	diag = diag_at(f->ds, DIAG_E115, one(f, f->at),
		       "a list cannot begin behind a key on the same line");
	diag_help(f->ds, diag,
		  "put \"- ...\" on a line of its own, or write [...]");
}

static void explain_bracket(struct fault *f)
{
	char open = byte_at(f, f->yaml->opened), c = byte_at(f, f->at);
	bool later =
		source_place(f->source, f->yaml->opened).line != f->place.line;
	struct diag *diag;

	if (open != '[' && open != '{') {
		report_unexpected(f);
		return;
	}
	if (f->at == f->source->bytes.len || c == ']' || c == '}' || later) {
		diag = diag_at(f->ds, DIAG_E113, one(f, f->yaml->opened),
			       "this \"%c\" is not closed", open);
		if (f->at < f->source->bytes.len)
			diag_note_at(f->ds, diag, one(f, f->at),
				     "expected \",\" or \"%c\" here",
				     open == '[' ? ']' : '}');
		return;
	}
	diag = diag_at(f->ds, DIAG_E110, one(f, f->at),
		       "expected \",\" or \"%c\"", open == '[' ? ']' : '}');
	diag_note_at(f->ds, diag, one(f, f->yaml->opened),
		     "to go on from here");
}

static void explain_no_value(struct fault *f)
{
	struct span list = f->yaml->list;

	if (f->at == f->source->bytes.len && list.source &&
	    strchr("[{", byte_at(f, list.begin))) {
		diag_at(f->ds, DIAG_E113, one(f, list.begin),
			"this \"%c\" is not closed", byte_at(f, list.begin));
		return;
	}
	diag_at(f->ds, DIAG_E110, one(f, f->at), "expected a value here");
}

static void explain_tag(struct fault *f)
{
	struct diag *diag;

	fault_at(f, f->yaml->opened);
	diag = diag_at(f->ds, DIAG_E122, one(f, f->at),
		       "YAML tags are not supported");
	diag_help(f->ds, diag,
		  "remove it; if it is meant as text, put it in quotes");
}

static void explain_other(struct fault *f)
{
	const char *problem = f->yaml->problem;

	diag_at(f->ds, DIAG_E110, one(f, f->at), "the YAML is not valid: %s",
		problem ? problem : "unknown problem");
}

/* NULL matches all; the first row that matches explains. */
static const struct {
	const char *problem, *context;
	void (*explain)(struct fault *f);
} explanations[] = {
	{ "found character that cannot start any token", NULL,
	  explain_needs_quotes },
	{ "found a tab character that violates indentation", NULL,
	  explain_tab },
	{ "found a tab character where an indentation space is expected", NULL,
	  explain_tab },
	{ "found unexpected end of stream", NULL, explain_open_quote },
	{ "found unexpected document indicator", NULL, explain_open_quote },
	{ NULL, "while parsing a quoted scalar", explain_escape },
	{ "mapping values are not allowed in this context", NULL,
	  explain_stray_colon },
	{ "could not find expected ':'", NULL, explain_missing_colon },
	{ "did not find expected key", NULL, explain_no_key },
	{ "did not find expected '-' indicator", NULL, explain_no_item },
	{ "block sequence entries are not allowed in this context", NULL,
	  explain_list_in_line },
	{ "did not find expected ',' or ']'", NULL, explain_bracket },
	{ "did not find expected ',' or '}'", NULL, explain_bracket },
	{ "did not find expected node content", NULL, explain_no_value },
	{ NULL, "while scanning an alias", explain_name },
	{ NULL, "while scanning an anchor", explain_name },
	{ NULL, "while scanning a tag", explain_tag },
	{ NULL, "while parsing a tag", explain_tag },
	{ NULL, "while parsing a node", explain_tag },
	{ NULL, NULL, explain_other },
};

static bool matches(const char *pattern, const char *words)
{
	return !pattern || (words && strcmp(pattern, words) == 0);
}

void load_syntax_explain(const struct source *source,
			 const struct syntax_fault *fault, struct diags *ds)
{
	struct fault f = { .source = source, .yaml = fault, .ds = ds };
	size_t i = 0;

	fault_at(&f, fault->at);
	while (!matches(explanations[i].problem, fault->problem) ||
	       !matches(explanations[i].context, fault->context))
		i++;
	explanations[i].explain(&f);
}

static bool line_is(const struct source *source, uint32_t offset,
		    const char *indicator)
{
	const char *s = source->bytes.ptr + offset;

	return source_place(source, offset).column == 1 &&
	       strncmp(s, indicator, 3) == 0 &&
	       (!s[3] || strchr(" \t\r\n", s[3]));
}

void load_rest_check(const struct source *source, uint32_t offset,
		     struct diags *ds)
{
	struct fault f = { .source = source,
			   .yaml = &(struct syntax_fault){ 0 },
			   .ds = ds };
	struct diag *diag;

	do
		offset = load_skip_comments(source, offset);
	while (line_is(source, offset, "...") && (offset += 3));
	if (offset == source->bytes.len)
		return;
	if (line_is(source, offset, "---")) {
		diag = diag_at(ds, DIAG_E120,
			       span_of(source, offset, offset + 3),
			       "a second document begins here");
		diag_help(ds, diag, "one file holds one document");
		return;
	}
	fault_at(&f, offset);
	report_unexpected(&f);
}
