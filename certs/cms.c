#include "cms.h"

#include "compile.h"
#include "openssl_glue.h"
#include "sbuf.h"

#include <errno.h>
#include <limits.h>
#include <openssl/cms.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

/* A signature holds a few certificates; one that does not fit is no such. */
enum { CMS_MOST_BYTES = 1 << 20 };

static EVP_PKEY_CTX *digest_context(EVP_PKEY *pkey,
				    int (*begin)(EVP_PKEY_CTX *))
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(pkey, NULL);

	if (context && begin(context) == 1 &&
	    EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) == 1 &&
	    (!EVP_PKEY_is_a(pkey, "RSA") ||
	     EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1))
		return context;
	EVP_PKEY_CTX_free(context);
	return NULL;
}

/** Make the raw signature and put it where CMS has it. */
static bool sign_digest(EVP_PKEY *pkey, const struct digest *digest,
			ASN1_OCTET_STRING *into)
{
	EVP_PKEY_CTX *context = digest_context(pkey, EVP_PKEY_sign_init);
	unsigned char bytes[2048]; /* RSA of 16384 bits, OpenSSL's most */
	size_t len = sizeof(bytes);
	bool ok = context &&
		  EVP_PKEY_sign(context, bytes, &len, digest->sha256,
				sizeof(digest->sha256)) == 1 &&
		  ASN1_OCTET_STRING_set(into, bytes, (int)len) == 1;

	EVP_PKEY_CTX_free(context);
	return ok;
}

static bool add_chain(CMS_ContentInfo *cms, const struct cms_signer *signer)
{
	for (size_t i = 0; i < signer->chain->count; i++) {
		const struct certificate *link = &signer->chain->at[i];

		/* add1 fails for one that is in already. */
		if (!certificate_equal(link, signer->certificate) &&
		    CMS_add1_cert(cms, link->x509) != 1)
			return false;
	}
	return true;
}

/* OpenSSL 3.0 signs content only, not a digest (CMS_final_digest() is of 3.1):
 * so it makes everything around the signature, which does not depend on the
 * content as there are no signed attributes. */
static CMS_ContentInfo *make_signed(const struct cms_signer *signer,
				    const struct digest *digest)
{
	static const unsigned flags = CMS_PARTIAL | CMS_BINARY | CMS_NOATTR |
				      CMS_DETACHED | CMS_NOSMIMECAP;
	CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, flags);
	CMS_SignerInfo *info =
		cms ? CMS_add1_signer(cms, signer->certificate->x509,
				      signer->key->pkey, EVP_sha256(), flags)
		    : NULL;

	if (info && add_chain(cms, signer) &&
	    sign_digest(signer->key->pkey, digest,
			CMS_SignerInfo_get0_signature(info)))
		return cms;
	CMS_ContentInfo_free(cms);
	return NULL;
}

int cms_sign(const struct cms_signer *signer, const struct digest *digest,
	     struct sbuf *ret_der)
{
	CMS_ContentInfo *cms = make_signed(signer, digest);
	unsigned char *der = NULL;
	int len = cms ? i2d_CMS_ContentInfo(cms, &der) : -1;

	CMS_ContentInfo_free(cms);
	ERR_clear_error();
	if (len <= 0)
		return -EIO;
	sbuf_add(ret_der, der, (size_t)len);
	OPENSSL_free(der);
	return 0;
}

/** A signature being verified. */
struct check {
	const struct digest *digest;
	const struct cms_policy *policy;
	struct certificates enclosed;
	struct sbuf *why;
	bool wants_times;
	time_t from, until; /**< everybody so far is valid between these */
};

static int refuse(struct check *check, const char *reason)
{
	sbuf_puts(check->why, reason);
	return -EBADMSG;
}

static int refuse_certificate(struct check *check,
			      const struct certificate *certificate,
			      const char *reason)
{
	sbuf_puts(check->why, "the certificate ");
	certificate_subject(certificate, check->why);
	sbuf_printf(check->why, " %s", reason);
	return -EBADMSG;
}

