#include "prove.h"

#include "arch.h"
#include "boot_fact.h"
#include "prove_parts.h"

/* With which status a script ends that does so as it should. */
enum { EXIT_STATUS = 1 };

static bool is_intended(const struct proof *p, enum sim_end end)
{
	const struct intention *intention = &p->intention;
	const struct boot *booted =
		end == SIM_SAN_BOOTED ? p->drive : p->booted;

	if (p->fault || end != intention->end || booted != intention->boot ||
	    p->shell != intention->shell)
		return false;
	if (end == SIM_EXITED && sim_status(p->sim) != EXIT_STATUS)
		return false;
	/* A circle is seen after some rounds, here and there. */
	return end == SIM_RETRIES || (p->at.pauses == intention->pauses &&
				      p->disks == intention->disks);
}

static bool is_same(const struct intention *a, const struct intention *b)
{
	return a->end == b->end && a->boot == b->boot && a->shell == b->shell &&
	       a->disks == b->disks && a->pauses == b->pauses;
}

/* Whether this was seen on another kind of machine, and is right on this one, too.
 * What a rule is for may look different on each of them. Bytes between members may
 * differ without need: then it is seen once more. */
static bool was_seen(struct proof *p)
{
	const struct proof_run *run;
	struct scene scene = p->scene;

	if (!p->shares || p->first_kind || p->traits ||
	    p->next_run == p->runs.count)
		return false;
	run = &p->runs.at[p->next_run];
	scene.kind = run->scene.kind;
	if (memcmp(&scene, &run->scene, sizeof(scene)) != 0)
		return false;
	p->next_run++;
	return is_same(&p->intention, &run->intention) &&
	       scene_is_insecure(p->plan, &p->scene) ==
		       scene_is_insecure(p->plan, &run->scene);
}

static void prove_scene(struct proof *p, const struct scene *scene)
{
	enum sim_end end;

	if (p->ds->errors >= FAULTS_MAX)
		return;
	proof_set_world(p, scene);
	proof_set_machine(p);
	p->intention = intention_of(p);
	if (was_seen(p))
		return;
	end = sim_run(p->sim, p->script, &p->world);
	if (!is_intended(p, end))
		proof_report(p, end);
	else if (p->first_kind && !p->traits && !sim_asked_for_kind(p->sim))
		*vec_push(&p->arena, &p->runs) =
			(struct proof_run){ *scene, p->intention };
}

/* Without a disk that boots, and with one: what a machine does that looks for none
 * is the same, so that it needs to be seen but once. */
static void prove_disks(struct proof *p, struct scene scene)
{
	struct intention without, with;

	prove_scene(p, &scene);
	without = p->intention;
	p->scene.disk = scene.disk = true;
	with = intention_of(p);
	if (!p->shares || p->looked_for_disk || !is_same(&with, &without))
		prove_scene(p, &scene);
}

static size_t most_mirrors(const struct proof *p)
{
	return p->site->urls.count > p->site->assets.count
		       ? p->site->urls.count
		       : p->site->assets.count;
}

/* For ever; and as often as all mirrors are asked, and once more, whichever of
 * them is the first. */
static void prove_spells(struct proof *p, struct scene scene)
{
	size_t mirrors = most_mirrors(p);

	prove_scene(p, &scene);
	if (scene.person != PERSON_NONE)
		return;
	do {
		for (scene.hits = 1; scene.hits <= mirrors + 1; scene.hits++)
			prove_scene(p, &scene);
	} while (p->shelves_differ && ++scene.detour < mirrors);
}

/* What one item is instead of itself. Another item of the same site, with its
 * signature, is good where only signatures count. */
static void prove_harm(struct proof *p, struct scene scene,
		       const struct blob *blob)
{
	int signatures = proof_verifies(p, VERIFY_SIGNATURE);

	scene.victim = blob;
	for (int signature = 0; signature <= signatures; signature++) {
		scene.victim_signature = signature;
		scene.harm = HARM_LOST;
		prove_spells(p, scene);
		scene.harm = HARM_TAMPERED;
		prove_spells(p, scene);
	}
	scene.victim_signature = false;
	scene.harm = HARM_SWAPPED;
	if (proof_verifies(p, VERIFY_DIGEST) &&
	    published_another_blob(p->plan, blob))
		prove_spells(p, scene);
}

static void prove_harms(struct proof *p, const struct scene *scene,
			struct actions actions)
{
	for (size_t i = 0; i < actions.count; i++) {
		const struct boot *boot =
			p->machine->actions[actions.first + i].boot;

		if (boot && boot->uki)
			prove_harm(p, *scene, boot->uki);
		if (!boot || boot->uki || !boot->kernel)
			continue;
		prove_harm(p, *scene, boot->kernel);
		for (size_t j = 0; j < boot->initrd_count; j++)
			prove_harm(p, *scene, boot->initrds[j]);
		for (size_t j = 0; j < boot->file_count; j++)
			prove_harm(p, *scene, boot->files[j].blob);
	}
}

/* All that can happen to the network, and to all that is fetched, with a disk and
 * without. */
