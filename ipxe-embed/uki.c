#include "uki.h"

#include "arena.h"
#include "asset.h"
#include "authenticode.h"
#include "base.h"
#include "cleanup.h"
#include "copy.h"
#include "files.h"
#include "manifest.h"
#include "newc.h"
#include "pe.h"
#include "sbuf.h"
#include "sha256.h"
#include "statcache.h"
#include "store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define STUB_DIRECTORY "/usr/lib/systemd/boot/efi"

/* Part of every digest of inputs: count up when the layout changes. */
#define LAYOUT "ipxe-embed UKI 1\n"

enum {
	STUB_BYTES_MAX = 16 * 1024 * 1024,
	CHUNK_BYTES = 256 * 1024,
	PAGE_BYTES = 4096, /* firmware loads sections by pages */
	DAY_S = 24 * 60 * 60,
	CUT_OFF_S = DAY_S,
	UNUSED_S = 90 * DAY_S,
	/* IMAGE_SCN_CNT_INITIALIZED_DATA and IMAGE_SCN_MEM_READ. */
	SECTION_FLAGS = 0x40000040,
};

static const struct {
	unsigned machine;
	const char *name;
} stubs[] = {
	{ PE_X86_64, "linuxx64.efi.stub" },
	{ PE_ARM64, "linuxaa64.efi.stub" },
};

/** One UKI in the making. */
struct making {
	const struct uki_maker *maker;
	const struct uki_request *request;
	const char *directory; /**< of finished ones */
	int fd;                /**< of the directory */
	const char *stub_path;
	struct sbuf stub;
	struct pe stub_pe;
	struct digest kernel_digest, *initrd_digests, *file_digests;
	const char *inputs; /**< in hexadecimal */
	struct sbuf *why;
};

static void making_release(struct making *making)
{
	sbuf_release(&making->stub);
	if (making->fd >= 0)
		close(making->fd);
}

static enum uki_result fail(const struct making *making, const char *path,
			    int error)
{
	if (error == -EBUSY)
		sbuf_printf(making->why, "%s: changed while it was read", path);
	else
		sbuf_printf(making->why, "%s: %s", path, strerror(-error));
	return UKI_FAILED;
}

static const char *hex_of(struct arena *arena, const struct digest *digest)
{
	CLEANUP(sbuf) hex = { 0 };

	for (size_t i = 0; i < sizeof(digest->sha256); i++)
		sbuf_printf(&hex, "%02x", digest->sha256[i]);
	return arena_copy(arena, sbuf_text(&hex), hex.len);
}

/* --------------------------------------------------------------- inputs -- */

/** @param ret_stub	file name of the stub for such a kernel */
static enum uki_result find_stub(const struct uki_request *request,
				 struct sbuf *why, const char **ret_stub)
{
	const char *path = request->kernel.ptr;
	CLEANUP(sbuf) reason = { 0 };
	unsigned char head[4096];
	int fd = asset_open(path);
	ssize_t len = fd < 0 ? fd : pread(fd, head, sizeof(head), 0);
	int error = fd < 0 ? fd : len < 0 ? -errno : 0;
	uint16_t machine;

	if (fd >= 0)
		close(fd);
	if (error) {
		sbuf_printf(why, "%s: %s", path, strerror(-error));
		return UKI_FAILED;
	}
	if (pe_machine(head, (size_t)len, &machine, NULL, &reason) != 0) {
		sbuf_printf(why, "%s %s", path, sbuf_text(&reason));
		return UKI_BAD_KERNEL;
	}
	for (size_t i = 0; i < sizeof(stubs) / sizeof(*stubs); i++) {
		*ret_stub = stubs[i].name;
		if (machine == stubs[i].machine)
			return UKI_OK;
	}
	sbuf_printf(why, "%s is neither for x86-64 nor for arm64", path);
	return UKI_BAD_KERNEL;
}

enum uki_result uki_check(const struct uki_request *request, struct sbuf *why)
{
	const char *stub;

	return find_stub(request, why, &stub);
}

static enum uki_result fail_stub(const struct making *making, int error)
{
	if (error == -ENOENT)
		sbuf_printf(making->why,
			    "%s is missing, which a UKI begins with: install "
			    "the package " UKI_STUB_PACKAGE " for the "
			    "processor that the kernel is for",
			    making->stub_path);
	else
		sbuf_printf(making->why, "%s: %s", making->stub_path,
			    strerror(-error));
	return UKI_FAILED;
}

static enum uki_result read_stub(struct making *making, const char *name)
{
	CLEANUP(sbuf) reason = { 0 };
	int fd, error;

