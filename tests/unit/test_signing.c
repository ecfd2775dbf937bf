/* Requests and signatures as text: what is written is read as the same, and
 * every damage is told with its line. */
#include "signing.h"

#include "arena.h"
#include "cleanup.h"
#include "manifest.h"
#include "plan.h"
#include "sbuf.h"
#include "vec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

#define HEX_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEX_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

#define REQUEST   "# ipxe-embed signing request 1\n"
#define RESPONSE  "# ipxe-embed signatures 1\n"
#define NAMES     "site lab\nsigner s\nroot " HEX_A " CN=r\n"
#define SIGN_A    "sign " HEX_A " 7 a/" HEX_A "/linux\n"
#define SIGN_B    "sign " HEX_B " 0 a/" HEX_B "/with a space\n"
#define ANSWER(s) "signature " HEX_A " 7 a/" HEX_A "/linux " s "\n"

static struct text written_request(struct arena *arena,
				   const struct signing_request *request)
{
	CLEANUP(sbuf) out = { 0 };

	signing_request_write(request, &out);
	return (struct text){ arena_copy(arena, out.ptr, out.len), out.len };
}

static struct text written_response(struct arena *arena,
				    const struct signing_response *response)
{
	CLEANUP(sbuf) out = { 0 };

	signing_response_write(response, &out);
	return (struct text){ arena_copy(arena, out.ptr, out.len), out.len };
}

/* Where the scripts of nodes are signed, nothing else may be: it could be sent
 * in their place. */
static void test_what_is_signed(void **state)
{
	struct manifest_file files[] = {
		{ .path = TEXT("www/a/" HEX_A "/linux") },
		{ .path = TEXT("www/a/" HEX_B "/other") },
		{ .path = TEXT("www/n/mac/525400000001.ipxe") },
		{ .path = TEXT("www/n/mac/525400000001.ipxe.sig") },
	};
	struct manifest manifest = { .files = files, .count = COUNT(files) };
	struct arena arena = { 0 };
	struct signing_items items;

	(void)state;
	memset(files[0].digest.sha256, 0xaa, 32);
	manifest.verify = VERIFY_SIGNATURE;
	items = signing_items_of(&arena, &manifest);
	assert_int_equal(items.count, 1);
	assert_string_equal(items.at[0].path.ptr, "a/" HEX_A "/linux");
	manifest.verify = VERIFY_DIGEST | VERIFY_NODES;
	items = signing_items_of(&arena, &manifest);
	assert_int_equal(items.count, 1);
	assert_string_equal(items.at[0].path.ptr, "n/mac/525400000001.ipxe");
	arena_release(&arena);
}

static void test_request_round(void **state)
{
	static const char text[] = REQUEST NAMES
		"root " HEX_B " O=a \"b\", CN=c\n" SIGN_A SIGN_B "end 2\n";
	struct arena arena = { 0 };
	CLEANUP(sbuf) why = { 0 };
	const struct signing_request *first =
		signing_request_parse(&arena, TEXT(text), &why);
	const struct signing_request *again;
	struct text bytes;

	(void)state;
	assert_string_equal(sbuf_text(&why), "");
	assert_non_null(first);
	assert_string_equal(first->site.ptr, "lab");
	assert_string_equal(first->signer.ptr, "s");
	assert_int_equal(first->roots.count, 2);
	assert_string_equal(first->roots.at[1].subject.ptr, "O=a \"b\", CN=c");
	assert_int_equal(first->items.count, 2);
	assert_int_equal(first->items.at[0].digest.size_bytes, 7);
	assert_int_equal(first->items.at[1].digest.sha256[31], 0xbb);
	assert_string_equal(first->items.at[1].path.ptr,
			    "a/" HEX_B "/with a space");

	bytes = written_request(&arena, first);
	again = signing_request_parse(&arena, bytes, &why);
	assert_string_equal(sbuf_text(&why), "");
	assert_true(text_equal(bytes, written_request(&arena, again)));
	arena_release(&arena);
}

/* All lengths that base64 pads differently, and all digits of it. */
static void test_response_round(void **state)
{
	unsigned char der[256];
	struct arena arena = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(der); i++)
		der[i] = (unsigned char)(i * 7 + i / 3);
	for (size_t len = 1; len < sizeof(der); len += len < 9 ? 1 : 41) {
		struct signing_item item = {
			.path = TEXT("a/x y"),
			.digest = { .size_bytes = UINT64_C(1) << 62 },
			.signature = { (const char *)der, len },
		};
		struct signing_response response = { TEXT("lab"),
						     { &item, 1, 1 } };
		struct text bytes = written_response(&arena, &response);
		CLEANUP(sbuf) why = { 0 };
		const struct signing_response *again =
			signing_response_parse(&arena, bytes, &why);

		assert_string_equal(sbuf_text(&why), "");
		assert_true(text_equal(again->items.at[0].signature,
				       item.signature));
		assert_true(
			digest_equal(&again->items.at[0].digest, &item.digest));
		assert_true(text_equal(again->items.at[0].path, item.path));
	}
	arena_release(&arena);
}

struct damage {
	const char *text, *why; /**< the begin of what is said */
};

