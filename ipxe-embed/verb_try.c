#include "verbs.h"

#include "arena.h"
#include "asset.h"
#include "cleanup.h"
#include "companion.h"
#include "console.h"
#include "diag.h"
#include "files.h"
#include "ir.h"
#include "lan.h"
#include "manifest.h"
#include "network.h"
#include "no_node.h"
#include "ovmf.h"
#include "plan.h"
#include "report.h"
#include "run.h"
#include "sbuf.h"
#include "scratch.h"
#include "show.h"
#include "terminal.h"
#include "tls.h"
#include "value.h"
#include "vec.h"
#include "vm.h"
#include "web.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* For a node that is known by its UUID or serial number alone. */
#define ANY_MAC "52:54:00:12:34:56"

/* For machines that nobody is watching. */
enum { TIMEOUT_S = 600, MANIFEST_BYTES_MAX = 1 << 30 };

static const char *const firmware_names[] = { "bios", "uefi", "secure-boot",
					      NULL };
static const char *const media_names[] = { "pxe", "usb", NULL };

struct try_options {
	const char *output;
	const char *tls_cert, *tls_key, *secure_boot_keys;
	struct words nics;
	int firmware, media;
	bool open_network;
	long memory_mib, timeout_s;
};

/* One run. */
struct trial {
	const struct call *call;
	const struct try_options *options;
	const struct plan *plan;
	const struct machine *machine;
	const struct node *node; /* NULL: a machine that the site has not */
	VEC(const char *) macs;
	struct lan lan;
	const char *out;        /* absolute */
	struct scratch scratch; /* for as long as the machine runs */
	struct tls_server tls;
	int www, cable; /* descriptors; -1: none */
	VEC(pid_t) companions;
	struct terminal terminal;
};

/* ---------------------------------------------------------- the machine -- */

static void add_card(struct trial *trial, const char *mac)
{
	*vec_push(trial->call->arena, &trial->macs) = mac;
}

/* A MAC address says which card boots; a node has all of its cards. */
static void add_cards(struct trial *trial, struct text first)
{
	const struct node *node = trial->node;

	if (first.ptr)
		add_card(trial, first.ptr);
	for (size_t i = 0; node && i < node->mac_count; i++)
		if (!text_equal(node->macs[i].text, first))
			add_card(trial, node->macs[i].text.ptr);
	if (!trial->macs.count)
		add_card(trial, ANY_MAC);
}

static enum status add_chosen_cards(struct trial *trial)
{
	const struct words *nics = &trial->options->nics;

	trial->macs.count = 0;
	for (size_t i = 0; i < nics->count; i++) {
		struct text mac;
		const char *wrong = value_mac(trial->call->arena,
					      text_of(nics->at[i]), &mac);

		if (wrong)
			return report_usage(trial->call, "--nic %s: it %s",
					    nics->at[i], wrong);
		add_card(trial, mac.ptr);
	}
	return STATUS_OK;
}

static enum status find_machine(struct trial *trial)
{
	const struct effective *effective = trial->plan->effective;
	const char *wanted = trial->call->operands[1];
	struct text mac = { 0 };

	trial->machine = show_find(trial->call->arena, trial->plan, wanted);
	if ((!trial->machine || !text_is(trial->machine->node->name, wanted)) &&
	    value_mac(trial->call->arena, text_of(wanted), &mac))
		return report_no_node(trial->call, effective->site, wanted,
				      "; to try an unknown machine, give a "
				      "MAC address");
	if (!trial->machine)
		trial->machine = &effective->unknown;
	trial->node = trial->machine->node;
	add_cards(trial, mac);
	return trial->options->nics.count ? add_chosen_cards(trial) : STATUS_OK;
}

static enum status read_site(struct trial *trial)
{
	struct assets assets = { 0 }; /* no cache: look, do not measure */
	struct compile_env env = asset_env(&assets);
	struct diags ds = { .arena = trial->call->arena };

	trial->plan = compile(trial->call->arena, trial->call->operands[0],
			      &env, &ds);
	return report_diags(trial->call, &ds);
}

static enum status find_addresses(struct trial *trial)
{
	CLEANUP(sbuf) why = { 0 };

	if (lan_plan(trial->call->arena, trial->plan->effective->site,
		     trial->machine, &trial->lan, &why))
		return STATUS_OK;
	return report_error(trial->call, "%s", sbuf_text(&why));
}

/* ------------------------------------------------------- what is needed -- */

