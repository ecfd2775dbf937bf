#include "help.h"

#include "quote.h"
#include "sbuf.h"

#include <string.h>

enum { WIDTH = 79, OPTION_INDENT = 26, VERB_INDENT = 16 };

/* ------------------------------------------------------------ paragraphs --
 * Texts of the tables are paragraphs with a blank line between them. A
 * paragraph that begins with a blank is shown as it stands.
 */

static const char *next_paragraph(const char *p, size_t *ret_len)
{
	const char *end;

	p += strspn(p, "\n");
	end = strstr(p, "\n\n");
	*ret_len = end ? (size_t)(end - p) : strlen(p);
	while (*ret_len && p[*ret_len - 1] == '\n')
		--*ret_len;
	return p;
}

static void put_blanks(struct sbuf *out, size_t count)
{
	while (count--)
		sbuf_putc(out, ' ');
}

/* Fill lines up to WIDTH; the first one has @p column columns already. */
static void put_wrapped(struct sbuf *out, const char *p, size_t len,
			size_t indent, size_t column)
{
	const char *end = p + len;
	bool first = true;

	for (;;) {
		size_t word;

		while (p < end && (*p == ' ' || *p == '\n'))
			p++;
		if (p == end)
			break;
		for (word = 0;
		     p + word < end && p[word] != ' ' && p[word] != '\n';)
			word++;
		if (!first && column + 1 + word > WIDTH) {
			sbuf_putc(out, '\n');
			column = 0;
			first = true;
		}
		if (!first) {
			sbuf_putc(out, ' ');
			column++;
		}
		if (column < indent) {
			put_blanks(out, indent - column);
			column = indent;
		}
		sbuf_add(out, p, word);
		column += word;
		p += word;
		first = false;
	}
	sbuf_putc(out, '\n');
}

static void put_paragraphs(struct sbuf *out, const char *text)
{
	const char *p = text ? text : "";
	size_t len;

	for (p = next_paragraph(p, &len); len;
	     p = next_paragraph(p + len, &len)) {
		sbuf_putc(out, '\n');
		if (*p == ' ') {
			sbuf_add(out, p, len);
			sbuf_putc(out, '\n');
		} else {
			put_wrapped(out, p, len, 0, 0);
		}
	}
}

static void put_definition(struct sbuf *out, const char *name, size_t name_len,
			   const char *text, size_t indent)
{
	sbuf_puts(out, "  ");
	sbuf_add(out, name, name_len);
	if (name_len + 4 > indent) {
		sbuf_putc(out, '\n');
		name_len = 0;
		put_wrapped(out, text, strlen(text), indent, 0);
		return;
	}
	put_wrapped(out, text, strlen(text), indent, name_len + 2);
}

/* --------------------------------------------------------------- options -- */

static void put_value(struct sbuf *out, const struct option_row *row)
{
	if (row->kind == OPTION_KIND_FLAG)
		return;
	sbuf_putc(out, '=');
	if (row->kind != OPTION_KIND_CHOICE) {
		sbuf_puts(out, row->value);
		return;
	}
	for (size_t i = 0; row->choices[i]; i++)
		sbuf_printf(out, "%s%s", i ? "|" : "", row->choices[i]);
}

static void put_remarks(struct sbuf *out, const struct option_row *row)
{
	if (row->kind == OPTION_KIND_LIST)
		sbuf_puts(out, " May be repeated.");
	if (row->required)
		sbuf_puts(out, " Required.");
	if (row->fallback)
		sbuf_printf(out, " Default: %s.", row->fallback);
}

static void put_option(struct sbuf *out, const struct option_row *row)
{
	struct sbuf name = { 0 }, text = { 0 };

	if (row->letter)
		sbuf_printf(&name, "-%c, ", row->letter);
	else
		sbuf_puts(&name, "    ");
	sbuf_printf(&name, "--%s", row->name);
	put_value(&name, row);
	sbuf_puts(&text, row->help);
	put_remarks(&text, row);
	put_definition(out, sbuf_text(&name), name.len, sbuf_text(&text),
		       OPTION_INDENT);
	sbuf_release(&name);
	sbuf_release(&text);
}

static void put_options(struct sbuf *out, const char *heading,
			const struct option_row *rows)
{
	if (!rows || !rows->name)
		return;
	sbuf_printf(out, "\n%s:\n", heading);
	for (; rows->name; rows++)
		put_option(out, rows);
}

static void put_required(struct sbuf *out, const struct option_row *rows)
{
	for (; rows && rows->name; rows++)
		if (rows->required) {
			sbuf_printf(out, " --%s", rows->name);
			put_value(out, rows);
		}
}

