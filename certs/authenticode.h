#ifndef CERTS_AUTHENTICODE_H
#define CERTS_AUTHENTICODE_H
/**
 * @file
 * Signatures inside EFI programs, which firmware verifies under Secure Boot.
 *
 * Made here and not by sbsign: no time of signing, so the same program and key
 * give the same bytes; keys with a passphrase; and the file is read piece by
 * piece, however large.
 *
 * @see Microsoft, Windows Authenticode Portable Executable Signature Format;
 *	UEFI 2.10, 32.5.3.3
 */
#include "issue.h"

struct sbuf;

/**
 * Sign an EFI program, in place of any signatures that it has. The signature
 * is read back from the file and verified before this returns.
 *
 * @param fd	regular file, for reading and writing, that nobody else has yet:
 *		on failure it is worth nothing
 * @param by	RSA
 * @param why	gets what is wrong, to follow the name of the file and " "
 * @return 0; -EBADMSG if it is no EFI program or is formed strangely; -EKEYREJECTED
 *	   if the key is of no use for it; other -errno when the machine fails
 */
int authenticode_sign(int fd, const struct issuer *by, struct sbuf *why);

/**
 * Verify as firmware does that has only this certificate in its db.
 *
 * @param fd	regular file, for reading
 * @param why	gets what is wrong, to follow the name of the file and " "
 * @return 0; -EBADMSG; other -errno when it cannot be read
 */
int authenticode_verify(int fd, const struct certificate *certificate,
			struct sbuf *why);

#endif
