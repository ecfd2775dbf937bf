#include "stock.h"

#include "arena.h"
#include "base_store.h"
#include "cleanup.h"
#include "copy.h"
#include "files.h"
#include "manifest.h"
#include "pe.h"
#include "sha256.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define BASE_FORMAT     "ipxe-embed stock base 1"
#define NAME_HEX        8 /* of the digest of base.json */
#define FINGERPRINT_LEN 32

/* Of the certificate "iPXE root CA", from iPXE's crypto/rootcert.c. */
static const unsigned char fingerprint[FINGERPRINT_LEN] = {
	0x9f, 0xaf, 0x71, 0x7b, 0x7f, 0x8c, 0xa2, 0xf9, 0x3c, 0x25, 0x6c,
	0x79, 0xf8, 0xac, 0x55, 0x91, 0x89, 0x5d, 0x66, 0xd1, 0xff, 0x3b,
	0xee, 0x63, 0x97, 0xa7, 0x0d, 0x29, 0xc6, 0x5e, 0xed, 0x1a,
};

/* What packages call them, in order of preference. */
static const struct kind {
	const char *name;
	uint16_t machine;
	const char *files[2];
} kinds[STOCK_IMAGES] = {
	/* In Debian 13 the second is a link to the first. */
	{ "ipxe.efi", PE_X86_64, { "ipxe-amd64.efi", "ipxe.efi" } },
	{ "snponly.efi", PE_X86_64, { "snponly.efi" } },
	{ "ipxe-arm64.efi", PE_ARM64, { "ipxe-arm64.efi" } },
};

/* ------------------------------------------------------------- version -- */

/* The day of a snapshot, 20250501; 0 if the version names none. */
static long snapshot_day(const char *version)
{
	const char *at = strstr(version, "git");

	if (!at)
		return 0;
	at += strlen("git");
	at += *at == '-';
	return strspn(at, "0123456789") == 8 ? strtol(at, NULL, 10) : 0;
}

bool stock_is_new_enough(const char *version)
{
	static const long oldest[] = { 1, 21, 1 };
	const char *epoch_end = strchr(version, ':');
	const char *upstream = epoch_end ? epoch_end + 1 : version;
	const char *at = upstream;

	for (size_t i = 0; i < 3; i++) {
		char *end;
		long part;

		if (!isdigit((unsigned char)*at))
			return false;
		part = strtol(at, &end, 10);
		if (part != oldest[i])
			return part > oldest[i];
		at = end + (*end == '.');
	}
	return snapshot_day(upstream) >= 20250101;
}

/* -------------------------------------------------------------- survey -- */

/* A command or a protocol stands in the image as a string of its own. */
static bool knows(const struct sbuf *bytes, const char *word)
{
	return memmem(sbuf_text(bytes), bytes->len, word, strlen(word) + 1);
}

/* What a site cannot do without. */
static const char *const needed[] = { "certstore", "https", "autoexec.ipxe" };

/* @return NULL, or why the root cannot be replaced */
static const char *find_fingerprint(const struct sbuf *bytes, size_t *ret_at)
{
	const char *begin = sbuf_text(bytes), *end = begin + bytes->len;
	const char *at =
		memmem(begin, bytes->len, fingerprint, FINGERPRINT_LEN);

	if (!at)
		return "does not hold the fingerprint of iPXE's root "
		       "certificate";
	if (memmem(at + 1, (size_t)(end - at - 1), fingerprint,
		   FINGERPRINT_LEN))
		return "holds the fingerprint of iPXE's root certificate more "
		       "than once";
	*ret_at = (size_t)(at - begin);
	return NULL;
}

/* @return whether it will do; else why gets what follows its name */
static bool survey(const struct kind *kind, struct stock_image *image,
		   struct sbuf *why)
{
	const struct sbuf *bytes = &image->bytes;
	size_t head = bytes->len < PE_HEAD_BYTES ? bytes->len : PE_HEAD_BYTES;
	const char *missing;
	struct pe pe;

