#include "resolve_parts.h"

#include "arch.h"
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
static void warn_linked_directory(struct resolve *r,
				  const struct doc_pair *file)
{
	static const char *const linked[] = { "/bin/", "/sbin/", "/lib/",
					      "/lib32/", "/lib64/" };

	for (size_t i = 0; i < sizeof(linked) / sizeof(*linked); i++)
		if (strncmp(file->key.ptr, linked[i], strlen(linked[i])) == 0)
			diag_at(r->ds, DIAG_W802, file->key_at,
				"%.*s is a symbolic link in most initrds, and a "
				"file below it would replace the link: write "
				"/usr%s",
				(int)strlen(linked[i]) - 1, linked[i],
				file->key.ptr);
}

/* What is in a file. @return whether it can be made */
static bool parse_content(struct resolve *r, const struct doc_pair *pair,
			  struct file *file)
{
	file->path = (struct located){ pair->key, pair->key_at };
	file->mode = 0644;
	file->said = pair->value;
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

static bool path_is_good(struct resolve *r, const struct doc_pair *pair)
{
	const char *wrong = value_initrd_path(pair->key);

	if (!wrong)
		wrong = value_file_name(text_basename(pair->key));
	if (wrong)
		bad_value(r, DIAG_E308,
			  &(struct located){ pair->key, pair->key_at }, wrong);
	else
		warn_linked_directory(r, pair);
	return !wrong;
}

/* Templates reach what is served as {{serve.NAME.url}}. */
static bool served_name_is_good(struct resolve *r, const struct doc_pair *pair)
{
	if (!good_name(r, pair))
		return false;
	if (!memchr(pair->key.ptr, '.', pair->key.len))
		return true;
	bad_value(r, DIAG_E306, &(struct located){ pair->key, pair->key_at },
		  "has a dot in it, so that templates could not name it");
	return false;
}

static int compare_files(const void *a, const void *b)
{
	const struct file *x = a, *y = b;
	int order = text_compare(x->path.text, y->path.text);

	return order ? order : (x->archs > y->archs) - (x->archs < y->archs);
}

typedef bool (*path_fn)(struct resolve *r, const struct doc_pair *pair);

static void parse_entry(struct resolve *r, const struct doc_pair *pair,
			struct file_list *list, path_fn is_good, unsigned archs)
{
	struct file *file = &list->at[list->count];

	*file = (struct file){ .archs = archs };
	if (is_good(r, pair) && parse_content(r, pair, file))
		list->count++;
}

static void sort_files(struct file_list *list)
{
	if (list->count > 1)
		qsort(list->at, list->count, sizeof(*list->at), compare_files);
}

/* Entries that are for some processors only: what no path can be. */
static bool are_by_arch(const struct doc_pair *pair)
{
	return arch_find(pair->key) || arch_other_name(pair->key);
}

/* How many files it has at most: what is no map has none, and no count. */
static size_t room_of(const struct doc_pair *pair)
{
	if (!are_by_arch(pair))
		return 1;
	return pair->value->kind == DOC_MAP ? pair->value->count : 0;
}

void parse_files(struct resolve *r, const struct doc *doc,
		 const struct field *field)
{
	struct file_list *list = field->at;
	size_t room = 0;

	list->replaces = archs_replaced(doc, field);
	if (!wants_map(r, doc, field->name))
		return;
	for (size_t i = 0; i < doc->count; i++)
		room += room_of(&doc->pairs[i]);
	list->at = arena_new_array(r->arena, room, struct file);
	for (size_t i = 0; i < doc->count; i++) {
		const struct doc_pair *pair = &doc->pairs[i];
		unsigned arch;

		if (!are_by_arch(pair))
			parse_entry(r, pair, list, path_is_good, 0);
		else if ((arch = find_arch(r, pair)) &&
			 wants_map(r, pair->value, pair->key.ptr))
			for (size_t j = 0; j < pair->value->count; j++)
				parse_entry(r, &pair->value->pairs[j], list,
					    path_is_good, arch);
	}
	sort_files(list);
}

void parse_serve(struct resolve *r, const struct doc *doc,
		 const struct field *field)
{
	struct file_list *list = field->at;

	list->replaces = field->replaces ? ARCH_ANY : 0;
	if (!wants_map(r, doc, field->name))
		return;
	list->at = arena_new_array(r->arena, doc->count, struct file);
	for (size_t i = 0; i < doc->count; i++)
		parse_entry(r, &doc->pairs[i], list, served_name_is_good, 0);
	sort_files(list);
}

void parse_command(struct resolve *r, const struct doc *doc,
		   const struct field *field)
{
	struct located_list list = get_scalars(r, doc, field->name);

	if (refuse_empty_list(r, doc, field->name))
		return;
	/* A program beside the site file, not one of the system. */
	if (list.count &&
	    memchr(list.at[0].text.ptr, '/', list.at[0].text.len)) {
		if (!find_path(r, &list.at[0]))
			return;
		list.at[0].text = text_of(arena_printf(
			r->arena, "%s%s",
			r->site->directory.len ? r->site->directory.ptr : "./",
			list.at[0].text.ptr));
	}
	*(struct located_list *)field->at = list;
}

void parse_format(struct resolve *r, const struct doc *doc,
		  const struct field *field)
{
	static const struct {
		const char *word;
		enum file_format format;
	} formats[] = { { "json", FORMAT_JSON },
			{ "yaml", FORMAT_YAML },
			{ "text", FORMAT_TEXT } };
	struct located value;

	if (!get_scalar(r, doc, field->name, &value))
		return;
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
		if (!text_is(value.text, formats[i].word))
			continue;
		*(enum file_format *)field->at = formats[i].format;
		return;
	}
	bad_value(r, DIAG_E312, &value,
		  "is no format: write json, yaml or text");
}
