#include "dns.h"

#include <arpa/nameser.h>
#include <string.h>
#include <strings.h>

enum {
	POINTER_TO_QUESTION = 0xc000 | NS_HFIXEDSZ,
	RECORD_BYTES = 16, /* of one A record whose name is a pointer */
	TTL_S = 60,
};

static const struct dns_name *find(const struct dns_zone *zone,
				   const char *name)
{
	for (size_t i = 0; i < zone->count; i++)
		if (strcasecmp(zone->names[i].name, name) == 0)
			return &zone->names[i];
	return NULL;
}

/* The name, its type and its class follow the header. */
static size_t question_end(const unsigned char *query, size_t len)
{
	const unsigned char *end = query + NS_HFIXEDSZ;

	if (ns_name_skip(&end, query + len) != 0)
		return 0;
	return (size_t)(end - query) + NS_QFIXEDSZ;
}

static void put_header(unsigned char *answer, unsigned query_flags,
		       ns_rcode rcode, unsigned answers)
{
	const unsigned response = 0x8000, authoritative = 0x0400,
		       recursion_available = 0x0080, recursion_desired = 0x0100;

	ns_put16(response | authoritative | recursion_available |
			 (query_flags & recursion_desired) | (unsigned)rcode,
		 answer + 2);
	ns_put16(1, answer + 4);
	ns_put16(answers, answer + 6);
	memset(answer + 8, 0, 4);
}

static void put_record(unsigned char *to, struct in_addr address)
{
	ns_put16(POINTER_TO_QUESTION, to);
	ns_put16(ns_t_a, to + 2);
	ns_put16(ns_c_in, to + 4);
	ns_put32(TTL_S, to + 6);
	ns_put16(sizeof(address), to + 10);
	memcpy(to + 12, &address, sizeof(address));
}

static bool is_question(ns_msg *message)
{
	return !ns_msg_getflag(*message, ns_f_qr) &&
	       ns_msg_getflag(*message, ns_f_opcode) == ns_o_query &&
	       ns_msg_count(*message, ns_s_qd) == 1;
}

size_t dns_answer(const struct dns_zone *zone, const unsigned char *query,
		  size_t len, unsigned char *answer)
{
	const struct dns_name *found;
	ns_msg message;
	ns_rr question;
	size_t end;
	bool has_address;

	if (len > DNS_BYTES_MAX ||
	    ns_initparse(query, (int)len, &message) != 0 ||
	    !is_question(&message) ||
	    ns_parserr(&message, ns_s_qd, 0, &question) != 0)
		return 0;
	end = question_end(query, len);
	found = find(zone, ns_rr_name(question));
	if (!end || end > DNS_BYTES_MAX - RECORD_BYTES ||
	    (!found && !zone->complete))
		return 0;
	has_address = found && ns_rr_type(question) == ns_t_a;
	memcpy(answer, query, end);
	put_header(answer, ns_get16(query + 2),
		   found ? ns_r_noerror : ns_r_nxdomain, has_address);
	if (!has_address)
		return end;
	put_record(answer + end, found->address);
	return end + RECORD_BYTES;
}
