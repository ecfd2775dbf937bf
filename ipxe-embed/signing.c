#include "signing.h"

#include "certificate.h"
#include "manifest.h"
#include "plan.h"
#include "sbuf.h"
#include "vec.h"

#include <inttypes.h>
#include <stdlib.h>

static const char request_title[] = "# ipxe-embed signing request 1\n";
static const char response_title[] = "# ipxe-embed signatures 1\n";

/* ---- writing ---- */

static const char base64_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* RFC 4648, section 4, in one line. */
static void add_base64(struct sbuf *out, struct text bytes)
{
	const unsigned char *at = (const unsigned char *)bytes.ptr;

	for (size_t i = 0; i < bytes.len; i += 3) {
		size_t have = bytes.len - i;
		unsigned group = (unsigned)at[i] << 16;

		if (have > 1)
			group |= (unsigned)at[i + 1] << 8;
		if (have > 2)
			group |= at[i + 2];
		sbuf_putc(out, base64_digits[group >> 18]);
		sbuf_putc(out, base64_digits[group >> 12 & 63]);
		sbuf_putc(out, have > 1 ? base64_digits[group >> 6 & 63] : '=');
		sbuf_putc(out, have > 2 ? base64_digits[group & 63] : '=');
	}
}

/* "sign <sha256> <size> <path>", without the end of the line */
static void add_item(struct sbuf *out, const char *word,
		     const struct signing_item *item)
{
	char hex[65];

	digest_hex(&item->digest, hex);
	sbuf_printf(out, "%s %s %" PRIu64 " %s", word, hex,
		    item->digest.size_bytes, item->path.ptr);
}

static void add_root(struct sbuf *out, const struct signing_root *root)
{
	struct digest digest;
	char hex[65];

	memcpy(digest.sha256, root->sha256, sizeof(digest.sha256));
	digest_hex(&digest, hex);
	sbuf_printf(out, "root %s %s\n", hex, root->subject.ptr);
}

void signing_request_write(const struct signing_request *request,
			   struct sbuf *out)
{
	sbuf_puts(out, request_title);
	sbuf_puts(out, "#\n"
		       "# These files wait for a signature, each known by its "
		       "SHA-256. The key may be\n"
		       "# on a machine that has none of them; bring this file "
		       "there and run\n"
		       "#\n"
		       "#   ipxe-embed sign " SIGNING_REQUEST_NAME
		       " --key signer.key --cert signer.pem --root root.pem\n"
		       "#\n"
		       "# then bring the file \"" SIGNATURES_NAME
		       "\" that it writes back here, and run\n"
		       "#\n"
		       "#   ipxe-embed sign --merge " SIGNATURES_NAME " OUT\n"
		       "#\n");
	sbuf_printf(out, "site %s\nsigner %s\n", request->site.ptr,
		    request->signer.ptr);
	for (size_t i = 0; i < request->roots.count; i++)
		add_root(out, &request->roots.at[i]);
	for (size_t i = 0; i < request->items.count; i++) {
		add_item(out, "sign", &request->items.at[i]);
		sbuf_putc(out, '\n');
	}
	sbuf_printf(out, "end %zu\n", request->items.count);
}

void signing_response_write(const struct signing_response *response,
			    struct sbuf *out)
{
	sbuf_puts(out, response_title);
	sbuf_puts(out,
		  "#\n"
		  "# Signatures that were asked for. Bring this file to where "
		  "the tree is, and run\n"
		  "#\n"
		  "#   ipxe-embed sign --merge " SIGNATURES_NAME " OUT\n"
		  "#\n");
	sbuf_printf(out, "site %s\n", response->site.ptr);
	for (size_t i = 0; i < response->items.count; i++) {
		add_item(out, "signature", &response->items.at[i]);
		sbuf_putc(out, ' ');
		add_base64(out, response->items.at[i].signature);
		sbuf_putc(out, '\n');
	}
	sbuf_printf(out, "end %zu\n", response->items.count);
}

/* ---- reading ---- */

/** A file being read, line by line. */
struct reader {
	struct arena *arena;
	struct text rest;
	size_t line;       /**< number of the present one */
	struct text words; /**< what is left of it */
	struct text site, signer;
	struct signing_roots roots;
	struct signing_items items;
	bool ended;
	struct sbuf *why;
};

