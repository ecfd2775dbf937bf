#include "effective_parts.h"

#include "boot_fact.h"
#include "cleanup.h"
#include "quote.h"
#include "value.h"

/* A Linux kernel on x86 takes a command line of 2047 bytes; iPXE on BIOS cuts
 * a longer one silently (bzimage.c of iPXE 2.0.0). */
enum { COMMAND_LINE_MAX = 2047 };

static struct blob *rendered_blob(struct context *c, const struct file *file,
				  struct text name)
{
	struct builder *b = c->b;
	struct digest digest;
	struct text bytes;
	struct blob *blob;

	if (!file_bytes(c, file, &bytes))
		return NULL;
	b->env->digest_bytes(bytes.ptr, bytes.len, &digest);
	blob = blob_get(b, &digest, name, parts_are_published(b));
	if (!blob->from.ptr)
		blob->bytes = bytes;
	return blob;
}

static bool inject(struct context *c, struct boot *boot,
		   const struct wanted_file *wanted)
{
	const struct file *file = wanted->file;
	struct text name = text_basename(file->path.text);
	struct injected *injected = &boot->files[boot->file_count];

	injected->path = file->path.text;
	injected->mode = file->mode;
	injected->blob = file_is_verbatim(file)
				 ? asset_blob(c, file->from.text, file->from.at,
					      name, parts_are_published(c->b))
				 : rendered_blob(c, file, name);
	if (!injected->blob)
		return false;
	boot->file_count++;
	blob_want(c->b, injected->blob, wanted->level, file->path.text.ptr,
		  file_varies(file) && c->node ? c->node->name.ptr : NULL);
	return true;
}

static bool boot_files(struct context *c, struct boot *boot)
{
	size_t count;
	struct wanted_file *wanted =
		files_wanted(c, boot, "files",
			     offsetof(struct more_settings, files), &count);
	bool good = files_fit(c, wanted, count);

	boot->files = arena_new_array(c->b->arena, count, struct injected);
	for (size_t i = 0; i < count; i++)
		good = inject(c, boot, &wanted[i]) && good;
	return good;
}

static void trace_initrd(struct context *c, const struct boot *boot,
			 const struct level *level, const struct item *item)
{
	struct trace *trace = &c->b->trace;
	struct text text;

	if (trace->on && render(c, &item->from, &text))
		trace_add(trace, boot, "initrd", TEXT(""), level, item->from.at,
			  text);
}

/* One takes the place of another, which then is not rendered: what it needs
 * may not even be there. */
static void trace_part(struct context *c, const struct boot *boot,
		       const char *key, const struct level *level,
		       const struct item *item, bool taken)
{
	struct trace *trace = &c->b->trace;
	struct text text = item->from.text;

	if (!trace->on || (taken && !render(c, &item->from, &text)))
		return;
	trace_replace(trace, boot, key, TEXT(""));
	trace_add(trace, boot, key, TEXT(""), level, item->from.at, text);
}

void trace_parts(struct context *c, const struct boot *boot,
		 enum boot_kind part, const struct item *taken)
{
	for (size_t i = 0; i < c->levels->count; i++) {
		const struct level *level = &c->levels->at[i];
		const struct item_list *list = boot_items(level->set, part);

		for (size_t j = 0; j < list->count; j++)
			if (arch_holds(list->at[j].from.archs, c->archs))
				trace_part(c, boot, boot_kind_word(part), level,
					   &list->at[j], &list->at[j] == taken);
	}
}

/* "kernel for arm64", where there is another for others. */
static const char *wanted_as(struct context *c, const char *key, unsigned archs)
{
	if (!archs || archs == ARCH_ANY)
		return key;
	return arena_printf(c->b->arena, "%s for %s", key, arch_word(archs));
}

static void no_part(struct context *c, enum boot_kind part)
{
	struct diag *d = diag_at(
		c->b->ds, DIAG_E404, c->profile->at,
		"profile \"%s\" has no %s%s%s", c->profile->name.ptr,
		boot_kind_word(part), c->archs == ARCH_ANY ? "" : " for ",
		c->archs == ARCH_ANY ? "" : arch_word(c->archs));

	if (c->node)
		diag_note_at(c->b->ds, d, c->use, "%s", c->use_text);
}

