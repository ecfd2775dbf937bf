/* What comes from outside goes through libcrypto's readers and ours: any bytes
 * as certificates, keys and signatures, and a good signature that is damaged.
 * None of them may be good for content that was not signed. */
#include "fuzz.h"

#include "arena.h"
#include "cms.h"
#include "compile.h"
#include "issue.h"
#include "private_key.h"
#include "sbuf.h"

#undef NDEBUG
#include <assert.h>
#include <stdlib.h>
#include <string.h>

/** A root, a signer below it, and a signature; made once. */
static struct {
	struct certificates roots;
	struct sbuf signature;
	struct digest is_signed, other;
	time_t now;
} world;

static void issue(const char *name, enum certificate_role role,
		  const struct key *key, const struct issuer *issuer,
		  struct certificate *ret_certificate)
{
	const struct issue_request request = {
		.role = role,
		.common_name = name,
		.not_before = world.now - 1000,
		.not_after = world.now + 1000,
	};

	assert(certificate_issue(&request, key, issuer, ret_certificate) == 0);
}

/* ECDSA, because it is quick to make. */
static void make_world(void)
{
	CLEANUP(key) root_key = { 0 };
	CLEANUP(key) key = { 0 };
	CLEANUP(certificate) root = { 0 };
	CLEANUP(certificate) certificate = { 0 };
	const struct issuer issuer = { &root, &root_key };
	struct cms_signer signer = { &certificate, &key, &world.roots };

	world.now = 1800000000;
	memset(world.other.sha256, 1, sizeof(world.other.sha256));
	assert(key_generate(KEY_ECDSA, &root_key) == 0);
	assert(key_generate(KEY_ECDSA, &key) == 0);
	issue("root", ROLE_ROOT, &root_key, NULL, &root);
	issue("signer", ROLE_SIGNER, &key, &issuer, &certificate);
	certificates_add(&world.roots, &root);
	assert(cms_sign(&signer, &world.is_signed, &world.signature) == 0);
}

static int verify(const void *der, size_t len, const struct digest *digest)
{
	const struct cms_policy policy = { &world.roots, "signer", world.now };
	CLEANUP(sbuf) why = { 0 };
	int result = cms_verify(der, len, digest, &policy, NULL, &why);

	assert((result == 0) == (why.len == 0));
	return result;
}

/* The input as places and values, three bytes each. */
static void damage_signature(const uint8_t *bytes, size_t len)
{
	char *der = malloc(world.signature.len);

	memcpy(der, world.signature.ptr, world.signature.len);
	for (size_t i = 0; i + 3 <= len; i += 3) {
		size_t at = (size_t)bytes[i] << 8 | bytes[i + 1];

		der[at % world.signature.len] = (char)bytes[i + 2];
	}
	verify(der, world.signature.len, &world.is_signed);
	assert(verify(der, world.signature.len, &world.other) != 0);
	/* Cut short, it is nothing. */
	if (len)
		assert(verify(der, bytes[0], &world.is_signed) != 0);
	free(der);
}

static void read_certificates(const uint8_t *bytes, size_t len)
{
	CLEANUP(certificates) certificates = { 0 };
	CLEANUP(sbuf) text = { 0 };
	int result = certificates_parse(&certificates, bytes, len, &text);

	assert((result == 0) == (certificates.count > 0));
	for (size_t i = 0; i < certificates.count; i++) {
		const struct certificate *certificate = &certificates.at[i];
		const struct judgement judgement = { ROLE_ROOT, world.now,
						     "root" };
		CLEANUP(findings) findings = { 0 };

		certificate_judge(certificate, &judgement, &findings);
		certificate_subject(certificate, &text);
		certificate_names(certificate, &text);
		certificate_usages(certificate, &text);
		certificate_key(certificate, &text);
		certificate_validate(certificate, &certificates, &world.roots,
				     world.now, &text);
	}
}

static void read_key(const uint8_t *bytes, size_t len)
{
	CLEANUP(key) key = { 0 };
	CLEANUP(sbuf) why = { 0 };

	if (key_parse(bytes, len, NULL, &key, &why) == 0)
		assert(is_private_key(bytes, len) || len > 1 << 20 ||
		       memchr(bytes, 0, len));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	if (!world.now)
		make_world();
	verify(bytes, len, &world.other);
	damage_signature(bytes, len);
	read_certificates(bytes, len);
	is_private_key(bytes, len);
	read_key(bytes, len);
	return 0;
}
