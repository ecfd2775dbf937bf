#ifndef IPXE_EMBED_REPORT_H
#define IPXE_EMBED_REPORT_H
/**
 * @file
 * What the program says on standard error, for people or as JSON
 * (--error-format=json: one document for each thing said).
 */
#include "cli.h"

struct diags;

/**
 * Show what is wrong with the input, sorted by place. Prints nothing when
 * there is nothing, but for JSON, where an empty list says so.
 *
 * @return STATUS_INPUT if there are errors, else STATUS_OK
 */
enum status report_diags(const struct call *call, struct diags *ds);

/**
 * The machine failed: "cannot write out/manifest.json: No space left".
 *
 * @return STATUS_MACHINE, to be returned in turn
 */
enum status report_failure(const struct call *call, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * An input is at fault that is no site file and has no place: a damaged
 * manifest, a signature that does not verify.
 *
 * @return STATUS_INPUT
 */
enum status report_error(const struct call *call, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** Worth knowing, but no reason to fail. */
void report_warning(const struct call *call, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * Wrong usage that no option table can tell: two options that exclude each
 * other. Points at --help.
 *
 * @return STATUS_USAGE
 */
enum status report_usage(const struct call *call, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
