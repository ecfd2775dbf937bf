#include "format.h"

#include "arena.h"
#include "utf8.h"

#include <jansson.h>
#include <yaml.h>

static const struct {
	const char *suffix;
	enum file_format format;
} suffixes[] = {
	{ ".json", FORMAT_JSON },
	{ ".ign", FORMAT_JSON },
	{ ".yaml", FORMAT_YAML },
	{ ".yml", FORMAT_YAML },
};

enum file_format format_of_name(struct text name)
{
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
		size_t len = strlen(suffixes[i].suffix);

		if (name.len > len && memcmp(name.ptr + name.len - len,
					     suffixes[i].suffix, len) == 0)
			return suffixes[i].format;
	}
	return FORMAT_TEXT;
}

const char *format_words(enum file_format format)
{
	return format == FORMAT_JSON   ? "JSON"
	       : format == FORMAT_YAML ? "YAML"
				       : "text";
}

static const char *json_fault(struct arena *arena, struct text text,
			      size_t *ret_offset)
{
	json_error_t error;
	json_t *json = json_loadb(text.ptr, text.len,
				  JSON_DECODE_ANY | JSON_ALLOW_NUL |
					  JSON_REJECT_DUPLICATES,
				  &error);

	json_decref(json);
	if (json)
		return NULL;
	*ret_offset = error.position > 0 ? (size_t)error.position : 0;
	/* Behind the token that is wrong, if there is one. */
	if (*ret_offset > text.len)
		*ret_offset = text.len;
	if (*ret_offset)
		--*ret_offset;
	return arena_printf(arena, "%s", error.text);
}

/* libyaml counts code points. */
static size_t bytes_of(struct text text, size_t code_points)
{
	size_t offset = 0;

	for (; offset < text.len && code_points; code_points--)
		do
			offset++;
		while (offset < text.len && utf8_continues(text.ptr[offset]));
	return offset;
}

static const char *yaml_fault(struct arena *arena, struct text text,
			      size_t *ret_offset)
{
	const char *fault = NULL;
	yaml_parser_t parser;
	yaml_event_t event;
	bool done = false;

	if (!yaml_parser_initialize(&parser))
		out_of_memory();
	yaml_parser_set_input_string(&parser, (const unsigned char *)text.ptr,
				     text.len);
	while (!done && yaml_parser_parse(&parser, &event)) {
		done = event.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
	}
	if (!done) {
		fault = arena_printf(arena, "%s",
				     parser.problem ? parser.problem
						    : "it cannot be read");
		*ret_offset =
			parser.error == YAML_READER_ERROR
				? parser.problem_offset
				: bytes_of(text, parser.problem_mark.index);
		if (*ret_offset > text.len)
			*ret_offset = text.len;
	}
	yaml_parser_delete(&parser);
	return fault;
}

const char *format_fault(struct arena *arena, enum file_format format,
			 struct text text, size_t *ret_offset)
{
	if (format == FORMAT_JSON)
		return json_fault(arena, text, ret_offset);
	if (format == FORMAT_YAML)
		return yaml_fault(arena, text, ret_offset);
	return NULL;
}