static void prove_weather(struct proof *p, struct scene scene)
{
	struct scene well = scene;

	for (well.wire = WIRE_GOOD; well.wire <= WIRE_LATE; well.wire++)
		prove_disks(p, well);
	for (scene.harm = HARM_LOST; scene.harm <= HARM_TAMPERED;
	     scene.harm++) {
		scene.pauses = 0;
		scene.wire = WIRE_GOOD;
		prove_disks(p, scene);
		scene.pauses = 1;
		prove_disks(p, scene);
		scene.by_turns = true;
		prove_disks(p, scene);
		scene.by_turns = false;
		scene.wire = WIRE_LEASED;
		prove_disks(p, scene);
		scene.pauses = 2;
		scene.wire = WIRE_LATE;
		prove_disks(p, scene);
	}
}

static unsigned boot_count(const struct proof *p, struct actions actions)
{
	unsigned boots = 0;

	for (size_t i = 0; i < actions.count; i++)
		boots += p->machine->actions[actions.first + i].boot != NULL;
	return boots;
}

/* Each of some boots, those before it not starting; and none of them. */
static void prove_boots(struct proof *p, struct scene scene, unsigned boots)
{
	for (scene.duds = 0; scene.duds <= boots; scene.duds++)
		prove_scene(p, &scene);
}

static void prove_items(struct proof *p, struct scene scene, bool fully)
{
	const struct menu_boot *menu = &p->machine->menus[scene.menu];
	unsigned behind = boot_count(p, p->machine->order);

	for (scene.item = 0; scene.item < menu->menu->item_count;
	     scene.item++) {
		struct actions actions = menu->items[scene.item];

		/* From an item the way may lead back to the order. */
		prove_boots(p, scene, boot_count(p, actions) + behind);
		if (fully)
			prove_harms(p, &scene, actions);
		if (fully && !behind)
			prove_weather(p, scene);
	}
}

/* Each item of each menu; and to leave them all, which leads to what is behind. */
static void prove_menus(struct proof *p, struct scene scene, bool fully)
{
	if (!p->machine->menu_count)
		return;
	scene.person = PERSON_LEAVES;
	prove_boots(p, scene, boot_count(p, p->machine->order));
	if (fully) {
		prove_weather(p, scene);
		prove_harms(p, &scene, p->machine->order);
	}
	scene.person = PERSON_CHOOSES;
	for (scene.menu = 0; scene.menu < p->machine->menu_count; scene.menu++)
		prove_items(p, scene, fully);
}

static void prove_lost_bases(struct proof *p, struct scene scene,
			     const struct located_list *bases)
{
	for (size_t i = 0; i < bases->count; i++) {
		scene.base = bases->at[i].text;
		scene.harm = HARM_LOST;
		prove_scene(p, &scene);
		scene.harm = HARM_TAMPERED;
		prove_scene(p, &scene);
	}
}

/* What a machine may say about itself, where it is asked. */
static void prove_firmware(struct proof *p, struct scene scene)
{
	unsigned asked = facts_asked(p->machine);

	for (scene.fact = 0; scene.fact < BOOT_FACTS; scene.fact++) {
		if (!(asked & 1u << scene.fact))
			continue;
		scene.firmware = FIRMWARE_SILENT;
		prove_scene(p, &scene);
		prove_menus(p, scene, false);
		scene.firmware = FIRMWARE_HOSTILE;
		prove_scene(p, &scene);
		prove_menus(p, scene, false);
	}
}

/* All that may happen to one machine of one kind. */
static void prove_fully(struct proof *p, const struct machine_kind *kind)
{
	struct scene scene = { .kind = *kind };

	prove_weather(p, scene);
	prove_harms(p, &scene, p->machine->order);
	prove_boots(p, scene, boot_count(p, p->machine->order));
	prove_menus(p, scene, true);
	prove_firmware(p, scene);
	/* All that is only at one base was lost in prove_weather(). */
	if (p->site->urls.count + p->site->assets.count > 1) {
		prove_lost_bases(p, scene, &p->site->urls);
		prove_lost_bases(p, scene, &p->site->assets);
	}
	if (p->order_script)
		prove_harm(p, scene, p->order_script);
	if (!is_remote(p->plan, p->machine))
		return;
	scene.harm = HARM_SWAPPED;
	if (p->site->node_count > 1)
		prove_scene(p, &scene);
}

typedef void (*prove_fn)(struct proof *p, const struct machine_kind *kind);

static void prove_kind(struct proof *p, const struct machine_kind *kind,
		       prove_fn prove_on)
{
	struct traits traits;

	p->next_run = 0;

	/* A rule may be for other kinds alone. */
	if (!p->machine->node && p->site->rule_count) {
		if (!rule_example(&p->strangers, p->machine->rule,
				  kind->platform, arch_word(kind->arch),
				  &traits))
			return;
		p->traits = &traits;
	}
	prove_on(p, kind);
	p->first_kind = false;
	p->traits = NULL;
}

