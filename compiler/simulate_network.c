#include "simulate_commands.h"

#include "cleanup.h"

#include <stdarg.h>

struct sim_nic *sim_nic_add(struct sim *sim, const struct sim_card *card,
			    const unsigned char *mac, const char *format, ...)
{
	struct sim_nic *nic = sim_pool_take(&sim->nics, sizeof(*nic));
	va_list args;

	sbuf_reset(&nic->name);
	va_start(args, format);
	sbuf_vprintf(&nic->name, format, args);
	va_end(args);
	nic->card = card;
	nic->opened = 0;
	memcpy(nic->mac, mac, sizeof(nic->mac));
	memcpy(nic->hardware_mac, mac, sizeof(nic->mac));
	nic->block = sim_block_add(
		sim, sim->root, (struct text){ nic->name.ptr, nic->name.len },
		BLOCK_CARD);
	nic->block->nic = nic;
	return nic;
}

static struct sim_nic *find_nic(struct sim *sim, struct text name)
{
	struct sim_nic *latest = NULL;

	for (size_t i = 0; i < sim->nics.live; i++) {
		struct sim_nic *nic = sim->nics.at[i];

		if (text_equal(name,
			       (struct text){ nic->name.ptr, nic->name.len }))
			return nic;
		if (nic->opened && (!latest || nic->opened > latest->opened))
			latest = nic;
	}
	return text_is(name, "netX") ? latest : NULL;
}

static int nic_open(struct sim *sim, struct sim_nic *nic)
{
	if (!nic->opened)
		nic->opened = ++sim->opened;
	return 0;
}

static int nic_close(struct sim *sim, struct sim_nic *nic)
{
	(void)sim;
	nic->opened = 0;
	return 0;
}

static int nic_link(struct sim *sim, struct sim_nic *nic)
{
	nic_open(sim, nic);
	if (nic->card->link)
		return 0;
	nic_close(sim, nic);
	return SIM_ETIMEDOUT;
}

static int nic_configure(struct sim *sim, struct sim_nic *nic)
{
	int error = nic_link(sim, nic);

	if (error)
		return error;
	if (!nic->card->dhcp) {
		nic_close(sim, nic);
		return SIM_EADDRNOTAVAIL;
	}
	sim_settings_lease(sim, nic);
	return 0;
}

/* Each card that is named, or all of them; the last status counts. */
static unsigned long each_nic(struct sim *sim, const struct sim_call *call,
			      int (*action)(struct sim *sim,
					    struct sim_nic *nic),
			      const char *what, bool until_success)
{
	int error = call->count ? 0 : SIM_ENODEV;
	size_t count = call->count ? call->count : sim->nics.live;

	for (size_t i = 0; i < count; i++) {
		struct sim_nic *nic = call->count
					      ? find_nic(sim, call->operands[i])
					      : sim->nics.at[i];

		if (!nic) {
			error = SIM_ENODEV;
			continue;
		}
		error = action(sim, nic);
		sim_emit(sim, &(struct sim_event){
				      .kind = SIM_NETWORK,
				      .text = text_of(what),
				      .more = { nic->name.ptr, nic->name.len },
				      .good = !error });
		if (!error && until_success)
			return 0;
	}
	return error ? sim_status_of(error) : 0;
}

unsigned long sim_do_ifopen(struct sim *sim, struct sim_call *call)
{
	return each_nic(sim, call, nic_open, "ifopen", false);
}

unsigned long sim_do_ifclose(struct sim *sim, struct sim_call *call)
{
	return each_nic(sim, call, nic_close, "ifclose", false);
}

static int nic_nothing(struct sim *sim, struct sim_nic *nic)
{
	(void)sim, (void)nic;
	return 0;
}

unsigned long sim_do_ifstat(struct sim *sim, struct sim_call *call)
{
	return each_nic(sim, call, nic_nothing, "ifstat", false);
}

