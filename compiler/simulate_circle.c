#include "simulate_parts.h"

#include "map.h"

/* After so many jumps a run is looked at for being in a circle. */
enum { GOTOS_UNSUSPECTED = 1000 };

static uint64_t mix(uint64_t hash, const void *bytes, size_t len)
{
	return (hash ^ text_hash((struct text){ bytes, len })) *
	       0x9e3779b97f4a7c15;
}

static uint64_t hash_block(uint64_t hash, const struct sim_block *block)
{
	hash = mix(hash, block->name.ptr, block->name.len);
	for (size_t i = 0; i < block->values.live; i++) {
		const struct sim_value *value = block->values.at[i];

		if (!value->set)
			continue;
		hash = mix(hash, value->name.ptr, value->name.len);
		hash = mix(hash, value->raw.ptr, value->raw.len);
	}
	return hash;
}

/* Everything that what comes next depends on. */
static uint64_t state_hash(const struct sim *sim)
{
	uint64_t hash = sim->error;

	for (size_t i = 0; i < sim->blocks.live; i++)
		hash = hash_block(hash, sim->blocks.at[i]);
	for (size_t i = 0; i < sim->nics.live; i++) {
		const struct sim_nic *nic = sim->nics.at[i];
		bool open = nic->opened;

		hash = mix(hash, nic->mac, sizeof(nic->mac));
		hash = mix(hash, &open, sizeof(open));
	}
	for (size_t i = 0; i < sim->registered_count; i++) {
		const struct sim_image *image = sim->registered[i];

		hash = mix(hash, image->name.ptr, image->name.len);
		hash = mix(hash, image->arguments.ptr, image->arguments.len);
		hash = mix(hash, &image->content, sizeof(image->content));
		hash = mix(hash, &image->verified, sizeof(image->verified));
	}
	for (size_t i = 0; i < sim->drive_count; i++) {
		hash = mix(hash, &sim->drives[i].number, sizeof(uint32_t));
		hash = mix(hash, &sim->drives[i].boots, sizeof(bool));
	}
	for (size_t i = 0; i < sim->depth; i++)
		hash = mix(hash, &sim->frames[i].offset, sizeof(size_t));
	if (sim->world->fetch_state) {
		uint64_t fetched = sim->world->fetch_state(sim->world->ctx);

		hash = mix(hash, &fetched, sizeof(fetched));
	}
	return hash;
}

/* Brent's algorithm: the state is kept for 1, 2, 4, … jumps and compared with
 * each that follows; a circle is seen when the state comes again. */
void sim_look_for_circle(struct sim *sim)
{
	uint64_t state;

	if (++sim->gotos < GOTOS_UNSUSPECTED)
		return;
	state = state_hash(sim);
	if (sim->lap && state == sim->tortoise) {
		sim_finish(sim, sim->sleeps > sim->tortoise_sleeps ? SIM_RETRIES
								   : SIM_SPINS);
		return;
	}
	if (sim->lap == sim->power) {
		sim->power = sim->power ? 2 * sim->power : 1;
		sim->lap = 0;
		sim->tortoise = state;
		sim->tortoise_sleeps = sim->sleeps;
	}
	sim->lap++;
}

/* What tries again pauses in between, mostly in the same place. */
void sim_pause(struct sim *sim)
{
	uint64_t state = state_hash(sim);

	if (sim->sleeps++ && state == sim->paused)
		sim_finish(sim, SIM_RETRIES);
	sim->paused = state;
}
