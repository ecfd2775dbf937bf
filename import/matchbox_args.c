#include "matchbox.h"

#include "source.h"
#include "value.h"

#include <ctype.h>

/* ------------------------------------------------------------------ URLs -- */

static bool text_has(struct text text, const char *part)
{
	return text.len && memmem(text.ptr, text.len, part, strlen(part));
}

static bool is_url(struct text text)
{
	return text_has(text, "://");
}

/* What is left behind the first occurrence of something. */
static struct text behind(struct text text, const char *part)
{
	const char *at =
		text.len ? memmem(text.ptr, text.len, part, strlen(part))
			 : NULL;
	size_t len = strlen(part);

	if (!at)
		return (struct text){ 0 };
	return (struct text){ at + len,
			      (size_t)(text.ptr + text.len - at) - len };
}

static struct text before(struct text text, char c)
{
	const char *at = text.len ? memchr(text.ptr, c, text.len) : NULL;

	if (at)
		text.len = (size_t)(at - text.ptr);
	return text;
}

struct text matchbox_endpoint(struct text url)
{
	struct text path = before(url, '?');

	return text_basename(path);
}

static bool endpoint_kind(struct text endpoint, enum config_kind *ret_kind)
{
	for (size_t i = 0; i < CONFIGS; i++)
		if (text_is(endpoint, config_kinds[i])) {
			*ret_kind = (enum config_kind)i;
			return true;
		}
	return false;
}

/* Labels of a query that are no settings of iPXE. */
static void query_labels(struct matchbox *mb, struct text url,
			 struct mb_labels *ret)
{
	struct text rest = behind(url, "?");

	while (rest.len) {
		struct text item = before(rest, '&');
		struct mb_label label = { 0 };

		label.key = before(item, '=');
		label.value = behind(item, "=");
		if (label.value.ptr && !text_has(label.value, "${") &&
		    !matchbox_is_boot_label(label.key))
			*vec_push(mb->im->arena, ret) = label;
		rest.ptr += item.len;
		rest.len -= item.len;
		if (rest.len) {
			rest.ptr++;
			rest.len--;
		}
	}
}

/* ---------------------------------------------------------------- assets -- */

/* A URL, or what GRUB has instead: "(http;SERVER)/assets/…". */
static bool names_server(struct text text)
{
	return is_url(text) ||
	       (text_has(text, ")/assets/") && text.ptr[0] == '(');
}

static struct text asset_path(struct matchbox *mb, const struct mb_value *value,
			      struct text text)
{
	struct text path = text;

	if (names_server(text))
		path = behind(text, "/assets/");
	if (!path.ptr) {
		path = text_of(arena_printf(
			mb->im->arena, "assets/%s",
			arena_copy(mb->im->arena, behind(text, "://").ptr,
				   before(behind(text, "://"), '?').len)));
		import_find(mb->im, FATE_TODO, value->at, NULL,
			    "fetch %.*s, check it, and put it at %s",
			    (int)text.len, text.ptr, path.ptr);
		return path;
	}
	if (names_server(text)) {
		import_find(mb->im, FATE_CHANGED, value->at, NULL,
			    "taken from the tree of the site, not from %.*s",
			    (int)text.len, text.ptr);
		return text_of(arena_printf(mb->im->arena, "assets/%.*s",
					    (int)path.len, path.ptr));
	}
	while (path.len && path.ptr[0] == '/') {
		path.ptr++;
		path.len--;
	}
	return path;
}

struct text matchbox_asset(struct matchbox *mb, const struct mb_value *value)
{
	struct text text = value->text, path, none = { 0 };
	const char *space = text.len ? memrchr(text.ptr, ' ', text.len) : NULL;
	const char *wrong;

