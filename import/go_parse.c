#include "go_template_parts.h"

#include "source.h"

#include <ctype.h>

struct parser {
	struct import *im;
	struct text text; /* the template */
	struct span at;
	size_t next;         /* first byte not read yet */
	size_t action;       /* where the action at hand begins, … */
	const char *s, *end; /* … and what is left of its inside */
	bool trim;           /* white space that follows is dropped */
	bool failed;
};

static struct span place(const struct parser *p, size_t begin, size_t end)
{
	return (struct span){ p->at.source, p->at.begin + (uint32_t)begin,
			      p->at.begin + (uint32_t)end };
}

static struct span action_place(const struct parser *p)
{
	return place(p, p->action, p->next);
}

/* Reports the first fault only: the rest follows from it. */
static void give_up(struct parser *p, const char *what)
{
	if (!p->failed)
		import_find(p->im, FATE_LOST, action_place(p),
			    "write this template anew in Mustache, below "
			    "files: of the site",
			    "the template: %s", what);
	p->failed = true;
}

/* -------------------------------------------------------- expressions -- */

static void skip_space(struct parser *p)
{
	while (p->s < p->end && isspace((unsigned char)*p->s))
		p->s++;
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static struct text take_word(struct parser *p)
{
	struct text word = { p->s, 0 };

	while (p->s < p->end && is_word(*p->s))
		p->s++;
	word.len = (size_t)(p->s - word.ptr);
	return word;
}

/* `.a.b`, up to where there is no dot with a name any more. */
static void take_path(struct parser *p, struct go_expr *e)
{
	while (p->s + 1 < p->end && *p->s == '.' && is_word(p->s[1])) {
		p->s++;
		if (e->path_len == GO_PATH_MAX) {
			give_up(p, "a path of too many parts");
			return;
		}
		e->path[e->path_len++] = take_word(p);
	}
}

static struct text take_string(struct parser *p)
{
	char quote = *p->s++;
	struct sbuf text = { 0 };
	struct text result;

	while (p->s < p->end && *p->s != quote) {
		if (quote == '"' && *p->s == '\\' && p->s + 1 < p->end) {
			p->s++;
			sbuf_putc(&text, *p->s == 'n'   ? '\n'
					 : *p->s == 't' ? '\t'
							: *p->s);
			p->s++;
			continue;
		}
		sbuf_putc(&text, *p->s++);
	}
	if (p->s < p->end)
		p->s++;
	else
		give_up(p, "a quote that is not closed");
	result = import_text(p->im, &text);
	sbuf_release(&text);
	return result;
}

static struct go_expr *parse_expr(struct parser *p, size_t depth);

static struct go_expr *parse_operand(struct parser *p, size_t depth)
{
	struct go_expr *e = arena_new(p->im->arena, struct go_expr);

	e->at = action_place(p);
	if (*p->s == '.') {
		e->kind = GO_DOT;
		take_path(p, e);
		if (!e->path_len)
			p->s++;
	} else if (*p->s == '$') {
		p->s++;
		e->name = take_word(p);
		e->kind = e->name.len ? GO_VARIABLE : GO_ROOT;
		take_path(p, e);
	} else if (*p->s == '"' || *p->s == '`') {
		e->kind = GO_CONSTANT;
		e->name = take_string(p);
	} else if (*p->s == '(') {
		p->s++;
		e = parse_expr(p, depth + 1);
		skip_space(p);
		if (p->s < p->end && *p->s == ')')
			p->s++;
		else
			give_up(p, "a bracket that is not closed");
	} else if (isdigit((unsigned char)*p->s) || *p->s == '-') {
		const char *begin = p->s++;

		while (p->s < p->end && (is_word(*p->s) || *p->s == '.'))
			p->s++;
		e->kind = GO_CONSTANT;
		e->plain = true;
		e->name = (struct text){ begin, (size_t)(p->s - begin) };
	} else {
		e->name = take_word(p);
		e->plain =
			text_is(e->name, "true") || text_is(e->name, "false");
		e->kind = e->plain ? GO_CONSTANT : GO_CALL;
		if (!e->name.len)
			give_up(p, "something that is no value");
	}
	return e;
}

/* Functions that are understood, with how many values they take. */
static const struct {
	const char *name;
	size_t min, max;
} functions[] = {
	{ "index", 2, 2 }, { "not", 1, 1 },        { "eq", 2, SIZE_MAX },
	{ "ne", 2, 2 },    { "and", 1, SIZE_MAX }, { "or", 1, SIZE_MAX },
	{ "len", 1, 1 },
};

static void check_call(struct parser *p, const struct go_expr *e)
{
	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++) {
		if (!text_is(e->name, functions[i].name))
			continue;
		if (e->arg_count < functions[i].min ||
		    e->arg_count > functions[i].max)
			give_up(p,
				"a function with the wrong number of values");
		return;
	}
	give_up(p, arena_printf(p->im->arena,
				"the function %.*s, which is not known here",
				(int)e->name.len, e->name.ptr));
}

