#ifndef PROGRAM_IMPORTING_H
#define PROGRAM_IMPORTING_H
/**
 * @file
 * What all imports share: reading what is there, writing a site or nothing,
 * and the report.
 */
#include "cli.h"
#include "import.h"

/** Options that every import has; the first member of its own. */
struct importing_options {
	const char *output;
	bool force, verbose;
};

/* clang-format off */
#define IMPORTING_ROWS(type)                                                   \
	{ .name = "output", .letter = 'o', .value = "PATH",                    \
	  .help = "The file to write, as site.yaml, or a directory for it. "   \
		  "What it needs lies beside it. Without this, nothing is "    \
		  "written, and the report is all there is.",                  \
	  OPTION_TEXT(type, common.output) },                                  \
	{ .name = "force",                                                     \
	  .help = "Overwrite files that are there.",                           \
	  OPTION_FLAG(type, common.force) },                                   \
	{ .name = "verbose", .letter = 'v',                                    \
	  .help = "List what is carried exactly, too, key by key.",            \
	  OPTION_FLAG(type, common.verbose) }
/* clang-format on */

/**
 * Read what an import wants of a directory.
 *
 * @param wants	asked for each file, and for a name in each directory
 */
enum status importing_gather(struct call *call, const char *directory,
			     bool (*wants)(struct text path),
			     struct import_files *ret_files);

/** A file below @p directory; NULL after it has been reported. */
const struct source *importing_read(struct call *call, const char *path,
				    enum status *ret_status);

/** The name of the file to be written: as --output has it, or the fallback. */
const char *importing_site_file(const struct importing_options *options,
				const char *fallback);

/** The last part of a path, as people would name what lies there. */
const char *importing_basename(struct call *call, const char *path);

/** Show diagnostics, write the outputs, all or none, and print the report. */
enum status importing_finish(struct call *call, struct import *im, bool good,
			     const struct importing_options *options);

#endif
