#include "choose.h"

#include "arena.h"
#include "base_store.h"
#include "cleanup.h"
#include "sbuf.h"
#include "vec.h"

#include <stdlib.h>

#define NAME_SOURCE "source"
#define NAME_STOCK  "stock"

#define STOCK_DAMAGED  "damaged; ipxe-embed base stock makes it anew"
#define SOURCE_DAMAGED "damaged; it is made anew when it is needed"

/* ---------------------------------------------------------- candidates -- */

/* What is prepared belongs to the tree that it was made from. */
static struct candidate *source_of(struct arena *arena,
				   struct candidates *candidates,
				   const struct prepared_about *about)
{
	struct candidate *candidate;

	vec_foreach (struct candidate, c, candidates)
		if (c->kind == BASE_FROM_SOURCE &&
		    memcmp(c->base.digest.sha256, about->base.digest.sha256,
			   32) == 0)
			return c;
	candidate = vec_push(arena, candidates);
	candidate->kind = BASE_FROM_SOURCE;
	candidate->name = NAME_SOURCE;
	candidate->version = about->base.version;
	candidate->base = about->base;
	return candidate;
}

struct finding {
	struct arena *arena;
	struct candidates *candidates;
};

static void find_unusable(struct finding *finding, const char *directory,
			  const char *why)
{
	*vec_push(finding->arena, &finding->candidates->unusable) =
		(struct unusable){ directory, why };
}

static void find_stock(struct finding *finding, const char *path,
		       const char *name)
{
	struct stock stock;
	struct candidate *candidate;

	if (!stock_about(finding->arena, path, &stock)) {
		find_unusable(finding, path, STOCK_DAMAGED);
		return;
	}
	candidate = vec_push(finding->arena, finding->candidates);
	candidate->kind = BASE_STOCK;
	candidate->name = name;
	candidate->version = stock.version;
	candidate->stock = stock;
}

static void find_base(void *ctx, const char *path, const char *name)
{
	struct finding *finding = ctx;
	struct prepared_about about;

	if (strncmp(name, STOCK_PREFIX, strlen(STOCK_PREFIX)) == 0)
		find_stock(finding, path, name);
	else if (!prepared_about(finding->arena, path, name, &about))
		find_unusable(finding, path, SOURCE_DAMAGED);
	else if (!about.fits)
		find_unusable(finding, path,
			      "renamed, or made by another version of "
			      "ipxe-embed; not used");
	else
		*vec_push(
			finding->arena,
			&source_of(finding->arena, finding->candidates, &about)
				 ->prepared) = about;
}

/* A tree before what is prepared without one, and that before stock; of two
 * alike the one that can do more, then the newer. */
static int compare_candidates(const void *a, const void *b)
{
	const struct candidate *left = a, *right = b;
	int order = (int)left->kind - (int)right->kind;

	if (!order)
		order = !left->base.path - !right->base.path;
	if (!order)
		order = (int)right->stock.digests - (int)left->stock.digests;
	if (!order)
		order = strverscmp(right->version, left->version);
	return order ? order : strcmp(left->name, right->name);
}

static void add_tree(struct arena *arena, const char *ipxe_src,
		     struct candidates *candidates)
{
	struct candidate *candidate;

	base_find(arena, ipxe_src, &candidates->tree);
	if (candidates->tree.state != BASE_FOUND)
		return;
	candidate = vec_push(arena, candidates);
	candidate->kind = BASE_FROM_SOURCE;
	candidate->name = NAME_SOURCE;
	candidate->version = candidates->tree.version;
	candidate->base = candidates->tree;
}

static void add_bases(struct arena *arena, struct candidates *candidates)
{
	struct finding finding = { arena, candidates };

	base_store_visit(arena, base_cache(arena), find_base, &finding);
	if (candidates->count)
		qsort(candidates->at, candidates->count,
		      sizeof(*candidates->at), compare_candidates);
}

void candidates_find(struct arena *arena, const char *ipxe_src,
		     struct candidates *ret_candidates)
{
	struct candidates candidates = { 0 };

	add_tree(arena, ipxe_src, &candidates);
	add_bases(arena, &candidates);
	*ret_candidates = candidates;
}

