#include "resolve_parts.h"

#include "arena.h"
#include "path.h"
#include "quote.h"
#include "template.h"
#include "value.h"

/* ----------------------------------------------------------- shapes -- */

const char *kind_words(const struct doc *doc)
{
	switch (doc->kind) {
	case DOC_NULL:
		return "nothing";
	case DOC_SCALAR:
		return "a single value";
	case DOC_LIST:
		return "a list";
	case DOC_MAP:
		return "a map";
	case DOC_FACT:
		break;
	}
	return "?";
}

void wrong_shape(struct resolve *r, const struct doc *doc, const char *key,
		 const char *wanted)
{
	diag_at(r->ds, DIAG_E205, doc->at, "\"%s\" takes %s, not %s", key,
		wanted, kind_words(doc));
}

bool get_scalar(struct resolve *r, const struct doc *doc, const char *key,
		struct located *ret)
{
	if (doc->kind != DOC_SCALAR) {
		wrong_shape(r, doc, key, "a single value");
		return false;
	}
	*ret = (struct located){ doc->text, doc->at };
	return true;
}

/* One value or a list of them. The list may not be empty: that would say
 * something, but not what. */
struct located_list get_scalars(struct resolve *r, const struct doc *doc,
				const char *key)
{
	struct located_list list = { 0 };

	if (doc->kind == DOC_SCALAR) {
		list.at = arena_new(r->arena, struct located);
		list.at[0] = (struct located){ doc->text, doc->at };
		list.count = 1;
		return list;
	}
	if (doc->kind != DOC_LIST) {
		wrong_shape(r, doc, key, "a value or a list of values");
		return list;
	}
	list.at = arena_new_array(r->arena, doc->count, struct located);
	for (size_t i = 0; i < doc->count; i++)
		if (get_scalar(r, doc->items[i], key, &list.at[list.count]))
			list.count++;
	return list;
}

bool refuse_empty_list(struct resolve *r, const struct doc *doc,
		       const char *key)
{
	if (doc->kind != DOC_LIST || doc->count)
		return false;
	diag_at(r->ds, DIAG_E205, doc->at, "\"%s\" is an empty list", key);
	return true;
}

bool wants_map(struct resolve *r, const struct doc *doc, const char *name)
{
	if (doc->kind == DOC_MAP)
		return true;
	if (doc->kind != DOC_NULL)
		wrong_shape(r, doc, name, "a map");
	return false;
}

void bad_value(struct resolve *r, enum diag_code code,
	       const struct located *value, const char *wrong)
{
	diag_at(r->ds, code, value->at, "%s %s", diag_quote(r->ds, value->text),
		wrong);
}

/* ----------------------------------------------------------- values -- */

bool parse_template(struct resolve *r, struct located value,
		    struct templated *ret)
{
	ret->text = value.text;
	ret->at = value.at;
	ret->tmpl = template_parse(r->arena, value.text, value.at, r->ds);
	return ret->tmpl != NULL;
}

/* A single value that one function finds good or refuses. */
static void parse_checked(struct resolve *r, const struct doc *doc,
			  const struct field *field, enum diag_code code,
			  const char *(*refusal)(struct text))
{
	struct located value;
	const char *wrong;

	if (!get_scalar(r, doc, field->name, &value))
		return;
	wrong = refusal(value.text);
	if (wrong)
		bad_value(r, code, &value, wrong);
	else
		*(struct located *)field->at = value;
}

void parse_name(struct resolve *r, const struct doc *doc,
		const struct field *field)
{
	parse_checked(r, doc, field, DIAG_E306, value_name);
}

static const char *operand_refusal(struct text text)
{
	return text.len && text.ptr[0] == '-'
		       ? "begins with \"-\", which iPXE would take for an "
			 "option"
		       : quote_ipxe_refusal(text);
}

void parse_token(struct resolve *r, const struct doc *doc,
		 const struct field *field)
{
	parse_checked(r, doc, field, DIAG_E311, operand_refusal);
}

void parse_words(struct resolve *r, const struct doc *doc,
		 const struct field *field)
{
	parse_checked(r, doc, field, DIAG_E311, value_words);
}

void parse_key(struct resolve *r, const struct doc *doc,
	       const struct field *field)
{
	parse_checked(r, doc, field, DIAG_E331, value_key);
}

void parse_duration(struct resolve *r, const struct doc *doc,
		    const struct field *field)
{
	struct located value;
	const char *wrong;

	if (!get_scalar(r, doc, field->name, &value))
		return;
	if ((wrong = value_duration(value.text, field->at)))
		bad_value(r, DIAG_E330, &value, wrong);
}

void parse_text(struct resolve *r, const struct doc *doc,
		const struct field *field)
{
	struct located value;

	if (get_scalar(r, doc, field->name, &value))
		parse_template(r, value, field->at);
}

void parse_templated_list(struct resolve *r, const struct doc *doc,
			  const struct field *field)
{
	struct templated_list *list = field->at;
	struct located_list values = get_scalars(r, doc, field->name);

	list->at = arena_new_array(r->arena, values.count, struct templated);
	for (size_t i = 0; i < values.count; i++)
		if (parse_template(r, values.at[i], &list->at[list->count]))
			list->count++;
}

bool find_path(struct resolve *r, struct located *path)
{
	const char *wrong =
		path_beside(r->arena, path_base(r->site->directory, path->at),
			    path->text, &path->text);

	if (wrong)
		bad_value(r, DIAG_E307, path, wrong);
	return !wrong;
}

void parse_file_path(struct resolve *r, const struct doc *doc,
		     const struct field *field)
{
	struct located path;

	if (get_scalar(r, doc, field->name, &path) && find_path(r, &path))
		*(struct located *)field->at = path;
}

void parse_boolean(struct resolve *r, const struct doc *doc,
		   const struct field *field)
{
	struct flag *flag = field->at;
	struct located value;

	if (!get_scalar(r, doc, field->name, &value))
		return;
	flag->at = value.at;
	if (doc->plain && text_is(value.text, "true"))
		flag->on = true;
	else if (!(doc->plain && text_is(value.text, "false")))
		bad_value(r, DIAG_E312, &value, "is not true or false");
}

void parse_reference(struct resolve *r, const struct doc *doc,
		     const struct field *field)
{
	struct located value;

	if (get_scalar(r, doc, field->name, &value))
		*(struct located *)field->at = value;
}

void parse_mode(struct resolve *r, const struct doc *doc,
		const struct field *field)
{
	struct located value;
	const char *wrong;

	if (!get_scalar(r, doc, field->name, &value))
		return;
	if ((wrong = value_mode(value.text, field->at)))
		bad_value(r, DIAG_E309, &value, wrong);
}
