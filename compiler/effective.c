#include "effective.h"

#include "arena.h"
#include "hex.h"
#include "levels.h"
#include "map.h"
#include "menu.h"
#include "path.h"
#include "plan.h"
#include "quote.h"
#include "resolve.h"
#include "sbuf.h"
#include "template.h"
#include "template_file.h"
#include "trace.h"
#include "uplink.h"
#include "value.h"
#include "vec.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

/* A Linux kernel on x86 takes a command line of 2047 bytes; iPXE on BIOS cuts
 * a longer one silently (bzimage.c of iPXE 2.0.0). */
enum { COMMAND_LINE_MAX = 2047 };

/* In the manifest, who wants a blob; more than these are only counted. */
enum { WANTED_BY_MAX = 8 };

/* What templates know of a machine besides its vars. The order is that of
 * reserved_names[]. */
enum fact {
	FACT_NAME,
	FACT_SITE,
	FACT_URL,
	FACT_PROFILE,
	FACT_GROUPS,
	FACT_MAC,
	FACT_MACS,
	FACT_UUID,
	FACT_SERIAL,
	FACT_ASSET,
	FACT_IP,
	FACT_PREFIX,
	FACT_NETMASK,
	FACT_CHANNEL,
	FACT_PHASE,
	FACTS,
};

const char *const reserved_names[] = {
	"name",
	"site",
	"url",
	"profile",
	"groups",
	"mac",
	"macs",
	"uuid",
	"serial",
	"asset",
	"ip",
	"prefix",
	"netmask",
	"channel",
	"phase",
	/* planned, so taken already */
	"boot",
	"serve",
	NULL,
};

struct builder {
	struct arena *arena;
	const struct site *site;
	const struct compile_env *env;
	struct diags *ds;
	struct map blobs;     /* path below www -> struct blob */
	struct map assets;    /* path beside the site file -> struct asset */
	struct map ukis;      /* all that is in one -> struct blob */
	struct map addresses; /* static ones -> struct node */
	VEC(struct blob *) all_blobs;
	bool *long_line; /* by profile: has been warned of */

	struct levels levels; /* that hold, for what is being made */
	struct trace trace;
	struct text phase; /* that the machine at hand is in, or may come to */

	/* The facts of the machine at hand, written over for each. */
	struct doc facts;
	struct doc_pair fact_pairs[FACTS];
	struct doc fact_values[FACTS];
	struct sbuf rendered;
};

/* A kernel, initrd or verbatim file on disk, measured once. */
struct asset {
	bool bad;         /* reported */
	struct text path; /* with the directory of the site file */
	struct digest digest;
	struct blob *blob; /* the last one made of it */
};

/* ------------------------------------------------------------ facts -- */

static void fact_set_doc(struct builder *b, enum fact fact,
			 const struct doc *doc)
{
	struct doc *value = &b->fact_values[fact];

	*value = *doc;
	b->fact_pairs[b->facts.count++] =
		(struct doc_pair){ .key = text_of(reserved_names[fact]),
				   .value = value };
}

static void fact_set(struct builder *b, enum fact fact, struct text text)
{
	if (text.ptr)
		fact_set_doc(b, fact,
			     &(struct doc){ .kind = DOC_SCALAR, .text = text });
}

/* A list of texts, for {{#macs}}{{.}}{{/macs}}. */
static void fact_set_list(struct builder *b, enum fact fact, struct doc **items,
			  size_t count)
{
	fact_set_doc(b, fact,
		     &(struct doc){ .kind = DOC_LIST,
				    .items = items,
				    .count = count });
}

static struct doc *text_doc(struct arena *arena, struct text text)
{
	struct doc *doc = arena_new(arena, struct doc);

	doc->kind = DOC_SCALAR;
	doc->text = text;
	return doc;
}

static void facts_set_ip(struct builder *b, struct text ip)
{
	const char *slash = memchr(ip.ptr, '/', ip.len);
	size_t len = slash ? (size_t)(slash - ip.ptr) : ip.len;
	struct in_addr mask;
	unsigned prefix;
	char *text;

	fact_set(b, FACT_IP,
		 (struct text){ arena_copy(b->arena, ip.ptr, len), len });
	if (!slash)
		return;
	prefix = (unsigned)atoi(slash + 1);
	mask.s_addr = htonl(prefix ? 0xffffffffu << (32 - prefix) : 0);
	text = arena_alloc(b->arena, INET_ADDRSTRLEN);
	inet_ntop(AF_INET, &mask, text, INET_ADDRSTRLEN);
	fact_set(b, FACT_PREFIX, text_of(slash + 1));
	fact_set(b, FACT_NETMASK, text_of(text));
}

