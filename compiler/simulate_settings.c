#include "simulate_parts.h"

#include "map.h"

#include <stdlib.h>

/* Longest text that an expansion may make, and how many steps it may take: what
 * needs more never ends, or grows until a real machine has no room. */
enum { EXPANDED_BYTES = 64 * 1024, EXPANSION_STEPS = 1000 };

/* Settings that iPXE knows by name. A tag is that of DHCP, with 175 for those of
 * iPXE itself; those of SMBIOS are not needed. */
#define EB(number) (175u << 8 | (number))

/* One a line, sorted by name. */
/* clang-format off */
static const struct known {
	const char *name;
	uint64_t tag;
	enum sim_type type;
	enum sim_scope scope;
} knowns[] = {
	{ "asset", 0, TYPE_STRING, SCOPE_SMBIOS },
	{ "board-serial", 0, TYPE_STRING, SCOPE_SMBIOS },
	{ "buildarch", 0, TYPE_STRING, SCOPE_BUILTIN },
	{ "busid", 0, TYPE_HEX, SCOPE_NONE },
	{ "busloc", 0, TYPE_UINT32, SCOPE_NONE },
	{ "bustype", 0, TYPE_STRING, SCOPE_NONE },
	{ "chip", 0, TYPE_STRING, SCOPE_NONE },
	{ "crosscert", EB(0x5d), TYPE_STRING, SCOPE_NONE },
	{ "cwduri", 0, TYPE_STRING, SCOPE_BUILTIN },
	{ "cwuri", 0, TYPE_STRING, SCOPE_BUILTIN },
	{ "dhcp-server", 54, TYPE_IPV4, SCOPE_NONE },
	{ "dns", 6, TYPE_IPV4, SCOPE_NONE },
	{ "domain", 15, TYPE_STRING, SCOPE_NONE },
	{ "errno", 0, TYPE_UINT32, SCOPE_BUILTIN },
	{ "filename", 67, TYPE_STRING, SCOPE_NONE },
	{ "gateway", 3, TYPE_IPV4, SCOPE_NONE },
	{ "hostname", 12, TYPE_STRING, SCOPE_NONE },
	{ "hwaddr", 0, TYPE_HEX, SCOPE_NONE },
	{ "ifname", 0, TYPE_STRING, SCOPE_NONE },
	{ "initiator-iqn", 203, TYPE_STRING, SCOPE_NONE },
	{ "ip", EB(0x02), TYPE_IPV4, SCOPE_NONE },
	{ "keep-san", EB(0x08), TYPE_INT8, SCOPE_NONE },
	{ "keymap", 0, TYPE_STRING, SCOPE_NONE },
	{ "linktype", 0, TYPE_STRING, SCOPE_NONE },
	{ "mac", 0, TYPE_HEX, SCOPE_NONE },
	{ "manufacturer", 0, TYPE_STRING, SCOPE_SMBIOS },
	{ "mtu", 26, TYPE_INT16, SCOPE_NONE },
	{ "netmask", 1, TYPE_IPV4, SCOPE_NONE },
	{ "next-server", EB(0x03), TYPE_IPV4, SCOPE_NONE },
	{ "ntp", 42, TYPE_IPV4, SCOPE_NONE },
	{ "password", EB(0xbf), TYPE_STRING, SCOPE_NONE },
	{ "peerdist", 0, TYPE_INT8, SCOPE_NONE },
	{ "peerhost", 0, TYPE_STRING, SCOPE_NONE },
	{ "platform", 0, TYPE_STRING, SCOPE_BUILTIN },
	{ "priority", EB(0x01), TYPE_INT8, SCOPE_NONE },
	{ "product", 0, TYPE_STRING, SCOPE_SMBIOS },
	{ "reverse-password", EB(0xc1), TYPE_STRING, SCOPE_NONE },
	{ "reverse-username", EB(0xc0), TYPE_STRING, SCOPE_NONE },
	{ "root-path", 17, TYPE_STRING, SCOPE_NONE },
	{ "san-drive", EB(0xbd), TYPE_UINT8, SCOPE_NONE },
	{ "san-filename", EB(0xbc), TYPE_STRING, SCOPE_NONE },
	{ "san-retries", EB(0xbb), TYPE_INT8, SCOPE_NONE },
	{ "scriptlet", EB(0x51), TYPE_STRING, SCOPE_NONE },
	{ "serial", 0, TYPE_STRING, SCOPE_SMBIOS },
	{ "skip-san-boot", EB(0x09), TYPE_INT8, SCOPE_NONE },
	{ "static-routes", 121, TYPE_HEX, SCOPE_NONE },
	{ "syslog", 7, TYPE_IPV4, SCOPE_NONE },
	{ "syslogs", EB(0x55), TYPE_STRING, SCOPE_NONE },
	{ "sysmac", 0, TYPE_HEX, SCOPE_BUILTIN },
	{ "unixtime", 0, TYPE_UINT32, SCOPE_BUILTIN },
	{ "user-class", 77, TYPE_STRING, SCOPE_NONE },
	{ "username", EB(0xbe), TYPE_STRING, SCOPE_NONE },
	{ "uuid", 0, TYPE_UUID, SCOPE_SMBIOS },
	{ "vendor-class", 60, TYPE_STRING, SCOPE_NONE },
	{ "version", 0, TYPE_STRING, SCOPE_BUILTIN },
	{ "vram", 0, TYPE_BASE64, SCOPE_BUILTIN },
};
/* clang-format on */

