#include "matchbox.h"

#include "doc.h"
#include "resolve.h"
#include "source.h"

#include <stdlib.h>

/* ----------------------------------------------------------------- pieces -- */

static void put_key(struct sbuf *out, size_t indent, const char *key)
{
	import_indent(out, indent);
	sbuf_printf(out, "%s:", key);
}

static void put_line(struct sbuf *out, size_t indent, const char *key,
		     struct text value)
{
	put_key(out, indent, key);
	sbuf_putc(out, ' ');
	import_put_scalar(out, value);
	sbuf_putc(out, '\n');
}

/* "# Install CoreOS and Reboot", to the end of the line. */
static void put_comment(struct sbuf *out, const char *head, struct text text)
{
	sbuf_printf(out, "# %s", head);
	for (size_t i = 0; i < text.len; i++)
		sbuf_putc(out, text.ptr[i] < ' ' && text.ptr[i] >= 0
				       ? ' '
				       : text.ptr[i]);
}

static void put_entry(struct sbuf *out, struct text name, struct text title)
{
	sbuf_puts(out, "  ");
	import_put_scalar(out, name);
	sbuf_putc(out, ':');
	if (title.ptr && !text_equal(title, name)) {
		sbuf_puts(out, "   ");
		put_comment(out, "", title);
	}
	sbuf_putc(out, '\n');
}

static void put_texts(struct sbuf *out, const char *key,
		      const struct text *texts, size_t count)
{
	if (!count)
		return;
	put_key(out, 4, key);
	if (count == 1) {
		sbuf_putc(out, ' ');
		import_put_scalar(out, texts[0]);
		sbuf_putc(out, '\n');
		return;
	}
	sbuf_putc(out, '\n');
	for (size_t i = 0; i < count; i++) {
		sbuf_puts(out, "      - ");
		import_put_scalar(out, texts[i]);
		sbuf_putc(out, '\n');
	}
}

/* path: template, or a map where there is more to say. */
static void put_file(struct sbuf *out, const struct mb_file *file)
{
	sbuf_puts(out, "      ");
	import_put_scalar(out, file->path);
	sbuf_puts(out, ": ");
	if (!file->verbatim && !file->convert && !file->script &&
	    !file->served) {
		import_put_scalar(out, file->from);
		sbuf_putc(out, '\n');
		return;
	}
	sbuf_printf(out, "{ %s: ", file->verbatim ? "file" : "template");
	import_put_scalar(out, file->from);
	if (file->convert) {
		sbuf_puts(out, ", convert: [");
		for (size_t i = 0; file->convert[i]; i++)
			sbuf_printf(out, "%s%s", i ? ", " : "",
				    file->convert[i]);
		sbuf_putc(out, ']');
	}
	if (file->script)
		sbuf_puts(out, ", format: text");
	else if (file->served && !file->verbatim)
		sbuf_puts(out, ", format: json");
	sbuf_puts(out, " }\n");
}

static void put_map_of_files(struct sbuf *out, const char *key,
			     const struct mb_files *files, bool served)
{
	bool any = false;

	vec_foreach (const struct mb_file, file, files) {
		if (file->served != served)
			continue;
		if (!any) {
			put_key(out, 4, key);
			sbuf_putc(out, '\n');
		}
		any = true;
		put_file(out, file);
	}
}

static void put_files(struct sbuf *out, const struct mb_files *files)
{
	put_map_of_files(out, "files", files, false);
	put_map_of_files(out, "serve", files, true);
}

/* --------------------------------------------------------------- variables -- */

/* What Matchbox would print otherwise: it holds numbers as floating point. */
static void check_number(struct matchbox *mb, const struct doc_pair *pair)
{
	char *end;
	double number;

	if (pair->value->kind != DOC_SCALAR || !pair->value->plain ||
	    !pair->key_at.source)
		return;
	number = strtod(pair->value->text.ptr, &end);
	if (!*end && (number >= 1e6 || number <= -1e6))
		import_find(mb->im, FATE_CHANGED, pair->key_at, NULL,
			    "\"%s\" is printed as %s; Matchbox prints %e",
			    pair->key.ptr, pair->value->text.ptr, number);
}

