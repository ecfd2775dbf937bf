#ifndef PROGRAM_DNS_H
#define PROGRAM_DNS_H
/**
 * @file
 * Answers to DNS queries, for the few names of one trial.
 */
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

struct dns_name {
	const char *name; /**< "boot.lab.example" */
	struct in_addr address;
};

struct dns_zone {
	const struct dns_name *names;
	size_t count;
	bool complete; /**< no other name exists */
};

/** As long as an answer gets without extensions. */
enum { DNS_BYTES_MAX = 512 };

/**
 * Answer one query.
 *
 * @param query	the content of a UDP datagram, whatever it is
 * @param answer	room for DNS_BYTES_MAX
 * @return its length; 0 if it is no query, or asks for a name that the zone
 *	   has not, nor denies
 * @see RFC 1035, section 4.1
 */
size_t dns_answer(const struct dns_zone *zone, const unsigned char *query,
		  size_t len, unsigned char *answer);

#endif
