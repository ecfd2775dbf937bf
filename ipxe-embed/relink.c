#include "relink.h"

#include "arena.h"
#include "copy.h"
#include "files.h"
#include "roots.h"
#include "run.h"
#include "sbuf.h"
#include "sha256.h"
#include "vec.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sysinfo.h>
#include <unistd.h>

/*
 * iPXE takes the time of its build as the version of its UEFI driver, and the
 * driver with the highest one drives the network card (interface/efi/
 * efi_driver.c). A fixed time far ahead keeps images reproducible, and ahead of
 * any iPXE in the firmware: 2100-01-01.
 */
#define BUILD_TIME      "4102444800"
#define TAIL_LINES      20
#define IMAGE_MAX_BYTES ((size_t)256 * 1024 * 1024)
/* A build takes a minute or two on a small machine; this is for one that
 * hangs. */
#define BUILD_TIMEOUT_S (2 * 60 * 60)

/* --------------------------------------------------- what the site adds -- */

/* Made from the site; make can not be trusted to see that they are stale (it
 * never does for roots whose file keeps its name, and clocks jump). */
static const char *const of_the_site[] = { "embedded.o", "rootcert.o",
					   "certstore.o", "blib.a",
					   ".certificates.pem" };

static int remove_if_there(int root, const char *path)
{
	int result = files_remove(root, path);

	return result == -ENOENT ? 0 : result;
}

static int forget_last_site(struct arena *arena, const struct copy *copy,
			    const struct relink_request *request)
{
	static const char *const suffixes[] = { "", ".tmp", ".bin", ".zinfo" };
	const size_t count = sizeof(suffixes) / sizeof(*suffixes);
	const char *bin = request->targets[0]->bin;
	int result = 0;

	for (size_t i = 0;
	     i < sizeof(of_the_site) / sizeof(*of_the_site) && !result; i++)
		result = remove_if_there(
			copy->root,
			arena_printf(arena, "src/%s/%s", bin, of_the_site[i]));
	for (size_t i = 0; i < request->target_count * count && !result; i++)
		result = remove_if_there(
			copy->root,
			arena_printf(
				arena, "src/%s/%s%s", bin,
				bake_target_file(request->targets[i / count]),
				suffixes[i % count]));
	return result;
}

/*
 * Paths that go into EMBED=, TRUST= and CERT=, from where make runs. A name
 * made from the content changes with it, as the rebuild rules of iPXE need.
 * The last part of the script's path is the name of the image in iPXE.
 */
struct site_paths {
	const char *script, *roots;
};

static int write_site(struct arena *arena, const struct copy *copy,
		      const struct relink_request *request,
		      struct site_paths *ret_paths)
{
	struct sbuf roots = { 0 };
	struct digest digest;
	const char *path;
	int site = files_make_dir(copy->root, "src/site"), result;

	if (site < 0)
		return site;
	result = files_remove_all(site, NULL);
	sha256_of(request->script.ptr, request->script.len, &digest);
	path = arena_printf(arena, "%02x%02x%02x%02x/boot.ipxe",
			    digest.sha256[0], digest.sha256[1],
			    digest.sha256[2], digest.sha256[3]);
	if (!result)
		result = files_write(site, path, request->script.ptr,
				     request->script.len);
	for (size_t i = 0; i < request->roots->count && !result; i++) {
		const struct root_certificate *root = &request->roots->at[i];
		const char *name = arena_printf(arena, "%s.pem", root->hex);

		result = files_write(site, name, root->pem.ptr, root->pem.len);
		sbuf_printf(&roots, "%ssite/%s", i ? "," : "", name);
	}
	close(site);
	ret_paths->script = arena_printf(arena, "site/%s", path);
	ret_paths->roots = arena_copy(arena, sbuf_text(&roots), roots.len);
	sbuf_release(&roots);
	return result;
}

/* ------------------------------------------------------------ following -- */

