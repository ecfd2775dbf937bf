#include "signer.h"

#include "judge.h"
#include "keyfile.h"
#include "report.h"
#include "sbuf.h"

void signer_release(struct signer *signer)
{
	key_release(&signer->key);
	certificate_release(&signer->certificate);
	certificates_release(&signer->others);
}

/* ---- from files ---- */

/* Each once: a message with the same certificate twice cannot be made. */
static enum status read_others(const struct call *call, const char *path,
			       struct signer *signer)
{
	CLEANUP(certificates) read = { 0 };
	enum status status;

	if (!path)
		return STATUS_OK;
	status = keyfile_certificates(call, path, &read);
	for (size_t i = 0; i < read.count; i++)
		if (!certificates_have(&signer->others, &read.at[i]))
			certificates_add(&signer->others, &read.at[i]);
	return status;
}

static enum status read_certificate(const struct call *call, const char *path,
				    struct signer *signer)
{
	enum status status = read_others(call, path, signer);

	signer->certificate_path = path;
	if (status == STATUS_OK)
		certificate_copy(&signer->certificate, &signer->others.at[0]);
	return status;
}

static enum status check_key(const struct call *call,
			     const struct signer *signer, const char *key_path)
{
	CLEANUP(sbuf) subject = { 0 };

	if (certificate_has_key(&signer->certificate, &signer->key))
		return STATUS_OK;
	certificate_subject(&signer->certificate, &subject);
	return report_error(call,
			    "%s: this is not the key of the certificate in %s "
			    "(%s)",
			    key_path, signer->certificate_path,
			    sbuf_text(&subject));
}

enum status signer_load(const struct call *call,
			const struct signer_files *files,
			struct signer *ret_signer)
{
	enum status status =
		read_certificate(call, files->certificate, ret_signer);

	if (status == STATUS_OK)
		status = read_others(call, files->chain, ret_signer);
	if (status == STATUS_OK)
		status = read_others(call, files->root, ret_signer);
	/* The key last: why ask for a passphrase if the rest is wrong? */
	if (status == STATUS_OK)
		status = keyfile_read(call, files->key, files->passphrase,
				      &ret_signer->key);
	if (status == STATUS_OK)
		status = check_key(call, ret_signer, files->key);
	return status;
}

/* ---- held against a site ---- */

static enum status report_finding(const struct call *call,
				  const struct signer *signer,
				  const struct finding *finding)
{
	CLEANUP(sbuf) subject = { 0 };

	certificate_subject(&signer->certificate, &subject);
	if (finding->kind != FINDING_EXPIRES_SOON)
		return report_error(call, "%s: %s %s", signer->certificate_path,
				    sbuf_text(&subject), finding->message);
	report_warning(call, "%s: %s %s; all its signatures end with it",
		       signer->certificate_path, sbuf_text(&subject),
		       finding->message);
	return STATUS_OK;
}

static enum status check_way(const struct call *call,
			     const struct signer *signer,
			     const struct cms_policy *policy)
{
	CLEANUP(sbuf) why = { 0 };

	if (certificate_validate(&signer->certificate, &signer->others,
				 policy->roots, policy->now, &why) == 0)
		return STATUS_OK;
	return report_error(call, "%s: %s", signer->certificate_path,
			    sbuf_text(&why));
}

enum status signer_check(const struct call *call, const struct signer *signer,
			 const struct cms_policy *policy)
{
	const struct judgement judgement = { .role = ROLE_SIGNER,
					     .now = policy->now,
					     .name = policy->signer };
	CLEANUP(findings) findings = { 0 };
	enum status status = STATUS_OK;

	certificate_judge(&signer->certificate, &judgement, &findings);
	for (size_t i = 0; i < findings.count; i++)
		if (report_finding(call, signer, &findings.at[i]) != STATUS_OK)
			status = STATUS_INPUT;
	return status == STATUS_OK ? check_way(call, signer, policy) : status;
}
