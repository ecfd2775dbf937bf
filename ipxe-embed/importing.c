#include "importing.h"

#include "arena.h"
#include "asset.h"
#include "cleanup.h"
#include "files.h"
#include "report.h"
#include "source.h"
#include "value.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* -------------------------------------------------------------- reading -- */

const struct source *importing_read(struct call *call, const char *path,
				    enum status *ret_status)
{
	CLEANUP(sbuf) bytes = { 0 };
	int fd = asset_open(path), error = fd < 0 ? fd : 0;

	if (!error) {
		error = files_slurp(fd, SOURCE_BYTES_MAX, &bytes);
		close(fd);
	}
	if (error) {
		*ret_status = report_error(call, "cannot read %s: %s", path,
					   strerror(-error));
		return NULL;
	}
	*ret_status = STATUS_OK;
	return source_new(call->arena, path, sbuf_text(&bytes), bytes.len);
}

struct gathering {
	struct call *call;
	const char *directory;
	bool (*wants)(struct text path);
	VEC(struct import_file) files;
	enum status status;
};

/* The file is shown as the user named its directory. */
static int gather_file(struct gathering *g, struct text path)
{
	struct import_file *file;
	const struct source *source;
	const char *full =
		arena_printf(g->call->arena, "%s/%s", g->directory, path.ptr);
	enum status status;

	source = importing_read(g->call, full, &status);
	if (!source) {
		g->status = status;
		return -ECANCELED;
	}
	file = vec_push(g->call->arena, &g->files);
	file->source = source;
	file->path.ptr = arena_copy(g->call->arena, path.ptr, path.len);
	file->path.len = path.len;
	return 0;
}

/* Orchestrators mount files as symlinks: those are read, directories not. */
static bool is_file(const struct files_seen *seen)
{
	struct stat st;

	if (fstatat(seen->dir, seen->name, &st, 0) != 0)
		return true; /* reading it says why */
	return S_ISREG(st.st_mode);
}

static int gather(void *ctx, const struct files_seen *seen)
{
	struct gathering *g = ctx;
	const char *path =
		arena_copy(g->call->arena, seen->path.ptr, seen->path.len);

	if (seen->visit == FILES_LEAVE)
		return 0;
	if (*seen->name == '.')
		return seen->visit == FILES_ENTER;
	if (seen->visit == FILES_ENTER)
		return !g->wants(
			text_of(arena_printf(g->call->arena, "%s/a", path)));
	if (!g->wants(text_of(path)) || !is_file(seen))
		return 0;
	return gather_file(g, text_of(path));
}

enum status importing_gather(struct call *call, const char *directory,
			     bool (*wants)(struct text path),
			     struct import_files *ret_files)
{
	struct gathering g = { .call = call,
			       .directory = directory,
			       .wants = wants };
	CLEANUP(sbuf) where = { 0 };
	int root = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC), error;

	if (root < 0)
		return report_error(call, "cannot read %s: %s", directory,
				    strerror(errno));
	error = files_walk(root, gather, &g, &where);
	close(root);
	if (g.status != STATUS_OK)
		return g.status;
	if (error < 0)
		return report_error(call, "cannot read %s/%s: %s", directory,
				    sbuf_text(&where), strerror(-error));
	ret_files->at = g.files.at;
	ret_files->count = g.files.count;
	return STATUS_OK;
}

/* -------------------------------------------------------------- writing -- */

static bool is_site_file(const char *path)
{
	static const char *const ends[] = { ".yaml", ".yml", ".json" };
	size_t len = strlen(path);

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		size_t end = strlen(ends[i]);

		if (len > end && strcmp(path + len - end, ends[i]) == 0)
			return true;
	}
	return false;
}

const char *importing_basename(struct call *call, const char *path)
{
	char *real = realpath(path, NULL);
	struct text name = text_basename(text_of(real ? real : path));
	const char *copy = arena_copy(call->arena, name.ptr, name.len);

	free(real);
	return copy;
}