	making->stub_path =
		arena_printf(making->maker->arena, STUB_DIRECTORY "/%s", name);
	fd = asset_open(making->stub_path);
	error = fd < 0 ? fd : files_slurp(fd, STUB_BYTES_MAX, &making->stub);
	if (fd >= 0)
		close(fd);
	if (error)
		return fail_stub(making, error);
	if (pe_parse((const unsigned char *)sbuf_text(&making->stub),
		     making->stub.len < PE_HEAD_BYTES ? making->stub.len
						      : PE_HEAD_BYTES,
		     making->stub.len, &making->stub_pe, &reason) == 0)
		return UKI_OK;
	sbuf_printf(making->why,
		    "%s %s; install the package " UKI_STUB_PACKAGE " again",
		    making->stub_path, sbuf_text(&reason));
	return UKI_FAILED;
}

static enum uki_result measure(const struct making *making, struct text path,
			       struct digest *ret_digest)
{
	int fd = asset_open(path.ptr), error = fd;
	char *real;

	if (fd >= 0) {
		real = realpath(path.ptr, NULL);
		error = statcache_digest(making->maker->cache,
					 real ? real : path.ptr, fd,
					 ret_digest);
		free(real);
		close(fd);
	}
	return error < 0 ? fail(making, path.ptr, error) : UKI_OK;
}

static enum uki_result measure_all(struct making *making)
{
	const struct uki_request *request = making->request;
	struct arena *arena = making->maker->arena;
	enum uki_result result =
		measure(making, request->kernel, &making->kernel_digest);

	making->initrd_digests =
		arena_new_array(arena, request->initrd_count, struct digest);
	making->file_digests =
		arena_new_array(arena, request->file_count, struct digest);
	for (size_t i = 0; result == UKI_OK && i < request->initrd_count; i++)
		result = measure(making, request->initrds[i],
				 &making->initrd_digests[i]);
	for (size_t i = 0; result == UKI_OK && i < request->file_count; i++) {
		const struct uki_file *file = &request->files[i];

		if (file->from.ptr)
			result = measure(making, file->from,
					 &making->file_digests[i]);
		else
			sha256_of(file->bytes.ptr, file->bytes.len,
				  &making->file_digests[i]);
	}
	return result;
}

/** Everything that the bytes of the UKI depend on. */
static void digest_inputs(struct making *making)
{
	const struct uki_request *request = making->request;
	struct arena *arena = making->maker->arena;
	struct digest signer = { 0 }, stub, inputs;
	CLEANUP(sbuf) text = { 0 };

	certificate_fingerprint(making->maker->by.certificate, signer.sha256);
	sha256_of(making->stub.ptr, making->stub.len, &stub);
	sbuf_puts(&text, LAYOUT);
	sbuf_printf(&text, "stub %s\nsigner %s\nkernel %s\n",
		    hex_of(arena, &stub), hex_of(arena, &signer),
		    hex_of(arena, &making->kernel_digest));
	for (size_t i = 0; i < request->initrd_count; i++)
		sbuf_printf(&text, "initrd %s\n",
			    hex_of(arena, &making->initrd_digests[i]));
	for (size_t i = 0; i < request->file_count; i++)
		sbuf_printf(&text, "file %s %o %s\n",
			    hex_of(arena, &making->file_digests[i]),
			    request->files[i].mode, request->files[i].path.ptr);
	sbuf_puts(&text, "command-line ");
	sbuf_add(&text, request->command_line.ptr, request->command_line.len);
	sha256_of(text.ptr, text.len, &inputs);
	making->inputs = hex_of(arena, &inputs);
}

/* -------------------------------------------------------------- writing -- */

/** A file being written; the first error stays. */
struct output {
	const struct making *making;
	const char *path; /**< where it failed */
	int fd, error;
	uint64_t bytes;
	char *chunk; /**< CHUNK_BYTES, for copying */
};

static void put(struct output *out, const void *bytes, size_t len)
{
	for (const char *from = bytes; len && !out->error;) {
		ssize_t wrote = write(out->fd, from, len);

		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote < 0) {
			out->error = -errno;
			out->path = out->making->directory;
			return;
		}
		from += wrote;
		out->bytes += (uint64_t)wrote;
		len -= (size_t)wrote;
	}
}

static void put_sbuf(struct output *out, struct sbuf *bytes)
{
	put(out, bytes->ptr, bytes->len);
	sbuf_reset(bytes);
}

