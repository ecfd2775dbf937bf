#include "effective_parts.h"

#include "doc.h"
#include "hex.h"
#include "template.h"

/* What templates know of a served file: the digest last, since it becomes
 * known last. */
enum { SERVED_URL, SERVED_DIR, SERVED_SHA256, SERVED_FACTS };

/* One file that is served to a machine. */
struct served {
	const struct wanted_file *wanted;
	struct text path; /* below www/ */
	enum { SERVED_NEW, SERVED_OPEN, SERVED_DONE } state;
	bool failed; /* reported */
	const struct blob *blob;
	struct doc facts, values[SERVED_FACTS];
	struct doc_pair pairs[SERVED_FACTS];
};

struct serving {
	struct context *c;
	struct served *all; /* by name */
	size_t count;
	struct served *user; /* whose template is looked at */
	bool good;
};

static void served_know(struct served *served, size_t fact, const char *key,
			struct text text)
{
	served->values[fact] = (struct doc){ .kind = DOC_SCALAR, .text = text };
	served->pairs[fact] =
		(struct doc_pair){ .key = text_of(key),
				   .value = &served->values[fact] };
	served->facts = (struct doc){ .kind = DOC_MAP,
				      .pairs = served->pairs,
				      .count = fact + 1 };
}

/* Where it lies: what is rendered for a machine, at a place that stays. */
static struct text served_path(struct context *c, const struct file *file)
{
	const struct builder *b = c->b;
	const char *phase = b->phase.ptr ? b->phase.ptr : "";

	return text_of(arena_printf(b->arena, "s/%s/%s%s%s",
				    c->node ? c->node->name.ptr : "-", phase,
				    *phase ? "/" : "", file->path.text.ptr));
}

static void served_know_url(struct context *c, struct served *served,
			    struct text path)
{
	struct arena *arena = c->b->arena;
	const struct text base = c->b->site->urls.at[0].text;
	const char *url = arena_printf(arena, "%s%s", base.ptr, path.ptr);
	size_t dir = (size_t)(strrchr(url, '/') - url) + 1;

	served_know(served, SERVED_URL, "url", text_of(url));
	served_know(served, SERVED_DIR, "dir",
		    (struct text){ arena_copy(arena, url, dir), dir });
}

/* The same for all machines, so it lies where its digest says, as a kernel. */
static bool serve_verbatim(struct context *c, struct served *served)
{
	const struct file *file = served->wanted->file;
	struct blob *blob = asset_blob(c, file->from.text, file->from.at,
				       file->path.text, true);

	if (!blob)
		return false;
	served->blob = blob;
	served_know_url(c, served, blob->path);
	served_know(served, SERVED_SHA256, "sha256", blob->hex);
	blob_want(c->b, blob, served->wanted->level, file->path.text.ptr, NULL);
	return true;
}

static struct blob *served_blob(struct builder *b, const struct served *served,
				struct text bytes)
{
	struct blob *blob = arena_new(b->arena, struct blob);
	char *hex;

	blob->path = served->path;
	blob->name = served->wanted->file->path.text;
	blob->bytes = bytes;
	b->env->digest_bytes(bytes.ptr, bytes.len, &blob->digest);
	hex = arena_alloc(b->arena, 65);
	hex_digits(blob->digest.sha256, 32, hex);
	blob->hex = (struct text){ hex, 64 };
	return blob;
}

static bool serve_rendered(struct context *c, struct served *served)
{
	struct builder *b = c->b;
	const struct file *file = served->wanted->file;
	void **slot = map_at(&b->blobs, served->path);
	struct blob *blob, *old = *slot;
	struct text bytes;

	if (!file_bytes(c, file, &bytes))
		return false;
	blob = served_blob(b, served, bytes);
	if (old && !text_equal(old->hex, blob->hex)) {
		struct diag *d = diag_at(b->ds, DIAG_E419, file->path.at,
					 "another profile serves another "
					 "\"%s\" to the same machine",
					 file->path.text.ptr);
		diag_note_at(b->ds, d, c->use, "%s", c->use_text);
		return false;
	}
	if (!old) {
		*map_at(&b->blobs, served->path) = blob;
		blob_publish(b, blob, true);
		blob_want(b, blob, served->wanted->level, file->path.text.ptr,
			  c->node ? c->node->name.ptr : NULL);
	}
	served->blob = blob;
	served_know(served, SERVED_SHA256, "sha256", blob->hex);
	return true;
}

