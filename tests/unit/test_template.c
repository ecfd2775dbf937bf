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
	bool lenient;
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

	for (size_t i = 0; w->partials && i < w->partials->count; i++)
		if (text_equal(w->partials->pairs[i].key, name))
			return template_parse(&w->arena,
					      w->partials->pairs[i].value->text,
					      (struct span){ 0 }, &w->ds);
	if (!w->lenient)
		diag_at(&w->ds, DIAG_E603, at, "no such partial");
	return NULL;
}

static bool render(struct world *w, const struct row *row, bool lenient,
		   struct sbuf *out)
{
	const struct source *source =
		source_new(&w->arena, "t", row->tmpl, strlen(row->tmpl));
	const struct doc *data = parse_data(w, row->data);
	struct template_env env = {
		.contexts = &data,
		.context_count = 1,
		.partial = find_partial,
		.ctx = w,
		.lenient = lenient,
		.use_text = "for node \"n\"",
	};
	const struct template *tmpl;

	w->lenient = lenient;
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
	{ "lists in lists of maps",
	  "{{#a}}{{#b}}{{k}}{{#c}}.{{k}}{{v}}{{/c}};{{/b}}{{/a}}",
	  "{a: [{b: [{k: 1, c: [{v: x}, {v: y}]}]}, {b: [{k: 2, c: []}]}]}",
	  NULL, "1.1x.1y;2;" },
	{ "root list", "{{#.}}({{v}}){{/.}}", "[{v: 1}, {v: 2}]", NULL,
	  "(1)(2)" },
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
	{ "inverted dotted, true", "[{{^a.b.c}}hidden{{/a.b.c}}]",
	  "{a: {b: {c: true}}}", NULL, "[]" },
	{ "inverted dotted, false", "[{{^a.b.c}}shown{{/a.b.c}}]",
	  "{a: {b: {c: false}}}", NULL, "[shown]" },
	{ "two inverted sections",
	  "{{^b}}\n* 1\n{{/b}}\n* {{t}}\n{{^b}}\n* 3\n{{/b}}\n",
	  "{b: false, t: 2}", NULL, "* 1\n* 2\n* 3\n" },
	{ "inverted in inverted, hidden",
	  "| A {{^b}}B {{^b}}C{{/b}} D{{/b}} E |", "{b: true}", NULL,
	  "| A  E |" },
	{ "inverted keeps blanks inside", " | {{^b}} {{! x }}\n {{/b}} | \n",
	  "{b: false}", NULL, " |  \n  | \n" },
	{ "indented inverted sections within a line",
	  " {{^b}}NO{{/b}}\n {{^b}}WAY{{/b}}\n", "{b: false}", NULL,
	  " NO\n WAY\n" },
	{ "indented inverted lines", "| This\n  {{^b}}\n|\n  {{/b}}\n| Line\n",
	  "{b: false}", NULL, "| This\n|\n| Line\n" },
	{ "inverted line is the first", "  {{^b}}\n^{{/b}}\n/", "{b: false}",
	  NULL, "^\n/" },
	{ "inverted line is the last", "^{{^b}}\n/\n  {{/b}}", "{b: false}",
	  NULL, "^\n/\n" },
	{ "blanks in inverted tags", "|{{^ b }}={{/ b }}|", "{b: false}", NULL,
	  "|=|" },
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

