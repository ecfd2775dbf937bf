#include "boot_fact.h"
#include "emit_parts.h"

bool emit_has(const struct emit *e, enum verify how)
{
	return e->plan->verify & how;
}

/* One base URL of a routine; @p number counts from 1. */
static void emit_mirror(struct emit *e, const char *routine, size_t number,
			const struct located_list *urls)
{
	PUT(":%s-%zu\n"
	    "set from %s\n"
	    "imgfetch --timeout 30000 --name ${item} "
	    "${from}a/${sum}/${leaf} || goto %s-%zu-lost\n",
	    routine, number, urls->at[number - 1].text.ptr, routine, number);
	if (emit_has(e, VERIFY_SIGNATURE))
		PUT("set step signature\n"
		    "imgverify --timeout 30000 --signer %s ${item} "
		    "${from}a/${sum}/${leaf}.sig || goto %s-%zu-bad\n",
		    e->plan->signer.ptr, routine, number);
	if (emit_has(e, VERIFY_DIGEST))
		PUT("set step digest\n"
		    "clear got ||\n"
		    "sha256sum --set got ${item} || goto %s-%zu-bad\n"
		    "iseq ${got} ${sum} || goto %s-%zu-bad\n",
		    routine, number, routine, number);
	PUT("goto ${back}\n"
	    ":%s-%zu-bad\n"
	    "set reason ${errno:hexraw}\n"
	    "imgfree ${item} || goto stop\n"
	    "echo ipxe-embed: ${node}: REFUSED ${item} from ${from}: bad "
	    "${step}, error ${reason}\n",
	    routine, number);
	PUT("set %s-mirror %zu\n"
	    "goto %s-next\n"
	    ":%s-%zu-lost\n"
	    "set reason ${errno:hexraw}\n"
	    "echo ipxe-embed: ${node}: FAILED to fetch ${item} from ${from}: "
	    "error ${reason}\n"
	    "set %s-mirror %zu\n"
	    "goto %s-next\n",
	    routine, number % urls->count + 1, routine, routine, number,
	    routine, number % urls->count + 1, routine);
}

static void emit_get(struct emit *e, const char *routine,
		     const struct located_list *urls)
{
	PUT(":%s\n"
	    "echo ipxe-embed: ${node}: ${item} (${leaf})\n"
	    "set tried:int32 0\n"
	    "goto %s-${%s-mirror}\n",
	    routine, routine, routine);
	for (size_t i = 0; i < urls->count; i++)
		emit_mirror(e, routine, i + 1, urls);
	PUT(":%s-next\n"
	    "inc tried\n"
	    "iseq ${tried} %zu || goto %s-${%s-mirror}\n"
	    "echo ipxe-embed: ${node}: GIVEN UP: no good ${item} (${leaf}); "
	    "see https://ipxe.org/${reason}\n"
	    "goto failed\n",
	    routine, urls->count, routine, routine);
}

static void emit_gets(struct emit *e)
{
	emit_heading(e, "get: fetch ${item} and verify it");
	PUT("# The only place where anything is fetched. An item that is not "
	    "verified\n"
	    "# is dropped at once, and the next mirror is asked; one that "
	    "answers well\n"
	    "# stays the first to be asked.\n");
	emit_get(e, "get", &e->site->urls);
	if (e->site->assets.count) {
		PUT("\n");
		emit_get(e, "get-asset", &e->site->assets);
	}
}

static void emit_boot_uki(struct emit *e)
{
	emit_heading(e, "boot");
	PUT("# Kernel, initrds and command line in one: the firmware verifies "
	    "it.\n"
	    ":boot-uki\n"
	    "echo ipxe-embed: ${node}: booting ${leaf}\n"
	    "boot uki ||\n"
	    "# A kernel that starts does not come back.\n"
	    "set reason ${errno:hexraw}\n"
	    "echo ipxe-embed: ${node}: REFUSED by the firmware, or it did not "
	    "start: ${leaf}; see https://ipxe.org/${reason}\n"
	    "goto failed\n");
}

/* What the boot script goes on with behind a script that may set what it likes,
 * under names that no other thinks of. */
static const char *const kept[] = {
	"node",  "next",       "again",           "leave",
	"lease", "get-mirror", "get-asset-mirror"
};
enum { KEPT = sizeof(kept) / sizeof(*kept) };

