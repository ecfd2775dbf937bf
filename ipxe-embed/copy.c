#include "copy.h"

#include "arena.h"
#include "configuration.h"
#include "files.h"
#include "sbuf.h"
#include "sha256.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Change it when what a copy holds changes by other means than its inputs. */
#define COPY_FORMAT    "ipxe-embed copy 3"
#define COPY_UNUSED_S  (60 * 24 * 60 * 60)
#define SEAL_HEAD      "ipxe-embed seal 1\n"
#define SEAL_MAX_BYTES (4 * 1024 * 1024)
#define SEAL_SOURCES   "sources.seal"
#define SEAL_OBJECTS   "objects.seal"

static int complain(struct sbuf *why, const char *what, const char *path,
		    int error)
{
	sbuf_printf(why, "%s %s: %s.\n", what, path, strerror(-error));
	return error;
}

int copy_make_path(const char *path)
{
	struct sbuf part = { 0 };
	int result = 0;

	for (size_t i = 1; !result && path[0]; i++) {
		if (path[i] && path[i] != '/')
			continue;
		sbuf_reset(&part);
		sbuf_add(&part, path, i);
		if (mkdir(part.ptr, 0755) && errno != EEXIST)
			result = -errno;
		if (!path[i])
			break;
	}
	sbuf_release(&part);
	return result;
}

/* --------------------------------------------------------------- seals -- */

static bool ends(struct text path, const char *with)
{
	size_t len = strlen(with);

	return path.len >= len &&
	       memcmp(path.ptr + path.len - len, with, len) == 0;
}

/* What each site makes anew is no part of the base. */
static bool is_of_the_site(struct text path)
{
	const char *slash = memrchr(path.ptr, '/', path.len);
	const char *name = slash ? slash + 1 : path.ptr;

	return strcmp(name, "embedded.o") == 0 ||
	       strcmp(name, "rootcert.o") == 0 ||
	       strcmp(name, "certstore.o") == 0 ||
	       strncmp(name, "version.", 8) == 0;
}

static bool is_below(struct text path, const char *directory)
{
	size_t len = strlen(directory);

	return path.len > len && memcmp(path.ptr, directory, len) == 0 &&
	       path.ptr[len] == '/';
}

struct sealing {
	struct sbuf *out;
	const char *bin;
	size_t count;
	bool objects;
};

static int seal_one(void *ctx, const struct files_seen *seen)
{
	struct sealing *sealing = ctx;
	bool in_bin = is_below(seen->path, sealing->bin);

	if (seen->visit != FILES_ENTRY)
		return 0;
	if (in_bin != sealing->objects)
		return 0;
	if (in_bin && (!ends(seen->path, ".o") || is_of_the_site(seen->path)))
		return 0;
	sbuf_printf(sealing->out, "%lld %lld.%09ld %s\n",
		    (long long)seen->stat.st_size,
		    (long long)seen->stat.st_mtim.tv_sec,
		    seen->stat.st_mtim.tv_nsec, seen->path.ptr);
	sealing->count++;
	return 0;
}

/* Write a seal; it appears whole. */
static int seal(int root, const char *bin, bool objects)
{
	const char *name = objects ? SEAL_OBJECTS : SEAL_SOURCES;
	const char *temporary = ".new.seal";
	struct sbuf text = { 0 };
	struct sealing sealing = { &text, bin, 0, objects };
	int src = files_open_dir(root, "src"), result;

	if (src < 0)
		return src;
	sbuf_puts(&text, SEAL_HEAD);
	result = files_walk(src, seal_one, &sealing, NULL);
	close(src);
	sbuf_printf(&text, "end %zu\n", sealing.count);
	if (!result)
		result = files_remove(root, temporary);
	if (!result || result == -ENOENT)
		result = files_write(root, temporary, text.ptr, text.len);
	if (!result)
		result = files_rename(root, temporary, root, name, 0);
	sbuf_release(&text);
	return result;
}

/* Whether the file of this line is as it was. */
static bool line_holds(int src, const char *line)
{
	long long size, seconds;
	long nanoseconds;
	int path_at = 0;
	struct stat st;

	if (sscanf(line, "%lld %lld.%ld %n", &size, &seconds, &nanoseconds,
		   &path_at) != 3 ||
	    !path_at)
		return false;
	return files_stat(src, line + path_at, &st) == 0 &&
	       st.st_size == size && st.st_mtim.tv_sec == seconds &&
	       st.st_mtim.tv_nsec == nanoseconds;
}

