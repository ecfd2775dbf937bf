#include "cli.h"

#include "arena.h"
#include "diag.h"
#include "help.h"
#include "report.h"
#include "text.h"
#include "vec.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum colour_when { COLOUR_AUTO, COLOUR_ALWAYS, COLOUR_NEVER };

struct common {
	bool help, version;
	int error_format; /**< enum error_format */
	int colour;       /**< enum colour_when */
};

static const char *const error_formats[] = { "human", "json", NULL };
static const char *const colour_whens[] = { "auto", "always", "never", NULL };

const struct option_row cli_common_options[] = {
	{ .name = "help",
	  .letter = 'h',
	  .help = "Show help and exit.",
	  OPTION_FLAG(struct common, help) },
	{ .name = "error-format",
	  .help = "How to show errors: for people, or as JSON with the place "
		  "of each.",
	  .fallback = "human",
	  OPTION_CHOICE(struct common, error_format, error_formats) },
	{ .name = "color",
	  .help = "Colour on standard error. auto means: when it is a terminal "
		  "and NO_COLOR is not set.",
	  .fallback = "auto",
	  OPTION_CHOICE(struct common, colour, colour_whens) },
	{ .name = "version",
	  .help = "Show the version and exit.",
	  OPTION_FLAG(struct common, version) },
	{ 0 },
};

/** A command line being parsed. */
struct parse {
	struct call *call;
	struct common common;
	void *options;      /**< of the verb */
	const char *family; /**< first of two words, the second not yet seen */
	char **next;        /**< first argument not looked at yet */
	VEC(const char *) operands;
};

/** An option and the struct that its value goes to. */
struct target {
	const struct option_row *row;
	void *base;
};

static const struct option_row *rows_of(const struct verb *verb)
{
	static const struct option_row none[] = { { 0 } };

	return verb && verb->options ? verb->options : none;
}

static struct target find_option(struct parse *parse, struct text name,
				 char letter)
{
	const struct target tables[] = {
		{ rows_of(parse->call->verb), parse->options },
		{ cli_common_options, &parse->common },
	};

	for (size_t i = 0; i < 2; i++)
		for (const struct option_row *row = tables[i].row; row->name;
		     row++)
			if (letter ? row->letter == letter
				   : text_is(name, row->name))
				return (struct target){ row, tables[i].base };
	return (struct target){ 0 };
}

static struct words option_names(struct parse *parse)
{
	const struct option_row *tables[] = { rows_of(parse->call->verb),
					      cli_common_options };
	struct words names = { 0 };

	for (size_t i = 0; i < 2; i++)
		for (const struct option_row *row = tables[i]; row->name; row++)
			*vec_push(parse->call->arena, &names) = row->name;
	return names;
}

/* "out" is no slip of "output", but surely meant to be it. */
static const char *nearest(struct text typed, struct words names)
{
	vec_foreach (const char *, name, &names)
		if (typed.len && strncmp(*name, typed.ptr, typed.len) == 0)
			return *name;
	return diag_nearest(typed, names.at, names.count);
}

static enum status unknown_option(struct parse *parse, struct text name)
{
	const char *near = nearest(name, option_names(parse));
	const struct call *call = parse->call;

	if (near)
		return report_usage(call,
				    "no option '--%.*s'; did you mean '--%s'?",
				    (int)name.len, name.ptr, near);
	return report_usage(call, "no option '--%.*s'", (int)name.len,
			    name.ptr);
}

static enum status store_number(const struct call *call,
				const struct option_row *row, const char *value,
				long *field)
{
	char *end;
	long number;

	errno = 0;
	number = strtol(value, &end, 10);
	if (end == value || *end || errno || number < row->min ||
	    number > row->max)
		return report_usage(
			call, "--%s takes a number from %ld to %ld, not '%s'",
			row->name, row->min, row->max, value);
	*field = number;
	return STATUS_OK;
}

static enum status wrong_choice(const struct call *call,
				const struct option_row *row, const char *value)
{
	struct words names = { 0 };
	const char *all = "", *near;

	for (size_t i = 0; row->choices[i]; i++) {
		*vec_push(call->arena, &names) = row->choices[i];
		all = arena_printf(call->arena, "%s%s%s", all, i ? ", " : "",
				   row->choices[i]);
	}
	near = nearest(text_of(value), names);
	return report_usage(call, "--%s takes one of %s, not '%s'%s%s%s",
			    row->name, all, value,
			    near ? "; did you mean '" : "", near ? near : "",
			    near ? "'?" : "");
}

static enum status store_choice(const struct call *call,
				const struct option_row *row, const char *value,
				int *field)
{
	for (int i = 0; row->choices[i]; i++) {
		if (strcmp(row->choices[i], value) == 0) {
			*field = i;
			return STATUS_OK;
		}
	}
	return wrong_choice(call, row, value);
}

