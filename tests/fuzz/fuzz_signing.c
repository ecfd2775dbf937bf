/* Any bytes are a request that is written again as the same, or refused with
 * the line; signatures likewise. */
#include "fuzz.h"

#include "arena.h"
#include "cleanup.h"
#include "sbuf.h"
#include "signing.h"

#undef NDEBUG
#include <assert.h>

static void check_why(const void *parsed, const struct sbuf *why)
{
	assert(!parsed == (strncmp(sbuf_text(why), "line ", 5) == 0));
}

static void check_request(struct arena *arena, struct text bytes)
{
	CLEANUP(sbuf) once = { 0 };
	CLEANUP(sbuf) twice = { 0 };
	CLEANUP(sbuf) why = { 0 };
	const struct signing_request *request =
		signing_request_parse(arena, bytes, &why);

	check_why(request, &why);
	if (!request)
		return;
	signing_request_write(request, &once);
	request = signing_request_parse(
		arena, (struct text){ sbuf_text(&once), once.len }, &why);
	assert(request);
	signing_request_write(request, &twice);
	assert(strcmp(sbuf_text(&once), sbuf_text(&twice)) == 0);
}

static void check_response(struct arena *arena, struct text bytes)
{
	CLEANUP(sbuf) once = { 0 };
	CLEANUP(sbuf) twice = { 0 };
	CLEANUP(sbuf) why = { 0 };
	const struct signing_response *response =
		signing_response_parse(arena, bytes, &why);

	check_why(response, &why);
	if (!response)
		return;
	signing_response_write(response, &once);
	response = signing_response_parse(
		arena, (struct text){ sbuf_text(&once), once.len }, &why);
	assert(response);
	signing_response_write(response, &twice);
	assert(strcmp(sbuf_text(&once), sbuf_text(&twice)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct text text = { (const char *)bytes, len };
	struct arena arena = { 0 };

	check_request(&arena, text);
	check_response(&arena, text);
	arena_release(&arena);
	return 0;
}
