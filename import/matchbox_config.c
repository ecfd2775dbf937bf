#include "matchbox.h"

#include "doc.h"
#include "effective.h"
#include "source.h"

#include <ctype.h>

/* ------------------------------------------------------------- templates -- */

static bool ends(struct text text, const char *with)
{
	size_t len = strlen(with);

	return text.len > len &&
	       memcmp(text.ptr + text.len - len, with, len) == 0;
}

struct mb_template *matchbox_template(struct matchbox *mb,
				      enum config_kind kind, struct text id)
{
	const char *path =
		arena_printf(mb->im->arena, "%s/%.*s", config_kinds[kind],
			     (int)id.len, id.ptr);

	vec_foreach (struct mb_template, t, &mb->templates) {
		if (!text_is(t->file->path, path))
			continue;
		if (!t->parsed) {
			struct text bytes = t->file->source->bytes;
			struct span at = { t->file->source, 0,
					   (uint32_t)bytes.len };

			t->verbatim = ends(id, ".ign") || ends(id, ".ignition");
			if (!t->verbatim)
				t->tmpl = go_template_parse(mb->im, bytes, at);
			t->parsed = true;
		}
		return t;
	}
	return NULL;
}

/* -------------------------------------------------------------- variables -- */

/* Called for each configuration of a profile. */
static bool profile_uses(struct matchbox *mb, const struct mb_profile *p,
			 struct text key)
{
	for (size_t kind = 0; p && kind < CONFIGS; kind++) {
		struct text id = p->config[kind].text;
		struct mb_template *t =
			id.ptr ? matchbox_template(mb, (enum config_kind)kind,
						   id)
			       : NULL;

		if (t && t->tmpl && go_template_uses(t->tmpl, key))
			return true;
	}
	return false;
}

static bool same_doc(const struct doc *a, const struct doc *b)
{
	struct sbuf x = { 0 }, y = { 0 };
	bool same;

	import_put_value(&x, a, 0);
	import_put_value(&y, b, 0);
	same = strcmp(sbuf_text(&x), sbuf_text(&y)) == 0;
	sbuf_release(&x);
	sbuf_release(&y);
	return same;
}

/* All vars of a node are seen by all of its templates: what another role says
 * must not show where Matchbox would have shown something else, or nothing. */
static void rename_pair(struct matchbox *mb, const struct mb_group *reader,
			const struct mb_group *other)
{
	for (size_t i = 0; i < other->data->count; i++) {
		const struct doc_pair *pair = &other->data->pairs[i];
		const struct doc *own = doc_get(reader->data, pair->key);

		if (matchbox_is_identity(pair->key) ||
		    (own && same_doc(own, pair->value)))
			continue;
		if (profile_uses(mb, reader->boots, pair->key))
			*map_at(&mb->renamed, pair->key) = mb;
	}
}

void matchbox_rename(struct matchbox *mb)
{
	struct map done = { .arena = mb->im->arena };

	const struct mb_node *node;

	mb->renamed.arena = mb->im->arena;
	for (size_t i = 0; (node = matchbox_machine(mb, i)); i++) {
		for (size_t r = 0; r < mb->roles.count * mb->roles.count; r++) {
			const struct mb_group *a =
				node->by_role[r / mb->roles.count];
			const struct mb_group *b =
				node->by_role[r % mb->roles.count];
			void **seen;

			if (!a || !b || a == b)
				continue;
			seen = map_at(&done,
				      text_of(arena_printf(
					      mb->im->arena, "%zu %zu",
					      (size_t)(a - mb->groups.at),
					      (size_t)(b - mb->groups.at))));
			if (!*seen)
				rename_pair(mb, a, b);
			*seen = mb;
		}
	}
}

static bool is_reserved(struct text key)
{
	for (size_t i = 0; reserved_names[i]; i++)
		if (text_is(key, reserved_names[i]))
			return true;
	return false;
}

/* Whether some group has it as metadata, beside what identifies a node. */
static bool is_metadata(const struct matchbox *mb, struct text key)
{
	for (size_t i = 0; i < mb->groups.count; i++)
		if (mb->groups.at[i].metadata &&
		    doc_get(mb->groups.at[i].metadata, key))
			return true;
	return false;
}

struct text matchbox_variable(struct matchbox *mb, size_t role, struct text key)
{
	const char *prefix = "";
	struct sbuf name = { 0 };
	struct text result;

