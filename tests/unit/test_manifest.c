#include "arena.h"
#include "manifest.h"
#include "plan.h"
#include "sbuf.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ZEROES \
	"0000000000000000000000000000000000000000000000000000000000000000"
#define HEAD                                                         \
	"{\"format\": \"ipxe-embed manifest 1\", \"site\": \"lab\"," \
	" \"verify\": [\"signature\"], \"signer\": \"s\", \"files\": ["
#define ENTRY(path)                                                   \
	"{\"path\": \"" path "\", \"size\": 1, \"sha256\": \"" ZEROES \
	"\", \"wanted_by\": [\"a\"]}"

static void test_round_trip(void **state)
{
	struct arena arena = { 0 };
	struct sbuf first = { 0 }, second = { 0 }, why = { 0 };
	struct text wanted_by[] = { TEXT("group a: initrd"),
				    TEXT("profile \"x\": kernel") };
	struct manifest_file files[] = {
		{ TEXT("a"), { { 1, 2, 255 }, 7 }, wanted_by, 2 },
		{ TEXT("a-b"), { { 0 }, UINT64_C(1) << 40 }, wanted_by, 1 },
		{ TEXT("a/b \"c\""), { { 0 }, 0 }, NULL, 0 },
	};
	struct manifest manifest = { TEXT("lab"),
				     VERIFY_SIGNATURE | VERIFY_DIGEST,
				     TEXT("signer"), files, 3 };
	const struct manifest *parsed;

	(void)state;
	manifest_write(&manifest, &first);
	parsed = manifest_parse(&arena, first.ptr, first.len, &why);
	assert_string_equal(sbuf_text(&why), "");
	assert_non_null(parsed);
	manifest_write(parsed, &second);
	assert_string_equal(first.ptr, second.ptr);
	assert_int_equal(parsed->verify, VERIFY_SIGNATURE | VERIFY_DIGEST);
	assert_ptr_equal(manifest_find(parsed, TEXT("a-b")), &parsed->files[1]);
	assert_null(manifest_find(parsed, TEXT("b")));
	assert_true(manifest_has_below(parsed, TEXT("a")));
	assert_false(manifest_has_below(parsed, TEXT("a-b")));
	assert_false(manifest_has_below(parsed, TEXT("a/b \"c\"")));
	sbuf_release(&first);
	sbuf_release(&second);
	sbuf_release(&why);
	arena_release(&arena);
}

/* Each with a word that its message must have. */
static const struct {
	const char *json, *word;
} damaged[] = {
	{ "", "line" },
	{ "{", "line 1" },
	{ "[]", "not a manifest of ipxe-embed" },
	{ "{\"name\": \"web app\"}", "not a manifest of ipxe-embed" },
	{ "{\"format\": \"ipxe-embed manifest 2\"}", "another release" },
	{ "{\"format\": \"ipxe-embed manifest 1\"}", "five keys" },
	{ HEAD "]}trailing", "line 1" },
	{ HEAD "], \"files\": []}", "duplicate" },
	{ HEAD "1]}", "four keys of a file (file 1 of 1)" },
	{ HEAD ENTRY("a") "," ENTRY("a") "]}", "sorted place (file 2 of 2)" },
	{ HEAD ENTRY("b") "," ENTRY("a") "]}", "sorted place (file 2 of 2)" },
	{ HEAD ENTRY("") "]}", "path is empty" },
	{ HEAD ENTRY("/etc/passwd") "]}", "empty part" },
	{ HEAD ENTRY("a//b") "]}", "empty part" },
	{ HEAD ENTRY("a/") "]}", "empty part" },
	{ HEAD ENTRY("../b") "]}", "part . or .." },
	{ HEAD ENTRY("a/../../b") "]}", "part . or .." },
	{ HEAD ENTRY("a/.") "]}", "part . or .." },
	{ HEAD ENTRY("a\\u0000b") "]}", "line" },
	{ HEAD ENTRY("a\\nb") "]}", "control" },
	{ HEAD ENTRY("manifest.json") "]}", "manifest itself" },
	{ HEAD "{\"path\": \"a\", \"size\": -1, \"sha256\": \"" ZEROES
	       "\", \"wanted_by\": []}]}",
	  "number of bytes" },
	{ HEAD "{\"path\": \"a\", \"size\": 1.5, \"sha256\": \"" ZEROES
	       "\", \"wanted_by\": []}]}",
	  "number of bytes" },
	{ HEAD "{\"path\": \"a\", \"size\": 1, \"sha256\": \"00\","
	       " \"wanted_by\": []}]}",
	  "64 lower-case digits" },
	{ HEAD "{\"path\": \"a\", \"size\": 1, \"sha256\": \"" ZEROES
	       "\", \"wanted_by\": [\"b\", \"a\"]}]}",
	  "not sorted" },
	{ HEAD "{\"path\": \"a\", \"size\": 1, \"sha256\": \"" ZEROES
	       "\", \"wanted_by\": [1]}]}",
	  "does not hold texts" },
};

static void test_damage(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
		struct arena arena = { 0 };
		struct sbuf why = { 0 };

		assert_null(manifest_parse(&arena, damaged[i].json,
					   strlen(damaged[i].json), &why));
		if (!strstr(sbuf_text(&why), damaged[i].word))
			fail_msg("%s: \"%s\" does not say \"%s\"",
				 damaged[i].json, sbuf_text(&why),
				 damaged[i].word);
		sbuf_release(&why);
		arena_release(&arena);
	}
}

/* Every shorter file is refused: none may pass for a tree with fewer files. */
static void test_truncation(void **state)
{
	static const char whole[] = HEAD ENTRY("a") "," ENTRY("b") "]}";

	(void)state;
	for (size_t len = 0; len < sizeof(whole) - 1; len++) {
		struct arena arena = { 0 };
		struct sbuf why = { 0 };

		assert_null(manifest_parse(&arena, whole, len, &why));
		sbuf_release(&why);
		arena_release(&arena);
	}
}

static void test_digests(void **state)
{
	struct digest digest = { 0 };
	char hex[65];

	(void)state;
	assert_true(digest_from_hex(TEXT("ba7816bf8f01cfea414140de5dae2223"
					 "b00361a396177a9cb410ff61f20015ad"),
				    &digest));
	digest_hex(&digest, hex);
	assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223"
				 "b00361a396177a9cb410ff61f20015ad");
	assert_false(digest_from_hex(TEXT("BA"), &digest));
	assert_false(digest_from_hex(TEXT("BA7816bf8f01cfea414140de5dae2223"
					  "b00361a396177a9cb410ff61f20015ad"),
				     &digest));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_truncation),
		cmocka_unit_test(test_digests),
	};

	return cmocka_run_group_tests_name("manifest", tests, NULL, NULL);
}