/* OpenSSL reads more than iPXE does: BER, and bytes behind the end. */
static CMS_ContentInfo *decode(const void *der, size_t len)
{
	const unsigned char *end = der;
	CMS_ContentInfo *cms = NULL;
	unsigned char *again = NULL;
	int again_len;

	if (len > 0 && len <= CMS_MOST_BYTES)
		cms = d2i_CMS_ContentInfo(NULL, &end, (long)len);
	if (!cms)
		return NULL;
	again_len = i2d_CMS_ContentInfo(cms, &again);
	if (again_len < 0 || (size_t)again_len != len ||
	    memcmp(again, der, len) != 0) {
		CMS_ContentInfo_free(cms);
		cms = NULL;
	}
	OPENSSL_free(again);
	return cms;
}

/** Take the enclosed certificates; iPXE must be able to read all of them. */
static int take_enclosed(struct check *check, CMS_ContentInfo *cms)
{
	STACK_OF(X509) *stack = CMS_get1_certs(cms);
	struct sbuf reason = { 0 };
	int rc = 0;

	for (int i = 0; i < sk_X509_num(stack); i++)
		certificates_add(
			&check->enclosed,
			&(struct certificate){ sk_X509_value(stack, i) });
	sk_X509_pop_free(stack, X509_free);
	for (size_t i = 0; rc == 0 && i < check->enclosed.count; i++)
		if (!certificate_is_readable(&check->enclosed.at[i], &reason))
			rc = refuse_certificate(check, &check->enclosed.at[i],
						sbuf_text(&reason));
	sbuf_release(&reason);
	return rc;
}

static const struct certificate *find_signer(const struct check *check,
					     CMS_SignerInfo *info)
{
	for (size_t i = 0; i < check->enclosed.count; i++)
		if (CMS_SignerInfo_cert_cmp(info, check->enclosed.at[i].x509) ==
		    0)
			return &check->enclosed.at[i];
	return NULL;
}

static bool is_by_issuer_and_serial(CMS_SignerInfo *info)
{
	ASN1_OCTET_STRING *key_id = NULL;
	X509_NAME *issuer = NULL;
	ASN1_INTEGER *serial = NULL;

	return CMS_SignerInfo_get0_signer_id(info, &key_id, &issuer, &serial) ==
		       1 &&
	       !key_id;
}

static int nid_of(const X509_ALGOR *algorithm)
{
	const ASN1_OBJECT *object;

	X509_ALGOR_get0(&object, NULL, NULL, algorithm);
	return OBJ_obj2nid(object);
}

/** The algorithms fit each other and the key. */
static bool are_algorithms_known(CMS_SignerInfo *info, const EVP_PKEY *pkey)
{
	static const struct {
		int nid;
		const char *key;
	} known[] = {
		{ NID_rsaEncryption, "RSA" },
		{ NID_sha256WithRSAEncryption, "RSA" },
		{ NID_ecdsa_with_SHA256, "EC" },
	};
	X509_ALGOR *digest, *signature;

	CMS_SignerInfo_get0_algs(info, NULL, NULL, &digest, &signature);
	if (nid_of(digest) != NID_sha256)
		return false;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (nid_of(signature) == known[i].nid)
			return EVP_PKEY_is_a(pkey, known[i].key);
	return false;
}

static bool is_signed_by(CMS_SignerInfo *info, EVP_PKEY *pkey,
			 const struct digest *digest)
{
	EVP_PKEY_CTX *context = digest_context(pkey, EVP_PKEY_verify_init);
	ASN1_OCTET_STRING *signature = CMS_SignerInfo_get0_signature(info);
	bool ok = context &&
		  EVP_PKEY_verify(context, ASN1_STRING_get0_data(signature),
				  (size_t)ASN1_STRING_length(signature),
				  digest->sha256, sizeof(digest->sha256)) == 1;

	EVP_PKEY_CTX_free(context);
	return ok;
}

static int check_form(struct check *check, CMS_SignerInfo *info,
		      const struct certificate *signer)
{
	if (CMS_signed_get_attr_count(info) > 0)
		return refuse(check, "it has signed attributes, which iPXE "
				     "does not know (openssl cms -noattr)");
	if (!are_algorithms_known(info, X509_get0_pubkey(signer->x509)))
		return refuse(check, "it is not made with SHA-256 and RSA "
				     "(PKCS #1 v1.5) or ECDSA");
	return 0;
}

static int check_usage(struct check *check, const struct certificate *signer)
{
	const struct judgement judgement = { .role = ROLE_SIGNER,
					     .now = check->policy->now };
	CLEANUP(findings) findings = { 0 };

	certificate_judge(signer, &judgement, &findings);
	for (size_t i = 0; i < findings.count; i++)
		if (findings.at[i].kind == FINDING_USAGE)
			return refuse_certificate(check, signer,
						  findings.at[i].message);
	return 0;
}

