#include "vm.h"

#include "ir.h"
#include "ovmf.h"
#include "sbuf.h"
#include "vec.h"

struct command {
	struct arena *arena;
	const struct vm *vm;
	VEC(const char *) argv;
};

static void add(struct command *command, const char *word)
{
	*vec_push(command->arena, &command->argv) = word;
}

__attribute__((format(printf, 3, 4))) static void
add_option(struct command *command, const char *option, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(command, option);
	add(command, arena_vprintf(command->arena, format, args));
	va_end(args);
}

/* QEMU ends a value at a comma, unless there are two. */
static const char *quote(struct command *command, const char *value)
{
	struct sbuf quoted = { 0 };
	const char *copy;

	for (; *value; value++) {
		if (*value == ',')
			sbuf_putc(&quoted, ',');
		sbuf_putc(&quoted, *value);
	}
	copy = arena_copy(command->arena, sbuf_text(&quoted), quoted.len);
	sbuf_release(&quoted);
	return copy;
}

const char *vm_bootfile(enum vm_firmware firmware)
{
	return firmware == VM_BIOS ? "undionly.kpxe" : "ipxe.efi";
}

/* With Secure Boot only the firmware itself, in system management mode, may
 * write to the store. */
static void add_firmware(struct command *command)
{
	const struct vm *vm = command->vm;
	bool secure = vm->firmware == VM_SECURE_BOOT;

	if (vm->firmware == VM_BIOS) {
		add_option(command, "-machine", "pc");
		return;
	}
	add_option(command, "-machine", "q35%s", secure ? ",smm=on" : "");
	if (secure)
		add_option(command, "-global",
			   "driver=cfi.pflash01,property=secure,value=on");
	add_option(command, "-drive",
		   "if=pflash,unit=0,format=raw,readonly=on,file=%s",
		   secure ? OVMF_CODE_SECURE : OVMF_CODE);
	add_option(command, "-drive", "if=pflash,unit=1,format=raw,file=%s",
		   quote(command, vm->store));
}

static void add_identity(struct command *command)
{
	const struct node *node = command->vm->node;

	if (!node)
		return;
	if (node->uuid.text.len)
		add_option(command, "-uuid", "%s", node->uuid.text.ptr);
	if (node->serial.text.len)
		add_option(command, "-smbios", "type=1,serial=%s",
			   quote(command, node->serial.text.ptr));
	if (node->asset.text.len)
		add_option(command, "-smbios", "type=3,asset=%s",
			   quote(command, node->asset.text.ptr));
}

/* SeaBIOS has no PXE of its own: it is the ROM of the card. UEFI has one. */
static void add_cards(struct command *command)
{
	const struct vm *vm = command->vm;
	bool pxe = vm->media == VM_PXE;
	bool rom = pxe && vm->firmware == VM_BIOS;
	const char *card = vm->firmware == VM_BIOS ? "e1000" : "virtio-net-pci";

	/* One cable, and a hub for all cards. */
	add_option(command, "-netdev", "socket,id=cable,fd=%d", vm->cable);
	add_option(command, "-netdev", "hubport,id=up,hubid=0,netdev=cable");
	for (size_t i = 0; i < vm->mac_count; i++) {
		add_option(command, "-netdev", "hubport,id=port%zu,hubid=0", i);
		add_option(command, "-device", "%s,netdev=port%zu,mac=%s%s%s",
			   card, i, vm->macs[i], rom ? "" : ",romfile=",
			   pxe && i == 0 ? ",bootindex=1" : "");
	}
}

static void add_stick(struct command *command)
{
	/* What is written to it is forgotten. */
	add_option(command, "-drive",
		   "if=none,id=stick,format=raw,snapshot=on,file=%s",
		   quote(command, command->vm->stick));
	add_option(command, "-device", "qemu-xhci");
	add_option(command, "-device",
		   "usb-storage,drive=stick,removable=on,bootindex=1");
}

const char *const *vm_command(struct arena *arena, const struct vm *vm)
{
	struct command command = { .arena = arena, .vm = vm };

	add(&command, VM_QEMU);
	add_option(&command, "-accel", "tcg");
	add_option(&command, "-m", "%ld", vm->memory_mib);
	add_option(&command, "-display", "none");
	add_option(&command, "-vga", "none");
	add_option(&command, "-nic", "none");
	add_option(&command, "-serial", "stdio");
	add_option(&command, "-monitor", "none");
	add(&command, "-no-reboot");
	add_firmware(&command);
	add_identity(&command);
	add_cards(&command);
	if (vm->media == VM_USB)
		add_stick(&command);
	add(&command, NULL);
	return command.argv.at;
}
