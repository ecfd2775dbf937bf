#include "boot_fact.h"
#include "quote.h"
#include "schema.h"

#include <ctype.h>

/* What holds for every key; the keys themselves come from the table. */
static const char introduction[] =
	".SH DESCRIPTION\n"
	"A site file says which machines there are, what each of them boots, "
	"whom they trust and where the files are hosted.\n"
	".BR ipxe\\-embed (1)\n"
	"makes images and a static tree from it. It is YAML 1.1, or JSON, in "
	"UTF\\-8.\n"
	".PP\n"
	"A map whose key is not known is an error, as is a key that stands "
	"twice, or a template whose variable is missing. All faults are shown "
	"at once, each with its place, and nothing is written when there is "
	"one;\n"
	".B ipxe\\-embed check\n"
	"shows them without writing anything.\n"
	".PP\n"
	"Paths are relative to the file that says them.\n"
	".SH PRECEDENCE\n"
	"Where several levels say something, the node wins, then its groups "
	"from the last named to the first, then its profile, then the top of "
	"the file. Values of keys that merge come from all of them, in the "
	"order site, profile, group, node. A merging key that ends in\n"
	".BR ! ,\n"
	"as\n"
	".BR args! ,\n"
	"drops what the levels before it said. Values may be maps by processor, "
	"where that is said; then each processor has this rule for itself, and "
	"a plain value is one for all of them.\n"
	".SH TEMPLATES\n"
	"Values that are called templates are Mustache, without escaping: "
	"{{name}} stands for a value, {{#list}}...{{/list}} repeats, or is "
	"there only when the value is, and {{^list}}...{{/list}} only when "
	"it is not. They see the vars of the node and its settings.\n";

static const char ending[] =
	".SH EXAMPLE\n"
	".nf\n"
	"site: lab\n"
	"url: https://boot.lab.example/\n"
	"trust: [certs/root.pem]\n"
	"verify: signature\n"
	"profiles:\n"
	"  debian:\n"
	"    kernel: assets/linux\n"
	"    initrd: assets/initrd.gz\n"
	"    args: [auto=true, \"hostname={{name}}\"]\n"
	"    files: {/preseed.cfg: templates/preseed.cfg}\n"
	"nodes:\n"
	"  worker\\-1: {mac: 52:54:00:00:00:11, profile: debian}\n"
	".fi\n"
	".SH SEE ALSO\n"
	".BR ipxe\\-embed (1)\n"
	".PP\n"
	"Mustache: https://mustache.github.io/mustache.5.html\n";

static void roff(struct sbuf *out, const char *text)
{
	quote_roff(out, text_of(text));
}

static void key_section(struct sbuf *out, const struct schema_key *key,
			enum level level)
{
	sbuf_puts(out, ".TP\n.BR ");
	roff(out, key->name);
	sbuf_puts(out, " \" (");
	roff(out, schema_type_words(key->type));
	sbuf_printf(out, "%s%s)\"\n", key->required & level ? ", required" : "",
		    key->merges ? ", merges" : "");
	roff(out, key->doc);
	sbuf_puts(out, "\n.IP\n.nf\n");
	roff(out, key->name);
	sbuf_puts(out, ": ");
	roff(out, key->example);
	sbuf_puts(out, "\n.fi\n");
}

static void level_section(struct sbuf *out, enum level level, const char *doc)
{
	sbuf_puts(out, ".SH \"");
	for (const char *c = doc; *c; c++)
		sbuf_putc(out, (char)toupper((unsigned char)*c));
	sbuf_puts(out, "\"\n");
	for (size_t i = 0; i < schema_key_count; i++) {
		const struct schema_key *key = &schema_keys[i];

		if ((key->levels & level) && !schema_told_before(key, level))
			key_section(out, key, level);
	}
}

/* Keys of a level that were told of before. */
static void shared_section(struct sbuf *out, enum level level)
{
	const char *comma =
		".PP\nThe keys told of above that may stand here too: ";

	for (size_t i = 0; i < schema_key_count; i++) {
		const struct schema_key *key = &schema_keys[i];

		if (!(key->levels & level) || !schema_told_before(key, level))
			continue;
		sbuf_printf(out, "%s\\fB", comma);
		roff(out, key->name);
		sbuf_puts(out, "\\fR");
		comma = ", ";
	}
	if (*comma == ',')
		sbuf_puts(out, ".\n");
}

static void facts_section(struct sbuf *out)
{
	sbuf_puts(out, ".SH \"FACTS THAT ONLY THE MACHINE KNOWS\"\n");
	roff(out, boot_facts_doc);
	sbuf_putc(out, '\n');
	for (size_t i = 0; i < BOOT_FACTS; i++) {
		sbuf_puts(out, ".TP\n.B {{boot.");
		roff(out, boot_facts[i].name);
		sbuf_puts(out, "}}\n");
		roff(out, boot_facts[i].doc);
		sbuf_putc(out, '\n');
	}
}

void schema_emit_man(struct sbuf *out, const char *version)
{
	enum level level;
	const char *doc;

	sbuf_printf(out,
		    ".\\\" Generated from the table of keys by 'ipxe-embed "
		    "schema --format=man'.\n"
		    ".TH IPXE\\-EMBED\\-SITE 5 \"\" \"ipxe-embed %s\" "
		    "\"File formats\"\n"
		    ".nh\n.ad l\n.SH NAME\n"
		    "ipxe\\-embed\\-site \\- the site file of ipxe\\-embed\n",
		    version);
	sbuf_puts(out, introduction);
	for (size_t i = 0; schema_level(i, &level, &doc); i++) {
		level_section(out, level, doc);
		shared_section(out, level);
	}
	facts_section(out);
	sbuf_puts(out, ending);
}
