#include "verbs.h"

#include "arena.h"
#include "cleanup.h"
#include "issue.h"
#include "keyfile.h"
#include "report.h"
#include "sbuf.h"
#include "vec.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

enum {
	DAY_S = 24 * 60 * 60,
	/* A root is baked into images, and changing it means visiting every
	 * machine that boots from a stick; so it lasts longer than machines. */
	ROOT_DAYS = 7305,
	/* For a clock that is behind, or that keeps local time: iPXE takes it
	 * for UTC, and allows for 12.5 hours. */
	BACKDATED_S = DAY_S,
};

#define DEFAULT_SIGNER "ipxe-embed-signer"

static const char *const key_types[] = { "rsa", "ecdsa", NULL };

/* --------------------------------------------------------- what is made -- */

/** A certificate in the making, and what becomes of it. */
struct leaf {
	enum certificate_role role;
	const char *name; /**< of its files, without .pem and .key */
	const char *common_name;
	bool is_encrypted; /**< its key gets the passphrase, if there is one */
	struct key key;
	struct certificate certificate;
	struct secret key_pem;
	struct sbuf pem;
};

static void leaf_release(struct leaf *leaf)
{
	key_release(&leaf->key);
	certificate_release(&leaf->certificate);
	secret_release(&leaf->key_pem);
	sbuf_release(&leaf->pem);
}

/** One run of `keys init` or `keys issue`. */
struct issuing {
	const struct call *call;
	struct words hosts;
	enum key_type key_type;
	time_t now, not_after;
	struct secret passphrase; /**< of keys that are encrypted */
};

static void issuing_release(struct issuing *issuing)
{
	secret_release(&issuing->passphrase);
}

static enum status make_leaf(const struct issuing *issuing,
			     const struct issuer *issuer, struct leaf *leaf)
{
	const bool has_hosts = leaf->role == ROLE_SERVER;
	const struct issue_request request = {
		.role = leaf->role,
		.common_name = leaf->common_name,
		.hosts = issuing->hosts.at,
		.host_count = has_hosts ? issuing->hosts.count : 0,
		.not_before = issuing->now - BACKDATED_S,
		.not_after = issuing->not_after,
	};

	if (key_generate(issuing->key_type, &leaf->key) != 0 ||
	    certificate_issue(&request, &leaf->key, issuer,
			      &leaf->certificate) != 0 ||
	    key_write(&leaf->key,
		      leaf->is_encrypted ? &issuing->passphrase : NULL,
		      &leaf->key_pem) != 0)
		return report_failure(issuing->call, "libcrypto cannot make %s",
				      leaf->name);
	certificate_write(&leaf->certificate, &leaf->pem);
	return STATUS_OK;
}

/* The root goes with every leaf: a machine that only knows its fingerprint
 * needs it, and others pass it over. */
static void append_chain(struct leaf *leaf, const struct certificates *chain)
{
	for (size_t i = 0; i < chain->count; i++)
		certificate_write(&chain->at[i], &leaf->pem);
}

static void add_files(const struct call *call, const struct leaf *leaf,
		      struct new_file ret_files[2])
{
	ret_files[0] = (struct new_file){
		.name = arena_printf(call->arena, "%s.key", leaf->name),
		.bytes = leaf->key_pem.ptr,
		.len = leaf->key_pem.len,
		.secret = true,
	};
	ret_files[1] = (struct new_file){
		.name = arena_printf(call->arena, "%s.pem", leaf->name),
		.bytes = leaf->pem.ptr,
		.len = leaf->pem.len,
	};
}

static const char *time_words(const struct call *call, time_t when)
{
	CLEANUP(sbuf) text = { 0 };

	time_write(when, &text);
	return arena_printf(call->arena, "%s", sbuf_text(&text));
}

