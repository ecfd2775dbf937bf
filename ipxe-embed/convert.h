#ifndef PROGRAM_CONVERT_H
#define PROGRAM_CONVERT_H
/**
 * @file
 * Turn a file into another by a program: standard input to standard output,
 * never through a shell.
 */
#include "diag.h"
#include "text.h"

struct sbuf;

/**
 * The `convert` of struct compile_env.
 *
 * The program is ended after a minute. What it says on standard error is shown
 * if it fails, and not otherwise.
 */
bool convert_run(void *ctx, const struct text *argv, size_t argc,
		 struct text input, struct span at, struct diags *ds,
		 struct sbuf *ret_output);

#endif
