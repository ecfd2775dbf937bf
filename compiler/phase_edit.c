#include "phase_edit.h"

#include "doc.h"
#include "sbuf.h"
#include "source.h"

#include <strings.h>

/* One change of a file: bytes [begin, end) become something else. */
struct edit {
	struct span at;
	struct text name; /* of an entry that is new; or empty */
	const char *before, *quote, *after; /* around the phase */
	struct text indent;                 /* behind all that */
};

static char byte_at(struct span at)
{
	return at.source->bytes.ptr[at.begin];
}

static bool is_quote(char c)
{
	return c == '"' || c == '\'';
}

/* JSON, or YAML by somebody who writes like that. */
static bool has_quoted_keys(const struct node *node)
{
	return byte_at(node->at) == '"';
}

/* As a plain scalar these would be nothing at all. */
static bool needs_quotes(struct text phase)
{
	return phase.len == 4 && strncasecmp(phase.ptr, "null", 4) == 0;
}

static const char *replace(const struct doc_pair *pair, struct text phase,
			   struct edit *edit)
{
	char first;

	if (pair->value->at.begin < pair->key_at.end)
		return "its phase is an alias, which others share";
	first = byte_at(pair->value->at);
	edit->at = pair->value->at;
	edit->quote = first == '\''         ? "'"
		      : is_quote(first)     ? "\""
		      : needs_quotes(phase) ? "\""
					    : "";
	edit->before = edit->after = "";
	return NULL;
}

static const char *add_to_flow(const struct node *node, struct text phase,
			       struct edit *edit)
{
	bool quoted = has_quoted_keys(node);
	uint32_t behind = node->said->at.begin + 1;

	edit->at = (struct span){ node->at.source, behind, behind };
	if (edit->at.source->bytes.ptr[behind] == ' ')
		edit->before = quoted ? " \"phase\": " : " phase: ";
	else
		edit->before = quoted ? "\"phase\": " : "phase: ";
	edit->quote = quoted || needs_quotes(phase) ? "\"" : "";
	edit->after = !node->said->count                          ? ""
		      : edit->at.source->bytes.ptr[behind] == ' ' ? ","
								  : ", ";
	return NULL;
}

static bool has_carriage_returns(const struct source *source)
{
	const char *feed = memchr(source->bytes.ptr, '\n', source->bytes.len);

	return feed && feed > source->bytes.ptr && feed[-1] == '\r';
}

static const char *add_to_block(const struct node *node, struct text phase,
				struct edit *edit)
{
	const struct source *source = node->at.source;
	uint32_t first = node->said->pairs[0].key_at.begin, line = first;

	while (line && source->bytes.ptr[line - 1] == ' ')
		line--;
	if (line && source->bytes.ptr[line - 1] != '\n')
		return "its first key does not stand on a line of its own";
	edit->at = (struct span){ source, first, first };
	edit->before = "phase: ";
	edit->quote = needs_quotes(phase) ? "\"" : "";
	edit->after = has_carriage_returns(source) ? "\r\n" : "\n";
	edit->indent = (struct text){ source->bytes.ptr + line, first - line };
	return NULL;
}

/* An entry of its own, before that of the range. */
static const char *add_entry(const struct node *node, struct text phase,
			     struct edit *edit)
{
	const struct source *source = node->at.source;
	uint32_t first = node->at.begin, line = first;
	bool quoted = has_quoted_keys(node);

	while (line && source->bytes.ptr[line - 1] == ' ')
		line--;
	edit->at = (struct span){ source, first, first };
	edit->name = node->name;
	edit->before = quoted ? "\": {\"phase\": " : ": { phase: ";
	edit->quote = quoted || needs_quotes(phase) ? "\"" : "";
	if (line && source->bytes.ptr[line - 1] != '\n') {
		edit->after = quoted ? "}, " : " }, ";
		return NULL;
	}
	if (has_carriage_returns(source))
		edit->after = quoted ? "},\r\n" : " }\r\n";
	else
		edit->after = quoted ? "},\n" : " }\n";
	edit->indent = (struct text){ source->bytes.ptr + line, first - line };
	return NULL;
}

static const char *find_edit(const struct node *node, struct text phase,
			     struct edit *edit)
{
	const struct doc_pair *pair = doc_find(node->said, TEXT("phase"));

	if (memchr(node->at.source->bytes.ptr + node->at.begin, '[',
		   node->at.end - node->at.begin))
		return add_entry(node, phase, edit);
	if (node->said->at.source != node->at.source ||
	    node->said->at.begin < node->at.end)
		return "it is an alias, so that others would change with it";
	if (pair)
		return replace(pair, phase, edit);
	if (byte_at(node->said->at) == '{')
		return add_to_flow(node, phase, edit);
	return add_to_block(node, phase, edit);
}

const char *phase_edit(const struct node *node, struct text phase,
		       struct sbuf *out)
{
	const struct text bytes = node->at.source->bytes;
	struct edit edit = { .indent = { "", 0 } };
	const char *wrong = find_edit(node, phase, &edit);

	if (wrong)
		return wrong;
	sbuf_add(out, bytes.ptr, edit.at.begin);
	if (edit.name.len)
		sbuf_printf(out, "%s%s", has_quoted_keys(node) ? "\"" : "",
			    edit.name.ptr);
	sbuf_printf(out, "%s%s%.*s%s%s", edit.before, edit.quote,
		    (int)phase.len, phase.ptr, edit.quote, edit.after);
	sbuf_add(out, edit.indent.ptr, edit.indent.len);
	sbuf_add(out, bytes.ptr + edit.at.end, bytes.len - edit.at.end);
	return NULL;
}