static void check_prepared(struct finding *finding, struct candidate *candidate)
{
	size_t kept = 0;

	vec_foreach (const struct prepared_about, about, &candidate->prepared) {
		if (prepared_is_good(finding->arena, about->directory))
			candidate->prepared.at[kept++] = *about;
		else
			find_unusable(finding, about->directory,
				      SOURCE_DAMAGED);
	}
	candidate->prepared.count = kept;
}

/* @return whether anything is left of it */
static bool check_candidate(struct finding *finding,
			    struct candidate *candidate)
{
	CLEANUP(stock) stock = { 0 };

	if (candidate->kind == BASE_FROM_SOURCE) {
		check_prepared(finding, candidate);
		return candidate->base.path || candidate->prepared.count;
	}
	if (stock_read(finding->arena, candidate->stock.directory, &stock))
		return true;
	find_unusable(finding, candidate->stock.directory, STOCK_DAMAGED);
	return false;
}

void candidates_check(struct arena *arena, struct candidates *candidates)
{
	struct finding finding = { arena, candidates };
	size_t kept = 0;

	vec_foreach (struct candidate, c, candidates)
		if (check_candidate(&finding, c))
			candidates->at[kept++] = *c;
	candidates->count = kept;
}

/* -------------------------------------------------------- capabilities -- */

static size_t roots_of(const struct candidate *candidate)
{
	return candidate->kind == BASE_STOCK ? 1 : PATCH_ROOTS;
}

/* NULL, or why this image cannot be had from it. */
static const char *image_lack(struct arena *arena,
			      const struct candidate *candidate,
			      const struct features *features,
			      const struct bake_target *target)
{
	const struct prepare_request request = {
		.base = &candidate->base,
		.features = *features,
		.bin = target->bin,
		.cache = base_cache(arena),
	};
	CLEANUP(sbuf) why = { 0 };

	if (candidate->kind == BASE_STOCK)
		return stock_image(&candidate->stock, target->name)
			       ? NULL
			       : arena_printf(arena, "has no %s", target->name);
	if (prepare_is_possible(arena, &request, &why))
		return NULL;
	while (why.len && why.ptr[why.len - 1] == '\n')
		why.ptr[--why.len] = '\0';
	return arena_printf(arena, "has no %s: %s", target->name,
			    sbuf_text(&why));
}

static bool is_usual(const struct candidate *candidate,
		     const struct bake_target *target)
{
	return target->usual ||
	       (candidate->kind == BASE_STOCK && target->usual_stock);
}

/* Without a tree, what is prepared is all there is; with one, an image that
 * cannot be made is a fault. */
static bool may_miss(const struct candidate *candidate)
{
	return candidate->kind == BASE_STOCK || !candidate->base.path;
}

static bool is_on_stick(const struct candidate *candidate,
			const struct bake_target *target)
{
	return target->on_stick &&
	       (target->part || is_usual(candidate, target));
}

/* NULL, or why it does not have some images together. */
static const char *
set_lack(struct arena *arena, const struct candidate *candidate,
	 const struct features *features,
	 bool (*is_in)(const struct candidate *, const struct bake_target *))
{
	const char *lack = NULL;

	for (const struct bake_target *t = bake_targets; t->name; t++) {
		if (!is_in(candidate, t))
			continue;
		lack = image_lack(arena, candidate, features, t);
		if (!lack == may_miss(candidate))
			return lack;
	}
	return lack;
}

/* NULL, or why it does not have the images wanted. */
static const char *images_lack(struct arena *arena,
			       const struct candidate *candidate,
			       const struct base_needs *needs)
{
	const struct features *features = &needs->features;
	const char *lack = NULL;

	for (size_t i = 0; i < needs->target_count && !lack; i++)
		lack = image_lack(arena, candidate, features,
				  needs->targets[i]);
	if (!lack && needs->usual)
		lack = set_lack(arena, candidate, features, is_usual);
	if (!lack && needs->stick)
		lack = set_lack(arena, candidate, features, is_on_stick);
	return lack;
}

