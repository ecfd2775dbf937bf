#include "trace.h"

#include "arena.h"
#include "sbuf.h"

static const struct text whole = { "", 0 }, any = { NULL, 0 };

void trace_add(struct trace *trace, const struct boot *boot, const char *key,
	       struct text name, const struct level *level, struct span at,
	       struct text value)
{
	if (!trace->on)
		return;
	*vec_push(trace->arena, &trace->origins) =
		(struct origin){ .boot = boot,
				 .key = key,
				 .name = name,
				 .value = value,
				 .level = level->kind,
				 .of = level->name,
				 .at = at };
}

void trace_add_said(struct trace *trace, const struct boot *boot,
		    const char *key, struct text name,
		    const struct level *level, struct span at,
		    const struct doc *said)
{
	if (!trace->on)
		return;
	trace_add(trace, boot, key, name, level, at, any);
	trace->origins.at[trace->origins.count - 1].said = said;
}

void trace_replace(struct trace *trace, const struct boot *boot,
		   const char *key, struct text name)
{
	if (!trace->on)
		return;
	vec_foreach (struct origin, origin, &trace->origins)
		if (origin->boot == boot && strcmp(origin->key, key) == 0 &&
		    (!name.ptr || text_equal(origin->name, name)))
			origin->replaced = true;
}

/* The higher level wins. */
static void add_over(struct trace *trace, const char *key,
		     const struct level *level, struct span at,
		     struct text value)
{
	trace_replace(trace, NULL, key, any);
	trace_add(trace, NULL, key, whole, level, at, value);
}

static struct text order_text(struct arena *arena,
			      const struct boot_order *order)
{
	struct sbuf words = { 0 };
	struct text text;

	for (size_t i = 0; i < order->count; i++)
		sbuf_printf(&words, "%s%s", i ? ", " : "",
			    order->steps[i].name.text.ptr);
	text = (struct text){ arena_copy(arena, sbuf_text(&words), words.len),
			      words.len };
	sbuf_release(&words);
	return text;
}

void trace_machine(struct trace *trace, const struct levels *levels)
{
	if (!trace->on)
		return;
	for (size_t i = 0; i < levels->count; i++) {
		const struct level *level = &levels->at[i];
		const struct settings *set = level->set;
		const struct more_settings *more = settings_more(set);
		const struct {
			const char *key;
			const struct located *value;
		} rows[] = { { "profile", &set->profile },
			     { "phase", &set->phase },
			     { "channel", &more->channel },
			     { "arch", &more->arch } };

		for (size_t r = 0; r < sizeof(rows) / sizeof(*rows); r++)
			if (rows[r].value->text.ptr)
				add_over(trace, rows[r].key, level,
					 rows[r].value->at,
					 rows[r].value->text);
		if (more->boot.count)
			add_over(trace, "boot", level, more->boot.at,
				 order_text(trace->arena, &more->boot));
		for (size_t p = 0; p < more->phase_count; p++)
			trace_add(trace, NULL, "phases", whole, level,
				  more->phases[p].at, more->phases[p].name);
	}
}

void trace_unknown(struct trace *trace, const struct site *site)
{
	const struct flag *allow = &site->allow_unknown_install;
	const struct level level = { &site->set, "site", "" };

	if (!trace->on)
		return;
	if (site->unknown.count)
		trace_add(trace, NULL, "unknown", whole, &level,
			  site->unknown.at,
			  order_text(trace->arena, &site->unknown));
	if (allow->at.source)
		trace_add(trace, NULL, "allow-unknown-install", whole, &level,
			  allow->at, allow->on ? TEXT("true") : TEXT("false"));
}

static void add_vars(struct trace *trace, const struct boot *boot,
		     const struct level *level, const struct doc *vars)
{
	for (size_t i = 0; i < vars->count; i++) {
		const struct doc_pair *pair = &vars->pairs[i];

		trace_replace(trace, boot, "vars", pair->key);
		trace_add_said(trace, boot, "vars", pair->key, level,
			       pair->value->at, pair->value);
	}
}

/* What a channel says of the release, where its name stands. */
static void add_channel(struct trace *trace, const struct boot *boot,
			const struct channel *channel)
{
	const struct level level = { NULL, "channel", channel->name.ptr };

	for (size_t i = 0; i < channel->vars->count; i++) {
		const struct doc_pair *pair = &channel->vars->pairs[i];
		const struct doc *value = pair->value;

		trace_add_said(trace, boot, "channel", pair->key, &level,
			       value->at.source ? value->at : channel->at,
			       value);
	}
}

void trace_extends(struct trace *trace, const struct boot *boot,
		   const struct profile *profile)
{
	for (; trace->on && profile->base; profile = profile->base)
		trace_add(trace, boot, "extends", whole,
			  &(struct level){ &profile->set, "profile",
					   profile->name.ptr },
			  profile->extends.at, profile->extends.text);
}

void trace_vars(struct trace *trace, const struct boot *boot,
		const struct levels *levels)
{
	const struct channel *channel = NULL;

	if (!trace->on)
		return;
	for (size_t i = 0; i < levels->count; i++) {
		const struct level *level = &levels->at[i];

		if (settings_more(level->set)->follows)
			channel = settings_more(level->set)->follows;
		if (level->set->vars_replace)
			trace_replace(trace, boot, "vars", any);
		for (size_t j = 0; j < level->set->vars_from_count; j++)
			add_vars(trace, boot, level, level->set->vars_from[j]);
		if (level->set->vars)
			add_vars(trace, boot, level, level->set->vars);
	}
	if (channel)
		add_channel(trace, boot, channel);
}