/* An operand, or a function with its values. */
static struct go_expr *parse_expr(struct parser *p, size_t depth)
{
	VEC(const struct go_expr *) args = { 0 };
	struct go_expr *e;

	skip_space(p);
	if (depth > GO_DEPTH_MAX || p->s >= p->end) {
		give_up(p, p->s >= p->end ? "a value is missing"
					  : "too many brackets");
		return arena_new(p->im->arena, struct go_expr);
	}
	e = parse_operand(p, depth);
	if (e->kind != GO_CALL || e->args)
		return e;
	for (;;) {
		skip_space(p);
		if (p->failed || p->s >= p->end || *p->s == ')' || *p->s == '|')
			break;
		*vec_push(p->im->arena, &args) = parse_operand(p, depth);
	}
	e->args = args.at;
	e->arg_count = args.count;
	check_call(p, e);
	return e;
}

/* All that is left of an action. */
static const struct go_expr *parse_pipeline(struct parser *p)
{
	const struct go_expr *e = parse_expr(p, 0);

	skip_space(p);
	if (!p->failed && p->s < p->end)
		give_up(p, *p->s == '|' ? "a pipeline"
			   : *p->s == ':' || *p->s == '='
				   ? "a variable that is set"
				   : "more behind a value than expected");
	return e;
}

/* ------------------------------------------------------------ actions -- */

static bool starts(const struct parser *p, size_t at, const char *with)
{
	size_t len = strlen(with);

	return p->text.len - at >= len &&
	       memcmp(p->text.ptr + at, with, len) == 0;
}

/* Behind the `}}` that ends the action; strings may hold one. */
static bool action_end(const struct parser *p, size_t begin, size_t *ret_end)
{
	char quote = '\0';

	if (starts(p, begin, "/*") || starts(p, begin, "- /*")) {
		const char *end = memmem(p->text.ptr + begin,
					 p->text.len - begin, "*/", 2);

		if (!end)
			return false;
		begin = (size_t)(end - p->text.ptr) + 2;
	}
	for (size_t i = begin; i < p->text.len; i++) {
		char c = p->text.ptr[i];

		if (quote) {
			if (c == '\\' && quote == '"')
				i++;
			else if (c == quote)
				quote = '\0';
		} else if (c == '"' || c == '`') {
			quote = c;
		} else if (starts(p, i, "}}")) {
			*ret_end = i + 2;
			return true;
		}
	}
	return false;
}

/* Sets s and end to the inside, without the marks that trim. */
static void take_inside(struct parser *p)
{
	p->s = p->text.ptr + p->action + 2;
	p->end = p->text.ptr + p->next - 2;
	if (p->end - p->s >= 2 && p->s[0] == '-' &&
	    isspace((unsigned char)p->s[1]))
		p->s++;
	if (p->end - p->s >= 2 && p->end[-1] == '-' &&
	    isspace((unsigned char)p->end[-2])) {
		p->end--;
		p->trim = true;
	}
	skip_space(p);
	while (p->end > p->s && isspace((unsigned char)p->end[-1]))
		p->end--;
}

/* Whether white space before an action is dropped. */
static bool trims_before(const struct parser *p, size_t action)
{
	return starts(p, action, "{{-") && p->text.len > action + 3 &&
	       isspace((unsigned char)p->text.ptr[action + 3]);
}

static void add_text(struct parser *p, struct go_list *list, size_t end,
		     bool trim_end)
{
	const char *from = p->text.ptr + p->next, *to = p->text.ptr + end;
	struct go_node *node;

	if (p->trim)
		while (from < to && isspace((unsigned char)*from))
			from++;
	if (trim_end)
		while (to > from && isspace((unsigned char)to[-1]))
			to--;
	p->trim = false;
	if (from == to)
		return;
	node = vec_push(p->im->arena, list);
	node->kind = GO_TEXT;
	node->text = (struct text){ from, (size_t)(to - from) };
	node->at = place(p, (size_t)(from - p->text.ptr),
			 (size_t)(to - p->text.ptr));
}

/* Reads text up to the next action, and that; false at the end. */
static bool next_action(struct parser *p, struct go_list *list)
{
	const char *open =
		memmem(p->text.ptr + p->next, p->text.len - p->next, "{{", 2);

	if (p->failed)
		return false;
	if (!open) {
		add_text(p, list, p->text.len, false);
		p->next = p->text.len;
		return false;
	}
	p->action = (size_t)(open - p->text.ptr);
	add_text(p, list, p->action, trims_before(p, p->action));
	p->next = p->action + 2;
	if (!action_end(p, p->action + 2, &p->next)) {
		give_up(p, "a {{ that is not closed");
		return false;
	}
	take_inside(p);
	return true;
}

