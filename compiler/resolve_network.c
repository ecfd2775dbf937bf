#include "resolve_parts.h"

#include "arena.h"
#include "value.h"

#include <stdio.h>

void parse_network(struct resolve *r, const struct doc *doc,
		   const struct field *field)
{
	struct uplink_settings *network =
		arena_new(r->arena, struct uplink_settings);
	struct located word;

	network->at = doc->at;
	if (doc->kind == DOC_MAP) {
		parse_map(r, doc,
			  &(struct holders){ AT_NETWORK,
					     { [IN_NETWORK] = network } });
	} else if (doc->kind != DOC_SCALAR) {
		wrong_shape(r, doc, field->name, "dhcp or a map");
	} else {
		word = (struct located){ doc->text, doc->at };
		network->dhcp = text_is(doc->text, "dhcp");
		if (!network->dhcp)
			bad_value(r, DIAG_E312, &word,
				  "is no way to get onto the network: write "
				  "dhcp, or a map with an ip and others");
	}
	*(const struct uplink_settings **)field->at = network;
}

/* "net0": a card as iPXE counts them. */
static bool is_card(struct text text)
{
	char name[8];

	for (unsigned i = 0; i < NICS_MAX; i++) {
		snprintf(name, sizeof(name), "net%u", i);
		if (text_is(text, name))
			return true;
	}
	return false;
}

void parse_nics(struct resolve *r, const struct doc *doc,
		const struct field *field)
{
	struct located_list list = get_scalars(r, doc, field->name);
	struct located_list *good = field->at;

	if (refuse_empty_list(r, doc, field->name))
		return;
	if (list.count > NICS_MAX) {
		diag_at(r->ds, DIAG_E333, doc->at, "more than %d cards",
			NICS_MAX);
		return;
	}
	good->at = arena_new_array(r->arena, list.count, struct located);
	for (size_t i = 0; i < list.count; i++) {
		struct located *nic = &good->at[good->count];

		*nic = list.at[i];
		if (!is_card(nic->text) &&
		    value_mac(r->arena, list.at[i].text, &nic->text)) {
			bad_value(r, DIAG_E333, &list.at[i],
				  "is no card: write net0 to net15, or a MAC "
				  "address");
			continue;
		}
		good->count++;
	}
}