static void put_group_vars(struct matchbox *mb, const struct mb_group *g,
			   size_t role, struct map *done, struct sbuf *out)
{
	for (size_t i = 0; i < g->data->count; i++) {
		const struct doc_pair *pair = &g->data->pairs[i];
		struct text name = matchbox_variable(mb, role, pair->key);
		bool selector = !pair->key_at.source;
		bool fact = matchbox_is_identity(pair->key) &&
			    text_equal(name, pair->key);

		if (selector && (fact || !*map_at(&mb->printed, name)))
			continue;
		if (*map_at(done, name))
			continue;
		*map_at(done, name) = mb;
		check_number(mb, pair);
		import_put_pair(out, name, pair->value, 6);
	}
	for (size_t i = 0; i < g->tests.count; i++) {
		const struct mb_test *test = &g->tests.at[i];

		if (test->role != role || *map_at(done, test->name))
			continue;
		*map_at(done, test->name) = mb;
		import_indent(out, 6);
		sbuf_printf(out, "%s: true\n", test->name.ptr);
	}
}

/* @param roles	bits: the roles in which the group is somebody's */
static void collect_vars(struct matchbox *mb, const struct mb_group *g,
			 const bool *roles, struct map *done, struct sbuf *out)
{
	for (size_t r = 0; r < mb->roles.count; r++)
		if (roles[r])
			put_group_vars(mb, g, r, done, out);
}

static void put_vars(struct sbuf *out, const struct sbuf *vars)
{
	if (!vars->len)
		return;
	put_key(out, 4, "vars");
	sbuf_putc(out, '\n');
	sbuf_add(out, vars->ptr, vars->len);
}

/* ---------------------------------------------------------------- profiles -- */

struct site_parts {
	struct sbuf profiles, groups, nodes;
	size_t profile_count;
};

struct texts {
	struct text *at;
	size_t count, room;
};

static void texts_add(struct matchbox *mb, struct texts *texts,
		      struct text text)
{
	for (size_t i = 0; i < texts->count; i++)
		if (text_equal(texts->at[i], text))
			return;
	*vec_push(mb->im->arena, texts) = text;
}

static void put_args(struct matchbox *mb, struct mb_profile *p,
		     struct sbuf *out)
{
	struct texts args = { 0 }, lost = { 0 };

	vec_foreach (struct mb_value, value, &p->args) {
		struct sbuf arg = { 0 };

		matchbox_arg(mb, p, value->text, value->at, &arg);
		if (import_is_lost(mb->im, value->at))
			texts_add(mb, &lost, value->text);
		if (arg.len)
			*vec_push(mb->im->arena, &args) =
				import_text(mb->im, &arg);
		sbuf_release(&arg);
	}
	/* A live system that is to read its own configuration. */
	if (p->installs) {
		texts_add(mb, &args, TEXT("ignition.firstboot"));
		texts_add(mb, &args, TEXT("ignition.platform.id=metal"));
	}
	put_texts(out, "args", args.at, args.count);
	vec_foreach (const struct text, text, &lost) {
		import_indent(out, 4);
		put_comment(out, "not carried, see the report: ", *text);
		sbuf_putc(out, '\n');
	}
}

static void put_initrds(struct matchbox *mb, struct mb_profile *p,
			struct sbuf *out)
{
	VEC(struct text) initrds = { 0 };

	vec_foreach (struct mb_value, value, &p->initrds) {
		struct text path = matchbox_asset(mb, value);

		if (path.ptr)
			*vec_push(mb->im->arena, &initrds) = path;
	}
	put_texts(out, "initrd", initrds.at, initrds.count);
}

