#include "quote.h"
#include "schema.h"

#include <stddef.h>

static void json_key(struct sbuf *out, const struct schema_key *key,
		     const char *suffix, const char *comma)
{
	sbuf_printf(out, "%s\n      \"%s%s\": {\"description\": ", comma,
		    key->name, suffix);
	quote_json(out, text_of(key->doc));
	sbuf_printf(out, ", %s}", schema_type_json(key->type));
}

/* The keys that a level must have. A site may have them in files that it
 * includes. */
static void json_required(struct sbuf *out, enum level level)
{
	const char *before = level == AT_SITE ? "\"anyOf\": [{\"required\": "
						"[\"include\"]}, "
						"{\"required\": ["
					      : "\"required\": [";
	const char *comma = before;

	for (size_t i = 0; i < schema_key_count; i++) {
		if (!(schema_keys[i].required & level))
			continue;
		sbuf_printf(out, "%s\"%s\"", comma, schema_keys[i].name);
		comma = ", ";
	}
	if (comma != before)
		sbuf_puts(out, level == AT_SITE ? "]}]" : "],\n    ");
}

static void json_properties(struct sbuf *out, enum level level)
{
	const char *comma = "";

	sbuf_puts(out, "\"type\": \"object\", \"additionalProperties\": "
		       "false,\n    \"properties\": {");
	for (size_t i = 0; i < schema_key_count; i++) {
		const struct schema_key *key = &schema_keys[i];

		if (!(key->levels & level))
			continue;
		json_key(out, key, "", comma);
		comma = ",";
		if (key->merges)
			json_key(out, key, "!", comma);
	}
	sbuf_puts(out, "}");
}

void schema_emit_json(struct sbuf *out)
{
	enum level level;
	const char *doc;

	sbuf_puts(out, "{\n  \"$schema\": "
		       "\"https://json-schema.org/draft/2020-12/schema\",\n"
		       "  \"title\": \"ipxe-embed site\",\n"
		       "  \"$ref\": \"#/$defs/part\",\n  ");
	json_required(out, AT_SITE);
	/* What a site includes: the same, and nothing must be in it. */
	sbuf_puts(out, ",\n  \"$defs\": {\n    \"part\": {");
	json_properties(out, AT_SITE);
	sbuf_puts(out, "}");
	for (size_t i = 1; schema_level(i, &level, &doc); i++) {
		sbuf_printf(out, ",\n    \"%s\": {", schema_level_name(level));
		json_required(out, level);
		json_properties(out, level);
		sbuf_puts(out, "}");
	}
	sbuf_puts(out, "\n  }\n}\n");
}