static struct served *served_find(struct serving *s, struct text name)
{
	for (size_t i = 0; i < s->count; i++)
		if (text_equal(s->all[i].wanted->file->path.text, name))
			return &s->all[i];
	return NULL;
}

static void serve(struct serving *s, struct served *served);

/* "serve.NAME.sha256" needs NAME first, and so does a section "serve.NAME". */
static void need(void *ctx, struct text name)
{
	static const struct text prefix = { "serve.", 6 };
	struct serving *s = ctx;
	struct served *user = s->user, *needed;
	const char *dot;

	if (name.len <= prefix.len ||
	    memcmp(name.ptr, prefix.ptr, prefix.len) != 0)
		return;
	name.ptr += prefix.len;
	name.len -= prefix.len;
	dot = memchr(name.ptr, '.', name.len);
	if (dot &&
	    !text_equal((struct text){ dot + 1, name.len - (size_t)(dot + 1 -
								    name.ptr) },
			TEXT("sha256")))
		return;
	if (dot)
		name.len = (size_t)(dot - name.ptr);
	needed = served_find(s, name);
	if (!needed)
		return;
	if (needed->state == SERVED_OPEN) {
		struct diag *d = diag_at(
			s->c->b->ds, DIAG_E420, user->wanted->file->path.at,
			"\"%s\" needs the digest of \"%s\", which needs its "
			"own in the end",
			user->wanted->file->path.text.ptr,
			needed->wanted->file->path.text.ptr);
		diag_note_at(s->c->b->ds, d, needed->wanted->file->path.at,
			     "the other one");
		user->failed = true;
		return;
	}
	serve(s, needed);
	user->failed |= needed->failed;
	s->user = user;
}

/* With all that its template needs before it. */
static void serve(struct serving *s, struct served *served)
{
	const struct file *file = served->wanted->file;

	if (served->state != SERVED_NEW)
		return;
	served->state = SERVED_OPEN;
	if (file->kind != FILE_VERBATIM) {
		s->user = served;
		template_names(file->body.tmpl, need, s);
	}
	if (!served->failed)
		served->failed = file_is_verbatim(file)
					 ? !serve_verbatim(s->c, served)
					 : !serve_rendered(s->c, served);
	s->good = s->good && !served->failed;
	served->state = SERVED_DONE;
}

static void boot_take_served(struct context *c, struct boot *boot,
			     const struct serving *s)
{
	boot->served =
		arena_new_array(c->b->arena, s->count, struct served_file);
	boot->served_count = s->count;
	for (size_t i = 0; i < s->count; i++)
		boot->served[i] =
			(struct served_file){ s->all[i].wanted->file->path.text,
					      s->all[i].blob };
}

bool boot_serve(struct context *c, struct boot *boot)
{
	struct serving s = { .c = c, .good = true };
	struct wanted_file *wanted =
		files_wanted(c, boot, "serve",
			     offsetof(struct more_settings, serve), &s.count);
	struct doc map = { .kind = DOC_MAP, .count = s.count };

	if (!s.count || !c->b->site->urls.count)
		return true;
	s.all = arena_new_array(c->b->arena, s.count, struct served);
	doc_set_room(c->b->arena, &map, s.count);
	for (size_t i = 0; i < s.count; i++) {
		struct served *served = &s.all[i];

		served->wanted = &wanted[i];
		served->path = served_path(c, wanted[i].file);
		if (!file_is_verbatim(wanted[i].file))
			served_know_url(c, served, served->path);
		map.pairs[i] = (struct doc_pair){
			.key = wanted[i].file->path.text,
			.value = &served->facts,
		};
	}
	doc_index(&map);
	fact_set_doc(c->b, FACT_SERVE, &map);
	/* Where these lie is known only now, and others may want to know. */
	for (size_t i = 0; i < s.count; i++)
		if (file_is_verbatim(wanted[i].file))
			serve(&s, &s.all[i]);
	for (size_t i = 0; i < s.count; i++)
		serve(&s, &s.all[i]);
	if (s.good)
		boot_take_served(c, boot, &s);
	return s.good;
}
