#include "verbs.h"

#include "arena.h"
#include "cleanup.h"
#include "efi_variable.h"
#include "keyfile.h"
#include "report.h"
#include "sbuf.h"

#include <stdio.h>
#include <sys/random.h>
#include <time.h>

enum {
	DAY_S = 24 * 60 * 60,
	DAYS_MOST = 7305,
	/* Not that firmware would look; but others who verify do. */
	BACKDATED_S = DAY_S,
	VARIABLES = EFI_DB + 1,
	FILES_OF_EACH = 5,
	FILES = VARIABLES * FILES_OF_EACH + 1,
};

struct secure_boot_options {
	long days;
	bool passphrase;
	const char *passphrase_file;
};

/** One of PK, KEK and db in the making. */
struct member {
	struct key key;
	struct certificate certificate;
	struct secret key_pem;
	struct sbuf pem, der, list, update;
};

/** One run. */
struct making {
	const struct call *call;
	const char *directory;
	time_t now;
	struct secret passphrase;
	struct member members[VARIABLES]; /**< by enum efi_variable */
	struct efi_guid owner;
	struct sbuf reset; /**< order to delete PK */
};

static void making_release(struct making *making)
{
	for (size_t i = 0; i < VARIABLES; i++) {
		struct member *member = &making->members[i];

		key_release(&member->key);
		certificate_release(&member->certificate);
		secret_release(&member->key_pem);
		sbuf_release(&member->pem);
		sbuf_release(&member->der);
		sbuf_release(&member->list);
		sbuf_release(&member->update);
	}
	secret_release(&making->passphrase);
	sbuf_release(&making->reset);
}

static enum status fail_crypto(const struct making *making, const char *name)
{
	return report_failure(making->call, "libcrypto cannot make %s", name);
}

/**
 * A key and its certificate.
 *
 * @param set	tells sets of keys apart, for people who look at what a
 *		machine has enrolled
 */
static enum status make_member(struct making *making,
			       enum efi_variable variable, unsigned set)
{
	const struct secure_boot_options *options = making->call->options;
	const char *name = efi_variable_name(variable);
	struct member *member = &making->members[variable];
	const struct issue_request request = {
		.role = ROLE_FIRMWARE,
		.common_name = arena_printf(making->call->arena,
					    "ipxe-embed %s %08x", name, set),
		.not_before = making->now - BACKDATED_S,
		.not_after = making->now + (time_t)options->days * DAY_S,
	};

	if (key_generate(KEY_RSA_2048, &member->key) != 0 ||
	    certificate_issue(&request, &member->key, NULL,
			      &member->certificate) != 0 ||
	    key_write(&member->key, &making->passphrase, &member->key_pem) !=
		    0 ||
	    certificate_write_der(&member->certificate, &member->der) != 0)
		return fail_crypto(making, name);
	certificate_write(&member->certificate, &member->pem);
	return STATUS_OK;
}

static struct issuer issuer_of(const struct making *making,
			       enum efi_variable variable)
{
	const struct member *member = &making->members[variable];

	return (struct issuer){ &member->certificate, &member->key };
}

/** What sets a variable, signed by who may. */
static enum status make_update(struct making *making,
			       enum efi_variable variable)
{
	struct member *member = &making->members[variable];
	const struct issuer by =
		issuer_of(making, variable == EFI_DB ? EFI_KEK : EFI_PK);

	if (efi_signature_list(&member->certificate, &making->owner,
			       &member->list) != 0 ||
	    efi_variable_update(variable, member->list.ptr, member->list.len,
				making->now, &by, &member->update) != 0)
		return fail_crypto(making, efi_variable_name(variable));
	return STATUS_OK;
}

/* Firmware takes only what is later than what it has: one second is enough. */
static enum status make_reset(struct making *making)
{
	const struct issuer by = issuer_of(making, EFI_PK);

	return efi_variable_update(EFI_PK, "", 0, making->now + 1, &by,
				   &making->reset) == 0
		       ? STATUS_OK
		       : fail_crypto(making, "noPK.auth");
}

static enum status make_all(struct making *making)
{
	enum status status = STATUS_OK;
	unsigned set = 0;

	if (getrandom(&set, sizeof(set), 0) != sizeof(set))
		return report_failure(making->call, "there is no randomness");
	for (unsigned i = 0; status == STATUS_OK && i < VARIABLES; i++)
		status = make_member(making, (enum efi_variable)i, set);
	if (status != STATUS_OK)
		return status;
	efi_owner_of(&making->members[EFI_PK].certificate, &making->owner);
	for (unsigned i = 0; status == STATUS_OK && i < VARIABLES; i++)
		status = make_update(making, (enum efi_variable)i);
	return status == STATUS_OK ? make_reset(making) : status;
}