/* Its header is looked at once, whoever boots it. */
static unsigned kernel_archs(struct builder *b, const struct blob *kernel)
{
	enum { LOOKED_AT = 1 << 8 };
	uintptr_t found;
	void **slot;

	if (!b->env->archs || !kernel->from.len)
		return 0;
	slot = map_at(&b->kernels, kernel->from);
	found = (uintptr_t)*slot;
	if (!found) {
		found = LOOKED_AT |
			b->env->archs(b->env->ctx, kernel->from.ptr);
		*slot = (void *)found;
	}
	return (unsigned)found & ARCH_ANY;
}

/* One for another processor would only be found out on the machine. */
static bool kernel_fits(struct context *c, const struct blob *kernel,
			struct span at)
{
	unsigned archs = c->archs == ARCH_ANY ? 0 : kernel_archs(c->b, kernel);
	struct diag *d;

	if (!archs || (archs & c->archs))
		return true;
	d = diag_at(c->b->ds, DIAG_E611, at,
		    "\"%s\" is a kernel for %s, not for %s", kernel->from.ptr,
		    arch_word(archs), arch_word(c->archs));
	if (c->node)
		diag_note_at(c->b->ds, d, c->use, "%s", c->use_text);
	return false;
}

const struct item *find_part(struct context *c, enum boot_kind part,
			     const struct level **ret_level)
{
	const struct item *found = NULL;

	for (size_t i = 0; i < c->levels->count; i++) {
		const struct item_list *list =
			boot_items(c->levels->at[i].set, part);

		for (size_t j = 0; j < list->count; j++) {
			if (!arch_holds(list->at[j].from.archs, c->archs))
				continue;
			found = &list->at[j];
			*ret_level = &c->levels->at[i];
		}
	}
	if (!found)
		no_part(c, part);
	return found;
}

static bool boot_part(struct context *c, struct boot *boot, enum boot_kind part,
		      struct blob **ret_blob)
{
	const struct level *level = NULL;
	const struct item *item = find_part(c, part, &level);
	struct blob *blob = item ? item_blob(c, item) : NULL;

	if (!blob || !kernel_fits(c, blob, item->from.at))
		return false;
	if (part == BOOT_CHAIN && !chain_is_good(c, item, blob))
		return false;
	*ret_blob = blob;
	trace_parts(c, boot, part, item);
	blob_want(c->b, blob, level,
		  wanted_as(c, boot_kind_word(part), item->from.archs), NULL);
	return true;
}

/* memdisk makes a disc of the one initrd that it gets. */
static bool boot_iso(struct context *c, struct boot *boot)
{
	bool good;

	if (!(c->archs & ARCH_X86_64)) {
		diag_at(c->b->ds, DIAG_E611, c->use,
			"profile \"%s\" boots by BIOS, which no machine for "
			"%s has",
			c->profile->name.ptr, arch_word(c->archs));
		return false;
	}
	good = boot_part(c, boot, BOOT_MEMDISK, &boot->kernel);
	boot->initrds = arena_new_array(c->b->arena, 1, struct blob *);
	boot->initrd_count = 1;
	return boot_part(c, boot, BOOT_ISO, &boot->initrds[0]) && good;
}

static bool add_initrd(struct context *c, struct boot *boot,
		       const struct item *item, const struct level *level)
{
	struct blob *blob = item_blob(c, item);

	if (!blob)
		return false;
	trace_initrd(c, boot, level, item);
	boot->initrds[boot->initrd_count++] = blob;
	blob_want(c->b, blob, level, wanted_as(c, "initrd", item->from.archs),
		  NULL);
	return true;
}

static bool boot_initrds(struct context *c, struct boot *boot)
{
	size_t count = 0;
	bool good = true;

	for (size_t i = 0; i < c->levels->count; i++)
		count += settings_more(c->levels->at[i].set)->initrd.count;
	boot->initrds = arena_new_array(c->b->arena, count, struct blob *);
	for (size_t i = 0; i < c->levels->count; i++) {
		const struct level *level = &c->levels->at[i];
		const struct item_list *list =
			&settings_more(level->set)->initrd;

		if (list->replaces && arch_holds(list->replaces, c->archs)) {
			boot->initrd_count = 0;
			trace_replace(&c->b->trace, boot, "initrd", TEXT(""));
		}
		for (size_t j = 0; j < list->count; j++)
			if (arch_holds(list->at[j].from.archs, c->archs))
				good = add_initrd(c, boot, &list->at[j],
						  level) &&
				       good;
	}
	return good;
}

/* As struct boot has it. */
static struct text unmarked(struct arena *arena, struct text marked)
{
	char *text = arena_copy(arena, marked.ptr, marked.len);