	if (pe_parse((const unsigned char *)sbuf_text(bytes), head, bytes->len,
		     &pe, why))
		return false;
	if (pe.machine != kind->machine) {
		sbuf_puts(why, "is for another kind of machine than its name "
			       "says");
		return false;
	}
	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++) {
		if (knows(bytes, needed[i]))
			continue;
		sbuf_printf(why, "does not know %s", needed[i]);
		return false;
	}
	missing = find_fingerprint(bytes, &image->fingerprint);
	if (missing)
		sbuf_puts(why, missing);
	return !missing;
}

/* ------------------------------------------------------------- package -- */

/* Links lead to files that have a name of their own in the table. */
static int read_kind(int dir, const struct kind *kind, const char **ret_file,
		     struct sbuf *ret_bytes)
{
	int result = -ENOENT;

	for (size_t i = 0; i < 2 && kind->files[i] && result == -ENOENT; i++) {
		*ret_file = kind->files[i];
		result = files_read(dir, *ret_file, BASE_FILE_MAX_BYTES,
				    ret_bytes);
		if (result == -ELOOP)
			result = -ENOENT;
	}
	return result;
}

static enum stock_status refuse(const struct stock *stock, const char *file,
				const char *reason, struct sbuf *why)
{
	sbuf_printf(why,
		    "The ipxe package %s cannot be a base: its %s %s. "
		    "Take the package from another suite (--suite), or "
		    "another package (--package); or build a base from "
		    "iPXE's source (--ipxe-src of build).",
		    stock->version, file, reason);
	return STOCK_INPUT;
}

static enum stock_status take_kind(int dir, const struct kind *kind,
				   struct stock *stock, struct sbuf *why)
{
	struct stock_image *image = &stock->images[stock->image_count];
	CLEANUP(sbuf) reason = { 0 };
	const char *file;
	int result = read_kind(dir, kind, &file, &image->bytes);

	if (result == -ENOENT)
		return STOCK_OK;
	stock->image_count++;
	image->name = kind->name;
	if (result) {
		sbuf_printf(why, "cannot read %s of the ipxe package: %s", file,
			    strerror(-result));
		return STOCK_FAILED;
	}
	if (!survey(kind, image, &reason))
		return refuse(stock, file, sbuf_text(&reason), why);
	return STOCK_OK;
}

static bool all_know(const struct stock *stock, const char *word)
{
	for (size_t i = 0; i < stock->image_count; i++)
		if (!knows(&stock->images[i].bytes, word))
			return false;
	return true;
}

static enum stock_status take_package(const char *package, struct stock *stock,
				      struct sbuf *why)
{
	int dir = open(package, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum stock_status status = STOCK_OK;

	if (dir < 0 && errno != ENOENT) {
		sbuf_printf(why, "cannot read %s: %s", package,
			    strerror(errno));
		return STOCK_FAILED;
	}
	for (size_t i = 0; i < STOCK_IMAGES && dir >= 0 && !status; i++)
		status = take_kind(dir, &kinds[i], stock, why);
	if (dir >= 0)
		close(dir);
	if (!status && !stock->image_count)
		return refuse(stock, "directory usr/lib/ipxe",
			      "holds no EFI program for x86-64 or arm64", why);
	stock->digests = all_know(stock, "sha256sum");
	stock->ntp = all_know(stock, "ntp");
	return status;
}

/* ------------------------------------------------------------- reading -- */

void stock_release(struct stock *stock)
{
	for (size_t i = 0; i < stock->image_count; i++)
		sbuf_release(&stock->images[i].bytes);
	stock->image_count = 0;
}

static bool read_image(int dir, json_t *about, struct stock_image *image)
{
	json_t *at = json_object_get(about, "fingerprint");
	const char *hex = json_string_value(json_object_get(about, "sha256"));
	size_t offset;

	if (!json_is_integer(at) || json_integer_value(at) < 0 ||
	    !base_store_read(dir, image->name, hex, &image->bytes))
		return false;
	offset = (size_t)json_integer_value(at);
	if (image->bytes.len < FINGERPRINT_LEN ||
	    offset > image->bytes.len - FINGERPRINT_LEN)
		return false;
	image->fingerprint = offset;
	return memcmp(image->bytes.ptr + offset, fingerprint,
		      FINGERPRINT_LEN) == 0;
}

/* @param dir	-1: their names alone */
static bool read_images(int dir, json_t *images, struct stock *stock)
{
	for (size_t i = 0; i < STOCK_IMAGES; i++) {
		json_t *about = json_object_get(images, kinds[i].name);
		struct stock_image *image = &stock->images[stock->image_count];

		if (!about)
			continue;
		stock->image_count++;
		image->name = kinds[i].name;
		if (dir >= 0 && !read_image(dir, about, image))
			return false;
	}
	return stock->image_count &&
	       stock->image_count == json_object_size(images);
}

static bool read_root(struct arena *arena, int dir, json_t *root,
		      struct stock *stock)
{
	json_t *features = json_object_get(root, "features");
	const char *format = json_string_value(json_object_get(root, "format"));
	const char *version = json_string_value(json_object_get(root, "ipxe"));

