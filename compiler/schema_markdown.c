#include "boot_fact.h"
#include "schema.h"

#include <stddef.h>

static void markdown_key(struct sbuf *out, const struct schema_key *key,
			 enum level level)
{
	sbuf_printf(out,
		    "### `%s`\n\n*%s%s%s*\n\n%s\n\n```yaml\n%s: %s\n```\n\n",
		    key->name, schema_type_words(key->type),
		    key->required & level ? ", required" : "",
		    key->merges ? ", merges (`!` replaces)" : "", key->doc,
		    key->name, key->example);
}

static const char reference_intro[] =
	"# Keys of the site file\n\n"
	"Made by `ipxe-embed schema --format=markdown`.\n\n"
	"Where several levels say something, the node wins, then its groups "
	"from the last named to the first, then its profile, then the top of "
	"the file. Values of keys that merge come from all of them, in the "
	"order site, profile, group, node; a key that ends in `!`, as "
	"`args!:`, drops what the levels before it said. Values may be maps by "
	"processor, where that is said; then each processor has this rule for "
	"itself, and a plain value is one for all of them.\n\n"
	"Paths are relative to the file that says them. Every value that is called a "
	"template is [Mustache](https://mustache.github.io/mustache.5.html), "
	"without escaping, and a variable that is missing is an error.\n\n";

/* Keys of a level that were told of before. */
static void markdown_shared(struct sbuf *out, enum level level)
{
	const char *comma = "The keys told of above that may stand here too: ";

	for (size_t i = 0; i < schema_key_count; i++) {
		const struct schema_key *key = &schema_keys[i];

		if (!(key->levels & level) || !schema_told_before(key, level))
			continue;
		sbuf_printf(out, "%s`%s`", comma, key->name);
		comma = ", ";
	}
	if (*comma == ',')
		sbuf_puts(out, ".\n\n");
}

static void markdown_facts(struct sbuf *out)
{
	sbuf_printf(out,
		    "## Facts that only the machine knows\n\n%s\n\n"
		    "| in `args` | is |\n|---|---|\n",
		    boot_facts_doc);
	for (size_t i = 0; i < BOOT_FACTS; i++)
		sbuf_printf(out, "| `{{boot.%s}}` | %s |\n", boot_facts[i].name,
			    boot_facts[i].doc);
	sbuf_putc(out, '\n');
}

/* Keys of a level that are told of for the first time. */
static void markdown_own(struct sbuf *out, enum level level)
{
	for (size_t i = 0; i < schema_key_count; i++) {
		const struct schema_key *key = &schema_keys[i];

		if ((key->levels & level) && !schema_told_before(key, level))
			markdown_key(out, key, level);
	}
}

void schema_emit_markdown(struct sbuf *out)
{
	enum level level;
	const char *doc;

	sbuf_puts(out, reference_intro);
	for (size_t i = 0; schema_level(i, &level, &doc); i++) {
		sbuf_printf(out, "## %s\n\n", doc);
		markdown_own(out, level);
		markdown_shared(out, level);
	}
	markdown_facts(out);
}