static const struct known *known_by_tag(uint64_t tag)
{
	for (size_t i = 0; i < sizeof(knowns) / sizeof(*knowns); i++)
		if (tag == knowns[i].tag)
			return &knowns[i];
	return NULL;
}

static int compare_known(const void *key, const void *known)
{
	return sim_compare(*(const struct text *)key,
			   ((const struct known *)known)->name);
}

static const struct known *known_of(struct text name, uint64_t tag)
{
	if (tag)
		return known_by_tag(tag);
	return bsearch(&name, knowns, sizeof(knowns) / sizeof(*knowns),
		       sizeof(*knowns), compare_known);
}

/* What exists on real machines and is not modelled. */
static const char *const foreign_blocks[] = {
	"pci", "cpuid", "memory", "memmap", "acpi", "vmware", "fdt", "uart",
};
static const char *const foreign_settings[] = {
	"unixtime", "sysmac", "vram", "busloc", "busid", "chip",
};

static bool is_one_of(struct text name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (text_is(name, names[i]))
			return true;
	return false;
}

#define IS_ONE_OF(name, names) \
	is_one_of(name, names, sizeof(names) / sizeof(*(names)))

/* ------------------------------------------------------------ blocks -- */

static struct text name_of(const struct sbuf *name)
{
	return (struct text){ sbuf_text(name), name->len };
}

struct sim_block *sim_block_add(struct sim *sim, struct sim_block *parent,
				struct text name, enum sim_block_kind kind)
{
	struct sim_block *block =
		sim_pool_take(&sim->blocks, sizeof(struct sim_block));

	block->kind = kind;
	block->parent = parent;
	block->nic = NULL;
	block->values.live = 0;
	sbuf_reset(&block->name);
	sbuf_add(&block->name, name.ptr, name.len);
	return block;
}

static struct sim_nic *latest_nic(const struct sim *sim)
{
	struct sim_nic *latest = NULL;

	for (size_t i = 0; i < sim->nics.live; i++) {
		struct sim_nic *nic = sim->nics.at[i];

		if (nic->opened && (!latest || nic->opened > latest->opened))
			latest = nic;
	}
	return latest;
}

static struct sim_block *target(const struct sim *sim, struct sim_block *block)
{
	if (block->kind == BLOCK_LATEST && latest_nic(sim))
		return latest_nic(sim)->block;
	return block;
}

static struct sim_block *child_of(struct sim *sim, struct sim_block *parent,
				  struct text name, bool make)
{
	parent = target(sim, parent);
	if (!name.len)
		return parent;
	if (text_is(name, "efi")) /* it is only there if that is the platform */
		sim->asked_for_kind = true;
	for (size_t i = 0; i < sim->blocks.live; i++) {
		struct sim_block *block = sim->blocks.at[i];

		if (block->parent == parent &&
		    text_equal(name_of(&block->name), name))
			return target(sim, block);
	}
	if (parent == sim->root && IS_ONE_OF(name, foreign_blocks))
		sim_unmodelled(sim, "settings %.*s/…", (int)name.len, name.ptr);
	return make ? sim_block_add(sim, parent, name, BLOCK_GENERIC) : NULL;
}

static struct sim_block *block_of(struct sim *sim, struct text path, bool make)
{
	struct sim_block *block = sim->root;

