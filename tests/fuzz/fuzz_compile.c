/* The whole pipeline, on a site file and the files it names. What comes out is
 * a plan whose script holds nothing but iPXE commands that we meant and does what
 * the site says, or faults that can be shown.
 *
 * An input is a site file; further files follow, each behind a line
 * "=== PATH". Every path without "missing" in it is a file. */
#include "fuzz.h"

#include "arena.h"
#include "compile.h"
#include "input.h"
#include "plan.h"
#include "prove.h"
#include "sbuf.h"
#include "sha256.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>

#undef NDEBUG
#include <assert.h>

static bool text_holds(struct text text, const char *needle)
{
	return memmem(text.ptr, text.len, needle, strlen(needle));
}

static int input_read(void *ctx, const char *path, size_t max_bytes,
		      struct sbuf *ret_bytes)
{
	struct input *in = ctx;
	struct text bytes = TEXT("{{name}} {{#macs}}{{.}}{{/macs}}\n");

	if (text_holds(text_of(path), "missing"))
		return -ENOENT;
	if (input_find(in, text_of(path)))
		bytes = input_find(in, text_of(path))->bytes;
	if (bytes.len > max_bytes)
		return -EFBIG;
	sbuf_add(ret_bytes, bytes.ptr, bytes.len);
	return 0;
}

static int input_glob(void *ctx, const char *directory, const char *pattern,
		      void (*found)(void *found_ctx, const char *path),
		      void *found_ctx)
{
	struct input *in = ctx;

	assert(!*directory);
	vec_foreach (struct input_file, file, &in->files) {
		char path[256] = "";

		memcpy(path, file->path.ptr,
		       file->path.len < 255 ? file->path.len : 255);
		if (fnmatch(pattern, path, FNM_PATHNAME | FNM_PERIOD) == 0)
			found(found_ctx, path);
	}
	return 0;
}

static int input_digest(void *ctx, const char *path, struct digest *ret_digest)
{
	(void)ctx;
	if (text_holds(text_of(path), "missing"))
		return -ENOENT;
	sha256_of(path, strlen(path), ret_digest);
	return 0;
}

static void input_check_trust(void *ctx, const char *path, struct span at,
			      struct diags *ds)
{
	(void)ctx, (void)path, (void)at, (void)ds;
}

static bool input_is_private_key(void *ctx, const char *path, const void *bytes,
				 size_t len)
{
	(void)ctx;
	return text_holds(path ? text_of(path) : (struct text){ bytes, len },
			  "PRIVATE KEY");
}

/* -- What a script may hold ------------------------------------------------- */

/* Commands that the emitter writes. A value that brings one of its own will
 * likely bring one that is not here. */
static const char *const commands[] = {
	"boot",     "clear",      "dhcp",    "echo",    "exit",     "goto",
	"ifclose",  "iflinkwait", "ifopen",  "imgargs", "imgfetch", "imgfree",
	"imgtrust", "imgverify",  "inc",     "initrd",  "iseq",     "isset",
	"module",   "poweroff",   "reboot",  "sanboot", "set",      "sha256sum",
	"shell",    "sleep",      "imgstat", "ntp",     "kernel",   "imgselect",
	"choose",   "imgexec",    "item",    "menu",    "vcreate",
};

static bool is_command(struct text word)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (text_is(word, commands[i]))
			return true;
	return false;
}

static bool next_word(struct text *line, struct text *ret_word)
{
	while (line->len && *line->ptr == ' ')
		line->ptr++, line->len--;
	*ret_word = (struct text){ line->ptr, 0 };
	while (ret_word->len < line->len && line->ptr[ret_word->len] != ' ')
		ret_word->len++;
	line->ptr += ret_word->len;
	line->len -= ret_word->len;
	return ret_word->len;
}

static void check_line(struct text line)
{
	bool command = true;
	struct text word;

	for (size_t i = 0; i < line.len; i++)
		assert((unsigned char)line.ptr[i] >= 0x20 &&
		       line.ptr[i] != 0x7f);
	if (!line.len || *line.ptr == '#' || *line.ptr == ':')
		return;
	assert(line.ptr[line.len - 1] != '\\');
	while (next_word(&line, &word)) {
		assert(*word.ptr != '#');
		if (command)
			assert(is_command(word));
		command = text_is(word, "||") || text_is(word, "&&") ||
			  text_is(word, ";");
	}
}

static void check_script(struct text script)
{
	assert(script.len && script.ptr[script.len - 1] == '\n');
	while (script.len) {
		const char *feed = memchr(script.ptr, '\n', script.len);
		size_t len = (size_t)(feed - script.ptr);

		check_line((struct text){ script.ptr, len });
		script.ptr += len + 1;
		script.len -= len + 1;
	}
}

static void check_plan(const struct plan *plan)
{
	assert(plan->site_name.len);
	check_script(plan->script);
	for (size_t i = 0; i < plan->blob_count; i++) {
		const struct blob *blob = &plan->blobs[i];

		assert(!text_is(blob->name, ".."));
		assert(text_holds(blob->path, blob->hex.ptr) ||
		       (!blob->signable &&
			memcmp(blob->path.ptr, "s/", 2) == 0));
		assert(blob->name.len &&
		       !memchr(blob->name.ptr, '/', blob->name.len));
		assert(i == 0 || text_compare(blob[-1].path, blob->path) < 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct arena arena = { 0 };
	struct diags ds = { .arena = &arena };
	struct input in = { 0 };
	struct compile_env env = {
		.ctx = &in,
		.read = input_read,
		.glob = input_glob,
		.digest = input_digest,
		.digest_bytes = sha256_of,
		.check_trust = input_check_trust,
		.is_private_key = input_is_private_key,
	};
	const struct plan *plan;
	struct sbuf shown = { 0 };

	input_split(&arena, &in, TEXT("site.yaml"),
		    (struct text){ (const char *)bytes, len });
	plan = compile(&arena, "site.yaml", &env, &ds);
	assert(!plan == (ds.errors > 0));
	if (plan) {
		check_plan(plan);
		prove(plan, 3, &ds);
		assert(!ds.errors);
	}
	diags_sort(&ds);
	diags_render(&ds, false, &shown);
	diags_render_json(&ds, &shown);
	sbuf_release(&shown);
	arena_release(&arena);
	return 0;
}
