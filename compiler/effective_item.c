#include "effective_parts.h"

#include "hex.h"
#include "path.h"
#include "template.h"
#include "value.h"

static struct blob *path_blob(struct context *c, const struct templated *value)
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
	return asset_blob(c, path, value->at, name, parts_are_published(c->b));
}

/* What is elsewhere is known by its digest. */
static struct blob *url_blob(struct context *c, const struct item *item)
{
	struct digest digest = { 0 };
	struct text url, sha256, name;
	const char *wrong;

	if (!render(c, &item->from, &url) || !render(c, &item->sha256, &sha256))
		return NULL;
	wrong = value_download(url, &name);
	if (wrong) {
		bad_rendered(c, DIAG_E305, item->from.at, url, wrong);
		return NULL;
	}
	if (sha256.len != 64 ||
	    !hex_bytes(sha256.ptr, digest.sha256, sizeof(digest.sha256))) {
		bad_rendered(c, DIAG_E334, item->sha256.at, sha256,
			     "is not 64 hexadecimal digits");
		return NULL;
	}
	return download_blob(
		c, url, item->from.at, &digest,
		(struct text){ arena_copy(c->b->arena, name.ptr, name.len),
			       name.len });
}

struct blob *item_blob(struct context *c, const struct item *item)
{
	size_t slot = (uintptr_t)item / sizeof(*item) % KNOWN_ITEMS;
	struct known_item *known = &c->b->known_items[slot];
	struct blob *blob;

	if (item->sha256.tmpl)
		return url_blob(c, item);
	if (known->item == item)
		return known->blob;
	blob = path_blob(c, &item->from);
	if (blob && template_is_literal(item->from.tmpl))
		*known = (struct known_item){ item, blob };
	return blob;
}