/* Facts of the machine, which a setting of the same name would hide. */
static const char *const hidden[] = { "platform", "buildarch",   "uuid",
				      "serial",   "asset",       "product",
				      "errno",    "manufacturer" };
enum { HIDDEN = sizeof(hidden) / sizeof(*hidden) };

/* Addresses that it has set count more than those of DHCP. */
static void emit_clear_cards(struct emit *e)
{
	static const char *const names[] = { "mac", "ip", "netmask", "gateway",
					     "dns" };

	PUT("clear dns ||\n"
	    "set idx:int32 0\n"
	    ":chain-card\n"
	    "isset ${net${idx}/mac} || goto chain-end\n");
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		PUT("clear net${idx}/%s ||\n", names[i]);
	PUT("inc idx\n"
	    "goto chain-card\n"
	    ":chain-end\n");
}

static void emit_boot_chain(struct emit *e)
{
	PUT("# Another script, in the place of a kernel. It may change the "
	    "network, and set\n"
	    "# what it likes: what is needed again is put aside.\n"
	    ":boot-chain\n");
	for (size_t i = 0; i < KEPT; i++)
		PUT("set chain-%s ${%s} ||\n", kept[i], kept[i]);
	emit_uplink_copy(e, "chain-", "");
	PUT("set chain-delay ${delay}\n"
	    "echo ipxe-embed: ${node}: running ${leaf}\n"
	    "boot kernel ||\n"
	    "set reason ${errno:hexraw}\n");
	for (size_t i = 0; i < HIDDEN; i++)
		PUT("clear %s ||\n", hidden[i]);
	for (size_t i = 0; i < KEPT; i++)
		PUT("set %s ${chain-%s} ||\n", kept[i], kept[i]);
	emit_uplink_copy(e, "", "chain-");
	PUT("set delay:int32 ${chain-delay}\n"
	    "set crosscert " EMIT_NO_CROSSCERT " || goto stop\n");
	if (emit_has(e, VERIFY_NODES))
		PUT("set site %s\n", e->plan->site_name.ptr);
	emit_arch(e);
	PUT("ifclose ||\n");
	emit_clear_cards(e);
	PUT("set online no\n"
	    "echo ipxe-embed: ${node}: the script has come back, last error "
	    "${reason}\n"
	    "goto failed\n");
}

/* iPXE expands what it has expanded again, so text that others have written
 * could be anything, and arguments of its own for the kernel. It is compared,
 * as digits, with what comes out when it is expanded behind a "$" and before
 * "{}": both are the same only if there is no "${" in it, and it makes none
 * with what stands before or behind it. Spaces are encoded away. A text that
 * names itself is expanded without end: its firmware could hang the machine in
 * many other ways. */
static void emit_fact_text(struct emit *e)
{
	PUT(":fact-text\n"
	    "isset ${${fact}:hexraw} || goto fact-missing\n"
	    "clear probe ||\n"
	    "set probe $${${fact}}{} ||\n"
	    "iseq ${probe:hexraw} 24${${fact}:hexraw}7b7d || goto fact-bad\n"
	    "set boot-${fact} ${${fact}:uristring}\n"
	    "goto ${back}\n"
	    ":fact-bad\n"
	    "echo ipxe-embed: ${node}: REFUSED: what the firmware has as "
	    "${fact} is no text for an argument: ${${fact}:hexraw}\n"
	    "goto failed\n");
}

static void emit_facts(struct emit *e)
{
	bool text = false;

	emit_heading(e, "facts that only the machine knows");
	for (size_t i = 0; i < BOOT_FACTS; i++) {
		const struct boot_fact *fact = &boot_facts[i];

		if (!(e->facts & 1u << i))
			continue;
		PUT(":fact-%s\n"
		    "set fact %s\n",
		    fact->name, fact->name);
		if (fact->value)
			PUT("set boot-%s %s ||\n"
			    "isset ${boot-%s} && goto ${back} || "
			    "goto fact-missing\n",
			    fact->name, fact->value, fact->name);
		else
			PUT("goto fact-text\n");
		text = text || !fact->value;
	}
	if (text)
		emit_fact_text(e);
	PUT(":fact-missing\n"
	    "echo ipxe-embed: ${node}: FAILED: this machine has no ${fact}\n"
	    "goto failed\n");
}

