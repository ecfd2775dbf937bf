#include "resolve_parts.h"

#include "arena.h"
#include "plan.h"
#include "resolve.h"
#include "value.h"

static const char *site_join(const struct resolve *r, struct text path)
{
	return arena_printf(r->arena, "%s%s", r->site->directory.ptr, path.ptr);
}

void parse_trust(struct resolve *r, const struct doc *doc,
		 const struct field *field)
{
	struct located_list list = get_scalars(r, doc, field->name);
	struct located_list *good = field->at;

	if (refuse_empty_list(r, doc, field->name))
		return;
	good->at = arena_new_array(r->arena, list.count, struct located);
	for (size_t i = 0; i < list.count; i++) {
		struct located *path = &list.at[i];

		if (!find_path(r, path))
			continue;
		r->env->check_trust(r->env->ctx, site_join(r, path->text),
				    path->at, r->ds);
		good->at[good->count++] = *path;
	}
}

static void parse_url_list(struct resolve *r, const struct doc *doc,
			   const struct field *field, bool plain_http)
{
	struct located_list list = get_scalars(r, doc, field->name);
	struct located_list *good = field->at;

	if (refuse_empty_list(r, doc, field->name))
		return;
	good->at = arena_new_array(r->arena, list.count, struct located);
	for (size_t i = 0; i < list.count; i++) {
		struct located *url = &good->at[good->count];
		const char *wrong = value_url(r->arena, list.at[i].text,
					      plain_http, &url->text);

		if (wrong) {
			bad_value(r, DIAG_E305, &list.at[i], wrong);
			continue;
		}
		url->at = list.at[i].at;
		good->count++;
	}
}

void parse_urls(struct resolve *r, const struct doc *doc,
		const struct field *field)
{
	parse_url_list(r, doc, field, false);
}

void parse_asset_urls(struct resolve *r, const struct doc *doc,
		      const struct field *field)
{
	parse_url_list(r, doc, field, true);
}

static const struct {
	const char *word;
	enum verify bit;
} ways[] = { { "signature", VERIFY_SIGNATURE },
	     { "digest", VERIFY_DIGEST },
	     { "secure-boot", VERIFY_SECURE_BOOT } };
enum { WAYS = sizeof(ways) / sizeof(*ways) };

unsigned verify_next(unsigned verify, unsigned from, const char **ret_word)
{
	for (unsigned i = from; i < WAYS; i++) {
		if (!(verify & ways[i].bit))
			continue;
		*ret_word = ways[i].word;
		return i + 1;
	}
	return 0;
}

void parse_verify(struct resolve *r, const struct doc *doc,
		  const struct field *field)
{
	struct located_list list = get_scalars(r, doc, field->name);
	unsigned *verify = field->at;

	r->site->verify_at = doc->at;
	if (refuse_empty_list(r, doc, field->name))
		return;
	for (size_t i = 0; i < list.count; i++) {
		const struct located *word = &list.at[i];
		unsigned bit = 0;

		for (size_t w = 0; w < WAYS; w++)
			if (text_is(word->text, ways[w].word))
				bit = ways[w].bit;
		if (bit == VERIFY_SECURE_BOOT && !r->env->make_uki)
			bad_value(
				r, DIAG_E312, word,
				"cannot be had here: write signature, digest, "
				"or both");
		else if (bit)
			*verify |= bit;
		else
			bad_value(r, DIAG_E312, word,
				  "is no way to verify: write signature, "
				  "digest, secure-boot, or several of them");
	}
}

static const char *const dispatch_words[] = {
	[DISPATCH_EMBEDDED] = "embedded",
	[DISPATCH_REMOTE] = "remote",
	[DISPATCH_BOTH] = "both",
};
enum { DISPATCH_WORDS = sizeof(dispatch_words) / sizeof(*dispatch_words) };

const char *dispatch_word(enum dispatch dispatch)
{
	return dispatch_words[dispatch];
}

void parse_dispatch(struct resolve *r, const struct doc *doc,
		    const struct field *field)
{
	struct located value;

	if (!get_scalar(r, doc, field->name, &value))
		return;
	r->site->dispatch.at = value.at;
	for (size_t i = 0; i < DISPATCH_WORDS; i++) {
		if (text_is(value.text, dispatch_words[i])) {
			r->site->dispatch.kind = (enum dispatch)i;
			return;
		}
	}
	bad_value(r, DIAG_E312, &value,
		  "is no way to dispatch: write embedded, remote or both");
}
