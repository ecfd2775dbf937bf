#ifndef COMPILER_TEMPLATE_FILE_H
#define COMPILER_TEMPLATE_FILE_H
/**
 * @file
 * The template files of a site, each read and parsed once, however many nodes
 * use it.
 */
#include "compile.h"
#include "ir.h"

/** @param directory	that of the site file; borrowed, as is all else */
struct template_files *template_files_new(struct arena *arena,
					  struct text directory,
					  const struct compile_env *env,
					  struct diags *ds);

/**
 * @param path	beside the site file; found good by value_path(); borrowed
 * @param at	where it is named, for a diagnostic
 * @return tmpl is NULL if it cannot be used; that is reported once
 */
const struct templated *template_file_get(struct template_files *files,
					  struct text path, struct span at);

#endif
