#ifndef COMPILER_SIMULATE_H
#define COMPILER_SIMULATE_H
/**
 * @file
 * What a machine does with an iPXE script: an interpreter that follows the rules
 * of iPXE 2.0.0 (core/exec.c, core/settings.c, core/parseopt.c, core/getopt.c,
 * image/script.c, hci/commands/, usr/), in a world that the caller makes up.
 *
 * It fetches nothing and waits for nothing. What it does not model (a command, a
 * block of settings) it says in an event, and never passes over in silence.
 */
#include "sbuf.h"
#include "text.h"

struct arena;
struct sim;
struct sim_script;

/* -------------------------------------------------------------- world -- */

/** A network card, by the name of its place: net0, net1, … */
struct sim_card {
	unsigned char mac[6];
	bool link;  /**< a cable with something at its end */
	bool dhcp;  /**< somebody answers there */
	bool lease; /**< the firmware was given an address there already */
};

enum sim_content_kind {
	SIM_DATA,      /**< nothing that could be executed */
	SIM_KERNEL,    /**< a kernel, or another program of the firmware */
	SIM_SCRIPT,    /**< an iPXE script */
	SIM_SIGNATURE, /**< of one other content */
	SIM_NOT_FOUND, /**< the server says 404 */
};

/** What a URL answers with. */
struct sim_content {
	enum sim_content_kind kind;
	unsigned char sha256[32];
	const struct sim_script *script; /**< SIM_SCRIPT */
	const unsigned char *signs;      /**< SIM_SIGNATURE: a SHA-256 */
	struct text signer;              /**< SIM_SIGNATURE: common name */
	bool signed_for_firmware;        /**< Secure Boot lets it run */
	bool genuine; /**< for the caller alone: not somebody else's */
};

/** An entry of a menu; name.ptr NULL for a gap. */
struct sim_item {
	struct text name, label;
	int key; /**< short cut, or 0 */
	bool chosen_first;
};

/** What is at the other end of the URI of a drive. */
enum sim_drive {
	SIM_DRIVE_NONE,  /**< nothing: it cannot be opened */
	SIM_DRIVE_EMPTY, /**< a drive that nothing boots from */
	SIM_DRIVE_BOOTS,
};

/** A setting that comes from outside, as DHCP would bring it. */
struct sim_given {
	const char *name;
	const char *value; /**< as `set` would take it */
};

struct sim_event;
struct sim_image;

/** Zero is a machine without anything. Borrowed during a run. */
struct sim_world {
	void *ctx;
	const struct sim_card *cards;
	size_t card_count;
	const char *platform; /**< "pcbios", "efi"; NULL: "pcbios" */
	/** Of the build: "x86_64"; NULL: that, and "i386" for "pcbios" */
	const char *arch;
	struct text uuid; /**< with hyphens; ptr NULL: none, as below */
	struct text serial, asset, manufacturer, product;
	bool secure_boot; /**< the firmware runs only what is signed for it */
	bool disk;        /**< something boots from disk */
	bool stray; /**< an unverified image lies there from the beginning */
	const struct sim_given *given; /**< what DHCP brings, on any card */
	size_t given_count;

	/** @return what the URL answers with; NULL: nothing, it fails */
	const struct sim_content *(*fetch)(void *ctx, struct text url);
	/** Asked each time that a drive elsewhere is opened; NULL: there is
	 * none */
	enum sim_drive (*drive)(void *ctx, struct text uri);
	/** NULL where these always answer alike; else a number that is the
	 * same again only when all later answers will be */
	uint64_t (*fetch_state)(void *ctx);
	/** A key for `prompt`; 0: nobody is there. NULL: nobody ever is */
	int (*press)(void *ctx, struct text text);
	/** An item for `choose`; @p count for ESC; SIZE_MAX: nobody is there.
	 * NULL: nobody ever is */
	size_t (*choose)(void *ctx, struct text title,
			 const struct sim_item *items, size_t count);
	/** Whether a kernel starts that the firmware lets run; NULL: always */
	bool (*starts)(void *ctx, const struct sim_image *kernel);
	/** NULL: nobody looks */
	void (*event)(void *ctx, const struct sim_event *event);
	/** The run stops when this is true of a label gone to; NULL: never */
	bool (*stop_at)(void *ctx, struct text label);
};

/* -------------------------------------------------------------- items -- */

/** How an image came to be known as good; bits. */
enum sim_verified {
	SIM_BY_SIGNATURE = 1,
	/** Its SHA-256 was taken, and found equal to what the script says */
	SIM_BY_DIGEST = 2,
};