/* "ipxe-embed build --output=DIR [OPTION]... SITE" */
static void put_synopsis(struct sbuf *out, const struct program *program,
			 const struct verb *verb)
{
	sbuf_printf(out, "%s %s", program->name, verb->name);
	put_required(out, verb->options);
	sbuf_puts(out, " [OPTION]...");
	if (verb->operands)
		sbuf_printf(out, " %s", verb->operands);
}

/* ------------------------------------------------------------------ help -- */

static void put_verbs(struct sbuf *out, const struct program *program,
		      const char *family)
{
	size_t len = family ? strlen(family) : 0;

	for (size_t i = 0; program->verbs[i]; i++) {
		const struct verb *verb = program->verbs[i];

		if (len && (strncmp(verb->name, family, len) != 0 ||
			    verb->name[len] != ' '))
			continue;
		put_definition(out, verb->name, strlen(verb->name),
			       verb->summary, VERB_INDENT);
	}
}

static void put_topics(struct sbuf *out, const struct topic *topics)
{
	for (; topics && topics->heading; topics++) {
		sbuf_printf(out, "\n%s:\n", topics->heading);
		for (const struct term *t = topics->terms; t->name; t++)
			put_definition(out, t->name, strlen(t->name), t->text,
				       OPTION_INDENT);
	}
}

void help_program(const struct program *program, struct sbuf *out)
{
	sbuf_printf(out, "Usage: %s VERB [OPTION]... [OPERAND]...\n\n%s.\n",
		    program->name, program->summary);
	put_paragraphs(out, program->text);
	sbuf_puts(out, "\nVerbs:\n");
	put_verbs(out, program, NULL);
	put_options(out, "Options of every verb", cli_common_options);
	put_topics(out, program->topics);
	sbuf_printf(out, "\n'%s VERB --help' shows more about a verb.\n",
		    program->name);
}

void help_family(const struct program *program, const char *family,
		 struct sbuf *out)
{
	sbuf_printf(out, "Usage: %s %s VERB [OPTION]... [OPERAND]...\n\n",
		    program->name, family);
	put_verbs(out, program, family);
}

void help_verb(const struct program *program, const struct verb *verb,
	       struct sbuf *out)
{
	const struct example *e = verb->examples;

	sbuf_puts(out, "Usage: ");
	put_synopsis(out, program, verb);
	sbuf_printf(out, "\n\n%s.\n", verb->summary);
	put_paragraphs(out, verb->text);
	put_options(out, "Options", verb->options);
	put_options(out, "Options of every verb", cli_common_options);
	if (e && e->line)
		sbuf_puts(out, "\nExamples:\n");
	for (; e && e->line; e++) {
		sbuf_printf(out, "  %s\n", e->line);
		if (e->what)
			put_wrapped(out, e->what, strlen(e->what), 6, 0);
	}
}

/* ------------------------------------------------------------------- man -- */

static void roff(struct sbuf *out, const char *text)
{
	quote_roff(out, text_of(text));
}

static void roff_paragraphs(struct sbuf *out, const char *text)
{
	const char *p = text ? text : "";
	size_t len;

	for (p = next_paragraph(p, &len); len;
	     p = next_paragraph(p + len, &len)) {
		bool as_it_stands = *p == ' ';

		sbuf_puts(out, as_it_stands ? ".PP\n.nf\n" : ".PP\n");
		quote_roff(out, (struct text){ p, len });
		sbuf_puts(out, as_it_stands ? "\n.fi\n" : "\n");
	}
}

static void roff_option(struct sbuf *out, const struct option_row *row)
{
	struct sbuf text = { 0 };

	sbuf_puts(out, ".TP\n");
	if (row->letter)
		sbuf_printf(out, "\\fB\\-%c\\fR, ", row->letter);
	sbuf_puts(out, "\\fB\\-\\-");
	roff(out, row->name);
	sbuf_puts(out, "\\fR");
	put_value(&text, row);
	if (text.len) {
		sbuf_puts(out, row->kind == OPTION_KIND_CHOICE ? "" : "=\\fI");
		roff(out, sbuf_text(&text) +
				  (row->kind == OPTION_KIND_CHOICE ? 0 : 1));
		sbuf_puts(out, "\\fR");
	}
	sbuf_putc(out, '\n');
	sbuf_reset(&text);
	sbuf_puts(&text, row->help);
	put_remarks(&text, row);
	roff(out, sbuf_text(&text));
	sbuf_putc(out, '\n');
	sbuf_release(&text);
}

