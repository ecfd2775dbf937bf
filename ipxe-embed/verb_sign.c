#include "verbs.h"

#include "arena.h"
#include "replace.h"
#include "report.h"
#include "sbuf.h"
#include "sign_tree.h"
#include "signatures.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct sign_options {
	const char *key, *certificate, *chain, *root, *passphrase_file;
	const char *output, *merge;
	long jobs;
	bool recheck;
};

/* ---- a request alone ---- */

/** Signing on a machine that has the key and nothing else. */
struct offline {
	const struct call *call;
	const char *path; /**< of the request */
	const struct signing_request *request;
	struct certificates roots; /**< asked for, and at hand */
	const char *unfinished;    /**< see spool.h */
};

static bool is_asked_for(const struct signing_request *request,
			 const struct certificate *certificate)
{
	unsigned char sha256[32];

	certificate_fingerprint(certificate, sha256);
	for (size_t i = 0; i < request->roots.count; i++)
		if (memcmp(request->roots.at[i].sha256, sha256, 32) == 0)
			return true;
	return false;
}

/* The request knows roots by their fingerprints; the certificates themselves
 * come from the files of the signer. */
static enum status find_roots(struct offline *offline,
			      const struct signer *signer)
{
	const struct signing_request *request = offline->request;
	CLEANUP(sbuf) names = { 0 };

	for (size_t i = 0; i < signer->others.count; i++)
		if (is_asked_for(request, &signer->others.at[i]))
			certificates_add(&offline->roots,
					 &signer->others.at[i]);
	if (offline->roots.count)
		return STATUS_OK;
	for (size_t i = 0; i < request->roots.count; i++)
		sbuf_printf(&names, "%s\"%s\"", i ? " or " : "",
			    request->roots.at[i].subject.ptr);
	return report_error(offline->call,
			    "%s asks for a signer below the root %s, and none "
			    "of the certificates given is that root; name it "
			    "with --root",
			    offline->path, sbuf_text(&names));
}

/* @param output	where the signatures will go */
static enum status sign_items(struct offline *offline,
			      const struct signer *signer,
			      struct signing_items *items, const char *output)
{
	const struct sign_options *options = offline->call->options;
	const struct cms_policy policy = {
		.roots = &offline->roots,
		.signer = offline->request->signer.ptr,
		.now = time(NULL),
	};
	const struct signatures signatures = {
		.call = offline->call,
		.policy = &policy,
		.signer = signer,
		.unfinished = arena_printf(offline->call->arena,
					   "%s.unfinished", output),
		.jobs = (unsigned)options->jobs,
	};
	struct signatures_made made;
	enum status status = signer_check(offline->call, signer, &policy);

	offline->unfinished = signatures.unfinished;
	return status == STATUS_OK ? signatures_make(&signatures, items, &made)
				   : status;
}

/* "keys/signing-request" -> "keys/signatures" */
static const char *beside(struct arena *arena, const char *path)
{
	const char *slash = strrchr(path, '/');

	return arena_printf(arena, "%.*s" SIGNATURES_NAME,
			    slash ? (int)(slash - path + 1) : 0, path);
}

/* A slip of -o must not cost anybody a file: only one that is a file of
 * signatures itself is replaced. */
static bool may_replace(const struct call *call, const char *path)
{
	CLEANUP(sbuf) why = { 0 };
	struct stat st;
	struct text bytes;

	if (lstat(path, &st) != 0)
		return true;
	return S_ISREG(st.st_mode) &&
	       sign_read_file(call, path, &bytes) == STATUS_OK &&
	       (bytes.len == 0 ||
		signing_response_parse(call->arena, bytes, &why));
}

static enum status write_response(const struct offline *offline,
				  struct signing_items items, const char *path)
{
	const struct call *call = offline->call;
	const struct signing_response response = { offline->request->site,
						   items };
	CLEANUP(sbuf) text = { 0 };
	int error;

	if (!may_replace(call, path))
		return report_error(call,
				    "%s is there already and is no file of "
				    "signatures; it is left as it is",
				    path);
	signing_response_write(&response, &text);
	error = replace_file(call->arena, path, 0644, &text);
	if (error)
		return report_failure(call, "%s: %s", path, strerror(-error));
	unlink(offline->unfinished);
	printf("%s: %zu %s by \"%s\"\n", path, items.count,
	       items.count == 1 ? "signature" : "signatures",
	       offline->request->signer.ptr);
	return STATUS_OK;
}

static enum status read_request(struct offline *offline)
{
	CLEANUP(sbuf) why = { 0 };
	struct text bytes;
	enum status status =
		sign_read_file(offline->call, offline->path, &bytes);

	if (status != STATUS_OK)
		return status;
	offline->request =
		signing_request_parse(offline->call->arena, bytes, &why);
	if (!offline->request)
		return report_error(offline->call, "%s: %s", offline->path,
				    sbuf_text(&why));
	return STATUS_OK;
}

static enum status sign_request(const struct call *call,
				const struct signer *signer, const char *output)
{
	const char *path = call->operands[0];
	struct offline offline = { .call = call, .path = path };
	struct signing_items items = { 0 };
	enum status status = read_request(&offline);

	if (!output)
		output = beside(call->arena, path);
	if (status == STATUS_OK)
		status = find_roots(&offline, signer);
	if (status == STATUS_OK) {
		items = offline.request->items;
		status = sign_items(&offline, signer, &items, output);
	}
	if (status == STATUS_OK)
		status = write_response(&offline, items, output);
	certificates_release(&offline.roots);
	return status;
}

/* ---- the verb ---- */

static struct sign_manner manner_of(const struct sign_options *options)
{
	return (struct sign_manner){ (unsigned)options->jobs,
				     options->recheck };
}

