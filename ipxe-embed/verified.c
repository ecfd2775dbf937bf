#include "verified.h"

#include "arena.h"
#include "copy.h"
#include "files.h"
#include "manifest.h"
#include "replace.h"
#include "sbuf.h"
#include "sha256.h"
#include "vec.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A new number when cms_verify() becomes stricter: then all are held against
 * the new rules once. */
#define HEADER "ipxe-embed verified 1\n"

enum { FILE_BYTES_MAX = 512 << 20 };

struct known {
	unsigned char key[32]; /**< SHA-256 of both digests */
	uint32_t signer;       /**< number in the table */
};

/* A certificate that signed. */
struct known_signer {
	unsigned char sha256[32];
	int64_t from, until; /**< its signatures are good between these */
};

struct verified {
	struct arena arena;
	const char *file; /**< NULL: there is no place for it */
	time_t now;
	char policy[65];
	VEC(struct known_signer) signers;
	VEC(struct known) before; /**< sorted */
	VEC(struct known) used;   /**< in this run, in any order */
	bool learnt, doubted;
};

static void make_key(const struct digest *content,
		     const struct digest *signature,
		     unsigned char ret_key[static 32])
{
	unsigned char both[64];
	struct digest key;

	memcpy(both, content->sha256, 32);
	memcpy(both + 32, signature->sha256, 32);
	sha256_of(both, sizeof(both), &key);
	memcpy(ret_key, key.sha256, sizeof(key.sha256));
}

static int compare_known(const void *a, const void *b)
{
	return memcmp(((const struct known *)a)->key,
		      ((const struct known *)b)->key, 32);
}

static int compare_fingerprints(const void *a, const void *b)
{
	return memcmp(a, b, 32);
}

/* Roots in any order, and the name. */
static void policy_hex(const struct cms_policy *policy, char ret_hex[static 65])
{
	CLEANUP(sbuf) text = { 0 };
	struct digest digest;
	unsigned char sha256[32];

	for (size_t i = 0; i < policy->roots->count; i++) {
		certificate_fingerprint(&policy->roots->at[i], sha256);
		sbuf_add(&text, sha256, sizeof(sha256));
	}
	if (policy->roots->count > 1)
		qsort(text.ptr, policy->roots->count, sizeof(sha256),
		      compare_fingerprints);
	sbuf_puts(&text, policy->signer ? policy->signer : "");
	sha256_of(text.ptr, text.len, &digest);
	digest_hex(&digest, ret_hex);
}

/* -------------------------------------------------------- file format --
 * A header; "policy SHA-256"; a line "signer SHA-256 FROM UNTIL" for each of
 * them, in seconds since 1970; then a line "KEY NUMBER" for each signature, with
 * the number of its signer.
 */

static bool take_hex(const char **at, unsigned char ret_bytes[static 32])
{
	struct digest digest;

	if (strnlen(*at, 65) < 65 ||
	    !digest_from_hex((struct text){ *at, 64 }, &digest))
		return false;
	memcpy(ret_bytes, digest.sha256, 32);
	*at += 64;
	return true;
}

static bool take_number(const char **at, char before, int64_t *ret_number)
{
	char *end;

	if (**at != before)
		return false;
	*ret_number = strtoll(*at + 1, &end, 10);
	if (end == *at + 1)
		return false;
	*at = end;
	return true;
}

static bool parse_signer(struct verified *verified, const char *at)
{
	struct known_signer signer;

	if (!take_hex(&at, signer.sha256) ||
	    !take_number(&at, ' ', &signer.from) ||
	    !take_number(&at, ' ', &signer.until) || *at)
		return false;
	*vec_push(&verified->arena, &verified->signers) = signer;
	return true;
}

static bool parse_known(struct verified *verified, const char *at)
{
	struct known known;
	int64_t signer;

	if (!take_hex(&at, known.key) || !take_number(&at, ' ', &signer) ||
	    *at || signer < 0 || (uint64_t)signer >= verified->signers.count)
		return false;
	known.signer = (uint32_t)signer;
	if (verified->before.count &&
	    compare_known(&verified->before.at[verified->before.count - 1],
			  &known) >= 0)
		return false;
	*vec_push(&verified->arena, &verified->before) = known;
	return true;
}

static bool parse_line(struct verified *verified, const char *line)
{
	static const char policy[] = "policy ", signer[] = "signer ";

	if (strncmp(line, policy, sizeof(policy) - 1) == 0)
		return strcmp(line + sizeof(policy) - 1, verified->policy) == 0;
	if (strncmp(line, signer, sizeof(signer) - 1) == 0)
		return parse_signer(verified, line + sizeof(signer) - 1);
	return parse_known(verified, line);
}

