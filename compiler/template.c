#include "template_parts.h"

#include "arena.h"
#include "doc.h"
#include "source.h"
#include "vec.h"

enum {
	OUTPUT_BYTES_MAX = 64 << 20, /* of one rendered text */
	STEPS_MAX = 1000000, /* lists in lists may go on and print nothing */
	FAULTS_MAX = 16,     /* told of one rendering */
	NAMES_COMPARED_MAX = 200,
	NAME_BYTES_SHOWN = 40, /* in advice */
};

/* The inside of a section: names are looked up there first. */
struct scope {
	const struct doc *doc;
	const struct scope *outer; /* NULL: then come those of the caller */
};

/* A template that is being rendered, and who uses it. */
struct use {
	const struct template *tmpl;
	const struct part *tag; /* names it; NULL if it is no partial */
	const struct use *user;
	size_t indent_begin; /* of what indents its lines */
};

struct renderer {
	const struct template_env *env;
	struct diags *ds;
	struct sbuf *out;
	size_t out_begin, steps, depth;
	const struct scope *scope;
	const struct use *use;
	struct sbuf indent;

	/* In a list the same fault would come again and again. */
	const struct part *faults[FAULTS_MAX];
	size_t fault_count;
	bool stopped;

	/* Of one byte of the text: where it comes from. */
	bool wants_place;
	size_t place_offset;
	struct span place;
};

/* ------------------------------------------------------------- faults -- */

static struct span part_at(const struct template *tmpl, const struct part *part)
{
	size_t begin = (size_t)(part->text.ptr - tmpl->text.ptr);
	size_t len = part->kind == PART_TEXT ? 0 : part->text.len;

	return span_within(tmpl->at, tmpl->text, begin, begin + len);
}

static bool is_reported(const struct renderer *r, const struct part *part)
{
	for (size_t i = 0; i < r->fault_count; i++)
		if (r->faults[i] == part)
			return true;
	return false;
}

static void fault_add(struct renderer *r, const struct part *part)
{
	r->faults[r->fault_count++] = part;
	r->stopped = r->stopped || r->fault_count == FAULTS_MAX;
}

static struct diag *report(struct renderer *r, enum diag_code code,
			   const struct part *part, const char *message)
{
	struct diag *d = diag_at(r->ds, code, part_at(r->use->tmpl, part), "%s",
				 message);

	if (r->use->tag)
		diag_note_at(r->ds, d, r->use->tag->at,
			     "in the partial that is used here");
	if (r->env->use_text)
		diag_note_at(r->ds, d, r->env->use_at, "%s", r->env->use_text);
	fault_add(r, part);
	return d;
}

static struct diag *report_name(struct renderer *r, enum diag_code code,
				const struct part *part, const char *words)
{
	return report(r, code, part,
		      arena_printf(r->ds->arena, "%s %s",
				   diag_quote(r->ds, part->text), words));
}

/* What would grow without end is not gone on with. */
static void stop(struct renderer *r, const struct part *part,
		 const char *message)
{
	if (!r->stopped)
		report(r, DIAG_E506, part, message);
	r->stopped = true;
}

static bool step(struct renderer *r, const struct part *part)
{
	if (++r->steps > STEPS_MAX)
		stop(r, part,
		     "rendering takes more than a million steps: lists "
		     "within lists?");
	return !r->stopped;
}

static bool goes_deeper(struct renderer *r, const struct part *part)
{
	if (r->depth == TEMPLATE_DEPTH_MAX)
		stop(r, part,
		     "sections and partials are nested too deep: a partial "
		     "that includes itself?");
	return !r->stopped;
}

/* ------------------------------------------------------------- values -- */

/* Of a name, what was found; or which part of it was not. */
struct found {
	const struct doc *value;  /* NULL if missing */
	const struct doc *holder; /* has no such part; NULL: no scope has it */
	struct text part;
};

static struct text first_part(struct text *name)
{
	const char *dot = memchr(name->ptr, '.', name->len);
	struct text first = { name->ptr,
			      dot ? (size_t)(dot - name->ptr) : name->len };