static void print_leaf(const struct call *call, const char *directory,
		       const struct leaf *leaf)
{
	CLEANUP(sbuf) text = { 0 };

	certificate_subject(&leaf->certificate, &text);
	printf("  %s/%s.pem and .key: %s, until %s\n", directory, leaf->name,
	       sbuf_text(&text),
	       time_words(call, certificate_not_after(&leaf->certificate)));
}

/* -------------------------------------------------------- what is given -- */

/** "--host a,b --host c" */
static enum status split_hosts(const struct call *call,
			       const struct words *given, struct words *hosts)
{
	for (size_t i = 0; i < given->count; i++) {
		const char *at = given->at[i];
		size_t len;

		for (;; at += len + 1) {
			const char *host, *refusal;

			len = strcspn(at, ",");
			host = arena_copy(call->arena, at, len);
			refusal = issue_host_refusal(host);
			if (refusal)
				return report_usage(call, "--host: '%s' %s",
						    host, refusal);
			*vec_push(call->arena, hosts) = host;
			if (!at[len])
				break;
		}
	}
	return STATUS_OK;
}

static enum status check_signer_name(const struct call *call, const char *name)
{
	const char *refusal = issue_name_refusal(name);

	if (refusal)
		return report_usage(call, "--signer: '%s' %s", name, refusal);
	return STATUS_OK;
}

/* iPXE tries the common name before all others, so it is a host, too. */
static const char *server_common_name(const struct words *hosts)
{
	return issue_name_refusal(hosts->at[0]) ? "ipxe-embed server"
						: hosts->at[0];
}

/* ------------------------------------------------------------ keys init -- */

struct init_options {
	struct words hosts;
	const char *signer;
	int key_type;
	long days;
	bool passphrase;
	const char *passphrase_file;
};

/* Machines look for the issuer by its name. Two roots of one name, an old and a
 * new one in the same image, would be taken for each other. */
static const char *new_root_name(const struct call *call)
{
	unsigned number = 0;

	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		return NULL;
	return arena_printf(call->arena, "ipxe-embed root %08x", number);
}

static void say_initialised(const struct call *call, const char *directory,
			    const struct leaf *leaves, size_t count)
{
	const struct init_options *options = call->options;

	printf("%s:\n", directory);
	for (size_t i = 0; i < count; i++)
		print_leaf(call, directory, &leaves[i]);
	printf("\nIn the site file:   trust: [%s/root.pem]\n", directory);
	if (strcmp(options->signer, DEFAULT_SIGNER) != 0)
		printf("                    signer: %s\n", options->signer);
	printf("For the web server: %s/server.pem and %s/server.key\n"
	       "Keep root.key where nobody can fetch it; it is needed again "
	       "only by\n`ipxe-embed keys issue`, before the others end.\n",
	       directory, directory);
}

static enum status make_pki(struct issuing *issuing, const char *directory,
			    struct leaf leaves[3])
{
	const struct init_options *options = issuing->call->options;
	struct leaf *root = &leaves[0];
	const struct issuer issuer = { &root->certificate, &root->key };
	CLEANUP(certificates) chain = { 0 };
	struct new_file files[6];
	enum status status;

	issuing->not_after = issuing->now + (time_t)ROOT_DAYS * DAY_S;
	status = make_leaf(issuing, NULL, root);
	if (status != STATUS_OK)
		return status;
	certificates_add(&chain, &root->certificate);
	add_files(issuing->call, root, &files[0]);
	issuing->not_after = issuing->now + (time_t)options->days * DAY_S;
	for (size_t i = 1; i < 3; i++) {
		status = make_leaf(issuing, &issuer, &leaves[i]);
		if (status != STATUS_OK)
			return status;
		append_chain(&leaves[i], &chain);
		add_files(issuing->call, &leaves[i], &files[2 * i]);
	}
	return keyfile_write(issuing->call, directory, files, 6);
}