/* All of it or nothing: what is damaged at one place may be at others. */
static bool parse(struct verified *verified, char *bytes)
{
	char *end;

	if (strncmp(bytes, HEADER "policy ", strlen(HEADER "policy ")) != 0)
		return false;
	for (bytes += strlen(HEADER); *bytes; bytes = end + 1) {
		end = strchr(bytes, '\n');
		if (!end)
			return false;
		*end = '\0';
		if (!parse_line(verified, bytes))
			return false;
	}
	return true;
}

static void load(struct verified *verified)
{
	CLEANUP(sbuf) bytes = { 0 };
	int fd = open(verified->file, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (files_slurp(fd, FILE_BYTES_MAX, &bytes) != 0 || !bytes.len ||
	    !parse(verified, bytes.ptr)) {
		verified->signers.count = 0;
		verified->before.count = 0;
	}
	close(fd);
}

static void write_known(const struct verified *verified, struct sbuf *out)
{
	struct digest digest = { 0 };
	char hex[65];

	for (size_t i = 0; i < verified->used.count; i++) {
		const struct known *known = &verified->used.at[i];

		if (i && compare_known(known - 1, known) == 0)
			continue;
		memcpy(digest.sha256, known->key, 32);
		digest_hex(&digest, hex);
		sbuf_printf(out, "%s %" PRIu32 "\n", hex, known->signer);
	}
}

static void write_all(struct verified *verified, struct sbuf *out)
{
	struct digest digest = { 0 };
	char hex[65];

	sbuf_printf(out, HEADER "policy %s\n", verified->policy);
	for (size_t i = 0; i < verified->signers.count; i++) {
		const struct known_signer *signer = &verified->signers.at[i];

		memcpy(digest.sha256, signer->sha256, 32);
		digest_hex(&digest, hex);
		sbuf_printf(out, "signer %s %" PRId64 " %" PRId64 "\n", hex,
			    signer->from, signer->until);
	}
	if (verified->used.count > 1)
		qsort(verified->used.at, verified->used.count,
		      sizeof(*verified->used.at), compare_known);
	write_known(verified, out);
}

void verified_save(struct verified *verified)
{
	CLEANUP(sbuf) bytes = { 0 };
	struct arena *arena = &verified->arena;

	if (!verified->file || !verified->learnt)
		return;
	write_all(verified, &bytes);
	copy_make_path(arena_copy(
		arena, verified->file,
		(size_t)(strrchr(verified->file, '/') - verified->file)));
	replace_file(arena, verified->file, 0600, &bytes);
	verified->learnt = false;
}

/* ---------------------------------------------------------- life time -- */

struct verified *verified_open(const char *file,
			       const struct cms_policy *policy)
{
	struct verified *verified = xrealloc(NULL, sizeof(*verified));

	memset(verified, 0, sizeof(*verified));
	verified->now = policy->now;
	policy_hex(policy, verified->policy);
	if (file) {
		verified->file =
			arena_copy(&verified->arena, file, strlen(file));
		load(verified);
	}
	return verified;
}

void verified_free(struct verified *verified)
{
	if (!verified)
		return;
	arena_release(&verified->arena);
	free(verified);
}

void verified_doubt(struct verified *verified)
{
	verified->doubted = true;
}

/* ------------------------------------------------------------ knowing -- */

bool verified_has(struct verified *verified, const struct digest *content,
		  const struct digest *signature, const unsigned char *by)
{
	const struct known_signer *signer;
	const struct known *found;
	struct known key;

	if (verified->doubted || !verified->before.count)
		return false;
	make_key(content, signature, key.key);
	found = bsearch(&key, verified->before.at, verified->before.count,
			sizeof(key), compare_known);
	if (!found)
		return false;
	signer = &verified->signers.at[found->signer];
	if (verified->now < signer->from || verified->now > signer->until ||
	    (by && memcmp(signer->sha256, by, sizeof(signer->sha256)) != 0))
		return false;
	*vec_push(&verified->arena, &verified->used) = *found;
	return true;
}

static size_t signer_number(struct verified *verified,
			    const struct cms_verdict *verdict)
{
	struct known_signer signer = { .from = verdict->from,
				       .until = verdict->until };
	size_t i = 0;

	memcpy(signer.sha256, verdict->signer, sizeof(signer.sha256));
	for (; i < verified->signers.count; i++) {
		const struct known_signer *known = &verified->signers.at[i];

		if (memcmp(known->sha256, signer.sha256, 32) == 0 &&
		    known->from == signer.from && known->until == signer.until)
			return i;
	}
	*vec_push(&verified->arena, &verified->signers) = signer;
	return i;
}

void verified_note(struct verified *verified, const struct digest *content,
		   const struct digest *signature,
		   const struct cms_verdict *verdict)
{
	struct known known;

	known.signer = (uint32_t)signer_number(verified, verdict);
	make_key(content, signature, known.key);
	*vec_push(&verified->arena, &verified->used) = known;
	verified->learnt = true;
}
