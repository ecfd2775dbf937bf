/* Does the proof see that a script was changed? Each line of the scripts of a
 * site is changed in each of some ways, one at a time; whatever the proof lets
 * pass is printed, a line each: the way, the text, the line as it was, and as it
 * is, with tabs between. The last line counts: mutants, those that passed, and
 * those that are missed: prove_each() refuses them.
 *
 *     mutate SITE STEP FIRST [each]
 *
 * With "each", all that pass are proved once more by prove_each(), and some lines
 * are put where they do not belong as well.
 * Lines FIRST, FIRST + STEP and so on, of each script; 1 0 for all of them.
 * Comments and what is only said on the console are left as they are. */
#include "arena.h"
#include "asset.h"
#include "cleanup.h"
#include "plan.h"
#include "prove.h"
#include "published.h"
#include "sbuf.h"
#include "sha256.h"
#include "vec.h"

#include <stdio.h>
#include <stdlib.h>

enum { WORDS_MAX = 64, INSERTS = 4 };

/* To come to it is a fault. */
#define UNKNOWN_COMMAND "colour"

struct lines {
	struct text *at;
	size_t count;
};

/* One text of the plan, which stands for the changed one while it is proved. */
struct subject {
	const char *name;
	struct text *text;
	struct lines lines;
};

struct run {
	struct arena arena;
	struct plan *plan;
	struct subject subject;
	size_t step, first;
	bool each; /* what passes is proved without sharing */
	uint64_t chance;
	size_t proved, passed, missed;
};

/* -------------------------------------------------------------- lines -- */

static struct lines lines_of(struct arena *arena, struct text text)
{
	struct lines lines = {
		arena_new_array(arena, text.len + 1, struct text), 0
	};
	const char *end = text.ptr + text.len;

	for (const char *at = text.ptr, *feed; at < end; at = feed + 1) {
		feed = memchr(at, '\n', (size_t)(end - at));
		if (!feed)
			feed = end;
		lines.at[lines.count++] =
			(struct text){ at, (size_t)(feed - at) };
	}
	return lines;
}

static bool is_spoken(struct text line)
{
	return !line.len || *line.ptr == '#' || text_is(line, "echo") ||
	       has_prefix(line, "echo ");
}

static size_t split(struct text line, struct text *words)
{
	size_t count = 0;

	for (size_t i = 0; i < line.len; i++) {
		if (line.ptr[i] == ' ')
			continue;
		if (!i || line.ptr[i - 1] == ' ')
			words[count++] = (struct text){ line.ptr + i, 0 };
		words[count - 1].len++;
		if (count == WORDS_MAX)
			break;
	}
	return count;
}

/* The setting that a line does nothing but change; ptr NULL: it does more. */
static struct text changed_by(struct text line)
{
	struct text words[WORDS_MAX];
	size_t count = split(line, words);
	bool is_set = count > 1 && text_is(words[0], "set");
	bool is_clear = count == 3 && text_is(words[0], "clear") &&
			text_is(words[2], "||");

	for (size_t i = 0; is_set && i < count; i++)
		is_set = !text_is(words[i], "||");
	return is_set || is_clear ? words[1] : (struct text){ NULL, 0 };
}

/* Two settings that have nothing to do with each other. */
static bool commute(struct text one, struct text other)
{
	struct text a = changed_by(one), b = changed_by(other);
	const char *colon;

	if (!a.ptr || !b.ptr)
		return false;
	colon = memchr(a.ptr, ':', a.len);
	if (colon)
		a.len = (size_t)(colon - a.ptr);
	colon = memchr(b.ptr, ':', b.len);
	if (colon)
		b.len = (size_t)(colon - b.ptr);
	return !text_equal(a, b) && !memmem(one.ptr, one.len, b.ptr, b.len) &&
	       !memmem(other.ptr, other.len, a.ptr, a.len);
}

/* -------------------------------------------------------------- proof -- */

static bool is_refused(const struct plan *plan, bool each)
{
	struct arena arena = { 0 };
	struct diags ds = { .arena = &arena };
	bool refused;

	if (each)
		prove_each(plan, &ds);
	else
		prove(plan, SIZE_MAX, &ds);
	refused = ds.errors;
	arena_release(&arena);
	return refused;
}

/* Whatever passes, in a line. */
static void print_passed(struct run *run, const char *way, struct text was,
			 const char *by)
{
	bool missed = run->each && is_refused(run->plan, true);

	run->passed++;
	run->missed += missed;
	printf("%s%s\t%s\t%.*s\t", missed ? "MISSED " : "", way,
	       run->subject.name, (int)was.len, was.ptr);
	for (const char *c = by; *c && c[1]; c++)
		printf(*c == '\n' ? "\\n" : "%c", *c);
	printf("\n");
}

