#include "keyfile.h"

#include "arena.h"
#include "asset.h"
#include "cleanup.h"
#include "pkcs11.h"
#include "report.h"
#include "sbuf.h"
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

/* Keys and certificates have a few kilobytes; a bundle of all public
 * authorities has 200. */
enum { PEM_MOST = 1 << 20 };

/* -------------------------------------------------------------- reading -- */

static ssize_t read_some(int fd, void *into, size_t room)
{
	size_t have = 0;

	while (have < room) {
		ssize_t got = read(fd, (char *)into + have, room - have);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		have += (size_t)got;
	}
	return (ssize_t)have;
}

/** Into memory that is wiped: the file may be a key, or have one inside. */
static int slurp(const char *path, size_t most, struct secret *ret_bytes)
{
	int fd = asset_open(path);
	ssize_t got;

	if (fd < 0)
		return fd;
	secret_make(ret_bytes, most + 1);
	got = read_some(fd, ret_bytes->ptr, ret_bytes->len);
	close(fd);
	if (got < 0)
		return (int)got;
	secret_cut(ret_bytes, (size_t)got);
	return (size_t)got > most ? -EFBIG : 0;
}

static enum status read_file(const struct call *call, const char *path,
			     struct secret *ret_bytes)
{
	int error = slurp(path, PEM_MOST, ret_bytes);

	if (error == -EFBIG)
		return report_error(call,
				    "%s: is too large for a key or "
				    "certificate",
				    path);
	if (error == -EMEDIUMTYPE)
		return report_error(call, "%s: is no regular file", path);
	if (error)
		return report_error(call, "%s: cannot be read: %s", path,
				    strerror(-error));
	return STATUS_OK;
}

enum status keyfile_certificates(const struct call *call, const char *path,
				 struct certificates *certificates)
{
	CLEANUP(secret) bytes = { 0 };
	CLEANUP(sbuf) why = { 0 };
	enum status status = read_file(call, path, &bytes);

	if (status == STATUS_OK &&
	    certificates_parse(certificates, bytes.ptr, bytes.len, &why) != 0)
		return report_error(call, "%s: %s", path, sbuf_text(&why));
	return status;
}

/* ---------------------------------------------------------- passphrases -- */

enum status keyfile_passphrase(const struct call *call, const char *path,
			       struct secret *ret_passphrase)
{
	enum status status = read_file(call, path, ret_passphrase);
	size_t len;

	if (status != STATUS_OK)
		return status;
	len = strcspn(ret_passphrase->ptr, "\r\n");
	if (len == 0)
		return report_error(call, "%s: its first line is empty", path);
	if (len > PASSPHRASE_MOST)
		return report_error(call,
				    "%s: its first line is longer than "
				    "%d bytes",
				    path, PASSPHRASE_MOST);
	secret_cut(ret_passphrase, len);
	return STATUS_OK;
}

static enum status ask(const struct call *call, const char *prompt,
		       struct secret *ret_passphrase)
{
	int error = terminal_ask(prompt, ret_passphrase);

	if (error == -ENXIO)
		return report_error(call, "there is no terminal to ask for the "
					  "passphrase at; give it in a file "
					  "with --passphrase-file");
	if (error == -E2BIG)
		return report_error(call,
				    "the passphrase is longer than %d "
				    "bytes",
				    PASSPHRASE_MOST);
	if (error)
		return report_failure(call, "cannot ask for the passphrase: %s",
				      strerror(-error));
	return STATUS_OK;
}

static bool secret_equal(const struct secret *a, const struct secret *b)
{
	return a->len == b->len && memcmp(a->ptr, b->ptr, a->len) == 0;
}

enum status keyfile_new_passphrase(const struct call *call,
				   struct secret *ret_passphrase)
{
	CLEANUP(secret) again = { 0 };
	enum status status = ask(call, "New passphrase: ", ret_passphrase);

	if (status == STATUS_OK && ret_passphrase->len == 0)
		return report_error(call, "the passphrase is empty");
	if (status == STATUS_OK)
		status = ask(call, "The same again: ", &again);
	if (status == STATUS_OK && !secret_equal(ret_passphrase, &again))
		return report_error(call, "the two passphrases differ");
	return status;
}

static enum status get_passphrase(const struct call *call, const char *key_path,
				  const char *file,
				  struct secret *ret_passphrase)
{
	if (file)
		return keyfile_passphrase(call, file, ret_passphrase);
	return ask(call,
		   arena_printf(call->arena, "%s of %s: ",
				pkcs11_is_uri(key_path) ? "PIN" : "Passphrase",
				key_path),
		   ret_passphrase);
}

/* In messages; what follows may be a PIN. */
static const char *uri_without_query(const struct call *call, const char *uri)
{
	return arena_copy(call->arena, uri, strcspn(uri, "?"));
}

/* @param pem	unless the key is in a token */
static int read_key(const char *path, const struct secret *pem,
		    const struct secret *passphrase, struct key *ret_key,
		    struct sbuf *why)
{
	if (pkcs11_is_uri(path))
		return pkcs11_key(path, passphrase, ret_key, why);
	return key_parse(pem->ptr, pem->len, passphrase, ret_key, why);
}

enum status keyfile_read_keeping(const struct call *call, const char *path,
				 const char *passphrase_file,
				 struct key *ret_key,
				 struct secret *ret_passphrase)
{
	CLEANUP(secret) pem = { 0 };
	CLEANUP(sbuf) why = { 0 };
	bool in_token = pkcs11_is_uri(path);
	const char *shown = in_token ? uri_without_query(call, path) : path;
	enum status status = in_token ? STATUS_OK : read_file(call, path, &pem);
	int error;

