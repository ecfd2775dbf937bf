#ifndef IPXE_EMBED_CLI_H
#define IPXE_EMBED_CLI_H
/**
 * @file
 * The command line as data. A verb is a row with its operands, options and
 * texts; parsing, --help, the man page and the shell completion are all made
 * from it, so none of them can lie about another.
 *
 *     struct build_options { const char *output; bool no_images; };
 *
 *     static const struct option_row rows[] = {
 *             { .name = "output", .letter = 'o', .value = "DIR",
 *               .help = "Where the tree goes.", .required = true,
 *               OPTION_TEXT(struct build_options, output) },
 *             { .name = "no-images", .help = "Only the static tree.",
 *               OPTION_FLAG(struct build_options, no_images) },
 *             { 0 },
 *     };
 *
 *     const struct verb verb_build = {
 *             .name = "build", .operands = "SITE",
 *             .summary = "Write the tree and the images of a site",
 *             .text = "First paragraph.\n\nSecond paragraph.",
 *             .options = rows, .options_bytes = sizeof(struct build_options),
 *             .run = run_build,
 *     };
 *
 * and a line in the table of main.c.
 */
#include <stdbool.h>
#include <stddef.h>

struct arena;
struct call;

/** What a run of the program ends with; part of its interface. */
enum status {
	STATUS_OK = 0,
	STATUS_INPUT = 1,   /**< site file, asset or certificate at fault */
	STATUS_USAGE = 2,   /**< command line at fault */
	STATUS_MACHINE = 3, /**< I/O, or a program that we ran */
};

enum option_kind {
	OPTION_KIND_FLAG,   /**< bool */
	OPTION_KIND_TEXT,   /**< const char *, NULL when not given */
	OPTION_KIND_LIST,   /**< struct words, in the order given */
	OPTION_KIND_NUMBER, /**< long within [min, max] */
	OPTION_KIND_CHOICE, /**< int, index into choices */
};

/** Values of an option that may be repeated; fits vec_foreach(). */
struct words {
	const char **at;
	size_t count, room;
};

/** One option. All texts are plain English, wrapped where they are shown. */
struct option_row {
	const char *name;  /**< without dashes; NULL ends a table */
	const char *value; /**< "FILE"; NULL for flags and choices */
	const char *help;  /**< sentences */
	/** Taken, and documented, when the option is absent; may be NULL */
	const char *fallback;
	const char *const *choices; /**< ends with NULL */
	long min, max;
	size_t offset;
	enum option_kind kind;
	char letter; /**< short form, or 0 */
	bool required;
};

/* The kind of an option and where its value goes. A field of another type
 * than the kind wants does not compile. */
#define OPTION_FIELD(type, field, wanted) \
	_Generic(((type *)0)->field, wanted : offsetof(type, field))
#define OPTION_FLAG(type, field) \
	.kind = OPTION_KIND_FLAG, .offset = OPTION_FIELD(type, field, bool)
#define OPTION_TEXT(type, field)  \
	.kind = OPTION_KIND_TEXT, \
	.offset = OPTION_FIELD(type, field, const char *)
#define OPTION_LIST(type, field)  \
	.kind = OPTION_KIND_LIST, \
	.offset = OPTION_FIELD(type, field, struct words)
#define OPTION_NUMBER(type, field, low, high)                    \
	.kind = OPTION_KIND_NUMBER, .min = (low), .max = (high), \
	.offset = OPTION_FIELD(type, field, long)
#define OPTION_CHOICE(type, field, names)               \
	.kind = OPTION_KIND_CHOICE, .choices = (names), \
	.offset = OPTION_FIELD(type, field, int)

/** A command line, and what it does where that is not plain (may be NULL). */
struct example {
	const char *line, *what;
};

struct verb {
	const char *name;     /**< one word, or two: "keys init" */
	const char *operands; /**< "SITE", "[CODE]", "DIR FILE..."; or NULL */
	const char *summary;  /**< one line, no full stop */
	const char *text;     /**< paragraphs, a blank line between them */
	const struct option_row *options; /**< may be NULL */
	size_t options_bytes;             /**< of the struct that they fill */
	const struct example *examples; /**< ends with line NULL; may be NULL */
	enum status (*run)(struct call *call);
};

/** A section of the manual: environment variables, files, statuses. */
struct topic {
	const char *heading; /**< "EXIT STATUS"; NULL ends a table */
	const struct term {
		const char *name, *text;
	} * terms; /**< ends with name NULL */
};

struct program {
	const char *name, *version, *summary, *text;
	const struct verb *const *verbs; /**< ends with NULL */
	const struct topic *topics;
};

enum error_format { ERROR_FORMAT_HUMAN, ERROR_FORMAT_JSON };

/** One run of one verb. */
struct call {
	const struct program *program;
	const struct verb *verb;
	const void *options; /**< the verb's own struct, filled */
	const char *const *operands;
	size_t operand_count; /**< as many as the verb's operands allow */
	struct arena *arena;  /**< memory of the run */
	enum error_format error_format;
	bool colour; /**< on standard error */
};

/**
 * Parse a command line, run its verb, check that all output got out.
 *
 * @return exit status
 */
int cli_main(const struct program *program, int argc, char **argv);

/** @return NULL if there is no verb of this name */
const struct verb *cli_verb(const struct program *program, const char *name);

/** Whether verbs of two words begin with this one, as "keys". */
bool cli_is_family(const struct program *program, const char *name);

/** Options that every verb has: --help, --error-format, … */
extern const struct option_row cli_common_options[];

/** How many operands a verb takes; @p ret_max SIZE_MAX for "any number". */
void cli_operand_range(const struct verb *verb, size_t *ret_min,
		       size_t *ret_max);

#endif
