#ifndef COMPILER_SIMULATE_COMMANDS_H
#define COMPILER_SIMULATE_COMMANDS_H
/**
 * @file
 * Commands of the simulator: how each takes its options (core/parseopt.c and
 * core/getopt.c of iPXE), and what each does. A command returns its status, which
 * is 0 for success; a new one also needs a row in the table of
 * simulate_commands.c.
 */
#include "simulate_parts.h"

enum sim_option_kind {
	OPT_END,
	OPT_FLAG,
	OPT_TEXT,
	OPT_NUMBER, /**< 32 bits */
	OPT_KEY,    /**< a character or a number */
	OPT_SETTING,
};

/** An option that a command knows; arrays of them end with OPT_END. */
struct sim_option {
	enum sim_option_kind kind;
	const char *name;
	char letter;
};

/** An option as it was given. */
struct sim_argument {
	bool is;
	char letter;
	struct text text;
	uint32_t number;
	struct sim_ref ref;
};

enum { SIM_OPTIONS_MAX = 8 };

/** Options that are there, and what follows them. */
struct sim_call {
	/** The last one stands for none. */
	struct sim_argument at[SIM_OPTIONS_MAX + 1];
	size_t given_count;
	struct text *operands;
	size_t count;
};

struct sim_command {
	const char *name;
	const struct sim_option *options;
	size_t min, max; /**< operands */
	unsigned long (*run)(struct sim *sim, struct sim_call *call);
};

/* ------------------------------------------------------------ options -- */

/** @param call	given_count is 0, and the last of its array zero
 * @return 0 or an error */
int sim_parse_options(struct sim *sim, const struct sim_command *command,
		      struct sim_words words, struct sim_call *call);

/** @return the option with this letter; one that `is` not if it was not given */
struct sim_argument *sim_argument(struct sim_call *call, char letter);

/** An argument that is a number of 32 bits. @return 0 or an error */
int sim_parse_number(struct text text, uint32_t *ret);

/** Words from @p first on, with single spaces between; lies in sim->shown. */
struct text sim_joined(struct sim *sim, const struct sim_call *call,
		       size_t first);

/** Copy a text to a buffer, and let another one point there. */
void sim_assign(struct sbuf *buffer, struct text value, struct text *ret_text);

void sim_emit_text(struct sim *sim, enum sim_event_kind kind, struct text text,
		   bool good);
void sim_emit_image(struct sim *sim, enum sim_event_kind kind,
		    const struct sim_image *image, struct text text, bool good);

/** `set` of a name. @return a status */
unsigned long sim_store_named(struct sim *sim, struct text name,
			      struct text value);

/** Whether a card is open that has a link and an address. */
bool sim_is_online(struct sim *sim);

/* --------------------------------------------------------------- URLs -- */

/** Against the URL of the script that runs, into @p out, which is replaced.
 * @return false when it is relative and there is nothing that it could be to */
bool sim_url_resolve(struct sim *sim, struct text url, struct sbuf *out);

/** How an image from there is called: by the last part of the path, or "img0", …
 * where there is no path. */
void sim_url_name(struct sim *sim, struct text url, struct sbuf *out);

/* ----------------------------------------------------------- commands -- */

#define SIM_COMMAND(name) \
	unsigned long sim_do_##name(struct sim *sim, struct sim_call *call)

/* simulate_images.c */
SIM_COMMAND(imgfetch);
SIM_COMMAND(imgargs);
SIM_COMMAND(imgselect);
SIM_COMMAND(imgexec);
SIM_COMMAND(imgfree);
SIM_COMMAND(imgstat);
SIM_COMMAND(imgtrust);
SIM_COMMAND(imgverify);
SIM_COMMAND(sha256sum);
SIM_COMMAND(certstore);

/* simulate_menus.c */
SIM_COMMAND(menu);
SIM_COMMAND(item);
SIM_COMMAND(choose);

/* simulate_network.c */
SIM_COMMAND(ifopen);
SIM_COMMAND(ifclose);
SIM_COMMAND(ifstat);
SIM_COMMAND(iflinkwait);
SIM_COMMAND(ifconf);
SIM_COMMAND(vcreate);
SIM_COMMAND(vdestroy);
SIM_COMMAND(ntp);

/* simulate_drives.c */
SIM_COMMAND(sanboot);
SIM_COMMAND(sanhook);
SIM_COMMAND(sanunhook);

#undef SIM_COMMAND

#endif