static void put_padding(struct output *out, uint32_t alignment)
{
	static const char zeros[512];

	while (!out->error && out->bytes % alignment) {
		uint64_t len = alignment - out->bytes % alignment;

		put(out, zeros,
		    len < sizeof(zeros) ? (size_t)len : sizeof(zeros));
	}
}

static void put_open_file(struct output *out, int fd, const char *path,
			  struct digest *ret_digest)
{
	struct sha256 hash = { 0 };
	ssize_t got;

	sha256_begin(&hash);
	while (!out->error && (got = read(fd, out->chunk, CHUNK_BYTES)) != 0) {
		if (got > 0) {
			sha256_add(&hash, out->chunk, (size_t)got);
			put(out, out->chunk, (size_t)got);
		} else if (errno != EINTR) {
			out->error = -errno;
			out->path = path;
		}
	}
	sha256_end(&hash, ret_digest);
	sha256_release(&hash);
}

/** All of a file, which must still be what was measured. */
static void put_file(struct output *out, struct text path,
		     const struct digest *expected)
{
	struct digest digest;
	int fd;

	if (out->error)
		return;
	fd = asset_open(path.ptr);
	if (fd >= 0) {
		put_open_file(out, fd, path.ptr, &digest);
		close(fd);
	} else {
		out->error = fd;
		out->path = path.ptr;
	}
	if (!out->error && !digest_equal(&digest, expected)) {
		out->error = -EBUSY;
		out->path = path.ptr;
	}
}

static void put_kernel(struct output *out)
{
	put_file(out, out->making->request->kernel,
		 &out->making->kernel_digest);
}

/* A section without content would make the stub take the command line from
 * whoever starts it. */
static void put_command_line(struct output *out)
{
	struct text line = out->making->request->command_line;

	put(out, line.len ? line.ptr : " ", line.len ? line.len : 1);
}

static void put_release(struct output *out)
{
	static const char text[] = "ID=ipxe-embed\n"
				   "NAME=ipxe-embed\n"
				   "PRETTY_NAME=ipxe-embed\n";

	put(out, text, sizeof(text) - 1);
}

static void put_injected(struct output *out)
{
	const struct uki_request *request = out->making->request;
	const struct digest *digests = out->making->file_digests;
	struct text before = TEXT("");
	CLEANUP(sbuf) head = { 0 };

	for (size_t i = 0; i < request->file_count; i++) {
		const struct uki_file *file = &request->files[i];

		newc_parents(file->path, before, &head);
		newc_file(file->path, file->mode,
			  (uint32_t)digests[i].size_bytes, &head);
		put_sbuf(out, &head);
		if (file->from.ptr)
			put_file(out, file->from, &digests[i]);
		else
			put(out, file->bytes.ptr, file->bytes.len);
		put_padding(out, NEWC_ALIGNMENT);
		before = file->path;
	}
	newc_end(&head);
	put_sbuf(out, &head);
}

/* Linux unpacks one archive after the other; each begins at a multiple of 4. */
static void put_initrds(struct output *out)
{
	const struct uki_request *request = out->making->request;

	for (size_t i = 0; i < request->initrd_count; i++) {
		put_file(out, request->initrds[i],
			 &out->making->initrd_digests[i]);
		put_padding(out, NEWC_ALIGNMENT);
	}
	if (request->file_count)
		put_injected(out);
}

/* The kernel comes last, as ukify has it: some stubs start it where it lies, and
 * it needs room behind it. */
static const struct section {
	const char *name;
	void (*put)(struct output *out);
} sections[] = {
	{ ".osrel", put_release },
	{ ".cmdline", put_command_line },
	{ ".initrd", put_initrds },
	{ ".linux", put_kernel },
};

enum { SECTIONS = sizeof(sections) / sizeof(*sections) };

/** Where the sections of a stub end in memory. */
static uint64_t memory_end(const struct making *making)
{
	const unsigned char *stub =
		(const unsigned char *)sbuf_text(&making->stub);
	const struct pe *pe = &making->stub_pe;
	uint64_t end = pe->image_bytes;

	for (size_t i = 0; i < pe->section_count; i++) {
		const unsigned char *section =
			stub + pe->sections_at + i * PE_SECTION_BYTES;
		uint64_t here = (uint64_t)pe_get32(section + 12) +
				pe_get32(section + 8);

		if (here > end)
			end = here;
	}
	return end;
}

static uint64_t align(uint64_t number, uint64_t to)
{
	return (number + to - 1) / to * to;
}

