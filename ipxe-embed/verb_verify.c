#include "verbs.h"

#include "arena.h"
#include "certificate.h"
#include "cleanup.h"
#include "cms.h"
#include "files.h"
#include "manifest.h"
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

/* One look at one tree. */
struct look {
	struct arena *arena;
	int root;
	const struct manifest *manifest;
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

/* -------------------------------------------------------- listed files -- */

static void fault_open(struct look *look, struct text path, int error)
{
	if (error == -ENOENT)
		fault(look, path, "is missing");
	else if (error == -ELOOP || error == -EISDIR || error == -EMEDIUMTYPE ||
		 error == -ENOTDIR)
		fault(look, path, "is no regular file any more");
	else
		fault(look, path, "cannot be read: %s", strerror(-error));
}

static void look_at_file(struct look *look, const struct manifest_file *file)
{
	struct digest digest;
	struct stat st;
	int fd = files_open(look->root, file->path.ptr, &st), error;

	if (fd < 0) {
		fault_open(look, file->path, fd);
		return;
	}
	error = files_hash(fd, &digest);
	close(fd);
	if (error)
		fault(look, file->path, "cannot be read: %s", strerror(-error));
	else if (digest.size_bytes != file->digest.size_bytes)
		fault(look, file->path,
		      "has %" PRIu64 " bytes instead of %" PRIu64,
		      digest.size_bytes, file->digest.size_bytes);
	else if (!digest_equal(&digest, &file->digest))
		fault(look, file->path, "has another content (SHA-256)");
	look->bytes += digest.size_bytes;
}

/* ----------------------------------------------------- everything else -- */

static bool is_below(struct text path, const char *dir)
{
	size_t len = strlen(dir);

	return path.len > len && memcmp(path.ptr, dir, len) == 0;
}

static void look_for_key(struct look *look, const struct files_seen *seen)
{
	int fd = files_open(seen->dir, seen->name, NULL);
	int found = fd < 0 ? fd : is_private_key_file(fd);

	if (fd >= 0)
		close(fd);
	if (found == 1)
		fault(look, seen->path,
		      "is a private key, which must not be "
		      "published");
	else if (found < 0 && !manifest_find(look->manifest, seen->path))
		fault(look, seen->path, "cannot be read: %s", strerror(-found));
}

static int look_seen(void *ctx, const struct files_seen *seen)
{
	struct look *look = ctx;

	if (seen->visit != FILES_ENTRY)
		return 0;
	if ((is_below(seen->path, "www/a/") || is_below(seen->path, "www/n/") ||
	     is_below(seen->path, "www/s/")) &&
	    !manifest_find(look->manifest, seen->path))
		fault(look, seen->path, "is not listed in " MANIFEST_NAME);
	if (S_ISREG(seen->stat.st_mode))
		look_for_key(look, seen);
	return 0;
}

static void look_around(struct look *look)
{
	CLEANUP(sbuf) path = { 0 };
	int error = files_walk(look->root, look_seen, look, &path);

	if (error)
		fault(look, text_of(sbuf_text(&path)), "cannot be read: %s",
		      strerror(-error));
}

/* ---------------------------------------------------------- signatures -- */

static void look_at_signature(struct look *look,
			      const struct cms_policy *policy,
			      const struct signing_item *item)
{
	struct text path = signing_path(look->arena, item);
	CLEANUP(sbuf) der = { 0 };
	CLEANUP(sbuf) why = { 0 };
	int error;

	if (!manifest_find(look->manifest, path)) {
		fault(look,
		      text_of(arena_printf(look->arena, "www/%s",
					   item->path.ptr)),
		      "is not signed");
		return;
	}
	error = files_read(look->root, path.ptr, SIGNATURE_MAX_BYTES, &der);
	if (error == -EFBIG)
		fault(look, path, "is too large for a signature");
	if (error) /* missing: said before */
		return;
	if (cms_verify(sbuf_text(&der), der.len, &item->digest, policy, NULL,
		       &why) == 0)
		look->signatures++;
	else
		fault(look, path, "does not verify: %s", sbuf_text(&why));
}

static void look_at_signatures(struct look *look)
{
	const struct text trust = TEXT("trust.pem");
	CLEANUP(certificates) roots = { 0 };
	CLEANUP(sbuf) pem = { 0 };
	CLEANUP(sbuf) why = { 0 };
	struct cms_policy policy = {
		.roots = &roots,
		.signer = look->manifest->signer.ptr,
		.now = time(NULL),
	};
	struct signing_items items;
	int error;

	if (!(look->manifest->verify & VERIFY_SIGNED))
		return;
	error = files_read(look->root, trust.ptr, TRUST_MAX_BYTES, &pem);
	if (error)
		fault_open(look, trust, error);
	else if (certificates_parse(&roots, sbuf_text(&pem), pem.len, &why))
		fault(look, trust, "cannot be used: %s", sbuf_text(&why));
	items = signing_items_of(look->arena, look->manifest);
	for (size_t i = 0; roots.count && i < items.count; i++)
		look_at_signature(look, &policy, &items.at[i]);
}

/* --------------------------------------------------------------- tree -- */

static bool read_manifest(struct look *look)
{
	const struct text name = TEXT(MANIFEST_NAME);
	CLEANUP(sbuf) bytes = { 0 };
	CLEANUP(sbuf) why = { 0 };
	int error =
		files_read(look->root, name.ptr, MANIFEST_BYTES_MAX, &bytes);

	if (error) {
		fault_open(look, name, error);
		return false;
	}
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
	for (size_t i = 0; i < look->manifest->count; i++)
		look_at_file(look, &look->manifest->files[i]);
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
		printf(", %zu signatures", look->signatures);
	putchar('\n');
	return STATUS_OK;
}

static enum status run_verify(struct call *call)
{
	const char *out = call->operands[0];
	struct look look;
	bool done = false;

	for (unsigned try = 1; !done; try++) {
		look = (struct look){ .arena = call->arena };
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
		"server is.",
	.run = run_verify,
	.examples =
		(const struct example[]){
			{ "ipxe-embed verify /srv/boot/out",
			  "Every night, on the web server." },
			{ 0 },
		},
};
