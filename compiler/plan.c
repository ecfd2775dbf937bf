#include "plan.h"

#include "arena.h"
#include "boot_fact.h"
#include "map.h"
#include "resolve.h"
#include "sbuf.h"
#include "vec.h"

#include <stdlib.h>
#include <strings.h>

/* Facts are no words: they are the same for all who share an order. */
static size_t arg_word_count(const struct boot *boot)
{
	struct arg_piece piece;
	size_t count = 0;

	if (!boot->facts)
		return boot->arg_count;
	for (size_t i = 0; i < boot->arg_count; i++) {
		struct text rest = boot->args[i];

		while (arg_next(&rest, &piece))
			count += !piece.fact;
	}
	return count;
}

static size_t boot_word_count(const struct boot *boot)
{
	if (boot->kind == BOOT_SAN)
		return boot->initiator.ptr ? 2 : 1;
	if (boot->uki)
		return 2;
	return 2 * (1 + boot->initrd_count + boot->file_count) +
	       arg_word_count(boot);
}

static size_t word_count(const struct machine *machine)
{
	size_t count = 0;

	for (size_t i = 0; i < machine->action_count; i++)
		if (machine->actions[i].boot)
			count += boot_word_count(machine->actions[i].boot);
	return count;
}

static void put_blob(struct text **words, const struct blob *blob)
{
	*(*words)++ = blob->hex;
	*(*words)++ = blob->name;
}

static struct text *put_args(struct text *words, const struct boot *boot)
{
	struct arg_piece piece;

	for (size_t i = 0; i < boot->arg_count; i++) {
		struct text rest = boot->args[i];

		if (!boot->facts) {
			*words++ = rest;
			continue;
		}
		while (arg_next(&rest, &piece))
			if (!piece.fact)
				*words++ = piece.text;
	}
	return words;
}

void plan_words(const struct machine *machine, struct text *ret_words)
{
	for (size_t i = 0; i < machine->action_count; i++) {
		const struct boot *boot = machine->actions[i].boot;

		if (!boot)
			continue;
		if (boot->kind == BOOT_SAN) {
			*ret_words++ = boot->drive;
			if (boot->initiator.ptr)
				*ret_words++ = boot->initiator;
			continue;
		}
		if (boot->uki) {
			put_blob(&ret_words, boot->uki);
			continue;
		}
		put_blob(&ret_words, boot->kernel);
		for (size_t j = 0; j < boot->initrd_count; j++)
			put_blob(&ret_words, boot->initrds[j]);
		for (size_t j = 0; j < boot->file_count; j++)
			put_blob(&ret_words, boot->files[j].blob);
		ret_words = put_args(ret_words, boot);
	}
}

static void key_add(struct sbuf *key, size_t value)
{
	sbuf_add(key, &value, sizeof(value));
}

/* Machines with the same key may share an order. It is bytes, not text: there
 * may be 100,000 machines. */
static void shape_key(const struct machine *machine, struct sbuf *key)
{
	sbuf_reset(key);
	for (size_t i = 0; i < machine->action_count; i++) {
		const struct action *action = &machine->actions[i];
		const struct boot *boot = action->boot;

		key_add(key, action->kind);
		key_add(key, (uintptr_t)action->menu);
		key_add(key, (uintptr_t)(boot ? boot->profile : NULL));
		key_add(key, boot ? boot->archs : 0);
		key_add(key, boot && boot->initiator.ptr);
		if (!boot || boot->uki)
			continue;
		key_add(key, boot->initrd_count);
		key_add(key, boot->arg_count);
		key_add(key, boot->file_count);
		boot_facts_key(boot, key);
		for (size_t j = 0; j < boot->file_count; j++) {
			const struct text path = boot->files[j].path;

			key_add(key, boot->files[j].mode);
			sbuf_add(key, path.ptr, path.len + 1);
		}
	}
}

/* A word is a variable if any member differs from the first one in it. */
static void order_find_variables(struct arena *arena, struct order *order)
{
	struct text *first, *other;

	order->word_count = word_count(order->members[0]);
	order->variables = arena_new_array(arena, order->word_count, size_t);
	if (!order->word_count)
		return;
	first = arena_new_array(arena, order->word_count, struct text);
	other = arena_new_array(arena, order->word_count, struct text);
	plan_words(order->members[0], first);
	for (size_t m = 1; m < order->member_count; m++) {
		plan_words(order->members[m], other);
		for (size_t w = 0; w < order->word_count; w++)
			if (!text_equal(first[w], other[w]))
				order->variables[w] = 1;
	}
	for (size_t w = 0; w < order->word_count; w++)
		if (order->variables[w])
			order->variables[w] = ++order->variable_count;
}