	if (space) {
		import_find(mb->im, FATE_CHANGED, value->at, NULL,
			    "\"%.*s\": options of iPXE's initrd command are "
			    "left out",
			    (int)text.len, text.ptr);
		text.len -= (size_t)(space + 1 - text.ptr);
		text.ptr = space + 1;
	}
	if (text_has(text, "${")) {
		import_find(mb->im, FATE_LOST, value->at,
			    "write a profile for each value, and let the nodes "
			    "name theirs",
			    "\"%.*s\": its path depends on a setting of iPXE",
			    (int)text.len, text.ptr);
		return none;
	}
	path = asset_path(mb, value, text);
	wrong = value_path(path);
	if (!wrong)
		wrong = value_file_name(text_basename(path));
	if (!wrong && text_has(path, "{{"))
		wrong = "holds \"{{\"";
	if (!wrong)
		return path;
	import_find(mb->im, FATE_LOST, value->at, NULL, "\"%.*s\" %s",
		    (int)text.len, text.ptr, wrong);
	return none;
}

/* ------------------------------------------------------- configurations -- */

/* How a system takes its configuration: by an argument with a URL, or from its
 * own initrd, which is verified. */
struct carrier {
	const char *arg;
	const char *path;        /* in the initrd */
	const char *replacement; /* of the argument; NULL: it goes */
	bool fedora;             /* for a CoreOS with rpm-ostree only */
	bool oem;                /* for a CoreOS with /usr/share/oem only */
};

/* The rows for Flatcar and Container Linux: what lies in /usr/share/oem of the
 * initrd is used before any URL. Fedora CoreOS takes /config.ign, which is what
 * `coreos-installer pxe ignition wrap` makes. */
static const struct carrier carriers[] = {
	{ "coreos.config.url", "/usr/share/oem/config.ign", NULL, false, true },
	{ "flatcar.config.url", "/usr/share/oem/config.ign", NULL, false,
	  true },
	{ "ignition.config.url", "/usr/share/oem/config.ign", NULL, false,
	  true },
	{ "ignition.config.url", "/config.ign", NULL, true, false },
	{ "cloud-config-url", "/usr/share/oem/cloud-config.yml", NULL, false,
	  true },
	{ "inst.ks", "/ks.cfg", "inst.ks=file:/ks.cfg", false, false },
	{ "ks", "/ks.cfg", "inst.ks=file:/ks.cfg", false, false },
	{ "url", "/preseed.cfg", "file=/preseed.cfg", false, false },
	{ "preseed/url", "/preseed.cfg", "file=/preseed.cfg", false, false },
};

bool matchbox_is_fedora(const struct mb_profile *p)
{
	return p->kernel.text.ptr && (text_has(p->kernel.text, "fedora") ||
				      text_has(p->kernel.text, "rhcos") ||
				      text_has(p->kernel.text, "scos"));
}

static const struct carrier *carrier_find(const struct mb_profile *p,
					  struct text arg)
{
	bool fedora = matchbox_is_fedora(p);

	for (size_t i = 0; i < sizeof(carriers) / sizeof(*carriers); i++) {
		const struct carrier *c = &carriers[i];

		if (text_is(arg, c->arg) && !(c->fedora && !fedora) &&
		    !(c->oem && fedora))
			return c;
	}
	return NULL;
}

/* `coreos.config.url=http://matchbox/ignition?…`: into the initrd with it. */
static void config_arg(struct matchbox *mb, struct mb_profile *p,
		       struct text name, struct text url, struct span at,
		       struct sbuf *ret)
{
	const struct carrier *carrier = carrier_find(p, name);
	struct mb_wanted wanted = { .profile = p };
	struct mb_labels labels = { 0 };
	bool known = endpoint_kind(matchbox_endpoint(url), &wanted.kind);