	name->ptr += first.len + (dot ? 1 : 0);
	name->len -= first.len + (dot ? 1 : 0);
	return first;
}

static const struct doc *innermost(const struct renderer *r)
{
	const struct template_env *env = r->env;

	if (r->scope)
		return r->scope->doc;
	return env->context_count ? env->contexts[env->context_count - 1]
				  : NULL;
}

static const struct doc *find_in_scopes(const struct renderer *r,
					struct text key)
{
	const struct doc *found = NULL;

	for (const struct scope *s = r->scope; s && !found; s = s->outer)
		found = doc_get(s->doc, key);
	for (size_t i = r->env->context_count; i-- && !found;)
		found = doc_get(r->env->contexts[i], key);
	return found;
}

static struct found find(const struct renderer *r, struct text name)
{
	struct found f = { .part = name };

	if (text_is(name, ".")) {
		f.value = innermost(r);
		return f;
	}
	f.part = first_part(&name);
	f.value = find_in_scopes(r, f.part);
	while (f.value && name.len) {
		f.holder = f.value;
		f.part = first_part(&name);
		f.value = doc_get(f.holder, f.part);
	}
	return f;
}

/* The words that YAML has for it; null is a kind of its own. */
static bool is_false_word(struct text text)
{
	return text_is(text, "false") || text_is(text, "False") ||
	       text_is(text, "FALSE");
}

static bool is_true(const struct doc *doc)
{
	if (!doc)
		return false;
	switch (doc->kind) {
	case DOC_NULL:
		return false;
	case DOC_SCALAR:
		return doc->text.len &&
		       !(doc->plain && is_false_word(doc->text));
	case DOC_LIST:
		return doc->count;
	case DOC_MAP:
	case DOC_FACT:
		break;
	}
	return true;
}

/* ------------------------------------------------------ missing names -- */

struct names {
	const char *at[NAMES_COMPARED_MAX];
	size_t count;
};

static void names_add(struct names *names, const struct doc *doc)
{
	if (doc->kind != DOC_MAP)
		return;
	for (size_t i = 0; i < doc->count; i++)
		if (names->count < NAMES_COMPARED_MAX)
			names->at[names->count++] = doc->pairs[i].key.ptr;
}

static const char *nearest_name(const struct renderer *r,
				const struct found *missing)
{
	struct names names = { .count = 0 };

	if (missing->holder) {
		names_add(&names, missing->holder);
		return diag_nearest(missing->part, names.at, names.count);
	}
	for (const struct scope *s = r->scope; s; s = s->outer)
		names_add(&names, s->doc);
	for (size_t i = r->env->context_count; i--;)
		names_add(&names, r->env->contexts[i]);
	return diag_nearest(missing->part, names.at, names.count);
}

static void suggest(struct renderer *r, struct diag *d, struct text name,
		    const struct found *missing, const char *nearest)
{
	const char *whole = arena_printf(r->ds->arena, "%.*s%s",
					 (int)(missing->part.ptr - name.ptr),
					 name.ptr, nearest);

	diag_help(r->ds, d, "did you mean %s?",
		  diag_quote(r->ds, text_of(whole)));
}

static void report_missing(struct renderer *r, const struct part *part,
			   const struct found *missing)
{
	struct text name = part->text;
	struct diag *d = report_name(r, DIAG_E504, part, "is not defined here");
	const char *nearest = nearest_name(r, missing);

	if (nearest) {
		suggest(r, d, name, missing, nearest);
		return;
	}
	if (missing->holder && missing->holder->kind != DOC_MAP) {
		name.len = (size_t)(missing->part.ptr - name.ptr) - 1;
		diag_help(r->ds, d, "%s is no map: there is nothing in it",
			  diag_quote(r->ds, name));
		return;
	}
	if (name.len > NAME_BYTES_SHOWN)
		name = TEXT("name");
	diag_help(r->ds, d,
		  "if it may be missing, say so: {{#%.*s}}...{{/%.*s}}",
		  (int)name.len, name.ptr, (int)name.len, name.ptr);
}

