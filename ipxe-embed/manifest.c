#include "manifest.h"

#include "arena.h"
#include "plan.h"
#include "quote.h"
#include "sbuf.h"

#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <stdlib.h>

#define MANIFEST_FORMAT "ipxe-embed manifest 1"

static const struct {
	unsigned bit;
	const char *name;
} verify_names[] = {
	{ VERIFY_SIGNATURE, "signature" },
	{ VERIFY_DIGEST, "digest" },
	{ VERIFY_SECURE_BOOT, "secure-boot" },
	{ VERIFY_NODES, "node-scripts" },
};

enum { VERIFY_NAMES = sizeof(verify_names) / sizeof(verify_names[0]) };

/* ----------------------------------------------------------- digests -- */

void digest_hex(const struct digest *digest, char ret_hex[static 65])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < 32; i++) {
		ret_hex[2 * i] = digits[digest->sha256[i] >> 4];
		ret_hex[2 * i + 1] = digits[digest->sha256[i] & 15];
	}
	ret_hex[64] = '\0';
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool digest_from_hex(struct text hex, struct digest *ret_digest)
{
	unsigned char bytes[32];

	if (hex.len != 64)
		return false;
	for (size_t i = 0; i < 32; i++) {
		int high = hex_value(hex.ptr[2 * i]);
		int low = hex_value(hex.ptr[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		bytes[i] = (unsigned char)(high << 4 | low);
	}
	memcpy(ret_digest->sha256, bytes, sizeof(bytes));
	return true;
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
	return a->size_bytes == b->size_bytes &&
	       memcmp(a->sha256, b->sha256, sizeof(a->sha256)) == 0;
}

/* ------------------------------------------------------------- paths -- */

/* Anything else would not come back from the file as it went in. */
static bool is_clean_utf8(struct text text)
{
	json_t *string;

	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
			return false;
	string = json_stringn(text.ptr, text.len);
	json_decref(string);
	return string != NULL;
}

const char *manifest_path_refusal(struct text path)
{
	const char *end = path.ptr + path.len;

	if (path.len == 0 || path.len >= PATH_MAX)
		return path.len ? "is too long" : "is empty";
	if (!is_clean_utf8(path))
		return "holds a control character, or is no UTF-8";
	if (text_is(path, MANIFEST_NAME))
		return "is the manifest itself";
	for (const char *part = path.ptr; part <= end;) {
		const char *slash = memchr(part, '/', (size_t)(end - part));
		struct text name = { part,
				     (size_t)((slash ? slash : end) - part) };

		if (name.len == 0)
			return "has an empty part";
		if (name.len > NAME_MAX)
			return "has a part that is too long";
		if (text_is(name, ".") || text_is(name, ".."))
			return "has a part . or ..";
		part += name.len + 1;
	}
	return NULL;
}

/* ----------------------------------------------------------- writing -- */

static void write_list(struct sbuf *out, const struct text *items, size_t count)
{
	sbuf_putc(out, '[');
	for (size_t i = 0; i < count; i++) {
		if (i)
			sbuf_puts(out, ", ");
		quote_json(out, items[i]);
	}
	sbuf_putc(out, ']');
}

static void write_file(struct sbuf *out, const struct manifest_file *file)
{
	char hex[65];

	digest_hex(&file->digest, hex);
	sbuf_puts(out, "{\"path\": ");
	quote_json(out, file->path);
	sbuf_printf(out, ", \"size\": %" PRIu64 ", \"sha256\": \"%s\", ",
		    file->digest.size_bytes, hex);
	sbuf_puts(out, "\"wanted_by\": ");
	write_list(out, file->wanted_by, file->wanted_by_count);
	sbuf_putc(out, '}');
}

void manifest_write(const struct manifest *manifest, struct sbuf *out)
{
	struct text verify[VERIFY_NAMES];
	size_t verify_count = 0;

	for (size_t i = 0; i < VERIFY_NAMES; i++)
		if (manifest->verify & verify_names[i].bit)
			verify[verify_count++] = text_of(verify_names[i].name);
	sbuf_puts(out, "{\n\"format\": \"" MANIFEST_FORMAT "\",\n\"site\": ");
	quote_json(out, manifest->site);
	sbuf_puts(out, ",\n\"verify\": ");
	write_list(out, verify, verify_count);
	sbuf_puts(out, ",\n\"signer\": ");
	quote_json(out, manifest->signer);
	sbuf_puts(out, ",\n\"files\": [");
	for (size_t i = 0; i < manifest->count; i++) {
		sbuf_puts(out, i ? ",\n" : "\n");
		write_file(out, &manifest->files[i]);
	}
	sbuf_puts(out, "\n]}\n");
}

/* ----------------------------------------------------------- reading -- */

struct parser {
	struct arena *arena;
	struct sbuf *why;
};

static struct text text_from(const struct parser *p, const json_t *string)
{
	size_t len = json_string_length(string);

	return (struct text){
		arena_copy(p->arena, json_string_value(string), len), len
	};
}

/* Text without NULs, as struct text promises. */
static bool get_text(const struct parser *p, const json_t *object,
		     const char *key, struct text *ret_text)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_string(value) ||
	    memchr(json_string_value(value), '\0', json_string_length(value))) {
		sbuf_printf(p->why, "\"%s\" is not a text", key);
		return false;
	}
	*ret_text = text_from(p, value);
	return true;
}