static const char *signature_lack(struct arena *arena,
				  const struct candidate *candidate,
				  const struct base_needs *needs)
{
	(void)arena;
	if (!(needs->verify & VERIFY_SIGNED) || candidate->kind != BASE_STOCK)
		return NULL;
	return needs->verify & VERIFY_NODES
		       ? "has no imgverify, which dispatch: remote takes"
		       : "has no imgtrust and imgverify, which verify: "
			 "signature takes";
}

static const char *digest_lack(struct arena *arena,
			       const struct candidate *candidate,
			       const struct base_needs *needs)
{
	(void)arena;
	if (!(needs->verify & VERIFY_DIGEST) || candidate->kind != BASE_STOCK ||
	    candidate->stock.digests)
		return NULL;
	return "has no sha256sum, which verify: digest takes";
}

static const char *ntp_lack(struct arena *arena,
			    const struct candidate *candidate,
			    const struct base_needs *needs)
{
	(void)arena;
	if (!needs->ntp || candidate->kind != BASE_STOCK ||
	    candidate->stock.ntp)
		return NULL;
	return "has no ntp, which network: ntp takes";
}

static const char *roots_lack(struct arena *arena,
			      const struct candidate *candidate,
			      const struct base_needs *needs)
{
	size_t roots = roots_of(candidate);

	if (needs->root_count <= roots)
		return NULL;
	return arena_printf(arena,
			    "has room for %zu root%s of trust; the site has "
			    "%zu",
			    roots, roots == 1 ? "" : "s", needs->root_count);
}

/* What a site may ask for. What is not here (plain HTTP and a shell in a stock
 * base, Secure Boot) every base can do. */
static const char *(*const capabilities[])(struct arena *,
					   const struct candidate *,
					   const struct base_needs *) = {
	signature_lack, digest_lack, ntp_lack, roots_lack, images_lack,
};

enum { CAPABILITIES = sizeof(capabilities) / sizeof(*capabilities) };

const char *candidate_lack(struct arena *arena,
			   const struct candidate *candidate,
			   const struct base_needs *needs)
{
	const char *lack = NULL;

	for (size_t i = 0; i < CAPABILITIES && !lack; i++)
		lack = capabilities[i](arena, candidate, needs);
	return lack;
}

/* ------------------------------------------------------------ printing -- */

static void print_prepared(const struct candidate *candidate, struct sbuf *out)
{
	vec_foreach (const struct prepared_about, about, &candidate->prepared) {
		sbuf_printf(out, "  prepared: %s, for", about->directory);
		for (const struct bake_target *t = bake_targets; t->name; t++)
			if (strcmp(t->bin, about->bin) == 0)
				sbuf_printf(out, " %s",
					    t->part ? "usb.img" : t->name);
		sbuf_printf(out, "%s%s%s\n",
			    about->features.http ? ", with plain HTTP" : "",
			    about->features.shell ? ", with a shell" : "",
			    about->features.san ? ", with drives of a SAN"
						: "");
	}
}

static void print_source(const struct candidate *candidate, struct sbuf *out)
{
	sbuf_printf(out, NAME_SOURCE ": iPXE %s", candidate->version);
	if (candidate->base.path)
		sbuf_printf(out, " in %s (from %s)\n", candidate->base.path,
			    candidate->base.origin);
	else
		sbuf_puts(out, ", prepared from a tree that is not here\n");
	sbuf_printf(out,
		    "  verify: signature, digest, secure-boot; up to %zu "
		    "roots; BIOS, UEFI x86-64 and arm64\n",
		    roots_of(candidate));
	print_prepared(candidate, out);
}

static void print_stock(const struct candidate *candidate, struct sbuf *out)
{
	sbuf_printf(out,
		    "%s: iPXE %s of the distribution\n"
		    "  verify: %ssecure-boot; one root; UEFI only%s; for",
		    candidate->name, candidate->version,
		    candidate->stock.digests ? "digest, " : "",
		    candidate->stock.ntp ? "" : "; no ntp");
	for (size_t i = 0; i < candidate->stock.image_count; i++)
		sbuf_printf(out, " %s", candidate->stock.images[i].name);
	sbuf_printf(out,
		    "\n  not locked down: Ctrl-B opens a shell, it speaks "
		    "plain HTTP, its script is not part\n"
		    "    of the image, and DHCP or a firmware variable can add "
		    "roots of trust\n"
		    "  %s\n",
		    candidate->stock.directory);
}

