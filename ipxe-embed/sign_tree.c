#include "sign_tree.h"

#include "arena.h"
#include "asset.h"
#include "commit.h"
#include "files.h"
#include "plan.h"
#include "report.h"
#include "sbuf.h"
#include "statcache.h"
#include "trust.h"
#include "vec.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/** A tree that gets signatures. */
struct signing {
	const struct call *call;
	const char *out;
	struct tree *tree;
	const struct manifest *manifest;
	struct certificates roots;
	struct cms_policy policy;
	struct sbuf why;
};

static enum status fail_tree(const struct signing *signing,
			     enum tree_result result)
{
	const char *why = sbuf_text(&signing->why);

	if (result == TREE_FAILED)
		return report_failure(signing->call, "%s", why);
	report_error(signing->call, "%s", why);
	return result == TREE_REFUSED ? STATUS_USAGE : STATUS_INPUT;
}

static enum status read_roots(struct signing *signing)
{
	CLEANUP(sbuf) bytes = { 0 };
	CLEANUP(sbuf) why = { 0 };
	int error = tree_read(signing->tree, TEXT("trust.pem"), TRUST_MAX_BYTES,
			      &bytes);

	if (error)
		return report_error(signing->call, "%s/trust.pem: %s",
				    signing->out, strerror(-error));
	if (certificates_parse(&signing->roots, sbuf_text(&bytes), bytes.len,
			       &why) != 0)
		return report_error(signing->call, "%s/trust.pem: %s",
				    signing->out, sbuf_text(&why));
	return STATUS_OK;
}

static enum status open_tree(struct signing *signing, struct statcache *cache)
{
	enum tree_result result =
		tree_open(signing->out, cache, &signing->why, &signing->tree);

	if (result != TREE_OK)
		return fail_tree(signing, result);
	signing->manifest = tree_manifest(signing->tree);
	if (!signing->manifest->count)
		return report_error(signing->call,
				    "%s: there is nothing in it; `ipxe-embed "
				    "build` writes a tree",
				    signing->out);
	if (!(signing->manifest->verify & VERIFY_SIGNED))
		return report_error(signing->call,
				    "%s: the site verifies without signatures, "
				    "so there is nothing to sign",
				    signing->out);
	signing->policy = (struct cms_policy){
		.roots = &signing->roots,
		.signer = signing->manifest->signer.ptr,
		.now = time(NULL),
	};
	return read_roots(signing);
}

/* What is there now may be damaged or gone; then it is signed again. */
static void read_signatures(const struct signing *signing,
			    struct signing_items *items)
{
	struct arena *arena = signing->call->arena;

	for (size_t i = 0; i < items->count; i++) {
		struct signing_item *item = &items->at[i];
		CLEANUP(sbuf) der = { 0 };

		if (tree_read(signing->tree, signing_path(arena, item),
			      SIGNATURE_MAX_BYTES, &der) != 0)
			continue;
		item->signature.ptr =
			arena_copy(arena, sbuf_text(&der), der.len);
		item->signature.len = der.len;
	}
}

static void put_signatures(const struct signing *signing,
			   const struct signing_items *items)
{
	static struct text wanted_by[] = { { "signature", 9 } };

	for (size_t i = 0; i < items->count; i++) {
		const struct signing_item *item = &items->at[i];
		struct tree_file file = {
			.path = signing_path(signing->call->arena, item),
			.wanted_by = wanted_by,
			.wanted_by_count = 1,
		};

		tree_put_bytes(signing->tree, &file, item->signature);
	}
}

/* Everything but the request, which is answered or written anew. */
static void keep_files(const struct signing *signing)
{
	for (size_t i = 0; i < signing->manifest->count; i++)
		if (!text_is(signing->manifest->files[i].path,
			     SIGNING_REQUEST_NAME))
			tree_keep(signing->tree,
				  signing->manifest->files[i].path);
}

static enum status commit(struct signing *signing)
{
	struct tree_summary summary;
	enum tree_result result = tree_commit(signing->tree, &summary);

	if (result != TREE_OK)
		return fail_tree(signing, result);
	fputs(summary.aside, stderr);
	return STATUS_OK;
}

static enum status sign_and_commit(struct signing *signing,
				   const struct signer *signer)
{
	const struct call *call = signing->call;
	struct signing_items items =
		signing_items_of(call->arena, signing->manifest);
	size_t made = 0;
	enum status status;

	read_signatures(signing, &items);
	status = signer_sign(call, signer, &signing->policy, &items, &made);
	if (status != STATUS_OK)
		return status;
	keep_files(signing);
	put_signatures(signing, &items);
	status = commit(signing);
	if (status == STATUS_OK)
		printf("%s: %zu signed, %zu had a good signature by this "
		       "signer\n",
		       signing->out, made, items.count - made);
	return status;
}

static void signing_close(struct signing *signing)
{
	tree_free(signing->tree);
	certificates_release(&signing->roots);
	sbuf_release(&signing->why);
}

enum status sign_tree(const struct call *call, const char *out,
		      const struct signer *signer)
{
	struct statcache *cache = statcache_open(NULL);
	struct signing signing = { .call = call, .out = out };
	enum status status = open_tree(&signing, cache);

	if (status == STATUS_OK)
		status = signer_check(call, signer, &signing.policy);
	if (status == STATUS_OK)
		status = sign_and_commit(&signing, signer);
	signing_close(&signing);
	statcache_save(cache);
	statcache_free(cache);
	return status;
}

/* ---- signatures from elsewhere ---- */

