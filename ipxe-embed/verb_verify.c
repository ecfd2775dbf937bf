#include "verbs.h"

#include "arena.h"
#include "build.h"
#include "certificate.h"
#include "cleanup.h"
#include "cms.h"
#include "files.h"
#include "manifest.h"
#include "meter.h"
#include "parallel.h"
#include "plan.h"
#include "private_key.h"
#include "report.h"
#include "sbuf.h"
#include "signing.h"
#include "trust.h"
#include "vec.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
	MANIFEST_BYTES_MAX = 1 << 30,
	/* A build may put another tree in place while this one is read. */
	TRIES_MAX = 5,
};

struct verify_options {
	long jobs;
};

/* One look at one tree. */
struct look {
	const struct call *call;
	struct arena *arena;
	int root;
	const struct manifest *manifest;
	VEC(struct text) regular; /**< files, listed or not */
	VEC(const char *) faults; /**< what follows "OUT/" */
	size_t signatures;        /**< good ones */
	uint64_t bytes;
};

__attribute__((format(printf, 3, 4))) static void
fault(struct look *look, struct text path, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	*vec_push(look->arena, &look->faults) =
		arena_printf(look->arena, "%s: %s", path.ptr,
			     arena_vprintf(look->arena, format, args));
	va_end(args);
}

/* -------------------------------------------------- on all processors -- */

/* What there is to say of one of many things. */
struct outcome {
	struct text path;  /**< below out/ */
	struct sbuf fault; /**< empty: it is good */
};

/* A signature that the manifest lists. */
struct listed {
	struct text path;
	const struct signing_item *item;
};

struct listed_signatures {
	struct listed *at;
	size_t count, room;
};

struct looking {
	struct look *look;
	struct outcome *outcomes; /**< one for each thing */
	/* For signatures: */
	const struct cms_policy *policy;
	const struct listed *signatures;
};

/* Faults are told in the order of the things, whichever thread found them.
 *
 * @param run	fills in the outcome of its number
 * @return how many are good */
static size_t look_at_all(struct looking *looking, const char *what,
			  bool (*run)(void *ctx, size_t at), size_t count)
{
	struct look *look = looking->look;
	const struct verify_options *options = look->call->options;
	struct meter meter;
	const struct parallel work = { .count = count,
				       .jobs = (unsigned)options->jobs,
				       .run = run,
				       .ctx = looking,
				       .meter = &meter };
	size_t good = 0;

	looking->outcomes = arena_new_array(look->arena, count, struct outcome);
	meter_begin(&meter, look->call, what, count);
	parallel_run(&work);
	meter_end(&meter);
	for (size_t i = 0; i < count; i++) {
		struct outcome *outcome = &looking->outcomes[i];

		if (outcome->fault.len)
			fault(look, outcome->path, "%s",
			      sbuf_text(&outcome->fault));
		else
			good++;
		sbuf_release(&outcome->fault);
	}
	return good;
}

/* -------------------------------------------------------- listed files -- */

static void say_open(int error, struct sbuf *out)
{
	if (error == -ENOENT)
		sbuf_puts(out, "is missing");
	else if (error == -ELOOP || error == -EISDIR || error == -EMEDIUMTYPE ||
		 error == -ENOTDIR)
		sbuf_puts(out, "is no regular file any more");
	else
		sbuf_printf(out, "cannot be read: %s", strerror(-error));
}

static void fault_open(struct look *look, struct text path, int error)
{
	CLEANUP(sbuf) why = { 0 };

	say_open(error, &why);
	fault(look, path, "%s", sbuf_text(&why));
}

static bool look_at_file(void *ctx, size_t at)
{
	struct looking *looking = ctx;
	const struct manifest_file *file = &looking->look->manifest->files[at];
	struct outcome *outcome = &looking->outcomes[at];
	struct digest digest;
	int fd = files_open(looking->look->root, file->path.ptr, NULL);
	int error;

	outcome->path = file->path;
	if (fd < 0) {
		say_open(fd, &outcome->fault);
		return true;
	}
	error = files_hash(fd, &digest);
	close(fd);
	if (error)
		say_open(error, &outcome->fault);
	else if (digest.size_bytes != file->digest.size_bytes)
		sbuf_printf(&outcome->fault,
			    "has %" PRIu64 " bytes instead of %" PRIu64,
			    digest.size_bytes, file->digest.size_bytes);
	else if (!digest_equal(&digest, &file->digest))
		sbuf_puts(&outcome->fault, "has another content (SHA-256)");
	return true;
}

