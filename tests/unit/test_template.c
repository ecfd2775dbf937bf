/* What the Mustache specification (1.4, without its optional modules) asks of
 * each kind of tag, as rows of template, data and result. Escaping is off, so
 * its cases say the opposite here. Then what we ask beyond it. */
#include "arena.h"
#include "diag.h"
#include "ir.h"
#include "load.h"
#include "sbuf.h"
#include "source.h"
#include "template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

struct row {
	const char *what, *tmpl, *data, *partials, *result;
};

struct world {
	struct arena arena;
	struct diags ds;
	const struct doc *partials;
};

static const struct doc *parse_data(struct world *w, const char *yaml)
{
	const struct doc *doc =
		load(&w->arena,
		     source_new(&w->arena, "data", yaml, strlen(yaml)), &w->ds);

	assert_non_null(doc);
	return doc;
}

static const struct template *find_partial(void *ctx, struct text name,
					   struct span at)
{
	struct world *w = ctx;

	(void)at;
	for (size_t i = 0; w->partials && i < w->partials->count; i++)
		if (text_equal(w->partials->pairs[i].key, name))
			return template_parse(&w->arena,
					      w->partials->pairs[i].value->text,
					      (struct span){ 0 }, &w->ds);
	return NULL;
}

static bool render(struct world *w, const struct row *row, bool lenient,
		   struct sbuf *out)
{
	const struct source *source =
		source_new(&w->arena, "template", row->tmpl, strlen(row->tmpl));
	const struct doc *data = parse_data(w, row->data);
	struct template_env env = {
		.contexts = &data,
		.context_count = 1,
		.partial = find_partial,
		.ctx = w,
		.lenient = lenient,
	};
	const struct template *tmpl;

	w->partials = row->partials ? parse_data(w, row->partials) : NULL;
	tmpl = template_parse(
		&w->arena, source->bytes,
		(struct span){ source, 0, (uint32_t)source->bytes.len },
		&w->ds);
	return tmpl && template_render(tmpl, &env, &w->ds, out);
}

