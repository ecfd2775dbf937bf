#include "verbs.h"

#include "arena.h"
#include "help.h"
#include "report.h"
#include "sbuf.h"

#include <stdio.h>

struct help_options {
	bool man, bash_completion;
};

static const struct option_row rows[] = {
	{ .name = "man",
	  .help = "Print the manual page ipxe-embed(1) as man(7) source.",
	  OPTION_FLAG(struct help_options, man) },
	{ .name = "bash-completion",
	  .help = "Print completion for bash; to be sourced.",
	  OPTION_FLAG(struct help_options, bash_completion) },
	{ 0 },
};

static enum status run_help(struct call *call)
{
	const struct help_options *options = call->options;
	const struct program *program = call->program;
	const struct verb *verb;
	struct sbuf out = { 0 };
	const char *name;

	if (options->man) {
		help_man(program, &out);
	} else if (options->bash_completion) {
		help_bash(program, &out);
	} else if (call->operand_count == 0) {
		help_program(program, &out);
	} else {
		name = call->operand_count == 1
			       ? call->operands[0]
			       : arena_printf(call->arena, "%s %s",
					      call->operands[0],
					      call->operands[1]);
		verb = cli_verb(program, name);
		if (verb)
			help_verb(program, verb, &out);
		else if (cli_is_family(program, name))
			help_family(program, name, &out);
		else
			return report_usage(call, "no verb '%s'", name);
	}
	fwrite(sbuf_text(&out), 1, out.len, stdout);
	sbuf_release(&out);
	return STATUS_OK;
}

const struct verb verb_help = {
	.name = "help",
	.operands = "[VERB] [VERB]",
	.summary = "Show help on a verb",
	.options = rows,
	.options_bytes = sizeof(struct help_options),
	.run = run_help,
};
