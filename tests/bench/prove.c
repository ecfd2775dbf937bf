/* How long the proof of a site takes: prints the number of ways to a boot order
 * that it looks at, and its processor time in seconds.
 *
 *     prove SITE */
#include "prove.h"
#include "arena.h"
#include "asset.h"
#include "ir.h"
#include "plan.h"

#include <stdio.h>
#include <time.h>

static size_t count_ways(const struct site *site)
{
	size_t ways = 0;

	for (size_t i = 0; i < site->node_count; i++) {
		const struct node *node = &site->nodes[i];

		ways += node->mac_count + (node->uuid.text.ptr != NULL) +
			(node->serial.text.ptr != NULL) +
			(node->asset.text.ptr != NULL);
	}
	return ways;
}

int main(int argc, char **argv)
{
	struct arena arena = { 0 };
	struct assets assets = { 0 };
	struct compile_env env = asset_env(&assets);
	struct diags ds = { .arena = &arena };
	const struct plan *plan;
	clock_t begin;

	if (argc != 2)
		return 2;
	plan = compile(&arena, argv[1], &env, &ds);
	if (!plan)
		return 1;
	begin = clock();
	prove(plan, SIZE_MAX, &ds);
	printf("%zu %f\n", count_ways(plan->effective->site),
	       (double)(clock() - begin) / CLOCKS_PER_SEC);
	arena_release(&arena);
	return ds.errors != 0;
}
