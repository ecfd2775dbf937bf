#ifndef PROGRAM_CONFIGURATION_H
#define PROGRAM_CONFIGURATION_H
/**
 * @file
 * What is compiled into our iPXE and what is not: the headers of
 * ipxe-embed/ipxe/, which are part of this program, and one that is made from
 * what a site asks for.
 */
#include "plan.h"

struct sbuf;

/** A header for config/local/ of an iPXE tree. */
struct configuration {
	const char *name; /**< "general.h" */
	struct text bytes;
};

/** Those of every image; ends with name NULL. */
const struct configuration *configuration_headers(void);

/** The one of this site, "site.h". */
void configuration_site(const struct features *features, struct sbuf *out);

/** One more for sites with a san, "settings.h"; empty for others. */
struct text configuration_drives(const struct features *features);

/** All of it as bytes, to tell two configurations apart. */
void configuration_print(const struct features *features, struct sbuf *out);

#endif