static bool refuse(struct reader *reader, const char *reason)
{
	sbuf_printf(reader->why, "line %zu: %s", reader->line, reason);
	return false;
}

/** @return false at the end of the file, and for a line without an end */
static bool next_line(struct reader *reader)
{
	const char *end = reader->rest.len ? memchr(reader->rest.ptr, '\n',
						    reader->rest.len)
					   : NULL;

	if (!end)
		return false;
	reader->line++;
	reader->words.ptr = reader->rest.ptr;
	reader->words.len = (size_t)(end - reader->rest.ptr);
	reader->rest.ptr = end + 1;
	reader->rest.len -= reader->words.len + 1;
	return true;
}

/** Up to the next space, which is taken too; all of it if there is none. */
static struct text take_word(struct reader *reader)
{
	struct text word = reader->words;
	const char *space = word.len ? memchr(word.ptr, ' ', word.len) : NULL;

	if (!space) {
		reader->words = (struct text){ word.ptr + word.len, 0 };
		return word;
	}
	word.len = (size_t)(space - word.ptr);
	reader->words.ptr += word.len + 1;
	reader->words.len -= word.len + 1;
	return word;
}

/** From the last space on, which is taken too. */
static struct text take_last_word(struct reader *reader)
{
	struct text line = reader->words;
	const char *space = line.len ? memrchr(line.ptr, ' ', line.len) : NULL;

	if (!space)
		return (struct text){ line.ptr, 0 };
	reader->words.len = (size_t)(space - line.ptr);
	return (struct text){ space + 1, line.len - reader->words.len - 1 };
}

/** With a NUL behind it. */
static struct text keep(struct reader *reader, struct text text)
{
	return (struct text){ arena_copy(reader->arena, text.ptr, text.len),
			      text.len };
}

/* No sign, no leading zero, no overflow: one way to write each number. */
static bool parse_number(struct text word, uint64_t *ret_number)
{
	uint64_t number = 0;

	if (!word.len || word.len > 19 || (word.ptr[0] == '0' && word.len > 1))
		return false;
	for (size_t i = 0; i < word.len; i++) {
		if (word.ptr[i] < '0' || word.ptr[i] > '9')
			return false;
		number = number * 10 + (uint64_t)(word.ptr[i] - '0');
	}
	*ret_number = number;
	return true;
}

static int base64_value(char c)
{
	const char *at = c ? strchr(base64_digits, c) : NULL;

	return at ? (int)(at - base64_digits) : -1;
}

static bool is_padding(struct text word, size_t at)
{
	return word.ptr[at] == '=' && at + 2 >= word.len &&
	       word.ptr[word.len - 1] == '=';
}

/* Only the canonical encoding, so that the same bytes are the same line. */
static bool parse_base64(struct reader *reader, struct text word,
			 struct text *ret_bytes)
{
	unsigned char *bytes = arena_alloc(reader->arena, word.len / 4 * 3 + 1);
	size_t len = 0;
	unsigned bits = 0;

	if (!word.len || word.len % 4)
		return false;
	for (size_t i = 0; i < word.len; i++) {
		int value = base64_value(word.ptr[i]);

		if (value < 0 && !is_padding(word, i))
			return false;
		bits = bits << 6 | (unsigned)(value < 0 ? 0 : value);
		if (i % 4 == 3) {
			bytes[len++] = (unsigned char)(bits >> 16);
			bytes[len++] = (unsigned char)(bits >> 8);
			bytes[len++] = (unsigned char)bits;
		}
	}
	len -= word.ptr[word.len - 1] == '=';
	len -= word.ptr[word.len - 2] == '=';
	*ret_bytes = (struct text){ (char *)bytes, len };
	return bytes[len] == 0;
}

static bool has_control(struct text text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.ptr[i] < ' ' || text.ptr[i] == 0x7f)
			return true;
	return false;
}

static bool read_name(struct reader *reader, struct text *name)
{
	if (name->ptr)
		return refuse(reader, "this is here for the second time");
	if (!reader->words.len)
		return refuse(reader, "the name is missing");
	*name = keep(reader, reader->words);
	return true;
}

static bool read_site(struct reader *reader)
{
	return read_name(reader, &reader->site);
}

