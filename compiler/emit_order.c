#include "emit_parts.h"

#include "arch.h"
#include "boot_fact.h"
#include "menu.h"
#include "quote.h"
#include "resolve.h"

#include <stdio.h>

/*
 * Boot orders. Order 3 begins at the label order-3, its second step at
 * order-3-step-2. The menu "main" that it leads to is order-3/main, the item
 * "rescue" in it order-3/main/rescue, and the second step of that
 * order-3/main/rescue/step-2: no name can hold a "/". Where a profile is
 * booted in several ways, order-3-step-2/arm64 is that for such a machine.
 */

/* The token arrays of iPXE lie on a stack of 4 KiB on BIOS. */
enum { LINE_TOKENS = 24, LINE_BYTES = 96 };

/* Longest label: an order, two names of up to 63 letters, a step. */
enum { LABEL_BYTES = 256, ARCH_LABEL_BYTES = LABEL_BYTES + 16 };

/* ------------------------------------------------------------ words -- */

/* Walks the words of an order; see plan_words(). */
struct words {
	const struct order *order;
	size_t next;
};

static void put_word(struct emit *e, struct words *w, struct text constant)
{
	size_t word = w->next++;
	size_t variable = e->fetched ? word + 1 : w->order->variables[word];

	if (variable)
		PUT("${v%zu}", variable);
	else
		quote_ipxe(e->out, constant);
}

static void emit_item(struct emit *e, struct words *w, const char *prefix,
		      const char *item, const struct blob *blob,
		      const char *routine, size_t *call)
{
	PUT("set item %s\n"
	    "set sum ",
	    item);
	put_word(e, w, blob->hex);
	PUT("\n"
	    "set leaf ");
	put_word(e, w, blob->name);
	PUT("\n"
	    "set back %s-%zu\n"
	    "goto %s\n"
	    ":%s-%zu\n",
	    prefix, *call, routine, prefix, *call);
	++*call;
}

static void put_arg(struct emit *e, struct words *w, struct text arg)
{
	struct arg_piece piece;

	while (arg_next(&arg, &piece)) {
		if (piece.fact)
			PUT("${boot-%s}", piece.fact->name);
		else
			put_word(e, w, piece.text);
	}
}

/* The machine finds out what it has to tell about itself. */
static void emit_fact_calls(struct emit *e, const struct boot *boot,
			    const char *prefix, size_t *call)
{
	for (size_t i = 0; i < BOOT_FACTS; i++) {
		if (!(boot->facts & 1u << i))
			continue;
		PUT("set back %s-%zu\n"
		    "goto fact-%s\n"
		    ":%s-%zu\n",
		    prefix, *call, boot_facts[i].name, prefix, *call);
		++*call;
	}
}

/* Arguments in lines of bearable length: the first `set` clears the old. */
static void emit_args(struct emit *e, struct words *w, const struct boot *boot)
{
	size_t tokens = 0, line = 0;

	PUT("clear args ||\n");
	for (size_t i = 0; i < boot->arg_count; i++) {
		if (!tokens || tokens >= LINE_TOKENS ||
		    e->out->len - line + boot->args[i].len > LINE_BYTES) {
			PUT("%s", i ? "\n" : "");
			line = e->out->len;
			PUT("set args%s", i ? " ${args}" : "");
			tokens = 2;
		}
		PUT(" ");
		put_arg(e, w, boot->args[i]);
		tokens++;
	}
	PUT("%s", boot->arg_count ? "\n" : "");
}

static void emit_san(struct emit *e, struct words *w, const struct boot *boot)
{
	PUT("set drive ");
	put_word(e, w, boot->drive);
	PUT("\n");
	if (boot->initiator.ptr) {
		PUT("set initiator-iqn ");
		put_word(e, w, boot->initiator);
		PUT("\n");
	}
	PUT("goto boot-san\n");
}

