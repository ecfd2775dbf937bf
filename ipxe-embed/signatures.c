#include "signatures.h"

#include "arena.h"
#include "commit.h"
#include "meter.h"
#include "parallel.h"
#include "report.h"
#include "sbuf.h"
#include "sha256.h"
#include "spool.h"
#include "vec.h"
#include "verified.h"

#include <stdatomic.h>
#include <stdlib.h>

/* ------------------------------------------------------------- looking -- */

/* A signature in the tree of which nothing is known. */
struct unknown {
	struct signing_item *item;
	const struct manifest_file *file; /**< the signature */
	bool good;
	struct cms_verdict verdict; /**< if it is */
};

struct looking {
	const struct signatures *signatures;
	VEC(struct unknown) unknown;
};

static bool is_by_signer(const struct signatures *signatures,
			 const struct cms_verdict *verdict)
{
	unsigned char signer[32];

	if (!signatures->signer)
		return true;
	certificate_fingerprint(&signatures->signer->certificate, signer);
	return memcmp(signer, verdict->signer, sizeof(signer)) == 0;
}

static bool look_at(void *ctx, size_t at)
{
	struct looking *looking = ctx;
	const struct signatures *signatures = looking->signatures;
	struct unknown *unknown = &looking->unknown.at[at];
	CLEANUP(sbuf) der = { 0 };
	CLEANUP(sbuf) why = { 0 };
	struct digest digest;

	if (tree_read(signatures->tree, unknown->file->path,
		      SIGNATURE_MAX_BYTES, &der) != 0)
		return true;
	sha256_of(der.ptr, der.len, &digest);
	unknown->good =
		digest_equal(&digest, &unknown->file->digest) &&
		cms_verify(der.ptr, der.len, &unknown->item->digest,
			   signatures->policy, &unknown->verdict, &why) == 0 &&
		is_by_signer(signatures, &unknown->verdict);
	return true;
}

/* What the record says, and what it does not know. */
static void look_up(struct looking *looking, struct signing_items *items)
{
	const struct signatures *signatures = looking->signatures;
	const struct manifest *manifest = tree_manifest(signatures->tree);
	struct arena *arena = signatures->call->arena;
	unsigned char by[32];

	if (signatures->signer)
		certificate_fingerprint(&signatures->signer->certificate, by);
	for (size_t i = 0; i < items->count; i++) {
		struct signing_item *item = &items->at[i];
		const struct manifest_file *file =
			manifest_find(manifest, signing_path(arena, item));

		if (!file || !tree_holds(signatures->tree, file))
			continue;
		item->held = verified_has(signatures->verified, &item->digest,
					  &file->digest,
					  signatures->signer ? by : NULL);
		if (!item->held)
			*vec_push(arena, &looking->unknown) =
				(struct unknown){ .item = item, .file = file };
	}
}

void signatures_find(const struct signatures *signatures,
		     struct signing_items *items)
{
	struct looking looking = { .signatures = signatures };
	struct meter meter;
	struct parallel work = { .jobs = signatures->jobs,
				 .run = look_at,
				 .ctx = &looking,
				 .meter = &meter };

	look_up(&looking, items);
	work.count = looking.unknown.count;
	meter_begin(&meter, signatures->call, "verifying signatures",
		    work.count);
	parallel_run(&work);
	meter_end(&meter);
	vec_foreach (struct unknown, unknown, &looking.unknown) {
		unknown->item->held = unknown->good;
		if (unknown->good)
			verified_note(
				signatures->verified, &unknown->item->digest,
				&unknown->file->digest, &unknown->verdict);
	}
}

/* -------------------------------------------------------------- making -- */

/* What becomes of one content. */
struct result {
	const struct signing_item *item; /**< first with that content */
	struct text der;                 /**< where it is kept */
	bool is_found;                   /**< from a run before */
	struct sbuf made, why;
	struct cms_verdict verdict;
};

struct making {
	const struct signatures *signatures;
	struct cms_signer with;
	struct spool *spool;
	VEC(struct signing_item *) wanted; /**< sorted by content */
	VEC(struct result) results;        /**< in the order of items */
};

