#include "resolve_parts.h"

#include "arena.h"
#include "doc.h"
#include "schema.h"

/* A fault in what a level says must not make its machines complain too. */
static void mark_incomplete(const struct holders *holders,
			    const struct schema_key *key)
{
	struct settings *set = holders->at[IN_SETTINGS];
	struct node *node = holders->at[IN_NODE];

	if (set && (!key || key->holder == IN_PROFILE ||
		    key->holder == IN_SETTINGS || key->holder == IN_MORE))
		set->incomplete = true;
	if (node && key && key->holder == IN_NODE)
		node->identity_refused = true;
}

/* "a site", "an item" */
static const char *level_words(const struct resolve *r, enum level level)
{
	const char *name = schema_level_name(level);

	return arena_printf(r->arena, "a%s %s",
			    strchr("aeiou", *name) ? "n" : "", name);
}

static void unknown_key(struct resolve *r, const struct doc_pair *pair,
			struct text name, enum level level)
{
	const struct schema_key *elsewhere = schema_find_anywhere(name);
	const char *nearest = schema_nearest(name, level);
	struct diag *d;

	if (elsewhere) {
		d = diag_at(r->ds, DIAG_E207, pair->key_at,
			    "%s cannot stand in %s", diag_quote(r->ds, name),
			    level_words(r, level));
		for (unsigned bit = 1; bit <= AT_LAST; bit <<= 1)
			if (elsewhere->levels & bit)
				diag_help(r->ds, d, "it belongs in %s",
					  level_words(r, (enum level)bit));
		return;
	}
	d = diag_at(r->ds, DIAG_E202, pair->key_at, "unknown key %s in %s",
		    diag_quote(r->ds, name), level_words(r, level));
	if (nearest)
		diag_help(r->ds, d, "did you mean \"%s\"?", nearest);
}

/* What has been read before, by site_file.c. */
static void parse_nothing(struct resolve *r, const struct doc *doc,
			  const struct field *field)
{
	(void)r, (void)doc, (void)field;
}

static const parse_fn parsers[TYPES] = {
	[TYPE_NAME] = parse_name,
	[TYPE_TOKEN] = parse_token,
	[TYPE_TEXT] = parse_text,
	[TYPE_TEXTS] = parse_templated_list,
	[TYPE_URLS] = parse_urls,
	[TYPE_ASSET_URLS] = parse_asset_urls,
	[TYPE_ASSET] = parse_asset,
	[TYPE_ASSETS] = parse_assets,
	[TYPE_DRIVE] = parse_drive,
	[TYPE_ARGS] = parse_args,
	[TYPE_ARCH] = parse_arch,
	[TYPE_DOWNLOAD] = parse_text,
	[TYPE_SHA256] = parse_text,
	[TYPE_FILE_PATH] = parse_file_path,
	[TYPE_TRUST] = parse_trust,
	[TYPE_INCLUDE] = parse_nothing,
	[TYPE_VERIFY] = parse_verify,
	[TYPE_BOOT] = parse_boot,
	[TYPE_UNKNOWN] = parse_unknown,
	[TYPE_BOOLEAN] = parse_boolean,
	[TYPE_DISPATCH] = parse_dispatch,
	[TYPE_PROFILES] = parse_profiles,
	[TYPE_GROUPS] = parse_groups,
	[TYPE_NODES] = parse_nodes,
	[TYPE_PHASES] = parse_phases,
	[TYPE_REFERENCE] = parse_reference,
	[TYPE_REFERENCES] = parse_references,
	[TYPE_CHANNELS] = parse_channels,
	[TYPE_CHANNEL] = parse_reference,
	[TYPE_FILES] = parse_files,
	[TYPE_VARS] = parse_vars,
	[TYPE_VARS_FROM] = parse_vars_from,
	[TYPE_MACS] = parse_macs,
	[TYPE_UUID] = parse_uuid,
	[TYPE_TAG] = parse_tag,
	[TYPE_IP] = parse_ip,
	[TYPE_MODE] = parse_mode,
	[TYPE_SERVE] = parse_serve,
	[TYPE_COMMAND] = parse_command,
	[TYPE_FORMAT] = parse_format,
	[TYPE_MENUS] = parse_menus,
	[TYPE_ITEMS] = parse_items,
	[TYPE_WORDS] = parse_words,
	[TYPE_KEY] = parse_key,
	[TYPE_DURATION] = parse_duration,
	[TYPE_NETWORK] = parse_network,
	[TYPE_NICS] = parse_nics,
	[TYPE_MATCH] = parse_match,
	[TYPE_ARCHS] = parse_archs,
	[TYPE_PLATFORMS] = parse_platforms,
	[TYPE_TAG_PATTERNS] = parse_tag_patterns,
	[TYPE_UUID_PATTERNS] = parse_uuid_patterns,
	[TYPE_MAC_PATTERNS] = parse_mac_patterns,
};