static void fill_section(unsigned char *entry, const char *name,
			 uint32_t address, uint32_t offset, uint32_t bytes,
			 uint32_t raw_bytes)
{
	memset(entry, 0, PE_SECTION_BYTES);
	memcpy(entry, name, strlen(name));
	pe_put32(entry + 8, bytes);
	pe_put32(entry + 12, address);
	pe_put32(entry + 16, raw_bytes);
	pe_put32(entry + 20, offset);
	pe_put32(entry + 36, SECTION_FLAGS);
}

/** The sections after those of the stub, and the headers in @p head. */
static void put_sections(struct output *out, unsigned char *head)
{
	const struct pe *pe = &out->making->stub_pe;
	uint64_t address = memory_end(out->making);
	unsigned char *entry = head + pe->sections_at +
			       (size_t)pe->section_count * PE_SECTION_BYTES;

	for (size_t i = 0; i < SECTIONS; i++) {
		uint64_t offset = out->bytes, bytes;

		sections[i].put(out);
		bytes = out->bytes - offset;
		if (!bytes)
			continue;
		put_padding(out, pe->file_alignment);
		address = align(address, PAGE_BYTES);
		if (!out->error &&
		    (out->bytes > INT32_MAX || address + bytes > INT32_MAX)) {
			out->error = -EFBIG;
			out->path = "a UKI of more than 2 GiB";
		}
		if (out->error)
			return;
		fill_section(entry, sections[i].name, (uint32_t)address,
			     (uint32_t)offset, (uint32_t)bytes,
			     (uint32_t)(out->bytes - offset));
		entry += PE_SECTION_BYTES;
		pe_put16(head + pe->section_count_at,
			 (uint16_t)(pe_get16(head + pe->section_count_at) + 1));
		address += bytes;
	}
	pe_put32(head + pe->image_bytes_at,
		 (uint32_t)align(address, PAGE_BYTES));
}

static bool has_room(const struct pe *pe)
{
	return pe->file_alignment && pe->file_alignment <= PAGE_BYTES &&
	       pe->section_count <= UINT16_MAX - SECTIONS &&
	       pe->header_bytes - pe->sections_at >=
		       ((size_t)pe->section_count + SECTIONS) *
			       PE_SECTION_BYTES;
}

static void write_program(struct output *out)
{
	const struct pe *pe = &out->making->stub_pe;
	unsigned char *head = (unsigned char *)arena_copy(
		out->making->maker->arena, out->making->stub.ptr,
		pe->header_bytes);

	if (!has_room(pe)) {
		out->error = -ENOEXEC;
		out->path = out->making->stub_path;
		return;
	}
	/* Symbols, which strip did not take, would lie in our sections. */
	pe_put32(head + pe->symbols_at, 0);
	pe_put32(head + pe->symbols_at + 4, 0);
	pe_put32(head + pe->security_at, 0);
	pe_put32(head + pe->security_at + 4, 0);
	put(out, out->making->stub.ptr, pe->sections_end);
	put_padding(out, pe->file_alignment);
	put_sections(out, head);
	if (!out->error && pwrite(out->fd, head, pe->header_bytes, 0) !=
				   (ssize_t)pe->header_bytes) {
		out->error = -EIO;
		out->path = out->making->directory;
	}
}

/* ---------------------------------------------------------------- cache -- */

static enum uki_result open_cache(struct making *making)
{
	struct arena *arena = making->maker->arena;
	const char *cache = base_cache(arena);
	int error;

	if (!cache) {
		sbuf_puts(making->why, "there is no cache directory, for "
				       "neither HOME nor IPXE_EMBED_CACHE is "
				       "set");
		return UKI_FAILED;
	}
	making->directory = arena_printf(arena, "%s/ukis", cache);
	error = copy_make_path(making->directory);
	if (error)
		return fail(making, making->directory, error);
	making->fd =
		open(making->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return making->fd < 0 ? fail(making, making->directory, -errno)
			      : UKI_OK;
}

/*
 * A UKI has the time of its last use. Whoever finds one holds the directory with
 * others, whoever removes old ones holds it alone; so none goes that was just
 * found.
 */
static int prune_one(void *ctx, const struct files_seen *seen)
{
	const time_t *now = ctx;
	bool is_cut_off = seen->name[0] == '.';

	if (seen->visit == FILES_ENTER)
		return 1;
	if (seen->visit == FILES_ENTRY &&
	    seen->stat.st_mtime < *now - (is_cut_off ? CUT_OFF_S : UNUSED_S))
		unlinkat(seen->dir, seen->name, 0);
	return 0;
}

/* UKIs that nobody asked for in a long time make room for new ones, and so
 * does what was left by runs that were killed. */
static void prune(const struct making *making)
{
	time_t now = time(NULL);

	if (flock(making->fd, LOCK_EX | LOCK_NB) != 0)
		return;
	files_walk(making->fd, prune_one, &now, NULL);
	flock(making->fd, LOCK_UN);
}

/* A finished UKI is named INPUTS-SHA256.efi, so that damage is seen. */
static bool is_intact(const struct making *making, const char *name,
		      struct text *ret_path, struct digest *ret_digest)
{
	struct arena *arena = making->maker->arena;
	const char *path =
		arena_printf(arena, "%s/%s", making->directory, name);
	int fd = asset_open(path);
	bool good;