/* What the stick says to a BIOS that it cannot serve. */
static bool stick_is_for_uefi_only(const char *path)
{
	static const char said[] = "boots UEFI machines only";
	char sector[512];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? 0 : read(fd, sector, sizeof(sector));

	if (fd >= 0)
		close(fd);
	return len > 0 &&
	       memmem(sector, (size_t)len, said, sizeof(said) - 1) != NULL;
}

/* What to do where there is no tree. */
static enum status fail_tree(const struct trial *trial, const char *what)
{
	return report_error(trial->call,
			    "%s: %s; ipxe-embed build makes it:  ipxe-embed "
			    "build %s -o %s",
			    trial->options->output, what,
			    trial->call->operands[0], trial->options->output);
}

static enum status need_tree(struct trial *trial)
{
	const char *out = trial->options->output;
	const struct text site = trial->plan->site_name;
	struct arena *arena = trial->call->arena;
	const struct manifest *manifest;
	CLEANUP(sbuf) bytes = { 0 };
	CLEANUP(sbuf) why = { 0 };
	char *absolute = realpath(out, NULL);
	int dir, error;

	if (!absolute)
		return fail_tree(trial, strerror(errno));
	trial->out = arena_copy(arena, absolute, strlen(absolute));
	free(absolute);
	dir = open(trial->out, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return fail_tree(trial, strerror(errno));
	error = files_read(dir, MANIFEST_NAME, MANIFEST_BYTES_MAX, &bytes);
	close(dir);
	manifest = error ? NULL
			 : manifest_parse(arena, sbuf_text(&bytes), bytes.len,
					  &why);
	if (!manifest)
		return fail_tree(trial, arena_printf(arena,
						     "its " MANIFEST_NAME
						     " cannot be used: %s",
						     error ? strerror(-error)
							   : sbuf_text(&why)));
	if (!text_equal(manifest->site, site))
		return fail_tree(trial,
				 arena_printf(arena,
					      "is the tree of the site \"%s\", "
					      "and not of \"%s\"",
					      manifest->site.ptr, site.ptr));
	return STATUS_OK;
}

static enum status need_image(struct trial *trial)
{
	const struct try_options *options = trial->options;
	bool bios = options->firmware == VM_BIOS;
	bool usb = options->media == VM_USB;
	const char *path = arena_printf(trial->call->arena, "%s/%s", trial->out,
					usb ? "images/usb.img" : "tftp/");

	if (!usb)
		path = arena_printf(
			trial->call->arena, "%s%s", path,
			vm_bootfile((enum vm_firmware)options->firmware));
	if (access(path, R_OK) != 0)
		return report_error(trial->call,
				    "%s: %s; ipxe-embed build makes it, with a "
				    "base and without --no-images",
				    path, strerror(errno));
	if (usb && bios && stick_is_for_uefi_only(path))
		return report_error(trial->call,
				    "%s boots UEFI machines only: add "
				    "--firmware uefi",
				    path);
	return STATUS_OK;
}

/* What a trial needs of Debian. */
struct need {
	const char *path; /* absolute; else a program in PATH */
	const char *package;
	unsigned firmware; /* 1 << enum vm_firmware, or'ed */
};

static const struct need needs[] = {
	{ VM_QEMU, "qemu-system-x86",
	  1 << VM_BIOS | 1 << VM_UEFI | 1 << VM_SECURE_BOOT },
	{ OVMF_CODE, "ovmf", 1 << VM_UEFI },
	{ OVMF_CODE_SECURE, "ovmf", 1 << VM_SECURE_BOOT },
	{ OVMF_STORE, "ovmf", 1 << VM_UEFI | 1 << VM_SECURE_BOOT },
};

static enum status need_programs(struct trial *trial)
{
	for (size_t i = 0; i < sizeof(needs) / sizeof(*needs); i++) {
		const struct need *need = &needs[i];
		bool file = *need->path == '/';

		if (!(need->firmware & 1u << trial->options->firmware) ||
		    (file ? access(need->path, R_OK) == 0
			  : run_has(need->path)))
			continue;
		return report_failure(trial->call,
				      "there is no %s%s; Debian has it in the "
				      "package %s",
				      need->path, file ? "" : " in PATH",
				      need->package);
	}
	return STATUS_OK;
}

/* ------------------------------------------------------------- its world -- */

static const char *beside_site(const struct trial *trial, const char *given,
			       const char *usual)
{
	struct text directory = trial->plan->effective->site->directory;

	return given ? given
		     : arena_printf(trial->call->arena, "%scerts/%s",
				    directory.len ? directory.ptr : "", usual);
}

static const char *in_scratch(const struct trial *trial, const char *name)
{
	return arena_printf(trial->call->arena, "%s/%s", trial->scratch.path,
			    name);
}

static enum status make_scratch(struct trial *trial)
{
	int error = scratch_make(trial->call->arena, &trial->scratch);