	secret_release(ret_passphrase);
	if (status != STATUS_OK)
		return status;
	error = read_key(path, &pem, NULL, ret_key, &why);
	if (error == -ENOKEY) {
		status = get_passphrase(call, shown, passphrase_file,
					ret_passphrase);
		if (status != STATUS_OK)
			return status;
		sbuf_reset(&why);
		error = read_key(path, &pem, ret_passphrase, ret_key, &why);
	}
	if (error)
		return report_error(call, "%s: %s", shown, sbuf_text(&why));
	return STATUS_OK;
}

enum status keyfile_read(const struct call *call, const char *path,
			 const char *passphrase_file, struct key *ret_key)
{
	CLEANUP(secret) passphrase = { 0 };

	return keyfile_read_keeping(call, path, passphrase_file, ret_key,
				    &passphrase);
}

enum status keyfile_chosen_passphrase(const struct call *call, bool ask,
				      const char *path,
				      struct secret *ret_passphrase)
{
	if (ask && path)
		return report_usage(call, "--passphrase and --passphrase-file "
					  "exclude each other");
	if (path)
		return keyfile_passphrase(call, path, ret_passphrase);
	return ask ? keyfile_new_passphrase(call, ret_passphrase) : STATUS_OK;
}

/* -------------------------------------------------------------- writing -- */

/** Files in the making. */
struct making {
	const struct call *call;
	const char *directory;
	int fd;
	const struct new_file *files;
	size_t count;
	size_t staged, placed; /**< so many of them, from the first */
	const char *mark;      /**< of this run, in names of files not done */
};

static const char *staged_name(const struct making *making, size_t i)
{
	return arena_printf(making->call->arena, ".%s.%s",
			    making->files[i].name, making->mark);
}

static enum status fail(const struct making *making, const char *name,
			int error)
{
	if (error == EEXIST)
		return report_error(making->call,
				    "%s/%s: is there already, and nothing is "
				    "ever overwritten; nothing was written",
				    making->directory, name);
	return report_failure(making->call, "cannot write %s/%s: %s",
			      making->directory, name, strerror(error));
}

static int write_all(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t put = write(fd, bytes, len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -errno;
		bytes += put;
		len -= (size_t)put;
	}
	return 0;
}

/** @return 0 or -errno */
static int stage(struct making *making, size_t i)
{
	const struct new_file *file = &making->files[i];
	int fd = openat(making->fd, staged_name(making, i),
			O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			0600);
	int error = 0;

	if (fd < 0)
		return -errno;
	making->staged = i + 1;
	if (fchmod(fd, file->secret ? 0600 : 0644) != 0)
		error = -errno;
	if (!error)
		error = write_all(fd, file->bytes, file->len);
	if (!error && fsync(fd) != 0)
		error = -errno;
	if (close(fd) != 0 && !error)
		error = -errno;
	return error;
}

/* Not all file systems know RENAME_NOREPLACE (NFS), and not all have second
 * names for a file (FAT, as on the stick that keeps a root). */
static int place(struct making *making, size_t i)
{
	const char *from = staged_name(making, i);
	const char *to = making->files[i].name;

	if (renameat2(making->fd, from, making->fd, to, RENAME_NOREPLACE) !=
		    0 &&
	    (errno != EINVAL || linkat(making->fd, from, making->fd, to, 0)))
		return -errno;
	making->placed = i + 1;
	return 0;
}

static enum status make_all(struct making *making)
{
	struct stat st;
	int error;

	for (size_t i = 0; i < making->count; i++)
		if (fstatat(making->fd, making->files[i].name, &st,
			    AT_SYMLINK_NOFOLLOW) == 0)
			return fail(making, making->files[i].name, EEXIST);
	for (size_t i = 0; i < making->count; i++)
		if ((error = stage(making, i)))
			return fail(making, making->files[i].name, -error);
	for (size_t i = 0; i < making->count; i++)
		if ((error = place(making, i)))
			return fail(making, making->files[i].name, -error);
	if (fsync(making->fd) != 0)
		return fail(making, "", errno);
	return STATUS_OK;
}

static void tidy_up(const struct making *making, bool failed)
{
	for (size_t i = 0; i < making->staged; i++)
		unlinkat(making->fd, staged_name(making, i), 0);
	for (size_t i = 0; failed && i < making->placed; i++)
		unlinkat(making->fd, making->files[i].name, 0);
}

static const char *random_mark(const struct call *call)
{
	unsigned long long number = 0;

	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		number = (unsigned long long)getpid();
	return arena_printf(call->arena, "%016llx", number);
}

static enum status write_into(const struct call *call, const char *directory,
			      const struct new_file *files, size_t count)
{
	struct making making = { .call = call,
				 .directory = directory,
				 .files = files,
				 .count = count,
				 .mark = random_mark(call) };
	enum status status;

	making.fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (making.fd < 0)
		return report_failure(call, "%s: cannot be opened: %s",
				      directory, strerror(errno));
	status = make_all(&making);
	tidy_up(&making, status != STATUS_OK);
	close(making.fd);
	return status;
}

enum status keyfile_write(const struct call *call, const char *directory,
			  const struct new_file *files, size_t count)
{
	bool made = mkdir(directory, 0700) == 0;
	sigset_t all, before;
	enum status status;

	if (!made && errno != EEXIST)
		return report_failure(call, "cannot make %s: %s", directory,
				      strerror(errno));
	/* Ctrl-C half way would leave some of the files. */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	status = write_into(call, directory, files, count);
	if (made && status != STATUS_OK)
		rmdir(directory);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return status;
}
