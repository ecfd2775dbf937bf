/**
 * @file
 * bake() for shell scripts.
 *
 *     bakery find [TREE]
 *     bakery bake DIRECTORY SCRIPT FEATURES TARGETS ROOT...
 *     bakery reference DIRECTORY SCRIPT FEATURES TARGETS ROOT...
 *
 * The reference is what iPXE's own make links from the same inputs; its targets
 * are of one bin directory.
 *
 * FEATURES and TARGETS are lists with commas; "-" is an empty one. Prints what
 * it found or made, a line each; the exit status is enum bake_status.
 */
#include "arena.h"
#include "bake.h"
#include "copy.h"
#include "files.h"
#include "progress.h"
#include "relink.h"
#include "roots.h"
#include "sbuf.h"
#include "tools.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define COUNT_MAX 512

static const char *const states[] = { "none", "found", "refused" };
static const char *const statuses[] = { "ok", "input", "too-large", "failed" };

static struct text read_or_exit(struct arena *arena, const char *path)
{
	struct sbuf bytes = { 0 };
	struct text text;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || files_slurp(fd, (size_t)1 << 30, &bytes)) {
		perror(path);
		exit(99);
	}
	close(fd);
	text.ptr = arena_copy(arena, sbuf_text(&bytes), bytes.len);
	text.len = bytes.len;
	sbuf_release(&bytes);
	return text;
}

static int find(struct arena *arena, const char *option)
{
	struct base base;

	base_find(arena, option, &base);
	printf("%s\n", states[base.state]);
	if (base.state == BASE_FOUND)
		printf("%s %s %s %02x%02x%02x%02x\n", base.path, base.version,
		       base.origin, base.digest.sha256[0],
		       base.digest.sha256[1], base.digest.sha256[2],
		       base.digest.sha256[3]);
	if (base.why)
		fputs(base.why, stdout);
	return base.state == BASE_FOUND ? 0 : 1;
}

static void print_digest(const struct digest *digest)
{
	for (size_t i = 0; i < 32; i++)
		printf("%02x", digest->sha256[i]);
}

static void print_result(const struct bake_result *result)
{
	printf("%s\n", statuses[result->status]);
	for (size_t i = 0; i < result->image_count; i++) {
		const struct bake_image *image = &result->images[i];

		printf("%s %llu ", image->target->name,
		       (unsigned long long)image->digest.size_bytes);
		print_digest(&image->digest);
		printf("%s%s\n", image->made ? " made" : " cached",
		       image->large ? " large" : "");
	}
	fputs(result->why, stdout);
}

/* What the command line asks for. */
struct wish {
	struct base base;
	struct bake_request request;
	struct progress progress;
	const struct bake_target *targets[COUNT_MAX];
	struct text roots[COUNT_MAX];
};

static bool read_wish(struct arena *arena, char **words, int root_count,
		      struct wish *wish)
{
	struct bake_request *request = &wish->request;

	base_find(arena, NULL, &wish->base);
	if (wish->base.state != BASE_FOUND)
		return false;
	request->base = &wish->base;
	request->roots = wish->roots;
	request->targets = wish->targets;
	request->directory = words[0];
	request->progress = progress_show;
	request->ctx = &wish->progress;
	request->script = read_or_exit(arena, words[1]);
	request->features.http = strstr(words[2], "http") != NULL;
	request->features.shell = strstr(words[2], "shell") != NULL;
	request->features.san = strstr(words[2], "san") != NULL;
	for (char *name = strtok(words[3], ","); name; name = strtok(NULL, ","))
		wish->targets[request->target_count++] = bake_target(name);
	for (; root_count; root_count--, request->root_count++)
		wish->roots[request->root_count] =
			read_or_exit(arena, words[4 + request->root_count]);
	return true;
}

static int bake_it(struct arena *arena, char **words, int root_count)
{
	struct wish wish = { .base.path = NULL };
	struct bake_result result;

	if (!read_wish(arena, words, root_count, &wish))
		return find(arena, NULL);
	bake(arena, &wish.request, &result);
	progress_end(&wish.progress);
	print_result(&result);
	return (int)result.status;
}

static int take_images(const struct wish *wish, const struct copy *copy)
{
	const struct bake_request *request = &wish->request;
	int to = open(request->directory, O_RDONLY | O_DIRECTORY), result = 0;

	for (size_t i = 0; i < request->target_count && !result; i++) {
		const struct bake_target *target = request->targets[i];
		struct sbuf path = { 0 }, bytes = { 0 };

		sbuf_printf(&path, "src/%s/%s", target->bin,
			    bake_target_file(target));
		result = files_read(copy->root, path.ptr, (size_t)1 << 30,
				    &bytes);
		files_remove(to, target->name);
		if (!result)
			result = files_write(to, target->name, bytes.ptr,
					     bytes.len);
		sbuf_release(&path);
		sbuf_release(&bytes);
	}
	close(to);
	return result;
}

/* What is expensive to make again is shared with bake(). */
static int reference(struct arena *arena, char **words, int root_count)
{
	struct wish wish = { .base.path = NULL };
	struct root_certificates roots;
	struct sbuf identity = { 0 }, why = { 0 };
	struct copy copy = { 0 };
	struct copy_request wanted = { .base = &wish.base,
				       .features = &wish.request.features,
				       .cache = base_cache(arena) };
	struct relink_request relinking = { .roots = &roots,
					    .targets = wish.targets };
	int result;

	if (!read_wish(arena, words, root_count, &wish))
		return find(arena, NULL);
	tools_identity(wish.targets[0]->needs, &identity);
	roots_split(arena, wish.roots, wish.request.root_count, &roots);
	wanted.bin = wish.targets[0]->bin;
	wanted.identity.ptr = sbuf_text(&identity);
	wanted.identity.len = identity.len;
	relinking.script = wish.request.script;
	relinking.target_count = wish.request.target_count;
	relinking.version = wish.base.version;
	result = copy_open(arena, &wanted, &copy, &why);
	if (!result)
		result = relink(arena, &copy, &relinking, &why);
	if (!result)
		result = take_images(&wish, &copy);
	copy_release(&copy);
	fputs(sbuf_text(&why), stdout);
	sbuf_release(&identity);
	sbuf_release(&why);
	return result ? BAKE_FAILED : BAKE_OK;
}

int main(int argc, char **argv)
{
	struct arena arena = { 0 };
	int status = 99;

	if (argc >= 2 && strcmp(argv[1], "find") == 0)
		status = find(&arena, argv[2]);
	else if (argc >= 6 && strcmp(argv[1], "bake") == 0)
		status = bake_it(&arena, argv + 2, argc - 6);
	else if (argc >= 6 && strcmp(argv[1], "reference") == 0)
		status = reference(&arena, argv + 2, argc - 6);
	arena_release(&arena);
	return status;
}
