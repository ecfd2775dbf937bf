/*
 * Keys, certificates and signatures. Every key is made here, at test time.
 */
#include "arena.h"
#include "cms.h"
#include "compile.h"
#include "issue.h"
#include "place.h"
#include "private_key.h"
#include "sbuf.h"
#include "sha256.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* In two pieces: this file holds no key, and no text that looks like one. */
#define PRIVATE_KEY \
	"PRIVATE"   \
	" KEY"

enum { HOUR = 3600, DAY = 24 * HOUR };

/** 2030-01-01: far from today, so that nothing takes the real clock. */
static const time_t now = 1893456000;

static const char *const hosts[] = { "boot.lab.example", "*.lab.example",
				     "192.0.2.1", "2001:db8::1" };

/** A root and who has certificates from it. */
struct pki {
	struct key root_key, server_key, signer_key;
	struct certificate root, server, signer;
	struct certificates roots, chain;
};

static struct pki rsa, ecdsa;

static void issue(const struct issue_request *request, const struct key *key,
		  const struct issuer *issuer, struct certificate *ret)
{
	assert_int_equal(certificate_issue(request, key, issuer, ret), 0);
}

static void make_pki(enum key_type type, const char *root_name, struct pki *pki)
{
	const struct issuer issuer = { &pki->root, &pki->root_key };

	assert_int_equal(key_generate(type, &pki->root_key), 0);
	assert_int_equal(key_generate(type, &pki->signer_key), 0);
	assert_int_equal(key_generate(KEY_ECDSA, &pki->server_key), 0);
	issue(&(struct issue_request){ .role = ROLE_ROOT,
				       .common_name = root_name,
				       .not_before = now - DAY,
				       .not_after = now + 7000 * DAY },
	      &pki->root_key, NULL, &pki->root);
	issue(&(struct issue_request){ .role = ROLE_SERVER,
				       .common_name = "boot.lab.example",
				       .hosts = hosts,
				       .host_count = 4,
				       .not_before = now - DAY,
				       .not_after = now + 800 * DAY },
	      &pki->server_key, &issuer, &pki->server);
	issue(&(struct issue_request){ .role = ROLE_SIGNER,
				       .common_name = "ipxe-embed-signer",
				       .not_before = now - DAY,
				       .not_after = now + 800 * DAY },
	      &pki->signer_key, &issuer, &pki->signer);
	certificates_add(&pki->roots, &pki->root);
	certificates_add(&pki->chain, &pki->signer);
	certificates_add(&pki->chain, &pki->root);
}

static void release_pki(struct pki *pki)
{
	key_release(&pki->root_key);
	key_release(&pki->server_key);
	key_release(&pki->signer_key);
	certificate_release(&pki->root);
	certificate_release(&pki->server);
	certificate_release(&pki->signer);
	certificates_release(&pki->roots);
	certificates_release(&pki->chain);
}

static int set_up(void **state)
{
	(void)state;
	make_pki(KEY_RSA, "Test root RSA", &rsa);
	make_pki(KEY_ECDSA, "Test root ECDSA", &ecdsa);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	release_pki(&rsa);
	release_pki(&ecdsa);
	return 0;
}

/** What a function writes about a certificate. */
static void assert_text(void (*write)(const struct certificate *,
				      struct sbuf *),
			const struct certificate *certificate, const char *text)
{
	struct sbuf out = { 0 };

	write(certificate, &out);
	assert_string_equal(sbuf_text(&out), text);
	sbuf_release(&out);
}

