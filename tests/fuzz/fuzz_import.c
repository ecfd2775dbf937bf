/* Any bytes in the files of an import give a site that can be read again, with
 * a report, or faults that can be shown. The first line names the importer. */
#include "fuzz.h"

#include "arena.h"
#include "diag.h"
#include "import.h"
#include "input.h"
#include "load.h"
#include "source.h"

#undef NDEBUG
#include <assert.h>
#include <errno.h>

struct fuzz {
	struct arena arena;
	struct input input;
};

static struct import_files files_of(struct fuzz *fuzz)
{
	struct import_file *files = arena_new_array(
		&fuzz->arena, fuzz->input.files.count, struct import_file);
	size_t count = 0;

	for (size_t i = 1; i < fuzz->input.files.count; i++) {
		const struct input_file *from = &fuzz->input.files.at[i];
		const char *path = arena_copy(&fuzz->arena, from->path.ptr,
					      from->path.len);

		if (strlen(path) != from->path.len)
			continue;
		files[count].path = text_of(path);
		files[count++].source = source_new(
			&fuzz->arena, path, from->bytes.ptr, from->bytes.len);
	}
	return (struct import_files){ files, count };
}

static void check_site(struct fuzz *fuzz, const struct import *im)
{
	struct diags ds = { .arena = &fuzz->arena };
	const struct import_output *site = &im->outputs.at[0];

	assert(im->outputs.count);
	assert(load(&fuzz->arena,
		    source_new(&fuzz->arena, "site.yaml", site->bytes.ptr,
			       site->bytes.len),
		    &ds));
}

static bool run(struct fuzz *fuzz, struct import *im,
		const struct import_files *files)
{
	static const struct import_options options = {
		.site = "fuzz",
		.url = "https://boot.example/",
		.from = "in",
		.file = "site.yaml",
	};
	struct text importer = fuzz->input.files.at[0].bytes;

	for (enum lease_format format = LEASE_AUTO; lease_formats[format];
	     format++)
		if (text_is(importer, lease_formats[format]))
			return import_leases(im, files, format, NULL,
					     "nodes.yaml");
	return import_matchbox(im, files, &options);
}

/* Files that others include are among the input. */
static int read_input(void *ctx, const char *path, size_t max_bytes,
		      struct sbuf *ret_bytes)
{
	struct fuzz *fuzz = ctx;
	const struct input_file *file = input_find(&fuzz->input, text_of(path));

	if (!file || file->bytes.len > max_bytes)
		return -ENOENT;
	sbuf_add(ret_bytes, file->bytes.ptr, file->bytes.len);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct fuzz fuzz = { 0 };
	struct diags ds = { .arena = &fuzz.arena };
	struct import im = { .arena = &fuzz.arena,
			     .ds = &ds,
			     .read = read_input,
			     .ctx = &fuzz };
	struct text all = { arena_copy(&fuzz.arena, bytes, len), len };
	struct import_files files;
	struct sbuf shown = { 0 };
	bool good;

	input_split(&fuzz.arena, &fuzz.input, TEXT("importer"), all);
	files = files_of(&fuzz);
	good = run(&fuzz, &im, &files);
	assert(good || ds.errors);
	if (good && !ds.errors) {
		check_site(&fuzz, &im);
		import_report(&im, true, &shown);
	}
	diags_sort(&ds);
	diags_render(&ds, false, &shown);
	sbuf_release(&shown);
	arena_release(&fuzz.arena);
	return 0;
}