void candidate_print(const struct candidate *candidate, struct sbuf *out)
{
	if (candidate->kind == BASE_STOCK)
		print_stock(candidate, out);
	else
		print_source(candidate, out);
}

/* ------------------------------------------------------------ choosing -- */

/* Whether "source", "stock", or a name means this one. */
static bool is_meant(const struct candidate *candidate, const char *name)
{
	if (!name || strcmp(candidate->name, name) == 0)
		return true;
	vec_foreach (const struct prepared_about, about, &candidate->prepared)
		if (strcmp(about->name, name) == 0)
			return true;
	return candidate->kind == BASE_STOCK && strcmp(name, NAME_STOCK) == 0;
}

static bool wants_cross(const struct base_needs *needs)
{
	for (size_t i = 0; i < needs->target_count; i++)
		if (needs->targets[i]->cross)
			return true;
	return false;
}

/* How to get one that can. */
static void print_ways(struct arena *arena, const struct base_needs *needs,
		       struct sbuf *out)
{
	bool newer = needs->verify & VERIFY_DIGEST || needs->ntp;
	struct candidate best = { .kind = BASE_STOCK };

	best.stock.digests = best.stock.ntp = true;
	for (const struct bake_target *t = bake_targets; t->name; t++)
		if (strncmp(t->firmware, "UEFI", 4) == 0 && is_usual(&best, t))
			best.stock.images[best.stock.image_count++].name =
				t->name;
	if (!candidate_lack(arena, &best, needs))
		sbuf_printf(out,
			    "From the distribution's package, for UEFI "
			    "machines%s:\n"
			    "\n"
			    "    ipxe-embed base stock%s\n"
			    "\n",
			    newer ? ", from a suite with iPXE 2.0.0 or later"
				  : "",
			    newer ? " --suite forky" : "");
	sbuf_printf(out,
		    "From iPXE's source, release 2.0.0 or later, for BIOS and "
		    "UEFI machines:\n"
		    "\n"
		    "    ipxe-embed base build --src DIR%s%s%s%s\n"
		    "\n",
		    wants_cross(needs) ? " --arm64" : "",
		    needs->features.http ? " --http" : "",
		    needs->features.shell ? " --shell" : "",
		    needs->features.san ? " --san" : "");
}

static const char *take_text(struct arena *arena, const struct sbuf *text)
{
	size_t len = text->len;

	while (len && text->ptr[len - 1] == '\n')
		len--;
	return arena_copy(arena, sbuf_text(text), len);
}

static void refuse(struct arena *arena, const struct candidates *candidates,
		   const struct base_wish *wish, const struct base_needs *needs,
		   struct base_choice *choice)
{
	CLEANUP(sbuf) lacks = { 0 };
	CLEANUP(sbuf) why = { 0 };

	vec_foreach (const struct candidate, c, candidates)
		if (is_meant(c, wish->base))
			sbuf_printf(&lacks, "  %s, iPXE %s: it %s\n", c->name,
				    c->version,
				    candidate_lack(arena, c, needs));
	choice->status = lacks.len || wish->base || !needs->usual
				 ? CHOICE_REFUSED
				 : CHOICE_NONE;
	if (lacks.len)
		sbuf_printf(&why, "%s can make the images of this site:\n%s",
			    wish->base ? "the base that --base names is not "
					 "one that"
				       : "no base that is here",
			    sbuf_text(&lacks));
	else if (wish->base)
		sbuf_printf(&why,
			    "there is no base '%s'; ipxe-embed base list says "
			    "which there are. ",
			    wish->base);
	else if (!needs->usual)
		sbuf_puts(&why, "there is no base to make the images from that "
				"--image names. ");
	else
		sbuf_puts(&why, "No images were made: there is no base to make "
				"them from. ");
	print_ways(arena, needs, &why);
	sbuf_puts(&why, choice->status == CHOICE_NONE
				? base_how_to_get()
				: "With --no-images, only the tree is "
				  "written.\n");
	choice->why = take_text(arena, &why);
}