static void facts_set_node(struct builder *b, const struct node *node)
{
	struct doc **macs =
		arena_new_array(b->arena, node->mac_count, struct doc *);
	struct doc **groups =
		arena_new_array(b->arena, node->group_count, struct doc *);

	for (size_t i = 0; i < node->mac_count; i++)
		macs[i] = text_doc(b->arena, node->macs[i].text);
	for (size_t i = 0; i < node->group_count; i++)
		groups[i] = text_doc(b->arena, node->groups[i]->name);
	fact_set(b, FACT_NAME, node->name);
	fact_set_list(b, FACT_GROUPS, groups, node->group_count);
	if (node->mac_count)
		fact_set(b, FACT_MAC, node->macs[0].text);
	fact_set_list(b, FACT_MACS, macs, node->mac_count);
	fact_set(b, FACT_UUID, node->uuid.text);
	fact_set(b, FACT_SERIAL, node->serial.text);
	fact_set(b, FACT_ASSET, node->asset.text);
	if (node->ip.text.ptr)
		facts_set_ip(b, node->ip.text);
}

static void facts_set(struct builder *b, const struct node *node,
		      const struct profile *profile)
{
	b->facts = (struct doc){ .kind = DOC_MAP, .pairs = b->fact_pairs };
	fact_set(b, FACT_SITE, b->site->name.text);
	if (b->site->urls.count)
		fact_set(b, FACT_URL, b->site->urls.at[0].text);
	if (profile)
		fact_set(b, FACT_PROFILE, profile->name);
	fact_set(b, FACT_PHASE, b->phase);
	if (node)
		facts_set_node(b, node);
}

/* ---------------------------------------------------------- renders -- */

struct context {
	struct builder *b;
	const struct node *node;
	const struct profile *profile;
	const struct levels *levels;
	const struct doc **docs; /* outermost first */
	size_t doc_count;
	struct span use; /* the machine, for notes */
	const char *use_text;
};

static void context_add_vars(struct context *c)
{
	size_t room = 1;

	for (size_t i = 0; i < c->levels->count; i++)
		room += 1 + c->levels->at[i].set->vars_from_count;
	c->docs = arena_new_array(c->b->arena, room, const struct doc *);
	for (size_t i = 0; i < c->levels->count; i++) {
		const struct settings *set = c->levels->at[i].set;

		if (set->vars_replace)
			c->doc_count = 0;
		for (size_t j = 0; j < set->vars_from_count; j++)
			c->docs[c->doc_count++] = set->vars_from[j];
		if (set->vars)
			c->docs[c->doc_count++] = set->vars;
	}
	c->docs[c->doc_count++] = &c->b->facts;
}

/* What the levels of a machine decide, and templates may want to know. */
static void context_add_facts(struct context *c)
{
	const struct channel *channel = NULL;

	for (size_t i = 0; i < c->levels->count; i++)
		if (c->levels->at[i].set->follows)
			channel = c->levels->at[i].set->follows;
	if (channel)
		fact_set_doc(c->b, FACT_CHANNEL, channel->vars);
}

/* {{> templates/common}}: a path beside the site file, like any template. */
static const struct template *find_partial(void *ctx, struct text name,
					   struct span at)
{
	struct context *c = ctx;
	const char *wrong = path_beside(c->b->arena, TEXT(""), name, &name);

	if (wrong) {
		diag_at(c->b->ds, DIAG_E307, at, "\"%.*s\" %s", (int)name.len,
			name.ptr, wrong);
		return NULL;
	}
	return template_file_get(c->b->site->templates, name, at)->tmpl;
}

static bool render(struct context *c, const struct templated *value,
		   struct text *ret)
{
	struct builder *b = c->b;
	struct template_env env = {
		.contexts = c->docs,
		.context_count = c->doc_count,
		.partial = find_partial,
		.ctx = c,
		.use_at = c->use,
		.use_text = c->use_text,
	};

	if (template_is_literal(value->tmpl)) {
		*ret = value->text;
		return true;
	}
	sbuf_reset(&b->rendered);
	if (!template_render(value->tmpl, &env, b->ds, &b->rendered))
		return false;
	ret->len = b->rendered.len;
	ret->ptr =
		arena_copy(b->arena, sbuf_text(&b->rendered), b->rendered.len);
	return true;
}

static struct diag *bad_rendered(struct context *c, enum diag_code code,
				 struct span at, struct text text,
				 const char *wrong)
{
	struct diag *d = diag_at(c->b->ds, code, at, "%s %s",
				 diag_quote(c->b->ds, text), wrong);

	if (c->node)
		diag_note_at(c->b->ds, d, c->use, "%s", c->use_text);
	return d;
}

/* ------------------------------------------------------------ blobs -- */

/* @param what	"kernel" or the like
 * @param node	of a file that is rendered for one node; or NULL */
static const char *wish(struct arena *arena, const struct level *level,
			const char *what, const char *node)
{
	return arena_printf(arena, "%s%s%s: %s%s%s", level->kind,
			    *level->name ? " " : "", level->name, what,
			    node ? " for node " : "", node ? node : "");
}

/* Whether a text is that of wish(), without making it: thousands of nodes want
 * the same kernel for the same reason. */