	for (size_t i = 0; i < marked.len; i++)
		if (text[i] == BOOT_FACT_MARK)
			text[i] = '$';
	return (struct text){ text, marked.len };
}

/* Up to the first mark of a fact; the fact goes, too. */
static struct text take_piece(struct text *rest)
{
	const char *end = rest->ptr + rest->len;
	const char *mark = memchr(rest->ptr, BOOT_FACT_MARK, rest->len);
	struct text piece = { rest->ptr,
			      (size_t)((mark ? mark : end) - rest->ptr) };
	const char *next =
		mark ? (const char *)memchr(mark, '}', (size_t)(end - mark)) + 1
		     : end;

	*rest = (struct text){ next, (size_t)(end - next) };
	return piece;
}

/* What is wrong with a token: each piece between facts may become a word of its
 * own in a script. A fact stands for some letters, of which none means anything
 * to iPXE.
 * @param piece	the whole token; becomes what is wrong */
static const char *token_refusal(struct text *piece)
{
	struct text rest = *piece;
	const char *wrong = NULL;

	if (!rest.len)
		return "has white space at an end or in a run, which iPXE "
		       "would swallow";
	while (!wrong && rest.len) {
		*piece = take_piece(&rest);
		if (piece->len)
			wrong = quote_ipxe_refusal(*piece);
	}
	return wrong;
}

/* One argument may hold single spaces: the kernel sees the same text. */
static bool split_arg(struct context *c, const struct templated *from,
		      struct text text, bool *has_facts)
{
	struct builder *b = c->b;
	size_t begin = 0;

	/* An optional section may leave nothing. */
	if (!text.len)
		return true;
	for (size_t i = 0; i <= text.len; i++) {
		struct text token = { text.ptr + begin, i - begin }, piece;
		const char *wrong;

		if (i < text.len && text.ptr[i] != ' ')
			continue;
		begin = i + 1;
		piece = token;
		wrong = token_refusal(&piece);
		if (wrong) {
			bad_rendered(c, DIAG_E311, from->at,
				     piece.len ? piece
					       : unmarked(c->b->arena, text),
				     wrong);
			return false;
		}
		if (memchr(token.ptr, BOOT_FACT_MARK, token.len)) {
			token = unmarked(b->arena, token);
			*has_facts = true;
		} else if (i < text.len) { /* the last ends in a NUL already */
			token.ptr = arena_copy(b->arena, token.ptr, token.len);
		}
		*vec_push(b->arena, &b->args) = token;
	}
	return true;
}

static size_t arg_bytes(const struct boot *boot, struct text arg)
{
	struct arg_piece piece;
	size_t bytes = 0;

	if (!boot->facts)
		return arg.len;
	while (arg_next(&arg, &piece))
		bytes += piece.fact ? piece.fact->bytes : piece.text.len;
	return bytes;
}

static unsigned facts_in(const struct boot *boot)
{
	struct arg_piece piece;
	unsigned facts = 0;

	for (size_t i = 0; i < boot->arg_count; i++) {
		struct text rest = boot->args[i];

		while (arg_next(&rest, &piece))
			if (piece.fact)
				facts |= 1u << (piece.fact - boot_facts);
	}
	return facts;
}