/* Some node that boots it, if it is handed another configuration by it: then it
 * installs. */
static const struct mb_node *installs(struct matchbox *mb,
				      const struct mb_profile *p)
{
	bool installs = p->installs;

	vec_foreach (struct mb_wanted, wanted, &mb->wanted)
		installs = installs || (wanted->profile == p && wanted->role);
	vec_foreach (struct mb_node, node, &mb->nodes)
		if (installs && node->by_role[0] &&
		    node->by_role[0]->boots == p)
			return node;
	return NULL;
}

/* Matchbox installed again whenever a machine asked; so does the first phase.
 */
static void put_phases(struct matchbox *mb, const struct mb_profile *p,
		       struct sbuf *out)
{
	const struct mb_node *node = installs(mb, p);

	if (!node)
		return;
	sbuf_puts(out, "    phases:\n"
		       "      install: {}\n"
		       "      run: { boot: [disk, exit] }\n");
	mb->has_phases = true;
	import_find(mb->im, FATE_TODO, p->at, NULL,
		    "a machine that has been installed is told so by: "
		    "ipxe-embed phase %s %s run",
		    mb->options->file, node->name.ptr);
}

static void put_profile(struct matchbox *mb, struct mb_profile *p,
			struct sbuf *out)
{
	struct sbuf args = { 0 };
	struct text kernel;

	put_args(mb, p, &args); /* which may bring another initrd */
	put_entry(out, p->name, p->title.text);
	kernel = p->kernel.text.ptr ? matchbox_asset(mb, &p->kernel)
				    : (struct text){ 0 };
	if (kernel.ptr)
		put_line(out, 4, "kernel", kernel);
	put_initrds(mb, p, out);
	sbuf_puts(out, sbuf_text(&args));
	sbuf_release(&args);
	put_files(out, &p->files);
	put_phases(mb, p, out);
}

/* Profiles that cannot be booted, where a node would. */
static bool check_boots(struct matchbox *mb, struct mb_profile *p)
{
	if (p->kernel.text.ptr)
		return true;
	import_find(mb->im, FATE_LOST, p->at, NULL,
		    p->has_boot ? "no kernel, so its machines boot nothing"
				: "no \"boot\": its machines get \"not found\" "
				  "from Matchbox");
	p->boots = false;
	return false;
}

/* Names of the site are labels of boot scripts: not all will do. */
static void report_name(struct matchbox *mb, struct span at, struct text was,
			struct text is)
{
	if (!text_equal(was, is))
		import_find(mb->im, FATE_CHANGED, at, NULL,
			    "%s is called %s in the site",
			    diag_quote(mb->im->ds, was), is.ptr);
}

/* Some words mean something else in a boot order. */
static struct text profile_name(struct matchbox *mb, const struct mb_profile *p)
{
	struct text wanted = p->key;

	if (step_word_taken(wanted))
		wanted = text_of(
			arena_printf(mb->im->arena, "profile-%s", wanted.ptr));
	return import_name(mb->im, &mb->profile_names, wanted, "profile");
}

/* Of the group of machines that are not listed, and of those that configure
 * what it installs. */
static void put_others_vars(struct matchbox *mb, const struct mb_profile *p,
			    struct map *done, struct sbuf *out)
{
	bool *roles = arena_new_array(mb->im->arena, mb->roles.count, bool);
	const struct mb_node *other = mb->others.at;

	while (other->first != p->alone)
		other++;
	roles[0] = true;
	vec_foreach (struct mb_wanted, wanted, &mb->wanted)
		if (wanted->profile == p)
			roles[wanted->role] = true;
	for (size_t r = 0; r < mb->roles.count; r++)
		if (roles[r] && other->by_role[r])
			put_group_vars(mb, other->by_role[r], r, done, out);
}