static bool is_wish(struct text text, const struct level *level,
		    const char *what, const char *node)
{
	const char *const pieces[] = {
		level->kind, *level->name ? " " : "",  level->name,      ": ",
		what,        node ? " for node " : "", node ? node : "",
	};

	for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
		size_t len = strlen(pieces[i]);

		if (text.len < len || memcmp(text.ptr, pieces[i], len) != 0)
			return false;
		text.ptr += len;
		text.len -= len;
	}
	return text.len == 0;
}

static void blob_want(struct builder *b, struct blob *blob,
		      const struct level *level, const char *what,
		      const char *node)
{
	for (size_t i = 0; i < blob->wanted_by_count; i++)
		if (is_wish(blob->wanted_by[i], level, what, node))
			return;
	if (!blob->wanted_by)
		blob->wanted_by =
			arena_new_array(b->arena, WANTED_BY_MAX, struct text);
	if (blob->wanted_by_count < WANTED_BY_MAX)
		blob->wanted_by[blob->wanted_by_count++] =
			text_of(wish(b->arena, level, what, node));
}

static struct blob *blob_get(struct builder *b, const struct digest *digest,
			     struct text name, bool publish)
{
	char *hex = arena_alloc(b->arena, 65);
	const char *path;
	struct blob *blob;
	void **slot;

	hex_digits(digest->sha256, 32, hex);
	path = arena_printf(b->arena, "a/%s/%s", hex, name.ptr);
	slot = map_at(&b->blobs, text_of(path));
	if (*slot)
		return *slot;
	*slot = blob = arena_new(b->arena, struct blob);
	blob->path = text_of(path);
	blob->name = name;
	blob->digest = *digest;
	blob->hex = (struct text){ hex, 64 };
	if (publish)
		*vec_push(b->arena, &b->all_blobs) = blob;
	return blob;
}

/* What goes into a UKI is not published by itself. */
static bool parts_are_published(const struct builder *b)
{
	return !(b->site->verify & VERIFY_SECURE_BOOT);
}

static struct asset *asset_measure(struct context *c, struct text path,
				   struct span at)
{
	struct builder *b = c->b;
	void **slot = map_at(&b->assets, path);
	struct asset *asset = *slot;
	int error;

	if (asset)
		return asset;
	*slot = asset = arena_new(b->arena, struct asset);
	asset->path = text_of(arena_printf(b->arena, "%s%s",
					   b->site->directory.ptr, path.ptr));
	error = b->env->digest(b->env->ctx, asset->path.ptr, &asset->digest);
	asset->bad = true;
	if (error)
		diag_at(b->ds, DIAG_E601, at, "\"%s\": %s", asset->path.ptr,
			error == -EBUSY ? "changed while it was read"
					: strerror(-error));
	else if (b->env->is_private_key(b->env->ctx, asset->path.ptr, NULL, 0))
		diag_at(b->ds, DIAG_E602, at,
			"\"%s\" is a private key, which must not be published",
			asset->path.ptr);
	else
		asset->bad = false;
	return asset;
}

static struct blob *asset_blob(struct context *c, struct text path,
			       struct span at, struct text name)
{
	struct asset *asset = asset_measure(c, path, at);
	struct blob *blob = asset->blob;

	if (asset->bad)
		return NULL;
	if (blob && text_equal(blob->name, name))
		return blob;
	asset->blob = blob =
		blob_get(c->b, &asset->digest, name, parts_are_published(c->b));
	if (!blob->from.ptr && !blob->bytes.ptr)
		blob->from = asset->path;
	return blob;
}

/* A kernel or initrd: its path is a template too. */
static struct blob *templated_asset(struct context *c,
				    const struct templated *value)
{
	struct text path, name;
	const char *wrong;

	if (!render(c, value, &path))
		return NULL;
	wrong = path_beside(c->b->arena,
			    path_base(c->b->site->directory, value->at), path,
			    &path);
	name = text_basename(path);
	if (!wrong)
		wrong = value_file_name(name);
	if (wrong) {
		bad_rendered(c, DIAG_E307, value->at, path, wrong);
		return NULL;
	}
	return asset_blob(c, path, value->at, name);
}

static struct blob *rendered_blob(struct context *c, const struct file *file,
				  struct text name)
{
	struct builder *b = c->b;
	struct digest digest;
	struct text bytes;
	struct blob *blob;

	if (!render(c, &file->body, &bytes))
		return NULL;
	if (!template_is_literal(file->body.tmpl) &&
	    b->env->is_private_key(b->env->ctx, NULL, bytes.ptr, bytes.len)) {
		diag_at(b->ds, DIAG_E602, file->path.at,
			"\"%s\" is a private key once it is rendered, which "
			"must not be published",
			file->path.text.ptr);
		return NULL;
	}
	b->env->digest_bytes(bytes.ptr, bytes.len, &digest);
	blob = blob_get(b, &digest, name, parts_are_published(b));
	if (!blob->from.ptr)
		blob->bytes = bytes;
	return blob;
}

/* ------------------------------------------------------------ boots -- */