static void emit_boot(struct emit *e)
{
	emit_heading(e, "boot");
	PUT("# EFI kernels find their initrds under the name initrd.magic.\n"
	    ":boot\n"
	    "clear magic ||\n"
	    "iseq ${platform}-${initrds} efi-yes && "
	    "set magic initrd=initrd.magic ||\n"
	    "imgargs kernel ${magic} ${args} || goto failed\n"
	    "echo ipxe-embed: ${node}: booting: ${magic} ${args}\n"
	    "boot kernel ||\n"
	    "# A kernel that starts does not come back.\n"
	    "set reason ${errno:hexraw}\n"
	    "echo ipxe-embed: ${node}: FAILED to start the kernel; "
	    "see https://ipxe.org/${reason}\n"
	    "goto failed\n");
}

/* Where systems put their loader on an EFI disk besides the path for removable
 * media. Not to find one would be to take an installed machine for an empty
 * one, and go on to the installer. */
const char *const emit_efi_loaders[] = {
	"debian\\shim${loader}.efi",
	"debian\\grub${loader}.efi",
	"ubuntu\\shim${loader}.efi",
	"ubuntu\\grub${loader}.efi",
	"fedora\\shim${loader}.efi",
	"centos\\shim${loader}.efi",
	"rocky\\shim${loader}.efi",
	"almalinux\\shim${loader}.efi",
	"redhat\\shim${loader}.efi",
	"opensuse\\shim.efi",
	"sles\\shim.efi",
	"systemd\\systemd-boot${loader}.efi",
	"arch\\grub${loader}.efi",
	"nixos\\grub${loader}.efi",
	"Microsoft\\Boot\\bootmgfw.efi",
	NULL,
};

/* Each loader that may be on a drive, one after the other. */
static void emit_loaders(struct emit *e, const char *drive)
{
	PUT("set loader x64\n"
	    "iseq ${buildarch} arm64 && set loader aa64 ||\n"
	    "sanboot --no-describe --drive %s ||\n",
	    drive);
	for (size_t i = 0; emit_efi_loaders[i]; i++)
		PUT("sanboot --no-describe --drive %s --filename \\EFI\\%s ||\n",
		    drive, emit_efi_loaders[i]);
}

/* Drive 0 is any drive with a loader under EFI, but the floppy on BIOS. DHCP can
 * have sanboot pass over all of them (usr/autoboot.c), and so send an installed
 * machine on to its installer. */
static void emit_disk(struct emit *e)
{
	PUT(":disk\n"
	    "echo ipxe-embed: ${node}: booting from disk\n"
	    "set skip-san-boot 0\n"
	    "iseq ${platform} efi || goto disk-bios\n");
	emit_loaders(e, "0");
	PUT("goto disk-failed\n"
	    ":disk-bios\n"
	    "sanboot --no-describe --drive 0x80 ||\n"
	    ":disk-failed\n"
	    "echo ipxe-embed: ${node}: FAILED: nothing boots from disk\n"
	    "goto failed\n");
}

/* The drive is 0x80 while it is there, and a disk of the machine is that again
 * behind it: so it must go in any case, whatever DHCP says about keeping it. */
static void emit_boot_san(struct emit *e)
{
	PUT("# A drive that is read block by block: the one thing that nobody "
	    "verifies, where\n"
	    "# the site says so.\n"
	    ":boot-san\n"
	    "echo ipxe-embed: ${node}: booting from ${drive}, which nobody "
	    "verifies\n"
	    "set skip-san-boot 0\n"
	    "set keep-san 0\n"
	    "sanhook --drive 0x80 ${drive} || goto san-failed\n"
	    "iseq ${platform} efi || goto san-bios\n");
	emit_loaders(e, "0x80");
	PUT("goto san-failed\n"
	    ":san-bios\n"
	    "sanboot --no-describe --drive 0x80 ||\n"
	    ":san-failed\n"
	    "set reason ${errno:hexraw}\n"
	    "sanunhook --drive 0x80 ||\n"
	    "clear initiator-iqn ||\n"
	    "echo ipxe-embed: ${node}: FAILED: nothing boots from ${drive}; "
	    "see https://ipxe.org/${reason}\n"
	    "goto failed\n");
}

