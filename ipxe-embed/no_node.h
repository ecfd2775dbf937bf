#ifndef IPXE_EMBED_NO_NODE_H
#define IPXE_EMBED_NO_NODE_H
/**
 * @file
 * What a verb says when an operand names no node of the site.
 */
#include "cli.h"

struct site;

/**
 * Report that a site has no node of this name, and the nearest one that it has.
 *
 * @param otherwise a further way out, "; " in front, when no name is near; or ""
 * @return STATUS_USAGE
 */
enum status report_no_node(const struct call *call, const struct site *site,
			   const char *name, const char *otherwise);

#endif
