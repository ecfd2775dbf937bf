#include "effective_parts.h"

#include "hex.h"

#include <errno.h>

/* In the manifest, who wants a blob; more than these are only counted. */
enum { WANTED_BY_MAX = 8 };

/* A kernel, initrd or verbatim file on disk, measured once. */
struct asset {
	bool bad;         /* reported */
	struct text path; /* with the directory of the site file */
	struct digest digest;
	struct blob *blob; /* the last one made of it */
};

/* @param what	"kernel" or the like
 * @param node	of a file that is rendered for one node; or NULL */
static const char *wish(struct arena *arena, const struct level *level,
			const char *what, const char *node)
{
	return arena_printf(arena, "%s%s%s: %s%s%s", level->kind,
			    *level->name ? " " : "", level->name, what,
			    node ? " for node " : "", node ? node : "");
}

/* Whether a text is that of wish(), without making it: thousands of nodes want
 * the same kernel for the same reason. */
static bool is_wish(struct text text, const struct level *level,
		    const char *what, const char *node)
{
	const char *const pieces[] = {
		level->kind, *level->name ? " " : "",  level->name,      ": ",
		what,        node ? " for node " : "", node ? node : "",
	};

	for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
		size_t len = strlen(pieces[i]);

		if (text.len < len || memcmp(text.ptr, pieces[i], len) != 0)
			return false;
		text.ptr += len;
		text.len -= len;
	}
	return text.len == 0;
}

void blob_want(struct builder *b, struct blob *blob, const struct level *level,
	       const char *what, const char *node)
{
	if (!node && level->set && blob->asker == level->set &&
	    blob->asked == what)
		return;
	blob->asker = node ? NULL : level->set;
	blob->asked = what;
	for (size_t i = 0; i < blob->wanted_by_count; i++)
		if (is_wish(blob->wanted_by[i], level, what, node))
			return;
	if (!blob->wanted_by)
		blob->wanted_by =
			arena_new_array(b->arena, WANTED_BY_MAX, struct text);
	if (blob->wanted_by_count < WANTED_BY_MAX)
		blob->wanted_by[blob->wanted_by_count++] =
			text_of(wish(b->arena, level, what, node));
}

void blob_publish(struct builder *b, struct blob *blob, bool publish)
{
	if (!publish || blob->published)
		return;
	blob->published = true;
	*vec_push(b->arena, &b->all_blobs) = blob;
}

struct blob *blob_get(struct builder *b, const struct digest *digest,
		      struct text name, bool publish)
{
	char *hex = arena_alloc(b->arena, 65);
	const char *path;
	struct blob *blob;
	void **slot;

	hex_digits(digest->sha256, 32, hex);
	path = arena_printf(b->arena, "a/%s/%s", hex, name.ptr);
	slot = map_at(&b->blobs, text_of(path));
	if (*slot) {
		blob_publish(b, *slot, publish);
		return *slot;
	}
	*slot = blob = arena_new(b->arena, struct blob);
	blob->path = text_of(path);
	blob->name = name;
	blob->digest = *digest;
	blob->hex = (struct text){ hex, 64 };
	blob->signable = true;
	blob_publish(b, blob, publish);
	return blob;
}

/* What goes into a UKI is not published by itself. */
bool parts_are_published(const struct builder *b)
{
	return !(b->site->verify & VERIFY_SECURE_BOOT);
}

static struct asset *asset_measure(struct context *c, struct text path,
				   struct span at)
{
	struct builder *b = c->b;
	void **slot = map_at(&b->assets, path);
	struct asset *asset = *slot;
	int error;

	if (asset)
		return asset;
	*slot = asset = arena_new(b->arena, struct asset);
	asset->path = text_of(arena_printf(b->arena, "%s%s",
					   b->site->directory.ptr, path.ptr));
	error = b->env->digest(b->env->ctx, asset->path.ptr, &asset->digest);
	asset->bad = true;
	if (error)
		diag_at(b->ds, DIAG_E601, at, "\"%s\": %s", asset->path.ptr,
			error == -EBUSY ? "changed while it was read"
					: strerror(-error));
	else if (b->env->is_private_key(b->env->ctx, asset->path.ptr, NULL, 0))
		diag_at(b->ds, DIAG_E602, at,
			"\"%s\" is a private key, which must not be published",
			asset->path.ptr);
	else
		asset->bad = false;
	return asset;
}

struct blob *asset_blob(struct context *c, struct text path, struct span at,
			struct text name, bool publish)
{
	struct asset *asset = asset_measure(c, path, at);
	struct blob *blob = asset->blob;

	if (asset->bad)
		return NULL;
	if (blob && text_equal(blob->name, name)) {
		blob_publish(c->b, blob, publish);
		return blob;
	}
	asset->blob = blob = blob_get(c->b, &asset->digest, name, publish);
	if (!blob->from.ptr && !blob->bytes.ptr)
		blob->from = asset->path;
	return blob;
}

/* Not looked into for a private key: one that is on a web server is none. */
static struct asset *download(struct builder *b, struct text url,
			      struct span at, const struct digest *digest)
{
	struct asset *asset = arena_new(b->arena, struct asset);

	asset->digest = *digest;
	asset->bad = b->env->download &&
		     !b->env->download(b->env->ctx, url, &asset->digest, at,
				       b->ds, &asset->path);
	return asset;
}

struct blob *download_blob(struct context *c, struct text url, struct span at,
			   const struct digest *digest, struct text name)
{
	struct builder *b = c->b;
	char hex[65];
	const struct asset *asset;
	struct blob *blob;
	void **slot;

	hex_digits(digest->sha256, 32, hex);
	slot = map_at(&b->downloads,
		      text_of(arena_printf(b->arena, "%s %s", hex, url.ptr)));
	if (!*slot)
		*slot = download(b, url, at, digest);
	asset = *slot;
	if (asset->bad)
		return NULL;
	blob = blob_get(b, &asset->digest, name, parts_are_published(b));
	if (!blob->from.ptr && !blob->bytes.ptr)
		blob->from = asset->path;
	return blob;
}
