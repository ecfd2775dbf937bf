#include "sign_tree.h"

#include "arena.h"
#include "asset.h"
#include "commit.h"
#include "files.h"
#include "plan.h"
#include "report.h"
#include "sbuf.h"
#include "signatures.h"
#include "trust.h"
#include "vec.h"
#include "verified.h"

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
	const struct sign_manner *manner;
	struct certificates roots;
	struct cms_policy policy;
	struct verified *verified;
	struct signatures work;
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

/* What is remembered, and how the work is to be done. */
static void prepare(struct signing *signing)
{
	signing->verified = verified_open(
		tree_cache_file(signing->tree, "verified"), &signing->policy);
	if (signing->manner->recheck) {
		tree_doubt(signing->tree);
		verified_doubt(signing->verified);
	}
	signing->work = (struct signatures){
		.call = signing->call,
		.policy = &signing->policy,
		.tree = signing->tree,
		.verified = signing->verified,
		.unfinished = tree_unfinished(signing->tree),
		.jobs = signing->manner->jobs,
	};
}

static enum status open_tree(struct signing *signing)
{
	enum tree_result result =
		tree_open(signing->out, &signing->why, &signing->tree);
	enum status status;

	if (result != TREE_OK)
		return fail_tree(signing, result);
	tree_watch(signing->tree, signing->call);
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
	status = read_roots(signing);
	if (status == STATUS_OK)
		prepare(signing);
	return status;
}

static bool is_signature(const struct manifest_file *file)
{
	return file->wanted_by_count == 1 &&
	       text_is(file->wanted_by[0], "signature");
}

/* Everything but the request, which is answered or written anew, and the
 * signatures, of which those that hold are put again. */
static void keep_files(const struct signing *signing)
{
	for (size_t i = 0; i < signing->manifest->count; i++) {
		const struct manifest_file *file = &signing->manifest->files[i];

		if (!is_signature(file) &&
		    !text_is(file->path, SIGNING_REQUEST_NAME))
			tree_keep(signing->tree, file->path);
	}
}

static enum status commit(struct signing *signing)
{
	struct tree_summary summary;
	enum tree_result result = tree_commit(signing->tree, &summary);

	if (result != TREE_OK)
		return fail_tree(signing, result);
	verified_save(signing->verified);
	fputs(summary.aside, stderr);
	return STATUS_OK;
}

static void say_signed(const struct signing *signing, size_t items,
		       const struct signatures_made *made)
{
	printf("%s: %zu signed, %zu had a good signature by this signer",
	       signing->out, made->count, items - made->count);
	if (made->found)
		printf("; %zu were signed in a run that was interrupted",
		       made->found);
	putchar('\n');
}

static enum status sign_and_commit(struct signing *signing)
{
	struct signing_items items =
		signing_items_of(signing->call->arena, signing->manifest);
	struct signatures_made made = { 0 };
	enum status status;

	signatures_find(&signing->work, &items);
	status = signatures_make(&signing->work, &items, &made);
	if (status != STATUS_OK)
		return status;
	keep_files(signing);
	signatures_put(&signing->work, &items);
	status = commit(signing);
	if (status != STATUS_OK)
		return status;
	/* Also when nothing was left to sign: the run before may have ended
	 * right here. */
	unlink(signing->work.unfinished);
	say_signed(signing, items.count, &made);
	return STATUS_OK;
}

static void signing_close(struct signing *signing)
{
	verified_free(signing->verified);
	tree_free(signing->tree);
	certificates_release(&signing->roots);
	sbuf_release(&signing->why);
}

enum status sign_tree(const struct call *call, const char *out,
		      const struct signer *signer,
		      const struct sign_manner *manner)
{
	struct signing signing = { .call = call, .out = out, .manner = manner };
	enum status status = open_tree(&signing);

	signing.work.signer = signer;
	if (status == STATUS_OK)
		status = signer_check(call, signer, &signing.policy);
	if (status == STATUS_OK)
		status = sign_and_commit(&signing);
	signing_close(&signing);
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

struct answer {
	const struct signing *signing;
	const char *path;
	enum status status;
};

static void refuse_item(void *ctx, const struct signing_item *item,
			const char *why)
{
	struct answer *answer = ctx;

	answer->status =
		report_error(answer->signing->call, "%s:%zu: %s: %s",
			     answer->path, item->line, item->path.ptr, why);
}

/* Those that the tree does not want are told first. */
static enum status check_items(const struct signing *signing, const char *path,
			       const struct signing_items *items,
			       const struct signing_items *wanted)
{
	struct answer answer = { signing, path, STATUS_OK };

	for (size_t i = 0; i < items->count; i++) {
		CLEANUP(sbuf) why = { 0 };

		if (!is_wanted(wanted, &items->at[i], &why))
			refuse_item(&answer, &items->at[i], sbuf_text(&why));
	}
	if (answer.status == STATUS_OK)
		signatures_check(&signing->work, items, refuse_item, &answer);
	return answer.status;
}

static enum status check_response(const struct signing *signing,
				  const char *path,
				  const struct signing_response *response,
				  const struct signing_items *wanted)
{
	if (!text_equal(response->site, signing->manifest->site))
		return report_error(signing->call,
				    "%s: these are signatures for the site "
				    "\"%s\", but %s is of \"%s\"",
				    path, response->site.ptr, signing->out,
				    signing->manifest->site.ptr);
	return check_items(signing, path, &response->items, wanted);
}

/** What has no good signature yet, and gets none now. */
static struct signing_items still_wanted(const struct signing *signing,
					 struct signing_items *wanted,
					 const struct signing_items *merged)
{
	struct signing_items rest = { 0 };

	signatures_find(&signing->work, wanted);
	for (size_t i = 0; i < wanted->count; i++)
		if (!wanted->at[i].held &&
		    !signing_find(merged, wanted->at[i].path))
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
	signatures_put(&signing->work, &wanted);
	signatures_put(&signing->work, &response->items);
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
		       const char *response_path,
		       const struct sign_manner *manner)
{
	struct signing signing = { .call = call, .out = out, .manner = manner };
	const struct signing_response *response;
	CLEANUP(sbuf) why = { 0 };
	struct text bytes;
	enum status status = sign_read_file(call, response_path, &bytes);

	if (status != STATUS_OK)
		return status;
	response = signing_response_parse(call->arena, bytes, &why);
	if (!response)
		return report_error(call, "%s: %s", response_path,
				    sbuf_text(&why));
	status = open_tree(&signing);
	if (status == STATUS_OK)
		status = merge(&signing, response_path, response);
	signing_close(&signing);
	return status;
}