struct sim_image {
	struct text name, url, arguments;
	const struct sim_content
		*content;  /**< NULL for what was there before */
	unsigned verified; /**< enum sim_verified, or'ed */
	bool trusted, measured, autofree, registered, selected;
	struct sim_image *replacement;
};

/* -------------------------------------------------------------- trace -- */

enum sim_event_kind {
	SIM_ECHO,       /**< text */
	SIM_LABEL,      /**< text: gone to */
	SIM_NO_LABEL,   /**< text: not there */
	SIM_FETCH,      /**< text: URL, image, or NULL when it failed */
	SIM_VERIFY,     /**< image, text: URL of the signature, good */
	SIM_DIGEST,     /**< image: its SHA-256 was found equal */
	SIM_FREE,       /**< image */
	SIM_NETWORK,    /**< text: command and card, good */
	SIM_SLEEP,      /**< number: seconds */
	SIM_ASK,        /**< text: prompt or title of a menu; more: answer */
	SIM_BOOT,       /**< image: executed; see sim_images() */
	SIM_SCRIPT_RUN, /**< image: a script that is started */
	SIM_REFUSE,     /**< image: not executed; text: why */
	SIM_DISK,       /**< text: file name, or empty; number: drive; good */
	SIM_SAN,        /**< text: URI of a drive that is opened; good */
	SIM_SHELL,
	SIM_UNMODELLED, /**< text: what this interpreter does not know */
	SIM_END,        /**< number: status; see enum sim_end */
};

struct sim_event {
	enum sim_event_kind kind;
	struct text text, more;
	const struct sim_image *image;
	unsigned long number;
	bool good;
};

enum sim_end {
	SIM_RUNNING,
	SIM_BOOTED,      /**< a kernel runs; see sim_booted() */
	SIM_DISK_BOOTED, /**< what is on the disk runs */
	SIM_SAN_BOOTED,  /**< what is on a drive elsewhere runs */
	SIM_EXITED,      /**< back to the firmware, with sim_status() */
	SIM_REBOOTED,
	SIM_POWERED_OFF,
	SIM_RETRIES, /**< comes back to the same state again and again, pausing */
	SIM_SPINS,   /**< the same without a pause, or without an end */
	SIM_WAITS,   /**< for a key that nobody presses */
	SIM_HANGS,   /**< expanding without end, or out of memory */
	SIM_STOPPED, /**< stop_at() */
};

/* ---------------------------------------------------------------- run -- */

/**
 * Get to know a script: its labels, which `goto` looks for from the top.
 *
 * @param arena	for the index
 * @param bytes	borrowed
 */
const struct sim_script *sim_script_new(struct arena *arena, struct text bytes);

/**
 * Where in a script `goto` finds a label.
 *
 * @return the line that it begins, as an offset; SIZE_MAX: there is none
 */
size_t sim_script_find(const struct sim_script *script, struct text label);

/** What one run needs; may be used for many, one after the other. */
struct sim *sim_new(void);
void sim_free(struct sim *sim);

/**
 * Run a script that iPXE has built in.
 *
 * What the functions below return lives until the next run.
 */
enum sim_end sim_run(struct sim *sim, const struct sim_script *script,
		     const struct sim_world *world);

/** With which the script ended, after SIM_EXITED; 0 for success. */
unsigned long sim_status(const struct sim *sim);

/** What runs, after SIM_BOOTED; else NULL. */
const struct sim_image *sim_booted(const struct sim *sim);

/** Images that are registered, oldest first; they are initrds when a kernel
 * starts, which itself is not among them. */
struct sim_image *const *sim_images(const struct sim *sim, size_t *ret_count);

/** The card that is open, has a link and an address; NULL: there is none, or more
 * than one. */
const struct sim_card *sim_card_in_use(struct sim *sim);

/** Whether only trusted images may be executed, and that cannot be undone. */
bool sim_trust_required(const struct sim *sim);

/** `${…}` of a name, as a script would see it; empty when it is not set. */
struct text sim_setting(struct sim *sim, const char *name);

/** Set it from outside, in the midst of a run: as `set` would. */
void sim_set(struct sim *sim, const char *name, const char *value);

/** Expand `${…}` in a text as iPXE does; valid until the next call. */
struct text sim_expand(struct sim *sim, struct text text);

/** Whether the run depends on what the world says of platform, processor, Secure
 * Boot, or disk; else it is the same whatever they are. */
bool sim_asked_for_kind(const struct sim *sim);

/** Lines executed so far, in this run. */
size_t sim_steps(const struct sim *sim);

/** In words, to follow "it ". */
const char *sim_end_text(enum sim_end end);

#endif
