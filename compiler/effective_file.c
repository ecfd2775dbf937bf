#include "effective_parts.h"

#include "path.h"
#include "template.h"
#include "template_file.h"

#include <errno.h>
#include <stdlib.h>

/* What a program turns into something else; people write less. */
enum { CONVERTED_BYTES_MAX = 64 * 1024 * 1024 };

/* ---------------------------------------------------------- renders -- */

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

static struct template_env env_of(struct context *c)
{
	return (struct template_env){
		.contexts = c->b->docs.at,
		.context_count = c->b->docs.count,
		.partial = find_partial,
		.ctx = c,
		.use_at = c->use,
		.use_text = c->use_text,
		.no_facts = "what is rendered here is signed before; it can "
			    "stand in args",
	};
}

static bool render_in(struct context *c, const struct template_env *env,
		      const struct templated *value, struct text *ret)
{
	struct builder *b = c->b;

	if (template_is_literal(value->tmpl)) {
		*ret = value->text;
		return true;
	}
	sbuf_reset(&b->rendered);
	if (!template_render(value->tmpl, env, b->ds, &b->rendered))
		return false;
	ret->len = b->rendered.len;
	ret->ptr =
		arena_copy(b->arena, sbuf_text(&b->rendered), b->rendered.len);
	return true;
}

bool render(struct context *c, const struct templated *value, struct text *ret)
{
	struct template_env env = env_of(c);

	return render_in(c, &env, value, ret);
}

bool render_argument(struct context *c, const struct templated *value,
		     struct text *ret)
{
	struct template_env env = env_of(c);

	env.no_facts = c->b->site->verify & VERIFY_SECURE_BOOT
			       ? "verify: secure-boot signs the arguments with "
				 "the kernel, before"
			       : NULL;
	return render_in(c, &env, value, ret);
}

struct span render_place(struct context *c, const struct templated *value,
			 size_t offset)
{
	struct template_env env = env_of(c);

	return template_place(value->tmpl, &env, c->b->ds, offset);
}

struct diag *bad_rendered(struct context *c, enum diag_code code,
			  struct span at, struct text text, const char *wrong)
{
	struct diag *d = diag_at(c->b->ds, code, at, "%s %s",
				 diag_quote(c->b->ds, text), wrong);

	if (c->node)
		diag_note_at(c->b->ds, d, c->use, "%s", c->use_text);
	return d;
}

/* ------------------------------------------------------------ files -- */

bool file_is_verbatim(const struct file *file)
{
	return file->kind == FILE_VERBATIM && !file->convert.count;
}

bool file_varies(const struct file *file)
{
	return file->kind != FILE_VERBATIM &&
	       !template_is_literal(file->body.tmpl);
}

/* The text of a file before it is converted. */
static bool file_input(struct context *c, const struct file *file,
		       struct text *ret_text)
{
	struct builder *b = c->b;
	struct sbuf bytes = { 0 };
	const char *path;
	int error;

	if (file->kind != FILE_VERBATIM)
		return render(c, &file->body, ret_text);
	path = arena_printf(b->arena, "%s%s", b->site->directory.ptr,
			    file->from.text.ptr);
	error = b->env->read(b->env->ctx, path, CONVERTED_BYTES_MAX, &bytes);
	if (error)
		diag_at(b->ds, DIAG_E601, file->from.at, "\"%s\": %s", path,
			strerror(-error));
	else
		*ret_text =
			(struct text){ arena_copy(b->arena, sbuf_text(&bytes),
						  bytes.len),
				       bytes.len };
	sbuf_release(&bytes);
	return !error;
}

/* Programs and inputs with the same key give the same output. */
static struct text convert_key(struct builder *b, const struct file *file,
			       struct text input)
{
	struct sbuf key = { 0 };
	struct digest digest;
	struct text text;

	b->env->digest_bytes(input.ptr, input.len, &digest);
	sbuf_add(&key, digest.sha256, sizeof(digest.sha256));
	for (size_t i = 0; i < file->convert.count; i++)
		sbuf_add(&key, file->convert.at[i].text.ptr,
			 file->convert.at[i].text.len + 1);
	text = (struct text){ arena_copy(b->arena, key.ptr, key.len), key.len };
	sbuf_release(&key);
	return text;
}

static struct text *convert(struct builder *b, const struct file *file,
			    struct text input)
{
	const struct located_list *convert = &file->convert;
	struct text *argv =
		arena_new_array(b->arena, convert->count, struct text);
	struct sbuf output = { 0 };
	struct text *made = NULL;

	for (size_t i = 0; i < convert->count; i++)
		argv[i] = convert->at[i].text;
	if (b->env->convert(b->env->ctx, argv, convert->count, input,
			    convert->at[0].at, b->ds, &output)) {
		made = arena_new(b->arena, struct text);
		*made = (struct text){ arena_copy(b->arena, sbuf_text(&output),
						  output.len),
				       output.len };
	}
	sbuf_release(&output);
	return made;
}

static bool file_convert(struct context *c, const struct file *file,
			 struct text *text)
{
	struct builder *b = c->b;
	const struct diag *before = b->ds->last;
	void **slot;

	if (!file->convert.count || !b->env->convert)
		return true;
	slot = map_at(&b->converted, convert_key(b, file, *text));
	if (!*slot)
		*slot = convert(b, file, *text);
	/* Once for words that several machines cause. */
	if (b->ds->last != before && c->node && file_varies(file))
		diag_note_at(b->ds, b->ds->last, c->use, "%s", c->use_text);
	if (*slot)
		*text = *(const struct text *)*slot;
	return *slot != NULL;
}

