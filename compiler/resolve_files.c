#include "resolve_parts.h"

#include "arena.h"
#include "doc.h"
#include "template_file.h"
#include "value.h"

#include <stdlib.h>

static void parse_file_map(struct resolve *r, const struct doc *doc,
			   struct file *file)
{
	static const struct {
		const char *key;
		enum file_kind kind;
	} ways[] = {
		{ "template", FILE_TEMPLATE },
		{ "content", FILE_CONTENT },
		{ "file", FILE_VERBATIM },
	};
	const struct doc_pair *given = NULL;

	parse_map(r, doc, &(struct holders){ AT_FILE, { [IN_FILE] = file } });
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		const struct doc_pair *pair =
			doc_find(doc, text_of(ways[i].key));

		if (pair && given) {
			struct diag *d = diag_at(
				r->ds, DIAG_E409, pair->key_at,
				"\"%s\" and \"%s\" both say what is in the "
				"file",
				given->key.ptr, pair->key.ptr);
			diag_note_at(r->ds, d, given->key_at, "the other one");
		} else if (pair) {
			given = pair;
			file->kind = ways[i].kind;
		}
	}
	if (!given)
		diag_at(r->ds, DIAG_E204, doc->at,
			"nothing says what is in the file: give one of "
			"template, content or file");
}

/* Linux unpacks a directory over a symbolic link by removing the link
 * (clean_path() in init/initramfs.c). */
static void warn_linked_directory(struct resolve *r, const struct file *file)
{
	static const char *const linked[] = { "/bin/", "/sbin/", "/lib/",
					      "/lib32/", "/lib64/" };

	for (size_t i = 0; i < sizeof(linked) / sizeof(*linked); i++)
		if (strncmp(file->path.text.ptr, linked[i],
			    strlen(linked[i])) == 0)
			diag_at(r->ds, DIAG_W802, file->path.at,
				"%.*s is a symbolic link in most initrds, and a "
				"file below it would replace the link: write "
				"/usr%s",
				(int)strlen(linked[i]) - 1, linked[i],
				file->path.text.ptr);
}

static bool parse_file(struct resolve *r, const struct doc_pair *pair,
		       struct file *file)
{
	const char *wrong = value_initrd_path(pair->key);

	file->path = (struct located){ pair->key, pair->key_at };
	file->mode = 0644;
	if (!wrong)
		wrong = value_file_name(text_basename(pair->key));
	if (wrong) {
		bad_value(r, DIAG_E308, &file->path, wrong);
		return false;
	}
	warn_linked_directory(r, file);
	if (pair->value->kind == DOC_SCALAR) {
		struct located path = { pair->value->text, pair->value->at };

		file->kind = FILE_TEMPLATE;
		if (!find_path(r, &path))
			return false;
		file->from = path;
	} else if (pair->value->kind == DOC_MAP) {
		parse_file_map(r, pair->value, file);
	} else {
		wrong_shape(r, pair->value, pair->key.ptr,
			    "the path of a template, or a map");
		return false;
	}
	if (file->kind == FILE_CONTENT)
		return file->body.tmpl != NULL;
	if (!file->from.text.ptr)
		return false;
	if (file->kind == FILE_TEMPLATE)
		file->body = *template_file_get(r->site->templates,
						file->from.text, file->from.at);
	return file->kind == FILE_VERBATIM || file->body.tmpl;
}

static int compare_files(const void *a, const void *b)
{
	return text_compare(((const struct file *)a)->path.text,
			    ((const struct file *)b)->path.text);
}

void parse_files(struct resolve *r, const struct doc *doc,
		 const struct field *field)
{
	struct file_list *list = field->at;

	list->replaces = field->replaces;
	if (!wants_map(r, doc, field->name))
		return;
	list->at = arena_new_array(r->arena, doc->count, struct file);
	for (size_t i = 0; i < doc->count; i++)
		if (parse_file(r, &doc->pairs[i], &list->at[list->count]))
			list->count++;
	if (list->count > 1)
		qsort(list->at, list->count, sizeof(*list->at), compare_files);
}
