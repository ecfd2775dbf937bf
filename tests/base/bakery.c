/**
 * @file
 * bake() for shell scripts.
 *
 *     bakery find [TREE]
 *     bakery bake DIRECTORY SCRIPT FEATURES TARGETS ROOT...
 *
 * FEATURES and TARGETS are lists with commas; "-" is an empty one. Prints what
 * it found or made, a line each; the exit status is enum bake_status.
 */
#include "arena.h"
#include "bake.h"
#include "files.h"
#include "progress.h"
#include "sbuf.h"

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

static int bake_it(struct arena *arena, char **words, int root_count)
{
	const struct bake_target *targets[COUNT_MAX];
	struct text roots[COUNT_MAX];
	struct progress progress = { 0 };
	struct base base;
	struct bake_request request = { .base = &base,
					.roots = roots,
					.targets = targets,
					.directory = words[0],
					.progress = progress_show,
					.ctx = &progress };
	struct bake_result result;

	base_find(arena, NULL, &base);
	if (base.state != BASE_FOUND)
		return find(arena, NULL);
	request.script = read_or_exit(arena, words[1]);
	request.features.http = strstr(words[2], "http") != NULL;
	request.features.shell = strstr(words[2], "shell") != NULL;
	for (char *name = strtok(words[3], ","); name; name = strtok(NULL, ","))
		targets[request.target_count++] = bake_target(name);
	for (; root_count; root_count--, request.root_count++)
		roots[request.root_count] =
			read_or_exit(arena, words[4 + request.root_count]);
	bake(arena, &request, &result);
	progress_end(&progress);
	print_result(&result);
	return (int)result.status;
}

int main(int argc, char **argv)
{
	struct arena arena = { 0 };
	int status = 99;

	if (argc >= 2 && strcmp(argv[1], "find") == 0)
		status = find(&arena, argv[2]);
	else if (argc >= 6 && strcmp(argv[1], "bake") == 0)
		status = bake_it(&arena, argv + 2, argc - 6);
	arena_release(&arena);
	return status;
}