	if (fd < 0)
		return false;
	store_note_use(fd);
	good = statcache_digest(making->maker->cache, path, fd, ret_digest) ==
		       0 &&
	       strcmp(name, arena_printf(arena, "%s-%s.efi", making->inputs,
					 hex_of(arena, ret_digest))) == 0;
	close(fd);
	*ret_path = text_of(path);
	return good;
}

static bool find_made(const struct making *making, struct text *ret_path,
		      struct digest *ret_digest)
{
	DIR *directory = opendir(making->directory);
	const struct dirent *entry;
	size_t len = strlen(making->inputs);
	bool found = false;

	flock(making->fd, LOCK_SH);
	while (directory && !found && (entry = readdir(directory))) {
		if (strncmp(entry->d_name, making->inputs, len) != 0)
			continue;
		found = is_intact(making, entry->d_name, ret_path, ret_digest);
		if (!found)
			unlinkat(making->fd, entry->d_name, 0);
	}
	flock(making->fd, LOCK_UN);
	if (directory)
		closedir(directory);
	return found;
}

static enum uki_result finish(const struct making *making, int fd,
			      const char *temporary, struct text *ret_path,
			      struct digest *ret_digest)
{
	struct arena *arena = making->maker->arena;
	CLEANUP(sbuf) reason = { 0 };
	const char *name;
	int error = authenticode_sign(fd, &making->maker->by, &reason);

	if (error) {
		sbuf_printf(making->why, "the UKI %s %s",
			    making->request->name.ptr, sbuf_text(&reason));
		return UKI_FAILED;
	}
	if (lseek(fd, 0, SEEK_SET) != 0)
		return fail(making, making->directory, -errno);
	error = files_hash(fd, ret_digest);
	if (!error && fsync(fd) != 0)
		error = -errno;
	name = arena_printf(arena, "%s-%s.efi", making->inputs,
			    hex_of(arena, ret_digest));
	if (!error)
		error = files_rename(making->fd, temporary, making->fd, name,
				     0);
	if (error)
		return fail(making, making->directory, error);
	*ret_path =
		text_of(arena_printf(arena, "%s/%s", making->directory, name));
	return UKI_OK;
}

static enum uki_result make(const struct making *making, struct text *ret_path,
			    struct digest *ret_digest)
{
	const char *temporary =
		arena_printf(making->maker->arena, ".new-%ld", (long)getpid());
	struct output out = { .making = making,
			      .chunk = arena_alloc(making->maker->arena,
						   CHUNK_BYTES) };
	enum uki_result result;

	unlinkat(making->fd, temporary, 0);
	out.fd = openat(making->fd, temporary,
			O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			0644);
	if (out.fd < 0)
		return fail(making, making->directory, -errno);
	write_program(&out);
	result = out.error ? fail(making, out.path, out.error)
			   : finish(making, out.fd, temporary, ret_path,
				    ret_digest);
	close(out.fd);
	if (result != UKI_OK)
		unlinkat(making->fd, temporary, 0);
	else
		prune(making);
	return result;
}

static enum uki_result prepare(struct making *making)
{
	const char *stub = NULL;
	enum uki_result result = find_stub(making->request, making->why, &stub);

	if (result == UKI_OK)
		result = read_stub(making, stub);
	if (result == UKI_OK)
		result = measure_all(making);
	if (result == UKI_OK)
		result = open_cache(making);
	return result;
}

enum uki_result uki_make(const struct uki_maker *maker,
			 const struct uki_request *request, struct sbuf *why,
			 struct text *ret_path, struct digest *ret_digest)
{
	CLEANUP(making)
	making = { .maker = maker, .request = request, .fd = -1, .why = why };
	enum uki_result result = prepare(&making);

	if (result != UKI_OK)
		return result;
	digest_inputs(&making);
	if (find_made(&making, ret_path, ret_digest))
		return UKI_OK;
	return make(&making, ret_path, ret_digest);
}