/* A path that a boot takes; a kernel takes the place of the one below it. */
static void trace_path(struct context *c, const struct boot *boot,
		       const char *key, const struct level *level,
		       const struct templated *path, bool alone)
{
	struct trace *trace = &c->b->trace;
	struct text text;

	if (!trace->on || !render(c, path, &text))
		return;
	if (alone)
		trace_replace(trace, boot, key, TEXT(""));
	trace_add(trace, boot, key, TEXT(""), level, path->at, text);
}

static bool boot_kernel(struct context *c, struct boot *boot)
{
	const struct templated *kernel = NULL;
	const struct level *level = NULL;

	for (size_t i = 0; i < c->levels->count; i++) {
		if (c->levels->at[i].set->kernel.tmpl) {
			kernel = &c->levels->at[i].set->kernel;
			level = &c->levels->at[i];
			trace_path(c, boot, "kernel", level, kernel, true);
		}
	}
	if (!kernel) {
		struct diag *d = diag_at(c->b->ds, DIAG_E404, c->profile->at,
					 "profile \"%s\" has no kernel",
					 c->profile->name.ptr);
		if (c->node)
			diag_note_at(c->b->ds, d, c->use, "%s", c->use_text);
		return false;
	}
	boot->kernel = templated_asset(c, kernel);
	if (boot->kernel)
		blob_want(c->b, boot->kernel, level, "kernel", NULL);
	return boot->kernel != NULL;
}

static bool boot_initrds(struct context *c, struct boot *boot)
{
	size_t count = 0;
	bool good = true;

	for (size_t i = 0; i < c->levels->count; i++)
		count += c->levels->at[i].set->initrd.count;
	boot->initrds = arena_new_array(c->b->arena, count, struct blob *);
	for (size_t i = 0; i < c->levels->count; i++) {
		const struct templated_list *list =
			&c->levels->at[i].set->initrd;

		if (list->replaces) {
			boot->initrd_count = 0;
			trace_replace(&c->b->trace, boot, "initrd", TEXT(""));
		}
		for (size_t j = 0; j < list->count; j++) {
			struct blob *blob = templated_asset(c, &list->at[j]);

			good = good && blob;
			if (!blob)
				continue;
			trace_path(c, boot, "initrd", &c->levels->at[i],
				   &list->at[j], false);
			boot->initrds[boot->initrd_count++] = blob;
			blob_want(c->b, blob, &c->levels->at[i], "initrd",
				  NULL);
		}
	}
	return good;
}

/* A file that some level wants in the initrd. */
struct wanted_file {
	const struct file *file;
	const struct level *level;
};

static int compare_wanted(const void *a, const void *b)
{
	const struct wanted_file *x = a, *y = b;
	int order = text_compare(x->file->path.text, y->file->path.text);

	return order ? order : (x->level > y->level) - (x->level < y->level);
}

/* Sort by path; a file of the same path at a higher level takes the place of
 * the lower. */
static size_t wanted_merge(struct wanted_file *wanted, size_t count)
{
	size_t kept = 0;

	if (count > 1)
		qsort(wanted, count, sizeof(*wanted), compare_wanted);
	for (size_t i = 0; i < count; i++) {
		if (kept && text_equal(wanted[kept - 1].file->path.text,
				       wanted[i].file->path.text))
			kept--;
		wanted[kept++] = wanted[i];
	}
	return kept;
}

static bool inject(struct context *c, struct boot *boot,
		   const struct file *file, const struct level *level)
{
	struct text name = text_basename(file->path.text);
	struct injected *injected = &boot->files[boot->file_count];
	bool varies = file->kind != FILE_VERBATIM &&
		      !template_is_literal(file->body.tmpl);

	injected->path = file->path.text;
	injected->mode = file->mode;
	injected->blob =
		file->kind == FILE_VERBATIM
			? asset_blob(c, file->from.text, file->from.at, name)
			: rendered_blob(c, file, name);
	if (!injected->blob)
		return false;
	boot->file_count++;
	blob_want(c->b, injected->blob, level, file->path.text.ptr,
		  varies && c->node ? c->node->name.ptr : NULL);
	return true;
}

static void trace_files(struct context *c, const struct boot *boot,
			const struct file_list *list, const struct level *level)
{
	struct trace *trace = &c->b->trace;

	if (list->replaces)
		trace_replace(trace, boot, "files", (struct text){ NULL, 0 });
	for (size_t i = 0; i < list->count; i++) {
		const struct file *file = &list->at[i];

		trace_replace(trace, boot, "files", file->path.text);
		trace_add(trace, boot, "files", file->path.text, level,
			  file->path.at, file->from.text);
	}
}

static bool boot_files(struct context *c, struct boot *boot)
{
	struct wanted_file *wanted;
	size_t count = 0;
	bool good = true;

	for (size_t i = 0; i < c->levels->count; i++)
		count += c->levels->at[i].set->files.count;
	if (!count)
		return true;
	wanted = arena_new_array(c->b->arena, count, struct wanted_file);
	boot->files = arena_new_array(c->b->arena, count, struct injected);
	count = 0;
	for (size_t i = 0; i < c->levels->count; i++) {
		const struct file_list *list = &c->levels->at[i].set->files;

		if (list->replaces)
			count = 0;
		trace_files(c, boot, list, &c->levels->at[i]);
		for (size_t j = 0; j < list->count; j++)
			wanted[count++] =
				(struct wanted_file){ &list->at[j],
						      &c->levels->at[i] };
	}
	count = wanted_merge(wanted, count);
	for (size_t i = 0; i < count; i++)
		good = inject(c, boot, wanted[i].file, wanted[i].level) && good;
	return good;
}