static void prove_kinds(struct proof *p, const struct order *order,
			const struct machine *machine, prove_fn prove_on)
{
	static const struct machine_kind arm = { "efi", "arm64", ARCH_ARM64,
						 false };
	static const struct machine_kind secure_arm = { "efi", "arm64",
							ARCH_ARM64, true };
	bool secure = proof_verifies(p, VERIFY_SECURE_BOOT);

	proof_set_subject(p, machine, order);
	p->runs.count = 0;
	p->first_kind = true;
	prove_kind(p, &kind_bios, prove_on);
	prove_kind(p, &kind_efi, prove_on);
	if (secure)
		prove_kind(p, &kind_secure, prove_on);
	if (!p->site->has_archs && !machine->rule)
		return;
	prove_kind(p, &arm, prove_on);
	if (secure)
		prove_kind(p, &secure_arm, prove_on);
}

/* What the words of an order could change: each of them is seen in the boot that
 * it is for. */
static void prove_briefly(struct proof *p, const struct machine_kind *kind)
{
	struct scene scene = { .kind = *kind };

	prove_boots(p, scene, boot_count(p, p->machine->order));
	prove_menus(p, scene, false);
	scene.harm = HARM_TAMPERED;
	if (kind != &kind_efi)
		prove_scene(p, &scene);
}

static void prove_order(struct proof *p, const struct order *order)
{
	size_t count = order->member_count;

	if (count > p->nodes_max)
		count = p->nodes_max;
	proof_set_subject(p, order->members[0], order);
	structure_begin(p, order);
	for (size_t i = 0; i < count && p->ds->errors < FAULTS_MAX; i++) {
		const struct machine *member = order->members[i];
		bool witness = is_witness(p, order, i);

		if (!p->shares || is_new_structure(p, member))
			prove_kinds(p, order, member, prove_fully);
		else if (witness)
			prove_kinds(p, order, member, prove_briefly);
	}
}

/* Any machine; or, if there are rules, one for each of them and for none. */
static void prove_unknown(struct proof *p)
{
	struct scene scene = scene_of_site(p);

	if (p->site->rule_count) {
		prove_rules(p);
	} else {
		proof_set_subject(p, &p->plan->effective->unknown,
				  &p->plan->unknown);
		proof_set_world(p, &scene);
		proof_set_machine(p);
		prove_dispatch(p, &p->plan->unknown);
		proof_set_world(p, &scene); /* says nothing about itself */
		if (is_remote(p->plan, p->machine))
			proof_add_foreign_card(p);
		prove_dispatch(p, &p->plan->unknown);
	}
	for (size_t i = 0; i < p->site->rule_count; i++)
		prove_order(p, &p->plan->ruled[i]);
	prove_order(p, &p->plan->unknown);
}

static size_t most_words(const struct plan *plan)
{
	size_t most = plan->unknown.word_count;

	for (size_t i = 0; i < plan->effective->site->rule_count; i++)
		if (plan->ruled[i].word_count > most)
			most = plan->ruled[i].word_count;
	for (size_t i = 0; i < plan->order_count; i++)
		if (plan->orders[i].word_count > most)
			most = plan->orders[i].word_count;
	return most;
}

static void prove_plan(const struct plan *plan, size_t nodes_max, bool shares,
		       struct diags *ds)
{
	size_t count = plan->effective->machine_count;

	const struct effective *effective = plan->effective;
	struct proof proof = {
		.plan = plan,
		.site = effective->site,
		.ds = ds,
		.shares = shares,
		.nodes_max = nodes_max,
		.sim = sim_new(),
		.tree = { .plan = plan, .harm = proof_harm },
	};
	struct proof *p = &proof;

	p->tree.ctx = p;
	p->shelves_differ = proof_do_shelves_differ(p);
	p->structures.arena = &p->arena;
	p->script = sim_script_new(&p->arena, plan->script);
	p->words = arena_new_array(&p->arena, most_words(plan), struct text);
	witnesses_init(&p->witnesses, &p->arena, most_words(plan));
	proof_find_foreign(p);
	proof_find_marked(p);
	p->marks_are_foreign = proof_are_marks_foreign(p->site);
	strangers_init(&p->strangers, &p->arena, p->site);
	proof_find_scripts(p);
	prove_unknown(p);
	if (count > nodes_max)
		count = nodes_max;
	for (size_t i = 0; i < count && ds->errors < FAULTS_MAX; i++)
		prove_node(p, &effective->machines[i], plan->order_of[i]);
	for (size_t i = 0; i < plan->order_count && ds->errors < FAULTS_MAX;
	     i++)
		prove_order(p, &plan->orders[i]);
	sbuf_release(&p->details);
	sbuf_release(&p->lines);
	sbuf_release(&p->shape);
	sim_free(p->sim);
	published_release(&p->tree);
	arena_release(&p->arena);
}

void prove(const struct plan *plan, size_t nodes_max, struct diags *ds)
{
	prove_plan(plan, nodes_max, true, ds);
}

void prove_each(const struct plan *plan, struct diags *ds)
{
	prove_plan(plan, SIZE_MAX, false, ds);
}