static int check_signer(struct check *check, CMS_SignerInfo *info,
			const struct certificate *signer)
{
	int rc = check_form(check, info, signer);

	if (rc == 0)
		rc = check_usage(check, signer);
	if (rc == 0 &&
	    !is_signed_by(info, X509_get0_pubkey(signer->x509), check->digest))
		rc = refuse(check, "it is not the signature of this content");
	return rc;
}

static int refuse_name(struct check *check)
{
	sbuf_printf(check->why, "it is not signed by \"%s\"",
		    check->policy->signer);
	for (size_t i = 0; i < check->enclosed.count; i++) {
		sbuf_puts(check->why, i ? "; " : "; enclosed: ");
		certificate_subject(&check->enclosed.at[i], check->why);
	}
	return -EBADMSG;
}

static void narrow(struct check *check, const struct certificate *certificate)
{
	time_t from = certificate_not_before(certificate);
	time_t until = certificate_not_after(certificate);

	if (from > check->from)
		check->from = from;
	if (until < check->until)
		check->until = until;
}

static void narrow_to_way(struct check *check, const struct certificate *signer)
{
	CLEANUP(certificates) way = { 0 };

	certificate_path(signer, &check->enclosed, check->policy->roots, &way);
	narrow(check, signer);
	for (size_t i = 0; i < way.count; i++)
		narrow(check, &way.at[i]);
}

/**
 * All signers.
 *
 * @param ret_first	set to the first that counts
 */
static int check_signers(struct check *check, CMS_ContentInfo *cms,
			 const struct certificate **ret_first)
{
	STACK_OF(CMS_SignerInfo) *infos = CMS_get0_SignerInfos(cms);
	const char *name = check->policy->signer;
	int rc = 0;

	*ret_first = NULL;
	for (int i = 0; rc == 0 && i < sk_CMS_SignerInfo_num(infos); i++) {
		CMS_SignerInfo *info = sk_CMS_SignerInfo_value(infos, i);
		const struct certificate *signer = find_signer(check, info);

		if (!is_by_issuer_and_serial(info))
			return refuse(check, "it names its signer by key and "
					     "not by issuer and serial number");
		if (!signer)
			return refuse(check, "the certificate of its signer is "
					     "not enclosed");
		/* imgverify completes all chains before it looks at names. */
		rc = certificate_validate(signer, &check->enclosed,
					  check->policy->roots,
					  check->policy->now, check->why);
		if (rc == 0 && check->wants_times)
			narrow_to_way(check, signer);
		if (rc != 0 || (name && !certificate_is_named(signer, name)))
			continue;
		rc = check_signer(check, info, signer);
		if (!*ret_first)
			*ret_first = signer;
	}
	if (rc == 0 && !*ret_first)
		return name ? refuse_name(check)
			    : refuse(check, "it has no signer");
	return rc;
}

static int verify(struct check *check, CMS_ContentInfo *cms,
		  struct cms_verdict *ret_verdict)
{
	const struct certificate *signer;
	int rc;

	if (!cms || OBJ_obj2nid(CMS_get0_type(cms)) != NID_pkcs7_signed)
		return refuse(check, "it is no CMS signature in DER");
	rc = take_enclosed(check, cms);
	if (rc == 0)
		rc = check_signers(check, cms, &signer);
	if (rc == 0 && ret_verdict) {
		certificate_fingerprint(signer, ret_verdict->signer);
		ret_verdict->from = check->from;
		ret_verdict->until = check->until;
	}
	return rc;
}

int cms_verify(const void *der, size_t len, const struct digest *digest,
	       const struct cms_policy *policy, struct cms_verdict *ret_verdict,
	       struct sbuf *why)
{
	CMS_ContentInfo *cms = decode(der, len);
	struct check check = {
		.digest = digest,
		.policy = policy,
		.why = why,
		.wants_times = ret_verdict != NULL,
		.from = INT64_MIN,
		.until = INT64_MAX,
	};
	int rc = verify(&check, cms, ret_verdict);

	certificates_release(&check.enclosed);
	CMS_ContentInfo_free(cms);
	ERR_clear_error();
	return rc;
}