static bool read_signer(struct reader *reader)
{
	return read_name(reader, &reader->signer);
}

static bool read_root(struct reader *reader)
{
	struct signing_root root;
	struct digest digest;

	if (!digest_from_hex(take_word(reader), &digest))
		return refuse(reader, "the first word behind \"root\" is no "
				      "SHA-256 in lower-case digits");
	memcpy(root.sha256, digest.sha256, sizeof(root.sha256));
	root.subject = keep(reader, reader->words);
	*vec_push(reader->arena, &reader->roots) = root;
	return true;
}

/* What is left of the line is the path, which may have spaces. */
static bool read_path(struct reader *reader, struct signing_item *item)
{
	const struct signing_items *items = &reader->items;
	const char *wrong;

	item->path = keep(reader, reader->words);
	wrong = manifest_path_refusal(item->path);
	if (wrong) {
		sbuf_printf(reader->why, "line %zu: the path cannot be: it %s",
			    reader->line, wrong);
		return false;
	}
	if (items->count &&
	    text_compare(items->at[items->count - 1].path, item->path) >= 0)
		return refuse(reader, "the paths are not sorted, or one is "
				      "there twice");
	return true;
}

static bool read_digest(struct reader *reader, struct signing_item *item)
{
	if (!digest_from_hex(take_word(reader), &item->digest))
		return refuse(reader, "the second word is no SHA-256 in "
				      "lower-case digits");
	if (!parse_number(take_word(reader), &item->digest.size_bytes))
		return refuse(reader, "the third word is no size in bytes");
	return true;
}

static bool read_sign(struct reader *reader)
{
	struct signing_item item = { 0 };

	if (!read_digest(reader, &item) || !read_path(reader, &item))
		return false;
	item.line = reader->line;
	*vec_push(reader->arena, &reader->items) = item;
	return true;
}

static bool read_signature(struct reader *reader)
{
	struct signing_item item = { 0 };
	struct text base64;

	if (!read_digest(reader, &item))
		return false;
	base64 = take_last_word(reader);
	if (!parse_base64(reader, base64, &item.signature))
		return refuse(reader,
			      "the last word is no signature in base64");
	if (!read_path(reader, &item))
		return false;
	item.line = reader->line;
	*vec_push(reader->arena, &reader->items) = item;
	return true;
}

static bool read_end(struct reader *reader)
{
	uint64_t count;

	if (!parse_number(reader->words, &count))
		return refuse(reader, "\"end\" lacks its number");
	if (count != reader->items.count) {
		sbuf_printf(reader->why,
			    "line %zu: %" PRIu64 " lines should be before "
			    "this one, but %zu are: some were lost or added",
			    reader->line, count, reader->items.count);
		return false;
	}
	reader->ended = true;
	return true;
}

struct keyword {
	const char *word;
	bool (*read)(struct reader *reader);
};

static const struct keyword request_keywords[] = {
	{ "site", read_site }, { "signer", read_signer }, { "root", read_root },
	{ "sign", read_sign }, { "end", read_end },       { 0 },
};

static const struct keyword response_keywords[] = {
	{ "site", read_site },
	{ "signature", read_signature },
	{ "end", read_end },
	{ 0 },
};

static bool read_line(struct reader *reader, const struct keyword *keywords)
{
	struct text word;

	if (reader->words.len && reader->words.ptr[0] == '#')
		return true;
	if (has_control(reader->words))
		return refuse(reader, "there is a control character in it");
	word = take_word(reader);
	for (; keywords->word; keywords++)
		if (text_is(word, keywords->word))
			return keywords->read(reader);
	return refuse(reader, "it begins with no word that is known here");
}

/* Another version, or another file altogether, is told by the first line. */
static bool read_title(struct reader *reader, const char *title)
{
	size_t len = strlen(title);

	if (reader->rest.len < len ||
	    memcmp(reader->rest.ptr, title, len) != 0) {
		sbuf_printf(reader->why,
			    "line 1: it should be \"%.*s\"; is this another "
			    "file?",
			    (int)(len - 1), title);
		return false;
	}
	return next_line(reader);
}