/* One argument may hold single spaces: the kernel sees the same text. */
static bool split_arg(struct context *c, const struct templated *from,
		      struct text text, size_t *room, struct boot *boot)
{
	size_t begin = 0;

	/* An optional section may leave nothing. */
	if (!text.len)
		return true;
	for (size_t i = 0; i <= text.len; i++) {
		struct text token = { text.ptr + begin, i - begin };
		const char *wrong;

		if (i < text.len && text.ptr[i] != ' ')
			continue;
		begin = i + 1;
		wrong = token.len ? quote_ipxe_refusal(token)
				  : "has white space at an end or in a run, "
				    "which iPXE would swallow";
		if (wrong) {
			bad_rendered(c, DIAG_E311, from->at,
				     token.len ? token : text, wrong);
			return false;
		}
		if (boot->arg_count == *room) {
			struct text *more;

			*room = *room ? 2 * *room : 8;
			more = arena_new_array(c->b->arena, *room, struct text);
			if (boot->arg_count)
				memcpy(more, boot->args,
				       boot->arg_count * sizeof(*more));
			boot->args = more;
		}
		boot->args[boot->arg_count++] = (struct text){
			arena_copy(c->b->arena, token.ptr, token.len), token.len
		};
	}
	return true;
}

static void warn_long_line(struct context *c, const struct boot *boot)
{
	bool *warned = &c->b->long_line[c->profile - c->b->site->profiles];
	size_t bytes = strlen("initrd=initrd.magic");

	for (size_t i = 0; i < boot->arg_count; i++)
		bytes += 1 + boot->args[i].len;
	/* Secure Boot means UEFI, where there is no such limit. */
	if (bytes <= COMMAND_LINE_MAX || *warned ||
	    (c->b->site->verify & VERIFY_SECURE_BOOT))
		return;
	*warned = true;
	diag_at(c->b->ds, DIAG_W801, c->profile->at,
		"the arguments of profile \"%s\" are %zu bytes%s%s; an x86 "
		"kernel on BIOS takes %d and loses the rest silently",
		c->profile->name.ptr, bytes, c->node ? " on node " : "",
		c->node ? c->node->name.ptr : "", COMMAND_LINE_MAX);
}

static bool boot_args(struct context *c, struct boot *boot)
{
	size_t room = 0;
	bool good = true;

	for (size_t i = 0; i < c->levels->count; i++) {
		const struct templated_list *list = &c->levels->at[i].set->args;

		if (list->replaces) {
			boot->arg_count = 0;
			trace_replace(&c->b->trace, boot, "args", TEXT(""));
		}
		for (size_t j = 0; j < list->count; j++) {
			struct text text;

			good = render(c, &list->at[j], &text) &&
			       split_arg(c, &list->at[j], text, &room, boot) &&
			       good;
			if (good)
				trace_add(&c->b->trace, boot, "args", TEXT(""),
					  &c->levels->at[i], list->at[j].at,
					  text);
		}
	}
	if (good)
		warn_long_line(c, boot);
	return good;
}

static struct text command_line(struct builder *b, const struct boot *boot)
{
	struct sbuf line = { 0 };
	struct text text;

	for (size_t i = 0; i < boot->arg_count; i++)
		sbuf_printf(&line, "%s%s", i ? " " : "", boot->args[i].ptr);
	text = (struct text){ arena_copy(b->arena, line.ptr, line.len),
			      line.len };
	sbuf_release(&line);
	return text;
}

/* Boots with the same key have the same UKI. */
static struct text uki_key(struct builder *b, const struct boot *boot,
			   struct text line)
{
	struct sbuf key = { 0 };
	struct text text;

	sbuf_printf(&key, "%s\n%s\n", boot->profile->name.ptr,
		    boot->kernel->hex.ptr);
	for (size_t i = 0; i < boot->initrd_count; i++)
		sbuf_printf(&key, "%s\n", boot->initrds[i]->hex.ptr);
	for (size_t i = 0; i < boot->file_count; i++)
		sbuf_printf(&key, "%s %o %s\n", boot->files[i].blob->hex.ptr,
			    boot->files[i].mode, boot->files[i].path.ptr);
	sbuf_add(&key, line.ptr, line.len);
	text = (struct text){ arena_copy(b->arena, key.ptr, key.len), key.len };
	sbuf_release(&key);
	return text;
}