	/* What follows from "prepended to each line of the partial" */
	{ "indented line that begins with a comment", "  {{>p}}\n", "{}",
	  "{p: \"{{! x }}a\\n{{=| |=}}b\\n\"}", "  a\n  b\n" },
	{ "indented line that begins with a variable", "  {{>p}}\n", "{v: x}",
	  "{p: \"{{v}}{{v}}\\n{{{v}}}\\n\"}", "  xx\n  x\n" },
	{ "indented line that begins with a section", "  {{>p}}\n",
	  "{v: x, l: [1, 2]}", "{p: \"{{#l}}{{.}}{{/l}}\\n{{^v}}n{{/v}}y\\n\"}",
	  "  12\n  y\n" },
	{ "indented section over lines", "  {{>p}}\n", "{l: [1, 2]}",
	  "{p: \"{{#l}}{{.}}\\n{{/l}}z\\n\"}", "  1\n  2\n  z\n" },
	{ "indented section lines", "  {{>p}}\n", "{l: [1, 2]}",
	  "{p: \"{{#l}}\\n{{.}}\\n{{/l}}\\nz\"}", "  1\n  2\n  z" },
	{ "indented partial in an indented one", "  {{>p}}\n!", "{}",
	  "{p: \"a\\n {{>q}}\\nb\\n\", q: \"c\\nd\\n\"}",
	  "  a\n   c\n   d\n  b\n!" },
	{ "partial within a line of an indented one", "  {{>p}}\n", "{}",
	  "{p: \"{{>q}} x\\n-{{>q}}\\n\", q: \"c\\nd\"}",
	  "  c\nd x\n  -c\nd\n" },
	{ "indented empty lines", "  {{>p}}\n!", "{}", "{p: \"a\\n\\nb\\n\"}",
	  "  a\n  \n  b\n!" },
	{ "indented empty partial", "  {{>p}}\n!", "{}", "{p: ''}", "!" },
	{ "text within a line of an indented template is not a partial's",
	  " {{>p}}\nx\n", "{}", "{p: \"{{>q}}\\n\", q: y}", " yx\n" },
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

/* Templates that are refused: all codes, lines and columns. */
static const struct row refused[] = {
	{ "missing variable", "a\n {{name}}", "{nam: x}", NULL, "E504 2:4" },
	{ "missing inside", "{{a.b}}", "{a: {c: 1}}", NULL, "E504 1:3" },
	{ "missing inside a text", "{{a.b}}", "{a: x}", NULL, "E504 1:3" },
	{ "all that is missing", "{{a}} {{b}}\n{{c.d}}", "{b: x}", NULL,
	  "E504 1:3, E504 2:3" },
	{ "missing in each turn", "{{#l}}{{a}}{{/l}}", "{l: [1, 2, 3]}", NULL,
	  "E504 1:9" },
	{ "list", "{{a}}", "{a: [1]}", NULL, "E505 1:3" },
	{ "map", "{{a}}", "{a: {b: 1}}", NULL, "E505 1:3" },
	{ "nothing", "{{a}}", "{a: }", NULL, "E505 1:3" },
	{ "root", "{{.}}", "{a: 1}", NULL, "E505 1:3" },
	{ "tag not closed", "x {{a", "{a: 1}", NULL, "E501 1:3" },
	{ "braces not closed", "{{{a}}", "{a: 1}", NULL, "E501 1:1" },
	{ "comment not closed", "{{! a }", "{a: 1}", NULL, "E501 1:1" },
	{ "section not closed", "{{#a}}", "{a: 1}", NULL, "E502 1:4" },
	{ "sections not closed", "{{#a}}{{^b}}", "{a: 1}", NULL,
	  "E502 1:4, E502 1:10" },
	{ "section not open", "{{/a}}", "{a: 1}", NULL, "E502 1:1" },
	{ "sections crossed", "{{#a}}{{#b}}{{/a}}{{/b}}", "{a: 1}", NULL,
	  "E502 1:13" },
	{ "empty name", "{{ }}", "{a: 1}", NULL, "E503 1:1" },
	{ "name of two words", "{{a b}}", "{a: 1}", NULL, "E503 1:3" },
	{ "name with a control character", "{{a\1}}", "{a: 1}", NULL,
	  "E503 1:3" },
	{ "nothing before a dot", "{{.a}}", "{a: 1}", NULL, "E503 1:3" },
	{ "nothing behind a dot", "{{a.}}", "{a: 1}", NULL, "E503 1:3" },
	{ "nothing between dots", "{{a..b}}", "{a: 1}", NULL, "E503 1:3" },
	{ "all tags that are wrong", "{{a b}} {{}} {{&c d}}", "{a: 1}", NULL,
	  "E503 1:3, E503 1:9, E503 1:17" },
	{ "one delimiter", "{{=@=}}", "{a: 1}", NULL, "E503 1:1" },
	{ "three delimiters", "{{=@ @ @=}}", "{a: 1}", NULL, "E503 1:1" },
	{ "delimiter with =", "{{=<= =>=}}", "{a: 1}", NULL, "E503 1:1" },
	{ "block", "{{$a}}x{{/a}}", "{a: 1}", NULL, "E503 1:1" },
	{ "parent", "{{<a}}x{{/a}}", "{a: 1}", NULL, "E503 1:1" },
	{ "dynamic partial", "{{>*a}}", "{a: 1}", NULL, "E503 1:1" },
	{ "missing partial", "{{>none}} {{a}}", "{}", "{p: x}",
	  "E603 1:4, E504 1:13" },
	{ "endless partial", "{{>p}}", "{}", "{p: 'x{{>p}}'}", "E506" },
	{ "endless partial that prints nothing", "{{>p}}", "{l: [1, 2]}",
	  "{p: '{{#l}}{{>p}}{{/l}}'}", "E506" },
};

static void list_faults(const struct diags *ds, struct sbuf *out)
{
	for (const struct diag *d = ds->first; d; d = d->next) {
		sbuf_printf(out, "%s%s", out->len ? ", " : "",
			    diag_name(d->code));
		if (d->at.source) {
			struct place place =
				source_place(d->at.source, d->at.begin);

			sbuf_printf(out, " %zu:%zu", place.line, place.column);
		}
	}
}

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++) {
		const struct row *row = &refused[i];
		struct world w = { 0 };
		struct sbuf out = { 0 }, got = { 0 };

		w.ds.arena = &w.arena;
		assert_false(render(&w, row, false, &out));
		list_faults(&w.ds, &got);
		if (strcmp(sbuf_text(&got), row->result) != 0)
			fail_msg("%s: wanted %s, got %s", row->what,
				 row->result, sbuf_text(&got));
		sbuf_release(&out);
		sbuf_release(&got);
		arena_release(&w.arena);
	}
}