	if (matchbox_is_identity(key) && !is_metadata(mb, key))
		return key;
	if (*map_at(&mb->renamed, key))
		prefix = mb->roles.at[role].name.ptr;
	else if (is_reserved(key))
		prefix = "meta";
	if (*prefix)
		sbuf_printf(&name, "%s_", prefix);
	for (size_t i = 0; i < key.len; i++) {
		unsigned char c = (unsigned char)key.ptr[i];

		sbuf_putc(&name,
			  isalnum(c) || c == '_' || c == '-' ? (char)c : '_');
	}
	result = import_text(mb->im, &name);
	sbuf_release(&name);
	return result;
}

/* -------------------------------------------------------------- conversion -- */

static const char *const butane[] = { "butane", "--strict", NULL };
static const char *const transpiler[] = { "ct", NULL };

/* What Matchbox does to a rendered Ignition template: nothing if it is JSON;
 * else it is Butane, or was Container Linux Config before 0.10. */
static const char *const *converter(enum config_kind kind, struct text bytes)
{
	size_t i = 0;

	if (kind != CONFIG_IGNITION)
		return NULL;
	while (i < bytes.len && isspace((unsigned char)bytes.ptr[i]))
		i++;
	if (i < bytes.len && bytes.ptr[i] == '{' &&
	    !(i + 1 < bytes.len && bytes.ptr[i + 1] == '{'))
		return NULL;
	if (memmem(bytes.ptr, bytes.len, "\nvariant:", 9) ||
	    (bytes.len > 8 && memcmp(bytes.ptr, "variant:", 8) == 0))
		return butane;
	return transpiler;
}

/* ----------------------------------------------------------------- writing -- */

struct writing {
	struct matchbox *mb;
	size_t role;
	struct mb_profile *booted;
	struct mb_group **users;
	size_t user_count;
};

static struct text on_variable(void *ctx, struct text key)
{
	struct writing *w = ctx;
	struct text name = matchbox_variable(w->mb, w->role, key);

	*map_at(&w->mb->printed, name) = w;
	return name;
}

static bool has_label(const struct mb_node *node, struct text key)
{
	for (size_t i = 0; i < node->labels.count; i++)
		if (text_equal(node->labels.at[i].key, key))
			return true;
	return false;
}

static bool is_user(const struct writing *w, const struct mb_group *g)
{
	for (size_t i = 0; i < w->user_count; i++)
		if (w->users[i] == g)
			return true;
	return false;
}

/* What the query says of a node is in the site, under the same name, if it is
 * known of each of them. */
static struct text on_query(void *ctx, struct text key)
{
	struct writing *w = ctx;
	const struct mb_node *node;

	if (!matchbox_is_identity(key))
		return (struct text){ 0 };
	for (size_t i = 0; (node = matchbox_machine(w->mb, i)); i++)
		if (is_user(w, node->by_role[w->role]) && !has_label(node, key))
			return (struct text){ 0 };
	return key;
}

static struct text on_condition(void *ctx, struct text wanted,
				const struct go_expr *test)
{
	struct writing *w = ctx;
	struct arena *arena = w->mb->im->arena;
	const char *role = w->mb->roles.at[w->role].name.ptr;
	struct text name;

	if (w->mb->roles.count > 1)
		wanted =
			text_of(arena_printf(arena, "%s_%s", role, wanted.ptr));
	name = matchbox_variable(w->mb, w->role, wanted);
	for (size_t i = 0; i < w->user_count; i++) {
		struct mb_group *g = w->users[i];
		struct mb_test *made;

		if (!go_expr_holds(test, g->data))
			continue;
		made = vec_push(arena, &g->tests);
		made->name = name;
		made->expr = test;
		made->role = w->role;
	}
	return name;
}

struct text matchbox_later(struct matchbox *mb, struct mb_profile *booted,
			   struct text endpoint, const struct mb_labels *labels)
{
	static const char *const ends_in[CONFIGS] = { "ign", "yml", "txt" };
	struct mb_labels extra = { 0 };
	struct mb_wanted wanted = { .profile = booted };
	const char *path;
	size_t kind = 0;

	while (kind < CONFIGS && !text_is(endpoint, config_kinds[kind]))
		kind++;
	if (kind == CONFIGS || matchbox_is_fedora(booted))
		return (struct text){ 0 };
	matchbox_extra(mb, labels, &extra);
	wanted.kind = (enum config_kind)kind;
	wanted.role = matchbox_role(mb, &extra);
	path = arena_printf(mb->im->arena, "/usr/share/oem/%s.%s",
			    mb->roles.at[wanted.role].name.ptr, ends_in[kind]);
	wanted.path = text_of(path);
	*vec_push(mb->im->arena, &mb->now->wants) = wanted;
	if (!matchbox_want(mb, &wanted))
		return (struct text){ 0 };
	return text_of(arena_printf(mb->im->arena, "file://%s", path));
}