static struct blob *uki_make(struct context *c, const struct boot *boot,
			     struct text line)
{
	struct builder *b = c->b;
	struct text *initrds =
		arena_new_array(b->arena, boot->initrd_count, struct text);
	struct uki_file *files =
		arena_new_array(b->arena, boot->file_count, struct uki_file);
	const struct uki_request request = {
		.name = text_of(arena_printf(b->arena, "%s.efi",
					     boot->profile->name.ptr)),
		.kernel = boot->kernel->from,
		.initrds = initrds,
		.initrd_count = boot->initrd_count,
		.files = files,
		.file_count = boot->file_count,
		.command_line = line,
	};
	struct digest digest = { 0 };
	struct text path = { NULL, 0 };
	struct blob *blob;

	for (size_t i = 0; i < boot->initrd_count; i++)
		initrds[i] = boot->initrds[i]->from;
	for (size_t i = 0; i < boot->file_count; i++)
		files[i] = (struct uki_file){ boot->files[i].path,
					      boot->files[i].mode,
					      boot->files[i].blob->from,
					      boot->files[i].blob->bytes };
	if (!b->env->make_uki(b->env->ctx, &request, c->profile->at, b->ds,
			      &path, &digest))
		return NULL;
	blob = blob_get(b, &digest, request.name, true);
	if (!blob->from.ptr)
		blob->from = path;
	return blob;
}

static bool boot_uki(struct context *c, struct boot *boot)
{
	struct builder *b = c->b;
	struct text line = command_line(b, boot);
	void **slot = map_at(&b->ukis, uki_key(b, boot, line));

	if (!*slot) {
		struct blob *made = uki_make(c, boot, line);

		if (!made)
			return false;
		*slot = made;
	}
	boot->uki = *slot;
	blob_want(b, boot->uki,
		  &(struct level){ NULL, "profile", boot->profile->name.ptr },
		  "uki", c->node ? c->node->name.ptr : NULL);
	return true;
}

/* To boot a profile in no phase, although it has some, is never meant. */
static bool phase_is_said(struct context *c)
{
	for (const struct profile *p = c->profile; p && !c->b->phase.ptr;
	     p = p->base) {
		struct diag *d;

		if (!p->set.phase_count)
			continue;
		d = diag_at(c->b->ds, DIAG_E418, c->use,
			    "nothing says in which phase of profile \"%s\" "
			    "this boots",
			    p->name.ptr);
		diag_note_at(c->b->ds, d, p->set.phases[0].at,
			     "its phases are here");
		return false;
	}
	return true;
}

static struct context context_of(struct builder *b, const struct node *node,
				 const struct profile *profile)
{
	return (struct context){
		.b = b,
		.node = node,
		.profile = profile,
		.levels = &b->levels,
		.use = node ? node->at : b->site->unknown.at,
		.use_text = node ? arena_printf(b->arena, "for node \"%s\"",
						node->name.ptr)
				 : "for unknown machines",
	};
}

static struct boot *boot_new(struct builder *b, const struct node *node,
			     const struct profile *profile)
{
	struct context c = context_of(b, node, profile);
	struct boot *boot = arena_new(b->arena, struct boot);
	bool good;

	levels_set(b->arena, &b->levels, b->site, node, profile, b->phase);
	if (levels_incomplete(c.levels) || !phase_is_said(&c))
		return NULL;
	facts_set(b, node, profile);
	context_add_facts(&c);
	context_add_vars(&c);
	trace_vars(&b->trace, boot, c.levels);
	boot->profile = profile;
	good = boot_kernel(&c, boot);
	good = boot_initrds(&c, boot) && good;
	good = boot_files(&c, boot) && good;
	good = boot_args(&c, boot) && good;
	if (good && (b->site->verify & VERIFY_SECURE_BOOT))
		good = boot_uki(&c, boot);
	return good ? boot : NULL;
}

/* --------------------------------------------------------- networks -- */

static bool uplink_render(void *ctx, const struct templated *value,
			  struct text *ret)
{
	return render(ctx, value, ret);
}

static void uplink_refuse(void *ctx, struct span at, struct text value,
			  const char *wrong)
{
	bad_rendered(ctx, DIAG_E333, at, value, wrong);
}

static void address_is_unique(struct builder *b, const struct node *node,
			      struct text ip, struct span at)
{
	void **slot = map_at(&b->addresses, ip);
	const struct node *other = *slot;
	struct diag *d;

	*slot = (void *)(uintptr_t)node;
	if (!other || other == node)
		return;
	d = diag_at(b->ds, DIAG_E442, at,
		    "node \"%s\" has the address %s, which is that of node "
		    "\"%s\"",
		    node->name.ptr, ip.ptr, other->name.ptr);
	diag_note_at(b->ds, d, other->at, "the other node");
}

static bool says_network(const struct levels *levels)
{
	for (size_t i = 0; i < levels->count; i++)
		if (levels->at[i].set->network)
			return true;
	return false;
}

/* By the levels that are set. */
static void machine_find_uplink(struct builder *b, struct machine *machine,
				const struct profile *profile)
{
	struct context c = context_of(b, machine->node, profile);
	const struct uplink_env env = { b->arena, &c, uplink_render,
					uplink_refuse };
	struct span at;

	if (!says_network(&b->levels))
		return;
	facts_set(b, machine->node, profile);
	context_add_facts(&c);
	context_add_vars(&c);
	machine->uplink =
		uplink_of(&env, &b->levels, machine->node != NULL, &at);
	if (machine->uplink.ip.ptr)
		address_is_unique(b, machine->node, machine->uplink.ip, at);
}