/* Takes a word that begins the action, if it is this one. */
static bool take_keyword(struct parser *p, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(p->end - p->s) < len || memcmp(p->s, word, len) != 0 ||
	    (p->s + len < p->end && is_word(p->s[len])))
		return false;
	p->s += len;
	skip_space(p);
	return true;
}

/* What ends a list of nodes. */
enum stop { STOP_END_OF_FILE, STOP_END, STOP_ELSE };

static enum stop parse_list(struct parser *p, struct go_list *list,
			    size_t depth);

/* `else`, `else if`, and the `end` that closes all of them. */
static void parse_else(struct parser *p, struct go_node *node, size_t depth);

static void parse_branches(struct parser *p, struct go_node *node, size_t depth)
{
	struct span at = action_place(p);
	enum stop stop = parse_list(p, &node->inside, depth + 1);

	if (stop == STOP_ELSE)
		parse_else(p, node, depth);
	if (stop == STOP_END_OF_FILE && !p->failed) {
		import_find(p->im, FATE_LOST, at, NULL,
			    "the template: a block without {{end}}");
		p->failed = true;
	}
}

static void parse_else(struct parser *p, struct go_node *node, size_t depth)
{
	struct go_node *inner;

	if (take_keyword(p, "if")) {
		inner = vec_push(p->im->arena, &node->otherwise);
		inner->kind = GO_IF;
		inner->at = action_place(p);
		inner->expr = parse_pipeline(p);
		parse_branches(p, inner, depth + 1);
	} else if (p->s < p->end) {
		give_up(p, "something behind else");
	} else if (parse_list(p, &node->otherwise, depth + 1) != STOP_END) {
		give_up(p, "an else without an end");
	}
}

/* `$e := ` before what a range goes through. */
static void parse_range_variable(struct parser *p, struct go_node *node)
{
	const char *assign = memmem(p->s, (size_t)(p->end - p->s), ":=", 2);

	if (!assign)
		return;
	if (memchr(p->s, ',', (size_t)(assign - p->s))) {
		give_up(p, "the number of an element");
		return;
	}
	if (*p->s == '$')
		p->s++;
	node->variable = take_word(p);
	p->s = assign + 2;
}

static bool is_comment(const struct parser *p)
{
	return p->end - p->s >= 2 && memcmp(p->s, "/*", 2) == 0;
}

/* Words of Go for which there is nothing in a static template. */
static bool refuse_keyword(struct parser *p)
{
	static const char *const words[] = { "define", "template", "block",
					     "break", "continue" };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (take_keyword(p, words[i])) {
			give_up(p,
				arena_printf(p->im->arena, "{{%s}}", words[i]));
			return true;
		}
	return false;
}

static void parse_action(struct parser *p, struct go_list *list, size_t depth)
{
	struct go_node *node;

	if (is_comment(p) || refuse_keyword(p))
		return;
	node = vec_push(p->im->arena, list);
	node->at = action_place(p);
	node->kind = take_keyword(p, "if")      ? GO_IF
		     : take_keyword(p, "range") ? GO_RANGE
		     : take_keyword(p, "with")  ? GO_WITH
						: GO_PRINT;
	if (node->kind == GO_RANGE || node->kind == GO_WITH)
		parse_range_variable(p, node);
	node->expr = parse_pipeline(p);
	if (node->kind != GO_PRINT && !p->failed) {
		struct go_node block = *node;

		/* The list may move while what is inside is read. */
		size_t index = list->count - 1;

		parse_branches(p, &block, depth);
		list->at[index] = block;
	}
}

static enum stop parse_list(struct parser *p, struct go_list *list,
			    size_t depth)
{
	if (depth > GO_DEPTH_MAX)
		give_up(p, "too many blocks within each other");
	while (next_action(p, list)) {
		if (take_keyword(p, "end"))
			return STOP_END;
		if (take_keyword(p, "else"))
			return STOP_ELSE;
		parse_action(p, list, depth);
	}
	return STOP_END_OF_FILE;
}

const struct go_template *go_template_parse(struct import *im, struct text text,
					    struct span at)
{
	struct parser p = { .im = im, .text = text, .at = at };
	struct go_template *tmpl = arena_new(im->arena, struct go_template);

	tmpl->at = at;
	if (parse_list(&p, &tmpl->nodes, 0) != STOP_END_OF_FILE)
		give_up(&p, "an end or else that belongs to nothing");
	return p.failed ? NULL : tmpl;
}