	if (!format || strcmp(format, BASE_FORMAT) != 0 || !version)
		return false;
	stock->version = arena_printf(arena, "%s", version);
	stock->digests = json_is_true(json_object_get(features, "digests"));
	stock->ntp = json_is_true(json_object_get(features, "ntp"));
	return read_images(dir, json_object_get(root, "images"), stock);
}

static bool read_base(struct arena *arena, const char *directory, bool whole,
		      struct stock *ret_stock)
{
	struct stock stock = { .directory = directory };
	int dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	json_t *root = dir < 0 ? NULL : base_store_read_json(dir, NULL);
	bool good = root && read_root(arena, whole ? dir : -1, root, &stock);

	json_decref(root);
	if (dir >= 0)
		close(dir);
	if (good)
		*ret_stock = stock;
	else
		stock_release(&stock);
	return good;
}

bool stock_read(struct arena *arena, const char *directory,
		struct stock *ret_stock)
{
	return read_base(arena, directory, true, ret_stock);
}

bool stock_about(struct arena *arena, const char *directory,
		 struct stock *ret_stock)
{
	return read_base(arena, directory, false, ret_stock);
}

const struct stock_image *stock_image(const struct stock *stock,
				      const char *name)
{
	for (size_t i = 0; i < stock->image_count; i++)
		if (strcmp(stock->images[i].name, name) == 0)
			return &stock->images[i];
	return NULL;
}

void stock_put_root(const struct stock_image *image, const struct digest *root,
		    struct sbuf *ret_bytes)
{
	size_t at = ret_bytes->len + image->fingerprint;

