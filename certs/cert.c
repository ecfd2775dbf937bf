#include "cert.h"

#include "arena.h"
#include "sbuf.h"
#include "sha256.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include <arpa/inet.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

void certs_release(struct certs *certs)
{
	for (size_t i = 0; i < certs->count; i++)
		X509_free(certs->at[i].x509);
	free(certs->at);
	*certs = (struct certs){ 0 };
}

/* The reference becomes the list's. */
static void append(struct certs *certs, X509 *x509)
{
	if (certs->count == certs->room) {
		certs->room = certs->room ? size_product(certs->room, 2) : 4;
		certs->at =
			xrealloc(certs->at,
				 size_product(certs->room, sizeof(*certs->at)));
	}
	certs->at[certs->count++].x509 = x509;
}

void certs_add(struct certs *certs, struct cert cert)
{
	X509_up_ref(cert.x509);
	append(certs, cert.x509);
}

void certs_add_all(struct certs *certs, const struct certs *from)
{
	for (size_t i = 0; i < from->count; i++)
		certs_add(certs, from->at[i]);
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

/** One block of PEM: append it, pass it over, or say what is wrong. */
static int take_block(struct certs *certs, const char *name,
		      const unsigned char *der, long len)
{
	const unsigned char *at = der;
	X509 *x509;

	if (ends_with(name, "PRIVATE KEY"))
		return -EKEYREJECTED;
	/* OpenSSL's own form, with something behind the certificate. */
	if (strcmp(name, PEM_STRING_X509_TRUSTED) == 0)
		return -EBADMSG;
	if (strcmp(name, PEM_STRING_X509) != 0 &&
	    strcmp(name, PEM_STRING_X509_OLD) != 0)
		return 0;
	x509 = d2i_X509(NULL, &at, len);
	if (!x509)
		return -EBADMSG;
	append(certs, x509);
	return at == der + len ? 0 : -EBADMSG;
}

static int parse_blocks(struct certs *certs, BIO *bio)
{
	char *name, *header;
	unsigned char *der;
	long len;
	int result = 0;

	while (result == 0 && PEM_read_bio(bio, &name, &header, &der, &len)) {
		result = take_block(certs, name, der, len);
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_clear_free(der, (size_t)len);
	}
	if (result)
		return result;
	return ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE
		       ? 0
		       : -EBADMSG;
}

int certs_parse(struct certs *certs, const void *bytes, size_t len)
{
	size_t before = certs->count;
	BIO *bio;
	int result;

	if (len > INT32_MAX)
		return -EBADMSG;
	bio = BIO_new_mem_buf(bytes, (int)len);
	if (!bio)
		out_of_memory();
	ERR_clear_error();
	result = parse_blocks(certs, bio);
	ERR_clear_error();
	BIO_free(bio);
	if (result == 0 && certs->count == before)
		return -ENOENT;
	return result;
}

/** Move what was written to a memory BIO. */
static void drain(BIO *bio, struct sbuf *out)
{
	char *bytes;
	long len = BIO_get_mem_data(bio, &bytes);

	if (len > 0)
		sbuf_add(out, bytes, (size_t)len);
	BIO_free(bio);
}

static BIO *text_bio(void)
{
	BIO *bio = BIO_new(BIO_s_mem());

	if (!bio)
		out_of_memory();
	return bio;
}

void cert_write_pem(struct cert cert, struct sbuf *out)
{
	BIO *bio = text_bio();

	PEM_write_bio_X509(bio, cert.x509);
	drain(bio, out);
}

/* ---- what is in it ---- */

static void name_text(const X509_NAME *name, struct sbuf *out)
{
	BIO *bio = text_bio();

	X509_NAME_print_ex(bio, name, 0,
			   (XN_FLAG_ONELINE & ~XN_FLAG_SPC_EQ &
			    ~(unsigned long)ASN1_STRFLGS_ESC_MSB) |
				   ASN1_STRFLGS_UTF8_CONVERT);
	drain(bio, out);
}

void cert_subject(struct cert cert, struct sbuf *out)
{
	name_text(X509_get_subject_name(cert.x509), out);
}

void cert_issuer(struct cert cert, struct sbuf *out)
{
	name_text(X509_get_issuer_name(cert.x509), out);
}

static void add_separator(struct sbuf *out, size_t begin)
{
	if (out->len > begin)
		sbuf_puts(out, ", ");
}

/** A text of somebody else's, for a terminal. */
static void add_printable(struct sbuf *out, const unsigned char *at, int len)
{
	for (int i = 0; i < len; i++) {
		if (at[i] > ' ' && at[i] < 0x7f)
			sbuf_putc(out, (char)at[i]);
		else
			sbuf_printf(out, "\\%02X", at[i]);
	}
}

static void add_address(struct sbuf *out, const ASN1_OCTET_STRING *address)
{
	int family = ASN1_STRING_length(address) == 4 ? AF_INET : AF_INET6;
	char text[INET6_ADDRSTRLEN];

	if (family == AF_INET6 && ASN1_STRING_length(address) != 16)
		sbuf_puts(out, "IP:?");
	else if (inet_ntop(family, ASN1_STRING_get0_data(address), text,
			   sizeof(text)))
		sbuf_printf(out, "IP:%s", text);
}

void cert_names(struct cert cert, struct sbuf *out)
{
	GENERAL_NAMES *names =
		X509_get_ext_d2i(cert.x509, NID_subject_alt_name, NULL, NULL);
	size_t begin = out->len;

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		add_separator(out, begin);
		if (name->type == GEN_IPADD) {
			add_address(out, name->d.iPAddress);
		} else if (name->type == GEN_DNS) {
			sbuf_puts(out, "DNS:");
			add_printable(out,
				      ASN1_STRING_get0_data(name->d.dNSName),
				      ASN1_STRING_length(name->d.dNSName));
		} else {
			sbuf_puts(out, "a kind that iPXE does not know");
		}
	}
	GENERAL_NAMES_free(names);
}

