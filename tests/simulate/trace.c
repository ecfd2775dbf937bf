/* What the simulator makes of a script and a web root, in a line each: what it
 * says ("=" and the text) and what it asks for (GET and the path). The world is
 * that of iPXE's Linux program, which tests/simulate/run compares it with.
 *
 *     trace SCRIPT URL DIRECTORY [MAC...] [uuid=… serial=… asset=… …] */
#include "arena.h"
#include "compile.h"
#include "sbuf.h"
#include "sha256.h"
#include "simulate.h"

#include <stdio.h>
#include <stdlib.h>

enum { CARDS_MAX = 8 };

struct world {
	struct arena arena;
	const char *url, *directory;
};

static bool read_file(struct arena *arena, const char *path,
		      struct text *ret_bytes)
{
	FILE *file = fopen(path, "rb");
	char *bytes;
	long len;

	if (!file)
		return false;
	fseek(file, 0, SEEK_END);
	len = ftell(file);
	rewind(file);
	bytes = arena_alloc(arena, (size_t)len + 1);
	*ret_bytes = (struct text){ bytes, fread(bytes, 1, (size_t)len, file) };
	fclose(file);
	return true;
}

static void digest(struct text bytes, unsigned char *ret_sha256)
{
	struct digest made;

	sha256_of(bytes.ptr, bytes.len, &made);
	memcpy(ret_sha256, made.sha256, sizeof(made.sha256));
}

/* What was published there; FILE.was is kept where that was harmed. */
static bool read_published(struct arena *arena, const char *path,
			   struct text *ret_bytes)
{
	return read_file(arena, arena_printf(arena, "%s.was", path),
			 ret_bytes) ||
	       read_file(arena, path, ret_bytes);
}

/* A whole signature is that of the file beside it, as it was published. */
static void set_signed(struct world *world, struct sim_content *content,
		       const char *path, size_t len)
{
	unsigned char *signs = arena_alloc(&world->arena, 32);
	struct text is, was, bytes;

	if (len < 4 || strcmp(path + len - 4, ".sig") != 0 ||
	    !read_file(&world->arena, path, &is) ||
	    !read_published(&world->arena, path, &was) ||
	    !text_equal(is, was) ||
	    !read_published(
		    &world->arena,
		    arena_printf(&world->arena, "%.*s", (int)len - 4, path),
		    &bytes))
		return;
	digest(bytes, signs);
	content->kind = SIM_SIGNATURE;
	content->signs = signs;
	content->signer = TEXT("ipxe-embed-signer");
}

static const struct sim_content *fetch(void *ctx, struct text url)
{
	static const struct sim_content not_found = { .kind = SIM_NOT_FOUND };
	struct world *world = ctx;
	size_t base = strlen(world->url);
	struct sim_content *content =
		arena_new(&world->arena, struct sim_content);
	struct text bytes;
	char *path;

	if (url.len < base || memcmp(url.ptr, world->url, base) != 0)
		return NULL;
	printf("GET /%.*s\n", (int)(url.len - base), url.ptr + base);
	path = arena_printf(&world->arena, "%s/%.*s", world->directory,
			    (int)(url.len - base), url.ptr + base);
	if (!read_file(&world->arena, path, &bytes))
		return &not_found;
	digest(bytes, content->sha256);
	if (bytes.len > 7 && memcmp(bytes.ptr, "#!ipxe\n", 7) == 0) {
		content->kind = SIM_SCRIPT;
		content->script = sim_script_new(&world->arena, bytes);
	}
	set_signed(world, content, path, strlen(path));
	return content;
}

/* Drives are there, if their files are; the Linux program boots from none. */
static enum sim_drive drive(void *ctx, struct text uri)
{
	const struct world *world = ctx;
	size_t base = strlen(world->url);
	struct arena arena = { 0 };
	struct text bytes;
	bool there;

	there = uri.len > base && memcmp(uri.ptr, world->url, base) == 0 &&
		read_file(&arena,
			  arena_printf(&arena, "%s/%.*s", world->directory,
				       (int)(uri.len - base), uri.ptr + base),
			  &bytes);
	arena_release(&arena);
	return there ? SIM_DRIVE_EMPTY : SIM_DRIVE_NONE;
}

static void show(void *ctx, const struct sim_event *event)
{
	static bool within; /* a line, after `echo -n` */

	(void)ctx;
	if (event->kind == SIM_ECHO) {
		printf("%s%.*s%s", within ? "" : "=", (int)event->text.len,
		       event->text.ptr, event->good ? "\n" : "");
		within = !event->good;
	}
	if (event->kind == SIM_UNMODELLED)
		printf("?%.*s\n", (int)event->text.len, event->text.ptr);
}

static void add_card(struct sim_card *card, const char *mac)
{
	*card = (struct sim_card){ .link = true, .dhcp = true };
	for (size_t i = 0; i < sizeof(card->mac) && strlen(mac) > 3 * i; i++)
		card->mac[i] = (unsigned char)strtoul(mac + 3 * i, NULL, 16);
}

static bool take_fact(const char *word, const char *name, struct text *fact)
{
	size_t len = strlen(name);

	if (strncmp(word, name, len) != 0)
		return false;
	*fact = text_of(word + len);
	return true;
}

/* What the DHCP server of libslirp says. */
static const struct sim_given leases[] = {
	{ "netmask", "255.255.255.0" },
	{ "gateway", "10.0.2.2" },
	{ "dns", "10.0.2.3" },
	{ "dhcp-server", "10.0.2.2" },
};

int main(int argc, char **argv)
{
	struct world world = { 0 };
	struct sim_card cards[CARDS_MAX];
	struct sim_world made = { .ctx = &world,
				  .cards = cards,
				  .platform = "linux",
				  .given = leases,
				  .given_count =
					  sizeof(leases) / sizeof(*leases),
				  .fetch = fetch,
				  .drive = drive,
				  .event = show };
	struct sim *sim = sim_new();
	struct text script;
	enum sim_end end;

	if (argc < 4 || !read_file(&world.arena, argv[1], &script))
		return 2;
	world.url = argv[2];
	world.directory = argv[3];
	for (int i = 4; i < argc; i++)
		if (!take_fact(argv[i], "uuid=", &made.uuid) &&
		    !take_fact(argv[i], "serial=", &made.serial) &&
		    !take_fact(argv[i], "asset=", &made.asset) &&
		    !take_fact(argv[i], "manufacturer=", &made.manufacturer) &&
		    !take_fact(argv[i], "product=", &made.product) &&
		    made.card_count < CARDS_MAX)
			add_card(&cards[made.card_count++], argv[i]);
	end = sim_run(sim, sim_script_new(&world.arena, script), &made);
	printf("END it %s\n", sim_end_text(end));
	sim_free(sim);
	arena_release(&world.arena);
	return 0;
}