/* @param line	that is replaced by some lines; the one behind it as well if
 *	@p count is 2 */
static bool prove_mutant(struct run *run, const char *way, size_t line,
			 size_t count, const char *by)
{
	struct subject *subject = &run->subject;
	struct text was = subject->lines.at[line], original = *subject->text;
	const char *end = subject->lines.at[line + count - 1].ptr +
			  subject->lines.at[line + count - 1].len + 1;
	CLEANUP(sbuf) out = { 0 };
	bool passes;

	sbuf_add(&out, original.ptr, (size_t)(was.ptr - original.ptr));
	sbuf_puts(&out, by);
	sbuf_add(&out, end, (size_t)(original.ptr + original.len - end));
	*subject->text = (struct text){ out.ptr, out.len };
	run->proved++;
	passes = !is_refused(run->plan, false);
	if (passes)
		print_passed(run, way, was, by);
	*subject->text = original;
	return passes;
}

/* --------------------------------------------------------------- ways -- */

/* Words with one of them replaced, or left out. */
static void put_words(struct sbuf *out, const struct text *words, size_t count,
		      size_t which, const char *by)
{
	sbuf_reset(out);
	for (size_t i = 0; i < count; i++) {
		if (i == which && !*by)
			continue;
		if (out->len)
			sbuf_putc(out, ' ');
		if (i == which)
			sbuf_puts(out, by);
		else
			sbuf_add(out, words[i].ptr, words[i].len);
	}
	sbuf_putc(out, '\n');
}

/* The same letters, but for one that means something else. */
static void change_word(struct sbuf *out, struct text word)
{
	sbuf_reset(out);
	sbuf_add(out, word.ptr, word.len);
	for (size_t i = out->len; i-- > 0;) {
		char *c = &out->ptr[i];

		if (*c == '}' || *c == '/' || *c == ':')
			continue;
		*c = *c == '1' ? '2' : *c == 'a' ? 'b' : *c >= 'b' ? 'a' : '1';
		return;
	}
}

static void mutate_word(struct run *run, size_t line, const struct text *words,
			size_t count, size_t which)
{
	struct text word = words[which];
	CLEANUP(sbuf) out = { 0 };
	CLEANUP(sbuf) by = { 0 };
	const char *other = text_is(word, "||")   ? "&&"
			    : text_is(word, "&&") ? "||"
						  : NULL;

	if (other && which + 1 < count) {
		put_words(&out, words, count, which, other);
		prove_mutant(run, "operator", line, 1, sbuf_text(&out));
	}
	if (other) {
		put_words(&out, words, which, SIZE_MAX, "");
		prove_mutant(run, "cut", line, 1, sbuf_text(&out));
		if (which + 1 == count)
			return;
		put_words(&out, words, which + 1, SIZE_MAX, "");
		prove_mutant(run, "careless", line, 1, sbuf_text(&out));
		return;
	}
	change_word(&by, word);
	put_words(&out, words, count, which, sbuf_text(&by));
	prove_mutant(run, "word", line, 1, sbuf_text(&out));
}

/* To the next label but its own, instead. */
static void mutate_goto(struct run *run, size_t line, const struct text *words,
			size_t count, size_t which)
{
	const struct lines *lines = &run->subject.lines;
	CLEANUP(sbuf) out = { 0 };
	CLEANUP(sbuf) by = { 0 };

	for (size_t i = 1; i < lines->count; i++) {
		struct text label = lines->at[(line + i) % lines->count];

		if (!label.len || *label.ptr++ != ':')
			continue;
		label.len--;
		if (text_equal(label, words[which]))
			continue;
		sbuf_add(&by, label.ptr, label.len);
		put_words(&out, words, count, which, sbuf_text(&by));
		prove_mutant(run, "goto", line, 1, sbuf_text(&out));
		return;
	}
}

/* Whether no machine ever comes to some words of a line. Then what is there can
 * not matter, and one survivor says it all. */
static bool is_dead(struct run *run, size_t line, const char *way,
		    const struct text *words, size_t before)
{
	CLEANUP(sbuf) out = { 0 };

	put_words(&out, words, before, SIZE_MAX, "");
	if (out.len)
		out.ptr[--out.len] = '\0';
	sbuf_printf(&out, "%s" UNKNOWN_COMMAND "\n", before ? " " : "");
	return prove_mutant(run, way, line, 1, sbuf_text(&out));
}

static void mutate_swap(struct run *run, size_t line)
{
	const struct lines *lines = &run->subject.lines;
	struct text was = lines->at[line], next;
	CLEANUP(sbuf) out = { 0 };

	if (line + 1 == lines->count)
		return;
	next = lines->at[line + 1];
	if (is_spoken(next) || *was.ptr == ':' || commute(was, next))
		return;
	sbuf_printf(&out, "%.*s\n%.*s\n", (int)next.len, next.ptr, (int)was.len,
		    was.ptr);
	prove_mutant(run, "swap", line, 2, sbuf_text(&out));
}