static enum status init_with(struct issuing *issuing, const char *directory)
{
	const struct call *call = issuing->call;
	const struct init_options *options = call->options;
	struct leaf leaves[] = {
		{ .role = ROLE_ROOT,
		  .name = "root",
		  .common_name = new_root_name(call),
		  .is_encrypted = true },
		{ .role = ROLE_SERVER,
		  .name = "server",
		  .common_name = server_common_name(&issuing->hosts) },
		{ .role = ROLE_SIGNER,
		  .name = "signer",
		  .common_name = options->signer,
		  .is_encrypted = true },
	};
	enum status status;

	if (!leaves[0].common_name)
		return report_failure(call, "there is no randomness");
	status = make_pki(issuing, directory, leaves);
	if (status == STATUS_OK)
		say_initialised(call, directory, leaves, 3);
	for (size_t i = 0; i < 3; i++)
		leaf_release(&leaves[i]);
	return status;
}

static enum status run_init(struct call *call)
{
	const struct init_options *options = call->options;
	CLEANUP(issuing)
	issuing = {
		.call = call,
		.key_type = (enum key_type)options->key_type,
		.now = time(NULL),
	};
	enum status status = split_hosts(call, &options->hosts, &issuing.hosts);

	if (status == STATUS_OK)
		status = check_signer_name(call, options->signer);
	if (status == STATUS_OK)
		status = keyfile_chosen_passphrase(call, options->passphrase,
						   options->passphrase_file,
						   &issuing.passphrase);
	if (status == STATUS_OK)
		status = init_with(&issuing, call->operands[0]);
	return status;
}

#define KEY_TYPE_HELP                                                       \
	"Kind of the keys. rsa has 3072 bits: signatures of the same file " \
	"are the same bytes, and machines verify quickly. ecdsa is on the " \
	"curve P-256: signatures are half as large, and every one differs."
#define DAYS_HELP                                                              \
	"So many days the certificates of server and signer are valid. 825 "   \
	"is the most that every TLS client takes. A signature ends with its "  \
	"signer: after that, nothing that it signed boots any more. A longer " \
	"time gives whoever steals signer.key a longer time, for machines "    \
	"know of no revocation."

static const struct option_row init_rows[] = {
	{ .name = "host",
	  .value = "NAME",
	  .help = "Host name or IP address of the web server, as in `url:` of "
		  "the site; several with commas between them, or by giving "
		  "the option again.",
	  .required = true,
	  OPTION_LIST(struct init_options, hosts) },
	{ .name = "signer",
	  .value = "NAME",
	  .help = "Common name of the code signer, as `signer:` of the site.",
	  .fallback = DEFAULT_SIGNER,
	  OPTION_TEXT(struct init_options, signer) },
	{ .name = "key-type",
	  .help = KEY_TYPE_HELP,
	  .fallback = "rsa",
	  OPTION_CHOICE(struct init_options, key_type, key_types) },
	{ .name = "days",
	  .value = "N",
	  .help = DAYS_HELP,
	  .fallback = "825",
	  OPTION_NUMBER(struct init_options, days, 1, ROOT_DAYS) },
	{ .name = "passphrase",
	  .letter = 'p',
	  .help = "Ask for a passphrase, and encrypt root.key and signer.key "
		  "with it. server.key is never encrypted, for web servers "
		  "start on their own.",
	  OPTION_FLAG(struct init_options, passphrase) },
	{ .name = "passphrase-file",
	  .value = "FILE",
	  .help = "The same, with the first line of a file.",
	  OPTION_TEXT(struct init_options, passphrase_file) },
	{ 0 },
};

