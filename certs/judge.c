#include "judge.h"

#include "openssl_glue.h"
#include "sbuf.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/** What iPXE asks of RSA keys is nothing; anybody can forge with less. */
enum { RSA_LEAST_BITS = 2048 };

void findings_release(struct findings *findings)
{
	for (size_t i = 0; i < findings->count; i++)
		free(findings->at[i].message);
	findings->count = 0;
}

void time_write(time_t when, struct sbuf *out)
{
	struct tm tm;
	char text[64];

	if (!gmtime_r(&when, &tm) ||
	    strftime(text, sizeof(text), "%Y-%m-%d %H:%M UTC", &tm) == 0)
		sbuf_puts(out, "a time that cannot be read");
	else
		sbuf_puts(out, text);
}

/** @return whether something is wrong; then a message has been added */
typedef bool finder(X509 *x509, const struct judgement *judgement,
		    struct sbuf *message);

static bool is_malformed(X509 *x509, const struct judgement *judgement,
			 struct sbuf *message)
{
	(void)judgement;
	if (!(X509_get_extension_flags(x509) & EXFLAG_INVALID))
		return false;
	sbuf_puts(message, "has an extension that cannot be read");
	return true;
}

/* iPXE takes curves by their names only, not by parameters; OpenSSL would find
 * the name that fits the parameters. */
static bool has_named_curve(X509 *x509)
{
	X509_ALGOR *algorithm;
	int kind;

	if (X509_PUBKEY_get0_param(NULL, NULL, NULL, &algorithm,
				   X509_get_X509_PUBKEY(x509)) != 1)
		return false;
	X509_ALGOR_get0(NULL, &kind, NULL, algorithm);
	return kind == V_ASN1_OBJECT;
}

static bool is_curve_known(const EVP_PKEY *pkey)
{
	static const char *const curves[] = { "prime256v1", "secp384r1" };
	char curve[64];
	size_t len;

	if (EVP_PKEY_get_ec_point_conv_form(pkey) !=
		    POINT_CONVERSION_UNCOMPRESSED ||
	    EVP_PKEY_get_group_name(pkey, curve, sizeof(curve), &len) != 1)
		return false;
	for (size_t i = 0; i < sizeof(curves) / sizeof(*curves); i++)
		if (strcmp(curve, curves[i]) == 0)
			return true;
	return false;
}

static bool has_foreign_key(X509 *x509, const struct judgement *judgement,
			    struct sbuf *message)
{
	const EVP_PKEY *pkey = X509_get0_pubkey(x509);
	struct certificate certificate = { x509 };

	(void)judgement;
	if (pkey && EVP_PKEY_is_a(pkey, "RSA"))
		return false;
	if (pkey && EVP_PKEY_is_a(pkey, "EC") && has_named_curve(x509) &&
	    is_curve_known(pkey))
		return false;
	sbuf_puts(message, "has a key that iPXE cannot use (");
	certificate_key(&certificate, message);
	sbuf_puts(message, "); it knows RSA and ECDSA on P-256 and P-384");
	return true;
}

static bool has_weak_key(X509 *x509, const struct judgement *judgement,
			 struct sbuf *message)
{
	const EVP_PKEY *pkey = X509_get0_pubkey(x509);

	(void)judgement;
	if (!pkey || !EVP_PKEY_is_a(pkey, "RSA") ||
	    EVP_PKEY_get_bits(pkey) >= RSA_LEAST_BITS)
		return false;
	sbuf_printf(message,
		    "has an RSA key of %d bits; less than %d can be "
		    "broken",
		    EVP_PKEY_get_bits(pkey), RSA_LEAST_BITS);
	return true;
}

static bool has_foreign_algorithm(X509 *x509, const struct judgement *judgement,
				  struct sbuf *message)
{
	static const int known[] = {
		NID_sha256WithRSAEncryption, NID_sha384WithRSAEncryption,
		NID_sha512WithRSAEncryption, NID_ecdsa_with_SHA256,
		NID_ecdsa_with_SHA384,       NID_ecdsa_with_SHA512,
	};
	const X509_ALGOR *algorithm = X509_get0_tbs_sigalg(x509);
	const ASN1_OBJECT *object;
	char name[80];

	(void)judgement;
	X509_ALGOR_get0(&object, NULL, NULL, algorithm);
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (OBJ_obj2nid(object) == known[i])
			return false;
	OBJ_obj2txt(name, sizeof(name), object, 0);
	sbuf_printf(message,
		    "is signed with %s, which our iPXE does not know; it takes "
		    "RSA (PKCS #1 v1.5) and ECDSA, with SHA-256, SHA-384 or "
		    "SHA-512",
		    name);
	return true;
}

static bool is_extension_known(X509_EXTENSION *extension)
{
	static const int known[] = { NID_basic_constraints, NID_key_usage,
				     NID_ext_key_usage, NID_info_access,
				     NID_subject_alt_name };
	int nid = OBJ_obj2nid(X509_EXTENSION_get_object(extension));

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (nid == known[i])
			return true;
	return false;
}

static bool has_foreign_critical(X509 *x509, const struct judgement *judgement,
				 struct sbuf *message)
{
	char name[80];

