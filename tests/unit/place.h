#ifndef TESTS_UNIT_PLACE_H
#define TESTS_UNIT_PLACE_H
/**
 * @file
 * Where tests put their files.
 */
#include <stdio.h>
#include <stdlib.h>

enum { PLACE_BYTES = 256 };

/**
 * A template for mkstemp() and mkdtemp(), below $TMPDIR or else /tmp.
 *
 * @return @p ret_path
 */
static inline char *place_template(char ret_path[PLACE_BYTES])
{
	const char *directory = getenv("TMPDIR");

	snprintf(ret_path, PLACE_BYTES, "%s/ipxe-embed-test-XXXXXX",
		 directory && *directory ? directory : "/tmp");
	return ret_path;
}

#endif