static bool read_all(struct reader *reader, const char *title,
		     const struct keyword *keywords)
{
	if (!read_title(reader, title))
		return false;
	while (!reader->ended && next_line(reader))
		if (!read_line(reader, keywords))
			return false;
	reader->line++;
	if (!reader->ended)
		return refuse(reader, "the file ends before its line \"end\": "
				      "it was cut short");
	if (reader->rest.len)
		return refuse(reader, "there is more behind \"end\"");
	if (!reader->site.ptr)
		return refuse(reader, "the line \"site\" is missing");
	return true;
}

const struct signing_request *
signing_request_parse(struct arena *arena, struct text bytes, struct sbuf *why)
{
	struct reader reader = { .arena = arena, .rest = bytes, .why = why };
	struct signing_request *request;

	if (!read_all(&reader, request_title, request_keywords))
		return NULL;
	if (!reader.signer.ptr || !reader.roots.count) {
		refuse(&reader,
		       "the lines \"signer\" and \"root\" are missing");
		return NULL;
	}
	request = arena_new(arena, struct signing_request);
	*request = (struct signing_request){ reader.site, reader.signer,
					     reader.roots, reader.items };
	return request;
}

const struct signing_response *
signing_response_parse(struct arena *arena, struct text bytes, struct sbuf *why)
{
	struct reader reader = { .arena = arena, .rest = bytes, .why = why };
	struct signing_response *response;

	if (!read_all(&reader, response_title, response_keywords))
		return NULL;
	response = arena_new(arena, struct signing_response);
	*response = (struct signing_response){ reader.site, reader.items };
	return response;
}

/* ---- what is to be signed ---- */

/** Whether a path is "www/a/<hex>/<name>". */
static bool is_blob(struct text path, const char *hex)
{
	static const char begin[] = "www/a/";
	size_t begin_len = sizeof(begin) - 1;

	return path.len > begin_len + 64 + 1 &&
	       memcmp(path.ptr, begin, begin_len) == 0 &&
	       memcmp(path.ptr + begin_len, hex, 64) == 0 &&
	       path.ptr[begin_len + 64] == '/';
}

/** Whether a path is "www/n/….ipxe". */
static bool is_node_script(struct text path)
{
	static const char begin[] = "www/n/", end[] = ".ipxe";

	return path.len > sizeof(begin) + sizeof(end) &&
	       memcmp(path.ptr, begin, sizeof(begin) - 1) == 0 &&
	       memcmp(path.ptr + path.len - (sizeof(end) - 1), end,
		      sizeof(end) - 1) == 0;
}

struct signing_items signing_items_of(struct arena *arena,
				      const struct manifest *manifest)
{
	struct signing_items items = { 0 };

	for (size_t i = 0; i < manifest->count; i++) {
		const struct manifest_file *file = &manifest->files[i];
		char hex[65];

		digest_hex(&file->digest, hex);
		if (manifest->verify & VERIFY_NODES
			    ? !is_node_script(file->path)
			    : !is_blob(file->path, hex))
			continue;
		*vec_push(arena, &items) = (struct signing_item){
			.path = { file->path.ptr + strlen("www/"),
				  file->path.len - strlen("www/") },
			.digest = file->digest,
		};
	}
	return items;
}

struct text signing_path(struct arena *arena, const struct signing_item *item)
{
	return text_of(arena_printf(arena, "www/%s.sig", item->path.ptr));
}

struct signing_roots signing_roots_of(struct arena *arena,
				      const struct certificates *certificates)
{
	struct signing_roots roots = { 0 };

	for (size_t i = 0; i < certificates->count; i++) {
		struct signing_root *root = vec_push(arena, &roots);
		CLEANUP(sbuf) subject = { 0 };

		certificate_fingerprint(&certificates->at[i], root->sha256);
		certificate_subject(&certificates->at[i], &subject);
		root->subject = text_of(
			arena_copy(arena, sbuf_text(&subject), subject.len));
	}
	return roots;
}

static int compare_path(const void *path, const void *item)
{
	return text_compare(*(const struct text *)path,
			    ((const struct signing_item *)item)->path);
}

const struct signing_item *signing_find(const struct signing_items *items,
					struct text path)
{
	return items->count ? bsearch(&path, items->at, items->count,
				      sizeof(*items->at), compare_path)
			    : NULL;
}
