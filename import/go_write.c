#include "go_template_parts.h"

#include "doc.h"

#include <ctype.h>
#include <stdlib.h>

/* -------------------------------------------------------- expressions -- */

static bool is_call(const struct go_expr *e, const char *name)
{
	return e->kind == GO_CALL && text_is(e->name, name);
}

bool go_expr_key(const struct go_expr *e, bool nested, struct text *ret_key)
{
	if (is_call(e, "index") && !e->args[0]->path_len &&
	    e->args[1]->kind == GO_CONSTANT &&
	    (e->args[0]->kind == GO_ROOT ||
	     (e->args[0]->kind == GO_DOT && !nested))) {
		*ret_key = e->args[1]->name;
		return true;
	}
	if (e->path_len != 1 ||
	    (e->kind != GO_ROOT && (e->kind != GO_DOT || nested)))
		return false;
	*ret_key = e->path[0];
	return true;
}

/* A value as Go sees it. A constant is made a doc, in the caller's hands. */
static const struct doc *value_of(const struct go_expr *e,
				  const struct doc *data, struct doc *constant)
{
	struct text key;

	if (e->kind == GO_CONSTANT) {
		*constant = (struct doc){ .kind = DOC_SCALAR,
					  .text = e->name,
					  .plain = e->plain };
		return constant;
	}
	if (go_expr_key(e, false, &key))
		return doc_get(data, key);
	if (e->kind != GO_DOT && e->kind != GO_ROOT)
		return NULL;
	for (size_t i = 0; data && i < e->path_len; i++)
		data = doc_get(data, e->path[i]);
	return data;
}

static bool is_zero(struct text number)
{
	for (size_t i = 0; i < number.len; i++)
		if (number.ptr[i] >= '1' && number.ptr[i] <= '9')
			return false;
	return true;
}

/* Truth as of Go: what is empty is false, and zero is, too. */
static bool is_true(const struct doc *value)
{
	if (!value || value->kind == DOC_NULL)
		return false;
	if (value->kind != DOC_SCALAR)
		return value->count > 0;
	if (!value->plain || text_is(value->text, "true"))
		return value->text.len > 0;
	return !text_is(value->text, "false") && !is_zero(value->text);
}

static bool equals(const struct go_expr *a, const struct go_expr *b,
		   const struct doc *data)
{
	struct doc constants[2];
	const struct doc *x = value_of(a, data, &constants[0]);
	const struct doc *y = value_of(b, data, &constants[1]);

	return x && y && x->kind == DOC_SCALAR && y->kind == DOC_SCALAR &&
	       text_equal(x->text, y->text);
}

bool go_expr_holds(const struct go_expr *e, const struct doc *data)
{
	struct doc constant;
	bool all = is_call(e, "and");

	if (is_call(e, "not"))
		return !go_expr_holds(e->args[0], data);
	if (is_call(e, "ne"))
		return !equals(e->args[0], e->args[1], data);
	if (is_call(e, "len"))
		return go_expr_holds(e->args[0], data);
	if (is_call(e, "eq")) {
		for (size_t i = 1; i < e->arg_count; i++)
			if (equals(e->args[0], e->args[i], data))
				return true;
		return false;
	}
	if (all || is_call(e, "or")) {
		for (size_t i = 0; i < e->arg_count; i++)
			if (go_expr_holds(e->args[i], data) != all)
				return !all;
		return all;
	}
	return is_true(value_of(e, data, &constant));
}

static bool expr_uses(const struct go_expr *e, struct text key)
{
	struct text own;

	if (go_expr_key(e, false, &own) && text_equal(own, key))
		return true;
	if (e->path_len && text_equal(e->path[0], key))
		return true;
	for (size_t i = 0; i < e->arg_count; i++)
		if (expr_uses(e->args[i], key))
			return true;
	return false;
}

static bool list_uses(const struct go_list *list, struct text key)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct go_node *node = &list->at[i];

		if ((node->expr && expr_uses(node->expr, key)) ||
		    list_uses(&node->inside, key) ||
		    list_uses(&node->otherwise, key))
			return true;
	}
	return false;
}

bool go_template_uses(const struct go_template *tmpl, struct text key)
{
	return list_uses(&tmpl->nodes, key);
}

/* ------------------------------------------------------------- writing -- */

struct frame {
	const struct go_node *block; /* a range or with */
	const struct frame *outer;
};

struct output {
	const struct go_writer *w;
	struct sbuf *out;
	bool failed;
};

static void refuse(struct output *o, struct span at, const char *what,
		   const char *help)
{
	import_find(o->w->im, FATE_LOST, at, help, "the template: %s", what);
	o->failed = true;
}