static struct new_file new_file(const struct making *making,
				enum efi_variable variable, const char *ending,
				const struct sbuf *content)
{
	return (struct new_file){
		.name = arena_printf(making->call->arena, "%s.%s",
				     efi_variable_name(variable), ending),
		.bytes = content->ptr,
		.len = content->len,
	};
}

static void add_files(const struct making *making, enum efi_variable variable,
		      struct new_file ret_files[FILES_OF_EACH])
{
	const struct member *member = &making->members[variable];

	ret_files[0] = (struct new_file){
		.name = arena_printf(making->call->arena, "%s.key",
				     efi_variable_name(variable)),
		.bytes = member->key_pem.ptr,
		.len = member->key_pem.len,
		.secret = true,
	};
	ret_files[1] = new_file(making, variable, "crt", &member->pem);
	ret_files[2] = new_file(making, variable, "cer", &member->der);
	ret_files[3] = new_file(making, variable, "esl", &member->list);
	ret_files[4] = new_file(making, variable, "auth", &member->update);
}

static enum status write_files(const struct making *making)
{
	struct new_file files[FILES];

	for (unsigned i = 0; i < VARIABLES; i++)
		add_files(making, (enum efi_variable)i,
			  &files[i * FILES_OF_EACH]);
	files[FILES - 1] = (struct new_file){ .name = "noPK.auth",
					      .bytes = making->reset.ptr,
					      .len = making->reset.len };
	return keyfile_write(making->call, making->directory, files, FILES);
}

static void say(const struct making *making)
{
	CLEANUP(sbuf) owner = { 0 };
	const char *dir = making->directory;

	efi_guid_write(&making->owner, &owner);
	printf("%s: PK, KEK and db, owner %s\n"
	       "  .auth and .esl   for firmware and enrolment tools\n"
	       "  .cer             the certificates in DER, for setup menus\n"
	       "  noPK.auth        takes PK out again: back to setup mode\n"
	       "\nEnrol db first, then KEK, then PK, which turns Secure Boot "
	       "on.\nKeep PK.key and KEK.key where nobody can fetch them; "
	       "%s/db.key signs what\nmay boot.\n",
	       dir, sbuf_text(&owner), dir);
}

static enum status run_secure_boot(struct call *call)
{
	const struct secure_boot_options *options = call->options;
	CLEANUP(making)
	making = {
		.call = call,
		.directory = call->operands[0],
		.now = time(NULL),
	};
	enum status status = keyfile_chosen_passphrase(
		call, options->passphrase, options->passphrase_file,
		&making.passphrase);

	if (status == STATUS_OK)
		status = make_all(&making);
	if (status == STATUS_OK)
		status = write_files(&making);
	if (status == STATUS_OK)
		say(&making);
	return status;
}

static const struct option_row rows[] = {
	{ .name = "days",
	  .value = "N",
	  .help = "So many days the certificates say that they are valid. "
		  "Firmware does not look at it, for it does not trust its "
		  "clock.",
	  .fallback = "7305",
	  OPTION_NUMBER(struct secure_boot_options, days, 1, DAYS_MOST) },
	{ .name = "passphrase",
	  .letter = 'p',
	  .help = "Ask for a passphrase, and encrypt the three keys with it.",
	  OPTION_FLAG(struct secure_boot_options, passphrase) },
	{ .name = "passphrase-file",
	  .value = "FILE",
	  .help = "The same, with the first line of a file.",
	  OPTION_TEXT(struct secure_boot_options, passphrase_file) },
	{ 0 },
};

const struct verb verb_keys_secure_boot = {
	.name = "keys secure-boot",
	.operands = "DIR",
	.summary = "Make keys for UEFI Secure Boot: PK, KEK and db",
	.text = "Makes sixteen files in DIR. PK, the platform key, says who "
		"may change KEK; KEK says who may change db; and the firmware "
		"runs what the key of db has signed. Of each there are the "
		"private key (.key), the certificate in PEM (.crt) and in DER "
		"(.cer), the list that goes into the variable (.esl), and the "
		"signed order to set it (.auth): PK signs itself and KEK, KEK "
		"signs db. noPK.auth takes PK out again. Nothing is "
		"overwritten: all are made, or none.\n"
		"\n"
		"Orders bear the time at which they were made, and firmware "
		"takes none that is older than the last one. Machines that "
		"have enrolled these keys run nothing else: no system that "
		"another key signed, and no option ROM of a card.",
	.options = rows,
	.options_bytes = sizeof(struct secure_boot_options),
	.run = run_secure_boot,
	.examples =
		(const struct example[]){
			{ "ipxe-embed keys secure-boot certs/secure-boot "
			  "--passphrase",
			  "Keys that need a passphrase." },
			{ 0 },
		},
};