/* X509_get_key_usage() and its like answer "everything" when there is no such
 * extension, and iPXE's "nothing" is what counts here. */
static uint32_t key_usage(X509 *x509)
{
	return X509_get_extension_flags(x509) & EXFLAG_KUSAGE
		       ? X509_get_key_usage(x509)
		       : 0;
}

static uint32_t extended_usage(X509 *x509)
{
	return X509_get_extension_flags(x509) & EXFLAG_XKUSAGE
		       ? X509_get_extended_key_usage(x509)
		       : 0;
}

static bool is_ca(X509 *x509)
{
	return X509_get_extension_flags(x509) & EXFLAG_CA;
}

struct usage_name {
	uint32_t bit;
	const char *name;
};

static const struct usage_name key_usages[] = {
	{ KU_DIGITAL_SIGNATURE, "digitalSignature" },
	{ KU_NON_REPUDIATION, "nonRepudiation" },
	{ KU_KEY_ENCIPHERMENT, "keyEncipherment" },
	{ KU_DATA_ENCIPHERMENT, "dataEncipherment" },
	{ KU_KEY_AGREEMENT, "keyAgreement" },
	{ KU_KEY_CERT_SIGN, "keyCertSign" },
	{ KU_CRL_SIGN, "cRLSign" },
	{ 0 },
};

static const struct usage_name extended_usages[] = {
	{ XKU_SSL_SERVER, "serverAuth" },      { XKU_SSL_CLIENT, "clientAuth" },
	{ XKU_CODE_SIGN, "codeSigning" },      { XKU_SMIME, "emailProtection" },
	{ XKU_TIMESTAMP, "timeStamping" },     { XKU_OCSP_SIGN, "OCSPSigning" },
	{ XKU_ANYEKU, "anyExtendedKeyUsage" }, { 0 },
};

static void add_usages(struct sbuf *out, size_t begin, uint32_t bits,
		       const struct usage_name *names)
{
	for (; names->bit; names++) {
		if (!(bits & names->bit))
			continue;
		add_separator(out, begin);
		sbuf_puts(out, names->name);
	}
}

void cert_usages(struct cert cert, struct sbuf *out)
{
	size_t begin = out->len;

	if (is_ca(cert.x509))
		sbuf_puts(out, "CA");
	add_usages(out, begin, key_usage(cert.x509), key_usages);
	add_usages(out, begin, extended_usage(cert.x509), extended_usages);
}

static bool to_time(const ASN1_TIME *asn1, time_t *ret_time)
{
	struct tm tm;

	if (!asn1 || ASN1_TIME_to_tm(asn1, &tm) != 1)
		return false;
	*ret_time = timegm(&tm);
	return true;
}

bool cert_validity(struct cert cert, time_t *ret_from, time_t *ret_until)
{
	time_t from, until;

	if (!to_time(X509_get0_notBefore(cert.x509), &from) ||
	    !to_time(X509_get0_notAfter(cert.x509), &until))
		return false;
	*ret_from = from;
	*ret_until = until;
	return true;
}