static void put_tag(struct output *o, char sigil, struct text name)
{
	sbuf_puts(o->out, "{{");
	if (sigil)
		sbuf_putc(o->out, sigil);
	sbuf_add(o->out, name.ptr, name.len);
	sbuf_puts(o->out, "}}");
}

/* Text with "{{" in it goes between other delimiters. */
static void put_text(struct output *o, struct text text)
{
	bool tag = memmem(text.ptr, text.len, "{{", 2);

	if (tag)
		sbuf_puts(o->out, "{{=<% %>=}}");
	sbuf_add(o->out, text.ptr, text.len);
	if (tag)
		sbuf_puts(o->out, "<%={{ }}=%>");
}

/* "a.b" of `.a.b`, where a is called something else in the site. */
static struct text join_path(struct output *o, struct text first,
			     const struct go_expr *e, size_t from)
{
	struct sbuf path = { 0 };
	struct text result;

	sbuf_add(&path, first.ptr, first.len);
	for (size_t i = from; i < e->path_len; i++)
		sbuf_printf(&path, "%s%.*s", path.len ? "." : "",
			    (int)e->path[i].len, e->path[i].ptr);
	result = import_text(o->w->im, &path);
	sbuf_release(&path);
	return result;
}

static bool is_request(const struct go_expr *e, bool nested)
{
	return (e->kind == GO_ROOT || (e->kind == GO_DOT && !nested)) &&
	       e->path_len && text_is(e->path[0], "request");
}

/* `.request.raw_query`, and `.query` as it was called before 0.4. */
static bool is_raw_query(const struct go_expr *e, bool nested)
{
	if (is_request(e, nested))
		return e->path_len == 2 && text_is(e->path[1], "raw_query");
	return (e->kind == GO_ROOT || (e->kind == GO_DOT && !nested)) &&
	       e->path_len == 1 && text_is(e->path[0], "query");
}

static const char request_help[] =
	"a file that is made beforehand knows no request; write the value into "
	"the site, or let the machine find it out";

/* The path of Mustache for what an expression means here; ptr NULL after a
 * finding. */
static struct text path_of(struct output *o, const struct go_expr *e,
			   const struct frame *frame)
{
	struct text key, none = { 0 };

	if (is_request(e, frame)) {
		bool query = e->path_len == 3 && text_is(e->path[1], "query");
		struct text name =
			query ? o->w->query(o->w->ctx, e->path[2]) : none;

		if (!name.ptr)
			refuse(o, e->at, "it prints what a request says",
			       request_help);
		return name;
	}
	if (go_expr_key(e, frame, &key))
		return o->w->variable(o->w->ctx, key);
	if (e->kind == GO_ROOT && e->path_len)
		return join_path(o, o->w->variable(o->w->ctx, e->path[0]), e,
				 1);
	if (e->kind == GO_DOT && !frame && e->path_len)
		return join_path(o, o->w->variable(o->w->ctx, e->path[0]), e,
				 1);
	if (e->kind == GO_DOT && frame)
		return e->path_len ? join_path(o, none, e, 0) : TEXT(".");
	if (e->kind == GO_VARIABLE && frame &&
	    text_equal(e->name, frame->block->variable))
		return e->path_len ? join_path(o, none, e, 0) : TEXT(".");
	refuse(o, e->at, "it prints more than a variable",
	       "put the finished value into the vars of the nodes");
	return none;
}

/* Whether a value is missing in some use, and what kinds there are. */
struct kinds {
	bool missing, scalar, number, list, map;
};

static struct kinds kinds_of(const struct output *o, const struct go_expr *e)
{
	struct kinds k = { 0 };

	for (size_t i = 0; i < o->w->use_count; i++) {
		struct doc constant;
		const struct doc *value = value_of(e, o->w->uses[i], &constant);

		if (!value || value->kind == DOC_NULL)
			k.missing = true;
		else if (value->kind == DOC_LIST)
			k.list = true;
		else if (value->kind == DOC_MAP)
			k.map = true;
		else if (value->plain && !text_is(value->text, "true") &&
			 !text_is(value->text, "false"))
			k.number = true;
		else
			k.scalar = true;
	}
	return k;
}

static void write_print(struct output *o, const struct go_expr *e,
			const struct frame *frame)
{
	struct kinds kinds = { 0 };
	struct text path, key;

	if (e->kind == GO_CONSTANT) {
		put_text(o, e->name);
		return;
	}
	path = path_of(o, e, frame);
	if (!path.ptr)
		return;
	if (go_expr_key(e, frame, &key))
		kinds = kinds_of(o, e);
	if (kinds.list || kinds.map) {
		refuse(o, e->at, "it prints a list or a map as Go does",
		       "go through it: {{#list}}{{.}}{{/list}}");
		return;
	}
	/* `index . "x"` of what is not there prints nothing. */
	if (e->kind == GO_CALL && kinds.missing) {
		put_tag(o, '#', path);
		put_tag(o, '\0', path);
		put_tag(o, '/', path);
	} else {
		put_tag(o, '\0', path);
	}
}