static void emit_step_routines(struct emit *e)
{
	emit_heading(e, "other steps of boot orders");
	if (e->uses[STEP_DISK])
		emit_disk(e);
	if (e->uses[STEP_RETRY])
		PUT("# The pause doubles from 5 to 160 seconds.\n"
		    ":retry\n"
		    "echo ipxe-embed: ${node}: trying again in ${delay} "
		    "seconds\n"
		    "sleep ${delay} ||\n"
		    "iseq ${delay} 160 || inc delay ${delay}\n"
		    "ifclose ||\n"
		    "set online no\n"
		    "set lease new\n"
		    "%s"
		    "goto ${again} || goto stop\n",
		    /* From the start: with the script that the tree has then */
		    e->fetched ? "iseq ${again} order && exit 0 ||\n" : "");
	if (e->uses[STEP_REBOOT])
		PUT(":reboot\n"
		    "reboot ||\n"
		    "goto stop\n");
	if (e->uses[STEP_POWEROFF])
		PUT(":poweroff\n"
		    "poweroff ||\n"
		    "goto stop\n");
	if (e->uses[STEP_SHELL])
		PUT(":shell\n"
		    "echo ipxe-embed: ${node}: a shell; type exit to go on\n"
		    "shell ||\n"
		    "goto failed\n");
	if (e->uses[STEP_EXIT] && e->fetched)
		PUT(":exit\n"
		    "set verdict exit\n"
		    "exit 0\n");
	else if (e->uses[STEP_EXIT])
		PUT("# A status other than 0 makes UEFI go on with its next "
		    "entry.\n"
		    ":exit\n"
		    "echo ipxe-embed: ${node}: back to the firmware\n"
		    "exit 1\n");
}

static void emit_end(struct emit *e)
{
	emit_heading(e, "failed: on with the next step");
	PUT(":failed\n"
	    "imgfree ||\n"
	    "goto ${next} || goto stop\n");
	if (emit_has(e, VERIFY_SECURE_BOOT) && !e->fetched)
		PUT("\n:insecure\n"
		    "echo ipxe-embed: REFUSED: site %s boots only with UEFI "
		    "Secure Boot on\n"
		    "echo ipxe-embed: platform ${platform}, SecureBoot "
		    "${efi/SecureBoot}\n"
		    "sleep 30 ||\n"
		    "exit 1\n",
		    e->plan->site_name.ptr);
	emit_heading(e, "stop: what must not happen");
	PUT(":stop\n"
	    "echo ipxe-embed: ${node}: stopped, error ${errno:hexraw}\n"
	    "imgfree ||\n"
	    "sleep 30 ||\n"
	    "exit 1\n");
}

void emit_find_uses(struct emit *e, const struct machine *machine)
{
	for (size_t i = 0; i < machine->action_count; i++) {
		const struct action *action = &machine->actions[i];

		e->uses[action->kind] = true;
		if (action->boot && action->boot->archs != ARCH_ANY)
			e->uses_arch = true;
		if (!action->boot)
			continue;
		e->facts |= action->boot->facts;
		e->boots[action->boot->kind] = true;
	}
}

void emit_routines(struct emit *e)
{
	emit_network(e);
	emit_gets(e);
	if (emit_has(e, VERIFY_SECURE_BOOT))
		emit_boot_uki(e);
	else
		emit_boot(e);
	if (e->boots[BOOT_CHAIN])
		emit_boot_chain(e);
	if (e->boots[BOOT_SAN])
		emit_boot_san(e);
	if (e->boots[BOOT_EFI] || e->boots[BOOT_UKI])
		PUT(":no-efi\n"
		    "echo ipxe-embed: ${node}: FAILED: this profile needs "
		    "UEFI, and the machine has booted by ${platform}\n"
		    "goto failed\n");
	if (e->boots[BOOT_ISO])
		PUT(":no-bios\n"
		    "echo ipxe-embed: ${node}: FAILED: this profile needs "
		    "BIOS, and the machine has booted by ${platform}\n"
		    "goto failed\n");
	if (e->facts)
		emit_facts(e);
	emit_step_routines(e);
	emit_end(e);
}