static void look_at_files(struct look *look)
{
	struct looking looking = { .look = look };
	const struct manifest *manifest = look->manifest;

	look_at_all(&looking, "reading files", look_at_file, manifest->count);
	for (size_t i = 0; i < manifest->count; i++)
		look->bytes += manifest->files[i].digest.size_bytes;
}

/* ----------------------------------------------------- everything else -- */

static bool is_below(struct text path, const char *dir)
{
	size_t len = strlen(dir);

	return path.len > len && memcmp(path.ptr, dir, len) == 0;
}

static int look_seen(void *ctx, const struct files_seen *seen)
{
	struct look *look = ctx;
	struct text path = { NULL, seen->path.len };

	if (seen->visit != FILES_ENTRY)
		return 0;
	if ((is_below(seen->path, "www/a/") || is_below(seen->path, "www/n/") ||
	     is_below(seen->path, "www/s/")) &&
	    !manifest_find(look->manifest, seen->path))
		fault(look, seen->path, "is not listed in " MANIFEST_NAME);
	if (!S_ISREG(seen->stat.st_mode))
		return 0;
	path.ptr = arena_copy(look->arena, seen->path.ptr, seen->path.len);
	*vec_push(look->arena, &look->regular) = path;
	return 0;
}

static bool look_for_key(void *ctx, size_t at)
{
	struct looking *looking = ctx;
	const struct look *look = looking->look;
	struct outcome *outcome = &looking->outcomes[at];
	int fd, found;

	outcome->path = look->regular.at[at];
	fd = files_open(look->root, outcome->path.ptr, NULL);
	found = fd < 0 ? fd : is_private_key_file(fd);
	if (fd >= 0)
		close(fd);
	if (found == 1)
		sbuf_puts(&outcome->fault, "is a private key, which must not "
					   "be published");
	else if (found < 0 && found != -ENOENT &&
		 !manifest_find(look->manifest, outcome->path))
		say_open(found, &outcome->fault);
	return true;
}

static void look_around(struct look *look)
{
	struct looking looking = { .look = look };
	CLEANUP(sbuf) path = { 0 };
	int error = files_walk(look->root, look_seen, look, &path);

	if (error)
		fault(look, text_of(sbuf_text(&path)), "cannot be read: %s",
		      strerror(-error));
	look_at_all(&looking, "looking for private keys", look_for_key,
		    look->regular.count);
}

/* ---------------------------------------------------------- signatures -- */

/* One that cannot be read was told with the files. */
static bool look_at_signature(void *ctx, size_t at)
{
	struct looking *looking = ctx;
	const struct listed *listed = &looking->signatures[at];
	struct outcome *outcome = &looking->outcomes[at];
	CLEANUP(sbuf) der = { 0 };
	CLEANUP(sbuf) why = { 0 };
	int error = files_read(looking->look->root, listed->path.ptr,
			       SIGNATURE_MAX_BYTES, &der);

	outcome->path = listed->path;
	if (error == -EFBIG)
		sbuf_puts(&outcome->fault, "is too large for a signature");
	if (!error &&
	    cms_verify(sbuf_text(&der), der.len, &listed->item->digest,
		       looking->policy, NULL, &why) != 0)
		sbuf_printf(&outcome->fault, "does not verify: %s",
			    sbuf_text(&why));
	return true;
}

static struct listed_signatures
find_signatures(struct look *look, const struct signing_items *items)
{
	struct listed_signatures found = { 0 };

	for (size_t i = 0; i < items->count; i++) {
		const struct signing_item *item = &items->at[i];
		struct text path = signing_path(look->arena, item);

		if (manifest_find(look->manifest, path))
			*vec_push(look->arena, &found) =
				(struct listed){ path, item };
		else
			fault(look,
			      text_of(arena_printf(look->arena, "www/%s",
						   item->path.ptr)),
			      "is not signed");
	}
	return found;
}