/* Strict, and all is there. */
static const struct row strict[] = {
	{ "optional", "{{a}}{{#b}} b={{b}}{{/b}}{{#c}} c={{c}}{{/c}}",
	  "{a: 1, b: x, c: false}", NULL, "1 b=x" },
	{ "missing section", "{{#a.b}}x{{/a.b}}{{^a.b}}y{{/a.b}}", "{a: {}}",
	  NULL, "y" },
	{ "words for false", "{{#a}}a{{/a}}{{#b}}b{{/b}}{{#c}}c{{/c}}",
	  "{a: false, b: False, c: FALSE}", NULL, "" },
	{ "quoted false is a text", "{{#a}}{{a}}{{/a}}", "{a: 'false'}", NULL,
	  "false" },
	{ "false has a text", "{{a}} {{b}}", "{a: false, b: 'null'}", NULL,
	  "false null" },
	{ "empty text is false", "[{{a}}{{#a}}x{{/a}}{{^a}}y{{/a}}]", "{a: ''}",
	  NULL, "[y]" },
	{ "zero is true", "{{#a}}x{{/a}}", "{a: 0}", NULL, "x" },
	{ "braces as they are", "{{=<% %>=}}{{a}}<%={{ }}=%>{{a}}", "{a: x}",
	  NULL, "{{a}}x" },
	{ "names beyond ASCII", "{{gr\303\266\303\237e}}",
	  "{gr\303\266\303\237e: x}", NULL, "x" },
};

static void test_strict(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(strict); i++) {
		const struct row *row = &strict[i];
		struct world w = { 0 };
		struct sbuf out = { 0 };

		w.ds.arena = &w.arena;
		if (!render(&w, row, false, &out) ||
		    strcmp(sbuf_text(&out), row->result) != 0)
			fail_msg("%s:\n  wanted %s\n  got    %s", row->what,
				 row->result, sbuf_text(&out));
		sbuf_release(&out);
		arena_release(&w.arena);
	}
}

/* What is said about a fault, besides its place: part of the rendered text. */
static const struct row advice[] = {
	{ "name", "{{role}}", "{rule: x}", NULL, "did you mean \"rule\"?" },
	{ "name in a map", "{{disk.sise}}", "{sise: 1, disk: {size: 2}}", NULL,
	  "did you mean \"disk.size\"?" },
	{ "first part of a name", "{{dsk.size}}", "{disk: {size: 2}}", NULL,
	  "did you mean \"disk\"?" },
	{ "name outside of the section", "{{#s}}{{role}}{{/s}}",
	  "{rule: x, s: {a: 1}}", NULL, "did you mean \"rule\"?" },
	{ "nothing is near", "{{role}}", "{x: x}", NULL,
	  "say so: {{#role}}...{{/role}}" },
	{ "text is no map", "{{disk.size}}", "{disk: x}", NULL,
	  "\"disk\" is no map" },
	{ "list", "{{l}}", "{l: [1]}", NULL, "{{#name}}{{.}}{{/name}}" },
	{ "where it was opened", "{{#aa}}{{/b}}", "{}", NULL, "opened here" },
	{ "who uses a partial", "x {{>p}}", "{}", "{p: '{{y}}'}",
	  "t:1:6: note: in the partial that is used here" },
	{ "whom it is for", "{{y}}", "{}", NULL, "for node \"n\"" },
};

