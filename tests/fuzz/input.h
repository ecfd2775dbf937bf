#ifndef FUZZ_INPUT_H
#define FUZZ_INPUT_H
/**
 * @file
 * An input of several files: the first one, then others, each behind a line
 * "=== PATH".
 */
#include "text.h"
#include "vec.h"

struct input_file {
	struct text path, bytes;
	const void *made; /**< what the target makes of it */
};

struct input {
	VEC(struct input_file) files; /**< at least one */
};

static inline void input_split(struct arena *arena, struct input *in,
			       struct text first_path, struct text bytes)
{
	static const char mark[] = "\n=== ";
	struct text path = first_path;

	for (;;) {
		const char *end =
			memmem(bytes.ptr, bytes.len, mark, sizeof(mark) - 1);
		const char *rest = bytes.ptr + bytes.len, *feed;
		size_t len = end ? (size_t)(end - bytes.ptr) : bytes.len;

		*vec_push(arena, &in->files) = (struct input_file){
			.path = path,
			.bytes = { bytes.ptr, len },
		};
		if (!end)
			return;
		path.ptr = end + sizeof(mark) - 1;
		feed = memchr(path.ptr, '\n', (size_t)(rest - path.ptr));
		if (!feed)
			return;
		path.len = (size_t)(feed - path.ptr);
		bytes = (struct text){ feed + 1, (size_t)(rest - feed - 1) };
	}
}

/** @return the last one of that path; NULL if there is none */
static inline struct input_file *input_find(struct input *in, struct text path)
{
	struct input_file *found = NULL;

	vec_foreach (struct input_file, file, &in->files)
		if (text_equal(file->path, path))
			found = file;
	return found;
}

#endif
