#include "template_file.h"

#include "arena.h"
#include "map.h"
#include "sbuf.h"
#include "source.h"
#include "template.h"

#include <errno.h>

/* More would be no text that a person wrote. */
enum { TEMPLATE_BYTES_MAX = 16 * 1024 * 1024 };

struct template_files {
	struct arena *arena;
	struct text directory;
	const struct compile_env *env;
	struct diags *ds;
	struct map by_path; /* struct templated */
};

struct template_files *template_files_new(struct arena *arena,
					  struct text directory,
					  const struct compile_env *env,
					  struct diags *ds)
{
	struct template_files *files = arena_new(arena, struct template_files);

	files->arena = arena;
	files->directory = directory;
	files->env = env;
	files->ds = ds;
	files->by_path.arena = arena;
	return files;
}

static void read_failed(struct template_files *files, const char *path,
			struct span at, int error)
{
	diag_at(files->ds, DIAG_E603, at, "template \"%s\": %s", path,
		error == -EFBIG    ? "is larger than 16 MiB"
		: error == -EISDIR ? "is a directory"
				   : strerror(-error));
}

/* Whether it is text that may be published. */
static bool is_usable(struct template_files *files, const char *path,
		      struct span at, struct text bytes)
{
	if (files->env->is_private_key(files->env->ctx, NULL, bytes.ptr,
				       bytes.len)) {
		diag_at(files->ds, DIAG_E602, at,
			"\"%s\" is a private key, which must not be published",
			path);
		return false;
	}
	if (memchr(bytes.ptr, '\0', bytes.len)) {
		struct diag *d =
			diag_at(files->ds, DIAG_E603, at,
				"template \"%s\" holds binary data", path);

		diag_help(files->ds, d,
			  "to take it byte for byte, write {file: PATH}");
		return false;
	}
	return true;
}

static void read_template(struct template_files *files, const char *path,
			  struct span at, struct templated *ret)
{
	const struct source *source;
	struct sbuf bytes = { 0 };
	int error = files->env->read(files->env->ctx, path, TEMPLATE_BYTES_MAX,
				     &bytes);

	if (error) {
		read_failed(files, path, at, error);
	} else if (is_usable(files, path, at,
			     (struct text){ sbuf_text(&bytes), bytes.len })) {
		source = source_new(files->arena, path, sbuf_text(&bytes),
				    bytes.len);
		ret->text = source->bytes;
		ret->at =
			(struct span){ source, 0, (uint32_t)source->bytes.len };
		ret->tmpl = template_parse(files->arena, ret->text, ret->at,
					   files->ds);
	}
	sbuf_release(&bytes);
}

const struct templated *template_file_get(struct template_files *files,
					  struct text path, struct span at)
{
	void **slot = map_at(&files->by_path, path);
	struct templated *template = *slot;

	if (template)
		return template;
	*slot = template = arena_new(files->arena, struct templated);
	read_template(files,
		      arena_printf(files->arena, "%s%.*s", files->directory.ptr,
				   (int)path.len, path.ptr),
		      at, template);
	return template;
}
