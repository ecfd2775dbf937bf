#ifndef CERTS_PRIVATE_KEY_H
#define CERTS_PRIVATE_KEY_H
/**
 * @file
 * Tell private keys from everything else, so that none gets published.
 *
 * Found: in text of up to 4 MiB, at any place of it, also where line ends are
 * written as \n: every PEM kind (PKCS #1, PKCS #8, encrypted, EC, DSA, OpenSSH),
 * SSH2, PuTTY, PGP and age; and files that are as a whole DER of PKCS #1,
 * PKCS #8, encrypted PKCS #8, SEC 1, DSA or PKCS #12.
 *
 * Not found: keys inside binary files. A kernel or an initrd contains the words
 * that keys begin with, in its programs, and must pass.
 *
 * @see RFC 7468, RFC 8017 A.1.2, RFC 5958, RFC 5915, RFC 7292
 */
#include <stdbool.h>
#include <stddef.h>

/** Whether these bytes are, or have in them, a private key. */
bool is_private_key(const void *bytes, size_t len);

/**
 * The same of an open file, from its begin; the place in it is kept.
 *
 * Of large files only the first part is read, however large they are.
 *
 * @param fd	of a regular file, readable
 * @return 1 or 0, or -errno
 */
int is_private_key_file(int fd);

#endif