static const struct row specification[] = {
	/* Comments */
	{ "comment is dropped", "12345{{! a note }}67890", "{}", NULL,
	  "1234567890" },
	{ "comment over lines", "12345{{!\n  two\n  lines\n}}67890\n", "{}",
	  NULL, "1234567890\n" },
	{ "comment on its own line", "Begin.\n{{! note }}\nEnd.\n", "{}", NULL,
	  "Begin.\nEnd.\n" },
	{ "indented comment on its own line", "Begin.\n  {{! note }}\nEnd.\n",
	  "{}", NULL, "Begin.\nEnd.\n" },
	{ "comment line that ends in CR LF", "|\r\n{{! note }}\r\n|", "{}",
	  NULL, "|\r\n|" },
	{ "comment line is the first", "  {{! note }}\n!", "{}", NULL, "!" },
	{ "comment line is the last", "!\n  {{! note }}", "{}", NULL, "!\n" },
	{ "comment over lines of its own", "Begin.\n{{!\nnote\n}}\nEnd.\n",
	  "{}", NULL, "Begin.\nEnd.\n" },
	{ "indented comment over lines", "Begin.\n  {{!\n  note\n  }}\nEnd.\n",
	  "{}", NULL, "Begin.\nEnd.\n" },
	{ "comment within a line keeps blanks", "  12 {{! 34 }}\n", "{}", NULL,
	  "  12 \n" },
	{ "comment between words", "12345 {{! note }} 67890", "{}", NULL,
	  "12345  67890" },
	{ "comment named like a variable", "({{! x }})({{!x }})", "{x: 1}",
	  NULL, "()()" },

	/* Delimiters */
	{ "pair of delimiters", "{{=<% %>=}}(<%text%>)", "{text: Hey!}", NULL,
	  "(Hey!)" },
	{ "delimiters with meaning in patterns", "({{=[ ]=}}[text])",
	  "{text: It worked!}", NULL, "(It worked!)" },
	{ "delimiters hold in sections",
	  "[\n{{#s}}\n  {{d}}\n  |d|\n{{/s}}\n\n{{= | | =}}\n|#s|\n  {{d}}\n"
	  "  |d|\n|/s|\n]\n",
	  "{s: true, d: text}", NULL,
	  "[\n  text\n  |d|\n\n  {{d}}\n  text\n]\n" },
	{ "delimiters hold in inverted sections",
	  "{{^s}}{{d}}|d|{{/s}}{{= | | =}}|^s|{{d}}|d||/s|",
	  "{s: false, d: text}", NULL, "text|d|{{d}}text" },
	{ "delimiters end with a partial",
	  "[ {{>include}} ]\n{{= | | =}}\n[ |>include| ]\n", "{v: yes}",
	  "{include: '.{{v}}.'}", "[ .yes. ]\n[ .yes. ]\n" },
	{ "delimiters of a partial stay in it",
	  "[ {{>p}} ]\n[ .{{v}}.  .|v|. ]\n", "{v: yes}",
	  "{p: '.{{v}}. {{= | | =}} .|v|.'}",
	  "[ .yes.  .yes. ]\n[ .yes.  .|v|. ]\n" },
	{ "delimiters keep blanks around", "| {{=@ @=}} |", "{}", NULL,
	  "|  |" },
	{ "delimiters keep blanks before", " | {{=@ @=}}\n", "{}", NULL,
	  " | \n" },
	{ "delimiters on their own line", "Begin.\n{{=@ @=}}\nEnd.\n", "{}",
	  NULL, "Begin.\nEnd.\n" },
	{ "indented delimiters on their own line",
	  "Begin.\n  {{=@ @=}}\nEnd.\n", "{}", NULL, "Begin.\nEnd.\n" },
	{ "delimiter line that ends in CR LF", "|\r\n{{= @ @ =}}\r\n|", "{}",
	  NULL, "|\r\n|" },
	{ "delimiter line is the first", "  {{=@ @=}}\n=", "{}", NULL, "=" },
	{ "delimiter line is the last", "=\n  {{=@ @=}}", "{}", NULL, "=\n" },
	{ "blanks in the delimiter tag", "|{{= @   @ =}}|", "{}", NULL, "||" },

	/* Interpolation */
	{ "no tag", "Hello from {Mustache}!\n", "{}", NULL,
	  "Hello from {Mustache}!\n" },
	{ "variable", "Hello, {{subject}}!\n", "{subject: world}", NULL,
	  "Hello, world!\n" },
	{ "value is not read again", "{{t}}: {{p}}",
	  "{t: '{{p}}', p: 'open {'}", NULL, "{{p}}: open {" },
	{ "nothing is escaped", "{{x}} {{{x}}} {{&x}}", "{x: '& \" < >'}", NULL,
	  "& \" < > & \" < > & \" < >" },
	{ "integer", "{{n}} {{{n}}} {{&n}}", "{n: 85}", NULL, "85 85 85" },
	{ "fraction", "{{n}} {{{n}}} {{&n}}", "{n: 1.21}", NULL,
	  "1.21 1.21 1.21" },
	{ "null prints nothing", "({{n}}) ({{{n}}}) ({{&n}})", "{n: null}",
	  NULL, "() () ()" },
	{ "missing prints nothing", "({{n}}) ({{{n}}}) ({{&n}})", "{}", NULL,
	  "() () ()" },
	{ "dotted name", "{{a.b}} {{{a.b}}} {{&a.b}}", "{a: {b: Joe}}", NULL,
	  "Joe Joe Joe" },
	{ "deep dotted name", "{{a.b.c.d.e.name}}",
	  "{a: {b: {c: {d: {e: {name: Phil}}}}}}", NULL, "Phil" },
	{ "dotted name breaks off", "({{a.b.c}})", "{a: {}}", NULL, "()" },
	{ "dotted name starts nowhere", "({{a.b.c}})",
	  "{b: {c: wrong}, a: {x: {}}}", NULL, "()" },
	{ "first part of a dotted name is looked up outside",
	  "{{#a}}{{b.c.d.e.name}}{{/a}}",
	  "{a: {b: {c: {d: {e: {name: Phil}}}}}, b: {c: {d: {e: {name: "
	  "Wrong}}}}}",
	  NULL, "Phil" },
	{ "dotted name does not go out again", "{{#a}}{{b.c}}{{/a}}",
	  "{a: {b: {}}, b: {c: wrong}}", NULL, "" },
	{ "dotted name is not a name with a dot", "{{a.b}}",
	  "{a.b: wrong, a: {b: right}}", NULL, "right" },
	{ "the item itself", "{{#l}}({{.}}){{/l}}", "{l: [a, 85, 1.21]}", NULL,
	  "(a)(85)(1.21)" },
	{ "the item itself, all forms", "{{#l}}{{.}}{{{.}}}{{&.}}{{/l}}",
	  "{l: ['&']}", NULL, "&&&" },
	{ "blanks around a variable stay", "| {{s}} |{{{s}}}| {{&s}} |",
	  "{s: '-'}", NULL, "| - |-| - |" },
	{ "variable alone on a line is no standalone tag",
	  "  {{s}}\n  {{{s}}}\n  {{&s}}\n", "{s: '-'}", NULL,
	  "  -\n  -\n  -\n" },
	{ "blanks in the tag", "|{{ s }}|{{{ s }}}|{{& s }}|", "{s: '-'}", NULL,
	  "|-|-|-|" },

	/* Sections */
	{ "true section", "\"{{#b}}shown{{/b}}\"", "{b: true}", NULL,
	  "\"shown\"" },
	{ "false section", "\"{{#b}}hidden{{/b}}\"", "{b: false}", NULL,
	  "\"\"" },
	{ "null is false", "\"{{#n}}hidden{{/n}}\"", "{n: null}", NULL,
	  "\"\"" },
	{ "map is the context", "\"{{#c}}Hi {{name}}.{{/c}}\"",
	  "{c: {name: Joe}}", NULL, "\"Hi Joe.\"" },
	{ "names of outer contexts", "\"{{#s}}{{a}}, {{b}}, {{c.d}}{{/s}}\"",
	  "{a: foo, b: wrong, s: {b: bar}, c: {d: baz}}", NULL,
	  "\"foo, bar, baz\"" },
	{ "text is the context", "\"{{#f}}{{.}} is {{f}}{{/f}}\"", "{f: bar}",
	  NULL, "\"bar is bar\"" },
	{ "context of every depth is in reach",
	  "{{#a}}{{one}}{{#b}}{{one}}{{two}}{{one}}{{#c.d}}{{one}}{{two}}"
	  "{{three}}{{#five}}{{.}}{{one}}{{/five}}{{/c.d}}{{/b}}{{/a}}",
	  "{a: {one: 1}, b: {two: 2}, c: {three: x, d: {three: 3, five: "
	  "5}}}",
	  NULL, "112112351" },
	{ "list", "{{#l}}{{item}}{{/l}}", "{l: [{item: 1}, {item: 2}]}", NULL,
	  "12" },
	{ "empty list", "\"{{#l}}hidden{{/l}}\"", "{l: []}", NULL, "\"\"" },
	{ "two sections", "{{#b}}\n* 1\n{{/b}}\n* {{t}}\n{{#b}}\n* 3\n{{/b}}\n",
	  "{b: true, t: 2}", NULL, "* 1\n* 2\n* 3\n" },
	{ "section in a true one", "| A {{#b}}B {{#b}}C{{/b}} D{{/b}} E |",
	  "{b: true}", NULL, "| A B C D E |" },
	{ "section in a false one", "| A {{#b}}B {{#b}}C{{/b}} D{{/b}} E |",
	  "{b: false}", NULL, "| A  E |" },
	{ "missing is false", "[{{#missing}}shown{{/missing}}]", "{}", NULL,
	  "[]" },
	{ "list in a list", "{{#l}}({{#.}}{{.}}{{/.}}){{/l}}",
	  "{l: [[1, 2], [a, b]]}", NULL, "(12)(ab)" },
	{ "root as a section", "{{#.}}{{v}}{{/.}}", "{v: x}", NULL, "x" },
	{ "dotted section", "\"{{#a.b.c}}here{{/a.b.c}}\"",
	  "{a: {b: {c: true}}}", NULL, "\"here\"" },
	{ "dotted section, false", "\"{{#a.b.c}}here{{/a.b.c}}\"",
	  "{a: {b: {c: false}}}", NULL, "\"\"" },
	{ "dotted section, missing", "\"{{#a.b.c}}here{{/a.b.c}}\"", "{a: {}}",
	  NULL, "\"\"" },
	{ "section keeps blanks around", " | {{#b}}\t|\t{{/b}} | \n",
	  "{b: true}", NULL, " | \t|\t | \n" },
	{ "section keeps blanks inside", " | {{#b}} {{! x }}\n {{/b}} | \n",
	  "{b: true}", NULL, " |  \n  | \n" },
	{ "indented section within a line",
	  " {{#b}}YES{{/b}}\n {{#b}}GOOD{{/b}}\n", "{b: true}", NULL,
	  " YES\n GOOD\n" },
	{ "section lines", "| This\n{{#b}}\n|\n{{/b}}\n| Line\n", "{b: true}",
	  NULL, "| This\n|\n| Line\n" },
	{ "indented section lines", "| This\n  {{#b}}\n|\n  {{/b}}\n| Line\n",
	  "{b: true}", NULL, "| This\n|\n| Line\n" },
	{ "section lines that end in CR LF", "|\r\n{{#b}}\r\n{{/b}}\r\n|",
	  "{b: true}", NULL, "|\r\n|" },
	{ "section line is the first", "  {{#b}}\n#{{/b}}\n/", "{b: true}",
	  NULL, "#\n/" },
	{ "section line is the last", "#{{#b}}\n/\n  {{/b}}", "{b: true}", NULL,
	  "#\n/\n" },
	{ "blanks in section tags", "|{{# b }}={{/ b }}|", "{b: true}", NULL,
	  "|=|" },

	/* Inverted sections */
	{ "inverted false", "\"{{^b}}shown{{/b}}\"", "{b: false}", NULL,
	  "\"shown\"" },
	{ "inverted true", "\"{{^b}}hidden{{/b}}\"", "{b: true}", NULL,
	  "\"\"" },
	{ "inverted null", "\"{{^n}}shown{{/n}}\"", "{n: null}", NULL,
	  "\"shown\"" },
	{ "inverted map", "\"{{^c}}hidden{{/c}}\"", "{c: {name: Joe}}", NULL,
	  "\"\"" },
	{ "inverted list", "\"{{^l}}hidden{{/l}}\"", "{l: [{n: 1}]}", NULL,
	  "\"\"" },
	{ "inverted empty list", "\"{{^l}}shown{{/l}}\"", "{l: []}", NULL,
	  "\"shown\"" },
	{ "inverted missing", "[{{^m}}shown{{/m}}]", "{}", NULL, "[shown]" },
	{ "inverted in inverted", "| A {{^b}}B {{^b}}C{{/b}} D{{/b}} E |",
	  "{b: false}", NULL, "| A B C D E |" },
	{ "inverted dotted", "\"{{^a.b.c}}shown{{/a.b.c}}\"", "{a: {}}", NULL,
	  "\"shown\"" },
	{ "inverted lines", "| This\n{{^b}}\n|\n{{/b}}\n| Line\n", "{b: false}",
	  NULL, "| This\n|\n| Line\n" },
	{ "inverted lines that end in CR LF", "|\r\n{{^b}}\r\n{{/b}}\r\n|",
	  "{b: false}", NULL, "|\r\n|" },
	{ "inverted keeps blanks", " | {{^b}}\t|\t{{/b}} | \n", "{b: false}",
	  NULL, " | \t|\t | \n" },

	/* Partials */
	{ "partial", "\"{{>text}}\"", "{}", "{text: from partial}",
	  "\"from partial\"" },
	{ "partial that does not exist", "\"{{>text}}\"", "{}", NULL, "\"\"" },
	{ "partial sees the context", "\"{{>p}}\"", "{t: content}",
	  "{p: '*{{t}}*'}", "\"*content*\"" },
	{ "partial within itself", "{{>n}}", "{c: X, l: [{c: Y, l: []}]}",
	  "{n: '{{c}}<{{#l}}{{>n}}{{/l}}>'}", "X<Y<>>" },
	{ "partial within a partial", "{{>o}}", "{a: hello, b: world}",
	  "{o: '*{{a}} {{>i}}*', i: '{{b}}!'}", "*hello world!*" },
	{ "partial keeps blanks around", "| {{>p}} |", "{}", "{p: \"\\t|\\t\"}",
	  "| \t|\t |" },
	{ "partial within a line is not indented", "  {{d}}  {{> p}}\n",
	  "{d: '|'}", "{p: \">\\n>\"}", "  |  >\n>\n" },
	{ "partial line that ends in CR LF", "|\r\n{{>p}}\r\n|", "{}",
	  "{p: '>'}", "|\r\n>|" },
	{ "partial line is the first", "  {{>p}}\n>", "{}", "{p: \">\\n>\"}",
	  "  >\n  >>" },
	{ "partial line is the last", ">\n  {{>p}}", "{}", "{p: \">\\n>\"}",
	  ">\n  >\n  >" },
	{ "partial line is indented, values are not", "\\\n {{>p}}\n/\n",
	  "{c: \"<\\n->\"}", "{p: \"|\\n{{{c}}}\\n|\\n\"}",
	  "\\\n |\n <\n->\n |\n/\n" },
	{ "blanks in the partial tag", "|{{> p }}|", "{b: true}", "{p: '[]'}",
	  "|[]|" },
};

