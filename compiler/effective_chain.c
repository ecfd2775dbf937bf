#include "effective_parts.h"

/* More is no script that a person wrote. */
enum { SCRIPT_BYTES_MAX = 1024 * 1024 };

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* As iPXE recognises a script; see image/script.c of iPXE 2.0.0. */
static bool is_script_of_ipxe(struct text bytes)
{
	static const char magic[] = "#!ipxe";
	size_t len = sizeof(magic) - 1;

	return bytes.len > len && memcmp(bytes.ptr, magic, len) == 0 &&
	       is_space(bytes.ptr[len]);
}

/* Words of boot orders are called v1, v2, …: of all names that the boot script
 * has to keep, those are the ones that others think of, too. The others are
 * put aside while the script runs; see emit_routines.c. */
static bool is_word_name(struct text name)
{
	size_t i = 1;

	while (i < name.len && name.ptr[i] >= '0' && name.ptr[i] <= '9')
		i++;
	return name.len > 1 && name.ptr[0] == 'v' && i > 1 &&
	       (i == name.len || name.ptr[i] == ':');
}

/* What sets something that is named behind it, besides "set". */
static bool sets(struct text word)
{
	static const char *const words[] = { "clear",  "inc",      "read",
					     "choose", "nslookup", "--set",
					     "-s",     "pciscan",  "usbscan" };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (text_is(word, words[i]))
			return true;
	return false;
}

/* @param in_line	becomes false where the word is the first of a line */
static struct text next_word(struct text *rest, bool *in_line)
{
	struct text word;

	for (; rest->len && is_space(*rest->ptr); rest->ptr++, rest->len--)
		*in_line = *in_line && *rest->ptr != '\n';
	word = (struct text){ rest->ptr, 0 };
	while (rest->len && !is_space(*rest->ptr))
		rest->ptr++, rest->len--, word.len++;
	return word;
}

/* "--set=v1" is one word. */
static struct text behind_equals(struct text word)
{
	static const char option[] = "--set=";
	size_t len = sizeof(option) - 1;

	if (word.len > len && memcmp(word.ptr, option, len) == 0)
		return (struct text){ word.ptr + len, word.len - len };
	return word;
}

/* Where a name may stand behind a command: "set" has it first, others have
 * options before it, with arguments of their own. */
enum reach { NOWHERE, NEXT_WORD, REST_OF_LINE };

/* @return the name; len 0: none is set */
static struct text find_word_name(struct text bytes)
{
	enum reach reach = NOWHERE;

	for (;;) {
		bool in_line = true;
		struct text word = next_word(&bytes, &in_line);
		struct text name = behind_equals(word);

		if (!in_line)
			reach = NOWHERE;
		if (!word.len ||
		    ((reach || name.ptr != word.ptr) && is_word_name(name)))
			return name;
		if (text_is(word, "set"))
			reach = NEXT_WORD;
		else if (sets(word))
			reach = REST_OF_LINE;
		else if (reach == NEXT_WORD)
			reach = NOWHERE;
	}
}

static bool look_at(struct context *c, const struct item *item,
		    struct text bytes)
{
	struct diags *ds = c->b->ds;
	struct text name = find_word_name(bytes);

	if (!is_script_of_ipxe(bytes)) {
		diag_at(ds, DIAG_E437, item->from.at,
			"this is no script of iPXE: its first line is not "
			"\"#!ipxe\"");
		return false;
	}
	if (name.len) {
		diag_at(ds, DIAG_E437, item->from.at,
			"the script sets \"%.*s\", which the boot script "
			"needs itself",
			(int)name.len, name.ptr);
		return false;
	}
	return true;
}

bool chain_is_good(struct context *c, const struct item *item,
		   const struct blob *script)
{
	struct builder *b = c->b;
	struct sbuf bytes = { 0 };
	bool good;
	int error;

	if (item->sha256.tmpl) {
		diag_at(b->ds, DIAG_E437, item->from.at,
			"a script must lie beside the site file, to be looked "
			"at");
		return false;
	}
	error = b->env->read(b->env->ctx, script->from.ptr, SCRIPT_BYTES_MAX,
			     &bytes);
	if (error)
		diag_at(b->ds, DIAG_E601, item->from.at, "\"%s\": %s",
			script->from.ptr, strerror(-error));
	good = !error &&
	       look_at(c, item, (struct text){ sbuf_text(&bytes), bytes.len });
	sbuf_release(&bytes);
	return good;
}