/* "os_is_installed" of `eq .os "installed"`. */
static struct text condition_name(struct output *o, const struct go_expr *e)
{
	struct arena *arena = o->w->im->arena;
	struct text key;

	if (go_expr_key(e, false, &key))
		return text_of(
			arena_printf(arena, "has_%.*s", (int)key.len, key.ptr));
	if (is_call(e, "eq") && e->arg_count == 2 &&
	    go_expr_key(e->args[0], false, &key) &&
	    e->args[1]->kind == GO_CONSTANT)
		return text_of(arena_printf(arena, "%.*s_is_%.*s", (int)key.len,
					    key.ptr, (int)e->args[1]->name.len,
					    e->args[1]->name.ptr));
	return TEXT("condition");
}

/* A test of data that stands in a range cannot be made beforehand. */
static bool depends_on_element(const struct go_expr *e,
			       const struct frame *frame)
{
	if (!frame)
		return false;
	if (e->kind == GO_DOT || e->kind == GO_VARIABLE)
		return true;
	for (size_t i = 0; i < e->arg_count; i++)
		if (depends_on_element(e->args[i], frame))
			return true;
	return false;
}

static bool asks_for_request(const struct go_expr *e)
{
	if (is_request(e, false) || is_raw_query(e, false))
		return true;
	for (size_t i = 0; i < e->arg_count; i++)
		if (asks_for_request(e->args[i]))
			return true;
	return false;
}

/* The variable whose section stands for a condition; ptr NULL after a finding.
 * A section goes through a list and enters a map: then it takes a variable
 * that says no more than that there is one. */
static struct text section_for(struct output *o, const struct go_expr *e,
			       const struct frame *frame)
{
	struct text key;

	if (depends_on_element(e, frame)) {
		refuse(o, e->at, "a condition on an element of a list",
		       "put the finished values into the list");
		return (struct text){ 0 };
	}
	if (asks_for_request(e)) {
		refuse(o, e->at, "a condition on what a request says",
		       request_help);
		return (struct text){ 0 };
	}
	if (go_expr_key(e, frame, &key)) {
		struct kinds kinds = kinds_of(o, e);

		if (!kinds.list && !kinds.map && !kinds.number)
			return o->w->variable(o->w->ctx, key);
	}
	return o->w->condition(o->w->ctx, condition_name(o, e), e);
}

static void write_list(struct output *o, const struct go_list *list,
		       const struct frame *frame);

static void write_if(struct output *o, const struct go_node *node,
		     const struct frame *frame)
{
	const struct go_expr *e = node->expr;
	bool negated = false;
	struct text name;

	for (; is_call(e, "not"); e = e->args[0])
		negated = !negated;
	name = section_for(o, e, frame);
	if (!name.ptr)
		return;
	put_tag(o, negated ? '^' : '#', name);
	write_list(o, &node->inside, frame);
	put_tag(o, '/', name);
	if (!node->otherwise.count)
		return;
	put_tag(o, negated ? '#' : '^', name);
	write_list(o, &node->otherwise, frame);
	put_tag(o, '/', name);
}

/* A range over a map goes through its values in Go; Mustache would enter it. */
static void write_range(struct output *o, const struct go_node *node,
			const struct frame *frame)
{
	struct frame inner = { node, frame };
	struct text name = path_of(o, node->expr, frame), key;

	if (!name.ptr)
		return;
	if (go_expr_key(node->expr, frame, &key)) {
		struct kinds kinds = kinds_of(o, node->expr);
		bool fits = node->kind == GO_RANGE
				    ? !kinds.map && !kinds.scalar
				    : !kinds.list && !kinds.number;

		if (!fits) {
			refuse(o, node->at,
			       "a range over what is no list, or a with of "
			       "one",
			       "make it a list in the vars of the nodes");
			return;
		}
	}
	put_tag(o, '#', name);
	write_list(o, &node->inside, &inner);
	put_tag(o, '/', name);
	if (!node->otherwise.count)
		return;
	put_tag(o, '^', name);
	write_list(o, &node->otherwise, frame);
	put_tag(o, '/', name);
}

/* --------------------------------------------------- URLs of the server -- */

static bool is_label_character(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("-_.", c));
}

static bool ends_url(char c)
{
	return isspace((unsigned char)c) || strchr("\"'`<>|", c);
}

