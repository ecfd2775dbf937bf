/* Give files to a fuzz target, without libFuzzer. */
#include "fuzz.h"

#include "sbuf.h"

#include <stdio.h>

static int run_file(const char *path)
{
	struct sbuf bytes = { 0 };
	char block[4096];
	size_t len;
	FILE *file = fopen(path, "rb");

	if (!file) {
		perror(path);
		return 1;
	}
	while ((len = fread(block, 1, sizeof(block), file)) > 0)
		sbuf_add(&bytes, block, len);
	if (ferror(file)) {
		perror(path);
		fclose(file);
		sbuf_release(&bytes);
		return 1;
	}
	fclose(file);
	fprintf(stderr, "%s\n", path); /* the last one named is the culprit */
	LLVMFuzzerTestOneInput((const uint8_t *)sbuf_text(&bytes), bytes.len);
	sbuf_release(&bytes);
	return 0;
}

int main(int argc, char **argv)
{
	int failed = 0;

	for (int i = 1; i < argc; i++)
		failed |= run_file(argv[i]);
	return failed;
}