static const struct damage requests[] = {
	{ "", "line 1: it should be \"# ipxe-embed signing request 1\"" },
	{ "# ipxe-embed signing request 1", "line 1: it should be" },
	{ "# ipxe-embed signing request 2\n", "line 1: it should be" },
	{ RESPONSE NAMES "end 0\n", "line 1: it should be" },
	{ REQUEST, "line 2: the file ends before its line \"end\"" },
	{ REQUEST NAMES SIGN_A, "line 6: the file ends before" },
	{ REQUEST NAMES SIGN_A "end 1", "line 6: the file ends before" },
	{ REQUEST NAMES SIGN_A "end 2\n", "line 6: 2 lines should be" },
	{ REQUEST NAMES SIGN_A "end 01\n", "line 6: \"end\" lacks" },
	{ REQUEST NAMES SIGN_A "end\n", "line 6: \"end\" lacks" },
	{ REQUEST NAMES SIGN_A "end -1\n", "line 6: \"end\" lacks" },
	{ REQUEST NAMES SIGN_A "end 1 \n", "line 6: \"end\" lacks" },
	{ REQUEST NAMES SIGN_A "end 1\n# x\n", "line 7: there is more" },
	{ REQUEST "signer s\nroot " HEX_A " r\nend 0\n",
	  "line 5: the line \"site\" is missing" },
	{ REQUEST "site lab\nroot " HEX_A " r\nend 0\n",
	  "line 5: the lines \"signer\" and \"root\"" },
	{ REQUEST "site lab\nsigner s\nend 0\n",
	  "line 5: the lines \"signer\" and \"root\"" },
	{ REQUEST NAMES "site lab\nend 0\n", "line 5: this is here for the" },
	{ REQUEST "site\n", "line 2: the name is missing" },
	{ REQUEST "root abc r\n", "line 2: the first word behind \"root\"" },
	{ REQUEST "\n", "line 2: it begins with no word" },
	{ REQUEST " site lab\n", "line 2: it begins with no word" },
	{ REQUEST "site lab\r\n", "line 2: there is a control character" },
	{ REQUEST "signature x\n", "line 2: it begins with no word" },
	{ REQUEST "sign AAAA 7 a/linux\n", "line 2: the second word" },
	{ REQUEST "sign " HEX_A " x a/linux\n", "line 2: the third word" },
	{ REQUEST "sign " HEX_A " 99999999999999999999 a/linux\n",
	  "line 2: the third word" },
	{ REQUEST "sign " HEX_A " 7\n", "line 2: the path cannot be" },
	{ REQUEST "sign " HEX_A " 7 ../x\n", "line 2: the path cannot be" },
	{ REQUEST "sign " HEX_A " 7 /etc/x\n", "line 2: the path cannot be" },
	{ REQUEST SIGN_A SIGN_A, "line 3: the paths are not sorted" },
	{ REQUEST SIGN_B SIGN_A, "line 3: the paths are not sorted" },
};

static const struct damage responses[] = {
	{ REQUEST, "line 1: it should be \"# ipxe-embed signatures 1\"" },
	{ RESPONSE "signer s\n", "line 2: it begins with no word" },
	{ RESPONSE ANSWER("AAAA") "end 1\n", "line 4: the line \"site\"" },
	{ RESPONSE ANSWER("AAA"), "line 2: the last word is no signature" },
	{ RESPONSE ANSWER("AA=A"), "line 2: the last word is no signature" },
	{ RESPONSE ANSWER("A==="), "line 2: the last word is no signature" },
	{ RESPONSE ANSWER("AB=="), "line 2: the last word is no signature" },
	{ RESPONSE ANSWER("AAB="), "line 2: the last word is no signature" },
	{ RESPONSE ANSWER("===="), "line 2: the last word is no signature" },
	{ RESPONSE ANSWER("AA==AAAA"), "line 2: the last word is no" },
	{ RESPONSE ANSWER("AA-_"), "line 2: the last word is no signature" },
	{ RESPONSE ANSWER(""), "line 2: the last word is no signature" },
	{ RESPONSE "signature " HEX_A " 7 AAAA\n", "line 2: the last word" },
};

static void assert_refused(const struct damage *damage, bool refused,
			   struct sbuf *why)
{
	if (refused &&
	    strncmp(sbuf_text(why), damage->why, strlen(damage->why)) == 0)
		return;
	fail_msg("of %s\nexpected: %s\nsaid: %s", damage->text, damage->why,
		 sbuf_text(why));
}

static void test_damage(void **state)
{
	struct arena arena = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(requests); i++) {
		CLEANUP(sbuf) why = { 0 };

		assert_refused(&requests[i],
			       !signing_request_parse(
				       &arena, text_of(requests[i].text), &why),
			       &why);
	}
	for (size_t i = 0; i < COUNT(responses); i++) {
		CLEANUP(sbuf) why = { 0 };

		assert_refused(
			&responses[i],
			!signing_response_parse(
				&arena, text_of(responses[i].text), &why),
			&why);
	}
	arena_release(&arena);
}

/* Whatever is cut off, the rest is refused. */
static void test_truncation(void **state)
{
	static const char text[] =
		RESPONSE "site lab\n" ANSWER("AAAA") "end 1\n";
	struct arena arena = { 0 };

	(void)state;
	for (size_t len = 0; len + 1 < sizeof(text); len++) {
		CLEANUP(sbuf) why = { 0 };

		assert_null(signing_response_parse(
			&arena, (struct text){ text, len }, &why));
		assert_string_not_equal(sbuf_text(&why), "");
	}
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_signed),
		cmocka_unit_test(test_request_round),
		cmocka_unit_test(test_response_round),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_truncation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
