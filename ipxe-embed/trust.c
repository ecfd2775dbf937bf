#include "trust.h"

#include "diag.h"
#include "judge.h"
#include "private_key.h"
#include "vec.h"

#include <errno.h>

struct trust_seen {
	unsigned char subject[32], fingerprint[32]; /**< SHA-256 */
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

static const enum diag_code codes[FINDING_KINDS] = {
	[FINDING_MALFORMED] = DIAG_E702,     [FINDING_EXPIRED] = DIAG_E704,
	[FINDING_NOT_YET_VALID] = DIAG_E705, [FINDING_EXPIRES_SOON] = DIAG_W811,
	[FINDING_NOT_CA] = DIAG_E706,        [FINDING_KEY] = DIAG_E707,
	[FINDING_WEAK_KEY] = DIAG_E708,      [FINDING_ALGORITHM] = DIAG_E709,
	[FINDING_CRITICAL] = DIAG_E710,
};

/* The same certificate in two files is no harm. */
static void check_name(const struct check *check,
		       const struct certificate *certificate,
		       const char *subject)
{
	struct trust_seen this = { .path = check->path };

	certificate_subject_digest(certificate, this.subject);
	certificate_fingerprint(certificate, this.fingerprint);
	vec_foreach (struct trust_seen, seen, check->trust) {
		if (memcmp(seen->subject, this.subject, 32) != 0)
			continue;
		if (memcmp(seen->fingerprint, this.fingerprint, 32) != 0)
			diag_at(check->ds, DIAG_W812, check->at,
				"\"%s\" and \"%s\" have different certificates "
				"of \"%s\"",
				seen->path, check->path, subject);
		return;
	}
	*vec_push(check->ds->arena, check->trust) = this;
}

static void check_certificate(const struct check *check,
			      const struct certificate *certificate)
{
	const struct judgement judgement = { .role = ROLE_ROOT,
					     .now = check->now };
	CLEANUP(sbuf) subject = { 0 };
	CLEANUP(findings) findings = { 0 };

	certificate_subject(certificate, &subject);
	certificate_judge(certificate, &judgement, &findings);
	for (size_t i = 0; i < findings.count; i++)
		diag_at(check->ds, codes[findings.at[i].kind], check->at,
			"\"%s\": the certificate of \"%s\" %s", check->path,
			sbuf_text(&subject), findings.at[i].message);
	check_name(check, certificate, sbuf_text(&subject));
}

static void cannot_read(const char *path, int error, struct span at,
			struct diags *ds)
{
	struct diag *d = diag_at(ds, DIAG_E700, at, "\"%s\": %s", path,
				 error == -EFBIG ? "larger than 1 MiB"
						 : strerror(-error));
	const char *name = strrchr(path, '/');

	if (error == -ENOENT && name && strcmp(name, "/root.pem") == 0)
		diag_help(ds, d,
			  "to make one: ipxe-embed keys init %.*s --host NAME, "
			  "with the name in url:",
			  (int)(name - path), path);
}

void trust_check(struct trust *trust, const char *path, int error,
		 struct text bytes, int64_t now, struct span at,
		 struct diags *ds)
{
	struct check check = { trust, path, (time_t)now, at, ds };
	CLEANUP(certificates) certificates = { 0 };
	CLEANUP(sbuf) why = { 0 };

	if (error) {
		cannot_read(path, error, at, ds);
		return;
	}
	if (is_private_key(bytes.ptr, bytes.len)) {
		diag_at(ds, DIAG_E703, at, "\"%s\" has a private key in it",
			path);
		return;
	}
	error = certificates_parse(&certificates, bytes.ptr, bytes.len, &why);
	if (error)
		diag_at(ds, error == -ENOENT ? DIAG_E701 : DIAG_E702, at,
			"\"%s\": %s", path, sbuf_text(&why));
	for (size_t i = 0; i < certificates.count; i++)
		check_certificate(&check, &certificates.at[i]);
}
