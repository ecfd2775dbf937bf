#include "uplink.h"

#include "arena.h"
#include "hex.h"
#include "value.h"

#include <arpa/inet.h>
#include <stdlib.h>

struct uplink_settings uplink_merge(const struct levels *levels)
{
	struct uplink_settings all = { .dhcp = false };

	for (size_t i = 0; i < levels->count; i++) {
		const struct uplink_settings *said =
			settings_more(levels->at[i].set)->network;

		if (!said)
			continue;
		if (said->dhcp)
			all = (struct uplink_settings){ .dhcp = false };
		if (said->ip.tmpl)
			all.ip = said->ip;
		if (said->gateway.tmpl)
			all.gateway = said->gateway;
		if (said->vlan.tmpl)
			all.vlan = said->vlan;
		if (said->ntp.tmpl)
			all.ntp = said->ntp;
		if (said->dns.count)
			all.dns = said->dns;
		if (said->nics.count)
			all.nics = said->nics;
	}
	return all;
}

/* @return whether it was given and is there now */
static bool rendered(const struct uplink_env *env,
		     const struct templated *value, struct text *ret)
{
	return value->tmpl && env->render(env->ctx, value, ret);
}

static const char *dotted(struct arena *arena, struct in_addr address)
{
	char *text = arena_alloc(arena, INET_ADDRSTRLEN);

	inet_ntop(AF_INET, &address, text, INET_ADDRSTRLEN);
	return text;
}

/* An address without a prefix length. */
static const char *parse_address(struct arena *arena, struct text text,
				 struct in_addr *ret)
{
	struct text good;

	if (memchr(text.ptr, '/', text.len) || value_ip(arena, text, &good))
		return "is not an IPv4 address";
	inet_pton(AF_INET, arena_copy(arena, text.ptr, text.len), ret);
	return NULL;
}

/* Whether all bits that tell machines of a network apart are alike. Networks of
 * two addresses have no others (RFC 3021). */
static bool is_no_machine(struct in_addr address, struct in_addr mask)
{
	uint32_t rest = ~ntohl(mask.s_addr);
	uint32_t own = ntohl(address.s_addr) & rest;

	return rest > 1 && (own == 0 || own == rest);
}

/* Networks that no card can be in: RFC 1122, section 3.2.1.3. */
static bool is_no_network(struct in_addr address)
{
	uint32_t first = ntohl(address.s_addr) >> 24;

	return first == 0 || first == 127 || first >= 224;
}

static const char *check_machine(struct in_addr address, struct in_addr mask)
{
	if (is_no_network(address))
		return "is in a network that no machine can have an address in";
	if (is_no_machine(address, mask))
		return "stands for the network itself, or for all that is in "
		       "it, and so for no machine";
	return NULL;
}

static const char *set_address(struct arena *arena, struct text text,
			       struct uplink *uplink)
{
	const char *slash = memchr(text.ptr, '/', text.len), *wrong;
	struct text good;
	struct in_addr mask, address;
	size_t len;
	int prefix;

	if (!slash)
		return "has no prefix length: write it as 192.168.1.201/24";
	if ((wrong = value_ip(arena, text, &good)))
		return wrong;
	prefix = atoi(slash + 1);
	if (prefix < 1 || prefix > 31)
		return "has a prefix length that is not 1 to 31";
	mask.s_addr = htonl(0xffffffffu << (32 - prefix));
	len = (size_t)(slash - text.ptr);
	good = (struct text){ arena_copy(arena, text.ptr, len), len };
	inet_pton(AF_INET, good.ptr, &address);
	if ((wrong = check_machine(address, mask)))
		return wrong;
	uplink->ip = good;
	uplink->netmask = text_of(dotted(arena, mask));
	return NULL;
}

static void find_address(const struct uplink_env *env,
			 const struct uplink_settings *set,
			 struct uplink *uplink)
{
	const char *wrong;
	struct text text;