static enum status store(const struct call *call, struct target target,
			 const char *value)
{
	void *field = (char *)target.base + target.row->offset;

	if (value && !*value)
		return report_usage(call, "the value of --%s is empty",
				    target.row->name);
	switch (target.row->kind) {
	case OPTION_KIND_FLAG:
		*(bool *)field = true;
		return STATUS_OK;
	case OPTION_KIND_TEXT:
		*(const char **)field = value;
		return STATUS_OK;
	case OPTION_KIND_LIST:
		*vec_push(call->arena, (struct words *)field) = value;
		return STATUS_OK;
	case OPTION_KIND_NUMBER:
		return store_number(call, target.row, value, field);
	case OPTION_KIND_CHOICE:
		return store_choice(call, target.row, value, field);
	}
	abort(); /* a table of ours is wrong */
}

static void store_fallbacks(struct parse *parse, const struct option_row *rows,
			    void *base)
{
	for (const struct option_row *row = rows; row->name; row++) {
		struct target target = { row, base };

		if (row->fallback && store(parse->call, target, row->fallback))
			abort(); /* a table of ours is wrong */
	}
}

/* The value is in this argument, or it is the next argument. */
static enum status take_value(struct parse *parse, struct target target,
			      const char *here)
{
	if (target.row->kind == OPTION_KIND_FLAG)
		return store(parse->call, target, NULL);
	if (!here && !*parse->next)
		return report_usage(parse->call, "--%s needs a value",
				    target.row->name);
	return store(parse->call, target, here ? here : *parse->next++);
}

static enum status take_long(struct parse *parse, const char *argument)
{
	size_t len = strcspn(argument, "=");
	struct text name = { argument, len };
	struct target target = find_option(parse, name, 0);
	const char *value = argument[len] ? argument + len + 1 : NULL;

	if (!target.row)
		return unknown_option(parse, name);
	if (target.row->kind == OPTION_KIND_FLAG && value)
		return report_usage(parse->call, "--%s takes no value",
				    target.row->name);
	return take_value(parse, target, value);
}

static enum status take_letters(struct parse *parse, const char *letters)
{
	enum status status = STATUS_OK;

	while (*letters && status == STATUS_OK) {
		struct target target =
			find_option(parse, (struct text){ 0 }, *letters);

		if (!target.row)
			return report_usage(parse->call, "no option '-%c'",
					    *letters);
		letters++;
		if (target.row->kind != OPTION_KIND_FLAG)
			return take_value(parse, target,
					  *letters ? letters : NULL);
		status = take_value(parse, target, NULL);
	}
	return status;
}

static bool is_option(const char *argument)
{
	return argument && argument[0] == '-' && argument[1];
}

static bool want_colour(enum colour_when when)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	if (when != COLOUR_AUTO)
		return when == COLOUR_ALWAYS;
	return !(no_color && *no_color) && isatty(STDERR_FILENO) &&
	       !(term && strcmp(term, "dumb") == 0);
}

static void settle_common(struct parse *parse)
{
	parse->call->error_format =
		(enum error_format)parse->common.error_format;
	parse->call->colour =
		want_colour((enum colour_when)parse->common.colour);
}

/* What comes later may be wrong, and that is said as asked for already. */
static enum status take_option(struct parse *parse)
{
	const char *argument = *parse->next++;
	enum status status = argument[1] == '-'
				     ? take_long(parse, argument + 2)
				     : take_letters(parse, argument + 1);

	settle_common(parse);
	return status;
}

const struct verb *cli_verb(const struct program *program, const char *name)
{
	for (size_t i = 0; program->verbs[i]; i++)
		if (strcmp(program->verbs[i]->name, name) == 0)
			return program->verbs[i];
	return NULL;
}

bool cli_is_family(const struct program *program, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; program->verbs[i]; i++)
		if (strncmp(program->verbs[i]->name, name, len) == 0 &&
		    program->verbs[i]->name[len] == ' ')
			return true;
	return false;
}

static enum status unknown_verb(const struct call *call, const char *name)
{
	const struct program *program = call->program;
	struct words names = { 0 };
	const char *near;

	for (size_t i = 0; program->verbs[i]; i++)
		*vec_push(call->arena, &names) = program->verbs[i]->name;
	near = nearest(text_of(name), names);
	if (near)
		return report_usage(call, "no verb '%s'; did you mean '%s'?",
				    name, near);
	return report_usage(call, "no verb '%s'", name);
}

/* One word, or the two of a family. Leaves call->verb NULL, without an error,
 * when the family's own help may be wanted. */
static enum status take_verb(struct parse *parse)
{
	struct call *call = parse->call;
	const char *name = *parse->next++;

	if (cli_is_family(call->program, name)) {
		parse->family = name;
		if (is_option(*parse->next))
			return STATUS_OK;
		if (!*parse->next)
			return report_usage(call,
					    "which of its verbs? '%s %s "
					    "--help' lists them",
					    call->program->name, name);
		name = arena_printf(call->arena, "%s %s", name, *parse->next++);
	}
	call->verb = cli_verb(call->program, name);
	if (!call->verb)
		return unknown_verb(call, name);
	parse->options = arena_alloc(call->arena, call->verb->options_bytes);
	call->options = parse->options;
	store_fallbacks(parse, rows_of(call->verb), parse->options);
	return STATUS_OK;
}