	sbuf_add(ret_bytes, image->bytes.ptr, image->bytes.len);
	memcpy(ret_bytes->ptr + at, root->sha256, FINGERPRINT_LEN);
}

/* ------------------------------------------------------------- writing -- */

static json_t *print_images(const struct stock *stock)
{
	json_t *images = json_object();

	for (size_t i = 0; i < stock->image_count; i++) {
		const struct stock_image *image = &stock->images[i];
		struct digest digest;
		char hex[65];

		sha256_of(image->bytes.ptr, image->bytes.len, &digest);
		digest_hex(&digest, hex);
		json_object_set_new(
			images, image->name,
			json_pack("{s:s, s:I, s:I}", "sha256", hex, "size",
				  (json_int_t)image->bytes.len, "fingerprint",
				  (json_int_t)image->fingerprint));
	}
	return images;
}

/* The same package gives the same bytes, however it came here. */
static void print_base(const struct stock *stock, struct sbuf *out)
{
	json_t *root = json_pack(
		"{s:s, s:s, s:s, s:i, s:{s:b, s:b, s:b, s:b}, s:o}", "format",
		BASE_FORMAT, "kind", "stock", "ipxe", stock->version, "roots",
		1, "features", "certstore", 1, "digests", (int)stock->digests,
		"imgtrust", (int)all_know(stock, "imgverify"), "ntp",
		(int)stock->ntp, "images", print_images(stock));

	if (!base_store_print(root, out))
		out_of_memory(); /* the version is plain ASCII */
}

static int write_base(int dir, const struct stock *stock,
		      const struct sbuf *json)
{
	int result = 0;

	for (size_t i = 0; i < stock->image_count && !result; i++)
		result = files_write(dir, stock->images[i].name,
				     stock->images[i].bytes.ptr,
				     stock->images[i].bytes.len);
	return result ? result : base_store_write_json(dir, json);
}

/* Whatever is there is no good base, and goes. */
static int put_base(struct arena *arena, int bases, const char *name,
		    const struct stock *stock, const struct sbuf *json)
{
	const char *temporary =
		arena_printf(arena, ".new-%s-%ld", name, (long)getpid());
	int dir, result;

	base_store_remove(bases, temporary);
	dir = files_make_dir(bases, temporary);
	if (dir < 0)
		return dir;
	result = write_base(dir, stock, json);
	close(dir);
	if (!result) {
		base_store_remove(bases, name);
		result = files_rename(bases, temporary, bases, name, 0);
	}
	if (result)
		base_store_remove(bases, temporary);
	return result;
}

static enum stock_status keep(struct arena *arena, const char *bases,
			      struct stock *stock, struct sbuf *why)
{
	CLEANUP(sbuf) json = { 0 };
	struct stock there = { 0 };
	struct digest digest;
	const char *name;
	char hex[65];
	int result, dir;

	print_base(stock, &json);
	sha256_of(json.ptr, json.len, &digest);
	digest_hex(&digest, hex);
	name = arena_printf(arena, STOCK_PREFIX "%s-%.*s", stock->version,
			    NAME_HEX, hex);
	stock->directory = arena_printf(arena, "%s/%s", bases, name);
	if (stock_read(arena, stock->directory, &there)) {
		stock_release(&there);
		return STOCK_OK;
	}
	result = copy_make_path(bases);
	dir = result ? -1 : open(bases, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!result && dir < 0)
		result = -errno;
	if (!result)
		result = put_base(arena, dir, name, stock, &json);
	if (dir >= 0)
		close(dir);
	if (!result)
		return STOCK_OK;
	sbuf_printf(why, "cannot write the base %s: %s", stock->directory,
		    strerror(-result));
	return STOCK_FAILED;
}

/* It becomes part of a path and of JSON. */
static bool is_plain(const char *version)
{
	size_t len = strspn(version, "0123456789abcdefghijklmnopqrstuvwxyz"
				     "ABCDEFGHIJKLMNOPQRSTUVWXYZ+-.~:");

	return isdigit((unsigned char)*version) && !version[len] && len < 128;
}

enum stock_status stock_make(struct arena *arena, const char *package,
			     const char *version, const char *bases,
			     struct stock *ret_stock, struct sbuf *why)
{
	struct stock stock = { .version = version };
	enum stock_status status;

	if (!is_plain(version) || !stock_is_new_enough(version)) {
		sbuf_printf(why,
			    "The ipxe package %s is too old to be a base: it "
			    "takes iPXE " STOCK_OLDEST " or later, as in "
			    "Debian 13. Take it from a newer suite, for "
			    "example: ipxe-embed base stock --suite trixie",
			    is_plain(version) ? version : "here");
		return STOCK_INPUT;
	}
	status = take_package(package, &stock, why);
	if (!status)
		status = keep(arena, bases, &stock, why);
	if (!status)
		*ret_stock = stock;
	else
		stock_release(&stock);
	return status;
}
