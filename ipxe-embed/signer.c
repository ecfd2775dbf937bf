#include "signer.h"

#include "arena.h"
#include "judge.h"
#include "keyfile.h"
#include "manifest.h"
#include "report.h"
#include "sbuf.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

/* Not worth a thread of its own. */
enum { ITEMS_PER_THREAD_MIN = 4, THREADS_MAX = 64 };

void signer_release(struct signer *signer)
{
	key_release(&signer->key);
	certificate_release(&signer->certificate);
	certificates_release(&signer->others);
}

/* ---- from files ---- */

/* Each once: a message with the same certificate twice cannot be made. */
static enum status read_others(const struct call *call, const char *path,
			       struct signer *signer)
{
	CLEANUP(certificates) read = { 0 };
	enum status status;

	if (!path)
		return STATUS_OK;
	status = keyfile_certificates(call, path, &read);
	for (size_t i = 0; i < read.count; i++)
		if (!certificates_have(&signer->others, &read.at[i]))
			certificates_add(&signer->others, &read.at[i]);
	return status;
}

static enum status read_certificate(const struct call *call, const char *path,
				    struct signer *signer)
{
	enum status status = read_others(call, path, signer);

	signer->certificate_path = path;
	if (status == STATUS_OK)
		certificate_copy(&signer->certificate, &signer->others.at[0]);
	return status;
}

static enum status check_key(const struct call *call,
			     const struct signer *signer, const char *key_path)
{
	CLEANUP(sbuf) subject = { 0 };

	if (certificate_has_key(&signer->certificate, &signer->key))
		return STATUS_OK;
	certificate_subject(&signer->certificate, &subject);
	return report_error(call,
			    "%s: this is not the key of the certificate in %s "
			    "(%s)",
			    key_path, signer->certificate_path,
			    sbuf_text(&subject));
}

enum status signer_load(const struct call *call,
			const struct signer_files *files,
			struct signer *ret_signer)
{
	enum status status =
		read_certificate(call, files->certificate, ret_signer);

	if (status == STATUS_OK)
		status = read_others(call, files->chain, ret_signer);
	if (status == STATUS_OK)
		status = read_others(call, files->root, ret_signer);
	/* The key last: why ask for a passphrase if the rest is wrong? */
	if (status == STATUS_OK)
		status = keyfile_read(call, files->key, files->passphrase,
				      &ret_signer->key);
	if (status == STATUS_OK)
		status = check_key(call, ret_signer, files->key);
	return status;
}

/* ---- held against a site ---- */

static enum status report_finding(const struct call *call,
				  const struct signer *signer,
				  const struct finding *finding)
{
	CLEANUP(sbuf) subject = { 0 };

	certificate_subject(&signer->certificate, &subject);
	if (finding->kind != FINDING_EXPIRES_SOON)
		return report_error(call, "%s: %s %s", signer->certificate_path,
				    sbuf_text(&subject), finding->message);
	report_warning(call, "%s: %s %s; all its signatures end with it",
		       signer->certificate_path, sbuf_text(&subject),
		       finding->message);
	return STATUS_OK;
}

static enum status check_way(const struct call *call,
			     const struct signer *signer,
			     const struct cms_policy *policy)
{
	CLEANUP(sbuf) why = { 0 };

	if (certificate_validate(&signer->certificate, &signer->others,
				 policy->roots, policy->now, &why) == 0)
		return STATUS_OK;
	return report_error(call, "%s: %s", signer->certificate_path,
			    sbuf_text(&why));
}

enum status signer_check(const struct call *call, const struct signer *signer,
			 const struct cms_policy *policy)
{
	const struct judgement judgement = { .role = ROLE_SIGNER,
					     .now = policy->now,
					     .name = policy->signer };
	CLEANUP(findings) findings = { 0 };
	enum status status = STATUS_OK;

	certificate_judge(&signer->certificate, &judgement, &findings);
	for (size_t i = 0; i < findings.count; i++)
		if (report_finding(call, signer, &findings.at[i]) != STATUS_OK)
			status = STATUS_INPUT;
	return status == STATUS_OK ? check_way(call, signer, policy) : status;
}

/* ---- signing ---- */

/** What becomes of one item. */
struct result {
	struct sbuf der; /**< empty: the signature that was there stays */
	struct sbuf why; /**< empty: all is well */
};

/** Shared by the threads; each takes the next item that nobody has. */
struct work {
	struct cms_signer with;
	const struct cms_policy *policy;
	const struct signing_items *items;
	const size_t *twins; /**< by item: the first with that content */
	struct result *results;
	atomic_size_t next;
};