static void test_specification(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(specification); i++) {
		const struct row *row = &specification[i];
		struct world w = { 0 };
		struct sbuf out = { 0 };

		w.ds.arena = &w.arena;
		if (!render(&w, row, true, &out) ||
		    strcmp(sbuf_text(&out), row->result) != 0)
			fail_msg("%s:\n  wanted %s\n  got    %s", row->what,
				 row->result, sbuf_text(&out));
		sbuf_release(&out);
		arena_release(&w.arena);
	}
}

/* Templates that are refused: code, line and column. */
static const struct row refused[] = {
	{ "missing variable", "a\n {{name}}", "{nam: x}", NULL, "E504 2:4" },
	{ "missing inside", "{{a.b}}", "{a: {c: 1}}", NULL, "E504 1:3" },
	{ "list", "{{a}}", "{a: [1]}", NULL, "E505 1:3" },
	{ "map", "{{a}}", "{a: {b: 1}}", NULL, "E505 1:3" },
	{ "nothing", "{{a}}", "{a: }", NULL, "E505 1:3" },
	{ "tag not closed", "x {{a", "{a: 1}", NULL, "E501 1:3" },
	{ "braces not closed", "{{{a}}", "{a: 1}", NULL, "E501 1:1" },
	{ "section not closed", "{{#a}}", "{a: 1}", NULL, "E502 1:4" },
	{ "section not open", "{{/a}}", "{a: 1}", NULL, "E502 1:1" },
	{ "sections crossed", "{{#a}}{{#b}}{{/a}}{{/b}}", "{a: 1}", NULL,
	  "E502 1:13" },
	{ "empty name", "{{ }}", "{a: 1}", NULL, "E503 1:1" },
	{ "name of two words", "{{a b}}", "{a: 1}", NULL, "E503 1:3" },
	{ "one delimiter", "{{=@=}}", "{a: 1}", NULL, "E503 1:1" },
	{ "block", "{{$a}}x{{/a}}", "{a: 1}", NULL, "E503 1:1" },
	{ "dynamic partial", "{{>*a}}", "{a: 1}", NULL, "E503 1:1" },
	{ "endless partial", "{{>p}}", "{}", "{p: 'x{{>p}}'}", "E506" },
};

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++) {
		const struct row *row = &refused[i];
		struct world w = { 0 };
		struct sbuf out = { 0 }, got = { 0 };

		w.ds.arena = &w.arena;
		assert_false(render(&w, row, false, &out));
		assert_int_equal(w.ds.errors, 1);
		sbuf_puts(&got, diag_name(w.ds.first->code));
		if (w.ds.first->at.source) {
			struct place place = source_place(w.ds.first->at.source,
							  w.ds.first->at.begin);

			sbuf_printf(&got, " %zu:%zu", place.line, place.column);
		}
		if (strcmp(sbuf_text(&got), row->result) != 0)
			fail_msg("%s: wanted %s, got %s", row->what,
				 row->result, sbuf_text(&got));
		sbuf_release(&out);
		sbuf_release(&got);
		arena_release(&w.arena);
	}
}

/* Strict and all is there: as the specification, {{#optional}} included. */
static void test_strict(void **state)
{
	static const struct row row = {
		"strict", "{{a}}{{#b}} b={{b}}{{/b}}{{#c}} c={{c}}{{/c}}",
		"{a: 1, b: x, c: false}", NULL, "1 b=x"
	};
	struct world w = { 0 };
	struct sbuf out = { 0 };

	(void)state;
	w.ds.arena = &w.arena;
	assert_true(render(&w, &row, false, &out));
	assert_string_equal(sbuf_text(&out), row.result);
	sbuf_release(&out);
	arena_release(&w.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_specification),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_strict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