void cert_format_time(time_t when, char ret_text[static 32])
{
	struct tm tm;

	if (!gmtime_r(&when, &tm) ||
	    !strftime(ret_text, 32, "%Y-%m-%d %H:%M UTC", &tm))
		strcpy(ret_text, "a time out of range");
}

void cert_fingerprint(struct cert cert, struct digest *ret_digest)
{
	unsigned char *der = NULL;
	int len = i2d_X509(cert.x509, &der);

	if (len < 0)
		out_of_memory();
	sha256_of(der, (size_t)len, ret_digest);
	OPENSSL_free(der);
}

bool cert_equal(struct cert a, struct cert b)
{
	return X509_cmp(a.x509, b.x509) == 0;
}

/* X509_NAME_cmp() would take "Lab" and "lab" for the same; iPXE does not. */
static bool same_name(const X509_NAME *a, const X509_NAME *b)
{
	const unsigned char *a_der, *b_der;
	size_t a_len, b_len;

	return X509_NAME_get0_der(a, &a_der, &a_len) == 1 &&
	       X509_NAME_get0_der(b, &b_der, &b_len) == 1 && a_len == b_len &&
	       memcmp(a_der, b_der, a_len) == 0;
}

void cert_subject_digest(struct cert cert, struct digest *ret_digest)
{
	const unsigned char *der;
	size_t len;

	if (X509_NAME_get0_der(X509_get_subject_name(cert.x509), &der, &len) !=
	    1)
		out_of_memory();
	sha256_of(der, len, ret_digest);
}

bool cert_names_issuer(struct cert cert, struct cert issuer)
{
	return same_name(X509_get_issuer_name(cert.x509),
			 X509_get_subject_name(issuer.x509));
}

static bool dns_name_is(const ASN1_STRING *pattern, const char *name)
{
	const char *text = (const char *)ASN1_STRING_get0_data(pattern);
	size_t len = (size_t)ASN1_STRING_length(pattern);

	if (len >= 2 && text[0] == '*' && text[1] == '.') {
		text += 2;
		len -= 2;
		name = strchr(name, '.');
		if (!name)
			return false;
		name++;
	}
	return strlen(name) == len && strncasecmp(name, text, len) == 0;
}

static const ASN1_STRING *common_name(X509 *x509)
{
	const X509_NAME *subject = X509_get_subject_name(x509);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);

	return at < 0 ? NULL
		      : X509_NAME_ENTRY_get_data(
				X509_NAME_get_entry(subject, at));
}

bool cert_has_name(struct cert cert, const char *name)
{
	const ASN1_STRING *common = common_name(cert.x509);
	GENERAL_NAMES *names;
	bool found = common && dns_name_is(common, name);

	names = X509_get_ext_d2i(cert.x509, NID_subject_alt_name, NULL, NULL);
	for (int i = 0; !found && i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *other = sk_GENERAL_NAME_value(names, i);

		found = other->type == GEN_DNS &&
			dns_name_is(other->d.dNSName, name);
	}
	GENERAL_NAMES_free(names);
	return found;
}

/* ---- the key ---- */

struct public_key {
	int algorithm; /**< NID */
	int curve;     /**< NID, NID_undef for none or one without a name */
	const unsigned char *bytes;
	int len, bits;
};

static bool public_key(X509 *x509, struct public_key *ret_key)
{
	const EVP_PKEY *decoded = X509_get0_pubkey(x509);
	ASN1_OBJECT *oid;
	const ASN1_OBJECT *curve = NULL;
	const void *parameter;
	X509_ALGOR *algorithm;
	int kind;

	if (X509_PUBKEY_get0_param(&oid, &ret_key->bytes, &ret_key->len,
				   &algorithm, X509_get_X509_PUBKEY(x509)) != 1)
		return false;
	X509_ALGOR_get0(NULL, &kind, &parameter, algorithm);
	if (kind == V_ASN1_OBJECT)
		curve = parameter;
	ret_key->algorithm = OBJ_obj2nid(oid);
	ret_key->curve = curve ? OBJ_obj2nid(curve) : NID_undef;
	ret_key->bits = decoded ? EVP_PKEY_get_bits(decoded) : 0;
	return true;
}

static const char *algorithm_name(int nid)
{
	return nid == NID_undef ? "an unknown kind" : OBJ_nid2ln(nid);
}

static const struct {
	int nid;
	int point_bytes;
	const char *name;
} curves[] = {
	{ NID_X9_62_prime256v1, 2 * 32, "P-256" },
	{ NID_secp384r1, 2 * 48, "P-384" },
};