static void test_advice(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(advice); i++) {
		struct world w = { 0 };
		struct sbuf out = { 0 };

		w.ds.arena = &w.arena;
		assert_false(render(&w, &advice[i], false, &out));
		sbuf_reset(&out);
		diags_render(&w.ds, false, &out);
		if (!strstr(sbuf_text(&out), advice[i].result))
			fail_msg("%s: wanted %s in:\n%s", advice[i].what,
				 advice[i].result, sbuf_text(&out));
		sbuf_release(&out);
		arena_release(&w.arena);
	}
}

/* A template in a site file, as the only value of a map; its faults. */
static const struct row places[] = {
	{ "plain", NULL, "t: a {{x}}", NULL, "E504 1:8" },
	{ "quoted", NULL, "t: 'a {{x}}'", NULL, "E504 1:9" },
	{ "double quoted", NULL, "t: \"a {{x}}\"", NULL, "E504 1:9" },
	{ "escapes shift", NULL, "t: \"a\\t{{x}}\"", NULL, "E504 1:4" },
	{ "folded lines shift", NULL, "t: a\n  {{x}}", NULL, "E504 1:4" },
	{ "block", NULL, "t: |\n  a {{x}}\n   {{#b}}\n\n  {{y}}\n   {{/b}}",
	  NULL, "E504 2:7" },
	{ "block, parsing", NULL, "t: |- # x\n\n    a\n      {{b c}}\n", NULL,
	  "E503 4:9" },
	{ "block that ends in CR LF", NULL, "t: |\r\n  a\r\n  {{x}}\r\n", NULL,
	  "E504 3:5" },
	{ "tag over lines of a block", NULL, "t: |\n  {{\n   x\n  }}\n", NULL,
	  "E504 3:4" },
	{ "folded block", NULL, "t: >\n  a\n  {{x}}\n", NULL, "E504 1:4" },
};

static void test_places(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(places); i++) {
		struct world w = { 0 };
		struct sbuf out = { 0 }, got = { 0 };
		const struct doc *data, *scalar;
		const struct template *tmpl;

		w.ds.arena = &w.arena;
		data = parse_data(&w, places[i].data);
		scalar = data->pairs[0].value;
		tmpl = template_parse(&w.arena, scalar->text, scalar->at,
				      &w.ds);
		if (tmpl)
			assert_false(template_render(
				tmpl,
				&(struct template_env){ .contexts = &data,
							.context_count = 1 },
				&w.ds, &out));
		list_faults(&w.ds, &got);
		if (strcmp(sbuf_text(&got), places[i].result) != 0)
			fail_msg("%s: wanted %s, got %s", places[i].what,
				 places[i].result, sbuf_text(&got));
		sbuf_release(&out);
		sbuf_release(&got);
		arena_release(&w.arena);
	}
}

/* However many scopes there are, the innermost counts. */
static void test_many_scopes(void **state)
{
	enum { SCOPES = 5000 };
	const struct doc *contexts[SCOPES];
	struct template_env env = { .contexts = contexts,
				    .context_count = SCOPES };
	struct world w = { 0 };
	struct sbuf out = { 0 };

	(void)state;
	w.ds.arena = &w.arena;
	for (size_t i = 0; i < SCOPES; i++)
		contexts[i] =
			parse_data(&w, i ? arena_printf(&w.arena, "{a: %zu}", i)
					 : "{b: first}");
	assert_true(template_render(template_parse(&w.arena, TEXT("{{a}}{{b}}"),
						   (struct span){ 0 }, &w.ds),
				    &env, &w.ds, &out));
	assert_string_equal(sbuf_text(&out), "4999first");
	sbuf_release(&out);
	arena_release(&w.arena);
}

