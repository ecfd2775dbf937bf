#include "asset.h"

#include "arena.h"
#include "cleanup.h"
#include "convert.h"
#include "download.h"
#include "files.h"
#include "ir.h"
#include "pe.h"
#include "private_key.h"
#include "sbuf.h"
#include "sha256.h"
#include "statcache.h"
#include "uki.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int asset_open(const char *path)
{
	/* O_NONBLOCK: a pipe must not hang us. */
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;
	int result;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) != 0)
		result = -errno;
	else if (S_ISREG(st.st_mode))
		return fd;
	else
		result = S_ISDIR(st.st_mode) ? -EISDIR : -EMEDIUMTYPE;
	close(fd);
	return result;
}

static int env_read(void *ctx, const char *path, size_t max_bytes,
		    struct sbuf *ret_bytes)
{
	int fd = asset_open(path), result;

	(void)ctx;
	if (fd < 0)
		return fd;
	result = files_slurp(fd, max_bytes, ret_bytes);
	close(fd);
	return result;
}

/* A directory is no pattern, whatever its name is. */
static void escape_pattern(const char *directory, struct sbuf *out)
{
	for (; *directory; directory++) {
		if (strchr("*?[\\", *directory))
			sbuf_putc(out, '\\');
		sbuf_putc(out, *directory);
	}
}

static int env_glob(void *ctx, const char *directory, const char *pattern,
		    void (*found)(void *found_ctx, const char *path),
		    void *found_ctx)
{
	CLEANUP(sbuf) whole = { 0 };
	size_t skip = strlen(directory);
	glob_t names;
	int error, why;

	(void)ctx;
	escape_pattern(directory, &whole);
	sbuf_puts(&whole, pattern);
	error = glob(sbuf_text(&whole), GLOB_ERR | GLOB_NOSORT, NULL, &names);
	why = errno;
	for (size_t i = 0; !error && i < names.gl_pathc; i++)
		found(found_ctx, names.gl_pathv[i] + skip);
	globfree(&names);
	if (error == GLOB_NOSPACE)
		return -ENOMEM;
	/* Where there is no directory, no file is named so. */
	return error == GLOB_ABORTED && why != ENOENT ? -why : 0;
}

static int env_digest(void *ctx, const char *path, struct digest *ret_digest)
{
	const struct assets *assets = ctx;
	int fd = asset_open(path), result = 0;
	char *real;

	if (fd < 0)
		return fd;
	if (assets->cache) {
		real = realpath(path, NULL);
		result = statcache_digest(assets->cache, real ? real : path, fd,
					  ret_digest);
		free(real);
	} else {
		*ret_digest = (struct digest){ 0 };
	}
	close(fd);
	return result;
}

static void env_check_trust(void *ctx, const char *path, struct span at,
			    struct diags *ds)
{
	struct assets *assets = ctx;
	CLEANUP(sbuf) bytes = { 0 };
	int error = env_read(ctx, path, TRUST_MAX_BYTES, &bytes);
	struct text content = { sbuf_text(&bytes), bytes.len };

	trust_check(&assets->trust, path, error, content, time(NULL), at, ds);
}

/* The header of an EFI program is within them. */
enum { HEAD_BYTES = 4096 };

static unsigned env_archs(void *ctx, const char *path)
{
	CLEANUP(sbuf) why = { 0 };
	unsigned char head[HEAD_BYTES];
	int fd = asset_open(path);
	ssize_t len = fd < 0 ? -1 : pread(fd, head, sizeof(head), 0);
	uint16_t machine;

	(void)ctx;
	if (fd >= 0)
		close(fd);
	if (len < 0 || pe_machine(head, (size_t)len, &machine, NULL, &why) != 0)
		return 0;
	return machine == PE_X86_64  ? ARCH_X86_64
	       : machine == PE_ARM64 ? ARCH_ARM64
				     : 0;
}

/* A file that cannot be read is reported by who reads it. */
static bool env_is_private_key(void *ctx, const char *path, const void *bytes,
			       size_t len)
{
	int fd, result;

	(void)ctx;
	if (!path)
		return is_private_key(bytes, len);
	fd = asset_open(path);
	if (fd < 0)
		return false;
	result = is_private_key_file(fd);
	close(fd);
	return result == 1;
}

/* What is no fault of the site waits in the assets for who has asked. */
static bool env_make_uki(void *ctx, const struct uki_request *request,
			 struct span at, struct diags *ds,
			 struct text *ret_path, struct digest *ret_digest)
{
	struct assets *assets = ctx;
	CLEANUP(sbuf) why = { 0 };
	enum uki_result result;

	assets->wants_ukis = true;
	*ret_path = TEXT("");
	*ret_digest = (struct digest){ 0 };
	/* A kernel that has not been fetched tells nothing. */
	if (assets->failure || !request->kernel.len)
		return true;
	result = assets->ukis ? uki_make(assets->ukis, request, &why, ret_path,
					 ret_digest)
			      : uki_check(request, &why);
	if (result == UKI_BAD_KERNEL)
		diag_at(ds, DIAG_E604, at, "%s", sbuf_text(&why));
	else if (result == UKI_FAILED && assets->ukis)
		assets->failure =
			arena_printf(assets->arena, "%s", sbuf_text(&why));
	return result != UKI_BAD_KERNEL;
}

static void refuse_download(struct diags *ds, enum download_result result,
			    struct span at, const char *why, struct text path)
{
	bool wrong = result == DOWNLOAD_WRONG;
	struct diag *d =
		diag_at(ds, wrong ? DIAG_E610 : DIAG_E609, at, "%s", why);

	if (!wrong && path.ptr)
		diag_help(ds, d,
			  "without a network, put the file there by hand: %s",
			  path.ptr);
}

/* Its digest is known, so that only who publishes it needs its bytes. */
static bool env_download(void *ctx, struct text url, struct digest *digest,
			 struct span at, struct diags *ds,
			 struct text *ret_path)
{
	const struct assets *assets = ctx;
	const struct download_request request = { .arena = ds->arena,
						  .cache = assets->cache,
						  .progress = assets->progress,
						  .url = url };
	CLEANUP(sbuf) why = { 0 };
	struct text path = { NULL, 0 };
	enum download_result result;

	if (!assets->downloads) {
		download_find(ds->arena, digest);
		return true;
	}
	result = download(&request, digest, &why, &path);
	if (result == DOWNLOAD_OK)
		*ret_path = path;
	else
		refuse_download(ds, result, at, sbuf_text(&why), path);
	return result == DOWNLOAD_OK;
}

struct compile_env asset_env(struct assets *assets)
{
	return (struct compile_env){
		.ctx = assets,
		.read = env_read,
		.glob = env_glob,
		.digest = env_digest,
		.archs = env_archs,
		.download = env_download,
		.digest_bytes = sha256_of,
		.check_trust = env_check_trust,
		.is_private_key = env_is_private_key,
		.convert = convert_run,
		.make_uki = env_make_uki,
	};
}
