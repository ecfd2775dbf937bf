#include "matchbox.h"

/* The group of whatever no other group is for; or NULL. */
static struct mb_group *default_group(struct matchbox *mb)
{
	struct mb_group *last = &mb->groups.at[mb->groups.count - 1];

	return last->selectors.count || !last->boots ? NULL : last;
}

/* Its profile is kept though no node boots it: for unknown:. */
static void keep(struct mb_group *g)
{
	g->used = true;
	g->boots->used = true;
	g->boots->boots = true;
}

void matchbox_keep_others(struct matchbox *mb)
{
	struct mb_group *last = default_group(mb);

	if (last)
		keep(last);
	vec_foreach (struct mb_node, other, &mb->others)
		keep(other->first);
}

/* Whether a rule for it can be written: its profile is one of the site, and not
 * one of nodes, whose vars, phases and files others do not have. */
static bool has_rule(const struct mb_group *g)
{
	return g->boots && g->boots->alone == g && g->boots->name.ptr;
}

void matchbox_report_others(struct matchbox *mb)
{
	const char *take = arena_printf(
		mb->im->arena,
		"to boot it there, too, take the lines of unknown: that stand "
		"in %s as a comment",
		mb->options->file);

	vec_foreach (struct mb_group, g, &mb->groups) {
		const char *rule = matchbox_rule(g);

		if (!rule || !g->boots)
			continue;
		if (!*rule)
			import_find(mb->im, FATE_CHANGED, g->at,
				    has_rule(g) ? take
						: "list them as nodes, too, by "
						  "mac or uuid",
				    "this group is for all machines; those "
				    "that are not listed start what is on "
				    "their disk now");
		else if (has_rule(g))
			import_find(mb->im, FATE_CHANGED, g->at, take,
				    "this group is for all machines of a kind; "
				    "those that are not listed start what is "
				    "on their disk now");
		else
			import_find(mb->im, FATE_LOST, g->at,
				    "list the machines, by mac or uuid",
				    "this group is for all machines of a kind; "
				    "its profile is that of nodes or of "
				    "another group, too");
		g->used = true;
	}
}

/* A group by arch wins over the default group, and over none. */
bool matchbox_told_by_processor(const struct matchbox *mb,
				const struct mb_node *node)
{
	const struct mb_group *boot = node->by_role[0];

	if (boot && boot->selectors.count)
		return false;
	vec_foreach (const struct mb_group, g, &mb->groups)
		if (matchbox_rule(g) && *matchbox_rule(g))
			return true;
	return false;
}

/* What a Matchbox did to whatever was plugged in, for its owner to want again. */
void matchbox_put_rules(const struct matchbox *mb, struct sbuf *out)
{
	enum { KINDS = 3 }; /* with a rule for each, none is left over */
	size_t kinds = 0;

	if (!mb->others.count)
		return;
	vec_foreach (const struct mb_group, g, &mb->groups)
		kinds += matchbox_rule(g) && *matchbox_rule(g);
	sbuf_puts(out, "# In place of that line, these do to machines that are "
		       "not listed what Matchbox did;\n"
		       "# an installer erases whatever is plugged in:\n"
		       "#unknown:\n");
	vec_foreach (const struct mb_group, g, &mb->groups) {
		const char *rule = matchbox_rule(g);

		if (!rule || (!*rule && (!has_rule(g) || kinds == KINDS)))
			continue;
		if (*rule)
			sbuf_printf(out, "#  - match: %s\n#    boot: ", rule);
		else
			sbuf_puts(out, "#  - boot: ");
		if (has_rule(g))
			sbuf_printf(out,
				    "[%s]\n#    allow-unknown-install: true\n",
				    g->boots->name.ptr);
		else
			sbuf_puts(out, "local\n");
	}
}
