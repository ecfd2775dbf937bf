#include "boot_fact.h"

#include "ir.h"

const char boot_facts_doc[] =
	"Arguments of a kernel may name what only the machine knows, when it "
	"boots. A machine that does not have what is named passes over the "
	"profile, and so does one whose firmware holds a text that iPXE would "
	"take for a setting of its own; nothing becomes an empty text. Files, "
	"paths and networks cannot name them, since they are made and signed "
	"before; nor can a site with verify: secure-boot, where the arguments "
	"are signed too. Serial, asset, manufacturer and product are "
	"percent-encoded, so that a space in them makes no second argument.";

const struct boot_fact boot_facts[BOOT_FACTS] = {
	{ "mac", "MAC address of the card that it is online with",
	  "${${card}/mac}", 17 },
	{ "mac-hyphens", "the same, as 52-54-00-00-00-01",
	  "${${card}/mac:hexhyp}", 17 },
	{ "mac-plain", "the same, as 525400000001", "${${card}/mac:hexraw}",
	  12 },
	{ "ip", "IPv4 address of that card", "${${card}/ip}", 15 },
	{ "netmask", "its network mask", "${${card}/netmask}", 15 },
	{ "gateway", "its router", "${${card}/gateway}", 15 },
	{ "uuid", "UUID, as the firmware tells it", "${uuid}", 36 },
	{ "serial", "serial number", NULL, 32 },
	{ "asset", "asset tag", NULL, 32 },
	{ "manufacturer", "who made it", NULL, 32 },
	{ "product", "name of the product", NULL, 32 },
	{ "buildarch", "what its image was built for: i386, x86_64, arm64",
	  "${buildarch}", 6 },
	{ "platform", "efi or pcbios", "${platform}", 6 },
};

static const struct boot_fact *fact_find(struct text name)
{
	for (size_t i = 0; i < BOOT_FACTS; i++)
		if (text_is(name, boot_facts[i].name))
			return &boot_facts[i];
	return NULL;
}

static const char opening[] = "${boot.";

bool arg_next(struct text *rest, struct arg_piece *ret_piece)
{
	const char *begin = rest->ptr, *end = begin + rest->len, *at, *name;

	if (!rest->len)
		return false;
	at = memmem(begin, rest->len, opening, sizeof(opening) - 1);
	if (at == begin) {
		name = begin + sizeof(opening) - 1;
		at = memchr(name, '}', (size_t)(end - name));
		*ret_piece = (struct arg_piece){
			.fact = fact_find(
				(struct text){ name, (size_t)(at - name) })
		};
		at++;
	} else {
		at = at ? at : end;
		*ret_piece =
			(struct arg_piece){ .text = { begin,
						      (size_t)(at - begin) } };
	}
	*rest = (struct text){ at, (size_t)(end - at) };
	return true;
}

void boot_facts_key(const struct boot *boot, struct sbuf *key)
{
	struct arg_piece piece;

	if (!boot->facts)
		return;
	for (size_t i = 0; i < boot->arg_count; i++) {
		struct text rest = boot->args[i];

		while (arg_next(&rest, &piece))
			sbuf_puts(key, piece.fact ? piece.fact->name : "_");
		sbuf_putc(key, ' ');
	}
}