void cert_key_kind(struct cert cert, struct sbuf *out)
{
	struct public_key key;

	if (!public_key(cert.x509, &key)) {
		sbuf_puts(out, "unreadable");
		return;
	}
	if (key.algorithm == NID_rsaEncryption) {
		sbuf_printf(out, "RSA %d", key.bits);
		return;
	}
	if (key.algorithm != NID_X9_62_id_ecPublicKey) {
		sbuf_puts(out, algorithm_name(key.algorithm));
		return;
	}
	for (size_t i = 0; i < LENGTH(curves); i++) {
		if (key.curve == curves[i].nid) {
			sbuf_printf(out, "ECDSA %s", curves[i].name);
			return;
		}
	}
	sbuf_printf(out, "ECDSA %s",
		    key.curve == NID_undef ? "with a curve of its own"
					   : OBJ_nid2sn(key.curve));
}

/* ---- judging ---- */

struct judge {
	X509 *x509;
	time_t now;
	struct cert_findings *findings;
};

static void find(struct judge *judge, enum cert_fault fault, const char *format,
		 ...) __attribute__((format(printf, 3, 4)));

static void find(struct judge *judge, enum cert_fault fault, const char *format,
		 ...)
{
	struct cert_findings *findings = judge->findings;
	struct cert_finding *finding = &findings->at[findings->count];
	va_list args;

	for (size_t i = 0; i < findings->count; i++)
		if (findings->at[i].fault == fault)
			return;
	findings->count++;
	finding->fault = fault;
	va_start(args, format);
	vsnprintf(finding->text, sizeof(finding->text), format, args);
	va_end(args);
}

static void judge_time(struct judge *judge)
{
	struct cert cert = { judge->x509 };
	char text[32];
	time_t from, until;

	if (!cert_validity(cert, &from, &until)) {
		find(judge, CERT_DAMAGED, "has times that make no sense");
		return;
	}
	cert_format_time(from > judge->now ? from : until, text);
	if (from > judge->now)
		find(judge, CERT_NOT_YET, "is not valid before %s", text);
	else if (until < judge->now)
		find(judge, CERT_EXPIRED, "expired on %s", text);
	else if (until - judge->now < CERT_SOON_S)
		find(judge, CERT_EXPIRES_SOON, "expires on %s, in %d days",
		     text, (int)((until - judge->now) / (24 * 3600)));
}

static void judge_rsa(struct judge *judge, const struct public_key *key)
{
	if (key->bits == 0)
		find(judge, CERT_DAMAGED, "has a key that makes no sense");
	else if (key->bits < 2048)
		find(judge, CERT_KEY_WEAK,
		     "has an RSA key of %d bits; less than 2048 can be broken",
		     key->bits);
}

static void judge_curve(struct judge *judge, const struct public_key *key)
{
	for (size_t i = 0; i < LENGTH(curves); i++) {
		if (key->curve != curves[i].nid)
			continue;
		if (key->len != 1 + curves[i].point_bytes ||
		    key->bytes[0] != POINT_CONVERSION_UNCOMPRESSED)
			find(judge, CERT_KEY_UNSUPPORTED,
			     "has its public key in compressed form, which "
			     "iPXE cannot read");
		return;
	}
	find(judge, CERT_KEY_UNSUPPORTED,
	     "has a key on %s; the curves that iPXE knows are P-256 and P-384",
	     key->curve == NID_undef ? "a curve of its own"
				     : OBJ_nid2sn(key->curve));
}

static void judge_key(struct judge *judge)
{
	struct public_key key;

	if (!public_key(judge->x509, &key))
		find(judge, CERT_DAMAGED, "has a key that makes no sense");
	else if (key.algorithm == NID_rsaEncryption)
		judge_rsa(judge, &key);
	else if (key.algorithm == NID_X9_62_id_ecPublicKey)
		judge_curve(judge, &key);
	else
		find(judge, CERT_KEY_UNSUPPORTED,
		     "has a key of kind %s; iPXE knows RSA and ECDSA on P-256 "
		     "and P-384",
		     algorithm_name(key.algorithm));
}

static bool is_good_signature(int nid)
{
	static const int good[] = {
		NID_sha256WithRSAEncryption, NID_sha384WithRSAEncryption,
		NID_sha512WithRSAEncryption, NID_ecdsa_with_SHA256,
		NID_ecdsa_with_SHA384,       NID_ecdsa_with_SHA512,
	};

	for (size_t i = 0; i < LENGTH(good); i++)
		if (good[i] == nid)
			return true;
	return false;
}