enum status sign_read_file(const struct call *call, const char *path,
			   struct text *ret_bytes)
{
	CLEANUP(sbuf) bytes = { 0 };
	int fd = asset_open(path), error;

	if (fd < 0)
		return report_error(call, "%s: %s", path, strerror(-fd));
	error = files_slurp(fd, SIGN_FILE_MAX_BYTES, &bytes);
	close(fd);
	if (error)
		return report_failure(call, "%s: %s", path, strerror(-error));
	ret_bytes->ptr = arena_copy(call->arena, sbuf_text(&bytes), bytes.len);
	ret_bytes->len = bytes.len;
	return STATUS_OK;
}

/* Held against what the tree says now, not against what was asked for then. */
static bool is_wanted(const struct signing_items *wanted,
		      const struct signing_item *item, struct sbuf *why)
{
	const struct signing_item *now = signing_find(wanted, item->path);

	if (!now)
		sbuf_puts(why, "the tree has no such file (any more)");
	else if (!digest_equal(&now->digest, &item->digest))
		sbuf_puts(why, "the file has another size or SHA-256");
	return why->len == 0;
}

static enum status check_item(const struct signing *signing, const char *path,
			      const struct signing_items *wanted,
			      const struct signing_item *item)
{
	CLEANUP(sbuf) why = { 0 };

	if (is_wanted(wanted, item, &why) &&
	    cms_verify(item->signature.ptr, item->signature.len, &item->digest,
		       &signing->policy, NULL, &why) == 0)
		return STATUS_OK;
	return report_error(signing->call, "%s:%zu: %s: %s", path, item->line,
			    item->path.ptr, sbuf_text(&why));
}

static enum status check_response(const struct signing *signing,
				  const char *path,
				  const struct signing_response *response,
				  const struct signing_items *wanted)
{
	enum status status = STATUS_OK;

	if (!text_equal(response->site, signing->manifest->site))
		return report_error(signing->call,
				    "%s: these are signatures for the site "
				    "\"%s\", but %s is of \"%s\"",
				    path, response->site.ptr, signing->out,
				    signing->manifest->site.ptr);
	for (size_t i = 0; i < response->items.count; i++)
		if (check_item(signing, path, wanted, &response->items.at[i]) !=
		    STATUS_OK)
			status = STATUS_INPUT;
	return status;
}

static bool is_signed(const struct signing *signing,
		      const struct signing_item *item)
{
	CLEANUP(sbuf) der = { 0 };
	CLEANUP(sbuf) why = { 0 };

	return tree_read(signing->tree,
			 signing_path(signing->call->arena, item),
			 SIGNATURE_MAX_BYTES, &der) == 0 &&
	       cms_verify(sbuf_text(&der), der.len, &item->digest,
			  &signing->policy, NULL, &why) == 0;
}

/** What has no good signature yet, and gets none now. */
static struct signing_items still_wanted(const struct signing *signing,
					 const struct signing_items *wanted,
					 const struct signing_items *merged)
{
	struct signing_items rest = { 0 };

	for (size_t i = 0; i < wanted->count; i++)
		if (!signing_find(merged, wanted->at[i].path) &&
		    !is_signed(signing, &wanted->at[i]))
			*vec_push(signing->call->arena, &rest) = wanted->at[i];
	return rest;
}

static void put_request(const struct signing *signing,
			struct signing_items rest)
{
	static struct text wanted_by[] = { { "site", 4 } };
	struct arena *arena = signing->call->arena;
	struct signing_request request = {
		.site = signing->manifest->site,
		.signer = signing->manifest->signer,
		.roots = signing_roots_of(arena, &signing->roots),
		.items = rest,
	};
	struct tree_file file = { TEXT(SIGNING_REQUEST_NAME), wanted_by, 1 };
	CLEANUP(sbuf) text = { 0 };

	if (!rest.count)
		return;
	signing_request_write(&request, &text);
	tree_put_bytes(
		signing->tree, &file,
		(struct text){ arena_copy(arena, sbuf_text(&text), text.len),
			       text.len });
}

static enum status merge(struct signing *signing, const char *path,
			 const struct signing_response *response)
{
	struct signing_items wanted =
		signing_items_of(signing->call->arena, signing->manifest);
	struct signing_items rest;
	enum status status = check_response(signing, path, response, &wanted);

	if (status != STATUS_OK)
		return status;
	rest = still_wanted(signing, &wanted, &response->items);
	keep_files(signing);
	put_signatures(signing, &response->items);
	put_request(signing, rest);
	status = commit(signing);
	if (status == STATUS_OK)
		printf("%s: %zu %s merged, %zu still missing\n", signing->out,
		       response->items.count,
		       response->items.count == 1 ? "signature" : "signatures",
		       rest.count);
	return status;
}

enum status sign_merge(const struct call *call, const char *out,
		       const char *response_path)
{
	struct signing signing = { .call = call, .out = out };
	const struct signing_response *response;
	struct statcache *cache;
	CLEANUP(sbuf) why = { 0 };
	struct text bytes;
	enum status status = sign_read_file(call, response_path, &bytes);

	if (status != STATUS_OK)
		return status;
	response = signing_response_parse(call->arena, bytes, &why);
	if (!response)
		return report_error(call, "%s: %s", response_path,
				    sbuf_text(&why));
	cache = statcache_open(NULL);
	status = open_tree(&signing, cache);
	if (status == STATUS_OK)
		status = merge(&signing, response_path, response);
	signing_close(&signing);
	statcache_save(cache);
	statcache_free(cache);
	return status;
}
