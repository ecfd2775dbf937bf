#include "verbs.h"

#include "arena.h"
#include "asset.h"
#include "cleanup.h"
#include "diag.h"
#include "files.h"
#include "ir.h"
#include "plan.h"
#include "report.h"
#include "run.h"
#include "sbuf.h"
#include "tls.h"
#include "value.h"
#include "vec.h"
#include "web.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define QEMU      "qemu-system-x86_64"
#define OVMF_CODE "/usr/share/OVMF/OVMF_CODE_4M.fd"
#define OVMF_VARS "/usr/share/OVMF/OVMF_VARS_4M.fd"
/* For a node that is known by its UUID or serial number alone. */
#define ANY_MAC "52:54:00:12:34:56"

enum firmware { FIRMWARE_BIOS, FIRMWARE_UEFI };
enum media { MEDIA_PXE, MEDIA_USB };

static const char *const firmware_names[] = { "bios", "uefi", NULL };
static const char *const media_names[] = { "pxe", "usb", NULL };

struct try_options {
	const char *output;
	const char *tls_cert, *tls_key;
	int firmware, media;
	long memory_mib, timeout_s;
};

/* The first base URL of the site, taken apart. */
struct place {
	struct in_addr host;
	uint16_t port;
	const char *prefix; /* of paths, "/" at least */
};

struct words_of_qemu {
	const char **at;
	size_t count, room;
};

/* One run. */
struct trial {
	const struct call *call;
	const struct try_options *options;
	const struct plan *plan;
	const struct node *node; /* NULL: a machine that the site has not */
	const char *mac;
	struct place place;
	const char *out; /* absolute */
	struct words_of_qemu argv;
	bool started; /* a kernel */
};

/* ---------------------------------------------------------- the machine -- */

static enum status find_machine(struct trial *trial)
{
	const struct site *site = trial->plan->effective->site;
	const char *wanted = trial->call->operands[1];
	struct text mac = { 0 };

	if (value_mac(trial->call->arena, text_of(wanted), &mac))
		mac.ptr = NULL;
	for (size_t i = 0; i < site->node_count; i++) {
		const struct node *node = &site->nodes[i];

		if (text_is(node->name, wanted)) {
			trial->node = node;
			trial->mac = node->mac_count ? node->macs[0].text.ptr
						     : ANY_MAC;
			return STATUS_OK;
		}
		for (size_t m = 0; mac.ptr && m < node->mac_count; m++)
			if (text_equal(node->macs[m].text, mac))
				trial->node = node;
	}
	trial->mac = mac.ptr;
	return mac.ptr ? STATUS_OK
		       : report_usage(trial->call,
				      "site %s has no node '%s'; to try an "
				      "unknown machine, give a MAC address",
				      site->name.text.ptr, wanted);
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

/* ---------------------------------------------------------- the address -- */

static bool parse_place(struct arena *arena, const char *url,
			struct place *ret_place)
{
	static const char scheme[] = "https://";
	const char *host = url + sizeof(scheme) - 1, *port;
	size_t len;

	if (strncmp(url, scheme, sizeof(scheme) - 1) != 0)
		return false;
	len = strcspn(host, ":/");
	port = host + len;
	ret_place->port =
		*port == ':' ? (uint16_t)strtoul(port + 1, NULL, 10) : 443;
	ret_place->prefix = port + strcspn(port, "/");
	return inet_pton(AF_INET, arena_printf(arena, "%.*s", (int)len, host),
			 &ret_place->host) == 1;
}

/* QEMU lets one address of its network stand for our loopback, and it can be
 * any, so the machine sees the very URL that is baked. */
static enum status find_place(struct trial *trial)
{
	const char *url = trial->plan->effective->site->urls.at[0].text.ptr;

