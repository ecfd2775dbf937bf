#include "prove_parts.h"

#include "cleanup.h"
#include "emit.h"

#include <stdio.h>

/* Where the boot orders begin: up to there each node has lines of its own. */
static bool stop_at_order(void *ctx, struct text label)
{
	struct proof *p = ctx;
	size_t len = label.len < sizeof(p->reached) - 1
			     ? label.len
			     : sizeof(p->reached) - 1;

	if (!has_prefix(label, "order-") && !text_is(label, "order"))
		return false;
	memcpy(p->reached, label.ptr, len);
	p->reached[len] = '\0';
	return true;
}

static void check_words(struct proof *p, const struct order *order)
{
	char name[32];

	if (order->word_count)
		plan_words(p->machine, p->words);
	for (size_t i = 0; i < order->word_count && !p->fault; i++) {
		/* In the tree, all words are variables. */
		size_t number = p->order_script ? i + 1 : order->variables[i];

		if (!number)
			continue;
		snprintf(name, sizeof(name), "v%zu", number);
		if (!text_equal(sim_setting(p->sim, name), p->words[i]))
			p->fault = "takes a word of its boot order from "
				   "elsewhere";
	}
	if (p->machine->node &&
	    !text_equal(sim_setting(p->sim, "node"), p->machine->node->name))
		p->fault = "takes itself for another node";
}

/* Does this machine come to its own order, with its own words? */
void prove_dispatch(struct proof *p, const struct order *order)
{
	enum sim_end end;

	p->world.stop_at = stop_at_order;
	end = sim_run(p->sim, p->script, &p->world);
	if (scene_is_insecure(p->plan, &p->scene) && end == SIM_EXITED)
		return;
	if (end == SIM_STOPPED && strcmp(p->reached, p->order) == 0)
		check_words(p, order);
	else if (!p->fault)
		p->fault = "comes to another boot order than its own";
	if (p->fault)
		proof_report(p, end);
}

/* The boot orders in the tree, by what is in them. */
void proof_find_scripts(struct proof *p)
{
	p->order_scripts.arena = &p->arena;
	p->script_of = arena_new_array(&p->arena, p->plan->order_count,
				       const struct blob *);
	for (size_t i = 0; i < p->plan->blob_count; i++) {
		const struct blob *blob = &p->plan->blobs[i];

		if (is_script(blob->bytes))
			*map_at(&p->order_scripts, blob->bytes) =
				(void *)(uintptr_t)(i + 1);
	}
}

/* NULL if what is published is another one. */
static const struct blob *order_script(struct proof *p,
				       const struct order *order)
{
	const struct blob **script = &p->script_of[order->number - 1];
	CLEANUP(sbuf) text = { 0 };
	void **slot;

	if (*script)
		return *script;
	emit_order_script(p->plan, order, &text);
	slot = map_find(&p->order_scripts, (struct text){ text.ptr, text.len });
	if (slot)
		*script = &p->plan->blobs[(uintptr_t)*slot - 1];
	return *script;
}

void proof_set_subject(struct proof *p, const struct machine *machine,
		       const struct order *order)
{
	p->machine = machine;
	p->order_script = NULL;
	published_reset(&p->tree);
	p->tree.machine = machine;
	if (!order->number) {
		snprintf(p->order, sizeof(p->order), "order-unknown");
		return;
	}
	if (!is_remote(p->plan, machine)) {
		snprintf(p->order, sizeof(p->order), "order-%zu",
			 order->number);
		return;
	}
	snprintf(p->order, sizeof(p->order), "order");
	p->order_script = order_script(p, order);
}

const struct machine_kind kind_bios = { "pcbios", "i386", ARCH_X86_64, false };
const struct machine_kind kind_efi = { "efi", "x86_64", ARCH_X86_64, false };
const struct machine_kind kind_secure = { "efi", "x86_64", ARCH_X86_64, true };

struct scene scene_of_site(const struct proof *p)
{
	return (struct scene){ .kind = proof_verifies(p, VERIFY_SECURE_BOOT)
					       ? kind_secure
					       : kind_bios };
}

void prove_node(struct proof *p, const struct machine *machine,
		const struct order *order)
{
	struct scene scene = scene_of_site(p);
	/* What comes before the look-up of a card is the same for all nodes:
	 * those that stand for their order try it alone as well. */
	bool also_alone = machine == order->members[0];

	proof_set_subject(p, machine, order);
	for (size_t i = 0; i < identity_count(machine->node); i++) {
		for (int alone = 0; alone <= also_alone; alone++) {
			proof_set_world(p, &scene);
			proof_set_identity(p, machine->node, i, !alone);
			prove_dispatch(p, order);
		}
	}
}