	for (;;) {
		const char *dot = memchr(path.ptr, '.', path.len);
		size_t len = dot ? (size_t)(dot - path.ptr) : path.len;

		block = child_of(sim, block, (struct text){ path.ptr, len },
				 make);
		if (!dot || !block)
			return block;
		path.ptr += len + 1;
		path.len -= len + 1;
	}
}

void sim_settings_init(struct sim *sim)
{
	sim->blocks.live = 0;
	sim->root = sim_block_add(sim, NULL, TEXT(""), BLOCK_GENERIC);
	sim_block_add(sim, sim->root, TEXT("builtin"), BLOCK_BUILTIN);
	sim_block_add(sim, sim->root, TEXT("smbios"), BLOCK_SMBIOS);
	if (sim->world->platform && strcmp(sim->world->platform, "efi") == 0)
		sim_block_add(sim, sim->root, TEXT("efi"), BLOCK_EFI);
	sim_block_add(sim, sim->root, TEXT("netX"), BLOCK_LATEST);
}

/* ---------------------------------------------------------- settings -- */

/* "175.189" is a tag, and so is "0x0f". */
static uint64_t tag_of(struct text name)
{
	uint64_t tag = 0;
	size_t used;

	for (;;) {
		tag = tag << 8 | sim_strtoul(name, 0, &used);
		if (used == name.len)
			return tag;
		if (name.ptr[used] != '.')
			return 0;
		name.ptr += used + 1;
		name.len -= used + 1;
	}
}

/* What a name means by itself, whatever blocks there are. */
static void take_name(struct sim_name *taken, struct text text)
{
	const char *slash = memchr(text.ptr, '/', text.len), *colon;
	size_t begin = slash ? (size_t)(slash - text.ptr) + 1 : 0;
	struct text name = { text.ptr + begin, text.len - begin };
	struct sim_ref *ref = &taken->ref;
	const struct known *known;

	colon = memchr(name.ptr, ':', name.len);
	if (colon)
		name.len = (size_t)(colon - name.ptr);
	*ref = (struct sim_ref){ .tag = tag_of(name) };
	taken->has_block = slash;
	taken->begin = begin;
	taken->len = name.len;
	known = known_of(name, ref->tag);
	if (known)
		*ref = (struct sim_ref){ .name = text_of(known->name),
					 .tag = known->tag,
					 .type = known->type,
					 .scope = known->scope };
	ref->hash = text_hash(known ? ref->name : name);
	taken->typed = colon;
	if (colon)
		ref->type = sim_type_of((struct text){
			colon + 1, (size_t)(text.ptr + text.len - colon - 1) });
}

/* Scripts use few names, each of them again and again. */
static const struct sim_name *name_at(struct sim *sim, struct text text)
{
	struct sim_name *taken = &sim->names[text_hash(text) & (SIM_NAMES - 1)];

	if (text.len && text_equal(name_of(&taken->text), text))
		return taken;
	sbuf_reset(&taken->text);
	sbuf_add(&taken->text, text.ptr, text.len);
	take_name(taken, text);
	return taken;
}

int sim_ref_parse(struct sim *sim, struct text text, bool make,
		  struct sim_ref *ret_ref)
{
	const struct sim_name *taken = name_at(sim, text);

	*ret_ref = taken->ref;
	if (!ret_ref->name.ptr)
		ret_ref->name =
			(struct text){ text.ptr + taken->begin, taken->len };
	ret_ref->block = sim->root;
	if (taken->has_block)
		ret_ref->block = block_of(
			sim, (struct text){ text.ptr, taken->begin - 1 }, make);
	if (!ret_ref->block)
		return SIM_ENODEV;
	return taken->typed && !ret_ref->type ? SIM_ENOTSUP : 0;
}

static bool same(const struct sim_value *value, const struct sim_ref *ref)
{
	if (ref->tag && value->tag == ref->tag && value->scope == ref->scope)
		return true;
	return value->hash == ref->hash && value->name.len &&
	       text_equal((struct text){ value->name.ptr, value->name.len },
			  ref->name);
}

static struct sim_value *value_of(const struct sim_block *block,
				  const struct sim_ref *ref)
{
	if (block->kind == BLOCK_DHCP && !ref->tag)
		return NULL;
	for (size_t i = 0; i < block->values.live; i++) {
		struct sim_value *value = block->values.at[i];

		if (value->set && same(value, ref))
			return value;
	}
	return NULL;
}