	if (parse_place(trial->call->arena, url, &trial->place))
		return STATUS_OK;
	return report_error(trial->call,
			    "%s: only a site whose url is https:// and an "
			    "IPv4 address can be tried, as nobody answers DNS "
			    "in the virtual network; a copy of the site with "
			    "https://10.0.2.2:8443/ can",
			    url);
}

/* ------------------------------------------------------- command of QEMU -- */

static void add(struct trial *trial, const char *word)
{
	*vec_push(trial->call->arena, &trial->argv) = word;
}

/* QEMU ends a value at a comma, unless there are two. */
static const char *quote(struct trial *trial, const char *value)
{
	CLEANUP(sbuf) quoted = { 0 };

	for (; *value; value++) {
		if (*value == ',')
			sbuf_putc(&quoted, ',');
		sbuf_putc(&quoted, *value);
	}
	return arena_copy(trial->call->arena, sbuf_text(&quoted), quoted.len);
}

__attribute__((format(printf, 3, 4))) static void
add_option(struct trial *trial, const char *option, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(trial, option);
	add(trial, arena_vprintf(trial->call->arena, format, args));
	va_end(args);
}

static void add_firmware(struct trial *trial)
{
	if (trial->options->firmware == FIRMWARE_BIOS) {
		add_option(trial, "-machine", "pc");
		return;
	}
	add_option(trial, "-machine", "q35");
	add_option(trial, "-drive",
		   "if=pflash,unit=0,format=raw,readonly=on,file=%s",
		   OVMF_CODE);
	/* What it writes there is forgotten. */
	add_option(trial, "-drive",
		   "if=pflash,unit=1,format=raw,snapshot=on,file=%s",
		   OVMF_VARS);
}

static void add_identity(struct trial *trial)
{
	const struct node *node = trial->node;

	if (!node)
		return;
	if (node->uuid.text.len)
		add_option(trial, "-uuid", "%s", node->uuid.text.ptr);
	if (node->serial.text.len)
		add_option(trial, "-smbios", "type=1,serial=%s",
			   quote(trial, node->serial.text.ptr));
	if (node->asset.text.len)
		add_option(trial, "-smbios", "type=3,asset=%s",
			   quote(trial, node->asset.text.ptr));
}

/* The addresses of QEMU's network: the host's is given, others keep off. */
static const char *network(struct trial *trial)
{
	uint32_t host = ntohl(trial->place.host.s_addr);
	uint32_t net = host & 0xffffff00u, last = host & 0xff;
	struct in_addr dns = { htonl(net | (last == 3 ? 4 : 3)) };
	struct in_addr first = { htonl(net | (last < 100 ? 128 : 15)) };
	char texts[3][INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &trial->place.host, texts[0], sizeof(texts[0]));
	inet_ntop(AF_INET, &dns, texts[1], sizeof(texts[1]));
	inet_ntop(AF_INET, &first, texts[2], sizeof(texts[2]));
	return arena_printf(trial->call->arena,
			    "user,id=n,ipv6=off,net=%s/24,host=%s,dns=%s,"
			    "dhcpstart=%s",
			    texts[0], texts[0], texts[1], texts[2]);
}

/* SeaBIOS has no PXE of its own: it is the ROM of the card. UEFI has one. */
static void add_media(struct trial *trial)
{
	bool bios = trial->options->firmware == FIRMWARE_BIOS;
	const char *card = bios ? "e1000" : "virtio-net-pci,romfile=";
	const char *out = quote(trial, trial->out);

	if (trial->options->media == MEDIA_PXE) {
		add_option(trial, "-netdev", "%s,tftp=%s/tftp,bootfile=%s",
			   network(trial), out,
			   bios ? "undionly.kpxe" : "ipxe.efi");
		add_option(trial, "-device", "%s,netdev=n,mac=%s,bootindex=1",
			   card, trial->mac);
		return;
	}
	add_option(trial, "-netdev", "%s", network(trial));
	add_option(trial, "-device",
		   "virtio-net-pci,netdev=n,mac=%s,romfile=", trial->mac);
	add_option(trial, "-drive",
		   "if=none,id=stick,format=raw,snapshot=on,"
		   "file=%s/images/usb.img",
		   out);
	add_option(trial, "-device", "qemu-xhci");
	add_option(trial, "-device",
		   "usb-storage,drive=stick,removable=on,bootindex=1");
}

static enum status make_command_of_qemu(struct trial *trial)
{
	add(trial, QEMU);
	add_option(trial, "-accel", "tcg");
	add_option(trial, "-m", "%ld", trial->options->memory_mib);
	add_option(trial, "-display", "none");
	add_option(trial, "-vga", "none");
	add_option(trial, "-nic", "none");
	add_option(trial, "-serial", "stdio");
	add_option(trial, "-monitor", "none");
	add(trial, "-no-reboot");
	add_firmware(trial);
	add_identity(trial);
	add_media(trial);
	add(trial, NULL);
	return STATUS_OK;
}

/* ------------------------------------------------------- what is needed -- */

static enum status need_image(struct trial *trial)
{
	const struct try_options *options = trial->options;
	const char *name = options->media == MEDIA_USB ? "images/usb.img"
			   : options->firmware == FIRMWARE_BIOS
				   ? "tftp/undionly.kpxe"
				   : "tftp/ipxe.efi";
	char *absolute;