static bool lines_hold(int src, char *text)
{
	size_t count = 0, expected;
	char *line, *rest = NULL;

	if (strncmp(text, SEAL_HEAD, strlen(SEAL_HEAD)) != 0)
		return false;
	for (line = strtok_r(text + strlen(SEAL_HEAD), "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest), count++)
		if (sscanf(line, "end %zu", &expected) == 1)
			return expected == count;
		else if (!line_holds(src, line))
			return false;
	return false;
}

enum seal_state { SEAL_ABSENT, SEAL_HOLDS, SEAL_BROKEN };

static enum seal_state seal_check(int root, const char *name)
{
	struct sbuf text = { 0 };
	enum seal_state state = SEAL_BROKEN;
	int src, error = files_read(root, name, SEAL_MAX_BYTES, &text);

	if (error == -ENOENT)
		return SEAL_ABSENT;
	src = files_open_dir(root, "src");
	if (!error && src >= 0 && text.len && lines_hold(src, text.ptr))
		state = SEAL_HOLDS;
	if (src >= 0)
		close(src);
	sbuf_release(&text);
	return state;
}

/* -------------------------------------------------------------- making -- */

struct copying {
	int to;
	struct sha256 hash;
};

static int copy_file(void *ctx, const struct base_file *file)
{
	struct copying *copying = ctx;
	struct digest content;
	int from = files_open(file->dir, file->name, NULL), to, result;

	if (from < 0)
		return from;
	to = files_create(copying->to, file->path.ptr);
	if (to < 0) {
		close(from);
		return to;
	}
	result = files_copy(from, to, &content);
	if (!result && file->executable && fchmod(to, 0755))
		result = -errno;
	close(from);
	if (close(to) && !result)
		result = -errno;
	base_digest_add(&copying->hash, file, &content);
	return result;
}

static int copy_tree(const struct base *base, int to, struct sbuf *why)
{
	struct copying copying = { .to = to };
	struct digest arrived;
	struct sbuf where = { 0 };
	int result;

	sha256_begin(&copying.hash);
	result = base_walk(base->path, copy_file, &copying, &where);
	sha256_end(&copying.hash, &arrived);
	sha256_release(&copying.hash);
	if (result)
		sbuf_printf(why, "Copying the iPXE tree %s failed at %s: %s.\n",
			    base->path, sbuf_text(&where), strerror(-result));
	else if (memcmp(arrived.sha256, base->digest.sha256, 32) != 0) {
		sbuf_printf(why,
			    "The iPXE tree %s changed while it was copied. "
			    "Try again.\n",
			    base->path);
		result = -EBUSY;
	}
	sbuf_release(&where);
	return result;
}

/* config/local/X.h for each config/X.h that has none, as make would. */
static int write_empty(void *ctx, const struct files_seen *seen)
{
	const int *local = ctx;
	int result;

	if (seen->visit == FILES_ENTER)
		return 1;
	if (seen->visit != FILES_ENTRY || !ends(seen->path, ".h"))
		return 0;
	result = files_write(*local, seen->name, "", 0);
	return result == -EEXIST ? 0 : result;
}

static int write_empty_headers(int src)
{
	int config = files_open_dir(src, "config");
	int local = files_open_dir(src, "config/local"), result;

	if (config < 0 || local < 0)
		result = config < 0 ? config : local;
	else
		result = files_walk(config, write_empty, &local, NULL);
	if (config >= 0)
		close(config);
	if (local >= 0)
		close(local);
	return result;
}

static int write_configuration(const struct features *features, int src)
{
	struct text drives = configuration_drives(features);
	struct sbuf site = { 0 };
	int result = 0;

	for (const struct configuration *header = configuration_headers();
	     header->name && !result; header++) {
		struct sbuf path = { 0 };

		sbuf_printf(&path, "config/local/%s", header->name);
		result = files_write(src, path.ptr, header->bytes.ptr,
				     header->bytes.len);
		sbuf_release(&path);
	}
	configuration_site(features, &site);
	if (!result)
		result = files_write(src, "config/local/site.h", site.ptr,
				     site.len);
	sbuf_release(&site);
	if (!result && drives.len)
		result = files_write(src, "config/local/settings.h", drives.ptr,
				     drives.len);
	return result ? result : write_empty_headers(src);
}

/*
 * What iPXE remembers in each bin directory about its variables, and the
 * header that it touches when that changes (Makefile.housekeeping). As these
 * and the empty local headers are made beforehand, the first build does not
 * look for dependencies twice.
 */
static const struct {
	const char *list, *header;
} remembered[] = {
	{ ".config.list", "config/named.h" },
	{ ".assert.list", "include/assert.h" },
	{ ".profile.list", "include/ipxe/profile.h" },
	{ ".fnrec.list", "include/compiler.h" },
};

static int touch(int src, const char *path)
{
	int fd = files_open(src, path, NULL), result;

	/* Another release may not have it. */
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	result = futimens(fd, NULL) ? -errno : 0;
	close(fd);
	return result;
}

static int write_lists(const char *bin, int src)
{
	size_t count = sizeof(remembered) / sizeof(*remembered);
	int result = 0;

	for (size_t i = 0; i < count && !result; i++) {
		struct sbuf path = { 0 };

		sbuf_printf(&path, "%s/%s", bin, remembered[i].list);
		result = files_write(src, path.ptr, "\n", 1);
		sbuf_release(&path);
	}
	for (size_t i = 0; i < count && !result; i++)
		result = touch(src, remembered[i].header);
	return result;
}

static int remove_tree(int builds, const char *name)
{
	int root = files_open_dir(builds, name), result;

	if (root == -ENOENT)
		return 0;
	if (root < 0)
		return root;
	result = files_remove_all(root, NULL);
	close(root);
	if (!result && unlinkat(builds, name, AT_REMOVEDIR))
		result = -errno;
	return result;
}

/* ------------------------------------------------------------- pruning -- */

static int remove_files(int builds, const char *name)
{
	static const char *const logs[] = { ".log", ".relink.log" };
	struct sbuf path = { 0 };
	int result = remove_tree(builds, name);

	sbuf_printf(&path, ".new-%s", name);
	if (!result)
		result = remove_tree(builds, path.ptr);
	for (size_t i = 0; i < sizeof(logs) / sizeof(*logs); i++) {
		sbuf_reset(&path);
		sbuf_printf(&path, "%s%s", name, logs[i]);
		files_remove(builds, path.ptr);
	}
	sbuf_release(&path);
	return result;
}

/*
 * A lock has the time of the last use of its copy. It stays when the copy
 * goes: whoever waits for it must get the one that all others get.
 */
int copy_remove(int builds, const char *name, time_t before)
{
	struct sbuf path = { 0 };
	struct stat st;
	int lock, result = 0;

	sbuf_printf(&path, "%s.lock", name);
	lock = openat(builds, path.ptr, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	sbuf_release(&path);
	if (lock < 0)
		return -errno;
	if (flock(lock, LOCK_EX | LOCK_NB) != 0 || fstat(lock, &st) != 0)
		result = errno == EWOULDBLOCK ? -EBUSY : -errno;
	else if (st.st_mtime >= before)
		result = -EBUSY;
	if (!result)
		result = remove_files(builds, name);
	close(lock);
	return result;
}

static int prune_one(void *ctx, const struct files_seen *seen)
{
	const time_t *before = ctx;
	char *name;

	if (seen->visit == FILES_ENTER)
		return 1;
	if (seen->visit != FILES_ENTRY || !ends(seen->path, ".lock"))
		return 0;
	name = strndup(seen->name, seen->path.len - strlen(".lock"));
	if (name)
		copy_remove(seen->dir, name, *before);
	free(name);
	return 0;
}

/* Make room when a copy is made: others that nobody used for long go. What
 * cannot be removed stays, and is in nobody's way. */
static void prune(const struct copy *copy)
{
	time_t before = time(NULL) - COPY_UNUSED_S;

	files_walk(copy->builds, prune_one, &before, NULL);
}

/* -------------------------------------------------------- making, whole -- */

static int fill(const struct copy_request *request, int root, struct sbuf *why)
{
	int src = files_make_dir(root, "src"), result;

	if (src < 0)
		return src;
	result = copy_tree(request->base, src, why);
	if (!result)
		result = write_configuration(request->features, src);
	if (!result)
		result = write_lists(request->bin, src);
	if (!result)
		result = seal(root, request->bin, false);
	close(src);
	return result;
}

static int make(struct arena *arena, struct copy *copy, struct sbuf *why)
{
	const char *temporary = arena_printf(arena, ".new-%s", copy->name);
	const char *shown = arena_printf(arena, "%s/builds/%s",
					 copy->request->cache, copy->name);
	int result = remove_tree(copy->builds, temporary), root;

	if (result)
		return complain(why, "Cannot remove what a build left beside",
				shown, result);
	root = files_make_dir(copy->builds, temporary);
	if (root < 0)
		return complain(why, "Cannot make", shown, root);
	result = fill(copy->request, root, why);
	close(root);
	if (!result)
		result = files_rename(copy->builds, temporary, copy->builds,
				      copy->name, 0);
	if (result && !why->len)
		complain(why, "Cannot make", shown, result);
	if (result) {
		remove_tree(copy->builds, temporary);
		return result;
	}
	copy->fresh = true;
	copy->sealed = false;
	prune(copy);
	return 0;
}

/* ------------------------------------------------------------- opening -- */

const char *copy_name(struct arena *arena, const struct copy_request *request)
{
	struct sbuf inputs = { 0 };
	struct digest digest;
	char hex[17];

	sbuf_puts(&inputs, COPY_FORMAT "\n");
	sbuf_add(&inputs, request->base->digest.sha256, 32);
	sbuf_add(&inputs, request->identity.ptr, request->identity.len);
	configuration_print(request->features, &inputs);
	sha256_of(inputs.ptr, inputs.len, &digest);
	sbuf_release(&inputs);
	for (size_t i = 0; i < 8; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest.sha256[i]);
	return arena_printf(arena, "%s-%s-%s", request->base->version,
			    request->bin, hex);
}

static int take_lock(struct copy *copy, const char *path, struct sbuf *why)
{
	copy->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (copy->lock < 0)
		return complain(why, "Cannot open", path, -errno);
	futimens(copy->lock, NULL);
	if (flock(copy->lock, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (copy->request->waiting)
		copy->request->waiting(copy->request->ctx);
	while (flock(copy->lock, LOCK_EX))
		if (errno != EINTR) {
			int error = -errno;

			close(copy->lock);
			return complain(why, "Cannot lock", path, error);
		}
	return 0;
}

/* Whether the copy that is there will do. */
static bool is_usable(struct copy *copy)
{
	int root = files_open_dir(copy->builds, copy->name);
	enum seal_state objects;
	bool usable;

	if (root < 0)
		return false;
	objects = seal_check(root, SEAL_OBJECTS);
	usable = seal_check(root, SEAL_SOURCES) == SEAL_HOLDS &&
		 objects != SEAL_BROKEN;
	copy->sealed = objects == SEAL_HOLDS;
	copy->fresh = false;
	close(root);
	return usable;
}

static int open_root(struct copy *copy, struct sbuf *why)
{
	copy->root = files_open_dir(copy->builds, copy->name);
	if (copy->root < 0)
		return complain(why, "Cannot open", copy->directory,
				copy->root);
	return 0;
}

static int find_or_make(struct arena *arena, struct copy *copy,
			struct sbuf *why)
{
	int result = 0;

	if (!is_usable(copy)) {
		result = remove_tree(copy->builds, copy->name);
		if (result)
			return complain(why, "Cannot remove", copy->directory,
					result);
		result = make(arena, copy, why);
	}
	return result ? result : open_root(copy, why);
}

int copy_open(struct arena *arena, const struct copy_request *request,
	      struct copy *ret_copy, struct sbuf *why)
{
	const char *builds = arena_printf(arena, "%s/builds", request->cache);
	struct copy copy = { .request = request };
	int result = copy_make_path(builds);

	if (result)
		return complain(why, "Cannot make the directory", builds,
				result);
	copy.name = copy_name(arena, request);
	copy.directory = arena_printf(arena, "%s/%s/src", builds, copy.name);
	copy.log = arena_printf(arena, "%s/%s.log", builds, copy.name);
	copy.relink_log =
		arena_printf(arena, "%s/%s.relink.log", builds, copy.name);
	copy.builds = open(builds, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (copy.builds < 0)
		return complain(why, "Cannot open", builds, -errno);
	result = take_lock(&copy,
			   arena_printf(arena, "%s/%s.lock", builds, copy.name),
			   why);
	if (result) {
		close(copy.builds);
		return result;
	}
	result = find_or_make(arena, &copy, why);
	if (result) {
		close(copy.lock);
		close(copy.builds);
		return result;
	}
	copy.open = true;
	*ret_copy = copy;
	return 0;
}

int copy_renew(struct arena *arena, struct copy *copy, struct sbuf *why)
{
	int result;

	close(copy->root);
	copy->root = -1;
	result = remove_tree(copy->builds, copy->name);
	if (result)
		return complain(why, "Cannot remove", copy->directory, result);
	result = make(arena, copy, why);
	return result ? result : open_root(copy, why);
}

int copy_seal(struct copy *copy, struct sbuf *why)
{
	int result = seal(copy->root, copy->request->bin, true);

	if (result)
		return complain(why, "Cannot write below", copy->directory,
				result);
	copy->sealed = true;
	return 0;
}

void copy_release(struct copy *copy)
{
	if (!copy->open)
		return;
	if (copy->root >= 0)
		close(copy->root);
	close(copy->lock);
	close(copy->builds);
	copy->open = false;
}