static enum status take_options_and_operands(struct parse *parse)
{
	enum status status = STATUS_OK;
	bool options = true;

	while (*parse->next && status == STATUS_OK) {
		if (options && strcmp(*parse->next, "--") == 0) {
			options = false;
			parse->next++;
		} else if (options && is_option(*parse->next)) {
			status = take_option(parse);
		} else {
			*vec_push(parse->call->arena, &parse->operands) =
				*parse->next++;
		}
	}
	parse->call->operands = parse->operands.at;
	parse->call->operand_count = parse->operands.count;
	return status;
}

void cli_operand_range(const struct verb *verb, size_t *ret_min,
		       size_t *ret_max)
{
	const char *p = verb->operands ? verb->operands : "";
	size_t min = 0, max = 0;

	while (*p) {
		size_t len = strcspn(p, " ");

		min += *p != '[';
		if (max < SIZE_MAX)
			max++;
		if (memmem(p, len, "...", 3))
			max = SIZE_MAX;
		p += len;
		p += strspn(p, " ");
	}
	*ret_min = min;
	*ret_max = max;
}

static enum status check_operands(const struct call *call)
{
	size_t min, max;

	cli_operand_range(call->verb, &min, &max);
	if (call->operand_count < min)
		return report_usage(call, "%s needs %s", call->verb->name,
				    call->verb->operands);
	if (call->operand_count > max)
		return report_usage(call, "%s: what is '%s' for?",
				    call->verb->name, call->operands[max]);
	for (size_t i = 0; i < call->operand_count; i++)
		if (!*call->operands[i])
			return report_usage(call, "operand %zu is empty",
					    i + 1);
	return STATUS_OK;
}

/* An option that is required is of a kind that has a "nothing". */
static bool is_given(const struct parse *parse, const struct option_row *row)
{
	const void *field = (const char *)parse->options + row->offset;

	return row->kind == OPTION_KIND_LIST
		       ? ((const struct words *)field)->count > 0
		       : *(const char *const *)field != NULL;
}

static enum status check_required(const struct parse *parse)
{
	for (const struct option_row *row = rows_of(parse->call->verb);
	     row->name; row++) {
		if (row->required && !is_given(parse, row))
			return report_usage(parse->call, "%s needs --%s=%s",
					    parse->call->verb->name, row->name,
					    row->value);
	}
	return STATUS_OK;
}

static enum status show_help(const struct parse *parse)
{
	const struct call *call = parse->call;
	struct sbuf out = { 0 };

	if (call->verb)
		help_verb(call->program, call->verb, &out);
	else if (parse->family)
		help_family(call->program, parse->family, &out);
	else
		help_program(call->program, &out);
	fwrite(sbuf_text(&out), 1, out.len, stdout);
	sbuf_release(&out);
	return STATUS_OK;
}

static enum status show_version(const struct call *call)
{
	printf("%s %s\n", call->program->name, call->program->version);
	return STATUS_OK;
}

static enum status parse_line(struct parse *parse)
{
	enum status status = STATUS_OK;

	store_fallbacks(parse, cli_common_options, &parse->common);
	settle_common(parse);
	while (is_option(*parse->next) && status == STATUS_OK)
		status = take_option(parse);
	if (status == STATUS_OK && *parse->next)
		status = take_verb(parse);
	if (status == STATUS_OK)
		status = take_options_and_operands(parse);
	return status;
}

static enum status parse_and_run(struct parse *parse)
{
	struct call *call = parse->call;
	enum status status = parse_line(parse);

	if (status != STATUS_OK)
		return status;
	if (parse->common.help)
		return show_help(parse);
	if (parse->common.version)
		return show_version(call);
	if (!call->verb)
		return report_usage(call, "what shall be done? The verbs are "
					  "listed by --help");
	status = check_operands(call);
	if (status == STATUS_OK)
		status = check_required(parse);
	return status == STATUS_OK ? call->verb->run(call) : status;
}

/* A descriptor 0, 1 or 2 that the caller closed would be given to the next
 * file that we open, and our words would be written into that. In their place
 * stands one that refuses to be written to, so that the loss is noticed. */
static bool occupy_standard_descriptors(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd)
			return false;
	return true;
}

static enum status check_output(const struct call *call, enum status status)
{
	errno = 0;
	if (fflush(stdout) || ferror(stdout))
		status = report_failure(
			call, "cannot write to standard output%s%s",
			errno ? ": " : "", errno ? strerror(errno) : "");
	return ferror(stderr) ? STATUS_MACHINE : status;
}

int cli_main(const struct program *program, int argc, char **argv)
{
	struct arena arena = { 0 };
	struct call call = { .program = program, .arena = &arena };
	struct parse parse = { .call = &call,
			       .next = argv + (argc > 0 ? 1 : 0) };
	enum status status;

	if (!occupy_standard_descriptors())
		return STATUS_MACHINE;
	status = check_output(&call, parse_and_run(&parse));
	arena_release(&arena);
	return status;
}
