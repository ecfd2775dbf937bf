#ifndef IPXE_EMBED_SITE_ROOTS_H
#define IPXE_EMBED_SITE_ROOTS_H
/**
 * @file
 * The roots of trust of a site, read from the files that it names.
 */
#include "cli.h"
#include "text.h"

struct plan;

/**
 * Read them as images carry them: sorted, each once, without the prose.
 *
 * @param ret_pem	one after the other
 * @return STATUS_OK, or a status after saying why
 */
enum status site_roots(const struct call *call, const struct plan *plan,
		       struct text *ret_pem, size_t *ret_count);

#endif
