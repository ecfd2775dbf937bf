#include "leases.h"

#include "doc.h"
#include "load.h"
#include "source.h"

#include <ctype.h>

/* ---------------------------------------------------------------- comments -- */

static void blank(char *from, const char *to)
{
	for (; from < to; from++)
		if (*from != '\n')
			*from = ' ';
}

static char *string_end(char *at)
{
	for (at++; *at && *at != '"'; at++)
		if (*at == '\\' && at[1])
			at++;
	return *at ? at + 1 : at;
}

/* Where the comment that begins here ends; NULL if there is none. */
static char *comment_end(char *at)
{
	char *end;

	if (*at == '#' || (at[0] == '/' && at[1] == '/')) {
		end = strchr(at, '\n');
		return end ? end : at + strlen(at);
	}
	if (at[0] == '/' && at[1] == '*') {
		end = strstr(at + 2, "*/");
		return end ? end + 2 : at + strlen(at);
	}
	return NULL;
}

static void refuse_include(struct leases *l, const struct source *source,
			   size_t at)
{
	const struct span span = { source, (uint32_t)at, (uint32_t)at + 9 };

	diag_help(l->im->ds,
		  diag_at(l->im->ds, DIAG_E901, span,
			  "a file that Kea puts in here is not read"),
		  "import what the server itself says: config-get, of its "
		  "control channel, answers with all files in one");
}

/* The same file with spaces for its comments, so that every place stays; NULL
 * after an error. */
static const struct source *without_comments(struct leases *l,
					     const struct source *source)
{
	char *bytes =
		arena_copy(l->im->arena, source->bytes.ptr, source->bytes.len);

	for (char *at = bytes; *at;) {
		char *end = comment_end(at);

		if (end) {
			blank(at, end);
			at = end;
		} else if (*at == '"') {
			at = string_end(at);
		} else if (strncmp(at, "<?include", 9) == 0) {
			refuse_include(l, source, (size_t)(at - bytes));
			return NULL;
		} else {
			at++;
		}
	}
	return source_new(l->im->arena, source->path.ptr, bytes,
			  source->bytes.len);
}

/* ---------------------------------------------------------------- the tree -- */

static void reservation_key(struct leases *l, struct lease_host *host,
			    const struct doc_pair *pair)
{
	const struct doc *value = pair->value;

	if (value->kind != DOC_SCALAR)
		lease_ignore(l, pair->key_at, pair->key);
	else if (text_is(pair->key, "hw-address"))
		lease_mac(l, host, value->text, value->at);
	else if (text_is(pair->key, "ip-address"))
		lease_ip(l, host, value->text, value->at);
	else if (text_is(pair->key, "hostname"))
		lease_name(host, value->text, value->at);
	else
		lease_ignore(l, pair->key_at, pair->key);
}

static void reservations(struct leases *l, const struct doc *list)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct doc *item = list->items[i];
		struct lease_host host = { .at = item->at };

		if (item->kind != DOC_MAP) {
			diag_at(l->im->ds, DIAG_E901, item->at,
				"a reservation was expected here");
			continue;
		}
		host.at.end = host.at.begin + 1;
		for (size_t j = 0; j < item->count; j++)
			reservation_key(l, &host, &item->pairs[j]);
		lease_add(l, &host);
	}
}

/* Wherever reservations are: global, in subnets, in shared networks. */
static void walk(struct leases *l, const struct doc *doc)
{
	if (doc->kind == DOC_LIST)
		for (size_t i = 0; i < doc->count; i++)
			walk(l, doc->items[i]);
	if (doc->kind != DOC_MAP)
		return;
	for (size_t i = 0; i < doc->count; i++) {
		const struct doc_pair *pair = &doc->pairs[i];
		const struct doc *value = pair->value;

		if (text_is(pair->key, "reservations") &&
		    value->kind == DOC_LIST)
			reservations(l, value);
		else if (text_is(pair->key, "subnet") &&
			 value->kind == DOC_SCALAR)
			lease_subnet(l, value->text, TEXT(""));
		else if (text_is(pair->key, "Dhcp6"))
			import_find(l->im, FATE_LOST, pair->key_at, NULL,
				    "hosts of DHCPv6, which have no IPv4 "
				    "address");
		else
			walk(l, value);
	}
}

void leases_kea(struct leases *l, const struct source *source)
{
	const struct doc *doc = NULL;

	if (!memchr(source->bytes.ptr, '\0', source->bytes.len))
		source = without_comments(l, source);
	if (source)
		doc = load(l->im->arena, source, l->im->ds);
	if (doc)
		walk(l, doc);
}
