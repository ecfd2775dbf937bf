#include "remote.h"

#include "arena.h"
#include "emit.h"
#include "hex.h"
#include "ir.h"
#include "sbuf.h"

#include <stdlib.h>

static struct text keep(struct arena *arena, const struct sbuf *from)
{
	return (struct text){ arena_copy(arena, from->ptr, from->len),
			      from->len };
}

static const char *hex_of(struct arena *arena, const void *bytes, size_t count)
{
	char *hex = arena_alloc(arena, 2 * count + 1);

	hex_digits(bytes, count, hex);
	return hex;
}

/* ----------------------------------------------------------- orders -- */

static struct text *wanted_by_site(struct arena *arena)
{
	struct text *text = arena_new(arena, struct text);

	*text = TEXT("site");
	return text;
}

static struct blob order_blob(struct arena *arena,
			      const struct compile_env *env,
			      const struct plan *plan,
			      const struct order *order, struct sbuf *script)
{
	struct blob blob = { .name = TEXT("order.ipxe"),
			     .wanted_by = wanted_by_site(arena),
			     .wanted_by_count = 1 };

	sbuf_reset(script);
	emit_order_script(plan, order, script);
	blob.bytes = keep(arena, script);
	env->digest_bytes(blob.bytes.ptr, blob.bytes.len, &blob.digest);
	blob.hex = text_of(hex_of(arena, blob.digest.sha256, 32));
	blob.path = text_of(
		arena_printf(arena, "a/%s/%s", blob.hex.ptr, blob.name.ptr));
	return blob;
}

/* @return by number of the order, less one: SHA-256 of its script */
static struct text *publish_orders(struct arena *arena,
				   const struct compile_env *env,
				   struct plan *plan)
{
	size_t room = plan->blob_count + plan->order_count;
	struct blob *blobs = arena_new_array(arena, room, struct blob);
	struct text *hex =
		arena_new_array(arena, plan->order_count, struct text);
	struct sbuf script = { 0 };
	size_t count = plan->blob_count;

	if (count)
		memcpy(blobs, plan->blobs, count * sizeof(*blobs));
	for (size_t i = 0; i < plan->order_count; i++) {
		blobs[count] =
			order_blob(arena, env, plan, &plan->orders[i], &script);
		hex[i] = blobs[count++].hex;
	}
	sbuf_release(&script);
	plan->blobs = blobs;
	plan->blob_count = count;
	plan_sort_blobs(plan);
	return hex;
}

/* ------------------------------------------------------------ nodes -- */

struct publisher {
	struct arena *arena;
	struct plan *plan;
	struct node_script script; /* of the node at hand, without a path */
};

static void put(struct publisher *p, const char *kind, const char *id)
{
	struct node_script *script =
		&p->plan->node_scripts[p->plan->node_script_count++];

	*script = p->script;
	script->path =
		text_of(arena_printf(p->arena, "n/%s/%s.ipxe", kind, id));
}

static void put_tag(struct publisher *p, const char *kind, struct text tag)
{
	if (tag.ptr)
		put(p, kind, hex_of(p->arena, tag.ptr, tag.len));
}

static void put_all(struct publisher *p, const struct node *node)
{
	for (size_t i = 0; i < node->mac_count; i++) {
		char id[13], *to = id;

		for (const char *c = node->macs[i].text.ptr; *c; c++)
			if (*c != ':')
				*to++ = *c;
		*to = '\0';
		put(p, "mac", id);
	}
	if (node->uuid.text.ptr)
		put(p, "uuid", node->uuid.text.ptr);
	put_tag(p, "serial", node->serial.text);
	put_tag(p, "asset", node->asset.text);
}

static size_t count_scripts(const struct effective *effective)
{
	size_t count = 0;

	for (size_t i = 0; i < effective->machine_count; i++)
		count += effective->machines[i].node->mac_count + 3;
	return count;
}

static size_t most_words(const struct plan *plan)
{
	size_t most = 0;

	for (size_t i = 0; i < plan->order_count; i++)
		if (plan->orders[i].word_count > most)
			most = plan->orders[i].word_count;
	return most;
}

static int compare_scripts(const void *a, const void *b)
{
	return text_compare(((const struct node_script *)a)->path,
			    ((const struct node_script *)b)->path);
}

void remote_publish(struct arena *arena, const struct compile_env *env,
		    struct plan *plan)
{
	const struct effective *effective = plan->effective;
	struct text *hex = publish_orders(arena, env, plan);
	struct text *words =
		arena_new_array(arena, most_words(plan), struct text);
	struct publisher p = { .arena = arena, .plan = plan };
	struct sbuf script = { 0 };

	plan->node_scripts = arena_new_array(arena, count_scripts(effective),
					     struct node_script);
	for (size_t i = 0; i < effective->machine_count; i++) {
		const struct machine *machine = &effective->machines[i];
		const struct order *order = plan->order_of[i];

		sbuf_reset(&script);
		emit_node_script(plan, machine,
				 &(struct node_order){
					 order, hex[order->number - 1], words },
				 &script);
		p.script.bytes = keep(arena, &script);
		env->digest_bytes(script.ptr, script.len, &p.script.digest);
		p.script.wanted_by = arena_new(arena, struct text);
		*p.script.wanted_by = text_of(arena_printf(
			arena, "node %s", machine->node->name.ptr));
		put_all(&p, machine->node);
	}
	sbuf_release(&script);
	if (plan->node_script_count > 1)
		qsort(plan->node_scripts, plan->node_script_count,
		      sizeof(*plan->node_scripts), compare_scripts);
}