static bool answer(struct sbuf *raw, struct text text)
{
	sbuf_reset(raw);
	if (!text.ptr)
		return false;
	sbuf_add(raw, text.ptr, text.len);
	return true;
}

/* Of a URL, its directory. */
static struct text up_to_slash(struct text url)
{
	while (url.len && url.ptr[url.len - 1] != '/')
		url.len--;
	return url;
}

static const char *build_arch(const struct sim_world *world)
{
	bool bios = !world->platform || strcmp(world->platform, "pcbios") == 0;

	if (world->arch)
		return world->arch;
	return bios ? "i386" : "x86_64";
}

static bool fetch_builtin(struct sim *sim, struct text name, struct sbuf *raw)
{
	const struct sim_world *world = sim->world;
	unsigned char error[4];

	if (text_is(name, "platform") || text_is(name, "buildarch"))
		sim->asked_for_kind = true;
	if (text_is(name, "platform"))
		return answer(raw, text_of(world->platform ? world->platform
							   : "pcbios"));
	if (text_is(name, "buildarch"))
		return answer(raw, text_of(build_arch(world)));
	if (text_is(name, "version"))
		return answer(raw, TEXT("2.0.0"));
	if (text_is(name, "cwuri"))
		return sim->directory.len &&
		       answer(raw, name_of(&sim->directory));
	if (text_is(name, "cwduri"))
		return sim->directory.len &&
		       answer(raw, up_to_slash(name_of(&sim->directory)));
	if (text_is(name, "errno")) {
		for (size_t i = 0; i < 4; i++)
			error[i] = (unsigned char)(sim->error >> (24 - 8 * i));
		return answer(raw, (struct text){ (char *)error, 4 });
	}
	if (IS_ONE_OF(name, foreign_settings))
		sim_unmodelled(sim, "setting %.*s", (int)name.len, name.ptr);
	return false;
}

static bool fetch_smbios(struct sim *sim, struct text name, struct sbuf *raw)
{
	const struct sim_world *world = sim->world;

	if (text_is(name, "uuid"))
		return world->uuid.ptr &&
		       sim_parse(sim, TYPE_UUID, world->uuid, raw) == 0;
	if (text_is(name, "serial"))
		return answer(raw, world->serial);
	if (text_is(name, "asset"))
		return answer(raw, world->asset);
	if (text_is(name, "manufacturer"))
		return answer(raw, world->manufacturer);
	if (text_is(name, "product"))
		return answer(raw, world->product);
	return false;
}

static bool fetch_card(struct sim *sim, const struct sim_nic *nic,
		       struct text name, struct sbuf *raw)
{
	if (text_is(name, "mac"))
		return answer(raw, (struct text){ (const char *)nic->mac, 6 });
	if (text_is(name, "hwaddr"))
		return answer(
			raw,
			(struct text){ (const char *)nic->hardware_mac, 6 });
	if (text_is(name, "ifname"))
		return answer(raw, name_of(&nic->name));
	if (text_is(name, "linktype"))
		return answer(raw, TEXT("Ethernet"));
	if (IS_ONE_OF(name, foreign_settings))
		sim_unmodelled(sim, "setting %.*s", (int)name.len, name.ptr);
	return false;
}

/* Of this block alone. */
static bool fetch_here(struct sim *sim, const struct sim_block *block,
		       const struct sim_ref *ref, struct sbuf *raw,
		       enum sim_type *type)
{
	const struct sim_value *value;

	switch (block->kind) {
	case BLOCK_BUILTIN:
		return ref->scope == SCOPE_BUILTIN &&
		       fetch_builtin(sim, ref->name, raw);
	case BLOCK_SMBIOS:
		return ref->scope == SCOPE_SMBIOS &&
		       fetch_smbios(sim, ref->name, raw);
	case BLOCK_EFI:
		if (!text_is(ref->name, "SecureBoot"))
			return false;
		if (!*type)
			*type = TYPE_HEX;
		return answer(
			raw, (struct text){ sim->world->secure_boot ? "\1" : "",
					    1 });
	case BLOCK_LATEST:
		return false;
	case BLOCK_CARD:
		if (fetch_card(sim, block->nic, ref->name, raw))
			return true;
		break;
	case BLOCK_GENERIC:
	case BLOCK_DHCP:
		break;
	}
	value = value_of(block, ref);
	if (!value)
		return false;
	if (!*type)
		*type = value->type;
	return answer(raw, (struct text){ value->raw.ptr, value->raw.len });
}