static bool get_texts(const struct parser *p, const json_t *object,
		      const char *key, struct text **ret_texts,
		      size_t *ret_count)
{
	const json_t *list = json_object_get(object, key);
	size_t count = json_array_size(list);
	struct text *texts = arena_new_array(p->arena, count, struct text);

	if (!json_is_array(list)) {
		sbuf_printf(p->why, "\"%s\" is not a list", key);
		return false;
	}
	for (size_t i = 0; i < count; i++) {
		const json_t *item = json_array_get(list, i);

		if (!json_is_string(item)) {
			sbuf_printf(p->why, "\"%s\" does not hold texts", key);
			return false;
		}
		texts[i] = text_from(p, item);
		if (i && text_compare(texts[i - 1], texts[i]) >= 0) {
			sbuf_printf(p->why, "\"%s\" is not sorted", key);
			return false;
		}
	}
	*ret_texts = texts;
	*ret_count = count;
	return true;
}

static bool get_verify(const struct parser *p, const json_t *root,
		       unsigned *ret_verify)
{
	const json_t *list = json_object_get(root, "verify");
	unsigned verify = 0;

	if (!json_is_array(list)) {
		sbuf_puts(p->why, "\"verify\" is not a list");
		return false;
	}
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *word = json_string_value(json_array_get(list, i));
		unsigned bit = 0;

		for (size_t k = 0; word && k < VERIFY_NAMES; k++)
			if (strcmp(word, verify_names[k].name) == 0)
				bit = verify_names[k].bit;
		if (!bit) {
			sbuf_puts(p->why, "\"verify\" holds an unknown word");
			return false;
		}
		verify |= bit;
	}
	*ret_verify = verify;
	return true;
}

static bool get_digest(const struct parser *p, const json_t *object,
		       struct digest *ret_digest)
{
	const json_t *size = json_object_get(object, "size");
	struct digest digest = { 0 };
	struct text hex;

	if (!json_is_integer(size) || json_integer_value(size) < 0) {
		sbuf_puts(p->why, "\"size\" is not a number of bytes");
		return false;
	}
	if (!get_text(p, object, "sha256", &hex))
		return false;
	if (!digest_from_hex(hex, &digest)) {
		sbuf_puts(p->why, "\"sha256\" is not 64 lower-case digits");
		return false;
	}
	digest.size_bytes = (uint64_t)json_integer_value(size);
	*ret_digest = digest;
	return true;
}

static bool parse_file(const struct parser *p, const json_t *object,
		       struct manifest_file *ret_file)
{
	const char *refusal;

