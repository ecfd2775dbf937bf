#ifndef PROGRAM_KEYFILE_H
#define PROGRAM_KEYFILE_H
/**
 * @file
 * Keys, certificates and passphrases as files and at the terminal.
 *
 * All of these report what is wrong themselves.
 */
#include "certificate.h"
#include "cli.h"
#include "key.h"

/** Add all certificates of a PEM file; at least one. */
enum status keyfile_certificates(const struct call *call, const char *path,
				 struct certificates *certificates);

/**
 * Read a private key.
 *
 * @param path	of a file; or a pkcs11: URI, whose passphrase is its PIN
 * @param passphrase_file	where its passphrase is; NULL: it is asked for
 *				at the terminal, if the key has one
 */
enum status keyfile_read(const struct call *call, const char *path,
			 const char *passphrase_file, struct key *ret_key);

/**
 * The same, keeping the passphrase for another key beside it.
 *
 * @param ret_passphrase	its ptr is NULL if the key had none
 */
enum status keyfile_read_keeping(const struct call *call, const char *path,
				 const char *passphrase_file,
				 struct key *ret_key,
				 struct secret *ret_passphrase);

/** The first line of a file, without its end. */
enum status keyfile_passphrase(const struct call *call, const char *path,
			       struct secret *ret_passphrase);

/** Ask at the terminal for a new passphrase, twice, without echo. */
enum status keyfile_new_passphrase(const struct call *call,
				   struct secret *ret_passphrase);

/**
 * What `--passphrase` and `--passphrase-file` ask for, of which one at most may
 * be given.
 *
 * @param ask	whether to ask at the terminal
 * @param path	file to take it from; NULL: none
 * @param ret_passphrase	its ptr stays NULL with neither
 */
enum status keyfile_chosen_passphrase(const struct call *call, bool ask,
				      const char *path,
				      struct secret *ret_passphrase);

/** A file to be made; the content is borrowed. */
struct new_file {
	const char *name; /**< in the directory */
	const void *bytes;
	size_t len;
	bool secret; /**< 0600; else 0644, whatever the umask */
};

/**
 * Make all of some files, or none; nothing is ever overwritten.
 *
 * @param directory	made (0700) if it does not exist
 */
enum status keyfile_write(const struct call *call, const char *directory,
			  const struct new_file *files, size_t count);

#endif
