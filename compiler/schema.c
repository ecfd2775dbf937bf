#include "schema.h"

#include "diag.h"
#include "ir.h"

#include <stddef.h>

#define SITE(field)     IN_SITE, offsetof(struct site, field)
#define SETTINGS(field) IN_SETTINGS, offsetof(struct settings, field)
#define MORE(field)     IN_MORE, offsetof(struct more_settings, field)
#define PROFILE(field)  IN_PROFILE, offsetof(struct profile, field)
#define NODE(field)     IN_NODE, offsetof(struct node, field)
#define FILE_(field)    IN_FILE, offsetof(struct file, field)
#define MENU(field)     IN_MENU, offsetof(struct menu, field)
#define ITEM(field)     IN_ITEM, offsetof(struct menu_item, field)
#define NETWORK(field)  IN_NETWORK, offsetof(struct uplink_settings, field)
#define ASSET(field)    IN_ASSET, offsetof(struct item, field)
#define RULE(field)     IN_RULE, offsetof(struct rule, field)
#define MATCH(trait)    IN_MATCHES, (trait) * sizeof(struct match)
#define NOWHERE         IN_SITE, 0

const struct schema_key schema_keys[] = {
	/* The site itself. */
	{ "site", AT_SITE, AT_SITE, TYPE_NAME, false, SITE(name),
	  "Name of the site; machines show it on their consoles.", "lab" },
	{ "url", AT_SITE, AT_SITE, TYPE_URLS, false, SITE(urls),
	  "Where out/www/ is served: an https:// URL that ends in \"/\", or a "
	  "list of mirrors that machines try in this order.",
	  "https://boot.lab.example/" },
	{ "assets", AT_SITE, 0, TYPE_ASSET_URLS, false, SITE(assets),
	  "Another place for kernels and initrds, a copy of out/www/a/ below "
	  "the same path: a CDN, say. Plain http:// is allowed, since every "
	  "one of them is verified. A list is tried in order.",
	  "http://cdn.example/lab/" },
	{ "trust", AT_SITE, AT_SITE, TYPE_TRUST, false, SITE(trust),
	  "PEM files with the root certificates that machines trust, for web "
	  "servers and for code signers alike. Use a private root.",
	  "[certs/root.pem]" },
	{ "verify", AT_SITE, AT_SITE, TYPE_VERIFY, false, SITE(verify),
	  "How a machine verifies each kernel, initrd and injected file before "
	  "it uses it: \"signature\" (a detached CMS beside the file), "
	  "\"digest\" (SHA-256 inside the boot script), \"secure-boot\" (all "
	  "of it in one EFI program, which the firmware verifies), or several "
	  "of them.",
	  "[signature, digest]" },
	{ "signer", AT_SITE, 0, TYPE_TOKEN, false, SITE(signer),
	  "Common name of the certificate that signs; signatures by any other "
	  "are refused. Default: ipxe-embed-signer. With \"dispatch\" remote or "
	  "both, name one that signs nothing else (W813).",
	  "lab-signer" },
	{ "unknown", AT_SITE, 0, TYPE_UNKNOWN, false, SITE(unknown),
	  "Boot order of a machine that is no node of this site; or a list of "
	  "rules, of which the first that holds says it, and machines for "
	  "which none holds do what local means. It always prints its "
	  "identity and a node to paste. Default: local.",
	  "[{match: {platform: pcbios}, boot: poweroff}, {boot: [disk, exit]}]" },
	{ "allow-unknown-install", AT_SITE, 0, TYPE_BOOLEAN, false,
	  SITE(allow_unknown_install),
	  "Must be true for \"unknown\" to name a profile: whatever machine is "
	  "plugged in then boots it, and an installer erases its disk.",
	  "false" },
	{ "dispatch", AT_SITE, 0, TYPE_DISPATCH, false, NOWHERE,
	  "Where the nodes are: \"embedded\", all of them inside the image, so "
	  "that no request goes out before the kernel's; \"remote\", a signed "
	  "script for each in the tree, so that nodes change without new "
	  "images; or \"both\": a machine that is not in the image looks in "
	  "the tree. Default: embedded.",
	  "embedded" },
	{ "channels", AT_SITE, 0, TYPE_CHANNELS, false, NOWHERE,
	  "Releases that machines can follow: what is released, its channels, "
	  "and for each channel the values that templates see as "
	  "{{channel.NAME}}.",
	  "{flatcar: {stable: {version: 4230.2.1}, beta: {version: 4344.1.0}}}" },
	{ "profiles", AT_SITE, 0, TYPE_PROFILES, false, NOWHERE,
	  "What can be booted, by name.",
	  "{debian: {kernel: assets/linux, initrd: assets/initrd.gz}}" },
	{ "groups", AT_SITE, 0, TYPE_GROUPS, false, NOWHERE,
	  "Settings that several nodes share, by name.",
	  "{workers: {profile: debian, vars: {role: worker}}}" },
	{ "nodes", AT_SITE, 0, TYPE_NODES, false, NOWHERE,
	  "The machines, by name. node-[01-40] stands for forty of them: their "
	  "mac, uuid, serial and asset are lists with one item for each, ip is "
	  "that of the first, and all else holds for all; what is special about "
	  "one of them is said under its own name.",
	  "{worker-1: {mac: 52:54:00:00:00:11, groups: [workers]}}" },

	{ "include", AT_SITE, 0, TYPE_INCLUDE, false, NOWHERE,
	  "Other files, YAML or JSON, with more of the site: paths beside the "
	  "file that says it, which may hold *, ? and [...]. Each entry of "
	  "profiles, groups, nodes, files or vars stands in one file; so does "
	  "every other key. The order of files never matters.",
	  "[racks/*.yaml, from-terraform.json]" },
	{ "menus", AT_SITE, 0, TYPE_MENUS, false, NOWHERE,
	  "What a person at the console is asked, by name. The step menu of a "
	  "boot order shows the one that is called main, menu:NAME any other.",
	  "{main: {items: {debian: debian, disk: [disk, exit]}}}" },

	/* One machine. */
	{ "mac", AT_NODE, 0, TYPE_MACS, false, NODE(macs),
	  "MAC address of a network card, or a list; any one of them, on any "
	  "port, makes a machine this node.",
	  "[52:54:00:00:00:12, 52:54:00:00:01:12]" },
	{ "uuid", AT_NODE, 0, TYPE_UUID, false, NODE(uuid),
	  "UUID of the machine, as its firmware tells it.",
	  "4c4c4544-0051-3510-8052-b4c04f4e3132" },
	{ "serial", AT_NODE, 0, TYPE_TAG, false, NODE(serial),
	  "Serial number of the machine, plain or percent-encoded as unknown "
	  "machines print it.",
	  "7QX8K12" },
	{ "asset", AT_NODE, 0, TYPE_TAG, false, NODE(asset),
	  "Asset tag of the machine, like serial.", "RACK-12-U07" },
	{ "ip", AT_NODE, 0, TYPE_IP, false, NODE(ip),
	  "IPv4 address of the node, for templates: {{ip}}, {{prefix}}, "
	  "{{netmask}}. The boot itself asks DHCP, unless network says else.",
	  "192.168.1.201/24" },
	{ "groups", AT_NODE, 0, TYPE_REFERENCES, false, NODE(groups),
	  "The groups that the node is in; what a later one says wins.",
	  "[workers, rack-2]" },

	/* What can be booted. */
	{ "extends", AT_PROFILE, 0, TYPE_REFERENCE, false, PROFILE(extends),
	  "Another profile that this one starts from: whatever that says holds "
	  "here too, unless it is said again.",
	  "debian" },

	{ "efi", AT_PROFILE, 0, TYPE_ASSET, false, MORE(efi),
	  "Any program of UEFI in the place of a kernel, as a memory test or "
	  "the UEFI shell, given as a kernel is; it is verified alike, and "
	  "gets the args of its profile. A BIOS machine passes over the "
	  "profile. With verify: secure-boot the firmware must trust who "
	  "signed it.",
	  "{x86_64: assets/memtest64.efi, arm64: assets/memtestaa64.efi}" },
	{ "uki", AT_PROFILE, 0, TYPE_ASSET, false, MORE(uki),
	  "A unified kernel image that somebody else has made: one program of "
	  "UEFI with kernel, initrd and arguments in it. Like efi, without any "
	  "args.",
	  "assets/talos-uki.efi" },
	{ "chain", AT_PROFILE, 0, TYPE_ASSET, false, MORE(chain),
	  "Another script of iPXE beside the site file, which is verified and "
	  "run. However it ends, the boot order goes on with its next step. "
	  "What it fetches and boots is its own: with verify: signature iPXE "
	  "starts only what the script has verified by imgverify, but nobody "
	  "looks at its initrds.",
	  "scripts/netboot.ipxe" },
	{ "iso", AT_PROFILE, 0, TYPE_ASSET, false, MORE(iso),
	  "The image of a disc, which boots as from a drive: given as a kernel "
	  "is, fetched whole into memory, verified alike, and made a drive of "
	  "by memdisk. For BIOS alone, since iPXE has nothing like it for "
	  "UEFI: such a machine passes over the profile. What is in it sees "
	  "that drive as long as it asks the BIOS; Linux does not once it "
	  "runs, so boot it by its kernel and initrd.",
	  "assets/firmware-update.iso" },
	{ "memdisk", AT_SITE | AT_PROFILE, 0, TYPE_ASSET, false, MORE(memdisk),
	  "The program memdisk of Syslinux, for profiles with an iso; it gets "
	  "their args behind its own. Debian has it in the package "
	  "syslinux-common, as /usr/lib/syslinux/memdisk.",
	  "assets/memdisk" },
	{ "san", AT_PROFILE, 0, TYPE_DRIVE, false, MORE(san),
	  "A drive of a SAN, or an image on a web server, to boot from: "
	  "iscsi:SERVER:PROTOCOL:PORT:LUN:TARGET, an https:// or an http:// "
	  "URL, a template. iPXE reads it block by block while it boots, and "
	  "verifies none of them, nor does anything later: whoever can change "
	  "the drive, or what passes on the way, has the machine. So it needs "
	  "unverified: true beside it. If nothing boots from it, the boot "
	  "order goes on.",
	  "\"iscsi:192.168.1.5::::iqn.2026-11.example.lab:{{name}}\"" },
	{ "unverified", AT_PROFILE, 0, TYPE_BOOLEAN, false, MORE(unverified),
	  "Must be true for a profile to have a san, and stands beside it. "
	  "check and build tell which machines boot so.",
	  "true" },
	{ "initiator", AT_PROFILE, 0, TYPE_TEXT, false, MORE(initiator),
	  "The name by which an iSCSI server knows the machine, a template. "
	  "Default: what DHCP says, or else what iPXE makes of its UUID.",
	  "\"iqn.2026-11.example.lab:{{name}}\"" },

	/* Any level: node over groups (last named first), profile, site. */
	{ "profile", AT_SITE | AT_GROUP | AT_PHASE | AT_NODE, 0, TYPE_REFERENCE,
	  false, SETTINGS(profile), "The profile to boot.", "debian" },
	{ "boot", AT_ANY, 0, TYPE_BOOT, false, MORE(boot),
	  "Boot order: steps that are tried in turn. A step is a profile, or "
	  "disk (what is installed on the first disk), retry (from the "
	  "start, after a growing pause), reboot, poweroff, exit (back to the "
	  "firmware), shell, menu or menu:NAME. \"local\" stands for [disk, "
	  "exit]. Default: the profile, then retry.",
	  "[disk, debian]" },
	{ "phases", AT_PROFILE | AT_GROUP, 0, TYPE_PHASES, false, MORE(phases),
	  "What a machine goes through, as installing and running: settings by "
	  "name, which lie over those of the profile or group itself in that "
	  "phase. Those of a group may name another profile. What a node would "
	  "do in its other phases is built as well.",
	  "{install: {boot: debian}, run: {boot: [disk, debian]}}" },
	{ "phase", AT_SITE | AT_GROUP | AT_NODE, 0, TYPE_NAME, false,
	  SETTINGS(phase),
	  "The phase that the machine is in; the program changes it by "
	  "`ipxe-embed phase SITE NODE PHASE`.",
	  "install" },
	{ "kernel", AT_ANY, 0, TYPE_ASSET, false, MORE(kernel),
	  "Kernel: a path beside the site file; or a map of url and sha256; or "
	  "a map with one of these for each processor.",
	  "{x86_64: assets/amd64/linux, arm64: assets/arm64/linux}" },
	{ "initrd", AT_ANY, 0, TYPE_ASSETS, true, MORE(initrd),
	  "Initrd, given as a kernel is, or a list of them, in the order in "
	  "which the kernel unpacks them. One in the list may be a map by "
	  "processor, too.",
	  "[{x86_64: assets/microcode.img}, assets/initrd.gz]" },
	{ "args", AT_ANY, 0, TYPE_ARGS, true, MORE(args),
	  "Arguments of the kernel, each one a template, or a map by processor "
	  "of more of them. They may name facts that only the machine knows: "
	  "{{boot.mac}}, {{boot.serial}}.",
	  "[auto=true, \"hostname={{name}}\", {arm64: console=ttyAMA0}]" },
	{ "files", AT_ANY, 0, TYPE_FILES, true, MORE(files),
	  "Files for the initrd, verified like everything else: the path "
	  "inside the initrd, and a template beside the site file or a map. "
	  "Below x86_64 or arm64 stand those for such machines only.",
	  "{/preseed.cfg: templates/preseed.cfg}" },
	{ "arch", AT_SITE | AT_GROUP | AT_NODE, 0, TYPE_ARCH, false, MORE(arch),
	  "Processor of the machine, x86_64 or arm64, where it is known: what "
	  "others would boot is not made for it then, a machine that is "
	  "another boots no profile, and templates see {{arch}}. Default: "
	  "whatever the machine says.",
	  "arm64" },
	{ "serve", AT_ANY, 0, TYPE_SERVE, true, MORE(serve),
	  "Files for the web server, by name, given as those of files: what "
	  "the booted system fetches itself. Templates and args see "
	  "{{serve.NAME.url}}, {{serve.NAME.sha256}} and {{serve.NAME.dir}}, "
	  "the URL up to its last \"/\".",
	  "{ignition: {template: worker.bu, convert: [butane, -s]}}" },
	{ "channel", AT_ANY, 0, TYPE_CHANNEL, false, MORE(channel),
	  "The channel that the machine follows, as PRODUCT/CHANNEL. Templates, "
	  "paths of kernels and initrds among them, see its values as "
	  "{{channel.version}} and so on, and \"stable\" as {{channel.name}}.",
	  "flatcar/stable" },
	{ "vars", AT_ANY, 0, TYPE_VARS, true, SETTINGS(vars),
	  "Values for templates, of any shape.", "{role: worker}" },

	{ "vars-from", AT_ANY, 0, TYPE_VARS_FROM, false, SETTINGS(vars_from),
	  "JSON or YAML files with more vars, each a map: an inventory that "
	  "another program writes, say. What vars of the same level say wins, "
	  "then the file that is named last.",
	  "facts/rack-7.json" },

	{ "network", AT_ANY, 0, TYPE_NETWORK, false, MORE(network),
	  "How machines get onto the network: dhcp, or a map. Each key of the "
	  "map replaces what the levels before it said; dhcp replaces all. An "
	  "unknown machine has what the site says, and asks DHCP for its "
	  "address. Default: dhcp, on any card that has a link.",
	  "{ip: \"{{ip}}/{{prefix}}\", gateway: 192.168.1.1, dns: "
	  "192.168.1.2}" },

	/* A network. */
	{ "ip", AT_NETWORK, 0, TYPE_TEXT, false, NETWORK(ip),
	  "IPv4 address with its prefix length, a template: the machine asks "
	  "no DHCP server.",
	  "\"{{ip}}/{{prefix}}\"" },
	{ "gateway", AT_NETWORK, 0, TYPE_TEXT, false, NETWORK(gateway),
	  "Address of the router, a template; for machines with an ip.",
	  "192.168.1.1" },
	{ "dns", AT_NETWORK, 0, TYPE_TEXTS, false, NETWORK(dns),
	  "Addresses of name servers, templates; they replace those of DHCP.",
	  "[192.168.1.2, 192.168.1.3]" },
	{ "vlan", AT_NETWORK, 0, TYPE_TEXT, false, NETWORK(vlan),
	  "Number of a VLAN, a template: for cards at trunk ports. iPXE tags "
	  "what it sends.",
	  "100" },
	{ "nics", AT_NETWORK, 0, TYPE_NICS, false, NETWORK(nics),
	  "The cards to use, and no others, in this order: as iPXE counts "
	  "them, or by MAC address.",
	  "[net0, 52:54:00:00:01:12]" },
	{ "ntp", AT_NETWORK, 0, TYPE_TEXT, false, NETWORK(ntp),
	  "Time server to ask before anything is fetched, a template: for "
	  "machines whose clock stands still. Whoever answers can turn back "
	  "time for certificates.",
	  "192.168.1.2" },

	/* A file, where a template of mode 0644 is not enough. */
	{ "template", AT_FILE, 0, TYPE_FILE_PATH, false, FILE_(from),
	  "A template beside the site file.", "templates/preseed.cfg" },
	{ "content", AT_FILE, 0, TYPE_TEXT, false, FILE_(body),
	  "The text itself, a template too.", "\"{{name}}\\n\"" },
	{ "file", AT_FILE, 0, TYPE_FILE_PATH, false, FILE_(from),
	  "A file beside the site file, taken byte for byte.",
	  "assets/ca.der" },
	{ "mode", AT_FILE, 0, TYPE_MODE, false, FILE_(mode),
	  "Permission bits in octal. Default: 0644.", "\"0600\"" },
	{ "convert", AT_FILE, 0, TYPE_COMMAND, false, FILE_(convert),
	  "A program that turns the file into what is wanted, once it is "
	  "rendered: it reads standard input and writes standard output. It is "
	  "run when the site is checked or built, without a shell. A name with "
	  "a \"/\" in it is a path like any other.",
	  "[butane, -s]" },
	{ "format", AT_FILE, 0, TYPE_FORMAT, false, FILE_(format),
	  "What the finished file must be: json, yaml or text (anything). "
	  "Default: what its name says, if that ends in .json, .ign, .yaml or "
	  ".yml.",
	  "json" },

	/* What lies elsewhere. */
	{ "url", AT_ASSET, AT_ASSET, TYPE_DOWNLOAD, false, ASSET(from),
	  "Where build fetches it from, once: an http:// or https:// URL, a "
	  "template. A copy lies in the tree then; machines fetch that.",
	  "\"http://mirror.example/{{channel.version}}/linux\"" },
	{ "sha256", AT_ASSET, AT_ASSET, TYPE_SHA256, false, ASSET(sha256),
	  "SHA-256 of its content in 64 hexadecimal digits, a template. "
	  "Anything else is refused.",
	  "\"{{channel.linux_sha256}}\"" },

	/* A menu. */
	{ "title", AT_MENU, 0, TYPE_WORDS, false, MENU(title),
	  "What stands above the items. Default: the name of the menu.",
	  "Rack 7: what shall this machine boot?" },
	{ "timeout", AT_MENU, 0, TYPE_DURATION, false, MENU(timeout_s),
	  "How long a menu waits for the first key before it takes its "
	  "default. Without it, it waits for ever.",
	  "30s" },
	{ "default", AT_MENU, 0, TYPE_NAME, false, MENU(chosen),
	  "Name of the item that is chosen at first. Default: the first one.",
	  "debian" },
	{ "items", AT_MENU, AT_MENU, TYPE_ITEMS, false, IN_MENU, 0,
	  "What can be chosen, shown in the order of the file: a boot order, "
	  "or a map. A choice that failed comes back to the menu after a "
	  "pause; Escape leaves all menus and goes on with the step behind "
	  "the one that led there.",
	  "{debian: {text: Install Debian, boot: debian}, disk: [disk, exit]}" },
	{ "text", AT_ITEM, 0, TYPE_WORDS, false, ITEM(text),
	  "The line that is shown. Default: the name of the item.",
	  "Install Debian (erases the disk)" },
	{ "key", AT_ITEM, 0, TYPE_KEY, false, ITEM(key),
	  "A letter or digit that chooses the item at once.", "d" },
	/* A rule for unknown machines. */
	{ "match", AT_RULE, 0, TYPE_MATCH, false, RULE(matches),
	  "For which machines the rule is: every key must hold, by any one of "
	  "its values. A rule without it is for all that come to it, so it is "
	  "the last one.",
	  "{arch: arm64, manufacturer: [HPE, \"Dell*\"]}" },
	{ "boot", AT_RULE, AT_RULE, TYPE_BOOT, false, RULE(boot),
	  "Boot order of these machines; it ends with exit if nothing else is "
	  "said.",
	  "[disk, poweroff]" },
	{ "allow-unknown-install", AT_RULE, 0, TYPE_BOOLEAN, false,
	  RULE(allow_install),
	  "Must be true for this rule to name a profile, unless the site says "
	  "so for all of them.",
	  "true" },
	{ "arch", AT_MATCH, 0, TYPE_ARCHS, false, MATCH(TRAIT_ARCH),
	  "Processor: x86_64 (all images for BIOS, too) or arm64.", "arm64" },
	{ "platform", AT_MATCH, 0, TYPE_PLATFORMS, false, MATCH(TRAIT_PLATFORM),
	  "Kind of firmware: pcbios or efi.", "efi" },
	{ "manufacturer", AT_MATCH, 0, TYPE_TAG_PATTERNS, false,
	  MATCH(TRAIT_MANUFACTURER),
	  "Who made the machine, plain or percent-encoded as unknown machines "
	  "print it. A value that ends in * stands for all that begin so with "
	  "up to 15 characters; * alone for any that is not empty.",
	  "[Supermicro, \"Dell*\"]" },
	{ "product", AT_MATCH, 0, TYPE_TAG_PATTERNS, false,
	  MATCH(TRAIT_PRODUCT), "Its model, like manufacturer.",
	  "\"PowerEdge R6*\"" },
	{ "serial", AT_MATCH, 0, TYPE_TAG_PATTERNS, false, MATCH(TRAIT_SERIAL),
	  "Its serial number, like manufacturer.", "\"VMware-*\"" },
	{ "asset", AT_MATCH, 0, TYPE_TAG_PATTERNS, false, MATCH(TRAIT_ASSET),
	  "Its asset tag, like manufacturer.", "\"RACK-12-*\"" },
	{ "uuid", AT_MATCH, 0, TYPE_UUID_PATTERNS, false, MATCH(TRAIT_UUID),
	  "Its UUID, or the first digits of it and *.", "\"4c4c4544-*\"" },
	{ "mac", AT_MATCH, 0, TYPE_MAC_PATTERNS, false, MATCH(TRAIT_MAC),
	  "MAC address of any card of it, or the first digits of it and *.",
	  "\"52:54:00:*\"" },

	{ "boot", AT_ITEM, AT_ITEM, TYPE_BOOT, false, ITEM(boot),
	  "Boot order of whoever chooses the item.", "[debian, reboot]" },

};

