#ifndef IMPORT_LEASES_H
#define IMPORT_LEASES_H
/**
 * @file
 * Static hosts of DHCP servers: private to lease*.c.
 */
#include "import.h"

/** Files that include others, within each other. */
#define LEASE_INCLUDE_DEPTH_MAX 8

struct lease_value {
	struct text text; /**< ptr NULL: not given */
	struct span at;
};

/** One host, as it was found. */
struct lease_host {
	struct span at;
	struct lease_value name, ip;
	VEC(struct lease_value) macs; /**< canonical */
	struct text node;             /**< its name in the site */
	bool refused; /**< it has a MAC address, which is none */
};

/** A network, to know how long the prefixes of addresses are. */
struct lease_subnet {
	uint32_t address; /**< host byte order */
	unsigned prefix;
};

struct leases {
	struct import *im;
	VEC(struct lease_host) hosts;
	VEC(struct lease_subnet) subnets;
	const char *group; /**< of all hosts; or NULL */
	unsigned depth;    /**< of files that include others */
};

/** Take a word for a MAC address. @return false after a finding */
bool lease_mac(struct leases *l, struct lease_host *host, struct text word,
	       struct span at);

/** Take a word for an IPv4 address; others are reported. */
void lease_ip(struct leases *l, struct lease_host *host, struct text word,
	      struct span at);

void lease_name(struct lease_host *host, struct text word, struct span at);

/** A host is complete. One without a MAC address is reported. */
void lease_add(struct leases *l, const struct lease_host *host);

/** Something of a host for which a site has no word. */
void lease_ignore(struct leases *l, struct span at, struct text what);

/** @param prefix	"24", "255.255.255.0", or part of @p address: "…/24" */
void lease_subnet(struct leases *l, struct text address, struct text prefix);

bool lease_is_ipv4(struct text word);

/** Read a file that @p from names. @return NULL after a finding */
const struct source *lease_include(struct leases *l, const struct source *from,
				   struct text path, struct span at);

/* One for each program; they report what they cannot read. */
void leases_dhcpd(struct leases *l, const struct source *source);
void leases_kea(struct leases *l, const struct source *source);
void leases_dnsmasq(struct leases *l, const struct source *source);
void leases_ethers(struct leases *l, const struct source *source);
void leases_vyos(struct leases *l, const struct source *source);

/* -- words, as most of these files have them -- */

enum lease_token {
	TOKEN_END,
	TOKEN_WORD, /**< in quotes or not */
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_SEMICOLON,
	TOKEN_NEWLINE,
};

struct lease_lexer {
	const struct source *source;
	size_t next;
	bool lines;  /**< ends of lines are tokens, and ";" is a letter */
	bool commas; /**< commas separate words */
};

struct lease_word {
	enum lease_token token;
	struct text text; /**< TOKEN_WORD: without its quotes */
	struct span at;
};

/** The next token; comments of #, //… are passed over. */
struct lease_word lease_next(struct lease_lexer *lexer, struct arena *arena);

#endif