static void emit_profile(struct emit *e, const struct boot *boot,
			 const char *prefix, struct words *w)
{
	const char *blob_routine = e->site->assets.count ? "get-asset" : "get";
	char item[32];
	size_t call = 1;

	const char *arch = arch_word(boot->archs);

	PUT("echo ipxe-embed: ${node} boots profile %s%s%s\n",
	    boot->profile->name.ptr, arch ? " for " : "", arch ? arch : "");
	if (boot->kind == BOOT_EFI || boot->kind == BOOT_UKI)
		PUT("iseq ${platform} efi || goto no-efi\n");
	if (boot->kind == BOOT_ISO)
		PUT("iseq ${platform} pcbios || goto no-bios\n");
	PUT("set back %s-%zu\n"
	    "goto network\n"
	    ":%s-%zu\n",
	    prefix, call, prefix, call);
	call++;
	emit_fact_calls(e, boot, prefix, &call);
	if (boot->kind == BOOT_SAN) {
		emit_san(e, w, boot);
		return;
	}
	if (boot->uki) {
		emit_item(e, w, prefix, "uki", boot->uki, blob_routine, &call);
		PUT("goto boot-uki\n");
		return;
	}
	emit_item(e, w, prefix, "kernel", boot->kernel, blob_routine, &call);
	if (boot->kind == BOOT_CHAIN) {
		PUT("goto boot-chain\n");
		return;
	}
	for (size_t i = 0; i < boot->initrd_count; i++) {
		snprintf(item, sizeof(item), "initrd-%zu", i + 1);
		emit_item(e, w, prefix, item, boot->initrds[i], blob_routine,
			  &call);
	}
	for (size_t i = 0; i < boot->file_count; i++) {
		const struct injected *file = &boot->files[i];

		snprintf(item, sizeof(item), "file-%zu", i + 1);
		PUT("# %s\n", file->path.ptr);
		emit_item(e, w, prefix, item, file->blob, "get", &call);
		PUT("imgargs %s %s mode=%04o mkdir=-1 || goto failed\n", item,
		    file->path.ptr, file->mode);
	}
	emit_args(e, w, boot);
	PUT("set initrds %s\n"
	    "goto boot\n",
	    boot->initrd_count || boot->file_count ? "yes" : "no");
}

/* ----------------------------------------------------------- steps -- */

/* Where the labels of some actions hang. */
struct place {
	const char *order; /* "order-3" */
	const char *start; /* where to go for another try of all of it */
	const char *label; /* of the first action */
	char separator;    /* between it and "step-2" */
};

/* A step that leads elsewhere than to a profile. */
static void emit_other(struct emit *e, const struct action *action,
		       const struct place *place)
{
	bool outside = place->order == place->label;

	if (action->kind == STEP_MENU) {
		if (outside)
			PUT("set leave ${next}\n");
		PUT("goto %s/%s\n", place->order, action->menu->name.ptr);
		return;
	}
	if (action->menu)
		PUT("set again %s/%s\n", place->order, action->menu->name.ptr);
	PUT("goto %s\n", step_word(action->kind));
}

/* One profile: on any machine, or on each kind of processor in its own way. */
static void emit_boots(struct emit *e, const struct action *actions,
		       size_t count, const char *prefix, struct words *w)
{
	char label[ARCH_LABEL_BYTES];

	if (actions[0].boot->archs == ARCH_ANY) {
		emit_profile(e, actions[0].boot, prefix, w);
		return;
	}
	PUT("goto %s/${arch} ||\n"
	    "echo ipxe-embed: ${node}: profile %s is not for ${arch}\n"
	    "goto failed\n",
	    prefix, actions[0].boot->profile->name.ptr);
	for (size_t i = 0; i < count; i++) {
		snprintf(label, sizeof(label), "%s/%s", prefix,
			 arch_word(actions[i].boot->archs));
		PUT(":%s\n", label);
		emit_profile(e, actions[i].boot, label, w);
	}
}

/* How many actions the step is made of that begins with the first of these. */
static size_t step_actions(const struct action *actions, size_t count)
{
	size_t i = 1;

	while (i < count && actions[i].another)
		i++;
	return i;
}

static void emit_actions(struct emit *e, const struct machine *machine,
			 const struct actions *actions,
			 const struct place *place, struct words *w)
{
	char prefix[LABEL_BYTES];
	size_t count;

	PUT("set again %s\n", place->start);
	for (size_t i = 0, step = 1; i < actions->count; i += count, step++) {
		const struct action *action =
			&machine->actions[actions->first + i];

		count = step_actions(action, actions->count - i);
		snprintf(prefix, sizeof(prefix), "%s%cstep-%zu", place->label,
			 place->separator, step);
		if (i)
			PUT(":%s\n", prefix);
		if (i + count < actions->count)
			PUT("set next %s%cstep-%zu\n", place->label,
			    place->separator, step + 1);
		if (action->boot)
			emit_boots(e, action, count, prefix, w);
		else
			emit_other(e, action, place);
	}
}

