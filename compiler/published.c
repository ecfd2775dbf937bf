#include "published.h"

#include "ir.h"

#include <stdlib.h>

/* What an item looks like from outside, made when it is fetched. */
struct published_face {
	const void *of; /* a blob or a script of a node */
	bool signature, tampered;
	struct sim_content content;
	struct published_face *next;
};

/* -------------------------------------------------------------- texts -- */

bool is_script(struct text bytes)
{
	return has_prefix(bytes, "#!ipxe\n");
}

bool strip_suffix(struct text *text, const char *suffix)
{
	size_t len = strlen(suffix);

	if (text->len < len ||
	    memcmp(text->ptr + text->len - len, suffix, len) != 0)
		return false;
	text->len -= len;
	return true;
}

bool has_prefix(struct text text, const char *prefix)
{
	size_t len = strlen(prefix);

	return text.len >= len && memcmp(text.ptr, prefix, len) == 0;
}

/* -------------------------------------------------------------- names -- */

static int compare_blob(const void *path, const void *blob)
{
	return text_compare(*(const struct text *)path,
			    ((const struct blob *)blob)->path);
}

static const struct blob *find_blob(const struct plan *plan, struct text path)
{
	if (!plan->blob_count)
		return NULL;
	return bsearch(&path, plan->blobs, plan->blob_count,
		       sizeof(*plan->blobs), compare_blob);
}

static int compare_script(const void *path, const void *script)
{
	return text_compare(*(const struct text *)path,
			    ((const struct node_script *)script)->path);
}

static const struct node_script *find_script(const struct plan *plan,
					     struct text path)
{
	if (!plan->node_script_count)
		return NULL;
	return bsearch(&path, plan->node_scripts, plan->node_script_count,
		       sizeof(*plan->node_scripts), compare_script);
}

/* What a URL names below one of these; its path there stays in @p ret_path. */
static bool find_below(const struct plan *plan,
		       const struct located_list *bases, struct text url,
		       struct published_item *item, struct text *ret_path)
{
	for (size_t i = 0; i < bases->count; i++) {
		struct text base = bases->at[i].text;
		struct text path = { url.ptr + base.len, url.len - base.len };
		const struct blob *blob;

		if (!has_prefix(url, base.ptr))
			continue;
		blob = find_blob(plan, path);
		if (!blob &&
		    !((plan->verify & VERIFY_NODES) && has_prefix(path, "n/")))
			continue;
		item->blob = blob;
		item->base = base;
		*ret_path = path;
		return true;
	}
	return false;
}

/* ------------------------------------------------------------ answers -- */

/* What has been changed is a program, so that to start it would be seen. */
static const struct sim_content *show(struct published *tree, const void *of,
				      const struct digest *digest,
				      struct text bytes, bool signature,
				      bool tampered)
{
	struct published_face *face = tree->faces;

	while (face && !(face->of == of && face->signature == signature &&
			 face->tampered == tampered))
		face = face->next;
	if (face)
		return &face->content;
	face = arena_new(&tree->arena, struct published_face);
	*face = (struct published_face){
		of, signature, tampered, { 0 }, tree->faces
	};
	tree->faces = face;
	face->content = (struct sim_content){
		.kind = signature && !tampered ? SIM_SIGNATURE : SIM_KERNEL,
		.signs = digest->sha256,
		.signer = tree->plan->signer,
		.genuine = !tampered,
		.signed_for_firmware = !tampered,
	};
	memcpy(face->content.sha256, digest->sha256,
	       sizeof(face->content.sha256));
	face->content.sha256[0] ^= tampered;
	if (!signature && !tampered && is_script(bytes)) {
		face->content.kind = SIM_SCRIPT;
		face->content.script = sim_script_new(&tree->arena, bytes);
	}
	return &face->content;
}

/* Of any other node; NULL: there is none. */
static const struct node_script *another(const struct published *tree,
					 const struct node_script *own)
{
	const struct plan *plan = tree->plan;
	const struct node *node = tree->machine ? tree->machine->node : NULL;

	for (size_t i = 0; i < plan->node_script_count; i++) {
		const struct node_script *other = &plan->node_scripts[i];
		struct text name = *other->wanted_by; /* "node NAME" */

		if (node && strip_suffix(&name, node->name.ptr) &&
		    text_is(name, "node "))
			continue;
		if (other != own)
			return other;
	}
	return NULL;
}

const struct blob *published_another_blob(const struct plan *plan,
					  const struct blob *own)
{
	for (size_t i = 0; i < plan->blob_count; i++) {
		const struct blob *other = &plan->blobs[i];

		if (other->signable == own->signable &&
		    memcmp(&other->digest, &own->digest, sizeof(own->digest)) !=
			    0)
			return other;
	}
	return NULL;
}

static const struct sim_content *answer_blob(struct published *tree,
					     const struct blob *blob,
					     bool signature, enum harm harm)
{
	if (harm == HARM_SWAPPED)
		blob = published_another_blob(tree->plan, blob);
	return blob ? show(tree, blob, &blob->digest, blob->bytes, signature,
			   harm == HARM_TAMPERED)
		    : NULL;
}

static const struct sim_content *answer_script(struct published *tree,
					       struct text path, bool signature,
					       enum harm harm)
{
	static const struct sim_content not_found = { .kind = SIM_NOT_FOUND };
	const struct node_script *script = find_script(tree->plan, path);

	if (harm == HARM_SWAPPED)
		script = another(tree, script);
	if (harm == HARM_TAMPERED && !script)
		script = tree->plan->node_scripts;
	if (!script)
		return &not_found;
	return show(tree, script, &script->digest, script->bytes, signature,
		    harm == HARM_TAMPERED);
}

const struct sim_content *published_fetch(struct published *tree,
					  struct text url, bool *ret_stray)
{
	/* A time server has nothing that could be looked at. */
	static const struct sim_content anything = { .kind = SIM_DATA };
	const struct site *site = tree->plan->effective->site;
	struct published_item item = { .url = url };
	struct text path = { NULL, 0 };
	bool found;
	enum harm harm;

	item.signature = strip_suffix(&url, ".sig");
	found = find_below(tree->plan, &site->urls, url, &item, &path) ||
		find_below(tree->plan, &site->assets, url, &item, &path);
	harm = tree->harm(tree->ctx, &item);
	*ret_stray = !found && !has_prefix(url, "ntp://");
	if (harm == HARM_LOST || *ret_stray)
		return NULL;
	if (!found)
		return &anything;
	if (!item.blob)
		return answer_script(tree, path, item.signature, harm);
	return answer_blob(tree, item.blob, item.signature, harm);
}

void published_reset(struct published *tree)
{
	arena_reset(&tree->arena);
	tree->faces = NULL;
}

void published_release(struct published *tree)
{
	arena_release(&tree->arena);
}
