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

/* Whether a setting is that; or not set, when it should not be. */
static bool is_set(struct proof *p, const char *name, struct text wanted)
{
	return text_equal(sim_setting(p->sim, name),
			  wanted.ptr ? wanted : TEXT(""));
}

/* What the network routine of the script goes by. */
static void check_uplink(struct proof *p)
{
	const struct uplink_uses *uses = &p->plan->uplink_uses;
	const struct uplink *uplink = proof_uplink(p);
	bool good = true;
	char name[32];

	if (uses->address)
		good = is_set(p, "static-ip", uplink->ip) &&
		       is_set(p, "static-netmask", uplink->netmask) &&
		       is_set(p, "static-gateway", uplink->gateway);
	good = good && (!uses->dns || is_set(p, "static-dns", uplink->dns)) &&
	       (!uses->vlan || is_set(p, "static-vlan", uplink->vlan)) &&
	       (!uses->ntp || is_set(p, "static-ntp", uplink->ntp));
	for (size_t i = 0; uses->nics && good && i <= uplink->nic_count; i++) {
		snprintf(name, sizeof(name), "nic-%zu", i + 1);
		good = is_set(p, name,
			      i < uplink->nic_count ? uplink->nics[i]
						    : TEXT(""));
	}
	if (!good)
		p->fault = "takes its network from elsewhere";
}

/* Does this machine come to its own order, with its own words? */
void prove_dispatch(struct proof *p, const struct order *order)
{
	enum sim_end end;

	/* Who has to ask what it is needs a card that may be used for it. */
	if (is_remote(p->plan, p->machine))
		proof_add_nics(p);
	if (is_remote(p->plan, p->machine) &&
	    proof_wanted_card(p, 0) == SIZE_MAX)
		return;
	p->world.stop_at = stop_at_order;
	end = sim_run(p->sim, p->script, &p->world);
	if (scene_is_insecure(p->plan, &p->scene) && end == SIM_EXITED)
		return;
	if (end == SIM_STOPPED && strcmp(p->reached, p->order) == 0) {
		check_words(p, order);
		check_uplink(p);
	} else if (!p->fault)
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
	p->traits = NULL;
	p->order_script = NULL;
	published_reset(&p->tree);
	p->tree.machine = machine;
	if (machine->rule) {
		snprintf(p->order, sizeof(p->order), "order-unknown-%zu",
			 machine->rule->number);
		return;
	}
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

/* By what a node may be known, the strongest first. */
static bool is_known_by(const struct node *node, enum mark mark)
{
	switch (mark) {
	case MARK_MAC:
		return node->mac_count;
	case MARK_UUID:
		return node->uuid.text.ptr;
	case MARK_SERIAL:
		return node->serial.text.ptr;
	case MARK_ASSET:
		return node->asset.text.ptr;
	case MARKS:
		break;
	}
	return false;
}

void proof_find_marked(struct proof *p)
{
	for (size_t i = 0; i < p->site->node_count; i++)
		for (enum mark mark = MARK_MAC; mark < MARKS; mark++) {
			const struct node **two = p->marked[mark];

			if (is_known_by(&p->site->nodes[i], mark) && !two[1])
				two[two[0] != NULL] = &p->site->nodes[i];
		}
}

const struct node *proof_marked(const struct proof *p, enum mark mark,
				const struct node *node)
{
	const struct node *const *two = p->marked[mark];

	return two[0] == node ? two[1] : two[0];
}

/* What comes before the look-up of a card is the same for all nodes that are
 * known by the same kinds of marks: one of them stands for the others. */
static bool stands_for_marks(struct proof *p, const struct node *node)
{
	unsigned marks = 0;
	bool seen;

	for (enum mark mark = MARK_MAC; mark < MARKS; mark++)
		marks |= (unsigned)is_known_by(node, mark) << mark;
	seen = p->marks_seen[marks];
	p->marks_seen[marks] = true;
	return !seen;
}

/* Does an image of another site, with the same signer, refuse the script? */
static void prove_elsewhere(struct proof *p, const struct node *node,
			    size_t which)
{
	struct scene scene = scene_of_site(p);
	enum sim_end end;

	scene.elsewhere = true;
	proof_set_world(p, &scene);
	proof_set_identity(p, node, which, true);
	proof_add_nics(p);
	p->world.stop_at = stop_at_order;
	end = sim_run(p->sim, p->script, &p->world);
	if (end != SIM_STOPPED || p->ds->errors >= FAULTS_MAX)
		return;
	p->fault = "takes what is of another site";
	proof_report(p, end);
}

void prove_node(struct proof *p, const struct machine *machine,
		const struct order *order)
{
	struct scene scene = scene_of_site(p);
	const struct node *node = machine->node;
	bool stands = !p->shares || machine == order->members[0] ||
		      stands_for_marks(p, node);

	proof_set_subject(p, machine, order);
	for (size_t i = 0; i < identity_count(node); i++) {
		proof_set_world(p, &scene);
		proof_set_identity(p, node, i, true);
		proof_add_foreign_marks(p);
		prove_dispatch(p, order);
		if (!stands)
			continue;
		proof_set_world(p, &scene);
		proof_set_identity(p, node, i, false);
		prove_dispatch(p, order);
		if (is_remote(p->plan, machine))
			prove_elsewhere(p, node, i);
		/* As in a second-hand card, or on a second-hand board. */
		proof_set_world(p, &scene);
		proof_set_identity(p, node, i, true);
		proof_add_weaker(p, node, i);
		prove_dispatch(p, order);
	}
}