static bool fetch_below(struct sim *sim, struct sim_block *block,
			const struct sim_ref *ref, struct sbuf *raw,
			enum sim_type *type)
{
	block = target(sim, block);
	if (fetch_here(sim, block, ref, raw, type)) {
		if (!*type)
			*type = TYPE_STRING;
		return true;
	}
	if (block->kind == BLOCK_LATEST)
		return false;
	for (size_t i = 0; i < sim->blocks.live; i++) {
		struct sim_block *child = sim->blocks.at[i];

		if (child->parent == block &&
		    fetch_below(sim, child, ref, raw, type))
			return true;
	}
	return false;
}

bool sim_fetch(struct sim *sim, const struct sim_ref *ref, struct sbuf *raw,
	       enum sim_type *ret_type)
{
	if (text_is(ref->name, "SecureBoot"))
		sim->asked_for_kind = true;
	*ret_type = ref->type;
	return fetch_below(sim, ref->block, ref, raw, ret_type);
}

static struct sim_value *value_new(struct sim_block *block,
				   const struct sim_ref *ref)
{
	struct sim_value *value = NULL;

	for (size_t i = 0; i < block->values.live && !value; i++) {
		struct sim_value *old = block->values.at[i];

		if (!old->set)
			value = old;
	}
	if (!value)
		value = sim_pool_take(&block->values, sizeof(*value));
	sbuf_reset(&value->name);
	sbuf_add(&value->name, ref->name.ptr, ref->name.len);
	value->hash = ref->hash;
	value->set = true;
	return value;
}

static void store_generic(struct sim_block *block, const struct sim_ref *ref,
			  const void *raw, size_t len)
{
	struct sim_value *value = value_of(block, ref);

	if (!len) {
		if (value)
			value->set = false;
		return;
	}
	if (!value)
		value = value_new(block, ref);
	value->tag = ref->tag;
	value->scope = ref->scope;
	value->type = ref->type;
	sbuf_reset(&value->raw);
	sbuf_add(&value->raw, raw, len);
}

static int store_mac(struct sim_nic *nic, const void *raw, size_t len)
{
	if (len && len != sizeof(nic->mac))
		return SIM_EINVAL;
	memcpy(nic->mac, len ? raw : nic->hardware_mac, sizeof(nic->mac));
	return 0;
}

static const char *const fixed_settings[] = {
	"hwaddr", "bustype", "busloc", "busid", "linktype", "chip", "ifname",
};

int sim_store(struct sim *sim, const struct sim_ref *ref, const void *raw,
	      size_t len)
{
	struct sim_block *block = target(sim, ref->block);

	switch (block->kind) {
	case BLOCK_BUILTIN:
		if (ref->scope != SCOPE_BUILTIN)
			return SIM_ENOTTY;
		sim_unmodelled(sim, "setting builtin/%.*s", (int)ref->name.len,
			       ref->name.ptr);
		return SIM_ENOTSUP;
	case BLOCK_SMBIOS:
		return ref->scope == SCOPE_SMBIOS ? SIM_ENOTSUP : SIM_ENOTTY;
	case BLOCK_EFI:
	case BLOCK_LATEST:
		return SIM_ENOTSUP;
	case BLOCK_DHCP:
		if (!ref->tag)
			return SIM_ENOTTY;
		break;
	case BLOCK_CARD:
		if (text_is(ref->name, "mac"))
			return store_mac(block->nic, raw, len);
		if (IS_ONE_OF(ref->name, fixed_settings))
			return SIM_ENOTSUP;
		break;
	case BLOCK_GENERIC:
		break;
	}
	store_generic(block, ref, raw, len);
	return 0;
}

int sim_store_text(struct sim *sim, const struct sim_ref *ref,
		   struct text value)
{
	struct sim_ref typed = *ref;
	int error;

	if (!value.len)
		return sim_store(sim, &typed, NULL, 0);
	if (!typed.type)
		typed.type = TYPE_STRING;
	error = sim_parse(sim, typed.type, value, &sim->raw);
	return error ? error
		     : sim_store(sim, &typed, sim->raw.ptr, sim->raw.len);
}