static bool is_done(const struct work *work, const struct signing_item *item)
{
	CLEANUP(certificate) signer = { 0 };
	CLEANUP(sbuf) why = { 0 };

	return item->signature.len &&
	       cms_verify(item->signature.ptr, item->signature.len,
			  &item->digest, work->policy, &signer, &why) == 0 &&
	       certificate_equal(&signer, work->with.certificate);
}

static void sign_item(const struct work *work, size_t at)
{
	const struct signing_item *item = &work->items->at[at];
	struct result *result = &work->results[at];

	if (is_done(work, item))
		return;
	if (cms_sign(&work->with, &item->digest, &result->der) != 0)
		sbuf_puts(&result->why, "libcrypto cannot sign with this key");
	else
		cms_verify(result->der.ptr, result->der.len, &item->digest,
			   work->policy, NULL, &result->why);
}

static void *run_thread(void *arg)
{
	struct work *work = arg;
	size_t at;

	while ((at = atomic_fetch_add(&work->next, 1)) < work->items->count)
		if (work->twins[at] == at)
			sign_item(work, at);
	return NULL;
}

/* An item and its place. */
struct content {
	const struct digest *digest;
	size_t at;
};

static int compare_content(const void *a, const void *b)
{
	const struct content *x = a, *y = b;
	int order = memcmp(x->digest->sha256, y->digest->sha256,
			   sizeof(x->digest->sha256));

	return order ? order : (x->at > y->at) - (x->at < y->at);
}

/* A signature is of content, not of a path: the script of a node with three
 * identities lies in three places. */
static const size_t *find_twins(struct arena *arena,
				const struct signing_items *items)
{
	struct content *all =
		arena_new_array(arena, items->count, struct content);
	size_t *twins = arena_new_array(arena, items->count, size_t);

	for (size_t i = 0; i < items->count; i++)
		all[i] = (struct content){ &items->at[i].digest, i };
	if (items->count > 1)
		qsort(all, items->count, sizeof(*all), compare_content);
	for (size_t i = 0; i < items->count; i++)
		twins[all[i].at] =
			i && digest_equal(all[i - 1].digest, all[i].digest)
				? twins[all[i - 1].at]
				: all[i].at;
	return twins;
}

static size_t thread_count(size_t items)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	size_t most = items / ITEMS_PER_THREAD_MIN;

	if (most > THREADS_MAX)
		most = THREADS_MAX;
	return processors > 0 && (size_t)processors < most ? (size_t)processors
							   : most;
}

/* This thread works too, so all gets done even if no other can be made. */
static void run_work(struct work *work)
{
	pthread_t threads[THREADS_MAX];
	size_t wanted = thread_count(work->items->count), made = 0;

	while (made + 1 < wanted &&
	       pthread_create(&threads[made], NULL, run_thread, work) == 0)
		made++;
	run_thread(work);
	while (made)
		pthread_join(threads[--made], NULL);
}

static enum status take_result(const struct call *call,
			       struct signing_item *item,
			       const struct result *result, size_t *made)
{
	if (result->why.len)
		return report_error(call, "%s: %s", item->path.ptr,
				    sbuf_text(&result->why));
	if (!result->der.len)
		return STATUS_OK;
	item->signature.ptr =
		arena_copy(call->arena, result->der.ptr, result->der.len);
	item->signature.len = result->der.len;
	(*made)++;
	return STATUS_OK;
}

static void take_signature(struct signing_item *item,
			   const struct signing_item *twin, size_t *made)
{
	if (text_equal(item->signature, twin->signature))
		return;
	item->signature = twin->signature;
	(*made)++;
}

enum status signer_sign(const struct call *call, const struct signer *signer,
			const struct cms_policy *policy,
			struct signing_items *items, size_t *ret_made)
{
	CLEANUP(certificates) path = { 0 };
	enum status status = STATUS_OK;
	struct work work = {
		.with = { &signer->certificate, &signer->key, &path },
		.policy = policy,
		.items = items,
		.twins = find_twins(call->arena, items),
		.results = arena_new_array(call->arena, items->count,
					   struct result),
	};
	size_t made = 0;

	certificate_path(&signer->certificate, &signer->others, policy->roots,
			 &path);
	run_work(&work);
	for (size_t i = 0; i < items->count; i++) {
		size_t twin = work.twins[i];

		if (status != STATUS_OK)
			; /* that is enough */
		else if (twin == i)
			status = take_result(call, &items->at[i],
					     &work.results[i], &made);
		else
			take_signature(&items->at[i], &items->at[twin], &made);
		sbuf_release(&work.results[i].der);
		sbuf_release(&work.results[i].why);
	}
	*ret_made = made;
	return status;
}