	if (options->media == MEDIA_USB && options->firmware == FIRMWARE_BIOS)
		return report_usage(trial->call,
				    "usb.img boots UEFI machines only: add "
				    "--firmware uefi");
	absolute = realpath(options->output, NULL);
	if (!absolute)
		return report_error(trial->call, "%s: %s", options->output,
				    strerror(errno));
	trial->out = arena_copy(trial->call->arena, absolute, strlen(absolute));
	free(absolute);
	if (access(arena_printf(trial->call->arena, "%s/%s", trial->out, name),
		   R_OK) != 0)
		return report_error(trial->call,
				    "%s/%s: %s; ipxe-embed build makes it",
				    options->output, name, strerror(errno));
	return STATUS_OK;
}

static enum status need_programs(struct trial *trial)
{
	if (!run_has(QEMU))
		return report_failure(trial->call,
				      "there is no " QEMU " in PATH; Debian "
				      "has it in the package qemu-system-x86");
	if (trial->options->firmware == FIRMWARE_UEFI &&
	    (access(OVMF_CODE, R_OK) != 0 || access(OVMF_VARS, R_OK) != 0))
		return report_failure(trial->call,
				      "there is no " OVMF_CODE " with its "
				      "OVMF_VARS_4M.fd; Debian has it in the "
				      "package ovmf");
	return STATUS_OK;
}

/* -------------------------------------------------------------- running -- */

/* @param s	begins with an escape character */
static size_t escape_len(const char *s)
{
	size_t len = 1;

	if (s[len] == '[')
		len += 1 + strspn(s + 2, "0123456789;?=");
	else if (s[len] == '(' || s[len] == ')')
		len++;
	return len + (s[len] != '\0');
}

/* Without what clears the screen and moves about: the lines of a log. */
static void clean_line(const char *line, struct sbuf *ret_text)
{
	while (*line) {
		if (*line == '\033') {
			line += escape_len(line);
			continue;
		}
		if ((unsigned char)*line >= ' ' || *line == '\t')
			sbuf_putc(ret_text, *line);
		line++;
	}
}

/* The boot script says when it starts a kernel, and if that came back. */
static void see_line(void *ctx, const char *line)
{
	struct trial *trial = ctx;
	CLEANUP(sbuf) text = { 0 };
	const char *said;

	clean_line(line, &text);
	puts(sbuf_text(&text));
	fflush(stdout);
	said = strstr(sbuf_text(&text), "ipxe-embed: ");
	if (said && strstr(said, ": booting: "))
		trial->started = true;
	if (said && strstr(said, ": FAILED to start the kernel"))
		trial->started = false;
}

static enum status judge(const struct trial *trial, const struct run *program,
			 const struct run_end *end)
{
	CLEANUP(sbuf) how = { 0 };

	run_end_say(end, program, &how);
	if (!end->timed_out && !run_end_is_good(end))
		return report_failure(trial->call, QEMU " ended: %s",
				      sbuf_text(&how));
	if (!trial->started)
		return report_error(
			trial->call, "%s did not start a kernel (%s)",
			trial->call->operands[1],
			end->timed_out ? sbuf_text(&how) : "it powered off");
	printf("%s started its kernel, and %s\n", trial->call->operands[1],
	       end->timed_out ? "was then stopped" : "powered off");
	return STATUS_OK;
}

static enum status run_machine(struct trial *trial)
{
	const struct run program = {
		.argv = trial->argv.at,
		.timeout_s = (unsigned)trial->options->timeout_s,
		.line = see_line,
		.ctx = trial,
	};
	struct run_end end;
	int error = run(&program, &end);