void sim_settings_lease(struct sim *sim, struct sim_nic *nic)
{
	struct sim_block *block = child_of(sim, nic->block, TEXT("dhcp"), true);
	const struct sim_world *world = sim->world;
	struct sim_ref ref;

	block->kind = BLOCK_DHCP;
	block->values.live = 0;
	for (size_t i = 0; i < world->given_count; i++) {
		if (sim_ref_parse(sim, text_of(world->given[i].name), false,
				  &ref))
			continue;
		ref.block = block;
		(void)sim_store_text(sim, &ref, text_of(world->given[i].value));
	}
	(void)sim_ref_parse(sim, TEXT("ip"), false, &ref);
	ref.block = block;
	(void)sim_store_text(sim, &ref, TEXT("10.0.2.15"));
}

/* --------------------------------------------------------- expansion -- */

/* The value as text, up to its first NUL. */
static void show(struct sim *sim, struct text name, struct sbuf *out)
{
	enum sim_type type;
	struct sim_ref ref;

	sbuf_reset(out);
	if (sim_ref_parse(sim, name, false, &ref) ||
	    !sim_fetch(sim, &ref, &sim->value, &type))
		return;
	if (sim_format(sim, type, &sim->value, out))
		sbuf_reset(out);
	out->len = strlen(sbuf_text(out));
}

/* Most values: whatever stands around them, they make no reference. */
static bool is_plain(struct text value)
{
	return !memchr(value.ptr, '$', value.len) &&
	       !memchr(value.ptr, '{', value.len) &&
	       !memchr(value.ptr, '}', value.len);
}

/* Up to the next brace. */
static size_t brace_at(struct text text, size_t i)
{
	while (i < text.len && text.ptr[i] != '{' && text.ptr[i] != '}')
		i++;
	return i;
}

/* Where the last reference begins; there is one. */
static size_t last_reference(const struct sbuf *text)
{
	size_t at = text->len - 1;

	while (text->ptr[at] != '$' || text->ptr[at + 1] != '{')
		at--;
	return at;
}

/* Of a text that is expanded, what is made of it so far, and the rest of it. */
static void keep_rest(struct sim *sim, struct sbuf *out, size_t base,
		      struct text text, size_t begin)
{
	struct sbuf swap = sim->spare;

	sbuf_reset(&swap);
	sbuf_add(&swap, out->ptr + base, out->len - base);
	sbuf_add(&swap, text.ptr + begin, text.len - begin);
	out->len = base;
	sim->spare = sim->again; /* where the text may be */
	sim->again = swap;
}

enum expansion { EXPANSION_DONE, EXPANSION_AGAIN, EXPANSION_ENDLESS };

/* iPXE looks for the first "}" that has a "${" before it, replaces from the last
 * of those on, and begins again at the top. To go on behind the value comes to the
 * same while values are plain. Behind one that is not, what is left to do stands in
 * sim->again.
 *
 * @param base	where in @p out the text begins
 * @param step	references that have been replaced so far */
static enum expansion expand_plain(struct sim *sim, struct text text,
				   struct sbuf *out, size_t base, size_t *step)
{
	size_t open = 0; /* references that have begun */

	for (size_t i = 0, brace; i < text.len; i = brace + 1) {
		struct text name;

		brace = brace_at(text, i);
		sbuf_add(out, text.ptr + i, brace - i);
		if (brace == text.len)
			break;
		if (text.ptr[brace] == '{' || !open) {
			open += text.ptr[brace] == '{' && out->len > base &&
				out->ptr[out->len - 1] == '$';
			sbuf_putc(out, text.ptr[brace]);
			continue;
		}
		if ((*step)++ == EXPANSION_STEPS ||
		    out->len - base + text.len - brace > EXPANDED_BYTES)
			return EXPANSION_ENDLESS; /* each step takes time */
		name.ptr = out->ptr + last_reference(out) + 2;
		name.len = (size_t)(out->ptr + out->len - name.ptr);
		show(sim, name, &sim->shown);
		out->len = (size_t)(name.ptr - out->ptr) - 2;
		sbuf_add(out, sim->shown.ptr, sim->shown.len);
		open--;
		if (!is_plain(name_of(&sim->shown))) {
			keep_rest(sim, out, base, text, brace + 1);
			return EXPANSION_AGAIN;
		}
	}
	return EXPANSION_DONE;
}

bool sim_expand_add(struct sim *sim, struct text token, struct sbuf *out)
{
	size_t base = out->len, step = 0;
	enum expansion how = expand_plain(sim, token, out, base, &step);

	while (how == EXPANSION_AGAIN)
		how = expand_plain(sim, name_of(&sim->again), out, base, &step);
	return how == EXPANSION_DONE && out->len - base <= EXPANDED_BYTES;
}