/* ----------------------------------------------------------- menus -- */

/* Words that have been found good one by one; see resolve_menu.c. */
static void put_words(struct emit *e, struct text words)
{
	sbuf_add(e->out, words.ptr, words.len);
}

static void emit_menu_items(struct emit *e, const struct menu *menu)
{
	for (size_t i = 0; i < menu->item_count; i++) {
		const struct menu_item *item = &menu->items[i];

		PUT("item ");
		if (item->key.text.ptr)
			PUT("--key %s ", item->key.text.ptr);
		PUT("-- %s ", item->name.ptr);
		put_words(e, menu_item_text(item));
		PUT("\n");
	}
}

/* Whoever leaves a menu goes on behind the step of the boot order that led to
 * the first one, wherever menus have led since. */
static void emit_menu(struct emit *e, const struct machine *machine,
		      const struct menu_boot *shown, const struct place *place,
		      struct words *w)
{
	const struct menu *menu = shown->menu;
	const char *order = place->order;
	char label[LABEL_BYTES];

	PUT("\n:%s/%s\n"
	    "set again %s\n"
	    "set next ${leave}\n"
	    "menu -- ",
	    order, menu->name.ptr, place->start);
	put_words(e, menu_title(menu));
	PUT("\n");
	emit_menu_items(e, menu);
	PUT("choose ");
	if (menu->timeout_s)
		PUT("--timeout %u000 ", menu->timeout_s);
	if (menu->chosen.text.ptr)
		PUT("--default %s ", menu->chosen.text.ptr);
	PUT("choice || goto failed\n"
	    "goto %s/%s/${choice} || goto stop\n",
	    order, menu->name.ptr);
	for (size_t i = 0; i < menu->item_count; i++) {
		snprintf(label, sizeof(label), "%s/%s/%s", order,
			 menu->name.ptr, menu->items[i].name.ptr);
		PUT(":%s\n", label);
		emit_actions(e, machine, &shown->items[i],
			     &(struct place){ order, label, label, '/' }, w);
	}
}

/* ---------------------------------------------------------- orders -- */

static void emit_members(struct emit *e, const struct order *order)
{
	const struct machine *first = order->members[0];

	PUT("\n# ");
	for (size_t i = 0; i < first->order.count; i++)
		if (!first->actions[i].another)
			PUT("%s%s", i ? ", then " : "",
			    first->actions[i].boot
				    ? first->actions[i].boot->profile->name.ptr
				    : step_word(first->actions[i].kind));
	if (e->fetched) { /* a member more or less must not change it */
		PUT("\n");
		return;
	}
	PUT(": ");
	if (first->rule)
		PUT("unknown machines by rule %zu", first->rule->number);
	else if (!first->node)
		PUT("any %smachine that is no node",
		    e->site->rule_count ? "other " : "");
	for (size_t i = 0; first->node && i < order->member_count && i < 3; i++)
		PUT("%s%s", i ? ", " : "", order->members[i]->node->name.ptr);
	if (order->member_count > 3)
		PUT(" and %zu more", order->member_count - 3);
	PUT("\n");
}

void emit_order(struct emit *e, const struct order *order, const char *label)
{
	const struct machine *first = order->members[0];
	bool may_become_known =
		!first->node && e->site->dispatch.kind != DISPATCH_EMBEDDED;
	const struct place place = { label,
				     may_become_known ? "dispatch" : label,
				     label, '-' };
	struct words w = { order, 0 };

	emit_members(e, order);
	PUT(":%s\n", label);
	emit_actions(e, first, &first->order, &place, &w);
	for (size_t i = 0; i < first->menu_count; i++)
		emit_menu(e, first, &first->menus[i], &place, &w);
}

void emit_orders(struct emit *e)
{
	char label[48];

	emit_heading(e, "orders");
	for (size_t i = 0; i < e->plan->order_count &&
			   e->site->dispatch.kind != DISPATCH_REMOTE;
	     i++) {
		snprintf(label, sizeof(label), "order-%zu", i + 1);
		emit_order(e, &e->plan->orders[i], label);
	}
	for (size_t i = 0; i < e->site->rule_count; i++) {
		snprintf(label, sizeof(label), "order-unknown-%zu", i + 1);
		emit_order(e, &e->plan->ruled[i], label);
	}
	emit_order(e, &e->plan->unknown, "order-unknown");
}