static void certificates_say_what_they_are_for(void **state)
{
	(void)state;
	assert_text(certificate_subject, &rsa.signer, "CN=ipxe-embed-signer");
	assert_text(certificate_issuer, &rsa.signer, "CN=Test root RSA");
	assert_text(certificate_names, &rsa.signer, "");
	assert_text(certificate_names, &rsa.server,
		    "DNS boot.lab.example, DNS *.lab.example, IP 192.0.2.1, "
		    "IP 2001:db8::1");
	assert_text(certificate_usages, &rsa.root, "CA, keyCertSign, cRLSign");
	assert_text(certificate_usages, &rsa.server,
		    "digitalSignature, serverAuth");
	assert_text(certificate_usages, &rsa.signer,
		    "digitalSignature, codeSigning");
	assert_text(certificate_key, &rsa.signer, "RSA, 3072 bits");
	assert_text(certificate_key, &ecdsa.signer, "ECDSA, prime256v1");
	assert_int_equal(certificate_not_before(&rsa.root), now - DAY);
	assert_int_equal(certificate_not_after(&rsa.root), now + 7000 * DAY);
	assert_true(certificate_has_key(&rsa.signer, &rsa.signer_key));
	assert_false(certificate_has_key(&rsa.signer, &rsa.root_key));
	assert_false(certificate_has_key(&rsa.signer, &ecdsa.signer_key));
}