static struct order order_of_one(struct arena *arena,
				 const struct machine *machine)
{
	struct order order = { .members = arena_new_array(
				       arena, 1, const struct machine *),
			       .member_count = 1 };

	order.members[0] = machine;
	order_find_variables(arena, &order);
	return order;
}

static void plan_unknown(struct arena *arena, const struct effective *effective,
			 struct plan *plan)
{
	size_t count = effective->site->rule_count;

	plan->unknown = order_of_one(arena, &effective->unknown);
	plan->ruled = arena_new_array(arena, count, struct order);
	for (size_t i = 0; i < count; i++)
		plan->ruled[i] = order_of_one(arena, &effective->ruled[i]);
}

/* Few machines have a shape that no other has had. */
static void **shape_slot(struct map *shapes, struct text key)
{
	void **slot = map_find(shapes, key);

	if (slot)
		return slot;
	key.ptr = arena_copy(shapes->arena, key.ptr, key.len);
	return map_at(shapes, key);
}

/* Which machines share an order. The first machine of an order, by name, makes
 * its number, so that numbers do not depend on the order in the file. */
static void plan_orders(struct arena *arena, const struct effective *effective,
			struct plan *plan)
{
	struct map shapes = { .arena = arena };
	size_t *number =
		arena_new_array(arena, effective->machine_count, size_t);
	size_t *counts =
		arena_new_array(arena, effective->machine_count, size_t);
	struct sbuf key = { 0 };

	for (size_t i = 0; i < effective->machine_count; i++) {
		void **slot;

		shape_key(&effective->machines[i], &key);
		slot = shape_slot(&shapes, (struct text){ key.ptr, key.len });
		if (!*slot)
			*slot = (void *)(uintptr_t)++plan->order_count;
		number[i] = (size_t)(uintptr_t)*slot;
		counts[number[i] - 1]++;
	}
	sbuf_release(&key);

	plan->orders = arena_new_array(arena, plan->order_count, struct order);
	plan->order_of = arena_new_array(arena, effective->machine_count,
					 struct order *);
	for (size_t i = 0; i < plan->order_count; i++) {
		plan->orders[i].number = i + 1;
		plan->orders[i].members = arena_new_array(
			arena, counts[i], const struct machine *);
	}
	for (size_t i = 0; i < effective->machine_count; i++) {
		struct order *order = &plan->orders[number[i] - 1];

		order->members[order->member_count++] = &effective->machines[i];
		plan->order_of[i] = order;
	}
	for (size_t i = 0; i < plan->order_count; i++)
		order_find_variables(arena, &plan->orders[i]);
	plan_unknown(arena, effective, plan);
}

static int compare_blobs(const void *a, const void *b)
{
	return text_compare(((const struct blob *)a)->path,
			    ((const struct blob *)b)->path);
}

void plan_sort_blobs(struct plan *plan)
{
	if (plan->blob_count > 1)
		qsort(plan->blobs, plan->blob_count, sizeof(*plan->blobs),
		      compare_blobs);
}

static bool any_plain_http(const struct located_list *urls)
{
	for (size_t i = 0; i < urls->count; i++)
		if (memcmp(urls->at[i].text.ptr, "http://", 7) == 0)
			return true;
	return false;
}

typedef bool (*action_fn)(const struct action *action);

static bool is_shell(const struct action *action)
{
	return action->kind == STEP_SHELL;
}

static bool is_iso(const struct action *action)
{
	return action->boot && action->boot->kind == BOOT_ISO;
}

static bool is_san(const struct action *action)
{
	return action->boot && action->boot->kind == BOOT_SAN;
}

static bool is_plain_http_san(const struct action *action)
{
	static const char http[] = "http:";

	return is_san(action) &&
	       strncasecmp(action->boot->drive.ptr, http, strlen(http)) == 0;
}