static bool is_good(const struct making *making, struct result *result,
		    struct text der, struct sbuf *why)
{
	return cms_verify(der.ptr, der.len, &result->item->digest,
			  making->signatures->policy, &result->verdict,
			  why) == 0;
}

/* One by another certificate is not what was asked for. */
static bool take_found(const struct making *making, struct result *result)
{
	CLEANUP(sbuf) why = { 0 };

	result->der = spool_find(making->spool, &result->item->digest);
	result->is_found = result->der.len &&
			   is_good(making, result, result->der, &why) &&
			   is_by_signer(making->signatures, &result->verdict);
	return result->is_found;
}

static bool make_one(void *ctx, size_t at)
{
	struct making *making = ctx;
	struct result *result = &making->results.at[at];
	struct sbuf *made = &result->made;

	if (take_found(making, result))
		return true;
	if (cms_sign(&making->with, &result->item->digest, made) != 0) {
		sbuf_puts(&result->why, "libcrypto cannot sign with this key");
		return false;
	}
	result->der = (struct text){ made->ptr, made->len };
	if (!is_good(making, result, result->der, &result->why))
		return false;
	spool_add(making->spool, &result->item->digest, result->der);
	return true;
}

static int compare_wanted(const void *a, const void *b)
{
	const struct signing_item *x = *(struct signing_item *const *)a;
	const struct signing_item *y = *(struct signing_item *const *)b;
	int order = memcmp(x->digest.sha256, y->digest.sha256,
			   sizeof(x->digest.sha256));

	return order ? order : (x > y) - (x < y);
}

static int compare_results(const void *a, const void *b)
{
	const struct signing_item *x = ((const struct result *)a)->item;
	const struct signing_item *y = ((const struct result *)b)->item;

	return (x > y) - (x < y);
}

/* A signature is of content, not of a path: the script of a node with three
 * identities lies in three places, and is signed once. */
static void list_contents(struct making *making, struct signing_items *items)
{
	struct arena *arena = making->signatures->call->arena;

	for (size_t i = 0; i < items->count; i++)
		if (!items->at[i].held)
			*vec_push(arena, &making->wanted) = &items->at[i];
	if (making->wanted.count > 1)
		qsort(making->wanted.at, making->wanted.count,
		      sizeof(*making->wanted.at), compare_wanted);
	for (size_t i = 0; i < making->wanted.count; i++) {
		struct signing_item *item = making->wanted.at[i];

		if (i == 0 || !digest_equal(&item->digest,
					    &making->wanted.at[i - 1]->digest))
			*vec_push(arena, &making->results) =
				(struct result){ .item = item };
	}
	if (making->results.count > 1)
		qsort(making->results.at, making->results.count,
		      sizeof(*making->results.at), compare_results);
}

/* A smart card has one session for all, and a queue in front of it is of no
 * use to anybody who wants to stop. */
static unsigned jobs_of(const struct signatures *signatures)
{
	return signatures->signer->key.token ? 1 : signatures->jobs;
}

static void make_all(struct making *making)
{
	const struct signatures *signatures = making->signatures;
	struct meter meter;
	const struct parallel work = { .count = making->results.count,
				       .jobs = jobs_of(signatures),
				       .run = make_one,
				       .ctx = making,
				       .meter = &meter };

	meter_begin(&meter, signatures->call, "signing", work.count);
	parallel_run(&work);
	meter_end(&meter);
}

static void note(const struct signatures *signatures,
		 const struct signing_item *item, struct text der,
		 const struct cms_verdict *verdict)
{
	struct digest digest;

	if (!signatures->verified)
		return;
	sha256_of(der.ptr, der.len, &digest);
	verified_note(signatures->verified, &item->digest, &digest, verdict);
}

/* For the first and all that are like it; in `wanted` they follow each other,
 * the first first. */
static size_t give(const struct making *making, const struct result *result)
{
	struct signing_item *const *end =
		making->wanted.at + making->wanted.count;
	struct signing_item *const *at =
		bsearch(&result->item, making->wanted.at, making->wanted.count,
			sizeof(*at), compare_wanted);
	size_t count = 0;

	for (; at < end && digest_equal(&(*at)->digest, &result->item->digest);
	     at++, count++)
		(*at)->signature = result->der;
	return count;
}