/* SHA-1 is in iPXE, but not in the ones that are built here: collisions of
 * chosen certificates are in reach of anybody with some money. */
static void judge_signature(struct judge *judge)
{
	const X509_ALGOR *outer, *inner = X509_get0_tbs_sigalg(judge->x509);
	int nid;

	X509_get0_signature(NULL, &outer, judge->x509);
	nid = OBJ_obj2nid(outer->algorithm);
	if (OBJ_cmp(outer->algorithm, inner->algorithm) != 0)
		find(judge, CERT_DAMAGED, "names two signature algorithms");
	else if (!is_good_signature(nid))
		find(judge, CERT_SIGNATURE_UNSUPPORTED,
		     "is signed with %s; the images know RSA (PKCS #1 v1.5) and "
		     "ECDSA with SHA-256, SHA-384 and SHA-512",
		     algorithm_name(nid));
}

static bool is_known_extension(const ASN1_OBJECT *oid)
{
	static const int known[] = { NID_basic_constraints, NID_key_usage,
				     NID_ext_key_usage, NID_info_access,
				     NID_subject_alt_name };

	for (size_t i = 0; i < LENGTH(known); i++)
		if (OBJ_obj2nid(oid) == known[i])
			return true;
	return false;
}

static void judge_extensions(struct judge *judge)
{
	char name[80];

	if (X509_get_extension_flags(judge->x509) & EXFLAG_INVALID)
		find(judge, CERT_DAMAGED,
		     "has extensions that make no sense together");
	for (int i = 0; i < X509_get_ext_count(judge->x509); i++) {
		X509_EXTENSION *extension = X509_get_ext(judge->x509, i);
		const ASN1_OBJECT *oid = X509_EXTENSION_get_object(extension);

		if (!X509_EXTENSION_get_critical(extension) ||
		    is_known_extension(oid))
			continue;
		OBJ_obj2txt(name, sizeof(name), oid, 0);
		find(judge, CERT_EXTENSION_UNKNOWN,
		     "has the critical extension \"%s\", which iPXE does not "
		     "know",
		     name);
	}
}

static void judge_ca(struct judge *judge)
{
	uint32_t flags = X509_get_extension_flags(judge->x509);

	if (!is_ca(judge->x509))
		find(judge, CERT_NO_CA,
		     "is not one of a CA%s: it cannot have issued others",
		     flags & EXFLAG_BCONS ? ""
					  : " (it has no basicConstraints)");
	else if (flags & EXFLAG_KUSAGE &&
		 !(key_usage(judge->x509) & KU_KEY_CERT_SIGN))
		find(judge, CERT_NO_CA,
		     "is one of a CA, but its key usage does not allow "
		     "keyCertSign");
}

static void judge_server(struct judge *judge)
{
	CLEANUP(sbuf) names = { 0 };

	cert_names((struct cert){ judge->x509 }, &names);
	if (!names.len && !common_name(judge->x509))
		find(judge, CERT_NO_NAME, "names no server");
}

static void judge_signer(struct judge *judge)
{
	if (!(key_usage(judge->x509) & KU_DIGITAL_SIGNATURE))
		find(judge, CERT_NO_DIGITAL_SIGNATURE,
		     "lacks the key usage digitalSignature");
	if (!(extended_usage(judge->x509) & XKU_CODE_SIGN))
		find(judge, CERT_NO_CODE_SIGNING,
		     "lacks the extended key usage codeSigning");
}

void cert_judge(struct cert cert, enum cert_role role, time_t now,
		struct cert_findings *ret_findings)
{
	static void (*const roles[])(struct judge *) = {
		[CERT_ROOT] = judge_ca,
		[CERT_INTERMEDIATE] = judge_ca,
		[CERT_SERVER] = judge_server,
		[CERT_SIGNER] = judge_signer,
	};
	struct judge judge = { cert.x509, now, ret_findings };

	*ret_findings = (struct cert_findings){ 0 };
	judge_key(&judge);
	judge_signature(&judge);
	judge_extensions(&judge);
	roles[role](&judge);
	judge_time(&judge);
	ERR_clear_error();
}

const struct cert_finding *
cert_first_error(const struct cert_findings *findings)
{
	for (size_t i = 0; i < findings->count; i++)
		if (findings->at[i].fault != CERT_EXPIRES_SOON)
			return &findings->at[i];
	return NULL;
}