/* --------------------------------------------------------- machines -- */

static void machine_act(struct builder *b, struct machine *machine,
			const struct step *step)
{
	struct action *action = &machine->actions[machine->action_count++];

	action->kind = step->kind;
	action->menu = step->menu;
	if (step->profile) /* else it is no such step, or names none: reported */
		action->boot = boot_new(b, machine->node, step->profile);
}

/* @param at_end	what to do when every step has failed */
static struct actions machine_act_all(struct builder *b,
				      struct machine *machine,
				      const struct boot_order *order,
				      const struct step *at_end, bool in_menu)
{
	struct actions actions = { machine->action_count, 0 };

	for (size_t i = 0; i < order->count; i++)
		machine_act(b, machine, &order->steps[i]);
	if (!order->count ||
	    !step_ends_order(&order->steps[order->count - 1], in_menu))
		machine_act(b, machine, at_end);
	actions.count = machine->action_count - actions.first;
	return actions;
}

static int compare_menus(const void *a, const void *b)
{
	const struct menu_boot *x = a, *y = b;

	return text_compare(x->menu->name, y->menu->name);
}

/* The menus that an order may come to, sorted by name. */
static void machine_find_menus(struct builder *b, struct machine *machine,
			       const struct boot_order *order)
{
	const struct menu **menus =
		menus_reached(b->arena, b->site, order, &machine->menu_count);

	machine->menus = arena_new_array(b->arena, machine->menu_count,
					 struct menu_boot);
	for (size_t i = 0; i < machine->menu_count; i++)
		machine->menus[i].menu = menus[i];
	if (machine->menu_count > 1)
		qsort(machine->menus, machine->menu_count,
		      sizeof(*machine->menus), compare_menus);
}

static size_t count_actions(const struct machine *machine,
			    const struct boot_order *order)
{
	size_t count = order->count + 1;

	for (size_t i = 0; i < machine->menu_count; i++) {
		const struct menu *menu = machine->menus[i].menu;

		for (size_t j = 0; j < menu->item_count; j++)
			count += menu->items[j].boot.count + 1;
	}
	return count;
}

static void machine_follow(struct builder *b, struct machine *machine,
			   const struct boot_order *order,
			   enum step_kind at_end)
{
	const struct step last = { .kind = at_end };

	machine_find_menus(b, machine, order);
	machine->actions = arena_new_array(
		b->arena, count_actions(machine, order), struct action);
	machine->order = machine_act_all(b, machine, order, &last, false);
	for (size_t i = 0; i < machine->menu_count; i++) {
		struct menu_boot *shown = &machine->menus[i];
		const struct step back = { .kind = STEP_RETRY,
					   .menu = shown->menu };

		shown->items = arena_new_array(
			b->arena, shown->menu->item_count, struct actions);
		for (size_t j = 0; j < shown->menu->item_count; j++)
			shown->items[j] = machine_act_all(
				b, machine, &shown->menu->items[j].boot, &back,
				true);
	}
}

/* Everything that a node does in one phase. */
static void machine_in_phase(struct builder *b, struct machine *machine,
			     struct text phase)
{
	const struct node *node = machine->node;
	struct step own = { .kind = STEP_PROFILE };
	const struct boot_order *order;
	struct diag *d;

	levels_set(b->arena, &b->levels, b->site, node, NULL, phase);
	own.profile = levels_profile(&b->levels);
	levels_set(b->arena, &b->levels, b->site, node, own.profile, phase);
	if (levels_incomplete(&b->levels))
		return;
	b->phase = phase;
	trace_machine(&b->trace, &b->levels);
	machine_find_uplink(b, machine, own.profile);
	order = levels_order(&b->levels);
	if (order->count) {
		machine_follow(b, machine, order, STEP_RETRY);
	} else if (own.profile) {
		machine_follow(
			b, machine,
			&(struct boot_order){ .steps = &own, .count = 1 },
			STEP_RETRY);
	} else {
		d = diag_at(b->ds, DIAG_E405, node->at,
			    "nothing says what node \"%s\" boots",
			    node->name.ptr);
		diag_help(b->ds, d,
			  "give it, one of its groups, or the site a profile "
			  "or a boot order");
	}
	b->phase = (struct text){ NULL, 0 };
}

static void no_such_phase(struct builder *b, const struct node *node,
			  const struct located *phase,
			  const struct text *phases, size_t count)
{
	struct diag *d = diag_at(b->ds, DIAG_E416, phase->at,
				 "node \"%s\" has no phase \"%s\"",
				 node->name.ptr, phase->text.ptr);
	struct sbuf names = { 0 };

	for (size_t i = 0; i < count; i++)
		sbuf_printf(&names, "%s%s", i ? ", " : "", phases[i].ptr);
	if (count)
		diag_help(b->ds, d, "its phases are: %s", sbuf_text(&names));
	else
		diag_help(b->ds, d,
			  "neither its profile nor one of its groups has "
			  "phases");
	sbuf_release(&names);
	if (phase->at.source != node->at.source ||
	    phase->at.begin < node->at.begin)
		diag_note_at(b->ds, d, node->at, "the node");
}