	return error ? report_failure(trial->call,
				      "cannot make a directory in TMPDIR or "
				      "/tmp: %s",
				      strerror(-error))
		     : STATUS_OK;
}

/* UEFI writes to it: each machine has its own. */
static enum status make_store(struct trial *trial)
{
	const struct try_options *options = trial->options;
	CLEANUP(sbuf) store = { 0 };
	enum status status = STATUS_OK;
	int dir, error;

	if (options->firmware == VM_BIOS)
		return STATUS_OK;
	if (options->firmware == VM_SECURE_BOOT)
		status = ovmf_enrolled_store(
			trial->call,
			beside_site(trial, options->secure_boot_keys,
				    "secure-boot"),
			OVMF_STORE, &store);
	else
		status = ovmf_empty_store(trial->call, OVMF_STORE, &store);
	if (status != STATUS_OK)
		return status;
	dir = open(trial->scratch.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	error = dir < 0 ? -errno
			: files_write(dir, "variables", store.ptr, store.len);
	if (dir >= 0)
		close(dir);
	return error ? report_failure(trial->call, "%s: %s",
				      trial->scratch.path, strerror(-error))
		     : STATUS_OK;
}

static bool needs_tls(const struct trial *trial)
{
	for (size_t i = 0; i < trial->lan.servers.count; i++)
		if (trial->lan.servers.at[i].secret)
			return true;
	return false;
}

static enum status load_tls(struct trial *trial)
{
	const struct try_options *options = trial->options;
	CLEANUP(sbuf) why = { 0 };