	if (!rendered(env, &set->ip, &text))
		return;
	wrong = set_address(env->arena, text, uplink);
	if (wrong)
		env->refuse(env->ctx, set->ip.at, text, wrong);
}

/* A router that a machine cannot reach is a typing mistake. */
static const char *check_gateway(struct arena *arena, struct text text,
				 const struct uplink *uplink)
{
	struct in_addr gateway, ip, mask;
	const char *wrong = parse_address(arena, text, &gateway);

	if (wrong)
		return wrong;
	inet_pton(AF_INET, uplink->ip.ptr, &ip);
	inet_pton(AF_INET, uplink->netmask.ptr, &mask);
	if ((ip.s_addr ^ gateway.s_addr) & mask.s_addr)
		return "is not in the network of the machine's address";
	if (ip.s_addr == gateway.s_addr)
		return "is the address of the machine itself";
	return check_machine(gateway, mask);
}

static void find_gateway(const struct uplink_env *env,
			 const struct uplink_settings *set,
			 struct uplink *uplink)
{
	const char *wrong;
	struct text text;

	if (!uplink->ip.ptr || !rendered(env, &set->gateway, &text))
		return;
	wrong = check_gateway(env->arena, text, uplink);
	if (wrong)
		env->refuse(env->ctx, set->gateway.at, text, wrong);
	else
		uplink->gateway = text;
}

static void find_dns(const struct uplink_env *env,
		     const struct uplink_settings *set, struct uplink *uplink)
{
	size_t *count = &uplink->server_count;
	char *digits;

	if (!set->dns.count)
		return;
	digits = arena_alloc(env->arena, 8 * set->dns.count + 1);
	uplink->servers =
		arena_new_array(env->arena, set->dns.count, struct text);
	for (size_t i = 0; i < set->dns.count; i++) {
		struct in_addr address;
		struct text text;
		const char *wrong;

		if (!rendered(env, &set->dns.at[i], &text))
			continue;
		wrong = parse_address(env->arena, text, &address);
		if (wrong) {
			env->refuse(env->ctx, set->dns.at[i].at, text, wrong);
			continue;
		}
		hex_digits(&address.s_addr, 4, digits + 8 * *count);
		uplink->servers[(*count)++] = text;
	}
	if (*count)
		uplink->dns = (struct text){ digits, 8 * *count };
}

static const char *check_vlan(struct text text)
{
	unsigned number = 0;

	for (size_t i = 0; i < text.len && text.len <= 4; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return "is no number of a VLAN";
		number = number * 10 + (unsigned)(text.ptr[i] - '0');
	}
	if (number < 1 || number > 4094 || text.ptr[0] == '0')
		return "is no number of a VLAN: write 1 to 4094";
	return NULL;
}

/* A value that one function finds good or refuses. */
static void find_checked(const struct uplink_env *env,
			 const struct templated *value,
			 const char *(*refusal)(struct text), struct text *ret)
{
	const char *wrong;
	struct text text;

	if (!rendered(env, value, &text))
		return;
	if ((wrong = refusal(text)))
		env->refuse(env->ctx, value->at, text, wrong);
	else
		*ret = text;
}

struct uplink uplink_of(const struct uplink_env *env,
			const struct levels *levels, bool with_address,
			struct span *ret_ip_at)
{
	const struct uplink_settings set = uplink_merge(levels);
	struct uplink uplink = { .nic_count = set.nics.count };

	if (with_address) {
		find_address(env, &set, &uplink);
		find_gateway(env, &set, &uplink);
	}
	find_dns(env, &set, &uplink);
	find_checked(env, &set.vlan, check_vlan, &uplink.vlan);
	find_checked(env, &set.ntp, value_host, &uplink.ntp);
	if (set.nics.count)
		uplink.nics = arena_new_array(env->arena, set.nics.count,
					      struct text);
	for (size_t i = 0; i < set.nics.count; i++)
		uplink.nics[i] = set.nics.at[i].text;
	*ret_ip_at = set.ip.at;
	return uplink;
}