/* What make's lines "  [BUILD] bin/tls.o" mean. */
static const struct step {
	const char *mark, *verb;
	bool counts; /* one of the many of a base build */
} steps[] = {
	{ "[DEPS]", "look at", true },   { "[BUILD]", "compile", true },
	{ "[AR]", "collect", false },    { "[LD]", "link", false },
	{ "[BIN]", "extract", false },   { "[ZBIN]", "compress", false },
	{ "[FINISH]", "finish", false },
};

struct following {
	const struct relink_request *request;
	const char *images;
	size_t done, total;
	char *tail[TAIL_LINES]; /* ring */
	size_t lines;
	char *first_error;
};

static void show(const struct following *following, const struct step *step,
		 const char *what)
{
	char text[128];
	struct bake_progress progress = { following->images, text,
					  following->done, following->total };

	if (!following->request->progress)
		return;
	snprintf(text, sizeof(text), "%s %s", step->verb, what);
	following->request->progress(following->request->ctx, &progress);
}

static void follow_step(struct following *following, const char *line)
{
	line += strspn(line, " ");
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		size_t len = strlen(steps[i].mark);
		const char *what = line + len, *slash;

		if (strncmp(line, steps[i].mark, len) != 0)
			continue;
		/* The total is an estimate, and not to be passed. */
		if (steps[i].counts && following->done + 1 < following->total)
			following->done++;
		slash = strrchr(what, '/');
		show(following, &steps[i],
		     slash ? slash + 1 : what + strspn(what, " "));
		return;
	}
}

static bool tells_error(const char *line)
{
	return strstr(line, "error:") || strstr(line, "rror ") ||
	       strstr(line, "*** ") || strstr(line, "not found");
}

static void follow(void *ctx, const char *line)
{
	struct following *following = ctx;
	char **slot = &following->tail[following->lines++ % TAIL_LINES];

	free(*slot);
	*slot = strdup(line);
	if (!following->first_error && tells_error(line))
		following->first_error = strdup(line);
	follow_step(following, line);
}

static void following_release(struct following *following)
{
	for (size_t i = 0; i < TAIL_LINES; i++)
		free(following->tail[i]);
	free(following->first_error);
}

static void tell_failure(const struct following *following,
			 const struct run_end *end, const struct run *make,
			 const char *log, struct sbuf *why)
{
	size_t from = following->lines > TAIL_LINES
			      ? following->lines - TAIL_LINES
			      : 0;

	sbuf_printf(why, "Building %s failed: make: ", following->images);
	run_end_say(end, make, why);
	sbuf_puts(why, ".\n");
	if (following->first_error)
		sbuf_printf(why, "The first error:\n  %s\n",
			    following->first_error);
	sbuf_puts(why, "The end of what make said:\n");
	for (size_t i = from; i < following->lines; i++)
		if (following->tail[i % TAIL_LINES])
			sbuf_printf(why, "  %s\n",
				    following->tail[i % TAIL_LINES]);
	sbuf_printf(why, "All of it is in %s\n", log);
}

/* ----------------------------------------------------- how much is to do -- */

struct counting {
	const char *bin;
	size_t sources, made;
};

static bool has_suffix(struct text path, const char *suffix)
{
	size_t len = strlen(suffix);

	return path.len > len &&
	       memcmp(path.ptr + path.len - len, suffix, len) == 0;
}

static int count_one(void *ctx, const struct files_seen *seen)
{
	struct counting *counting = ctx;
	size_t bin_len = strlen(counting->bin);
	struct text path = seen->path;

	if (seen->visit == FILES_ENTER)
		return text_is(path, "util");
	if (seen->visit != FILES_ENTRY)
		return 0;
	if (path.len > bin_len && path.ptr[bin_len] == '/' &&
	    memcmp(path.ptr, counting->bin, bin_len) == 0)
		counting->made +=
			has_suffix(path, ".o") || has_suffix(path, ".d");
	else
		counting->sources +=
			has_suffix(path, ".c") || has_suffix(path, ".S");
	return 0;
}