	query_labels(mb, url, &labels);
	wanted.role = matchbox_role(mb, &labels);
	if (known && text_is(name, "coreos.inst.ignition_url")) {
		matchbox_coreos_installer(mb, p, &wanted, at);
		return;
	}
	if (!known || !carrier) {
		import_find(mb->im, FATE_LOST, at,
			    "put the file into the initrd (files:) if the "
			    "system can take it from there, or serve it and "
			    "check its digest",
			    "\"%.*s\" asks Matchbox while the system runs",
			    (int)name.len, name.ptr);
		return;
	}
	if (p->alone && p->alone->selectors.count && !text_has(url, "arch="))
		import_find(mb->im, FATE_CHANGED, at, NULL,
			    "\"%.*s\" does not say which processor asks, so "
			    "Matchbox answered as to any machine; here it is "
			    "the configuration of this profile",
			    (int)name.len, name.ptr);
	wanted.path = text_of(carrier->path);
	if (p->installs && text_is(wanted.path, "/config.ign")) {
		import_find(mb->im, FATE_LOST, at,
			    "put what it says into coreos-installer.bu",
			    "\"%.*s\": %s is what tells the installer",
			    (int)name.len, name.ptr, carrier->path);
		return;
	}
	if (!matchbox_want(mb, &wanted)) {
		import_find(mb->im, FATE_LOST, at, NULL,
			    "\"%.*s\": there is no configuration that could be "
			    "put into the initrd",
			    (int)name.len, name.ptr);
		return;
	}
	if (carrier->replacement)
		sbuf_puts(ret, carrier->replacement);
	import_find(mb->im, FATE_CHANGED, at, NULL,
		    "\"%.*s\": the configuration comes in the verified initrd, "
		    "as %s, not from a server",
		    (int)name.len, name.ptr, carrier->path);
}

/* ---------------------------------------------------------- arguments -- */

/* Settings of iPXE that the site knows of a node beforehand. */
static const struct {
	const char *setting; /* without "net0/" and a form */
	const char *form;
	const char *label, *variable;
} settings[] = {
	{ "mac", "", "mac", "{{mac}}" },
	{ "mac", "hexhyp", "mac", "{{mac_hyphens}}" },
	{ "uuid", "", "uuid", "{{uuid}}" },
	{ "serial", "", "serial", "{{serial}}" },
};

/* Whether all who boot the profile are known by this. */
static bool all_have(const struct matchbox *mb, const struct mb_profile *p,
		     const char *label)
{
	const struct mb_node *node;

	for (size_t i = 0; (node = matchbox_machine(mb, i)); i++) {
		bool has = false;

		if (!node->by_role[0] || node->by_role[0]->boots != p)
			continue;
		for (size_t j = 0; j < node->labels.count; j++)
			has = has || text_is(node->labels.at[j].key, label);
		if (!has)
			return false;
	}
	return p->boots;
}

/* Settings of iPXE that the machine tells by itself. */
static const struct {
	const char *setting, *form, *variable;
	bool encoded; /* here, but not there */
} machine_settings[] = {
	{ "mac", "", "{{boot.mac}}", false },
	{ "mac", "hexhyp", "{{boot.mac-hyphens}}", false },
	{ "mac", "hexraw", "{{boot.mac-plain}}", false },
	{ "ip", "", "{{boot.ip}}", false },
	{ "netmask", "", "{{boot.netmask}}", false },
	{ "gateway", "", "{{boot.gateway}}", false },
	{ "uuid", "", "{{boot.uuid}}", false },
	{ "serial", "uristring", "{{boot.serial}}", false },
	{ "serial", "", "{{boot.serial}}", true },
	{ "asset", "uristring", "{{boot.asset}}", false },
	{ "asset", "", "{{boot.asset}}", true },
	{ "manufacturer", "uristring", "{{boot.manufacturer}}", false },
	{ "manufacturer", "", "{{boot.manufacturer}}", true },
	{ "product", "uristring", "{{boot.product}}", false },
	{ "product", "", "{{boot.product}}", true },
	{ "buildarch", "", "{{boot.buildarch}}", false },
	{ "platform", "", "{{boot.platform}}", false },
};

/* @param card	that it is asked of; or empty */
static const char *machine_variable(struct matchbox *mb, struct text card,
				    struct text name, struct text form,
				    struct span at)
{
	for (size_t i = 0;
	     i < sizeof(machine_settings) / sizeof(*machine_settings); i++) {
		const char *variable = machine_settings[i].variable;

		if (!text_is(name, machine_settings[i].setting) ||
		    !text_is(form, machine_settings[i].form))
			continue;
		if (card.len)
			import_find(mb->im, FATE_CHANGED, at, NULL,
				    "%s is that of the card that the machine "
				    "is online with, not of %.*s",
				    variable, (int)card.len, card.ptr);
		if (machine_settings[i].encoded)
			import_find(mb->im, FATE_CHANGED, at, NULL,
				    "%s is percent-encoded, where it holds a "
				    "space or a mark with a meaning in URLs",
				    variable);
		return variable;
	}
	return NULL;
}

