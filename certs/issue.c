#include "issue.h"

#include "arena.h"
#include "openssl_glue.h"
#include "sbuf.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>

/* RFC 5280, ub-common-name; RFC 1035, 2.3.4. */
enum { COMMON_NAME_MOST = 64, HOST_MOST = 253, LABEL_MOST = 63 };

const char *issue_name_refusal(const char *name)
{
	if (!*name)
		return "is empty";
	if (strlen(name) > COMMON_NAME_MOST)
		return "is longer than 64 characters";
	/* Letters and digits at its begin, so that it is no option, comment or
	 * operator; no "*", which iPXE would match as a pattern. */
	if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		    "0123456789",
		    *name))
		return "does not begin with a letter or digit";
	if (name[strspn(name, "abcdefghijklmnopqrstuvwxyz"
			      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._@+:")])
		return "is not made of letters, digits and -._@+: only";
	return NULL;
}

static bool is_address(const char *host)
{
	unsigned char bytes[16];

	return inet_pton(AF_INET, host, bytes) == 1 ||
	       inet_pton(AF_INET6, host, bytes) == 1;
}

static bool is_label(const char *label, size_t len)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";

	if (len == 0 || len > LABEL_MOST || label[0] == '-' ||
	    label[len - 1] == '-')
		return false;
	return strspn(label, allowed) >= len;
}

const char *issue_host_refusal(const char *host)
{
	if (is_address(host))
		return NULL;
	if (strlen(host) > HOST_MOST)
		return "is longer than 253 characters";
	if (strncmp(host, "*.", 2) == 0)
		host += 2;
	for (;;) {
		size_t len = strcspn(host, ".");

		if (!is_label(host, len))
			return "is neither a host name nor an IP address";
		if (!host[len])
			break;
		host += len + 1;
	}
	if (strspn(host, "0123456789") == strlen(host))
		return "looks like an IP address but is none";
	return NULL;
}

struct extension {
	int nid;
	const char *value;
};

static const struct extension root_extensions[] = {
	{ NID_basic_constraints, "critical,CA:TRUE" },
	{ NID_key_usage, "critical,keyCertSign,cRLSign" },
	{ NID_subject_key_identifier, "hash" },
	{ 0 },
};

static const struct extension server_extensions[] = {
	{ NID_basic_constraints, "critical,CA:FALSE" },
	{ NID_key_usage, "critical,digitalSignature" },
	{ NID_ext_key_usage, "serverAuth" },
	{ NID_subject_key_identifier, "hash" },
	{ NID_authority_key_identifier, "keyid" },
	{ 0 },
};

static const struct extension signer_extensions[] = {
	{ NID_basic_constraints, "critical,CA:FALSE" },
	{ NID_key_usage, "critical,digitalSignature" },
	{ NID_ext_key_usage, "critical,codeSigning" },
	{ NID_subject_key_identifier, "hash" },
	{ NID_authority_key_identifier, "keyid" },
	{ 0 },
};

/* Firmware takes a certificate of PK, KEK or db for a trust anchor, whether it
 * is a CA or not; so it is none, and certifies nobody else. */
static const struct extension firmware_extensions[] = {
	{ NID_basic_constraints, "critical,CA:FALSE" },
	{ NID_key_usage, "critical,digitalSignature" },
	{ NID_ext_key_usage, "codeSigning" },
	{ NID_subject_key_identifier, "hash" },
	{ 0 },
};

static const struct extension *const extensions_of[] = {
	[ROLE_ROOT] = root_extensions,
	[ROLE_SERVER] = server_extensions,
	[ROLE_SIGNER] = signer_extensions,
	[ROLE_FIRMWARE] = firmware_extensions,
};

static bool add_extension(X509 *x509, X509V3_CTX *context, int nid,
			  const char *value)
{
	X509_EXTENSION *extension =
		X509V3_EXT_conf_nid(NULL, context, nid, value);
	bool ok = extension && X509_add_ext(x509, extension, -1) == 1;

	X509_EXTENSION_free(extension);
	return ok;
}

static bool add_hosts(X509 *x509, X509V3_CTX *context,
		      const struct issue_request *request)
{
	struct sbuf names = { 0 };
	bool ok;

	if (request->host_count == 0)
		return true;
	for (size_t i = 0; i < request->host_count; i++)
		sbuf_printf(&names, "%s%s:%s", i ? "," : "",
			    is_address(request->hosts[i]) ? "IP" : "DNS",
			    request->hosts[i]);
	ok = add_extension(x509, context, NID_subject_alt_name,
			   sbuf_text(&names));
	sbuf_release(&names);
	return ok;
}

static bool add_extensions(X509 *x509, X509 *issuer,
			   const struct issue_request *request)
{
	const struct extension *extension = extensions_of[request->role];
	X509V3_CTX context;

	X509V3_set_ctx(&context, issuer, x509, NULL, NULL, 0);
	for (; extension->nid; extension++)
		if (!add_extension(x509, &context, extension->nid,
				   extension->value))
			return false;
	return add_hosts(x509, &context, request);
}

/* 127 random bits; RFC 5280, 4.1.2.2 wants it positive and unique. */
static bool set_serial(X509 *x509)
{
	BIGNUM *number = BN_new();
	bool ok = number &&
		  BN_rand(number, 127, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) &&
		  BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x509));

	BN_free(number);
	return ok;
}

static bool set_times(X509 *x509, const struct issue_request *request)
{
	return X509_time_adj_ex(X509_getm_notBefore(x509), 0, 0,
				(time_t[]){ request->not_before }) &&
	       X509_time_adj_ex(X509_getm_notAfter(x509), 0, 0,
				(time_t[]){ request->not_after });
}

static bool set_subject(X509 *x509, const char *common_name)
{
	X509_NAME *name = X509_get_subject_name(x509);

	return X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
					  (const unsigned char *)common_name,
					  -1, -1, 0) == 1;
}

static bool fill(X509 *x509, const struct issue_request *request,
		 const struct key *key, X509 *issuer, EVP_PKEY *signer)
{
	return X509_set_version(x509, X509_VERSION_3) && set_serial(x509) &&
	       set_times(x509, request) &&
	       set_subject(x509, request->common_name) &&
	       X509_set_issuer_name(x509, X509_get_subject_name(issuer)) &&
	       X509_set_pubkey(x509, key->pkey) &&
	       add_extensions(x509, issuer, request) &&
	       X509_sign(x509, signer, EVP_sha256()) > 0;
}

int certificate_issue(const struct issue_request *request,
		      const struct key *key, const struct issuer *issuer,
		      struct certificate *ret_certificate)
{
	X509 *x509 = made(X509_new());
	bool ok = fill(x509, request, key,
		       issuer ? issuer->certificate->x509 : x509,
		       issuer ? issuer->key->pkey : key->pkey);

	ERR_clear_error();
	if (!ok) {
		X509_free(x509);
		return -EIO;
	}
	certificate_release(ret_certificate);
	ret_certificate->x509 = x509;
	return 0;
}