const size_t schema_key_count = sizeof(schema_keys) / sizeof(*schema_keys);

static const struct {
	enum level level;
	const char *name, *doc;
} levels[] = {
	{ AT_SITE, "site", "The top of the file" },
	{ AT_PROFILE, "profile", "An entry of profiles" },
	{ AT_GROUP, "group", "An entry of groups" },
	{ AT_NODE, "node", "An entry of nodes" },
	{ AT_FILE, "file", "An entry of files, as a map" },
	{ AT_MENU, "menu", "An entry of menus" },
	{ AT_ITEM, "item", "An entry of items, as a map" },
	{ AT_NETWORK, "network", "The map of network" },
	{ AT_ASSET, "asset", "The map of a kernel or initrd elsewhere" },
	{ AT_RULE, "rule", "A rule of unknown" },
	{ AT_MATCH, "match", "The map of match" },
	{ AT_PHASE, "phase", "An entry of phases" },
};

#define LEVELS (sizeof(levels) / sizeof(*levels))

const char *schema_level_name(enum level level)
{
	for (size_t i = 0; i < LEVELS; i++)
		if (levels[i].level == level)
			return levels[i].name;
	return "?";
}

bool schema_level(size_t i, enum level *ret_level, const char **ret_doc)
{
	if (i >= LEVELS)
		return false;
	*ret_level = levels[i].level;
	*ret_doc = levels[i].doc;
	return true;
}

bool schema_told_before(const struct schema_key *key, enum level level)
{
	/* Levels are bits in the order of levels[]. */
	return key->levels & (level - 1);
}

const struct schema_key *schema_find(struct text name, enum level level)
{
	for (size_t i = 0; i < schema_key_count; i++)
		if ((schema_keys[i].levels & level) &&
		    text_is(name, schema_keys[i].name))
			return &schema_keys[i];
	return NULL;
}

const struct schema_key *schema_find_anywhere(struct text name)
{
	for (size_t i = 0; i < schema_key_count; i++)
		if (text_is(name, schema_keys[i].name))
			return &schema_keys[i];
	return NULL;
}

const char *schema_nearest(struct text typed, enum level level)
{
	const char *names[sizeof(schema_keys) / sizeof(*schema_keys)];
	size_t count = 0;

	for (size_t i = 0; i < schema_key_count; i++)
		if (schema_keys[i].levels & level)
			names[count++] = schema_keys[i].name;
	return diag_nearest(typed, names, count);
}
