#ifndef COMPILER_PATH_H
#define COMPILER_PATH_H
/**
 * @file
 * Paths that the files of a site name. Each is relative to the file that says
 * it; here they become relative to the site file.
 */
#include "text.h"

struct arena;

/** @return directory of the site file, from its path: "" or ending in "/" */
struct text path_directory(struct arena *arena, const char *site_path);

/**
 * @param directory	of the site file; see path_directory()
 * @param at	in the site file, or in a file that it includes
 * @return directory of that file, beside the site file: "" or ending in "/"
 */
struct text path_base(struct text directory, struct span at);

/**
 * Find out what a path means.
 *
 * @param base	of the file that says it; see path_base()
 * @param ret_path	beside the site file; @p path itself where nothing had
 *	to be changed
 * @return NULL, or what is wrong, to follow the path: "is …"
 */
const char *path_beside(struct arena *arena, struct text base, struct text path,
			struct text *ret_path);

#endif