/* A literal template is the same for all machines, and so is its fault. */
static bool format_is_good(struct context *c, const struct file *file,
			   struct text bytes)
{
	enum file_format format = file->format;
	const char *fault;
	struct diag *d;
	size_t offset;
	struct span at;

	if (format == FORMAT_BY_NAME)
		format = format_of_name(file->path.text);
	if (format == FORMAT_BY_NAME || format == FORMAT_TEXT)
		return true;
	fault = format_fault(c->b->arena, format, bytes, &offset);
	if (!fault)
		return true;
	if (offset == bytes.len && offset)
		offset--;
	at = file->convert.count ? file->convert.at[0].at
				 : render_place(c, &file->body, offset);
	d = diag_at(c->b->ds, DIAG_E507, at, "\"%s\" is no %s%s: %s",
		    file->path.text.ptr, format_words(format),
		    file->convert.count ? " once it is converted" : "", fault);
	if (file_varies(file))
		diag_note_at(c->b->ds, d, c->use, "%s", c->use_text);
	return false;
}

bool file_bytes(struct context *c, const struct file *file,
		struct text *ret_bytes)
{
	struct builder *b = c->b;
	struct text bytes;

	if (!file_input(c, file, &bytes) || !file_convert(c, file, &bytes) ||
	    !format_is_good(c, file, bytes))
		return false;
	if ((file_varies(file) || file->convert.count) &&
	    b->env->is_private_key(b->env->ctx, NULL, bytes.ptr, bytes.len)) {
		diag_at(b->ds, DIAG_E602, file->path.at,
			"\"%s\" is a private key once it is rendered, which "
			"must not be published",
			file->path.text.ptr);
		return false;
	}
	*ret_bytes = bytes;
	return true;
}

static int compare_wanted(const void *a, const void *b)
{
	const struct wanted_file *x = a, *y = b;
	int order = text_compare(x->file->path.text, y->file->path.text);

	if (!order)
		order = (x->level > y->level) - (x->level < y->level);
	return order ? order : (x->file > y->file) - (x->file < y->file);
}

/* Sort by path; a file of the same path at a higher level takes the place of
 * the lower, and in one level that for some processors (see compare_files() of
 * resolve_files.c) that for all. */
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

static const struct file_list *list_of(const struct level *level, size_t list)
{
	return (const void *)((const char *)settings_more(level->set) + list);
}

/* Whether it drops what the levels before it said. */
static bool drops(const struct context *c, const struct file_list *list)
{
	return list->replaces && arch_holds(list->replaces, c->archs);
}

static void trace_files(struct context *c, const struct boot *boot,
			const char *key, const struct file_list *list,
			const struct level *level)
{
	struct trace *trace = &c->b->trace;

	if (drops(c, list))
		trace_replace(trace, boot, key, (struct text){ NULL, 0 });
	for (size_t i = 0; i < list->count; i++) {
		const struct file *file = &list->at[i];

		if (!arch_holds(file->archs, c->archs))
			continue;
		trace_replace(trace, boot, key, file->path.text);
		trace_add_said(trace, boot, key, file->path.text, level,
			       file->path.at, file->said);
	}
}

struct wanted_file *files_wanted(struct context *c, const struct boot *boot,
				 const char *key, size_t list,
				 size_t *ret_count)
{
	struct wanted_file *wanted;
	size_t room = 0, count = 0;

	for (size_t i = 0; i < c->levels->count; i++)
		room += list_of(&c->levels->at[i], list)->count;
	*ret_count = 0;
	if (!room)
		return NULL;
	wanted = arena_new_array(c->b->arena, room, struct wanted_file);
	for (size_t i = 0; i < c->levels->count; i++) {
		const struct level *level = &c->levels->at[i];
		const struct file_list *files = list_of(level, list);

		if (drops(c, files))
			count = 0;
		trace_files(c, boot, key, files, level);
		for (size_t j = 0; j < files->count; j++)
			if (arch_holds(files->at[j].archs, c->archs))
				wanted[count++] =
					(struct wanted_file){ &files->at[j],
							      level };
	}
	*ret_count = wanted_merge(wanted, count);
	return wanted;
}

static int compare_path(const void *path, const void *wanted)
{
	const struct wanted_file *with = wanted;

	return text_compare(*(const struct text *)path, with->file->path.text);
}

/* @return the file in whose place a directory above this one has to be */
static const struct file *file_above(const struct wanted_file *all,
				     size_t count, struct text path)
{
	for (size_t i = 1; i < path.len; i++) {
		const struct text above = { path.ptr, i };
		const struct wanted_file *found =
			path.ptr[i] == '/' ? bsearch(&above, all, count,
						     sizeof(*all), compare_path)
					   : NULL;

		if (found)
			return found->file;
	}
	return NULL;
}

bool files_fit(struct context *c, const struct wanted_file *all, size_t count)
{
	bool good = true;

	for (size_t i = 0; i < count; i++) {
		const struct located *path = &all[i].file->path;
		const struct file *above = file_above(all, count, path->text);
		struct diag *d;

		if (!above)
			continue;
		d = diag_at(c->b->ds, DIAG_E443, path->at,
			    "\"%s\" lies below \"%s\", which is a file",
			    path->text.ptr, above->path.text.ptr);
		diag_note_at(c->b->ds, d, above->path.at, "that file");
		good = false;
	}
	return good;
}