const char *importing_site_file(const struct importing_options *options,
				const char *fallback)
{
	if (!options->output || !is_site_file(options->output))
		return fallback;
	return text_basename(text_of(options->output)).ptr;
}

/* Where a file is put together, before it takes its name. */
static const char *new_name(struct call *call, struct text path)
{
	return arena_printf(call->arena, "%s.ipxe-embed-new", path.ptr);
}

static void drop_new(struct call *call, const struct import *im, int root)
{
	for (size_t i = 0; i < im->outputs.count; i++)
		files_remove(root, new_name(call, im->outputs.at[i].path));
}

static int write_new(struct call *call, const struct import_output *output,
		     int root)
{
	const char *slash = strrchr(output->path.ptr, '/');
	const char *name = new_name(call, output->path);
	int directory;

	if (slash) {
		directory = files_make_dir(
			root, arena_copy(call->arena, output->path.ptr,
					 (size_t)(slash - output->path.ptr)));
		if (directory < 0)
			return directory;
		close(directory);
	}
	files_remove(root, name);
	return files_write(root, name, output->bytes.ptr, output->bytes.len);
}

/* The site file comes last: while it is not there, nothing is. */
static int put_in_place(struct call *call, const struct import *im, int root,
			bool force, const char **ret_path)
{
	for (size_t i = im->outputs.count; i-- > 0;) {
		const struct import_output *output = &im->outputs.at[i];
		int error = files_rename(root, new_name(call, output->path),
					 root, output->path.ptr,
					 force ? 0 : RENAME_NOREPLACE);

		*ret_path = output->path.ptr;
		if (error)
			return error;
	}
	return 0;
}

static int write_all(struct call *call, const struct import *im, int root,
		     bool force, const char **ret_path)
{
	for (size_t i = 0; i < im->outputs.count; i++) {
		const struct import_output *output = &im->outputs.at[i];
		struct stat st;
		int error;

		*ret_path = output->path.ptr;
		if (!force && files_stat(root, output->path.ptr, &st) == 0)
			return -EEXIST;
		error = write_new(call, output, root);
		if (error)
			return error;
	}
	return put_in_place(call, im, root, force, ret_path);
}

/* @return the directory for the site file, made if it is not there */
static int open_directory(struct call *call, const char *output,
			  const char **ret_path)
{
	const char *slash = strrchr(output, '/');
	const char *path = output;

	if (is_site_file(output))
		path = slash == output ? "/"
		       : slash         ? arena_copy(call->arena, output,
						    (size_t)(slash - output))
				       : ".";
	*ret_path = path;
	if (mkdir(path, 0777) != 0 && errno != EEXIST)
		return -errno;
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static enum status write_outputs(struct call *call, const struct import *im,
				 const struct importing_options *options)
{
	const char *path;
	int root = open_directory(call, options->output, &path), error;
	sigset_t all, before;

	if (root < 0)
		return report_failure(call, "cannot write to %s: %s", path,
				      strerror(root == -1 ? errno : -root));
	/* Ctrl-C half way would leave some of the files. */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	error = write_all(call, im, root, options->force, &path);
	if (error)
		drop_new(call, im, root);
	sigprocmask(SIG_SETMASK, &before, NULL);
	close(root);
	if (error == -EEXIST)
		return report_error(
			call, "%s is there already; --force overwrites it",
			path);
	if (error)
		return report_failure(call, "cannot write %s: %s", path,
				      strerror(-error));
	return STATUS_OK;
}

enum status importing_finish(struct call *call, struct import *im, bool good,
			     const struct importing_options *options)
{
	enum status status = report_diags(call, im->ds);
	CLEANUP(sbuf) out = { 0 };

	if (status != STATUS_OK || !good)
		return STATUS_INPUT;
	if (options->output)
		status = write_outputs(call, im, options);
	if (status != STATUS_OK)
		return status;
	import_report(im, options->verbose, &out);
	fwrite(sbuf_text(&out), 1, out.len, stdout);
	return STATUS_OK;
}