const struct verb verb_keys_init = {
	.name = "keys init",
	.operands = "DIR",
	.summary = "Make a root, a web server certificate and a code signer",
	.text = "Makes six files in DIR: root.pem, which machines trust, for "
		"20 years; server.pem for the web server, and signer.pem for "
		"what machines boot, each with the root behind it; and the "
		"three keys. Nothing is overwritten: all six are made, or "
		"none.\n"
		"\n"
		"The root is for this site alone. Machines trust it for "
		"servers and for signers alike, so do not name a public "
		"authority under `trust:`.",
	.options = init_rows,
	.options_bytes = sizeof(struct init_options),
	.run = run_init,
	.examples =
		(const struct example[]){
			{ "ipxe-embed keys init certs --host boot.lab.example",
			  "For a server that is reached by name." },
			{ "ipxe-embed keys init certs "
			  "--host boot.lab.example,192.0.2.1 --passphrase",
			  "By name or address, with keys that need a "
			  "passphrase." },
			{ 0 },
		},
};

/* ----------------------------------------------------------- keys issue -- */

struct issue_options {
	struct words hosts;
	const char *signer;
	const char *name;
	int key_type;
	long days;
	const char *passphrase_file;
};

/** The root and what leads up from it, read from DIR. */
struct authority {
	struct certificates chain; /**< the issuer first */
	struct key key;
};

static void authority_release(struct authority *authority)
{
	certificates_release(&authority->chain);
	key_release(&authority->key);
}

static enum status judge_authority(const struct issuing *issuing,
				   const char *path,
				   const struct certificate *root)
{
	const struct judgement judgement = { .role = ROLE_ROOT,
					     .now = issuing->now };
	CLEANUP(findings) findings = { 0 };
	enum status status = STATUS_OK;

	certificate_judge(root, &judgement, &findings);
	for (size_t i = 0; i < findings.count; i++) {
		if (findings.at[i].kind == FINDING_EXPIRES_SOON)
			report_warning(issuing->call, "%s: %s", path,
				       findings.at[i].message);
		else
			status = report_error(issuing->call, "%s: %s", path,
					      findings.at[i].message);
	}
	return status;
}

static enum status read_authority(struct issuing *issuing,
				  const char *directory,
				  struct authority *authority)
{
	const struct call *call = issuing->call;
	const struct issue_options *options = call->options;
	const char *pem = arena_printf(call->arena, "%s/root.pem", directory);
	const char *key = arena_printf(call->arena, "%s/root.key", directory);
	enum status status = keyfile_certificates(call, pem, &authority->chain);

	if (status == STATUS_OK)
		status = judge_authority(issuing, pem, &authority->chain.at[0]);
	if (status == STATUS_OK)
		status = keyfile_read_keeping(
			call, key, options->passphrase_file, &authority->key,
			&issuing->passphrase);
	if (status == STATUS_OK &&
	    !certificate_has_key(&authority->chain.at[0], &authority->key))
		return report_error(call, "%s: is not the key of %s", key, pem);
	return status;
}

/* What is issued cannot outlive who issued it. */
static void limit_time(struct issuing *issuing, const struct certificate *root)
{
	const struct issue_options *options = issuing->call->options;
	time_t end = certificate_not_after(root);

	issuing->not_after = issuing->now + (time_t)options->days * DAY_S;
	if (issuing->not_after <= end)
		return;
	issuing->not_after = end;
	report_warning(issuing->call,
		       "it will end with the root, before %ld days are over",
		       options->days);
}

static enum status choose_leaf(struct issuing *issuing, const char *kind,
			       struct leaf *leaf)
{
	const struct call *call = issuing->call;
	const struct issue_options *options = call->options;
	const bool is_server = strcmp(kind, "server") == 0;

	if (!is_server && strcmp(kind, "signer") != 0)
		return report_usage(call,
				    "what to issue is server or signer, "
				    "not '%s'",
				    kind);
	if (is_server && !options->hosts.count)
		return report_usage(call, "a server needs --host");
	if (!is_server && options->hosts.count)
		return report_usage(call, "--host is for servers");
	leaf->role = is_server ? ROLE_SERVER : ROLE_SIGNER;
	leaf->is_encrypted = !is_server;
	leaf->name = options->name ? options->name : kind;
	leaf->common_name = is_server ? server_common_name(&issuing->hosts)
				      : options->signer;
	if (strchr(leaf->name, '/'))
		return report_usage(call,
				    "--name: '%s' is not the name of a "
				    "file",
				    leaf->name);
	return STATUS_OK;
}