static void warn_long_line(struct context *c, const struct boot *boot)
{
	bool *warned = &c->b->long_line[c->profile - c->b->site->profiles];
	size_t bytes = strlen("initrd=initrd.magic");

	for (size_t i = 0; i < boot->arg_count; i++)
		bytes += 1 + arg_bytes(boot, boot->args[i]);
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

/* Arguments of the other levels are for kernels; a program of another kind gets
 * those that were said for it. */
static bool takes_args_of(const struct boot *boot, const struct level *level)
{
	return boot->kind == BOOT_KERNEL ||
	       ((boot->kind == BOOT_EFI || boot->kind == BOOT_ISO) &&
		strcmp(level->kind, "profile") == 0);
}

/* The image is that of a disc, and its drive need not seem to be a real one. */
static const char *const memdisk_args[] = { "iso", "raw", NULL };

static bool boot_args(struct context *c, struct boot *boot)
{
	struct builder *b = c->b;
	bool good = true, has_facts = false;
	size_t own;

	b->args.count = 0;
	for (size_t i = 0; boot->kind == BOOT_ISO && memdisk_args[i]; i++)
		*vec_push(b->arena, &b->args) = text_of(memdisk_args[i]);
	own = b->args.count;
	for (size_t i = 0; i < c->levels->count; i++) {
		const struct templated_list *list =
			&settings_more(c->levels->at[i].set)->args;

		if (!takes_args_of(boot, &c->levels->at[i]))
			continue;
		if (list->replaces && arch_holds(list->replaces, c->archs)) {
			b->args.count = own;
			trace_replace(&b->trace, boot, "args", TEXT(""));
		}
		for (size_t j = 0; j < list->count; j++) {
			struct text text;

			if (!arch_holds(list->at[j].archs, c->archs))
				continue;
			good = render_argument(c, &list->at[j], &text) &&
			       split_arg(c, &list->at[j], text, &has_facts) &&
			       good;
			if (good)
				trace_add(&b->trace, boot, "args", TEXT(""),
					  &c->levels->at[i], list->at[j].at,
					  b->trace.on ? unmarked(b->arena, text)
						      : text);
		}
	}
	boot->arg_count = b->args.count;
	boot->args = arena_new_array(b->arena, b->args.count, struct text);
	for (size_t i = 0; i < b->args.count; i++)
		boot->args[i] = b->args.at[i];
	boot->facts = has_facts ? facts_in(boot) : 0;
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

/* What the firmware verifies: made of a kernel; or it has been signed before. */
static bool boot_by_firmware(struct context *c, struct boot *boot)
{
	if (boot->kind == BOOT_KERNEL)
		return boot_uki(c, boot);
	blob_publish(c->b, boot->kernel, true);
	boot->uki = boot->kernel;
	return true;
}

/* To boot a profile in no phase, although it has some, is never meant. */
static bool phase_is_said(struct context *c)
{
	for (const struct profile *p = c->profile; p && !c->b->phase.ptr;
	     p = p->base) {
		const struct more_settings *more = settings_more(&p->set);
		struct diag *d;

		if (!more->phase_count)
			continue;
		d = diag_at(c->b->ds, DIAG_E418, c->use,
			    "nothing says in which phase of profile \"%s\" "
			    "this boots",
			    p->name.ptr);
		diag_note_at(c->b->ds, d, more->phases[0].at,
			     "its phases are here");
		return false;
	}
	return true;
}

static bool boot_what(struct context *c, struct boot *boot)
{
	if (boot->kind == BOOT_SAN)
		return boot_san(c, boot);
	return boot->kind == BOOT_ISO
		       ? boot_iso(c, boot)
		       : boot_part(c, boot, boot->kind, &boot->kernel);
}

/* @param archs	enum arch: of machines to make it for */
static struct boot *boot_new(struct context *c, unsigned archs)
{
	struct builder *b = c->b;
	struct boot *boot = arena_new(b->arena, struct boot);
	bool good;

	c->archs = archs;
	context_set(c);
	trace_extends(&b->trace, boot, c->profile);
	trace_vars(&b->trace, boot, c->levels);
	boot->profile = c->profile;
	boot->archs = archs;
	boot->kind = levels_boot_kind(c->levels);
	good = boot_serve(c, boot);
	fact_set_arch(c);
	good = boot_what(c, boot) && good;
	if (boot->kind == BOOT_KERNEL) {
		good = boot_initrds(c, boot) && good;
		good = boot_files(c, boot) && good;
	}
	good = boot_args(c, boot) && good;
	if (good && boot->kernel && (b->site->verify & VERIFY_SECURE_BOOT))
		good = boot_by_firmware(c, boot);
	return good ? boot : NULL;
}

static bool differs_by_arch(const struct context *c)
{
	return c->b->site->has_archs && levels_differ_by_arch(c->levels);
}

size_t boots_new(struct builder *b, const struct node *node,
		 const struct profile *profile, struct boot *ret_boots[ARCHS])
{
	struct context c = context_of(b, node, profile);
	struct text said;
	size_t count = 0;

	levels_set(b->arena, &b->levels, b->site, node, profile, b->phase);
	if (levels_incomplete(c.levels) || !phase_is_said(&c))
		return 1;
	said = b->site->has_archs ? levels_arch(c.levels) : TEXT("");
	if (said.len) {
		ret_boots[0] = boot_new(&c, arch_find(said));
		return 1;
	}
	for (size_t i = 0; i < ARCHS && differs_by_arch(&c); i++)
		if (levels_have_kernel(c.levels, arch_all[i]))
			ret_boots[count++] = boot_new(&c, arch_all[i]);
	if (count)
		return count;
	ret_boots[0] = boot_new(&c, ARCH_ANY);
	return 1;
}