static struct text on_config_url(void *ctx, struct text endpoint,
				 const struct go_label *labels, size_t count)
{
	struct writing *w = ctx;
	struct mb_labels all = { 0 };

	for (size_t i = 0; i < count; i++)
		*vec_push(w->mb->im->arena, &all) =
			(struct mb_label){ .key = labels[i].key,
					   .value = labels[i].value };
	return matchbox_later(w->mb, w->booted, endpoint, &all);
}

/* Groups that get a template in a role. */
static void find_users(struct writing *w, const struct mb_template *from,
		       enum config_kind kind)
{
	struct matchbox *mb = w->mb;
	struct map seen = { .arena = mb->im->arena };
	VEC(struct mb_group *) users = { 0 };
	const struct mb_node *node;

	for (size_t i = 0; (node = matchbox_machine(mb, i)); i++) {
		struct mb_group *g = node->by_role[w->role];

		if (!g || !g->boots || !g->boots->config[kind].text.ptr ||
		    *map_at(&seen, g->key) ||
		    matchbox_template(mb, kind, g->boots->config[kind].text) !=
			    from)
			continue;
		*map_at(&seen, g->key) = g;
		*vec_push(mb->im->arena, &users) = g;
	}
	w->users = users.at;
	w->user_count = users.count;
}

static bool render(struct writing *w, const struct mb_template *from,
		   struct sbuf *out)
{
	const struct doc **uses = arena_new_array(
		w->mb->im->arena, w->user_count, const struct doc *);
	struct go_writer writer = {
		.im = w->mb->im,
		.ctx = w,
		.uses = uses,
		.use_count = w->user_count,
		.variable = on_variable,
		.query = on_query,
		.condition = on_condition,
		.config_url = on_config_url,
	};

	for (size_t i = 0; i < w->user_count; i++)
		uses[i] = w->users[i]->data;
	return go_template_write(from->tmpl, &writer, out);
}

struct text matchbox_output(struct matchbox *mb, struct text wanted,
			    const char *role, struct text bytes)
{
	struct text path = text_of(arena_printf(mb->im->arena, "templates/%.*s",
						(int)wanted.len, wanted.ptr));
	struct import_output *output;
	struct text *there;

	there = *map_at(&mb->paths, path);
	if (there && !text_equal(*there, bytes)) {
		path = text_of(arena_printf(mb->im->arena, "templates/%s/%.*s",
					    role, (int)wanted.len, wanted.ptr));
		there = *map_at(&mb->paths, path);
	}
	if (there && text_equal(*there, bytes))
		return path;
	output = vec_push(mb->im->arena, &mb->im->outputs);
	output->path = path;
	output->bytes = bytes;
	there = arena_new(mb->im->arena, struct text);
	*there = bytes;
	*map_at(&mb->paths, path) = there;
	return path;
}

static void config_write(struct writing *w, struct mb_template *from,
			 enum config_kind kind, struct mb_written *ret)
{
	struct matchbox *mb = w->mb;
	struct text bytes = from->file->source->bytes;
	struct span at = { from->file->source, 0, 0 };
	struct sbuf out = { 0 };

	ret->convert = from->verbatim ? NULL : converter(kind, bytes);
	/* A cloud-config may be a script, whatever its name ends in. */
	ret->script = bytes.len > 2 && memcmp(bytes.ptr, "#!", 2) == 0;
	find_users(w, from, kind);
	if (!from->verbatim) {
		if (!from->tmpl || !render(w, from, &out)) {
			sbuf_release(&out);
			return;
		}
		bytes = import_text(mb->im, &out);
		out.len = 0;
		matchbox_replace_urls(mb, w->booted, bytes, &out);
		bytes = import_text(mb->im, &out);
		sbuf_release(&out);
	}
	ret->path = matchbox_output(mb, from->file->path,
				    mb->roles.at[w->role].name.ptr, bytes);
	if (ret->convert)
		import_find(mb->im, FATE_TODO, at, NULL,
			    "see to it that %s is installed where the site is "
			    "built: Matchbox had it inside",
			    ret->convert[0]);
	import_find(mb->im, FATE_CARRIED, at, NULL, "is %s", ret->path.ptr);
}

/* Another profile is booted with it, too. */
static void want_again(struct matchbox *mb, const struct mb_written *written,
		       struct mb_profile *booted)
{
	for (size_t i = 0; i < written->wants.count; i++) {
		struct mb_wanted wanted = written->wants.at[i];

		wanted.profile = booted;
		matchbox_want(mb, &wanted);
	}
}