/* `&os=installed&…` at the beginning of a text. @return how long it is */
static size_t take_labels(struct text text, struct go_label *labels, size_t max,
			  size_t *ret_count)
{
	size_t i = 0;

	*ret_count = 0;
	while (i < text.len && text.ptr[i] == '&' && *ret_count < max) {
		struct go_label *label = &labels[*ret_count];
		size_t begin = i + 1, equals = begin;

		while (equals < text.len &&
		       is_label_character(text.ptr[equals]))
			equals++;
		if (equals == begin || equals >= text.len ||
		    text.ptr[equals] != '=')
			break;
		i = equals + 1;
		while (i < text.len && is_label_character(text.ptr[i]))
			i++;
		label->key = (struct text){ text.ptr + begin, equals - begin };
		label->value =
			(struct text){ text.ptr + equals + 1, i - equals - 1 };
		(*ret_count)++;
	}
	return i;
}

/* The last part of a path, without a "?" at its end. */
static struct text last_part(struct text url)
{
	size_t begin;

	if (url.len && url.ptr[url.len - 1] == '?')
		url.len--;
	for (begin = url.len; begin && url.ptr[begin - 1] != '/'; begin--)
		;
	return (struct text){ url.ptr + begin, url.len - begin };
}

/* Which of the server's services the URL before a raw query names: in the text
 * itself, or in the variable before its "?". */
static struct text endpoint_before(const struct output *o,
				   const struct go_list *list, size_t at,
				   const struct frame *frame)
{
	const struct go_node *before = at ? &list->at[at - 1] : NULL;
	struct text key, none = { 0 };

	if (!before || before->kind != GO_TEXT ||
	    before->text.ptr[before->text.len - 1] != '?')
		return none;
	if (before->text.len > 1)
		return last_part(before->text);
	if (at < 2 || list->at[at - 2].kind != GO_PRINT ||
	    !go_expr_key(list->at[at - 2].expr, frame, &key))
		return none;
	for (size_t i = 0; i < o->w->use_count; i++) {
		const struct doc *value = doc_get(o->w->uses[i], key);

		if (value && value->kind == DOC_SCALAR)
			return last_part(value->text);
	}
	return none;
}

/* Drops the URL that stands at the end of what is written. */
static void drop_url(struct sbuf *out)
{
	while (out->len && !ends_url(out->ptr[out->len - 1]))
		out->len--;
}

/* `{{.endpoint}}?{{.request.raw_query}}`: the first goes with the second. */
static bool is_endpoint(const struct go_list *list, size_t at,
			const struct frame *frame)
{
	const struct go_node *node = &list->at[at];

	return at + 2 < list->count && node[1].kind == GO_TEXT &&
	       text_is(node[1].text, "?") && node[2].kind == GO_PRINT &&
	       is_raw_query(node[2].expr, frame);
}

/* `ENDPOINT?RAW-QUERY&os=installed`: where that very configuration lies.
 * @return how much of the text behind it belongs to it */
static size_t write_config_url(struct output *o, const struct go_list *list,
			       size_t at, const struct frame *frame)
{
	struct text endpoint = endpoint_before(o, list, at, frame), url = { 0 };
	struct text behind = { 0 };
	struct go_label labels[8];
	size_t count = 0, len = 0;

	if (at + 1 < list->count && list->at[at + 1].kind == GO_TEXT)
		behind = list->at[at + 1].text;
	len = take_labels(behind, labels, sizeof(labels) / sizeof(*labels),
			  &count);
	if (endpoint.ptr)
		url = o->w->config_url(o->w->ctx, endpoint, labels, count);
	if (!url.ptr) {
		refuse(o, list->at[at].at, "it prints the query of a request",
		       request_help);
		return 0;
	}
	drop_url(o->out);
	sbuf_add(o->out, url.ptr, url.len);
	return len;
}

static void write_list(struct output *o, const struct go_list *list,
		       const struct frame *frame)
{
	size_t skip = 0; /* of the next text */

	for (size_t i = 0; i < list->count; i++) {
		const struct go_node *node = &list->at[i];
		struct text text = node->text;

		switch (node->kind) {
		case GO_TEXT:
			text.ptr += skip;
			text.len -= skip;
			skip = 0;
			put_text(o, text);
			break;
		case GO_PRINT:
			if (is_raw_query(node->expr, frame))
				skip = write_config_url(o, list, i, frame);
			else if (!is_endpoint(list, i, frame))
				write_print(o, node->expr, frame);
			break;
		case GO_IF:
			write_if(o, node, frame);
			break;
		case GO_RANGE:
		case GO_WITH:
			write_range(o, node, frame);
			break;
		}
	}
}

bool go_template_write(const struct go_template *tmpl,
		       const struct go_writer *writer, struct sbuf *out)
{
	struct output o = { .w = writer, .out = out };

	write_list(&o, &tmpl->nodes, NULL);
	return !o.failed;
}