static void test_large_map(void **state)
{
	struct world w = { 0 };
	struct sbuf out = { 0 }, data = { 0 };
	struct row row = {
		"large map",
		"{{key0}} {{key17}} {{m.key4999}}{{#key5000}}x{{/key5000}}",
		NULL, NULL, NULL
	};

	(void)state;
	w.ds.arena = &w.arena;
	for (size_t i = 0; i < 18; i++)
		sbuf_printf(&data, "key%zu: v%zu\n", i, i);
	sbuf_puts(&data, "m:\n");
	for (size_t i = 0; i < 5000; i++)
		sbuf_printf(&data, "  key%zu: w%zu\n", i, i);
	row.data = sbuf_text(&data);
	assert_true(render(&w, &row, false, &out));
	assert_string_equal(sbuf_text(&out), "v0 v17 w4999");
	sbuf_release(&out);
	sbuf_release(&data);
	arena_release(&w.arena);
}

/* What could take all memory or time, as a piece and how often it stands
 * there. Those that are fine must be quick. */
static const struct {
	const char *what, *before, *piece;
	size_t count;
	const char *behind, *partials, *result;
} bounds[] = {
	{ "tags on one line", "", "{{a}}", 200000, "", NULL, "" },
	{ "blanks between tags", "{{a}}", "   {{! }}   ", 100000, "", NULL,
	  "" },
	{ "sections side by side", "", "{{#a}}{{/a}}", 100000, "", NULL, "" },
	{ "lines of partials", "", "{{>p}}\n", 10000, "", "{p: x}", "" },
	{ "a million tags", "", "{{a}}", 1000001, "", NULL, "E506 1:5000001" },
	{ "deep sections", "", "{{#a}}", 65, "", NULL, "E506 1:388" },
	{ "lists in lists", "", "{{#l}}", 20,
	  "{{/l}}{{/l}}{{/l}}{{/l}}{{/l}}{{/l}}{{/l}}{{/l}}{{/l}}{{/l}}"
	  "{{/l}}{{/l}}{{/l}}{{/l}}{{/l}}{{/l}}{{/l}}{{/l}}{{/l}}{{/l}}",
	  NULL, "E506 1:118" },
	{ "indentation", "", "          ", 2000000, "{{>p}}",
	  "{p: \"\\n\\n\\n\\n\\n\"}", "E506" },
	{ "output", "{{#l}}{{#l}}{{#l}}{{#l}}", "0123456789", 1000,
	  "{{/l}}{{/l}}{{/l}}{{/l}}", NULL, "E506 1:25" },
};

static void test_bounds(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(bounds); i++) {
		struct world w = { 0 };
		struct sbuf tmpl = { 0 }, out = { 0 }, got = { 0 };
		struct row row = { .data = "{a: x, l: [1, 2, 3, 4, 5, 6, 7, 8, "
					   "9, 10]}",
				   .partials = bounds[i].partials };

		w.ds.arena = &w.arena;
		sbuf_puts(&tmpl, bounds[i].before);
		for (size_t j = 0; j < bounds[i].count; j++)
			sbuf_puts(&tmpl, bounds[i].piece);
		sbuf_puts(&tmpl, bounds[i].behind);
		row.tmpl = sbuf_text(&tmpl);
		assert_int_equal(render(&w, &row, false, &out),
				 !*bounds[i].result);
		list_faults(&w.ds, &got);
		if (strcmp(sbuf_text(&got), bounds[i].result) != 0)
			fail_msg("%s: wanted %s, got %s", bounds[i].what,
				 bounds[i].result, sbuf_text(&got));
		sbuf_release(&tmpl);
		sbuf_release(&out);
		sbuf_release(&got);
		arena_release(&w.arena);
	}
}

static void test_literal(void **state)
{
	struct world w = { 0 };

	(void)state;
	w.ds.arena = &w.arena;
	assert_true(template_is_literal(template_parse(
		&w.arena, TEXT("a } {b}"), (struct span){ 0 }, &w.ds)));
	assert_true(template_is_literal(
		template_parse(&w.arena, TEXT(""), (struct span){ 0 }, &w.ds)));
	assert_false(template_is_literal(template_parse(
		&w.arena, TEXT("{{! }}"), (struct span){ 0 }, &w.ds)));
	arena_release(&w.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_specification),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_strict),
		cmocka_unit_test(test_advice),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_many_scopes),
		cmocka_unit_test(test_large_map),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_literal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