static void both_forms(struct resolve *r, const struct doc_pair *pair,
		       const struct doc_pair *other)
{
	struct diag *d = diag_at(r->ds, DIAG_E206, pair->key_at,
				 "both \"%s\" and \"%s\" are here",
				 other->key.ptr, pair->key.ptr);

	diag_note_at(r->ds, d, other->key_at, "the other one");
}

/* Whether a key may stand here in this way; else that is reported. */
static bool key_is_good(struct resolve *r, const struct doc *map,
			const struct doc_pair *pair,
			const struct schema_key *key, bool replaces)
{
	const struct doc_pair *other;

	if (replaces && !key->merges) {
		diag_at(r->ds, DIAG_E208, pair->key_at,
			"\"%s\" has nothing to merge with, so \"!\" means "
			"nothing here: write \"%s\"",
			pair->key.ptr, key->name);
		return false;
	}
	if (replaces && (other = doc_find(map, text_of(key->name)))) {
		both_forms(r, pair, other);
		return false;
	}
	if (pair->value->kind == DOC_NULL && !schema_type_is_named(key->type)) {
		diag_at(r->ds, DIAG_E205, pair->key_at, "\"%s\" has no value",
			pair->key.ptr);
		return false;
	}
	return true;
}

/* The member that a key is for. */
static void *member_of(struct resolve *r, const struct holders *holders,
		       const struct schema_key *key)
{
	struct settings *set = holders->at[IN_SETTINGS];
	void *holder = holders->at[key->holder];

	if (key->holder == IN_MORE) {
		if (!set->more)
			set->more = arena_new(r->arena, struct more_settings);
		holder = set->more;
	}
	return (char *)holder + key->offset;
}

/* Nodes say the same keys in the same order, mostly: the first guess is what
 * came behind the last key the last time. */
static const struct schema_key *find_key(struct resolve *r, struct text name,
					 enum level level)
{
	size_t last = r->last_key ? (size_t)(r->last_key - schema_keys) : 0;
	const struct schema_key **guess = &r->next_keys[last];

	if (!*guess || !((*guess)->levels & level) ||
	    !text_is(name, (*guess)->name))
		*guess = schema_find(name, level);
	r->last_key = *guess;
	return *guess;
}

static void parse_pair(struct resolve *r, const struct doc *map,
		       const struct doc_pair *pair,
		       const struct holders *holders)
{
	struct text name = pair->key;
	bool replaces = name.len > 1 && name.ptr[name.len - 1] == '!';
	size_t errors = r->ds->errors;
	const struct schema_key *key;

	if (replaces)
		name.len--;
	key = find_key(r, name, holders->level);
	if (!key)
		unknown_key(r, pair, name, holders->level);
	else if (key_is_good(r, map, pair, key, replaces))
		parsers[key->type](r, pair->value,
				   &(struct field){
					   .key = key,
					   .name = pair->key.ptr,
					   .replaces = replaces,
					   .at = member_of(r, holders, key),
				   });
	if (r->ds->errors != errors)
		mark_incomplete(holders, key);
}

void require_keys(struct resolve *r, const struct doc *map, struct span at,
		  enum level level)
{
	/* Most levels, nodes among them, require none. */
	for (size_t i = 0; i < schema_key_count && r->required & level; i++) {
		const struct schema_key *key = &schema_keys[i];
		struct diag *d;

		if (!(key->required & level) ||
		    (map && doc_find(map, text_of(key->name))))
			continue;
		d = diag_at(r->ds, DIAG_E204, at, "the %s has no \"%s\"",
			    schema_level_name(level), key->name);
		diag_help(r->ds, d, "for example:  %s: %s", key->name,
			  key->example);
	}
}

void parse_map(struct resolve *r, const struct doc *map,
	       const struct holders *holders)
{
	require_keys(r, map, map->at, holders->level);
	for (size_t i = 0; i < map->count; i++)
		parse_pair(r, map, &map->pairs[i], holders);
}