static enum status issue_leaf(struct issuing *issuing, const char *directory,
			      struct leaf *leaf)
{
	CLEANUP(authority) authority = { 0 };
	enum status status = read_authority(issuing, directory, &authority);
	const struct issuer issuer = { authority.chain.at, &authority.key };
	struct new_file files[2];

	if (status != STATUS_OK)
		return status;
	limit_time(issuing, authority.chain.at);
	status = make_leaf(issuing, &issuer, leaf);
	if (status != STATUS_OK)
		return status;
	append_chain(leaf, &authority.chain);
	add_files(issuing->call, leaf, files);
	return keyfile_write(issuing->call, directory, files, 2);
}

static enum status run_issue(struct call *call)
{
	const struct issue_options *options = call->options;
	CLEANUP(issuing)
	issuing = {
		.call = call,
		.key_type = (enum key_type)options->key_type,
		.now = time(NULL),
	};
	CLEANUP(leaf) leaf = { 0 };
	enum status status = split_hosts(call, &options->hosts, &issuing.hosts);

	if (status == STATUS_OK)
		status = check_signer_name(call, options->signer);
	if (status == STATUS_OK)
		status = choose_leaf(&issuing, call->operands[1], &leaf);
	if (status == STATUS_OK)
		status = issue_leaf(&issuing, call->operands[0], &leaf);
	if (status == STATUS_OK)
		print_leaf(call, call->operands[0], &leaf);
	return status;
}

static const struct option_row issue_rows[] = {
	{ .name = "host",
	  .value = "NAME",
	  .help = "For a server: its host names and addresses, as for "
		  "`keys init`.",
	  OPTION_LIST(struct issue_options, hosts) },
	{ .name = "signer",
	  .value = "NAME",
	  .help = "For a signer: its common name, as `signer:` of the site.",
	  .fallback = DEFAULT_SIGNER,
	  OPTION_TEXT(struct issue_options, signer) },
	{ .name = "name",
	  .value = "NAME",
	  .help = "Name of the two files, without .pem and .key. Without it, "
		  "server or signer.",
	  OPTION_TEXT(struct issue_options, name) },
	{ .name = "key-type",
	  .help = KEY_TYPE_HELP,
	  .fallback = "rsa",
	  OPTION_CHOICE(struct issue_options, key_type, key_types) },
	{ .name = "days",
	  .value = "N",
	  .help = DAYS_HELP,
	  .fallback = "825",
	  OPTION_NUMBER(struct issue_options, days, 1, ROOT_DAYS) },
	{ .name = "passphrase-file",
	  .value = "FILE",
	  .help = "Its first line is the passphrase of root.key; without it, "
		  "the passphrase is asked for. The key of a new signer gets "
		  "the same.",
	  OPTION_TEXT(struct issue_options, passphrase_file) },
	{ 0 },
};

const struct verb verb_keys_issue = {
	.name = "keys issue",
	.operands = "DIR KIND",
	.summary = "Make a new certificate from a root: server or signer",
	.text = "Makes another certificate and key of the root that is in DIR "
		"as root.pem and root.key. Machines that trust the root take "
		"it without a new image. KIND is server or signer. Nothing is "
		"overwritten: give the new files another name, or move the old "
		"ones away first.\n"
		"\n"
		"After a new signer, sign everything again (`ipxe-embed "
		"sign`).",
	.options = issue_rows,
	.options_bytes = sizeof(struct issue_options),
	.run = run_issue,
	.examples =
		(const struct example[]){
			{ "ipxe-embed keys issue certs signer "
			  "--name signer-2028",
			  "A signer for when the old one ends." },
			{ "ipxe-embed keys issue certs server "
			  "--host boot2.lab.example --name server2",
			  "For a mirror." },
			{ 0 },
		},
};