static enum status sign_target(struct call *call, bool is_tree)
{
	const struct sign_options *options = call->options;
	const struct sign_manner manner = manner_of(options);
	const struct signer_files files = {
		.key = options->key,
		.certificate = options->certificate,
		.chain = options->chain,
		.root = options->root,
		.passphrase = options->passphrase_file,
	};
	struct signer signer = { 0 };
	enum status status = signer_load(call, &files, &signer);

	if (status == STATUS_OK)
		status = is_tree ? sign_tree(call, call->operands[0], &signer,
					     &manner)
				 : sign_request(call, &signer, options->output);
	signer_release(&signer);
	return status;
}

static enum status check_usage(const struct call *call, bool is_tree)
{
	const struct sign_options *options = call->options;

	if (options->merge && (options->key || options->certificate))
		return report_usage(call, "--merge needs no key: it takes "
					  "signatures that were made already");
	if (options->merge && !is_tree)
		return report_usage(call,
				    "--merge needs the directory of a "
				    "tree, and '%s' is none",
				    call->operands[0]);
	if (!options->merge && !(options->key && options->certificate))
		return report_usage(call,
				    "--key and --cert are needed to sign");
	if (is_tree && options->output)
		return report_usage(call, "--output is for requests; in a tree "
					  "each signature has its place");
	return STATUS_OK;
}

static bool is_request(const char *path)
{
	const char *slash = strrchr(path, '/');

	return strcmp(slash ? slash + 1 : path, SIGNING_REQUEST_NAME) == 0;
}

static enum status run_sign(struct call *call)
{
	const struct sign_options *options = call->options;
	const char *target = call->operands[0];
	struct sign_manner manner;
	struct stat st;
	bool is_tree;
	enum status status;

	if (stat(target, &st) != 0)
		return report_error(call, "%s: %s%s", target, strerror(errno),
				    errno == ENOENT && is_request(target)
					    ? "; a tree has none when all of "
					      "it is signed"
					    : "");
	is_tree = S_ISDIR(st.st_mode);
	status = check_usage(call, is_tree);
	if (status != STATUS_OK)
		return status;
	manner = manner_of(options);
	return options->merge
		       ? sign_merge(call, target, options->merge, &manner)
		       : sign_target(call, is_tree);
}

static const struct option_row rows[] = {
	{ .name = "key",
	  .value = "FILE",
	  .help = "The private key of the code signer: a file in PEM form, or "
		  "the pkcs11: URI of a key in a token.",
	  OPTION_TEXT(struct sign_options, key) },
	{ .name = "cert",
	  .value = "FILE",
	  .help = "The certificate of the code signer; more may follow it in "
		  "the file.",
	  OPTION_TEXT(struct sign_options, certificate) },
	{ .name = "chain",
	  .value = "FILE",
	  .help = "Certificates between the signer's and the root, if there "
		  "are any.",
	  OPTION_TEXT(struct sign_options, chain) },
	{ .name = "root",
	  .value = "FILE",
	  .help = "The root of trust, where there is only a request; a tree "
		  "has its roots in it.",
	  OPTION_TEXT(struct sign_options, root) },
	{ .name = "passphrase-file",
	  .value = "FILE",
	  .help = "Read the passphrase of the key from the first line of a "
		  "file instead of asking for it.",
	  OPTION_TEXT(struct sign_options, passphrase_file) },
	{ .name = "output",
	  .letter = 'o',
	  .value = "FILE",
	  .help = "Where the signatures of a request go. Without it, into the "
		  "file \"" SIGNATURES_NAME "\" beside the request.",
	  OPTION_TEXT(struct sign_options, output) },
	{ .name = "merge",
	  .value = "FILE",
	  .help = "Put signatures that were made elsewhere into the tree.",
	  OPTION_TEXT(struct sign_options, merge) },
	{ .name = "recheck",
	  .help = "Verify every signature of a tree, also those that are "
		  "remembered from an earlier run and look unchanged.",
	  OPTION_FLAG(struct sign_options, recheck) },
	{ .name = "jobs",
	  .letter = 'j',
	  .value = "N",
	  .help = "Sign and verify with so many threads at once; 0 is one for "
		  "each processor. A key in a token makes one signature at a "
		  "time.",
	  .fallback = "0",
	  OPTION_NUMBER(struct sign_options, jobs, 0, 1024) },
	{ 0 },
};

static const struct example examples[] = {
	{ "ipxe-embed sign out --key signer.key --cert signer.pem",
	  "Sign what has changed in a tree." },
	{ "ipxe-embed sign signing-request --key signer.key --cert signer.pem "
	  "--root root.pem",
	  "On the machine that has the key." },
	{ "ipxe-embed sign --merge signatures out",
	  "Back on the machine that has the tree." },
	{ 0 },
};

const struct verb verb_sign = {
	.name = "sign",
	.operands = "TARGET",
	.summary = "Sign what machines are to verify",
	.text = "TARGET is a tree that build has written, or the file "
		"signing-request out of one. In a tree, everything that has no "
		"good signature by this very signer gets one; what has one is "
		"left alone. With a request alone, the signatures go into a "
		"file of their own, for --merge: so the key can stay on a "
		"machine that has no network and none of the files.\n\n"
		"Before anything is signed, key and certificate are held "
		"against what the machines will ask: right name, right "
		"usages, still valid, leading to a root of the site. Each "
		"signature is verified as iPXE would before it counts, and "
		"--merge puts all signatures of a file in place or none.\n\n"
		"A signature has no time stamp: it ends with the certificate "
		"of its signer. Renew that in time, and sign again.",
	.options = rows,
	.options_bytes = sizeof(struct sign_options),
	.run = run_sign,
	.examples = examples,
};
