#include "verbs.h"

#include "sbuf.h"
#include "schema.h"

#include <stdio.h>

enum schema_format { SCHEMA_JSON, SCHEMA_MARKDOWN, SCHEMA_MAN };

struct schema_options {
	int format; /**< enum schema_format */
};

static const char *const formats[] = { "json", "markdown", "man", NULL };

static const struct option_row rows[] = {
	{ .name = "format",
	  .help = "JSON Schema, draft 2020-12, or a reference for people: "
		  "Markdown or a manual page.",
	  .fallback = "json",
	  OPTION_CHOICE(struct schema_options, format, formats) },
	{ 0 },
};

static enum status run_schema(struct call *call)
{
	const struct schema_options *options = call->options;
	struct sbuf out = { 0 };

	if (options->format == SCHEMA_JSON)
		schema_emit_json(&out);
	else if (options->format == SCHEMA_MARKDOWN)
		schema_emit_markdown(&out);
	else
		schema_emit_man(&out, call->program->version);
	fwrite(sbuf_text(&out), 1, out.len, stdout);
	sbuf_release(&out);
	return STATUS_OK;
}

const struct verb verb_schema = {
	.name = "schema",
	.summary = "Print the schema of site files",
	.text = "An editor that is given this schema completes the keys of a "
		"site file, explains them and marks faults of form. It is made "
		"from the table that drives the compiler.",
	.options = rows,
	.options_bytes = sizeof(struct schema_options),
	.run = run_schema,
	.examples =
		(const struct example[]){
			{ "ipxe-embed schema >ipxe-embed.schema.json",
			  "Name the file in the first line of a site file: "
			  "# yaml-language-server: "
			  "$schema=ipxe-embed.schema.json" },
			{ 0 },
		},
};