/* Why not the ones before it, which would have been better. */
static void say_why(struct arena *arena, const struct candidates *candidates,
		    const struct base_wish *wish,
		    const struct base_needs *needs, struct base_choice *choice)
{
	const struct candidate *chosen = &choice->chosen;
	CLEANUP(sbuf) why = { 0 };

	sbuf_printf(&why, "%s, iPXE %s", chosen->name, chosen->version);
	if (chosen->base.path)
		sbuf_printf(&why, " in %s", chosen->base.path);
	if (wish->base)
		sbuf_puts(&why, ", as --base says");
	else if (chosen->base.path)
		sbuf_printf(&why, " (from %s)", chosen->base.origin);
	else if (chosen->kind == BASE_FROM_SOURCE)
		sbuf_puts(&why, ", as prepared; there is no source tree");
	else if (candidates->at[0].kind == BASE_FROM_SOURCE)
		sbuf_printf(&why, ", as source %s",
			    candidate_lack(arena, &candidates->at[0], needs));
	else
		sbuf_puts(&why, ", as there is none from source");
	choice->why = take_text(arena, &why);
}

static bool is_among(const struct base_choice *choice,
		     const struct bake_target *target)
{
	for (size_t i = 0; i < choice->target_count; i++)
		if (choice->targets[i] == target)
			return true;
	return false;
}

/* Those of some images that it has. */
static void take_set(struct arena *arena, const struct candidate *candidate,
		     const struct base_needs *needs,
		     bool (*is_in)(const struct candidate *,
				   const struct bake_target *),
		     struct base_choice *choice)
{
	for (const struct bake_target *t = bake_targets; t->name; t++)
		if (is_in(candidate, t) && !is_among(choice, t) &&
		    !image_lack(arena, candidate, &needs->features, t))
			choice->targets[choice->target_count++] = t;
}

static void take(struct arena *arena, const struct candidate *candidate,
		 const struct base_needs *needs, struct base_choice *choice)
{
	size_t room = needs->target_count;

	for (const struct bake_target *t = bake_targets; t->name; t++)
		room++;
	choice->status = CHOICE_MADE;
	choice->chosen = *candidate;
	choice->targets = arena_array(arena, room, sizeof(*choice->targets));
	for (size_t i = 0; i < needs->target_count; i++)
		choice->targets[choice->target_count++] = needs->targets[i];
	if (needs->usual)
		take_set(arena, candidate, needs, is_usual, choice);
	choice->asked_count = choice->target_count;
	if (needs->stick)
		take_set(arena, candidate, needs, is_on_stick, choice);
}

static bool try_all(struct arena *arena, const struct candidates *candidates,
		    const struct base_wish *wish,
		    const struct base_needs *needs, struct base_choice *choice)
{
	vec_foreach (const struct candidate, c, candidates) {
		if (!is_meant(c, wish->base) || candidate_lack(arena, c, needs))
			continue;
		take(arena, c, needs, choice);
		say_why(arena, candidates, wish, needs, choice);
		return true;
	}
	return false;
}

/* A tree that was named and is no use is not passed over. */
static bool tree_is_refused(const struct candidates *candidates,
			    const struct base_wish *wish,
			    struct base_choice *choice)
{
	if (candidates->tree.state != BASE_REFUSED ||
	    (wish->base && strcmp(wish->base, NAME_SOURCE) != 0))
		return false;
	choice->status = CHOICE_REFUSED;
	choice->why = candidates->tree.why;
	return true;
}

void base_choose(struct arena *arena, const struct base_wish *wish,
		 const struct base_needs *needs, struct base_choice *ret_choice)
{
	struct candidates candidates = { 0 };

	*ret_choice = (struct base_choice){ 0 };
	add_tree(arena, wish->ipxe_src, &candidates);
	if (tree_is_refused(&candidates, wish, ret_choice) ||
	    try_all(arena, &candidates, wish, needs, ret_choice))
		return;
	/* Reading what else there is takes time, so only now. */
	add_bases(arena, &candidates);
	if (!try_all(arena, &candidates, wish, needs, ret_choice))
		refuse(arena, &candidates, wish, needs, ret_choice);
}