static void roff_options(struct sbuf *out, const struct option_row *rows)
{
	for (; rows && rows->name; rows++)
		roff_option(out, rows);
}

static void roff_verb(struct sbuf *out, const struct program *program,
		      const struct verb *verb)
{
	struct sbuf synopsis = { 0 };

	put_synopsis(&synopsis, program, verb);
	sbuf_puts(out, ".SS ");
	roff(out, verb->name);
	sbuf_puts(out, "\n.B ");
	roff(out, sbuf_text(&synopsis));
	sbuf_puts(out, "\n.PP\n");
	roff(out, verb->summary);
	sbuf_puts(out, ".\n");
	roff_paragraphs(out, verb->text);
	roff_options(out, verb->options);
	if (verb->examples)
		sbuf_puts(out, ".PP\nExamples:\n");
	for (const struct example *e = verb->examples; e && e->line; e++) {
		if (e->what) {
			sbuf_puts(out, ".PP\n");
			roff(out, e->what);
			sbuf_putc(out, '\n');
		}
		sbuf_puts(out, ".PP\n.nf\n.RS 4\n");
		roff(out, e->line);
		sbuf_puts(out, "\n.RE\n.fi\n");
	}
	sbuf_release(&synopsis);
}

static void roff_topics(struct sbuf *out, const struct topic *topics)
{
	for (; topics && topics->heading; topics++) {
		sbuf_puts(out, ".SH \"");
		for (const char *c = topics->heading; *c; c++)
			sbuf_putc(out, *c >= 'a' && *c <= 'z'
					       ? (char)(*c - 'a' + 'A')
					       : *c);
		sbuf_puts(out, "\"\n");
		for (const struct term *t = topics->terms; t->name; t++) {
			sbuf_puts(out, ".TP\n.B ");
			roff(out, t->name);
			sbuf_putc(out, '\n');
			roff(out, t->text);
			sbuf_putc(out, '\n');
		}
	}
}

void help_man(const struct program *program, struct sbuf *out)
{
	sbuf_printf(out,
		    ".\\\" Generated from the option tables by '%s help "
		    "--man'.\n"
		    ".TH IPXE\\-EMBED 1 \"\" \"%s %s\" \"User commands\"\n"
		    ".nh\n.ad l\n.SH NAME\n",
		    program->name, program->name, program->version);
	roff(out, program->name);
	sbuf_puts(out, " \\- ");
	roff(out, program->summary);
	sbuf_puts(out, "\n.SH SYNOPSIS\n.B ");
	roff(out, program->name);
	sbuf_puts(out, "\n\\fIVERB\\fR [\\fIOPTION\\fR]... "
		       "[\\fIOPERAND\\fR]...\n.SH DESCRIPTION\n");
	roff_paragraphs(out, program->text);
	sbuf_puts(out, ".SH VERBS\n");
	for (size_t i = 0; program->verbs[i]; i++)
		roff_verb(out, program, program->verbs[i]);
	sbuf_puts(out, ".SH \"OPTIONS OF EVERY VERB\"\n");
	roff_options(out, cli_common_options);
	roff_topics(out, program->topics);
}

/* ------------------------------------------------------------ completion -- */

/* What values and operands complete to, told by their names in the tables;
 * arguments of compgen. */
static const char *action_of(const char *name)
{
	static const struct {
		const char *name, *action;
	} actions[] = {
		{ "SITE", "-f" }, { "FILE", "-f" },   { "DIR", "-d" },
		{ "OUT", "-d" },  { "TARGET", "-f" },
	};

	for (size_t i = 0; i < sizeof(actions) / sizeof(*actions); i++)
		if (name && strstr(name, actions[i].name))
			return actions[i].action;
	return "";
}

/* case "VERB:--option" in … esac: what an option's value completes to */
static void bash_values(struct sbuf *out, const char *verb,
			const struct option_row *rows)
{
	for (; rows && rows->name; rows++) {
		if (rows->kind == OPTION_KIND_FLAG)
			continue;
		sbuf_printf(out, "\t%s:--%s", verb, rows->name);
		if (rows->letter)
			sbuf_printf(out, "|%s:-%c", verb, rows->letter);
		sbuf_puts(out, ") what=\"");
		for (size_t i = 0; rows->choices && rows->choices[i]; i++)
			sbuf_printf(out, "%s%s", i ? " " : "-W '",
				    rows->choices[i]);
		sbuf_printf(out, "%s\" ;;\n",
			    rows->choices ? "'" : action_of(rows->value));
	}
}