unsigned long sim_do_iflinkwait(struct sim *sim, struct sim_call *call)
{
	return each_nic(sim, call, nic_link, "iflinkwait", true);
}

unsigned long sim_do_ifconf(struct sim *sim, struct sim_call *call)
{
	if (sim_argument(call, 'c')->is &&
	    !text_is(sim_argument(call, 'c')->text, "dhcp"))
		sim_unmodelled(sim, "configurator %.*s",
			       (int)sim_argument(call, 'c')->text.len,
			       sim_argument(call, 'c')->text.ptr);
	return each_nic(sim, call, nic_configure, "dhcp", true);
}

enum { VLAN_TAGS = 0xfff, VLAN_PRIORITIES = 8 };

unsigned long sim_do_vcreate(struct sim *sim, struct sim_call *call)
{
	struct sim_nic *trunk = find_nic(sim, call->operands[0]);
	uint32_t tag = sim_argument(call, 't')->number;
	CLEANUP(sbuf) name = { 0 };

	if (!trunk)
		return sim_status_of(SIM_ENODEV);
	sbuf_printf(&name, "%s-%d", trunk->name.ptr, (int)tag);
	if (find_nic(sim, (struct text){ name.ptr, name.len }))
		return 0;
	if (memchr(trunk->name.ptr, '-', trunk->name.len))
		return sim_status_of(SIM_ENOTTY);
	if (tag >= VLAN_TAGS ||
	    sim_argument(call, 'p')->number >= VLAN_PRIORITIES)
		return sim_status_of(SIM_EINVAL);
	sim_nic_add(sim, trunk->card, trunk->mac, "%s", name.ptr);
	return 0;
}

unsigned long sim_do_vdestroy(struct sim *sim, struct sim_call *call)
{
	struct sim_nic *nic = find_nic(sim, call->operands[0]);
	void **at = sim->nics.at;
	size_t i = 0;

	if (!nic)
		return sim_status_of(SIM_ENODEV);
	if (!memchr(nic->name.ptr, '-', nic->name.len))
		return sim_status_of(SIM_ENOTTY);
	while (at[i] != nic)
		i++;
	memmove(at + i, at + i + 1, (sim->nics.live - i - 1) * sizeof(*at));
	at[--sim->nics.live] = nic;
	nic->block->parent = NULL;
	return 0;
}

static bool is_in_use(struct sim *sim, struct sim_nic *nic)
{
	struct sim_ref ip;
	enum sim_type type;

	if (!nic->opened || !nic->card->link ||
	    sim_ref_parse(sim, TEXT("ip"), false, &ip))
		return false;
	ip.block = nic->block;
	return sim_fetch(sim, &ip, &sim->value, &type);
}

bool sim_is_online(struct sim *sim)
{
	for (size_t i = 0; i < sim->nics.live; i++)
		if (is_in_use(sim, sim->nics.at[i]))
			return true;
	return false;
}

const struct sim_card *sim_card_in_use(struct sim *sim)
{
	const struct sim_card *used = NULL;

	for (size_t i = 0; i < sim->nics.live; i++) {
		struct sim_nic *nic = sim->nics.at[i];

		if (!is_in_use(sim, nic))
			continue;
		if (used)
			return NULL;
		used = nic->card;
	}
	return used;
}

/* The world may fail it, as "ntp://HOST". */
unsigned long sim_do_ntp(struct sim *sim, struct sim_call *call)
{
	CLEANUP(sbuf) url = { 0 };
	bool good;

	sbuf_puts(&url, "ntp://");
	sbuf_add(&url, call->operands[0].ptr, call->operands[0].len);
	good = sim_is_online(sim) && sim->world->fetch &&
	       sim->world->fetch(sim->world->ctx,
				 (struct text){ url.ptr, url.len });
	sim_emit(sim, &(struct sim_event){ .kind = SIM_NETWORK,
					   .text = TEXT("ntp"),
					   .more = call->operands[0],
					   .good = good });
	return good ? 0 : sim_status_of(SIM_ETIMEDOUT);
}