static void look_at_signatures(struct look *look)
{
	const struct text trust = TEXT("trust.pem");
	CLEANUP(certificates) roots = { 0 };
	CLEANUP(sbuf) pem = { 0 };
	CLEANUP(sbuf) why = { 0 };
	const struct cms_policy policy = {
		.roots = &roots,
		.signer = look->manifest->signer.ptr,
		.now = time(NULL),
	};
	struct looking looking = { .look = look, .policy = &policy };
	struct listed_signatures signatures;
	struct signing_items items;
	int error;

	if (!(look->manifest->verify & VERIFY_SIGNED))
		return;
	items = signing_items_of(look->arena, look->manifest);
	signatures = find_signatures(look, &items);
	looking.signatures = signatures.at;
	error = files_read(look->root, trust.ptr, TRUST_MAX_BYTES, &pem);
	/* One that is listed was told with the files. */
	if (error && !manifest_find(look->manifest, trust))
		fault_open(look, trust, error);
	else if (!error &&
		 certificates_parse(&roots, sbuf_text(&pem), pem.len, &why))
		fault(look, trust, "cannot be used: %s", sbuf_text(&why));
	if (roots.count)
		look->signatures =
			look_at_all(&looking, "verifying signatures",
				    look_at_signature, signatures.count);
}

/* --------------------------------------------------------------- tree -- */

static bool read_manifest(struct look *look)
{
	const struct text name = TEXT(MANIFEST_NAME);
	CLEANUP(sbuf) bytes = { 0 };
	CLEANUP(sbuf) why = { 0 };
	int error =
		files_read(look->root, name.ptr, MANIFEST_BYTES_MAX, &bytes);

	if (error == -ENOENT)
		fault(look, name,
		      "is missing: this is no tree that ipxe-embed build has "
		      "made, or was not copied whole");
	else if (error)
		fault_open(look, name, error);
	if (error)
		return false;
	look->manifest =
		manifest_parse(look->arena, sbuf_text(&bytes), bytes.len, &why);
	if (!look->manifest)
		fault(look, name, "is damaged: %s", sbuf_text(&why));
	return look->manifest != NULL;
}

static void look_at_tree(struct look *look)
{
	if (!read_manifest(look))
		return;
	look_at_files(look);
	look_around(look);
	look_at_signatures(look);
}

static bool is_still_there(const struct look *look, const char *out)
{
	struct stat before, now;

	return fstat(look->root, &before) != 0 || stat(out, &now) != 0 ||
	       before.st_ino == now.st_ino;
}

static enum status report_look(const struct call *call, const struct look *look)
{
	const char *out = call->operands[0];

	for (size_t i = 0; i < look->faults.count; i++)
		report_error(call, "%s/%s", out, look->faults.at[i]);
	if (look->faults.count)
		return STATUS_INPUT;
	printf("%s: all is well: %zu files, %" PRIu64 " bytes", out,
	       look->manifest->count, look->bytes);
	if (look->manifest->verify & VERIFY_SIGNED)
		printf(", %s",
		       count_words(call->arena, look->signatures, "signature"));
	putchar('\n');
	return STATUS_OK;
}

static enum status run_verify(struct call *call)
{
	const char *out = call->operands[0];
	struct look look;
	bool done = false;

	for (unsigned try = 1; !done; try++) {
		look = (struct look){ .call = call, .arena = call->arena };
		look.root = open(out, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (look.root < 0)
			return report_error(call, "%s: cannot be opened: %s",
					    out, strerror(errno));
		look_at_tree(&look);
		done = !look.faults.count || try == TRIES_MAX ||
		       is_still_there(&look, out);
		close(look.root);
	}
	return report_look(call, &look);
}

static const struct option_row rows[] = {
	{ .name = "jobs",
	  .letter = 'j',
	  .value = "N",
	  .help = "Read and verify with so many threads at once; 0 is one for "
		  "each processor.",
	  .fallback = "0",
	  OPTION_NUMBER(struct verify_options, jobs, 0, 1024) },
	{ 0 },
};

const struct verb verb_verify = {
	.name = "verify",
	.operands = "OUT",
	.summary = "Look whether a tree is whole, and signed",
	.text = "Reads everything: each file that " MANIFEST_NAME
		" lists must be there with its size and SHA-256, nothing else "
		"may lie below www/a/, www/n/ and www/s/, every signature must "
		"verify against trust.pem as it will on the machines, and nowhere may there "
		"be a private key. One line is printed for each fault.\n"
		"\n"
		"It works on any copy of a tree, so run it where the web "
		"server is. On a terminal, a line shows how far it has come.",
	.options = rows,
	.options_bytes = sizeof(struct verify_options),
	.run = run_verify,
	.examples =
		(const struct example[]){
			{ "ipxe-embed verify /srv/boot/out",
			  "Every night, on the web server." },
			{ 0 },
		},
};
