/* The least that anybody who reads YAML with libyaml must do: its events. */
#include <stdio.h>
#include <yaml.h>

static int scan(FILE *file)
{
	yaml_event_type_t type = YAML_NO_EVENT;
	yaml_parser_t parser;
	yaml_event_t event;

	if (!yaml_parser_initialize(&parser))
		return 1;
	yaml_parser_set_input_file(&parser, file);
	while (type != YAML_STREAM_END_EVENT &&
	       yaml_parser_parse(&parser, &event)) {
		type = event.type;
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	return type != YAML_STREAM_END_EVENT;
}

int main(int argc, char **argv)
{
	FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
	int failed;

	if (!file) {
		perror("scan");
		return 1;
	}
	failed = scan(file);
	fclose(file);
	return failed;
}