/* Whether a node is in one of its phases, if it has any. A phase for all of
 * the site or a group may pass over nodes without phases. */
static bool phase_is_good(struct builder *b, const struct node *node,
			  const struct located *phase,
			  const struct text *phases, size_t count)
{
	struct diag *d;

	if (!phase->text.ptr) {
		if (!count)
			return true;
		d = diag_at(b->ds, DIAG_E418, node->at,
			    "nothing says in which phase node \"%s\" is",
			    node->name.ptr);
		diag_help(b->ds, d, "say so:  phase: %s", phases[0].ptr);
		return false;
	}
	for (size_t i = 0; i < count; i++)
		if (text_equal(phases[i], phase->text))
			return true;
	if (!count && !node->set.phase.text.ptr)
		return true;
	no_such_phase(b, node, phase, phases, count);
	return false;
}

static bool node_is_called(const struct node *node, const char *name)
{
	bool is = text_is(node->name, name);

	for (size_t i = 0; i < node->mac_count; i++)
		is = is || text_is(node->macs[i].text, name);
	return is;
}

/* @param node	NULL: unknown machines */
static void trace_begin(struct builder *b, const struct node *node)
{
	const char *traced = b->env->traced;

	b->trace = (struct trace){
		.arena = b->arena,
		.on = traced && (!node || node_is_called(node, traced)),
	};
}

static void trace_end(struct builder *b, struct machine *machine)
{
	machine->origins = b->trace.origins.at;
	machine->origin_count = b->trace.origins.count;
	b->trace.on = false;
}

/* What a node does in the phases that it is not in is made as well: its faults
 * show today, its files lie ready, and to change the phase changes the script
 * alone. */
static void node_machine(struct builder *b, const struct node *node,
			 struct machine *machine)
{
	struct located phase;
	struct text *phases;
	size_t count;

	machine->node = node;
	levels_set(b->arena, &b->levels, b->site, node, NULL,
		   (struct text){ NULL, 0 });
	if (levels_incomplete(&b->levels))
		return;
	phase = levels_phase(&b->levels);
	phases = levels_phases(b->arena, b->site, node, &count);
	if (!phase_is_good(b, node, &phase, phases, count))
		return;
	trace_begin(b, node);
	machine_in_phase(b, machine, phase.text);
	trace_end(b, machine);
	for (size_t i = 0; i < count; i++) {
		struct machine later = { .node = node };

		if (!text_equal(phases[i], phase.text))
			machine_in_phase(b, &later, phases[i]);
	}
}

static void unknown_machine(struct builder *b, struct machine *machine)
{
	static struct step local[] = { { .kind = STEP_DISK },
				       { .kind = STEP_EXIT } };
	const struct boot_order by_default = { .steps = local, .count = 2 };
	const struct boot_order *order = &b->site->unknown;

	if (order->at.source && !order->count)
		return; /* was wrong and has been reported */
	levels_set(b->arena, &b->levels, b->site, NULL, NULL,
		   (struct text){ NULL, 0 });
	if (!levels_incomplete(&b->levels))
		machine_find_uplink(b, machine, NULL);
	machine_follow(b, machine, order->count ? order : &by_default,
		       STEP_EXIT);
}

static int compare_texts(const void *a, const void *b)
{
	return text_compare(*(const struct text *)a, *(const struct text *)b);
}

const struct effective *effective(struct arena *arena, const struct site *site,
				  const struct compile_env *env,
				  struct diags *ds)
{
	struct effective *result = arena_new(arena, struct effective);
	struct builder b = {
		.arena = arena,
		.site = site,
		.env = env,
		.ds = ds,
		.blobs = { .arena = arena },
		.assets = { .arena = arena },
		.ukis = { .arena = arena },
		.addresses = { .arena = arena },
		.long_line = arena_new_array(arena, site->profile_count, bool),
	};

	result->site = site;
	result->machines =
		arena_new_array(arena, site->node_count, struct machine);
	result->machine_count = site->node_count;
	for (size_t i = 0; i < site->node_count; i++)
		node_machine(&b, &site->nodes[i], &result->machines[i]);
	trace_begin(&b, NULL);
	unknown_machine(&b, &result->unknown);
	trace_end(&b, &result->unknown);
	sbuf_release(&b.rendered);

	result->blobs = b.all_blobs.at;
	result->blob_count = b.all_blobs.count;
	for (size_t i = 0; i < result->blob_count; i++)
		if (result->blobs[i]->wanted_by_count > 1)
			qsort(result->blobs[i]->wanted_by,
			      result->blobs[i]->wanted_by_count,
			      sizeof(struct text), compare_texts);
	return result;
}