const struct mb_written *matchbox_config(struct matchbox *mb,
					 struct mb_template *from,
					 enum config_kind kind, size_t role,
					 struct mb_profile *booted)
{
	struct writing w = { .mb = mb, .role = role, .booted = booted };
	struct mb_written *outer = mb->now, *made;
	void **written;

	from->written.arena = mb->im->arena;
	written = map_at(&from->written, mb->roles.at[role].name);
	if (*written) {
		want_again(mb, *written, booted);
		return *written;
	}
	made = arena_new(mb->im->arena, struct mb_written);
	*written = made;
	mb->now = made;
	config_write(&w, from, kind, made);
	mb->now = outer;
	return made;
}

/* ------------------------------------------------------------------ wanted -- */

static void add_file(struct matchbox *mb, struct mb_files *files,
		     const struct mb_wanted *wanted,
		     const struct mb_written *written, bool verbatim)
{
	for (size_t i = 0; i < files->count; i++)
		if (text_equal(files->at[i].path, wanted->path))
			return;
	*vec_push(mb->im->arena, files) = (struct mb_file){
		.path = wanted->path,
		.from = written->path,
		.served = wanted->served,
		.convert = written->convert,
		.script = written->script,
		.verbatim = verbatim,
	};
}

/* The configuration that one group's profile names, into files of those who
 * want it. */
static bool fulfil(struct matchbox *mb, const struct mb_wanted *wanted,
		   struct mb_profile *p, struct mb_files *files)
{
	const struct mb_value *id = &p->config[wanted->kind];
	struct mb_template *from;
	const struct mb_written *written;

	if (!id->text.ptr) {
		import_find(mb->im, FATE_LOST, p->at, NULL,
			    "no %s_id, but %s is asked for it: Matchbox "
			    "answers \"not found\"",
			    config_kinds[wanted->kind], wanted->path.ptr);
		return false;
	}
	from = matchbox_template(mb, wanted->kind, id->text);
	if (!from) {
		import_find(mb->im, FATE_LOST, id->at, NULL,
			    "there is no %s/%s: Matchbox answers \"not found\"",
			    config_kinds[wanted->kind], id->text.ptr);
		return false;
	}
	from->used = true;
	written = matchbox_config(mb, from, wanted->kind, wanted->role,
				  wanted->profile);
	import_find(mb->im, written->path.ptr ? FATE_CARRIED : FATE_LOST,
		    id->at, NULL, "\"%s_id\": %s", config_kinds[wanted->kind],
		    written->path.ptr ? written->path.ptr
				      : "the file could not be carried");
	if (written->path.ptr)
		add_file(mb, files, wanted, written, from->verbatim);
	return written->path.ptr;
}

static struct mb_wanted *wanted_find(struct matchbox *mb,
				     const struct mb_wanted *wanted)
{
	vec_foreach (struct mb_wanted, w, &mb->wanted)
		if (w->profile == wanted->profile && w->role == wanted->role &&
		    w->kind == wanted->kind &&
		    text_equal(w->path, wanted->path))
			return w;
	return NULL;
}

/* The same for each profile that hands it out later. */
static bool fulfil_role(struct matchbox *mb, const struct mb_wanted *wanted)
{
	struct map seen = { .arena = mb->im->arena };
	const struct mb_node *node;
	bool good = true, asked = false;

	for (size_t i = 0; (node = matchbox_machine(mb, i)); i++) {
		struct mb_group *boot = node->by_role[0];
		struct mb_group *g = node->by_role[wanted->role];

		if (!boot || boot->boots != wanted->profile || !g || !g->boots)
			continue;
		asked = true;
		g->used = g->boots->used = true;
		if (*map_at(&seen, g->boots->key))
			continue;
		*map_at(&seen, g->boots->key) = g;
		good = fulfil(mb, wanted, g->boots,
			      matchbox_is_other(mb, node)
				      ? &wanted->profile->files
				      : &g->boots->group_files) &&
		       good;
	}
	return good && asked;
}

bool matchbox_want(struct matchbox *mb, const struct mb_wanted *wanted)
{
	const struct mb_wanted *before = wanted_find(mb, wanted);
	struct mb_wanted own = *wanted;
	bool good;

	if (before)
		return before->good;
	/* It may lead to itself. */
	own.good = true;
	*vec_push(mb->im->arena, &mb->wanted) = own;
	good = own.role ? fulfil_role(mb, &own)
			: fulfil(mb, &own, own.profile, &own.profile->files);
	wanted_find(mb, &own)->good = good;
	return good;
}