/* Each source is looked at for what it includes, and compiled. */
static void count_work(const struct copy *copy, struct following *following)
{
	struct counting counting = {
		.bin = following->request->targets[0]->bin
	};
	int src = files_open_dir(copy->root, "src");

	if (copy->sealed || src < 0)
		return;
	files_walk(src, count_one, &counting, NULL);
	close(src);
	following->total = 2 * counting.sources;
	following->done = counting.made < following->total ? counting.made
							   : following->total;
}

/* -------------------------------------------------------------- running -- */

struct arguments {
	const char **at;
	size_t count, room;
};

static void argue(struct arena *arena, struct arguments *arguments,
		  const char *argument)
{
	*vec_push(arena, arguments) = argument;
}

/*
 * The command line. Everything that iPXE's Makefiles would take from the
 * environment, a clock or a git directory is fixed.
 */
static const char *const *make_arguments(struct arena *arena,
					 const struct relink_request *request,
					 const struct site_paths *paths)
{
	unsigned jobs = request->jobs ? request->jobs : (unsigned)get_nprocs();
	struct arguments out = { 0 };

	argue(arena, &out, "make");
	argue(arena, &out, arena_printf(arena, "-j%u", jobs));
	for (size_t i = 0; i < request->target_count; i++) {
		const struct bake_target *target = request->targets[i];

		const char *made = arena_printf(arena, "%s/%s", target->bin,
						bake_target_file(target));

		argue(arena, &out, made);
		if (target->starter)
			argue(arena, &out,
			      arena_printf(arena, "%s/%s", target->bin,
					   target->starter));
		/* Kept: what gets compressed, and how. */
		if (!target->packed)
			continue;
		argue(arena, &out, arena_printf(arena, "%s.bin", made));
		argue(arena, &out, arena_printf(arena, "%s.zinfo", made));
	}
	if (request->targets[0]->cross)
		argue(arena, &out,
		      arena_printf(arena, "CROSS=%s",
				   request->targets[0]->cross));
	argue(arena, &out, arena_printf(arena, "EMBED=%s", paths->script));
	argue(arena, &out, arena_printf(arena, "TRUST=%s", paths->roots));
	argue(arena, &out, arena_printf(arena, "CERT=%s", paths->roots));
	argue(arena, &out, arena_printf(arena, "VERSION=%s", request->version));
	argue(arena, &out, "GITVERSION=");
	/* Debug information names the directory of the build; it never gets
	 * into an image for machines, but into the program for Linux. */
	argue(arena, &out, "EXTRA_CFLAGS=-g0");
	argue(arena, &out, "SOURCE_DATE_EPOCH=" BUILD_TIME);
	argue(arena, &out,
	      arena_printf(arena, "BUILD_ID_CMD=echo 0x%08x",
			   request->build_id));
	argue(arena, &out, NULL);
	return out.at;
}

static int open_log(const struct copy *copy, const char **ret_path)
{
	/* The log of a base build goes on where the last run was cut off. */
	int how = copy->sealed || copy->fresh ? O_TRUNC : O_APPEND;
	int fd;

	*ret_path = copy->sealed ? copy->relink_log : copy->log;
	fd = open(*ret_path, O_WRONLY | O_CREAT | O_CLOEXEC | how, 0644);
	return fd < 0 ? -errno : fd;
}

/* @return descriptor of the log, or -errno */
static int prepare(struct arena *arena, const struct copy *copy,
		   const struct relink_request *request,
		   struct site_paths *paths, const char **ret_log)
{
	int result = forget_last_site(arena, copy, request);

	if (!result)
		result = write_site(arena, copy, request, paths);
	return result ? result : open_log(copy, ret_log);
}