/* @param inside	what stands within ${…} */
static const char *setting_variable(struct matchbox *mb,
				    const struct mb_profile *p,
				    struct text inside, struct span at)
{
	struct text name = before(inside, ':'), form = behind(inside, ":");
	struct text card = { 0 };

	if (behind(name, "/").ptr) {
		card = before(name, '/');
		name = behind(name, "/");
	}
	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++)
		if (text_is(name, settings[i].setting) &&
		    text_is(form, settings[i].form) &&
		    all_have(mb, p, settings[i].label)) {
			mb->mac_hyphens |= text_is(form, "hexhyp");
			return settings[i].variable;
		}
	return machine_variable(mb, card, name, form, at);
}

/* Replaces settings of iPXE. @return false if one cannot be */
static bool put_settings(struct matchbox *mb, const struct mb_profile *p,
			 struct text arg, struct span at, struct sbuf *ret)
{
	for (size_t i = 0; i < arg.len; i++) {
		struct text rest = { arg.ptr + i + 2, arg.len - i - 2 };
		struct text inside;
		const char *variable;

		if (arg.ptr[i] != '$' || i + 1 >= arg.len ||
		    arg.ptr[i + 1] != '{') {
			sbuf_putc(ret, arg.ptr[i]);
			continue;
		}
		inside = before(rest, '}');
		if (inside.len == rest.len)
			return false;
		variable = setting_variable(mb, p, inside, at);
		if (!variable)
			return false;
		sbuf_puts(ret, variable);
		i += 2 + inside.len;
	}
	return true;
}

static bool is_matchbox_url(struct text value)
{
	enum config_kind kind;

	return is_url(value) &&
	       (endpoint_kind(matchbox_endpoint(value), &kind) ||
		text_is(matchbox_endpoint(value), "metadata"));
}

/* The root file system of a live Fedora CoreOS may come as a second initrd: then
 * iPXE verifies it like the rest. */
static bool take_root_file_system(struct matchbox *mb, struct mb_profile *p,
				  struct text name, struct text value,
				  struct span at)
{
	if (!text_is(name, "coreos.live.rootfs_url") ||
	    !text_has(value, "/assets/"))
		return false;
	*vec_push(mb->im->arena, &p->initrds) =
		(struct mb_value){ .text = value, .at = at };
	import_find(mb->im, FATE_CHANGED, at, NULL,
		    "\"%.*s\": the root file system is the second initrd now, "
		    "verified; the machine needs 4 GiB of memory",
		    (int)name.len, name.ptr);
	return true;
}

void matchbox_arg(struct matchbox *mb, struct mb_profile *p, struct text arg,
		  struct span at, struct sbuf *ret)
{
	struct text name = before(arg, '='), value = behind(arg, "=");

	if (is_matchbox_url(value)) {
		config_arg(mb, p, name, value, at, ret);
		return;
	}
	if (take_root_file_system(mb, p, name, value, at))
		return;
	if (text_is(name, "initrd")) {
		import_find(mb->im, FATE_CHANGED, at, NULL,
			    "\"%.*s\" is left out: iPXE hands over the initrds "
			    "itself",
			    (int)arg.len, arg.ptr);
		return;
	}
	if (text_has(arg, "{{") || !put_settings(mb, p, arg, at, ret)) {
		sbuf_reset(ret);
		import_find(mb->im, FATE_LOST, at,
			    "write what it means as vars of the nodes",
			    "\"%.*s\" holds what cannot be told beforehand",
			    (int)arg.len, arg.ptr);
		return;
	}
	if (is_url(value) && text_has(value, "/assets/"))
		import_find(mb->im, FATE_TODO, at, NULL,
			    "\"%.*s\" is fetched by the system itself: serve "
			    "it, and let the system check it",
			    (int)arg.len, arg.ptr);
}
