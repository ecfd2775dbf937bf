#include "simulate_commands.h"

/* Drives of this machine, and drives elsewhere: usr/autoboot.c, core/sanboot.c
 * and hci/commands/sanboot_cmd.c of iPXE. */

/* Of ipxe/sanboot.h; drive 0 under UEFI is any that boots. */
enum { DRIVE_DEFAULT = 0x80 };

static bool is_efi(struct sim *sim)
{
	sim->asked_for_kind = true;
	return sim->world->platform && strcmp(sim->world->platform, "efi") == 0;
}

static uint32_t drive_number(struct sim_call *call)
{
	const struct sim_argument *drive = sim_argument(call, 'd');

	return drive->is ? drive->number : DRIVE_DEFAULT;
}

/* Whether a setting, which DHCP may bring, is a number other than 0. */
static bool is_on(struct sim *sim, const char *name)
{
	struct text value = sim_setting(sim, name);
	uint32_t number;

	return value.len && (sim_parse_number(value, &number) || number);
}

static struct sim_hooked *find_hooked(struct sim *sim, uint32_t number)
{
	for (size_t i = 0; i < sim->drive_count; i++)
		if (sim->drives[i].number == number)
			return &sim->drives[i];
	return NULL;
}

/* By the first of some URIs that answers. */
static int hook(struct sim *sim, const struct sim_call *call, uint32_t number)
{
	enum sim_drive found = SIM_DRIVE_NONE;

	if (find_hooked(sim, number))
		return SIM_EADDRINUSE;
	if (sim->drive_count == SIM_DRIVES) {
		sim_unmodelled(sim, "more than %d drives", SIM_DRIVES);
		return SIM_ENOTSUP;
	}
	for (size_t i = 0; i < call->count && found == SIM_DRIVE_NONE; i++) {
		if (sim_is_online(sim) && sim->world->drive)
			found = sim->world->drive(sim->world->ctx,
						  call->operands[i]);
		sim_emit_text(sim, SIM_SAN, call->operands[i],
			      found != SIM_DRIVE_NONE);
	}
	if (found == SIM_DRIVE_NONE)
		return SIM_EIO;
	sim->drives[sim->drive_count++] =
		(struct sim_hooked){ number, found == SIM_DRIVE_BOOTS };
	return 0;
}

static void unhook(struct sim *sim, uint32_t number)
{
	struct sim_hooked *drive = find_hooked(sim, number);

	if (drive && !is_on(sim, "keep-san"))
		*drive = sim->drives[--sim->drive_count];
}

/* From a drive elsewhere, if one has that number, or a disk. */
static int boot(struct sim *sim, struct sim_call *call, uint32_t number)
{
	const struct sim_hooked *drive = find_hooked(sim, number);
	bool any = is_efi(sim) && !number, own = any || number == DRIVE_DEFAULT;

	if (any && sim->drive_count)
		drive = &sim->drives[0];
	if (drive && drive->boots) {
		sim_finish(sim, SIM_SAN_BOOTED);
		return 0;
	}
	if (drive)
		return SIM_ENOENT;
	sim_emit(sim,
		 &(struct sim_event){ .kind = SIM_DISK,
				      .text = sim_argument(call, 'f')->text,
				      .number = number,
				      .good = own && sim->world->disk });
	if (!own || !sim->world->disk)
		return SIM_ENODEV;
	sim_finish(sim, SIM_DISK_BOOTED);
	return 0;
}

unsigned long sim_do_sanboot(struct sim *sim, struct sim_call *call)
{
	uint32_t number = drive_number(call);
	int error = call->count ? hook(sim, call, number) : 0;

	if (error)
		return sim_status_of(error);
	if (!is_on(sim, "skip-san-boot"))
		error = boot(sim, call, number);
	if (call->count && !sim->end && !sim_argument(call, 'k')->is)
		unhook(sim, number);
	return error ? sim_status_of(error) : 0;
}

unsigned long sim_do_sanhook(struct sim *sim, struct sim_call *call)
{
	int error = hook(sim, call, drive_number(call));

	return error ? sim_status_of(error) : 0;
}

unsigned long sim_do_sanunhook(struct sim *sim, struct sim_call *call)
{
	unhook(sim, drive_number(call));
	return 0;
}