static void put_profiles(struct matchbox *mb, struct site_parts *site)
{
	vec_foreach (struct mb_profile, p, &mb->profiles) {
		struct sbuf vars = { 0 };
		struct map done = { .arena = mb->im->arena };

		if (!p->boots || !check_boots(mb, p))
			continue;
		p->name = profile_name(mb, p);
		report_name(mb, p->at, p->key, p->name);
		put_profile(mb, p, &site->profiles);
		site->profile_count++;
		if (p->alone)
			put_others_vars(mb, p, &done, &vars);
		put_vars(&site->profiles, &vars);
		sbuf_release(&vars);
	}
}

/* ------------------------------------------------------------------ groups -- */

/* In which roles a shared group is somebody's. */
static bool *roles_of(struct matchbox *mb, const struct mb_group *g)
{
	bool *roles = arena_new_array(mb->im->arena, mb->roles.count, bool);

	vec_foreach (struct mb_node, node, &mb->nodes)
		for (size_t r = 0; r < mb->roles.count; r++)
			if (node->by_role[r] == g)
				roles[r] = true;
	return roles;
}

static void put_shared_group(struct matchbox *mb, struct mb_group *g,
			     struct sbuf *out)
{
	struct map done = { .arena = mb->im->arena };
	struct sbuf vars = { 0 }, body = { 0 };
	bool *roles = roles_of(mb, g);

	collect_vars(mb, g, roles, &done, &vars);
	if (roles[0] && g->boots && g->boots->name.ptr)
		put_line(&body, 4, "profile", g->boots->name);
	put_vars(&body, &vars);
	if (body.len) {
		g->name =
			import_name(mb->im, &mb->group_names, g->key, "group");
		put_entry(out, g->name, g->title.text);
		sbuf_add(out, body.ptr, body.len);
	}
	sbuf_release(&vars);
	sbuf_release(&body);
}

static void put_groups(struct matchbox *mb, struct sbuf *out)
{
	vec_foreach (struct mb_group, g, &mb->groups)
		if (g->node_count && !matchbox_is_own(g))
			put_shared_group(mb, g, out);
	vec_foreach (struct mb_profile, p, &mb->profiles) {
		if (!p->group_files.count)
			continue;
		p->group =
			import_name(mb->im, &mb->group_names, p->key, "group");
		put_entry(out, p->group, p->title.text);
		put_files(out, &p->group_files);
	}
}

/* ------------------------------------------------------------------- nodes -- */

static void put_identity(const struct mb_node *node, struct sbuf *out)
{
	vec_foreach (const struct mb_label, label, &node->labels)
		if (matchbox_is_mac(label->key))
			sbuf_printf(out, "    mac: %s\n", label->value.ptr);
		else
			put_line(out, 4, label->key.ptr, label->value);
}

static void put_name(struct matchbox *mb, struct map *done, struct text name,
		     struct sbuf *out)
{
	if (!name.ptr || *map_at(done, name))
		return;
	*map_at(done, name) = mb;
	sbuf_puts(out, out->len ? ", " : "");
	import_put_scalar(out, name);
}

static void put_node_groups(struct matchbox *mb, const struct mb_node *node,
			    struct sbuf *out)
{
	struct map done = { .arena = mb->im->arena };
	struct sbuf names = { 0 };

	for (size_t r = 0; r < mb->roles.count; r++) {
		const struct mb_group *g = node->by_role[r];

		if (!g)
			continue;
		put_name(mb, &done, g->name, &names);
		if (r && g->boots)
			put_name(mb, &done, g->boots->group, &names);
	}
	if (names.len)
		sbuf_printf(out, "    groups: [%s]\n", sbuf_text(&names));
	sbuf_release(&names);
}

static void put_node_vars(struct matchbox *mb, const struct mb_node *node,
			  struct sbuf *out)
{
	struct map done = { .arena = mb->im->arena };
	struct sbuf vars = { 0 };