/* ------------------------------------------------------------ keys show -- */

/** A line of `keys show`, when there is something to say. */
static void print_line(const char *label, const struct sbuf *text)
{
	if (text->len)
		printf("  %-12s %s\n", label, sbuf_text(text));
}

static void print_facts(const struct certificate *certificate)
{
	static const struct {
		const char *label;
		void (*write)(const struct certificate *, struct sbuf *);
	} facts[] = {
		{ "issued by", certificate_issuer },
		{ "names", certificate_names },
		{ "usages", certificate_usages },
		{ "key", certificate_key },
	};

	for (size_t i = 0; i < sizeof(facts) / sizeof(*facts); i++) {
		CLEANUP(sbuf) text = { 0 };

		facts[i].write(certificate, &text);
		print_line(facts[i].label, &text);
	}
}

static void print_validity(const struct certificate *certificate)
{
	CLEANUP(sbuf) text = { 0 };

	time_write(certificate_not_before(certificate), &text);
	sbuf_puts(&text, " to ");
	time_write(certificate_not_after(certificate), &text);
	print_line("valid", &text);
}

static void print_fingerprint(const struct certificate *certificate)
{
	CLEANUP(sbuf) text = { 0 };
	unsigned char sha256[32];

	certificate_fingerprint(certificate, sha256);
	for (size_t i = 0; i < sizeof(sha256); i++)
		sbuf_printf(&text, "%02x", sha256[i]);
	print_line("SHA-256", &text);
}

/* That it ends soon is said only of what is good until then. */
static void print_judgement(const struct certificate *certificate,
			    enum certificate_role role, const char *label)
{
	const struct judgement judgement = { .role = role, .now = time(NULL) };
	CLEANUP(findings) findings = { 0 };
	const char *verdict = "no: it";

	certificate_judge(certificate, &judgement, &findings);
	if (findings.count == 0)
		printf("  %-12s yes\n", label);
	for (size_t i = 0; i < findings.count; i++) {
		if (findings.at[i].kind != FINDING_EXPIRES_SOON)
			printf("  %-12s %s %s\n", label, verdict,
			       findings.at[i].message);
		else if (i == 0)
			printf("  %-12s yes, but it %s\n", label,
			       findings.at[i].message);
		label = "";
		verdict = "and it";
	}
}

static void print_certificate(const char *path,
			      const struct certificate *certificate)
{
	CLEANUP(sbuf) subject = { 0 };

	certificate_subject(certificate, &subject);
	printf("%s: %s\n", path, sbuf_text(&subject));
	print_facts(certificate);
	print_validity(certificate);
	print_fingerprint(certificate);
	print_judgement(certificate, ROLE_ROOT, "a root");
	print_judgement(certificate, ROLE_SERVER, "a server");
	print_judgement(certificate, ROLE_SIGNER, "a signer");
}

static enum status run_show(struct call *call)
{
	enum status status = STATUS_OK;

	for (size_t i = 0; i < call->operand_count; i++) {
		CLEANUP(certificates) certificates = { 0 };
		enum status one = keyfile_certificates(call, call->operands[i],
						       &certificates);

		for (size_t k = 0; k < certificates.count; k++)
			print_certificate(call->operands[i],
					  &certificates.at[k]);
		if (status == STATUS_OK)
			status = one;
	}
	return status;
}

const struct verb verb_keys_show = {
	.name = "keys show",
	.operands = "FILE...",
	.summary =
		"Say what certificates are, and what iPXE would take them for",
	.text = "For every certificate in the files: whose it is, its names "
		"and usages, how long it is valid, its fingerprint, and "
		"whether iPXE would take it for a root, for a web server of "
		"its names, or for a code signer, and why not.",
	.run = run_show,
	.examples =
		(const struct example[]){
			{ "ipxe-embed keys show certs/*.pem", NULL },
			{ 0 },
		},
};