static int run_make(struct arena *arena, struct copy *copy,
		    const struct relink_request *request, const char *images,
		    struct sbuf *why)
{
	struct following following = { .request = request, .images = images };
	struct site_paths paths = { NULL, NULL };
	struct run make = { .directory = copy->directory,
			    .clean_environment = true,
			    .timeout_s = BUILD_TIMEOUT_S,
			    .hold = true,
			    .held_fd = copy->lock,
			    .log = true,
			    .line = follow,
			    .ctx = &following };
	struct run_end end;
	const char *log = NULL;
	int result;

	make.log_fd = prepare(arena, copy, request, &paths, &log);
	if (make.log_fd < 0) {
		sbuf_printf(why, "Cannot write below %s: %s.\n",
			    copy->directory, strerror(-make.log_fd));
		return make.log_fd;
	}
	count_work(copy, &following);
	make.argv = make_arguments(arena, request, &paths);
	result = run(&make, &end);
	close(make.log_fd);
	if (result)
		sbuf_printf(why, "Cannot run make, or keep its log %s: %s.\n",
			    log, strerror(-result));
	else if (!run_end_is_good(&end))
		tell_failure(&following, &end, &make, log, why);
	if (!result && !run_end_is_good(&end))
		result = -EIO;
	following_release(&following);
	return result;
}

/* -------------------------------------------------------------- looking -- */

static bool holds(const struct sbuf *image, const void *what, size_t len)
{
	return image->len && memmem(image->ptr, image->len, what, len);
}

/* @return what an image does not hold, or NULL */
static const char *lacks(struct arena *arena, const struct sbuf *image,
			 const struct relink_request *request)
{
	if (!holds(image, request->script.ptr, request->script.len))
		return "the boot script";
	for (size_t i = 0; i < request->roots->count; i++) {
		const struct root_certificate *root = &request->roots->at[i];

		if (!holds(image, root->digest.sha256, 32))
			return arena_printf(arena, "the fingerprint of root %s",
					    root->hex);
		if (!holds(image, root->der.ptr, root->der.len))
			return arena_printf(arena, "the certificate of root %s",
					    root->hex);
	}
	return NULL;
}

static int look_at(struct arena *arena, const struct copy *copy,
		   const struct relink_request *request,
		   const struct bake_target *target, struct sbuf *why)
{
	const char *path = arena_printf(arena, "src/%s/%s%s", target->bin,
					bake_target_file(target),
					target->packed ? ".bin" : "");
	struct sbuf image = { 0 };
	const char *lacking;
	int result = files_read(copy->root, path, IMAGE_MAX_BYTES, &image);

	if (result) {
		sbuf_printf(why, "Cannot read %s below %s: %s.\n", path,
			    copy->directory, strerror(-result));
	} else if ((lacking = lacks(arena, &image, request))) {
		sbuf_printf(why,
			    "iPXE's make was content, but %s does not hold %s; "
			    "it is not used. Remove %s and try again.\n",
			    target->name, lacking, copy->directory);
		result = -EIO;
	}
	sbuf_release(&image);
	return result;
}

/* ------------------------------------------------------------ together -- */

static const char *image_names(struct arena *arena,
			       const struct relink_request *request)
{
	const char *names = request->targets[0]->name;

	for (size_t i = 1; i < request->target_count; i++)
		names = arena_printf(arena, "%s %s", names,
				     request->targets[i]->name);
	return names;
}

int relink(struct arena *arena, struct copy *copy,
	   const struct relink_request *request, struct sbuf *why)
{
	const char *images = image_names(arena, request);
	bool taken_up = !copy->fresh;
	struct sbuf first = { 0 };
	int result = run_make(arena, copy, request, images, &first);

	if (result && taken_up) {
		result = copy_renew(arena, copy, why);
		if (!result)
			result = run_make(arena, copy, request, images, why);
	} else {
		sbuf_puts(why, sbuf_text(&first));
	}
	sbuf_release(&first);
	for (size_t i = 0; i < request->target_count && !result; i++)
		result =
			look_at(arena, copy, request, request->targets[i], why);
	if (!result && !copy->sealed)
		result = copy_seal(copy, why);
	return result;
}
