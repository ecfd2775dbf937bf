#ifndef COMPILER_SITE_FILE_H
#define COMPILER_SITE_FILE_H
/**
 * @file
 * The site file and all files that it includes, as one document.
 */
#include "compile.h"

struct doc;

/**
 * Read a site.
 *
 * Maps of named things (profiles, nodes, …) may be said in several files, each
 * entry in one; every other key in one file only. What the order of the files
 * is never matters.
 *
 * @param path	of the site file
 * @return with the keys of all files, each with its own place; NULL after
 *	diagnostics
 */
const struct doc *site_file_load(struct arena *arena, const char *path,
				 const struct compile_env *env,
				 struct diags *ds);

#endif