static void bash_options(struct sbuf *out, const struct option_row *rows)
{
	for (; rows && rows->name; rows++)
		sbuf_printf(out, "--%s%s ", rows->name,
			    rows->kind == OPTION_KIND_FLAG ? "" : "=");
}

/* Families are words that complete to their verbs. */
static void bash_verb(struct sbuf *out, const struct program *program,
		      size_t index)
{
	const struct verb *verb = program->verbs[index];
	size_t len = strcspn(verb->name, " ");
	const struct verb *before = index ? program->verbs[index - 1] : NULL;

	if (verb->name[len] &&
	    !(before && strncmp(before->name, verb->name, len + 1) == 0)) {
		sbuf_printf(out, "\t%.*s:*) what=\"-W '", (int)len, verb->name);
		for (size_t i = index; program->verbs[i]; i++)
			if (strncmp(program->verbs[i]->name, verb->name,
				    len + 1) == 0)
				sbuf_printf(out, "%s ",
					    program->verbs[i]->name + len + 1);
		sbuf_puts(out, "'\" ;;\n");
	}
	sbuf_printf(out, "\t'%s':-*) what=\"-W '", verb->name);
	bash_options(out, verb->options);
	bash_options(out, cli_common_options);
	sbuf_printf(out, "'\" ;;\n\t'%s':*) what=\"%s\" ;;\n", verb->name,
		    action_of(verb->operands));
}

static void bash_first_words(struct sbuf *out, const struct program *program)
{
	const char *last = "";
	size_t last_len = 0;

	for (size_t i = 0; program->verbs[i]; i++) {
		const char *name = program->verbs[i]->name;
		size_t len = strcspn(name, " ");

		if (len != last_len || strncmp(name, last, len) != 0)
			sbuf_printf(out, "%.*s ", (int)len, name);
		last = name;
		last_len = len;
	}
}

void help_bash(const struct program *program, struct sbuf *out)
{
	sbuf_printf(out,
		    "# bash completion for %s, made by '%s help "
		    "--bash-completion'.\n"
		    "_ipxe_embed()\n{\n"
		    "\tlocal current=${COMP_WORDS[COMP_CWORD]}\n"
		    "\tlocal previous=${COMP_WORDS[COMP_CWORD-1]}\n"
		    "\tlocal verb= what= i\n"
		    "\tif [[ $current == = ]]; then\n"
		    "\t\tcurrent=\n"
		    "\telif [[ $previous == = ]]; then\n"
		    "\t\tprevious=${COMP_WORDS[COMP_CWORD-2]}\n"
		    "\tfi\n"
		    "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
		    "\t\tcase ${COMP_WORDS[i]}:$verb in\n"
		    "\t\t[!-]*:) verb=${COMP_WORDS[i]} ;;\n",
		    program->name, program->name);
	for (size_t i = 0; program->verbs[i]; i++) {
		const char *name = program->verbs[i]->name;
		size_t len = strcspn(name, " ");

		if (name[len])
			sbuf_printf(out, "\t\t%s:%.*s) verb='%s' ;;\n",
				    name + len + 1, (int)len, name, name);
	}
	sbuf_puts(out, "\t\tesac\n\tdone\n\tcase $verb:$previous in\n");
	for (size_t i = 0; program->verbs[i]; i++) {
		struct sbuf quoted = { 0 };

		sbuf_printf(&quoted, "'%s'", program->verbs[i]->name);
		bash_values(out, sbuf_text(&quoted),
			    program->verbs[i]->options);
		sbuf_release(&quoted);
	}
	bash_values(out, "*", cli_common_options);
	sbuf_puts(out, "\t*)\n\tcase $verb:$current in\n\t:-*) what=\"-W '");
	bash_options(out, cli_common_options);
	sbuf_puts(out, "'\" ;;\n\t:*) what=\"-W '");
	bash_first_words(out, program);
	sbuf_puts(out, "'\" ;;\n");
	for (size_t i = 0; program->verbs[i]; i++)
		bash_verb(out, program, i);
	sbuf_puts(out, "\tesac ;;\n\tesac\n"
		       "\tCOMPREPLY=()\n"
		       "\t[[ $what ]] || return\n"
		       "\tmapfile -t COMPREPLY < <(eval \"compgen $what\" -- "
		       "'\"$current\"')\n"
		       "\t[[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace\n"
		       "}\n");
	sbuf_printf(out, "complete -o filenames -F _ipxe_embed %s\n",
		    program->name);
}