	if (error)
		return report_failure(trial->call, QEMU ": %s",
				      strerror(-error));
	return judge(trial, &program, &end);
}

static const char *server_file(const struct trial *trial, const char *given,
			       const char *usual)
{
	struct text directory = trial->plan->effective->site->directory;

	return given ? given
		     : arena_printf(trial->call->arena, "%scerts/%s",
				    directory.len ? directory.ptr : "", usual);
}

static enum status serve_and_run(struct trial *trial,
				 const struct tls_server *tls, int root)
{
	const struct web web = { .tls = tls,
				 .root = root,
				 .prefix = trial->place.prefix };
	CLEANUP(sbuf) why = { 0 };
	enum status status;
	pid_t server = web_start(&web, trial->place.port, &why);

	if (server < 0)
		return report_failure(trial->call, "%s", sbuf_text(&why));
	status = run_machine(trial);
	web_stop(server);
	return status;
}

static enum status try_machine(struct trial *trial)
{
	const struct try_options *options = trial->options;
	const char *www =
		arena_printf(trial->call->arena, "%s/www", trial->out);
	struct tls_server tls = { 0 };
	CLEANUP(sbuf) why = { 0 };
	enum status status;
	int root = open(www, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (root < 0)
		return report_error(trial->call, "%s: %s", www,
				    strerror(errno));
	if (tls_server_init(
		    &tls, server_file(trial, options->tls_cert, "server.pem"),
		    server_file(trial, options->tls_key, "server.key"), &why))
		status = report_error(trial->call, "%s", sbuf_text(&why));
	else
		status = serve_and_run(trial, &tls, root);
	tls_server_release(&tls);
	close(root);
	return status;
}

/* ----------------------------------------------------------------- verb -- */

static enum status run_try(struct call *call)
{
	static enum status (*const steps[])(struct trial *) = {
		read_site,     find_machine,         find_place,  need_image,
		need_programs, make_command_of_qemu, try_machine,
	};
	struct trial trial = { .call = call, .options = call->options };
	enum status status = STATUS_OK;

	for (size_t i = 0;
	     i < sizeof(steps) / sizeof(steps[0]) && status == STATUS_OK; i++)
		status = steps[i](&trial);
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
	  .help = "What the machine has. UEFI is OVMF (package ovmf), without "
		  "Secure Boot.",
	  .fallback = "bios",
	  OPTION_CHOICE(struct try_options, firmware, firmware_names) },
	{ .name = "media",
	  .help = "What it boots from: the network, with undionly.kpxe or "
		  "ipxe.efi, or usb.img as a stick, with UEFI.",
	  .fallback = "pxe",
	  OPTION_CHOICE(struct try_options, media, media_names) },
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
	{ .name = "memory",
	  .value = "MIB",
	  .help = "Memory of the machine.",
	  .fallback = "1024",
	  OPTION_NUMBER(struct try_options, memory_mib, 64, 1048576) },
	{ .name = "timeout",
	  .value = "SECONDS",
	  .help = "End the machine when it still runs after this time.",
	  .fallback = "600",
	  OPTION_NUMBER(struct try_options, timeout_s, 1, 86400) },
	{ 0 },
};

const struct verb verb_try = {
	.name = "try",
	.operands = "SITE NODE",
	.summary = "Boot a node of a site in a virtual machine",
	.text = "Boots a machine in QEMU (package qemu-system-x86) that has "
		"the MAC address, UUID, serial number and asset tag of NODE, "
		"with the images and files of a built tree, exactly as they "
		"are. NODE may be a MAC address, also one that the site does "
		"not know. The files are served by HTTPS on loopback, which "
		"the machine sees at the address in the site's first url; "
		"that must be an IPv4 address, and the port must be free "
		"here. Nothing of the machine is kept.\n"
		"\n"
		"Its console is shown, without a keyboard; the kernel's own "
		"lines appear if its arguments have console=ttyS0. It ends "
		"when it powers off or reboots, at the timeout, or at Ctrl-C. "
		"The exit status is 0 if it started a kernel, else 1.",
	.options = rows,
	.options_bytes = sizeof(struct try_options),
	.run = run_try,
	.examples =
		(const struct example[]){
			{ "ipxe-embed try site.yaml kube-master -o out",
			  "From the network, with BIOS." },
			{ "ipxe-embed try site.yaml kube-master -o out "
			  "--firmware uefi --media usb",
			  "From a stick." },
			{ 0 },
		},
};
