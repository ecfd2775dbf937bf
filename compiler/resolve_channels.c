#include "resolve_parts.h"

#include "arena.h"
#include "doc.h"

/* What templates see of a channel besides what the site says. */
static const struct text own_name = { "name", 4 };

/* The values of a channel, with its name in front. */
static const struct doc *channel_vars(struct resolve *r, struct text name,
				      const struct doc *given)
{
	size_t count = given->kind == DOC_MAP ? given->count : 0;
	struct doc *vars = arena_new(r->arena, struct doc);
	struct doc *own = arena_new(r->arena, struct doc);

	*own = (struct doc){ .kind = DOC_SCALAR, .text = name };
	*vars = (struct doc){ .kind = DOC_MAP, .at = given->at };
	doc_set_room(r->arena, vars, count + 1);
	vars->pairs[0] = (struct doc_pair){ .key = own_name, .value = own };
	for (size_t i = 0; i < count; i++)
		vars->pairs[i + 1] = given->pairs[i];
	doc_index(vars);
	return vars;
}

static bool channel_is_good(struct resolve *r, const struct doc_pair *pair)
{
	const struct doc_pair *name = doc_find(pair->value, own_name);

	if (!good_name(r, pair))
		return false;
	if (pair->value->kind != DOC_MAP && pair->value->kind != DOC_NULL) {
		wrong_shape(r, pair->value, pair->key.ptr, "a map");
		return false;
	}
	if (name)
		diag_at(r->ds, DIAG_E408, name->key_at,
			"a value of a channel cannot be named \"name\": "
			"templates see \"%s\" as {{channel.name}}",
			pair->key.ptr);
	return !name;
}

static void parse_product(struct resolve *r, const struct doc_pair *product,
			  struct channel *channels, size_t *count)
{
	for (size_t i = 0; i < product->value->count; i++) {
		const struct doc_pair *pair = &product->value->pairs[i];

		if (!channel_is_good(r, pair))
			continue;
		channels[(*count)++] = (struct channel){
			.name = text_of(arena_printf(r->arena, "%s/%s",
						     product->key.ptr,
						     pair->key.ptr)),
			.at = pair->key_at,
			.vars = channel_vars(r, pair->key, pair->value),
		};
	}
}

void parse_channels(struct resolve *r, const struct doc *doc,
		    const struct field *field)
{
	struct site *site = r->site;
	size_t room = 0;

	if (!wants_map(r, doc, field->name))
		return;
	for (size_t i = 0; i < doc->count; i++)
		if (doc->pairs[i].value->kind == DOC_MAP)
			room += doc->pairs[i].value->count;
	site->channels = arena_new_array(r->arena, room, struct channel);
	for (size_t i = 0; i < doc->count; i++)
		if (good_name(r, &doc->pairs[i]) &&
		    wants_map(r, doc->pairs[i].value, doc->pairs[i].key.ptr))
			parse_product(r, &doc->pairs[i], site->channels,
				      &site->channel_count);
	sort_by_name(site->channels, site->channel_count,
		     sizeof(*site->channels));
}

void link_channel(struct resolve *r, struct settings *set)
{
	const struct site *site = r->site;
	struct more_settings *more = set->more;
	const char *nearest;
	struct diag *d;

	if (!more || !more->channel.text.ptr)
		return;
	more->follows =
		find_by_name(more->channel.text, site->channels,
			     site->channel_count, sizeof(*site->channels));
	if (more->follows)
		return;
	nearest = nearest_name(r, more->channel.text, site->channels,
			       site->channel_count, sizeof(*site->channels),
			       NULL, 0);
	d = diag_at(r->ds, DIAG_E417, more->channel.at,
		    "there is no channel \"%s\"", more->channel.text.ptr);
	if (nearest)
		diag_help(r->ds, d, "did you mean \"%s\"?", nearest);
	else
		diag_help(r->ds, d,
			  "say what it is:  channels: {PRODUCT: {CHANNEL: "
			  "{version: …}}}");
}