	for (size_t r = 0; r < mb->roles.count; r++)
		if (node->by_role[r] && matchbox_is_own(node->by_role[r]))
			put_group_vars(mb, node->by_role[r], r, &done, &vars);
	for (size_t i = 0; mb->mac_hyphens && i < node->labels.count; i++) {
		char *mac;

		if (!text_is(node->labels.at[i].key, "mac"))
			continue;
		mac = arena_copy(mb->im->arena, node->labels.at[i].value.ptr,
				 node->labels.at[i].value.len);
		for (char *c = mac; *c; c++)
			if (*c == ':')
				*c = '-';
		import_indent(&vars, 6);
		sbuf_printf(&vars, "mac_hyphens: %s\n", mac);
	}
	put_vars(out, &vars);
	sbuf_release(&vars);
}

static void put_node(struct matchbox *mb, const struct mb_node *node,
		     struct sbuf *out)
{
	const struct mb_group *boot = node->by_role[0];

	report_name(mb, node->at, node->first->key, node->name);
	put_entry(out, node->name, node->first->title.text);
	put_identity(node, out);
	if (!boot || !boot->boots || !boot->boots->name.ptr) {
		sbuf_puts(out, "    boot: exit\n");
		import_find(mb->im, FATE_CHANGED, node->at, NULL,
			    "Matchbox has nothing for this machine to boot: "
			    "it goes back to its firmware");
	} else if (matchbox_is_own(boot)) {
		put_line(out, 4, "profile", boot->boots->name);
	}
	if (matchbox_told_by_processor(mb, node))
		import_find(mb->im, FATE_CHANGED, node->at,
			    "give it the profile that is right for it",
			    "Matchbox chose by the processor of this machine, "
			    "which nothing here tells");
	put_node_groups(mb, node, out);
	put_node_vars(mb, node, out);
}

/* -------------------------------------------------------------------- site -- */

static void put_part(struct sbuf *out, const char *key, const struct sbuf *part)
{
	if (part->len)
		sbuf_printf(out, "\n%s:\n%s", key, sbuf_text(part));
}

static void put_head(const struct matchbox *mb, struct sbuf *out)
{
	const struct import_options *o = mb->options;

	sbuf_printf(out,
		    "# Made from a Matchbox by ipxe-embed, whose report says "
		    "what is different.\n\n");
	put_line(out, 0, "site", text_of(o->site));
	put_line(out, 0, "url", text_of(o->url));
	sbuf_puts(out, "trust: [certs/root.pem]   # ipxe-embed keys init\n"
		       "verify: signature\n"
		       "unknown: local\n");
	matchbox_put_rules(mb, out);
	if (mb->has_phases)
		sbuf_puts(out, "phase: install\n");
}

static const char *counted(struct import *im, size_t count, const char *what)
{
	return arena_printf(im->arena, "%zu %s%s", count, what,
			    count == 1 ? "" : "s");
}

static int compare_nodes(const void *a, const void *b)
{
	const struct mb_node *x = a, *y = b;

	return text_compare(x->name, y->name);
}

void matchbox_write(struct matchbox *mb)
{
	struct import *im = mb->im;
	struct site_parts site = { 0 };
	struct sbuf out = { 0 };
	struct import_output *first = vec_push(im->arena, &im->outputs);

	first->path = text_of(mb->options->file);
	if (mb->nodes.count)
		qsort(mb->nodes.at, mb->nodes.count, sizeof(*mb->nodes.at),
		      compare_nodes);
	matchbox_keep_others(mb);
	put_profiles(mb, &site);
	matchbox_report_others(mb);
	put_groups(mb, &site.groups);
	vec_foreach (struct mb_node, node, &mb->nodes)
		put_node(mb, node, &site.nodes);
	put_head(mb, &out);
	put_part(&out, "profiles", &site.profiles);
	put_part(&out, "groups", &site.groups);
	put_part(&out, "nodes", &site.nodes);
	im->outputs.at[0].bytes = import_text(im, &out);
	im->summary =
		arena_printf(im->arena, "%s of Matchbox became %s with %s",
			     counted(im, mb->groups.count, "group"),
			     counted(im, mb->nodes.count, "node"),
			     counted(im, site.profile_count, "profile"));
	sbuf_release(&site.profiles);
	sbuf_release(&site.groups);
	sbuf_release(&site.nodes);
	sbuf_release(&out);
}

