#include "simulate_trace.h"

static const char *const names[] = {
	[SIM_ECHO] = "echo",          [SIM_LABEL] = NULL,
	[SIM_NO_LABEL] = NULL,        [SIM_FETCH] = "fetch",
	[SIM_VERIFY] = "verify",      [SIM_DIGEST] = "digest",
	[SIM_FREE] = "drop",          [SIM_NETWORK] = "network",
	[SIM_SLEEP] = "wait",         [SIM_ASK] = "ask",
	[SIM_BOOT] = "boot",          [SIM_SCRIPT_RUN] = "script",
	[SIM_REFUSE] = "refuse",      [SIM_DISK] = "disk",
	[SIM_SAN] = "drive",          [SIM_SHELL] = "shell",
	[SIM_UNMODELLED] = "unknown", [SIM_END] = "end",
};

const char *sim_event_name(enum sim_event_kind kind)
{
	return names[kind];
}

/* A text from outside: nothing in it may move the cursor. */
static void put(struct sbuf *out, struct text text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		sbuf_putc(out, c < 0x20 || c == 0x7f ? '?' : (char)c);
	}
}

static void put_arguments(struct sbuf *out, const struct sim_image *image)
{
	if (image->arguments.len)
		sbuf_putc(out, ' ');
	put(out, image->arguments);
}

static void put_initrds(const struct sim *sim, struct sbuf *out)
{
	size_t count;
	struct sim_image *const *images = sim_images(sim, &count);

	for (size_t i = 0; i < count; i++) {
		sbuf_puts(out, "\n         with ");
		put(out, images[i]->name);
		put_arguments(out, images[i]);
	}
}

static void put_what(const struct sim *sim, const struct sim_event *event,
		     struct sbuf *out)
{
	switch (event->kind) {
	case SIM_VERIFY:
		put(out, event->image->name);
		sbuf_puts(out, " by ");
		put(out, event->text);
		break;
	case SIM_DIGEST:
	case SIM_FREE:
	case SIM_SCRIPT_RUN:
		put(out, event->image->name);
		break;
	case SIM_REFUSE:
		put(out, event->image->name);
		sbuf_puts(out, ": ");
		put(out, event->text);
		break;
	case SIM_BOOT:
		put(out, event->image->name);
		put_arguments(out, event->image);
		put_initrds(sim, out);
		break;
	case SIM_SLEEP:
		sbuf_printf(out, "%lu s", event->number);
		break;
	case SIM_NETWORK:
	case SIM_ASK:
		put(out, event->text);
		sbuf_puts(out, event->kind == SIM_ASK ? ": " : " ");
		put(out, event->more);
		break;
	case SIM_END:
		sbuf_printf(out, "status %#lx", event->number);
		break;
	case SIM_ECHO:
	case SIM_LABEL:
	case SIM_NO_LABEL:
	case SIM_FETCH:
	case SIM_DISK:
	case SIM_SAN:
	case SIM_SHELL:
	case SIM_UNMODELLED:
		put(out, event->text);
		break;
	}
}

/* Whether it may fail, so that to say how it went is worth a word. */
static bool may_fail(enum sim_event_kind kind)
{
	return kind == SIM_FETCH || kind == SIM_VERIFY || kind == SIM_NETWORK ||
	       kind == SIM_DISK || kind == SIM_SAN;
}

void sim_event_show(const struct sim *sim, const struct sim_event *event,
		    const struct sim_colours *colours, struct sbuf *out)
{
	static const struct sim_colours none = { "", "", "", "", "" };
	const struct sim_colours *c = colours ? colours : &none;
	const char *name = names[event->kind], *colour = "";

	if (!name)
		return;
	if (event->kind == SIM_ECHO)
		colour = c->faint;
	else if (event->kind == SIM_REFUSE || event->kind == SIM_UNMODELLED ||
		 (may_fail(event->kind) && !event->good))
		colour = c->bad;
	else if (event->kind == SIM_BOOT)
		colour = c->good;
	sbuf_printf(out, "%s%-8s%s %s", c->strong, name, c->reset, colour);
	put_what(sim, event, out);
	if (may_fail(event->kind))
		sbuf_puts(out, event->good ? ": ok" : ": FAILED");
	sbuf_printf(out, "%s\n", colour[0] ? c->reset : "");
}
