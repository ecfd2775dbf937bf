#include "simulate_commands.h"

#include "arena.h"

#include <stdlib.h>

/*
 * Most lines of a proof are run thousands of times: they are taken apart once and
 * kept. A line is known again by its bytes, wherever it stands, so it does not
 * matter what has become of the script that it came from.
 */

/* ------------------------------------------------------------- words -- */

/* @return false at the end of the line */
static bool next_token(struct text *rest, struct text *ret_token)
{
	while (rest->len && sim_isspace(*rest->ptr))
		rest->ptr++, rest->len--;
	*ret_token = (struct text){ rest->ptr, 0 };
	while (rest->len && !sim_isspace(*rest->ptr))
		rest->ptr++, rest->len--, ret_token->len++;
	return ret_token->len;
}

static bool is_operator(struct text token, enum sim_operator *ret)
{
	if (text_is(token, "||"))
		*ret = OP_OR;
	else if (text_is(token, "&&"))
		*ret = OP_AND;
	else if (text_is(token, ";"))
		*ret = OP_ALWAYS;
	else
		return false;
	return true;
}

static void add_word(struct sim_line *line, struct text token)
{
	if (line->word_count == line->word_room) {
		line->word_room = line->word_room ? 2 * line->word_room : 8;
		line->words = xrealloc(
			line->words,
			size_product(line->word_room, sizeof(*line->words)));
	}
	line->words[line->word_count++] =
		(struct sim_word){ token,
				   memchr(token.ptr, '$', token.len) != NULL };
}

static struct sim_clause *add_clause(struct sim_line *line)
{
	if (line->clause_count == line->clause_room) {
		line->clause_room =
			line->clause_room ? 2 * line->clause_room : 4;
		line->clauses = xrealloc(line->clauses,
					 size_product(line->clause_room,
						      sizeof(*line->clauses)));
	}
	return &line->clauses[line->clause_count++];
}

/* The words up to the next operator. */
static enum sim_operator take_words(struct sim_line *line,
				    const struct sim_clause *clause,
				    struct text *rest)
{
	enum sim_operator op;
	struct text token;

	while (next_token(rest, &token)) {
		if (*token.ptr == '#')
			break;
		if (is_operator(token, &op))
			return op;
		if (line->word_count - clause->first == SIM_WORDS_MAX)
			return OP_TOO_LONG;
		add_word(line, token);
	}
	return OP_NONE;
}

static void take_clauses(struct sim_line *line, struct text rest)
{
	struct sim_clause *clause;

	do {
		clause = add_clause(line);
		*clause = (struct sim_clause){ .first = line->word_count };
		clause->then = take_words(line, clause, &rest);
		clause->count = line->word_count - clause->first;
		if (clause->count)
			clause->command = sim_command_find(
				line->words[clause->first].text);
	} while (clause->then != OP_NONE && clause->then != OP_TOO_LONG);
}

/* ------------------------------------------------------------- lines -- */

/* @param rest	of the script, where the line begins; must live as long as the
 *	line is used */
static void split_line(struct sim_line *line, struct text rest)
{
	struct sim_raw_line raw;

	line->len = line->word_count = line->clause_count = 0;
	line->whole = sim_next_line(rest, &line->len, &raw, &line->joined);
	if (line->len > rest.len)
		line->len = rest.len;
	if (line->whole && raw.command.len && *raw.command.ptr != '#')
		take_clauses(line, raw.command);
}

static void keep_line(struct sim_line *line, struct text rest, size_t len)
{
	sbuf_reset(&line->bytes);
	sbuf_add(&line->bytes, rest.ptr, len);
	split_line(line, (struct text){ line->bytes.ptr, len });
}

/* Where the script goes on, a line without its end would be a longer one. */
static bool is_line(const struct sim_line *line, struct text rest)
{
	size_t len = line->len;
	bool ends = line->whole && len && line->bytes.ptr[len - 1] == '\n';

	return len && len <= rest.len && (ends || len == rest.len) &&
	       memcmp(line->bytes.ptr, rest.ptr, len) == 0;
}

/* What comes a second time is kept: the lines of single nodes would drive out all
 * others. */
struct sim_line *sim_line_at(struct sim *sim, struct text rest)
{
	uint64_t place = (uintptr_t)rest.ptr * 0x9e3779b97f4a7c15;
	struct sim_slot *slot = &sim->lines[place >> (64 - SIM_LINE_BITS)];
	struct sim_line *own = &sim->frames[sim->depth - 1].line;

	if (slot->line && is_line(slot->line, rest))
		return slot->line;
	split_line(own, rest);
	if (slot->last != rest.ptr || (slot->line && slot->line->running)) {
		slot->last = rest.ptr;
		return own;
	}
	if (!slot->line) {
		slot->line = xrealloc(NULL, sizeof(*slot->line));
		*slot->line = (struct sim_line){ .len = 0 };
	}
	keep_line(slot->line, rest, own->len);
	return slot->line;
}

void sim_line_release(struct sim_line *line)
{
	sbuf_release(&line->bytes);
	sbuf_release(&line->joined);
	free(line->words);
	free(line->clauses);
}