/* ------------------------------------------------------------------- whole -- */

static void account_unused_profile(struct matchbox *mb,
				   const struct mb_profile *p)
{
	import_find(mb->im, FATE_IGNORED, p->at, NULL,
		    "no group leads to this profile");
	for (size_t kind = 0; kind < CONFIGS; kind++)
		if (p->config[kind].text.ptr)
			import_find_part(
				mb->im, FATE_IGNORED, p->config[kind].at,
				"\"%s_id\" with it", config_kinds[kind]);
}

/* What is only asked for by labels of its own, no machine needs to be in. */
static void account_unused_group(struct matchbox *mb, const struct mb_group *g)
{
	bool later = g->selectors.count;

	vec_foreach (const struct mb_label, label, &g->selectors)
		later = later && !matchbox_is_boot_label(label->key);
	if (later)
		import_find(mb->im, FATE_LOST, g->at,
			    "put its configuration into files: of the profile "
			    "that installs, and let that take it from there",
			    "nothing that a machine boots with asks for this "
			    "group in a way that is understood");
	else
		import_find(mb->im, FATE_LOST, g->at,
			    "list the machines with their mac or uuid",
			    "no machine is known that this group is for");
}

static void account_unused(struct matchbox *mb)
{
	vec_foreach (struct mb_group, g, &mb->groups)
		if (!g->used)
			account_unused_group(mb, g);
	vec_foreach (struct mb_profile, p, &mb->profiles)
		if (!p->used)
			account_unused_profile(mb, p);
	vec_foreach (struct mb_template, t, &mb->templates)
		if (!t->used)
			import_find(mb->im, FATE_IGNORED,
				    (struct span){ t->file->source, 0, 0 },
				    NULL,
				    "no profile of a machine leads to "
				    "this file");
}

/* What profiles name and nobody asked for. */
static void account_configs(struct matchbox *mb)
{
	vec_foreach (struct mb_profile, p, &mb->profiles)
		for (size_t kind = 0; p->used && kind < CONFIGS; kind++) {
			const struct mb_value *id = &p->config[kind];

			if (id->text.ptr && !import_has_finding(mb->im, id->at))
				import_find(mb->im, FATE_LOST, id->at,
					    "inject it (files:) if a system "
					    "needs it",
					    "\"%s_id\": no argument of a "
					    "kernel, and no template, asks for "
					    "it in a way that is understood",
					    config_kinds[kind]);
		}
}

static void account_rest(struct matchbox *mb)
{
	const struct span nowhere = { 0 };

	for (size_t i = 0; i < mb->docs.count; i++)
		import_find_rest(mb->im, mb->docs.at[i], "Matchbox");
	import_find(mb->im, FATE_TODO, nowhere, NULL,
		    "make a root and a signer (ipxe-embed keys init certs), "
		    "and see to it that url: names your web server");
	import_find(mb->im, FATE_TODO, nowhere, NULL,
		    "put the assets of the Matchbox, or a symbolic link to "
		    "them, beside the site file: assets/");
}

bool import_matchbox(struct import *im, const struct import_files *files,
		     const struct import_options *options)
{
	struct matchbox mb = { .im = im, .files = files, .options = options };

	mb.paths.arena = im->arena;
	mb.printed.arena = im->arena;
	mb.replaced.arena = im->arena;
	if (!matchbox_read(&mb))
		return false;
	matchbox_resolve(&mb);
	matchbox_rename(&mb);
	matchbox_write(&mb);
	account_configs(&mb);
	account_unused(&mb);
	matchbox_report_urls(&mb);
	account_rest(&mb);
	return true;
}
