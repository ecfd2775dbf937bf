#include "build.h"

#include "arena.h"
#include "asset.h"
#include "report.h"

#define STICK_MAX_BYTES ((size_t)256 * 1024 * 1024)

static bool is_unchanged(const struct build *build, struct text path,
			 struct text bytes)
{
	const struct manifest_file *old =
		manifest_find(tree_manifest(build->tree), path);
	struct digest digest;
	struct compile_env env = asset_env(NULL);

	env.digest_bytes(bytes.ptr, bytes.len, &digest);
	return old && digest_equal(&old->digest, &digest);
}

static bool is_below(struct text path, const char *dir)
{
	size_t len = strlen(dir);

	return path.len > len && memcmp(path.ptr, dir, len) == 0;
}

static bool ends(struct text path, const char *with)
{
	size_t len = strlen(with);

	return path.len >= len &&
	       memcmp(path.ptr + path.len - len, with, len) == 0;
}

/* Its certificate lies in every image that a key has signed. */
static bool is_signed_with(const struct build *build, struct text path,
			   const struct sbuf *certificate)
{
	CLEANUP(sbuf) bytes = { 0 };

	return tree_read(build->tree, path, STICK_MAX_BYTES, &bytes) == 0 &&
	       bytes.len &&
	       memmem(bytes.ptr, bytes.len, certificate->ptr,
		      certificate->len) != NULL;
}

/* With another key of db, firmware would not start them any more. */
static bool signatures_hold(const struct build *build)
{
	const struct manifest *old = tree_manifest(build->tree);
	CLEANUP(sbuf) certificate = { 0 };

	if (!build->options->boot_key)
		return true;
	if (certificate_write_der(&build->boot.certificate, &certificate) != 0)
		return false;
	for (size_t i = 0; i < old->count; i++) {
		struct text path = old->files[i].path;

		if (is_below(path, "images/") &&
		    (ends(path, ".efi") || ends(path, USB_NAME)) &&
		    !is_signed_with(build, path, &certificate)) {
			report_warning(build->call,
				       "the images of the earlier build are "
				       "removed: %s is not signed with the "
				       "key of %s; build without --no-images "
				       "makes new ones",
				       path.ptr, build->options->boot_cert);
			return false;
		}
	}
	return true;
}

/* Images hold the script and the roots of the tree that they lie in, or have
 * them beside them; so those of the old tree hold for a new one with the same
 * script and roots. */
void build_keep_images(struct build *build)
{
	const struct manifest *old = tree_manifest(build->tree);
	bool stock = manifest_find(old, TEXT("images/" AUTOEXEC));

	build_make_script(build, stock ? EMIT_FILE : EMIT_IMAGE);
	if (!is_unchanged(build, TEXT("boot.ipxe"), build->script) ||
	    !is_unchanged(build, TEXT("trust.pem"), build->roots_pem) ||
	    !signatures_hold(build)) {
		build_make_script(build, EMIT_IMAGE);
		return;
	}
	for (size_t i = 0; i < old->count; i++) {
		struct text path = old->files[i].path;

		if (is_below(path, "images/") || is_below(path, "tftp/") ||
		    is_below(path, "www/boot/")) {
			tree_keep(build->tree, path);
			build->kept_images = true;
		}
	}
}