	(void)judgement;
	for (int i = 0; i < X509_get_ext_count(x509); i++) {
		X509_EXTENSION *extension = X509_get_ext(x509, i);

		if (!X509_EXTENSION_get_critical(extension) ||
		    is_extension_known(extension))
			continue;
		OBJ_obj2txt(name, sizeof(name),
			    X509_EXTENSION_get_object(extension), 0);
		sbuf_printf(message,
			    "has the critical extension \"%s\", which iPXE "
			    "does not know and must refuse",
			    name);
		return true;
	}
	return false;
}

static bool is_no_ca(X509 *x509, const struct judgement *judgement,
		     struct sbuf *message)
{
	(void)judgement;
	if (!(X509_get_extension_flags(x509) & EXFLAG_CA)) {
		sbuf_puts(message, "is not a CA (no basicConstraints with "
				   "CA:TRUE), so nothing can be issued by it");
		return true;
	}
	if (!(X509_get_key_usage(x509) & KU_KEY_CERT_SIGN)) {
		sbuf_puts(message, "is a CA without the key usage keyCertSign, "
				   "so nothing can be issued by it");
		return true;
	}
	return false;
}

/* Other than for issuers, iPXE wants a signer to have both of them stated. */
static bool is_no_signer(X509 *x509, const struct judgement *judgement,
			 struct sbuf *message)
{
	uint32_t flags = X509_get_extension_flags(x509);

	(void)judgement;
	if (!(flags & EXFLAG_KUSAGE) ||
	    !(X509_get_key_usage(x509) & KU_DIGITAL_SIGNATURE)) {
		sbuf_puts(message, "lacks the key usage digitalSignature");
		return true;
	}
	if (!(flags & EXFLAG_XKUSAGE) ||
	    !(X509_get_extended_key_usage(x509) & XKU_CODE_SIGN)) {
		sbuf_puts(message, "lacks the extended key usage codeSigning");
		return true;
	}
	return false;
}

static bool has_other_name(X509 *x509, const struct judgement *judgement,
			   struct sbuf *message)
{
	const struct certificate certificate = { x509 };

	if (!judgement->name ||
	    certificate_is_named(&certificate, judgement->name))
		return false;
	sbuf_printf(message, "has another name than \"%s\"", judgement->name);
	return true;
}

static bool has_expired(X509 *x509, const struct judgement *judgement,
			struct sbuf *message)
{
	const struct certificate certificate = { x509 };
	time_t end = certificate_not_after(&certificate);

	if (end >= judgement->now)
		return false;
	sbuf_puts(message, "has expired: it was valid until ");
	time_write(end, message);
	return true;
}

static bool is_not_yet_valid(X509 *x509, const struct judgement *judgement,
			     struct sbuf *message)
{
	const struct certificate certificate = { x509 };
	time_t begin = certificate_not_before(&certificate);

	if (begin <= judgement->now)
		return false;
	sbuf_puts(message, "is not valid yet: it will be from ");
	time_write(begin, message);
	return true;
}

static bool expires_soon(X509 *x509, const struct judgement *judgement,
			 struct sbuf *message)
{
	const struct certificate certificate = { x509 };
	time_t end = certificate_not_after(&certificate);

	if (end < judgement->now || end - judgement->now >= EXPIRES_SOON_S)
		return false;
	sbuf_puts(message, "expires soon: it is valid until ");
	time_write(end, message);
	return true;
}

enum {
	ROOT = 1 << ROLE_ROOT,
	SERVER = 1 << ROLE_SERVER,
	SIGNER = 1 << ROLE_SIGNER,
	ANY = ROOT | SERVER | SIGNER
};

static const struct rule {
	finder *find;
	int roles;     /**< bits */
	bool readable; /**< iPXE cannot even read the certificate */
} rules[FINDING_KINDS] = {
	[FINDING_MALFORMED] = { is_malformed, ANY, true },
	[FINDING_KEY] = { has_foreign_key, ANY, true },
	[FINDING_WEAK_KEY] = { has_weak_key, ANY, false },
	[FINDING_ALGORITHM] = { has_foreign_algorithm, ANY, true },
	[FINDING_CRITICAL] = { has_foreign_critical, ANY, true },
	[FINDING_NOT_CA] = { is_no_ca, ROOT, false },
	[FINDING_USAGE] = { is_no_signer, SIGNER, false },
	[FINDING_NAME] = { has_other_name, SERVER | SIGNER, false },
	[FINDING_EXPIRED] = { has_expired, ANY, false },
	[FINDING_NOT_YET_VALID] = { is_not_yet_valid, ANY, false },
	[FINDING_EXPIRES_SOON] = { expires_soon, ANY, false },
};

void certificate_judge(const struct certificate *certificate,
		       const struct judgement *judgement,
		       struct findings *findings)
{
	findings_release(findings);
	for (size_t i = 0; i < FINDING_KINDS; i++) {
		struct sbuf message = { 0 };

		if ((rules[i].roles & 1 << judgement->role) &&
		    rules[i].find(certificate->x509, judgement, &message))
			findings->at[findings->count++] = (struct finding){
				.kind = (enum finding_kind)i,
				.message = message.ptr,
			};
	}
	ERR_clear_error();
}

bool certificate_is_readable(const struct certificate *certificate,
			     struct sbuf *why)
{
	bool readable = true;

	for (size_t i = 0; readable && i < FINDING_KINDS; i++)
		if (rules[i].readable)
			readable = !rules[i].find(certificate->x509, NULL, why);
	ERR_clear_error();
	return readable;
}
