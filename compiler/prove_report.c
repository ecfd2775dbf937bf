#include "prove_parts.h"

#include "boot_fact.h"
#include "cleanup.h"

/* What is shown of a trace. */
enum { TRACE_LINES = 12 };

static void describe_scene(const struct proof *p, struct sbuf *out)
{
	static const char *const harms[] = {
		[HARM_NONE] = "",
		[HARM_LOST] = " cannot be fetched",
		[HARM_TAMPERED] = " was changed on the way",
		[HARM_SWAPPED] = " of nodes is that of others",
	};
	static const char *const wires[] = {
		[WIRE_GOOD] = "",
		[WIRE_CUT] = ", without a network",
		[WIRE_SILENT] = ", without an answer to DHCP",
		[WIRE_LEASED] = ", without an answer to DHCP but for the first",
		[WIRE_OWN] = ", with a link on its own cards only",
		[WIRE_OTHERS] = ", with a link on other cards only",
		[WIRE_LATE] = ", with a link only after a pause",
	};
	const struct scene *scene = &p->scene;

	sbuf_printf(out, "on %s%s%s", scene->kind.platform,
		    scene->kind.arch == ARCH_ARM64 ? " for arm64" : "",
		    scene->kind.secure_boot ? " with Secure Boot" : "");
	for (enum trait t = TRAIT_MANUFACTURER; p->traits && t < TRAITS; t++)
		if (p->traits->of[t].ptr)
			sbuf_printf(out, ", %s %.*s", trait_word(t),
				    (int)p->traits->of[t].len,
				    p->traits->of[t].ptr);
	if (scene->disk)
		sbuf_puts(out, ", with a disk that boots");
	sbuf_puts(out, wires[scene->wire]);
	if (scene->firmware == FIRMWARE_SILENT)
		sbuf_printf(out, ", not knowing its %s",
			    boot_facts[scene->fact].name);
	if (scene->firmware == FIRMWARE_HOSTILE)
		sbuf_printf(out, ", with a %s that iPXE would expand",
			    boot_facts[scene->fact].name);
	if (scene->person == PERSON_LEAVES)
		sbuf_puts(out, ", leaving every menu");
	if (scene->person == PERSON_CHOOSES) {
		const struct menu *menu = p->machine->menus[scene->menu].menu;

		sbuf_printf(out, ", choosing %s in menu %s",
			    menu->items[scene->item].name.ptr, menu->name.ptr);
	}
	if (scene->harm && scene->victim)
		sbuf_printf(out, ", when %s%s%s", scene->victim->path.ptr,
			    scene->victim_signature ? ".sig" : "",
			    scene->harm == HARM_SWAPPED ? " is another item"
							: harms[scene->harm]);
	else if (scene->harm)
		sbuf_printf(out, ", when everything%s", harms[scene->harm]);
	if (scene->harm && scene->base.ptr)
		sbuf_printf(out, " at %s", scene->base.ptr);
	if (scene->detour)
		sbuf_printf(out, ", after %u that were lost", scene->detour);
	if (scene->elsewhere)
		sbuf_puts(out, ", with the image of another site");
	if (scene->by_turns)
		sbuf_puts(out, " every other time");
	if (scene->duds)
		sbuf_printf(out, ", when kernels do not start %u times",
			    scene->duds);
	if (scene->hits)
		sbuf_printf(out, ", %u times", scene->hits);
	if (scene->pauses)
		sbuf_printf(out, ", until pause %u", scene->pauses);
}

/* The last lines of a text. */
static const char *tail(struct sbuf *text, size_t lines)
{
	const char *begin;

	if (text->len)
		text->ptr[--text->len] = '\0';
	begin = sbuf_text(text) + text->len;

	while (begin > sbuf_text(text)) {
		if (begin[-1] == '\n' && --lines == 0)
			break;
		begin--;
	}
	return begin;
}

/* Once more, with somebody looking. */
static void record(struct proof *p, struct sbuf *trace)
{
	p->trace = trace;
	proof_rewind(p);
	(void)sim_run(p->sim, p->script, &p->world);
	p->trace = NULL;
}

void proof_report(struct proof *p, enum sim_end end)
{
	const struct node *node = p->machine->node;
	const char *fault = p->fault ? p->fault : sim_end_text(end);
	const char *details =
		arena_copy(p->ds->arena, p->details.ptr, p->details.len);
	CLEANUP(sbuf) scene = { 0 };
	CLEANUP(sbuf) trace = { 0 };
	struct intention intention = p->intention;
	struct diag *diag;

	describe_scene(p, &scene);
	record(p, &trace);
	diag = diag_at(p->ds, DIAG_E950, node ? node->at : (struct span){ 0 },
		       "%s%s, %s, %s%s%s", node ? "node " : "",
		       node ? node->name.ptr : "an unknown machine",
		       sbuf_text(&scene), fault, *details ? ": " : "", details);
	diag_help(p->ds, diag, "by the site it %s%s%s",
		  sim_end_text(intention.end),
		  intention.boot ? " of profile " : "",
		  intention.boot ? intention.boot->profile->name.ptr : "");
	diag_help(p->ds, diag, "the last that it does:\n%s",
		  tail(&trace, TRACE_LINES));
}