/* ---------------------------------------------------------- rendering -- */

static void render_parts(struct renderer *r, const struct part_list *parts);

/* Text that stands so in the template is found exactly, all else by its tag. */
static void note_place(struct renderer *r, struct text text,
		       const struct part *part)
{
	const struct template *tmpl = r->use->tmpl;
	size_t begin = r->out->len - r->out_begin;
	size_t within = r->place_offset - begin;

	if (r->place_offset < begin || within >= text.len)
		return;
	if (part->kind != PART_TEXT || text.ptr < tmpl->text.ptr ||
	    text.ptr >= tmpl->text.ptr + tmpl->text.len) {
		r->place = part_at(tmpl, part);
		return;
	}
	within += (size_t)(text.ptr - tmpl->text.ptr);
	r->place = span_within(tmpl->at, tmpl->text, within, within + 1);
}

static void put(struct renderer *r, struct text text, const struct part *part)
{
	if (r->wants_place)
		note_place(r, text, part);
	if (r->out->len - r->out_begin + text.len > OUTPUT_BYTES_MAX)
		stop(r, part, "the rendered text grows beyond 64 MiB here");
	if (!r->stopped)
		sbuf_add(r->out, text.ptr, text.len);
}

static struct text indent_of(const struct renderer *r)
{
	size_t begin = r->use->indent_begin;

	return (struct text){ sbuf_text(&r->indent) + begin,
			      r->indent.len - begin };
}

static void render_text(struct renderer *r, const struct part *part)
{
	struct text indent = indent_of(r), rest = part->text;
	bool begins_line = part->begins_line;

	if (!indent.len) {
		put(r, rest, part);
		return;
	}
	if (begins_line)
		put(r, indent, part);
	while (rest.len && !r->stopped) {
		const char *feed = memchr(rest.ptr, '\n', rest.len);
		size_t len = feed ? (size_t)(feed - rest.ptr) + 1 : rest.len;

		put(r, (struct text){ rest.ptr, len }, part);
		rest.ptr += len;
		rest.len -= len;
		if (rest.len)
			put(r, indent, part);
	}
}

static void report_unprintable(struct renderer *r, const struct part *part,
			       enum doc_kind kind)
{
	static const struct {
		const char *words, *help;
	} kinds[] = {
		[DOC_NULL] = { "has no value that could be printed",
			       "if it may have none, say so: "
			       "{{#name}}...{{/name}}" },
		[DOC_LIST] = { "is a list, which cannot be printed",
			       "go through it: {{#name}}{{.}}{{/name}}" },
		[DOC_MAP] = { "is a map, which cannot be printed",
			      "print a value in it: {{name.key}}" },
	};
	struct diag *d = report_name(r, DIAG_E505, part, kinds[kind].words);

	diag_help(r->ds, d, "%s", kinds[kind].help);
}

static void report_fact(struct renderer *r, const struct part *part,
			const char *why)
{
	struct diag *d;

	if (is_reported(r, part))
		return;
	d = report_name(r, DIAG_E508, part,
			"is known only to the machine, when it boots");
	diag_help(r->ds, d, "%s", why);
}

static void render_variable(struct renderer *r, const struct part *part)
{
	struct found found = find(r, part->text);
	enum doc_kind kind = found.value ? found.value->kind : DOC_NULL;

	if (kind == DOC_FACT && r->env->no_facts) {
		report_fact(r, part, r->env->no_facts);
		return;
	}
	if (kind == DOC_SCALAR || kind == DOC_FACT) {
		put(r, found.value->text, part);
		return;
	}
	if (is_reported(r, part))
		return;
	if (found.value && !(r->env->lenient && found.value->kind == DOC_NULL))
		report_unprintable(r, part, found.value->kind);
	else if (!r->env->lenient)
		report_missing(r, part, &found);
}

static void render_with(struct renderer *r, const struct part *part,
			const struct doc *doc)
{
	struct scope scope = { doc, r->scope };

	if (!step(r, part))
		return;
	r->scope = &scope;
	render_parts(r, &part->inside);
	r->scope = scope.outer;
}

