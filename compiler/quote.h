#ifndef COMPILER_QUOTE_H
#define COMPILER_QUOTE_H
/**
 * @file
 * One writer per target language. Each quotes, or where the language has no
 * way to quote (iPXE), tells what it cannot carry. No emitter prints a raw
 * value by any other way.
 */
#include "sbuf.h"
#include "text.h"

/** JSON string with its quotes. Bytes that are no UTF-8 become U+FFFD. */
void quote_json(struct sbuf *out, struct text text);

/**
 * Text for a manual page: no requests, no font changes and no typographic
 * dashes by accident.
 *
 * It is taken to begin a line.
 *
 * @see groff_char(7), man(7)
 */
void quote_roff(struct sbuf *out, struct text text);

/**
 * Why a value cannot stand as one token of an iPXE script line.
 *
 * iPXE splits lines at white space, has no quotes and no escapes, expands
 * `${…}` again and again, takes `&&`, `||` and `;` as operators where they are
 * whole tokens, and a token that begins with `#` as a comment.
 *
 * @return NULL if it can; else what is wrong, to follow "it "
 * @see core/exec.c and core/settings.c of iPXE 2.0.0
 */
const char *quote_ipxe_refusal(struct text token);

/** One token. @p token has been found good by quote_ipxe_refusal() */
void quote_ipxe(struct sbuf *out, struct text token);

/** Text for a `#` comment or an `echo`: what is not printable becomes `?`. */
void quote_ipxe_prose(struct sbuf *out, struct text text);

/**
 * As the iPXE setting type `:uristring` prints it.
 *
 * @see uri_encode() in core/uri.c of iPXE 2.0.0, with field 0
 */
void quote_uristring(struct sbuf *out, struct text text);

#endif