	if (needs_tls(trial) &&
	    tls_server_init(&trial->tls,
			    beside_site(trial, options->tls_cert, "server.pem"),
			    beside_site(trial, options->tls_key, "server.key"),
			    &why))
		return report_error(trial->call, "%s", sbuf_text(&why));
	return STATUS_OK;
}

static enum status keep(struct trial *trial, pid_t companion,
			const struct sbuf *why)
{
	if (companion < 0)
		return report_failure(trial->call, "%s", sbuf_text(why));
	*vec_push(trial->call->arena, &trial->companions) = companion;
	return STATUS_OK;
}

/* @return descriptor of a new directory, or -1 and errno */
static int make_empty(const struct trial *trial)
{
	const char *path = in_scratch(trial, "empty");

	return mkdir(path, 0700) != 0
		       ? -1
		       : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static const char *socket_of(const struct trial *trial, size_t server)
{
	return arena_printf(trial->call->arena, "%s/web-%zu",
			    trial->scratch.path, server);
}

static enum status start_servers(struct trial *trial)
{
	const char *www =
		arena_printf(trial->call->arena, "%s/www", trial->out);
	enum status status = STATUS_OK;

	trial->www = open(www, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* A site whose machines fetch nothing has none. */
	if (trial->www < 0 && errno == ENOENT)
		trial->www = make_empty(trial);
	if (trial->www < 0)
		return report_error(trial->call, "%s: %s", www,
				    strerror(errno));
	for (size_t i = 0; status == STATUS_OK && i < trial->lan.servers.count;
	     i++) {
		const struct lan_server *server = &trial->lan.servers.at[i];
		const struct web web = {
			.tls = server->secret ? &trial->tls : NULL,
			.root = trial->www,
			.prefixes = server->prefixes.at,
			.prefix_count = server->prefixes.count,
		};
		CLEANUP(sbuf) why = { 0 };

		status = keep(trial, web_start(&web, socket_of(trial, i), &why),
			      &why);
	}
	return status;
}

static enum status start_network(struct trial *trial)
{
	const struct try_options *options = trial->options;
	const struct lan *lan = &trial->lan;
	struct network_service *services = arena_new_array(
		trial->call->arena, lan->servers.count, struct network_service);
	struct network network = {
		.net = lan->net,
		.mask = lan->mask,
		.router = lan->router,
		.nameserver = lan->nameserver,
		.first = lan->first,
		.timeserver = lan->timeserver,
		.vlan = lan->vlan,
		/* Firmware knows nothing of our VLAN. */
		.untagged = options->media == VM_PXE,
		.services = services,
		.service_count = lan->servers.count,
		.zone = { lan->names.at, lan->names.count,
			  !options->open_network },
		.open = options->open_network,
	};
	CLEANUP(sbuf) why = { 0 };

	for (size_t i = 0; i < lan->servers.count; i++)
		services[i] =
			(struct network_service){ lan->servers.at[i].address,
						  lan->servers.at[i].port,
						  socket_of(trial, i) };
	if (options->media == VM_PXE) {
		network.tftp =
			arena_printf(trial->call->arena, "%s/tftp", trial->out);
		network.bootfile =
			vm_bootfile((enum vm_firmware)options->firmware);
	}
	return keep(trial, network_start(&network, &trial->cable, &why), &why);
}

/* -------------------------------------------------------------- running -- */

/* Whoever sees the console on a terminal, and has a keyboard, may type. */
static bool somebody_is_there(void)
{
	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

static const char *how_it_ended(const struct trial *trial,
				const struct run *program,
				const struct run_end *end,
				const struct console *console)
{
	if (end->timed_out)
		return arena_printf(trial->call->arena,
				    "it was stopped after %u s",
				    program->timeout_s);
	if (console->over)
		return "its boot order is at its end";
	return end->stopped ? "you ended it" : "it powered off or restarted";
}

static enum status judge(const struct trial *trial, const struct run *program,
			 const struct run_end *end,
			 const struct console *console)
{
	const char *who = trial->call->operands[1];
	const char *how = how_it_ended(trial, program, end, console);
	CLEANUP(sbuf) said = { 0 };

	if (!end->timed_out && !end->stopped && !run_end_is_good(end)) {
		run_end_say(end, program, &said);
		return report_failure(trial->call, VM_QEMU " ended: %s",
				      sbuf_text(&said));
	}
	if (!console->started)
		return report_error(trial->call,
				    "%s did not start a kernel: %s%s%s", who,
				    sbuf_text(&console->reason),
				    console->reason.len ? "; " : "", how);
	printf("%s started its kernel; %s\n", who, how);
	return STATUS_OK;
}

static struct vm vm_of(const struct trial *trial)
{
	const struct try_options *options = trial->options;

	return (struct vm){
		.firmware = (enum vm_firmware)options->firmware,
		.media = (enum vm_media)options->media,
		.memory_mib = options->memory_mib,
		.macs = trial->macs.at,
		.mac_count = trial->macs.count,
		.node = trial->node,
		.cable = trial->cable,
		.stick = arena_printf(trial->call->arena, "%s/images/usb.img",
				      trial->out),
		.store = in_scratch(trial, "variables"),
	};
}

static enum status run_machine(struct trial *trial)
{
	const struct vm vm = vm_of(trial);
	CLEANUP(console) console = { .typed = somebody_is_there() };
	const long given_s = trial->options->timeout_s;
	const struct run program = {
		.argv = vm_command(trial->call->arena, &vm),
		.timeout_s = (unsigned)(given_s         ? given_s
					: console.typed ? 0
							: TIMEOUT_S),
		.held_fd = trial->cable,
		.hold = true,
		.line = console_line,
		.output = console_output,
		.keys = console.typed ? console_keys : NULL,
		.keys_fd = STDIN_FILENO,
		.enough = &console.over,
		.ctx = &console,
	};
	struct run_end end;
	int error = 0;

	if (console.typed) {
		printf("%s\n", console_help);
		fflush(stdout);
		error = terminal_raw(STDIN_FILENO, &trial->terminal);
	}
	if (!error)
		error = run(&program, &end);
	if (console.typed)
		console_leave(&console);
	terminal_restore(&trial->terminal);
	if (error)
		return report_failure(trial->call, VM_QEMU ": %s",
				      strerror(-error));
	return judge(trial, &program, &end, &console);
}

static void release(struct trial *trial)
{
	terminal_restore(&trial->terminal);
	for (size_t i = 0; i < trial->companions.count; i++)
		companion_end(trial->companions.at[i]);
	tls_server_release(&trial->tls);
	if (trial->cable >= 0)
		close(trial->cable);
	if (trial->www >= 0)
		close(trial->www);
	if (trial->scratch.path)
		scratch_remove(&trial->scratch);
}

/* ----------------------------------------------------------------- verb -- */

typedef enum status trial_step(struct trial *trial);

static enum status go(struct trial *trial, trial_step *const *steps)
{
	enum status status = STATUS_OK;

	for (; status == STATUS_OK && *steps; steps++)
		status = (*steps)(trial);
	return status;
}

static enum status run_try(struct call *call)
{
	static trial_step *const before[] = {
		read_site,  find_machine,  find_addresses, need_tree,
		need_image, need_programs, NULL,
	};
	/* Leaves something behind, until release(). */
	static trial_step *const steps[] = {
		make_scratch,  make_store,  load_tls, start_servers,
		start_network, run_machine, NULL,
	};
	struct trial trial = {
		.call = call,
		.options = call->options,
		.www = -1,
		.cable = -1,
		.terminal = { .fd = -1 },
	};
	enum status status = go(&trial, before);

	if (status != STATUS_OK)
		return status;
	run_block_signals();
	status = go(&trial, steps);
	release(&trial);
	run_unblock_signals();
	return status;
}

static const struct option_row rows[] = {
	{ .name = "output",
	  .letter = 'o',
	  .value = "DIR",
	  .help = "The tree, as `ipxe-embed build` has made it.",
	  .required = true,
	  OPTION_TEXT(struct try_options, output) },
	{ .name = "firmware",
	  .help = "What the machine has. UEFI is OVMF (package ovmf).",
	  .fallback = "bios",
	  OPTION_CHOICE(struct try_options, firmware, firmware_names) },
	{ .name = "media",
	  .help = "What it boots from: the network, with undionly.kpxe or "
		  "ipxe.efi, or usb.img as a stick.",
	  .fallback = "pxe",
	  OPTION_CHOICE(struct try_options, media, media_names) },
	{ .name = "nic",
	  .value = "MAC",
	  .help = "A network card that the machine has, instead of those of "
		  "NODE; the first one boots.",
	  OPTION_LIST(struct try_options, nics) },
	{ .name = "open-network",
	  .help = "Let the machine reach what this computer can reach, as "
		  "an installer may need.",
	  OPTION_FLAG(struct try_options, open_network) },
	{ .name = "tls-cert",
	  .value = "FILE",
	  .help = "The certificate of the web server. Without it, "
		  "certs/server.pem beside the site file.",
	  OPTION_TEXT(struct try_options, tls_cert) },
	{ .name = "tls-key",
	  .value = "FILE",
	  .help = "Its key, without a passphrase. Without it, "
		  "certs/server.key beside the site file.",
	  OPTION_TEXT(struct try_options, tls_key) },
	{ .name = "secure-boot-keys",
	  .value = "DIR",
	  .help = "What `ipxe-embed keys secure-boot` has made: PK, KEK and db "
		  "are enrolled for --firmware secure-boot. Without it, "
		  "certs/secure-boot beside the site file.",
	  OPTION_TEXT(struct try_options, secure_boot_keys) },
	{ .name = "memory",
	  .value = "MIB",
	  .help = "Memory of the machine.",
	  .fallback = "1024",
	  OPTION_NUMBER(struct try_options, memory_mib, 64, 1048576) },
	{ .name = "timeout",
	  .value = "SECONDS",
	  .help = "End the machine when it still runs after this time. Without "
		  "it: 600, or never while somebody can type.",
	  OPTION_NUMBER(struct try_options, timeout_s, 1, 86400) },
	{ 0 },
};

const struct verb verb_try = {
	.name = "try",
	.operands = "SITE NODE",
	.summary = "Boot a node of a site in a virtual machine",
	.text = "Boots a machine in QEMU (package qemu-system-x86) that has "
		"the MAC addresses, UUID, serial number and asset tag of NODE, "
		"with the images and files of a built tree, exactly as they "
		"are. NODE may be a MAC address, also one that the site does "
		"not know.\n"
		"\n"
		"It has a network of its own, in which every server that the "
		"site's `url` and `assets` name is there, at its own name, "
		"address and port, and gives out the tree. What the site's "
		"`network` says is there, too: router, name server, time "
		"server and VLAN. No port of this "
		"computer is used, root is not needed, and the machine reaches "
		"nothing else, unless --open-network lets it. Nothing of the "
		"machine is kept.\n"
		"\n"
		"On a terminal its console is shown as it is, and it gets what "
		"is typed; Ctrl-A X ends it. The kernel's own lines appear if "
		"its arguments have console=ttyS0. It ends when it powers off "
		"or restarts, at the timeout, and, where nobody can type, when "
		"its boot order is at its end. The last line says what "
		"happened; the exit status is 0 if it started a kernel, else "
		"1.",
	.options = rows,
	.options_bytes = sizeof(struct try_options),
	.run = run_try,
	.examples =
		(const struct example[]){
			{ "ipxe-embed try site.yaml kube-master -o out",
			  "From the network, with BIOS." },
			{ "ipxe-embed try site.yaml kube-master -o out "
			  "--firmware secure-boot --media usb",
			  "From a stick, with our own keys enrolled." },
			{ 0 },
		},
};