static void names_match_as_in_ipxe(void **state)
{
	static const struct {
		const char *name;
		bool found;
	} rows[] = {
		{ "boot.lab.example", true },
		{ "BOOT.LAB.example", true },
		{ "other.lab.example", true },
		{ "a.b.lab.example", false },
		{ "lab.example", false },
		{ "boot.lab.example.", false },
		{ "", false },
		{ "ipxe-embed-signer", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (certificate_is_named(&rsa.server, rows[i].name) !=
		    rows[i].found)
			fail_msg("%s", rows[i].name);
	assert_true(certificate_is_named(&rsa.signer, "IPXE-embed-signer"));
	assert_false(certificate_is_named(&rsa.signer, "ipxe-embed"));
}

/** What is wrong with a certificate: the names of the findings. */
static void assert_findings(const struct certificate *certificate,
			    const struct judgement *judgement, size_t count,
			    enum finding_kind first)
{
	CLEANUP(findings) findings = { 0 };

	certificate_judge(certificate, judgement, &findings);
	for (size_t i = count; i < findings.count; i++)
		print_error("unexpected: %s\n", findings.at[i].message);
	assert_int_equal(findings.count, count);
	if (count)
		assert_int_equal(findings.at[0].kind, first);
}

static void each_is_taken_in_its_role(void **state)
{
	const struct {
		const struct certificate *certificate;
		struct judgement judgement;
		size_t count;
		enum finding_kind first;
	} rows[] = {
		{ &rsa.root, { ROLE_ROOT, now, NULL }, 0, 0 },
		{ &rsa.server,
		  { ROLE_SERVER, now, "192.0.2.1" },
		  1,
		  FINDING_NAME },
		{ &rsa.server, { ROLE_SERVER, now, "x.lab.example" }, 0, 0 },
		{ &rsa.signer,
		  { ROLE_SIGNER, now, "ipxe-embed-signer" },
		  0,
		  0 },
		{ &ecdsa.root, { ROLE_ROOT, now, NULL }, 0, 0 },
		{ &ecdsa.signer, { ROLE_SIGNER, now, NULL }, 0, 0 },
		{ &rsa.server, { ROLE_ROOT, now, NULL }, 1, FINDING_NOT_CA },
		{ &rsa.root, { ROLE_SIGNER, now, NULL }, 1, FINDING_USAGE },
		{ &rsa.server, { ROLE_SIGNER, now, NULL }, 1, FINDING_USAGE },
		{ &rsa.signer, { ROLE_SIGNER, now, "other" }, 1, FINDING_NAME },
		{ &rsa.signer,
		  { ROLE_SIGNER, now - 2 * DAY, NULL },
		  1,
		  FINDING_NOT_YET_VALID },
		{ &rsa.signer,
		  { ROLE_SIGNER, now + 801 * DAY, NULL },
		  1,
		  FINDING_EXPIRED },
		{ &rsa.signer,
		  { ROLE_SIGNER, now + 771 * DAY, NULL },
		  1,
		  FINDING_EXPIRES_SOON },
		{ &rsa.signer, { ROLE_SIGNER, now + 769 * DAY, NULL }, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_findings(rows[i].certificate, &rows[i].judgement,
				rows[i].count, rows[i].first);
}

/** Hold one signature against a policy; NULL means that it is good. */
static void assert_verifies(const struct sbuf *der, const struct digest *digest,
			    const struct cms_policy *policy, const char *fault)
{
	struct sbuf why = { 0 };
	int rc = cms_verify(der->ptr, der->len, digest, policy, NULL, &why);

	if (!fault) {
		assert_string_equal(sbuf_text(&why), "");
		assert_int_equal(rc, 0);
	} else {
		assert_int_equal(rc, -EBADMSG);
		if (!strstr(sbuf_text(&why), fault))
			fail_msg("\"%s\" is not about \"%s\"", sbuf_text(&why),
				 fault);
	}
	sbuf_release(&why);
}

static void sign(const struct pki *pki, const struct digest *digest,
		 struct sbuf *der)
{
	const struct cms_signer signer = { &pki->signer, &pki->signer_key,
					   &pki->chain };

	assert_int_equal(cms_sign(&signer, digest, der), 0);
}

static void signatures_are_held_against_everything(void **state)
{
	struct digest content, other;
	const struct pki *pkis[] = { &rsa, &ecdsa };

	(void)state;
	sha256_of("kernel", 6, &content);
	sha256_of("Kernel", 6, &other);
	for (size_t i = 0; i < 2; i++) {
		const struct pki *pki = pkis[i], *foreign = pkis[!i];
		const struct cms_policy good = { &pki->roots,
						 "ipxe-embed-signer", now };
		struct cms_policy policy = good;
		struct sbuf der = { 0 };

		sign(pki, &content, &der);
		assert_verifies(&der, &content, &good, NULL);
		assert_verifies(&der, &other, &good, "not the signature");
		policy.signer = NULL;
		assert_verifies(&der, &content, &policy, NULL);
		policy.signer = "somebody";
		assert_verifies(&der, &content, &policy, "not signed by");
		policy = good;
		policy.roots = &foreign->roots;
		assert_verifies(&der, &content, &policy, "no root");
		policy = good;
		policy.now = now + 800 * DAY + 12 * HOUR;
		assert_verifies(&der, &content, &policy, NULL);
		policy.now = now + 800 * DAY + 13 * HOUR;
		assert_verifies(&der, &content, &policy, "expired");
		policy.now = now - DAY - 13 * HOUR;
		assert_verifies(&der, &content, &policy, "not valid yet");
		sbuf_release(&der);
	}
}

static void the_key_must_be_for_code(void **state)
{
	const struct cms_signer server = { &rsa.server, &rsa.server_key,
					   &rsa.chain };
	const struct cms_policy policy = { &rsa.roots, NULL, now };
	struct digest content;
	struct sbuf der = { 0 };

	(void)state;
	sha256_of("kernel", 6, &content);
	assert_int_equal(cms_sign(&server, &content, &der), 0);
	assert_verifies(&der, &content, &policy, "codeSigning");
	sbuf_release(&der);
}

static void rsa_signatures_repeat_byte_for_byte(void **state)
{
	struct digest content;
	struct sbuf first = { 0 }, second = { 0 };

	(void)state;
	sha256_of("kernel", 6, &content);
	sign(&rsa, &content, &first);
	sign(&rsa, &content, &second);
	assert_int_equal(first.len, second.len);
	assert_memory_equal(first.ptr, second.ptr, first.len);
	sbuf_release(&first);
	sbuf_release(&second);
}

/* A root in the trust list of the machine is enough: images carry the
 * certificates of their roots. */
static void the_root_may_be_missing_in_the_signature(void **state)
{
	const struct certificates none = { 0 };
	const struct cms_signer signer = { &rsa.signer, &rsa.signer_key,
					   &none };
	const struct cms_policy policy = { &rsa.roots, NULL, now };
	struct digest content;
	struct sbuf der = { 0 };

	(void)state;
	sha256_of("kernel", 6, &content);
	assert_int_equal(cms_sign(&signer, &content, &der), 0);
	assert_verifies(&der, &content, &policy, NULL);
	sbuf_release(&der);
}

static void intermediates_are_followed(void **state)
{
	const struct issuer root = { &ecdsa.root, &ecdsa.root_key };
	struct key ca_key = { 0 };
	struct certificate ca = { 0 }, leaf = { 0 };
	const struct issuer issuer = { &ca, &ca_key };
	struct certificates chain = { 0 };
	const struct cms_signer signer = { &leaf, &rsa.signer_key, &chain };
	struct cms_policy policy = { &ecdsa.roots, NULL, now };
	struct digest content;
	struct sbuf der = { 0 };

	(void)state;
	assert_int_equal(key_generate(KEY_ECDSA, &ca_key), 0);
	issue(&(struct issue_request){ .role = ROLE_ROOT,
				       .common_name = "Intermediate",
				       .not_before = now - DAY,
				       .not_after = now + DAY },
	      &ca_key, &root, &ca);
	issue(&(struct issue_request){ .role = ROLE_SIGNER,
				       .common_name = "signer",
				       .not_before = now - DAY,
				       .not_after = now + 99 * DAY },
	      &rsa.signer_key, &issuer, &leaf);
	certificates_add(&chain, &ca);
	sha256_of("kernel", 6, &content);
	assert_int_equal(cms_sign(&signer, &content, &der), 0);
	assert_verifies(&der, &content, &policy, NULL);

	/* The intermediate ends before the signer does. */
	policy.now = now + 2 * DAY;
	assert_verifies(&der, &content, &policy, "CN=Intermediate has expired");

	/* It may be the anchor, whatever is above it. */
	policy = (struct cms_policy){ &chain, NULL, now };
	assert_verifies(&der, &content, &policy, NULL);

	/* And without it nothing leads to the root. */
	sbuf_reset(&der);
	policy.roots = &ecdsa.roots;
	assert_int_equal(cms_sign(&(struct cms_signer){ &leaf, &rsa.signer_key,
							&ecdsa.roots },
				  &content, &der),
			 0);
	assert_verifies(&der, &content, &policy, "issued by CN=Intermediate");

	sbuf_release(&der);
	certificates_release(&chain);
	certificate_release(&leaf);
	certificate_release(&ca);
	key_release(&ca_key);
}

/* A leaf of the same root must not be able to issue a signer. */
static void a_leaf_is_no_issuer(void **state)
{
	const struct issuer server = { &ecdsa.server, &ecdsa.server_key };
	struct certificate leaf = { 0 };
	struct certificates chain = { 0 };
	struct sbuf why = { 0 };

	(void)state;
	issue(&(struct issue_request){ .role = ROLE_SIGNER,
				       .common_name = "ipxe-embed-signer",
				       .not_before = now - DAY,
				       .not_after = now + DAY },
	      &rsa.signer_key, &server, &leaf);
	certificates_add(&chain, &ecdsa.server);
	assert_int_equal(
		certificate_validate(&leaf, &chain, &ecdsa.roots, now, &why),
		-EBADMSG);
	assert_non_null(strstr(sbuf_text(&why), "is not a CA"));
	sbuf_release(&why);
	certificates_release(&chain);
	certificate_release(&leaf);
}

static void a_circle_of_issuers_ends(void **state)
{
	const struct issuer by_root = { &ecdsa.root, &ecdsa.root_key };
	struct key key = { 0 };
	struct certificate a = { 0 }, b = { 0 };
	struct certificates chain = { 0 }, none = { 0 };
	struct sbuf why = { 0 };

	(void)state;
	/* A issues B, and B issues another A of the same name. */
	assert_int_equal(key_generate(KEY_ECDSA, &key), 0);
	issue(&(struct issue_request){ .role = ROLE_ROOT,
				       .common_name = "B",
				       .not_before = now - DAY,
				       .not_after = now + DAY },
	      &key, &by_root, &b);
	issue(&(struct issue_request){ .role = ROLE_ROOT,
				       .common_name = "Test root ECDSA",
				       .not_before = now - DAY,
				       .not_after = now + DAY },
	      &ecdsa.root_key, &(struct issuer){ &b, &key }, &a);
	certificates_add(&chain, &a);
	certificates_add(&chain, &b);
	assert_int_equal(
		certificate_validate(&ecdsa.signer, &chain, &none, now, &why),
		-EBADMSG);
	sbuf_release(&why);
	certificates_release(&chain);
	certificate_release(&a);
	certificate_release(&b);
	key_release(&key);
}

static void damaged_signatures_are_refused(void **state)
{
	const struct cms_policy policy = { &ecdsa.roots, "ipxe-embed-signer",
					   now };
	struct digest content;
	struct sbuf der = { 0 }, why = { 0 };

	(void)state;
	sha256_of("kernel", 6, &content);
	sign(&ecdsa, &content, &der);
	for (size_t len = 0; len < der.len; len++)
		assert_int_equal(
			cms_verify(der.ptr, len, &content, &policy, NULL, &why),
			-EBADMSG);
	sbuf_putc(&der, 0);
	assert_int_equal(
		cms_verify(der.ptr, der.len, &content, &policy, NULL, &why),
		-EBADMSG);
	der.len--;
	/* Bits that nothing looks at (versions, the list of digests) may flip;
	 * but no flip may crash, and none in the last bytes, the signature, may
	 * pass. */
	for (size_t i = 0; i < der.len; i++) {
		int rc;

		der.ptr[i] ^= 4;
		rc = cms_verify(der.ptr, der.len, &content, &policy, NULL,
				&why);
		der.ptr[i] ^= 4;
		assert_true(rc == -EBADMSG || i + 64 < der.len);
	}
	assert_verifies(&der, &content, &policy, NULL);
	sbuf_release(&der);
	sbuf_release(&why);
}

static void keys_are_written_and_read(void **state)
{
	const struct key *keys[] = { &rsa.signer_key, &ecdsa.signer_key };
	const struct pki *pkis[] = { &rsa, &ecdsa };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		CLEANUP(secret) pem = { 0 };
		CLEANUP(key) key = { 0 };
		struct sbuf why = { 0 };

		assert_int_equal(key_write(keys[i], NULL, &pem), 0);
		assert_memory_equal(pem.ptr,
				    "-----BEGIN " PRIVATE_KEY "-----\n", 28);
		assert_int_equal(key_parse(pem.ptr, pem.len, NULL, &key, &why),
				 0);
		assert_true(certificate_has_key(&pkis[i]->signer, &key));
		assert_true(is_private_key(pem.ptr, pem.len));
		sbuf_release(&why);
	}
}

static void passphrases_guard_keys(void **state)
{
	CLEANUP(secret) pem = { 0 };
	CLEANUP(secret) right = { 0 };
	CLEANUP(secret) wrong = { 0 };
	CLEANUP(key) key = { 0 };
	struct sbuf why = { 0 };

	(void)state;
	secret_make(&right, 5);
	memcpy(right.ptr, "right", 5);
	secret_make(&wrong, 5);
	memcpy(wrong.ptr, "wrong", 5);
	assert_int_equal(key_write(&ecdsa.signer_key, &right, &pem), 0);
	assert_memory_equal(pem.ptr,
			    "-----BEGIN ENCRYPTED " PRIVATE_KEY "-----\n", 38);
	assert_int_equal(key_parse(pem.ptr, pem.len, NULL, &key, &why),
			 -ENOKEY);
	assert_int_equal(key_parse(pem.ptr, pem.len, &wrong, &key, &why),
			 -EKEYREJECTED);
	assert_null(key.pkey);
	assert_int_equal(key_parse(pem.ptr, pem.len, &right, &key, &why), 0);
	assert_true(certificate_has_key(&ecdsa.signer, &key));
	assert_true(is_private_key(pem.ptr, pem.len));
	sbuf_release(&why);
}

static void bundles_are_split(void **state)
{
	CLEANUP(certificates) all = { 0 };
	CLEANUP(secret) key = { 0 };
	struct sbuf pem = { 0 }, why = { 0 };

	(void)state;
	sbuf_puts(&pem, "A comment, as some authorities write it.\n");
	certificate_write(&rsa.root, &pem);
	assert_int_equal(key_write(&ecdsa.signer_key, NULL, &key), 0);
	sbuf_add(&pem, key.ptr, key.len);
	certificate_write(&ecdsa.root, &pem);
	assert_int_equal(certificates_parse(&all, pem.ptr, pem.len, &why), 0);
	assert_int_equal(all.count, 2);
	assert_true(certificate_equal(&all.at[0], &rsa.root));
	assert_true(certificate_equal(&all.at[1], &ecdsa.root));
	assert_true(certificates_have(&all, &ecdsa.root));
	assert_false(certificates_have(&all, &ecdsa.signer));

	/* Cut within the second certificate: none is taken. */
	assert_int_equal(certificates_parse(&all, pem.ptr, pem.len - 60, &why),
			 -EBADMSG);
	assert_int_equal(all.count, 2);
	sbuf_reset(&why);
	assert_int_equal(certificates_parse(&all, key.ptr, key.len, &why),
			 -ENOENT);
	assert_int_equal(certificates_parse(&all, "", 0, &why), -ENOENT);
	sbuf_release(&pem);
	sbuf_release(&why);
}

#define BASE64 "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7"

static void private_keys_are_found(void **state)
{
	static const struct {
		const char *text;
		bool found;
	} rows[] = {
		{ "-----BEGIN " PRIVATE_KEY "-----\n" BASE64, true },
		{ "-----BEGIN RSA " PRIVATE_KEY "-----\n" BASE64, true },
		{ "-----BEGIN EC " PRIVATE_KEY "-----\r\n" BASE64, true },
		{ "-----BEGIN OPENSSH " PRIVATE_KEY "-----\n" BASE64, true },
		{ "-----BEGIN RSA " PRIVATE_KEY "-----\n"
		  "Proc-Type: 4,ENCRYPTED\n",
		  true },
		{ "-----BEGIN PGP " PRIVATE_KEY " BLOCK-----\n\n" BASE64,
		  true },
		{ "key: |\n    -----BEGIN " PRIVATE_KEY "-----\n    " BASE64,
		  true },
		{ "{\"k\":\"-----BEGIN " PRIVATE_KEY "-----\\n" BASE64 "\\n\"}",
		  true },
		{ "cat >key <<EOF\n-----BEGIN " PRIVATE_KEY "-----\n" BASE64,
		  true },
		{ "A key begins with -----BEGIN " PRIVATE_KEY
		  "----- and base64",
		  false },
		{ "grep -q -e '-----BEGIN OPENSSH " PRIVATE_KEY "-----' \"$f\"",
		  false },
		{ "---- BEGIN SSH2 ENCRYPTED " PRIVATE_KEY " ----\n"
		  "Comment: \"me\"\n",
		  true },
		{ "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n",
		  true },
		{ "# public key: age1x\nAGE-SECRET"
		  "-KEY-1"
		  "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7LQPZRY9X8GF2TVDW0S3JN54KHCE",
		  true },
		{ "\x30\x80\x02\x01\x03\x30\x80\x06\x09\x2a\x86\x48\x86"
		  "\xf7\x0d\x01\x07\x01",
		  true },
		{ "PuTTY-User-Key-File-N: where N is the version", false },
		{ "an age key begins with AGE-SECRET-KEY-1", false },
		{ "-----BEGIN CERTIFICATE-----\n" BASE64, false },
		{ "-----BEGIN PUBLIC KEY-----\n" BASE64, false },
		{ "-----BEGIN " PRIVATE_KEY, false },
		{ "-----BEGIN ", false },
		{ "0", false },
		{ "", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (is_private_key(rows[i].text, strlen(rows[i].text)) !=
		    rows[i].found)
			fail_msg("%s", rows[i].text);
}

static void programs_that_know_keys_are_none(void **state)
{
	static const char binary[] =
		"\177ELF\0\0-----BEGIN OPENSSH " PRIVATE_KEY "-----\n" BASE64;
	struct digest content;
	struct sbuf der = { 0 };

	(void)state;
	assert_false(is_private_key(binary, sizeof(binary)));
	/* Neither are signatures, which are DER, too. */
	sha256_of("kernel", 6, &content);
	sign(&rsa, &content, &der);
	assert_false(is_private_key(der.ptr, der.len));
	sbuf_release(&der);
}

static void keys_are_found_far_in_a_text(void **state)
{
	char path[PLACE_BYTES];
	int fd = mkstemp(place_template(path));
	char line[1024];
	/* Around where one piece ends and the next begins. */
	static const size_t places[] = { 0, 1048500, 1048570, 3 << 20 };

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(unlink(path), 0);
	memset(line, 'x', sizeof(line));
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(is_private_key_file(fd), 0);
	for (size_t i = 0; i < 4096; i++)
		assert_int_equal(pwrite(fd, line, sizeof(line),
					(off_t)(i * sizeof(line))),
				 sizeof(line));
	assert_int_equal(is_private_key_file(fd), 0);
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		static const char key[] =
			"-----BEGIN " PRIVATE_KEY "-----\n" BASE64;

		assert_true(pwrite(fd, key, sizeof(key) - 1, (off_t)places[i]) >
			    0);
		assert_int_equal(is_private_key_file(fd), 1);
		assert_true(pwrite(fd, line, sizeof(key) - 1,
				   (off_t)places[i]) > 0);
	}
	assert_int_equal(pwrite(fd, "\0", 1, 0), 1);
	assert_int_equal(is_private_key_file(fd), 0);
	close(fd);
	assert_int_equal(is_private_key_file(fd), -EBADF);
}

static void names_of_signers_are_one_word(void **state)
{
	static const char *const bad[] = { "",     "a b", "#x", "-x", "${x}",
					   "a\nb", "*.x", "ä",  "&&" };

	(void)state;
	assert_null(issue_name_refusal("ipxe-embed-signer"));
	assert_null(issue_name_refusal("2"));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_non_null(issue_name_refusal(bad[i]));
}

static void hosts_are_names_or_addresses(void **state)
{
	static const char *const good[] = { "boot",          "boot.lab.example",
					    "*.lab.example", "10.0.2.2",
					    "2001:db8::1",   "x--y.example" };
	static const char *const bad[] = { "",    ".",       "a..b",
					   "a.",  "-a",      "a-",
					   "a b", "a,DNS:b", "10.0.2.256",
					   "1.2", "*",       "a.*.b",
					   "a_b", "http://a" };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		if (issue_host_refusal(good[i]))
			fail_msg("%s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (!issue_host_refusal(bad[i]))
			fail_msg("%s", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(certificates_say_what_they_are_for),
		cmocka_unit_test(names_match_as_in_ipxe),
		cmocka_unit_test(each_is_taken_in_its_role),
		cmocka_unit_test(signatures_are_held_against_everything),
		cmocka_unit_test(the_key_must_be_for_code),
		cmocka_unit_test(rsa_signatures_repeat_byte_for_byte),
		cmocka_unit_test(the_root_may_be_missing_in_the_signature),
		cmocka_unit_test(intermediates_are_followed),
		cmocka_unit_test(a_leaf_is_no_issuer),
		cmocka_unit_test(a_circle_of_issuers_ends),
		cmocka_unit_test(damaged_signatures_are_refused),
		cmocka_unit_test(keys_are_written_and_read),
		cmocka_unit_test(passphrases_guard_keys),
		cmocka_unit_test(bundles_are_split),
		cmocka_unit_test(private_keys_are_found),
		cmocka_unit_test(programs_that_know_keys_are_none),
		cmocka_unit_test(keys_are_found_far_in_a_text),
		cmocka_unit_test(names_of_signers_are_one_word),
		cmocka_unit_test(hosts_are_names_or_addresses),
	};

	return cmocka_run_group_tests_name("certs", tests, set_up, tear_down);
}
