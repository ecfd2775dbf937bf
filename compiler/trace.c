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
		const struct {
			const char *key;
			const struct located *value;
		} rows[] = { { "profile", &set->profile },
			     { "phase", &set->phase },
			     { "channel", &set->channel } };

		for (size_t r = 0; r < sizeof(rows) / sizeof(*rows); r++)
			if (rows[r].value->text.ptr)
				add_over(trace, rows[r].key, level,
					 rows[r].value->at,
					 rows[r].value->text);
		if (set->boot.count)
			add_over(trace, "boot", level, set->boot.at,
				 order_text(trace->arena, &set->boot));
	}
}

static void add_vars(struct trace *trace, const struct boot *boot,
		     const struct level *level, const struct doc *vars)
{
	for (size_t i = 0; i < vars->count; i++) {
		const struct doc_pair *pair = &vars->pairs[i];
		const struct doc *value = pair->value;

		trace_replace(trace, boot, "vars", pair->key);
		trace_add(trace, boot, "vars", pair->key, level, value->at,
			  value->kind == DOC_LIST  ? TEXT("[...]")
			  : value->kind == DOC_MAP ? TEXT("{...}")
						   : value->text);
	}
}

void trace_vars(struct trace *trace, const struct boot *boot,
		const struct levels *levels)
{
	if (!trace->on)
		return;
	for (size_t i = 0; i < levels->count; i++) {
		const struct level *level = &levels->at[i];

		if (level->set->vars_replace)
			trace_replace(trace, boot, "vars", any);
		for (size_t j = 0; j < level->set->vars_from_count; j++)
			add_vars(trace, boot, level, level->set->vars_from[j]);
		if (level->set->vars)
			add_vars(trace, boot, level, level->set->vars);
	}
}