static enum status take_result(const struct making *making,
			       struct result *result,
			       struct signatures_made *made)
{
	const struct call *call = making->signatures->call;
	size_t count;

	if (result->why.len)
		return report_error(call, "%s: %s", result->item->path.ptr,
				    sbuf_text(&result->why));
	result->der.ptr =
		arena_copy(call->arena, result->der.ptr, result->der.len);
	note(making->signatures, result->item, result->der, &result->verdict);
	count = give(making, result);
	made->count += count;
	if (result->is_found)
		made->found += count;
	return STATUS_OK;
}

static enum status take_results(struct making *making,
				struct signatures_made *made)
{
	enum status status = STATUS_OK;

	vec_foreach (struct result, result, &making->results) {
		if (status == STATUS_OK)
			status = take_result(making, result, made);
		sbuf_release(&result->made);
		sbuf_release(&result->why);
	}
	return status;
}

enum status signatures_make(const struct signatures *signatures,
			    struct signing_items *items,
			    struct signatures_made *ret_made)
{
	const struct signer *signer = signatures->signer;
	CLEANUP(certificates) path = { 0 };
	struct making making = {
		.signatures = signatures,
		.with = { &signer->certificate, &signer->key, &path },
	};
	struct signatures_made made = { 0 };
	enum status status;

	list_contents(&making, items);
	making.spool = spool_open(making.results.count ? signatures->unfinished
						       : NULL);
	certificate_path(&signer->certificate, &signer->others,
			 signatures->policy->roots, &path);
	make_all(&making);
	status = take_results(&making, &made);
	spool_free(making.spool);
	if (status == STATUS_OK)
		*ret_made = made;
	return status;
}

/* ------------------------------------------------------- from elsewhere -- */

struct checked {
	struct sbuf why;
	struct cms_verdict verdict;
};

struct checking {
	const struct signatures *signatures;
	const struct signing_items *items;
	struct checked *checked;
};

static bool check_one(void *ctx, size_t at)
{
	struct checking *checking = ctx;
	const struct signing_item *item = &checking->items->at[at];
	struct checked *checked = &checking->checked[at];

	cms_verify(item->signature.ptr, item->signature.len, &item->digest,
		   checking->signatures->policy, &checked->verdict,
		   &checked->why);
	return true;
}

bool signatures_check(const struct signatures *signatures,
		      const struct signing_items *items,
		      void (*report)(void *ctx, const struct signing_item *item,
				     const char *why),
		      void *ctx)
{
	struct checking checking = {
		.signatures = signatures,
		.items = items,
		.checked = arena_new_array(signatures->call->arena,
					   items->count, struct checked),
	};
	struct meter meter;
	const struct parallel work = { .count = items->count,
				       .jobs = signatures->jobs,
				       .run = check_one,
				       .ctx = &checking,
				       .meter = &meter };
	bool good = true;

	meter_begin(&meter, signatures->call, "verifying signatures",
		    work.count);
	parallel_run(&work);
	meter_end(&meter);
	for (size_t i = 0; i < items->count; i++) {
		struct checked *checked = &checking.checked[i];
		const struct signing_item *item = &items->at[i];

		if (checked->why.len) {
			report(ctx, item, sbuf_text(&checked->why));
			good = false;
		} else {
			note(signatures, item, item->signature,
			     &checked->verdict);
		}
		sbuf_release(&checked->why);
	}
	return good;
}

/* ------------------------------------------------------------- putting -- */

void signatures_put(const struct signatures *signatures,
		    const struct signing_items *items)
{
	static struct text wanted_by[] = { { "signature", 9 } };

	for (size_t i = 0; i < items->count; i++) {
		const struct signing_item *item = &items->at[i];
		struct tree_file file = {
			.path = signing_path(signatures->call->arena, item),
			.wanted_by = wanted_by,
			.wanted_by_count = 1,
		};

		if (item->held)
			tree_keep(signatures->tree, file.path);
		else if (item->signature.len)
			tree_put_bytes(signatures->tree, &file,
				       item->signature);
	}
}