static bool machine_does(const struct machine *machine, action_fn is)
{
	for (size_t i = 0; i < machine->action_count; i++)
		if (is(&machine->actions[i]))
			return true;
	return false;
}

static bool any_does(const struct plan *plan, action_fn is)
{
	const struct effective *effective = plan->effective;

	if (machine_does(&effective->unknown, is))
		return true;
	for (size_t i = 0; i < effective->site->rule_count; i++)
		if (machine_does(&effective->ruled[i], is))
			return true;
	for (size_t i = 0; i < plan->order_count; i++)
		if (machine_does(plan->orders[i].members[0], is))
			return true;
	return false;
}

/* Of all members of an order: the drive is one of its words. */
static bool any_drive_is_plain(const struct plan *plan)
{
	const struct effective *effective = plan->effective;

	for (size_t i = 0; i < effective->machine_count; i++)
		if (machine_does(&effective->machines[i], is_plain_http_san))
			return true;
	return any_does(plan, is_plain_http_san);
}

static unsigned machine_archs(const struct machine *machine)
{
	unsigned archs = 0;

	for (size_t i = 0; i < machine->action_count; i++) {
		const struct boot *boot = machine->actions[i].boot;

		if (boot && boot->archs != ARCH_ANY)
			archs |= boot->archs;
	}
	return archs;
}

static unsigned plan_archs(const struct plan *plan)
{
	unsigned archs = machine_archs(&plan->effective->unknown);

	for (size_t i = 0; i < plan->order_count; i++)
		archs |= machine_archs(plan->orders[i].members[0]);
	for (size_t i = 0; i < plan->effective->site->rule_count; i++)
		archs |= machine_archs(&plan->effective->ruled[i]);
	return archs;
}

static void note_uplink(struct uplink_uses *uses, const struct uplink *uplink)
{
	uses->address = uses->address || uplink->ip.ptr;
	uses->dns = uses->dns || uplink->dns.ptr;
	uses->vlan = uses->vlan || uplink->vlan.ptr;
	uses->nics = uses->nics || uplink->nic_count;
	uses->ntp = uses->ntp || uplink->ntp.ptr;
	if (uplink->nic_count > uses->nics_most)
		uses->nics_most = uplink->nic_count;
}

static struct uplink_uses uplink_uses(const struct effective *effective)
{
	struct uplink_uses uses = { .address = false };

	note_uplink(&uses, effective->unknown.uplink);
	for (size_t i = 0; i < effective->machine_count; i++)
		note_uplink(&uses, effective->machines[i].uplink);
	return uses;
}

/* An item that is signed could be sent in the place of a node's script. */
static unsigned verify_how(const struct site *site)
{
	if (site->dispatch.kind == DISPATCH_EMBEDDED)
		return site->verify;
	return (site->verify & ~(unsigned)VERIFY_SIGNATURE) | VERIFY_DIGEST |
	       VERIFY_NODES;
}

struct plan *plan_new(struct arena *arena, const char *site_path,
		      const struct effective *effective)
{
	const struct site *site = effective->site;
	struct plan *plan = arena_new(arena, struct plan);

	plan->site_name = site->name.text;
	plan->site_path =
		text_of(arena_copy(arena, site_path, strlen(site_path)));
	plan->verify = verify_how(site);
	plan->signer = site->signer.text;
	plan->effective = effective;

	plan->roots = arena_new_array(arena, site->trust.count, struct root);
	for (size_t i = 0; i < site->trust.count; i++)
		plan->roots[plan->root_count++] = (struct root){
			text_of(arena_printf(arena, "%s%s", site->directory.ptr,
					     site->trust.at[i].text.ptr)),
			site->trust.at[i].at
		};

	plan->blobs =
		arena_new_array(arena, effective->blob_count, struct blob);
	for (size_t i = 0; i < effective->blob_count; i++)
		plan->blobs[plan->blob_count++] = *effective->blobs[i];
	plan_sort_blobs(plan);

	plan_orders(arena, effective, plan);
	plan->archs = plan_archs(plan);
	plan->uplink_uses = uplink_uses(effective);
	plan->features.san = any_does(plan, is_san);
	plan->features.http = any_plain_http(&site->assets) ||
			      (plan->features.san && any_drive_is_plain(plan));
	plan->features.shell = any_does(plan, is_shell);
	plan->needs_bios = any_does(plan, is_iso);
	return plan;
}
