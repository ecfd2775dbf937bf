#ifndef IPXE_EMBED_HELP_H
#define IPXE_EMBED_HELP_H
/**
 * @file
 * Everything that the verb tables say, in the forms that people read it.
 */
#include "cli.h"

struct sbuf;

/** `--help` of the program: its verbs, one line each. */
void help_program(const struct program *program, struct sbuf *out);

/** `--help` of a verb. */
void help_verb(const struct program *program, const struct verb *verb,
	       struct sbuf *out);

/** The verbs of a family, "keys", one line each. */
void help_family(const struct program *program, const char *family,
		 struct sbuf *out);

/** ipxe-embed(1) as man(7) source; the same bytes on every machine. */
void help_man(const struct program *program, struct sbuf *out);

/** Completion for bash, to be sourced. */
void help_bash(const struct program *program, struct sbuf *out);

#endif