static void render_section(struct renderer *r, const struct part *part)
{
	const struct doc *value = find(r, part->text).value;

	if (value && value->kind == DOC_FACT) {
		report_fact(r, part, "no section can depend on it");
		return;
	}
	if (is_true(value) != (part->kind == PART_SECTION) ||
	    !goes_deeper(r, part))
		return;
	r->depth++;
	if (part->kind == PART_INVERTED)
		render_parts(r, &part->inside);
	else if (value->kind != DOC_LIST)
		render_with(r, part, value);
	else
		for (size_t i = 0; i < value->count && !r->stopped; i++)
			render_with(r, part, value->items[i]);
	r->depth--;
}

/* A partial that has its line for itself is indented as that line is, and as
 * the partial around it; one within a line is not indented at all. */
static size_t indent_push(struct renderer *r, const struct part *part)
{
	if (!part->standalone)
		return r->indent.len;
	if (r->indent.len + part->indent.len > OUTPUT_BYTES_MAX)
		stop(r, part, "the rendered text grows beyond 64 MiB here");
	else
		sbuf_add(&r->indent, part->indent.ptr, part->indent.len);
	return r->use->indent_begin;
}

static void render_partial(struct renderer *r, const struct part *part)
{
	size_t indent_bytes = r->indent.len;
	struct use use = { .tag = part, .user = r->use };

	if (!goes_deeper(r, part) || is_reported(r, part))
		return;
	use.tmpl = r->env->partial(r->env->ctx, part->text, part->at);
	if (!use.tmpl) {
		if (!r->env->lenient)
			fault_add(r, part);
		return;
	}
	r->depth++;
	use.indent_begin = indent_push(r, part);
	r->use = &use;
	render_parts(r, &use.tmpl->parts);
	r->use = use.user;
	r->indent.len = indent_bytes;
	r->depth--;
}

static void (*const renderers[])(struct renderer *, const struct part *) = {
	[PART_TEXT] = render_text,       [PART_VARIABLE] = render_variable,
	[PART_SECTION] = render_section, [PART_INVERTED] = render_section,
	[PART_PARTIAL] = render_partial,
};

static void render_parts(struct renderer *r, const struct part_list *parts)
{
	vec_foreach (const struct part, part, parts) {
		if (!step(r, part))
			return;
		renderers[part->kind](r, part);
	}
}

static bool render(struct renderer *r, const struct template *tmpl)
{
	struct use use = { .tmpl = tmpl };

	r->use = &use;
	render_parts(r, &tmpl->parts);
	sbuf_release(&r->indent);
	return !r->fault_count;
}

bool template_render(const struct template *tmpl,
		     const struct template_env *env, struct diags *ds,
		     struct sbuf *out)
{
	struct renderer r = {
		.env = env,
		.ds = ds,
		.out = out,
		.out_begin = out->len,
	};

	return render(&r, tmpl);
}

struct span template_place(const struct template *tmpl,
			   const struct template_env *env, struct diags *ds,
			   size_t offset)
{
	struct sbuf out = { 0 };
	struct renderer r = {
		.env = env,
		.ds = ds,
		.out = &out,
		.wants_place = true,
		.place_offset = offset,
		.place = { tmpl->at.source, tmpl->at.begin, tmpl->at.begin },
	};

	render(&r, tmpl);
	sbuf_release(&out);
	return r.place;
}

static void visit_names(const struct part_list *parts,
			void (*visit)(void *ctx, struct text name), void *ctx)
{
	vec_foreach (const struct part, part, parts) {
		if (part->kind == PART_VARIABLE || part->kind == PART_SECTION ||
		    part->kind == PART_INVERTED)
			visit(ctx, part->text);
		if (part->kind == PART_SECTION || part->kind == PART_INVERTED)
			visit_names(&part->inside, visit, ctx);
	}
}

void template_names(const struct template *tmpl,
		    void (*visit)(void *ctx, struct text name), void *ctx)
{
	visit_names(&tmpl->parts, visit, ctx);
}
