#include "resolve_parts.h"

#include "arena.h"
#include "plan.h"
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

void parse_verify(struct resolve *r, const struct doc *doc,
		  const struct field *field)
{
	static const struct {
		const char *word;
		enum verify bit;
	} ways[] = { { "signature", VERIFY_SIGNATURE },
		     { "digest", VERIFY_DIGEST },
		     { "secure-boot", VERIFY_SECURE_BOOT } };
	struct located_list list = get_scalars(r, doc, field->name);
	unsigned *verify = field->at;

	r->site->verify_at = doc->at;
	if (refuse_empty_list(r, doc, field->name))
		return;
	for (size_t i = 0; i < list.count; i++) {
		const struct located *word = &list.at[i];
		unsigned bit = 0;

		for (size_t w = 0; w < sizeof(ways) / sizeof(*ways); w++)
			if (text_is(word->text, ways[w].word))
				bit = ways[w].bit;
		if (bit == VERIFY_SECURE_BOOT && !r->env->make_uki)
			diag_at(r->ds, DIAG_E203, word->at,
				"\"verify: secure-boot\" is not supported yet; "
				"write signature, digest, or both");
		else if (bit)
			*verify |= bit;
		else
			bad_value(r, DIAG_E312, word,
				  "is no way to verify: write signature, "
				  "digest, secure-boot, or several of them");
	}
}

void parse_dispatch(struct resolve *r, const struct doc *doc,
		    const struct field *field)
{
	static const char *const words[] = {
		[DISPATCH_EMBEDDED] = "embedded",
		[DISPATCH_REMOTE] = "remote",
		[DISPATCH_BOTH] = "both",
	};
	struct located value;

	if (!get_scalar(r, doc, field->name, &value))
		return;
	r->site->dispatch.at = value.at;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (text_is(value.text, words[i])) {
			r->site->dispatch.kind = (enum dispatch)i;
			return;
		}
	}
	bad_value(r, DIAG_E312, &value,
		  "is no way to dispatch: write embedded, remote or both");
}