/* What some other line does is done here as well. */
static void mutate_insert(struct run *run, size_t line)
{
	const struct lines *lines = &run->subject.lines;
	struct text was = lines->at[line], other;
	CLEANUP(sbuf) out = { 0 };

	for (size_t i = 0; i < INSERTS; i++) {
		run->chance = run->chance * 6364136223846793005u + 1;
		other = lines->at[(run->chance >> 33) % lines->count];
		if (is_spoken(other) || *other.ptr == ':')
			continue;
		sbuf_reset(&out);
		sbuf_printf(&out, "%.*s\n%.*s\n", (int)other.len, other.ptr,
			    (int)was.len, was.ptr);
		prove_mutant(run, "insert", line, 1, sbuf_text(&out));
	}
}

static void mutate_line(struct run *run, size_t line)
{
	struct text was = run->subject.lines.at[line], words[WORDS_MAX];
	size_t count = split(was, words);

	if (is_dead(run, line, "dead", words, *was.ptr == ':'))
		return;
	prove_mutant(run, "delete", line, 1, "");
	mutate_swap(run, line);
	if (run->each)
		mutate_insert(run, line);
	for (size_t i = 0; i < count; i++) {
		bool is_operator =
			text_is(words[i], "||") || text_is(words[i], "&&");

		if (is_operator && i + 1 < count &&
		    is_dead(run, line, "dead branch", words, i + 1))
			return;
		mutate_word(run, line, words, count, i);
		if (i && text_is(words[i - 1], "goto"))
			mutate_goto(run, line, words, count, i);
	}
}

static void mutate_text(struct run *run, const char *name, struct text *text)
{
	run->subject = (struct subject){
		.name = name,
		.text = text,
		.lines = lines_of(&run->arena, *text),
	};
	for (size_t i = 1; i < run->subject.lines.count; i++)
		if (i % run->step == run->first &&
		    !is_spoken(run->subject.lines.at[i]))
			mutate_line(run, i);
}

/* --------------------------------------------------------------- site -- */

/* What a file holds does not matter, only that no two hold the same. */
static int digest(void *ctx, const char *path, struct digest *ret_digest)
{
	(void)ctx;
	sha256_of(path, strlen(path), ret_digest);
	return 0;
}

static void check_trust(void *ctx, const char *path, struct span at,
			struct diags *ds)
{
	(void)ctx, (void)path, (void)at, (void)ds;
}

static bool make_uki(void *ctx, const struct uki_request *request,
		     struct span at, struct diags *ds, struct text *ret_path,
		     struct digest *ret_digest)
{
	(void)ctx, (void)at, (void)ds;
	*ret_path = request->name;
	sha256_of(request->command_line.ptr, request->command_line.len,
		  ret_digest);
	return true;
}

static const struct plan *compile_site(struct arena *arena, const char *path)
{
	struct assets assets = { 0 };
	struct compile_env env = asset_env(&assets);
	struct diags ds = { .arena = arena };
	CLEANUP(sbuf) shown = { 0 };
	const struct plan *plan;

	env.digest = digest;
	env.check_trust = check_trust;
	env.make_uki = make_uki;
	plan = compile(arena, path, &env, &ds);
	diags_render(&ds, false, &shown);
	fputs(sbuf_text(&shown), stderr);
	return plan;
}

int main(int argc, char **argv)
{
	struct run run = { .proved = 0 };
	const struct plan *plan;

	if (argc != 4 && argc != 5)
		return 2;
	run.each = argc == 5;
	run.step = strtoul(argv[2], NULL, 10);
	run.first = strtoul(argv[3], NULL, 10);
	if (!run.step)
		return 2;
	plan = compile_site(&run.arena, argv[1]);
	if (!plan || is_refused(plan, false) ||
	    (run.each && is_refused(plan, true)))
		return 1;
	run.plan = arena_new(&run.arena, struct plan);
	*run.plan = *plan;
	mutate_text(&run, "image", &run.plan->script);
	for (size_t i = 0; i < plan->blob_count; i++)
		if (is_script(plan->blobs[i].bytes))
			mutate_text(&run, "order", &run.plan->blobs[i].bytes);
	for (size_t i = 0; i < plan->node_script_count; i++)
		mutate_text(&run, "node", &run.plan->node_scripts[i].bytes);
	printf("%zu\t%zu\t%zu\n", run.proved, run.passed, run.missed);
	arena_release(&run.arena);
	return 0;
}
