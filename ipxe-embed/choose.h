#ifndef PROGRAM_CHOOSE_H
#define PROGRAM_CHOOSE_H
/**
 * @file
 * Which base the images of a site are made from.
 *
 * Candidates are the iPXE tree with what is prepared from it, bases that were
 * prepared from trees that are not here, and stock bases. One table (choose.c)
 * says what a site may ask of a base, and which base has it.
 */
#include "bake.h"
#include "prepare.h"
#include "stock.h"

enum base_kind { BASE_FROM_SOURCE, BASE_STOCK };

struct candidate {
	enum base_kind kind;
	const char *name; /**< what --base takes: "source", "stock-2.0.0-…" */
	const char *version; /**< of iPXE, or of the package */
	struct base base;    /**< BASE_FROM_SOURCE */
	/** BASE_FROM_SOURCE: what is prepared from it */
	struct {
		struct prepared_about *at;
		size_t count, room;
	} prepared;
	struct stock stock; /**< BASE_STOCK; without the bytes */
};

/** All there are, the best first. */
struct candidates {
	struct candidate *at;
	size_t count, room;
	/** Directories that are damaged, or of another ipxe-embed */
	struct {
		struct unusable {
			const char *directory, *why;
		} * at;
		size_t count, room;
	} unusable;
	struct base tree; /**< as base_find() left it */
};

/** What a site asks of a base. */
struct base_needs {
	unsigned verify; /**< enum verify, or'ed */
	struct features features;
	bool ntp; /**< some machine asks for the time */
	size_t root_count;
	/** Images asked for by name */
	const struct bake_target *const *targets;
	size_t target_count;
	bool usual; /**< all usual ones, too */
	bool stick; /**< usb.img, with what the base has for one */
};

/** What the user says about it. */
struct base_wish {
	const char *base;     /**< "source", "stock", a name; or NULL */
	const char *ipxe_src; /**< as of base_find() */
};

/** Look what is here. */
void candidates_find(struct arena *arena, const char *ipxe_src,
		     struct candidates *ret_candidates);

/** Read every byte of what was found; what is damaged becomes unusable. */
void candidates_check(struct arena *arena, struct candidates *candidates);

/**
 * What a site asks for and a base lacks.
 *
 * @return NULL if it can do all; else words that follow "it "
 */
const char *candidate_lack(struct arena *arena,
			   const struct candidate *candidate,
			   const struct base_needs *needs);

/** What a base can do, and what it cannot lock down, in lines of a list. */
void candidate_print(const struct candidate *candidate, struct sbuf *out);

enum choice_status {
	CHOICE_MADE,
	CHOICE_NONE,    /**< no base is here at all */
	CHOICE_REFUSED, /**< none that is here can do it */
};

struct base_choice {
	enum choice_status status;
	/** MADE: what was chosen, and why; else how to get one. Sentences */
	const char *why;
	struct candidate chosen; /**< MADE */
	/** MADE: the images to make: those asked for, and the usual ones that
	 * the base has; then those that only the stick needs */
	const struct bake_target **targets;
	size_t target_count, asked_count;
};

/** Choose the best base that can do what a site asks for. */
void base_choose(struct arena *arena, const struct base_wish *wish,
		 const struct base_needs *needs,
		 struct base_choice *ret_choice);

#endif