	if (!json_is_object(object) || json_object_size(object) != 4) {
		sbuf_puts(p->why, "it does not have the four keys of a file");
		return false;
	}
	if (!get_text(p, object, "path", &ret_file->path))
		return false;
	refusal = manifest_path_refusal(ret_file->path);
	if (refusal) {
		sbuf_printf(p->why, "its path %s", refusal);
		return false;
	}
	return get_digest(p, object, &ret_file->digest) &&
	       get_texts(p, object, "wanted_by", &ret_file->wanted_by,
			 &ret_file->wanted_by_count);
}

static bool parse_files(const struct parser *p, const json_t *root,
			struct manifest *manifest)
{
	const json_t *list = json_object_get(root, "files");
	size_t count = json_array_size(list);

	if (!json_is_array(list)) {
		sbuf_puts(p->why, "\"files\" is not a list");
		return false;
	}
	manifest->files =
		arena_new_array(p->arena, count, struct manifest_file);
	for (size_t i = 0; i < count; i++) {
		struct manifest_file *file = &manifest->files[i];
		size_t before = p->why->len;

		if (parse_file(p, json_array_get(list, i), file) && i &&
		    text_compare(file[-1].path, file->path) >= 0)
			sbuf_puts(p->why, "it is not in its sorted place");
		if (p->why->len != before) {
			sbuf_printf(p->why, " (file %zu of %zu)", i + 1, count);
			return false;
		}
	}
	manifest->count = count;
	return true;
}

static bool parse_root(const struct parser *p, const json_t *root,
		       struct manifest *manifest)
{
	const char *format = json_string_value(json_object_get(root, "format"));

	if (!format || strcmp(format, MANIFEST_FORMAT) != 0) {
		sbuf_puts(p->why, "it has no \"format\": \"" MANIFEST_FORMAT
				  "\": it is not a manifest of ipxe-embed, or "
				  "one of another release");
		return false;
	}
	if (json_object_size(root) != 5) {
		sbuf_puts(p->why, "it does not have the five keys of a "
				  "manifest");
		return false;
	}
	return get_text(p, root, "site", &manifest->site) &&
	       get_verify(p, root, &manifest->verify) &&
	       get_text(p, root, "signer", &manifest->signer) &&
	       parse_files(p, root, manifest);
}

const struct manifest *manifest_parse(struct arena *arena, const void *bytes,
				      size_t len, struct sbuf *why)
{
	struct parser parser = { arena, why };
	struct manifest *manifest = arena_new(arena, struct manifest);
	json_error_t error;
	json_t *root = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, &error);
	bool good;

	if (!root) {
		sbuf_printf(why, "line %d: %s", error.line, error.text);
		return NULL;
	}
	good = parse_root(&parser, root, manifest);
	json_decref(root);
	return good ? manifest : NULL;
}

/* ----------------------------------------------------------- looking -- */

static int compare_path(const void *key, const void *item)
{
	return text_compare(*(const struct text *)key,
			    ((const struct manifest_file *)item)->path);
}

const struct manifest_file *manifest_find(const struct manifest *manifest,
					  struct text path)
{
	if (manifest->count == 0)
		return NULL;
	return bsearch(&path, manifest->files, manifest->count,
		       sizeof(*manifest->files), compare_path);
}

/* Whether @p path lies below @p dir: 0 if so, else their order. */
static int compare_below(const void *key, const void *item)
{
	struct text dir = *(const struct text *)key;
	struct text path = ((const struct manifest_file *)item)->path;
	size_t common = dir.len < path.len ? dir.len : path.len;
	int order = memcmp(dir.ptr, path.ptr, common);

	if (order)
		return order;
	if (path.len <= dir.len)
		return 1;
	return '/' - (int)(unsigned char)path.ptr[dir.len];
}

bool manifest_has_below(const struct manifest *manifest, struct text path)
{
	return manifest->count &&
	       bsearch(&path, manifest->files, manifest->count,
		       sizeof(*manifest->files), compare_below);
}
