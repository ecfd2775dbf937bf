#include "simulate_commands.h"

struct sim_argument *sim_argument(struct sim_call *call, char letter)
{
	for (size_t i = 0; i < call->given_count; i++)
		if (call->at[i].letter == letter)
			return &call->at[i];
	return &call->at[SIM_OPTIONS_MAX];
}

int sim_parse_number(struct text text, uint32_t *ret)
{
	size_t used;
	uint64_t value = sim_strtoul(text, 0, &used);

	if (used < text.len || !text.len)
		return SIM_EINVAL;
	*ret = (uint32_t)value;
	return 0;
}

static int store_option(struct sim *sim, struct sim_call *call,
			const struct sim_option *option, struct text argument)
{
	struct sim_argument *value = sim_argument(call, option->letter);

	if (!value->is)
		value = &call->at[call->given_count++];
	*value = (struct sim_argument){ .is = true,
					.letter = option->letter,
					.text = argument };
	if (option->kind == OPT_SETTING)
		return sim_ref_parse(sim, argument, true, &value->ref);
	if (option->kind == OPT_KEY && argument.len == 1) {
		value->number = (unsigned char)*argument.ptr;
		return 0;
	}
	if (option->kind == OPT_KEY || option->kind == OPT_NUMBER)
		return sim_parse_number(argument, &value->number);
	return 0;
}

/* Where getopt_long() of iPXE is. */
struct getopt {
	struct sim_words words;
	size_t index, letter;
};

static bool take_argument(struct getopt *getopt, struct text *argument)
{
	if (argument->ptr)
		return true;
	if (getopt->index >= getopt->words.count ||
	    *getopt->words.at[getopt->index].ptr == '-')
		return false;
	*argument = getopt->words.at[getopt->index++];
	return true;
}

static const struct sim_option help_option = { OPT_FLAG, "help", 'h' };

/* @param matches	of the option and what is written, up to its argument */
static const struct sim_option *find_option(const struct sim_option *options,
					    struct text word, bool is_long,
					    struct text *ret_argument)
{
	for (const struct sim_option *o = options;; o++) {
		const struct sim_option *option = o->kind ? o : &help_option;
		size_t len = strlen(option->name);

		*ret_argument = (struct text){ NULL, 0 };
		if (!is_long && *word.ptr == option->letter)
			return option;
		if (is_long && word.len >= len &&
		    memcmp(word.ptr, option->name, len) == 0 &&
		    (word.len == len || word.ptr[len] == '=')) {
			if (word.len > len)
				*ret_argument =
					(struct text){ word.ptr + len + 1,
						       word.len - len - 1 };
			return option;
		}
		if (!o->kind)
			return NULL;
	}
}

static int parse_long(struct getopt *getopt, const struct sim_option *options,
		      const struct sim_option **ret_option,
		      struct text *argument)
{
	struct text word = getopt->words.at[getopt->index];
	const struct sim_option *option;

	word.ptr += 2;
	word.len -= 2;
	option = find_option(options, word, true, argument);
	if (!option)
		return SIM_EINVAL;
	*ret_option = option;
	getopt->index++;
	if (option->kind == OPT_FLAG)
		return argument->ptr ? SIM_EINVAL : 0;
	return take_argument(getopt, argument) ? 0 : SIM_EINVAL;
}

static int parse_letter(struct getopt *getopt, const struct sim_option *options,
			const struct sim_option **ret_option,
			struct text *argument)
{
	struct text word = getopt->words.at[getopt->index];
	const struct sim_option *option;

	if (!getopt->letter)
		getopt->letter = 1;
	word.ptr += getopt->letter;
	word.len -= getopt->letter;
	if (!word.len)
		return SIM_EINVAL;
	option = find_option(options, word, false, argument);
	if (!option)
		return SIM_EINVAL;
	*ret_option = option;
	getopt->letter++;
	if (word.len > 1 && option->kind == OPT_FLAG)
		return 0;
	if (word.len > 1)
		*argument = (struct text){ word.ptr + 1, word.len - 1 };
	getopt->index++;
	getopt->letter = 0;
	if (option->kind == OPT_FLAG)
		return 0;
	return take_argument(getopt, argument) ? 0 : SIM_EINVAL;
}

int sim_parse_options(struct sim *sim, const struct sim_command *command,
		      struct sim_words words, struct sim_call *call)
{
	struct getopt getopt = { .words = words, .index = 1 };

	while (getopt.index < words.count &&
	       *words.at[getopt.index].ptr == '-') {
		const struct sim_option *option = NULL;
		struct text word = words.at[getopt.index], argument;
		bool is_long = word.len > 1 && word.ptr[1] == '-';
		int error;

		if (is_long && word.len == 2) {
			getopt.index++;
			break;
		}
		error = is_long ? parse_long(&getopt, command->options, &option,
					     &argument)
				: parse_letter(&getopt, command->options,
					       &option, &argument);
		if (!error && option == &help_option)
			error = SIM_ECANCELED;
		if (!error)
			error = store_option(sim, call, option, argument);
		if (error)
			return error;
	}
	call->operands = words.at + getopt.index;
	call->count = words.count - getopt.index;
	if (call->count < command->min || call->count > command->max)
		return SIM_ERANGE;
	return 0;
}

/* Words from @p first on, with single spaces between; in sim->shown. */
struct text sim_joined(struct sim *sim, const struct sim_call *call,
		       size_t first)
{
	sbuf_reset(&sim->shown);
	for (size_t i = first; i < call->count; i++) {
		if (i > first)
			sbuf_putc(&sim->shown, ' ');
		sbuf_add(&sim->shown, call->operands[i].ptr,
			 call->operands[i].len);
	}
	return (struct text){ sbuf_text(&sim->shown), sim->shown.len };
}

void sim_assign(struct sbuf *buffer, struct text value, struct text *ret_text)
{
	sbuf_reset(buffer);
	sbuf_add(buffer, value.ptr, value.len);
	*ret_text = (struct text){ sbuf_text(buffer), buffer->len };
}

void sim_emit_text(struct sim *sim, enum sim_event_kind kind, struct text text,
		   bool good)
{
	sim_emit(sim, &(struct sim_event){
			      .kind = kind, .text = text, .good = good });
}

void sim_emit_image(struct sim *sim, enum sim_event_kind kind,
		    const struct sim_image *image, struct text text, bool good)
{
	sim_emit(sim, &(struct sim_event){ .kind = kind,
					   .image = image,
					   .text = text,
					   .good = good });
}
