#include "trust.h"

#include "cert.h"
#include "diag.h"
#include "vec.h"

#include <errno.h>

struct trust_seen {
	struct digest subject, fingerprint;
	const char *path;
};

/** A file being checked. */
struct check {
	struct trust *trust;
	const char *path;
	time_t now;
	struct span at;
	struct diags *ds;
};

static const enum diag_code codes[CERT_FAULTS] = {
	[CERT_DAMAGED] = DIAG_E702,
	[CERT_EXPIRED] = DIAG_E704,
	[CERT_NOT_YET] = DIAG_E705,
	[CERT_EXPIRES_SOON] = DIAG_W811,
	[CERT_NO_CA] = DIAG_E706,
	[CERT_KEY_UNSUPPORTED] = DIAG_E707,
	[CERT_KEY_WEAK] = DIAG_E708,
	[CERT_SIGNATURE_UNSUPPORTED] = DIAG_E709,
	[CERT_EXTENSION_UNKNOWN] = DIAG_E710,
};

static bool same_digest(const struct digest *a, const struct digest *b)
{
	return memcmp(a->sha256, b->sha256, sizeof(a->sha256)) == 0;
}

/* The same certificate in two files is no harm. */
static void check_name(const struct check *check, struct cert cert,
		       const char *subject)
{
	struct trust_seen this = { .path = check->path };

	cert_subject_digest(cert, &this.subject);
	cert_fingerprint(cert, &this.fingerprint);
	vec_foreach (struct trust_seen, seen, check->trust) {
		if (!same_digest(&seen->subject, &this.subject))
			continue;
		if (!same_digest(&seen->fingerprint, &this.fingerprint))
			diag_at(check->ds, DIAG_W812, check->at,
				"\"%s\" and \"%s\" have different certificates "
				"of \"%s\"",
				seen->path, check->path, subject);
		return;
	}
	*vec_push(check->ds->arena, check->trust) = this;
}

static void check_certificate(const struct check *check, struct cert cert)
{
	CLEANUP(sbuf) subject = { 0 };
	struct cert_findings findings;

	cert_subject(cert, &subject);
	cert_judge(cert, CERT_ROOT, check->now, &findings);
	for (size_t i = 0; i < findings.count; i++)
		diag_at(check->ds, codes[findings.at[i].fault], check->at,
			"\"%s\": the certificate of \"%s\" %s", check->path,
			sbuf_text(&subject), findings.at[i].text);
	check_name(check, cert, sbuf_text(&subject));
}

static void report_parse(const struct check *check, int error, size_t good)
{
	struct diags *ds = check->ds;

	if (error == -ENOENT)
		diag_at(ds, DIAG_E701, check->at,
			"\"%s\" has no certificate in PEM form", check->path);
	else if (error == -EKEYREJECTED)
		diag_at(ds, DIAG_E703, check->at,
			"\"%s\" has a private key in it", check->path);
	else
		diag_at(ds, DIAG_E702, check->at,
			"\"%s\": certificate %zu is damaged", check->path,
			good + 1);
}

void trust_check(struct trust *trust, const char *path, int error,
		 struct text bytes, int64_t now, struct span at,
		 struct diags *ds)
{
	struct check check = { trust, path, (time_t)now, at, ds };
	CLEANUP(certs) certs = { 0 };

	if (error) {
		diag_at(ds, DIAG_E700, at, "\"%s\": %s", path,
			error == -EFBIG ? "larger than 1 MiB"
					: strerror(-error));
		return;
	}
	error = certs_parse(&certs, bytes.ptr, bytes.len);
	if (error)
		report_parse(&check, error, certs.count);
	for (size_t i = 0; i < certs.count; i++)
		check_certificate(&check, certs.at[i]);
}
