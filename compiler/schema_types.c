#include "schema.h"

/* Pieces of the table. */
#define ONE_OR_MORE(of)                                               \
	"\"anyOf\": [" of ", {\"type\": \"array\", \"minItems\": 1, " \
	"\"items\": " of "}]"
#define SCALAR "{\"type\": [\"string\", \"number\", \"boolean\"]}"
#define STEP   "{\"type\": \"string\", \"minLength\": 1}"
/* Of one of these. A map is none, so that faults are told of it alone. */
#define BY_ARCH(of)                                          \
	"{\"type\": \"object\", \"minProperties\": 1, "      \
	"\"additionalProperties\": false, \"properties\": {" \
	"\"x86_64\": " of ", \"arm64\": " of "}}"
#define SOME(of)                                                       \
	"{\"anyOf\": [" of ", {\"type\": \"array\", \"minItems\": 1, " \
	"\"items\": " of "}]}"
#define MORE_BY_ARCH(of)                                                       \
	"\"anyOf\": [" of ", " BY_ARCH(SOME(                                   \
		of)) ", {\"type\": "                                           \
		     "\"array\", \"minItems\": 1, \"items\": {\"anyOf\": [" of \
		     ", " BY_ARCH(SOME(of)) "]}}]"
#define FILES_OF_ARCH                                                 \
	"{\"type\": \"object\", \"propertyNames\": {\"pattern\": "    \
	"\"^/\"}, \"additionalProperties\": {\"anyOf\": [{\"type\": " \
	"\"string\"}, {\"$ref\": \"#/$defs/file\"}]}}"
#define ASSET_ITEM                                                \
	"{\"anyOf\": [{\"type\": \"string\", \"minLength\": 1}, " \
	"{\"$ref\": \"#/$defs/asset\"}]}"
#define NAME                                        \
	"\"type\": \"string\", \"maxLength\": 63, " \
	"\"pattern\": \"^[A-Za-z0-9][A-Za-z0-9._-]*$\""
#define NAMED(of)                                                       \
	"\"type\": \"object\", \"propertyNames\": {" NAME "}, "         \
	"\"additionalProperties\": {\"anyOf\": [{\"type\": \"null\"}, " \
	"{\"$ref\": \"#/$defs/" of "\"}]}"

static const struct {
	const char *json, *words;
} value_types[TYPES] = {
	[TYPE_NAME] = { NAME, "name" },
	[TYPE_TOKEN] = { "\"type\": \"string\", \"pattern\": "
			 "\"^[^-\\\\s]\\\\S*$\"",
			 "word" },
	[TYPE_TEXT] = { "\"type\": [\"string\", \"number\", \"boolean\"]",
			"text" },
	[TYPE_TEXTS] = { ONE_OR_MORE(SCALAR), "text or list of texts" },
	[TYPE_URLS] = { ONE_OR_MORE(
				"{\"type\": \"string\", \"pattern\": "
				"\"^[Hh][Tt][Tt][Pp][Ss]://[^/@]+/(.*/)?$\"}"),
			"URL or list of URLs" },
	[TYPE_ASSET_URLS] = { ONE_OR_MORE(
				      "{\"type\": \"string\", \"pattern\": "
				      "\"^[Hh][Tt][Tt][Pp][Ss]?://[^/@]+/(.*/)?$\"}"),
			      "URL or list of URLs" },
	[TYPE_ASSET] = { "\"anyOf\": [" ASSET_ITEM ", " BY_ARCH(ASSET_ITEM) "]",
			 "path, or a map" },
	[TYPE_DRIVE] = { "\"anyOf\": [" STEP ", " BY_ARCH(STEP) "]",
			 "URI, or a map" },
	[TYPE_ASSETS] = { MORE_BY_ARCH(ASSET_ITEM),
			  "path or map, or a list of them" },
	[TYPE_ARGS] = { MORE_BY_ARCH(SCALAR), "text, or a list, or a map" },
	[TYPE_ARCH] = { "\"enum\": [\"x86_64\", \"arm64\"]",
			"x86_64 or arm64" },
	[TYPE_DOWNLOAD] = { "\"type\": \"string\", \"pattern\": "
			    "\"^[Hh][Tt][Tt][Pp][Ss]?://|\\\\{\\\\{\"",
			    "URL" },
	[TYPE_SHA256] = { "\"type\": \"string\", \"pattern\": "
			  "\"^[0-9A-Fa-f]{64}$|\\\\{\\\\{\"",
			  "64 hexadecimal digits" },
	[TYPE_FILE_PATH] = { "\"type\": \"string\", \"minLength\": 1", "path" },
	[TYPE_TRUST] = { ONE_OR_MORE(STEP), "path or list of paths" },
	[TYPE_INCLUDE] = { ONE_OR_MORE(STEP),
			   "path or list of paths, with * and ?" },
	[TYPE_VERIFY] = { ONE_OR_MORE("{\"enum\": [\"signature\", \"digest\", "
				      "\"secure-boot\"]}"),
			  "signature, digest, secure-boot, or a list of them" },
	[TYPE_BOOT] = { ONE_OR_MORE(STEP), "step or list of steps" },
	[TYPE_UNKNOWN] = { "\"anyOf\": [" STEP ", {\"type\": \"array\", "
			   "\"minItems\": 1, \"items\": " STEP "}, "
			   "{\"type\": \"array\", \"minItems\": 1, "
			   "\"items\": {\"$ref\": \"#/$defs/rule\"}}]",
			   "step, list of steps, or list of rules" },
	[TYPE_BOOLEAN] = { "\"type\": \"boolean\"", "true or false" },
	[TYPE_DISPATCH] = { "\"enum\": [\"embedded\", \"remote\", \"both\"]",
			    "embedded, remote or both" },
	[TYPE_PROFILES] = { NAMED("profile"), "map of profiles" },
	[TYPE_GROUPS] = { NAMED("group"), "map of groups" },
	[TYPE_NODES] = { "\"type\": \"object\", \"propertyNames\": "
			 "{\"maxLength\": 63, \"pattern\": "
			 "\"^[A-Za-z0-9\\\\[][A-Za-z0-9._\\\\[\\\\]-]*$\"}, "
			 "\"patternProperties\": {\"\\\\[\": {\"type\": "
			 "\"object\"}}, \"additionalProperties\": {\"anyOf\": "
			 "[{\"type\": \"null\"}, "
			 "{\"$ref\": \"#/$defs/node\"}]}",
			 "map of nodes" },
	[TYPE_PHASES] = { NAMED("phase"), "map of phases" },
	[TYPE_REFERENCE] = { NAME, "name of a profile" },
	[TYPE_REFERENCES] = { ONE_OR_MORE("{" NAME "}"),
			      "name or list of names of groups" },
	[TYPE_SERVE] = { "\"type\": \"object\", \"propertyNames\": "
			 "{\"pattern\": \"^[A-Za-z0-9][A-Za-z0-9_-]*$\"}, "
			 "\"additionalProperties\": {\"anyOf\": [{\"type\": "
			 "\"string\"}, {\"$ref\": \"#/$defs/file\"}]}",
			 "map of name to template or to a file map" },
	[TYPE_COMMAND] = { ONE_OR_MORE(SCALAR), "program and its arguments" },
	[TYPE_FORMAT] = { "\"enum\": [\"json\", \"yaml\", \"text\"]",
			  "json, yaml or text" },
	[TYPE_CHANNELS] = { "\"type\": \"object\", \"propertyNames\": {" NAME
			    "}, \"additionalProperties\": {\"type\": "
			    "\"object\", \"propertyNames\": {" NAME
			    "}, \"additionalProperties\": {\"type\": "
			    "[\"object\", \"null\"]}}",
			    "map of products, each a map of channels" },
	[TYPE_CHANNEL] = { "\"type\": \"string\", \"pattern\": "
			   "\"^[^/]+/[^/]+$\"",
			   "product/channel" },
	[TYPE_FILES] = { "\"type\": \"object\", \"propertyNames\": "
			 "{\"pattern\": \"^(/.*|x86_64|arm64)$\"}, "
			 "\"properties\": {\"x86_64\": " FILES_OF_ARCH
			 ", \"arm64\": " FILES_OF_ARCH "}, "
			 "\"additionalProperties\": {\"anyOf\": [{\"type\": "
			 "\"string\"}, {\"$ref\": \"#/$defs/file\"}]}",
			 "map of path to template or to a file map" },
	[TYPE_VARS] = { "\"type\": \"object\"", "map" },
	[TYPE_VARS_FROM] = { ONE_OR_MORE(STEP), "path or list of paths" },
	[TYPE_MACS] = { ONE_OR_MORE("{\"type\": \"string\", \"pattern\": "
				    "\"^([0-9A-Fa-f]{2}([:-]?[0-9A-Fa-f]{2})"
				    "{5}|[0-9A-Fa-f]{4}(\\\\.[0-9A-Fa-f]"
				    "{4}){2})$\"}"),
			"MAC address or list of MAC addresses" },
	[TYPE_UUID] = { "\"type\": \"string\", \"pattern\": "
			"\"^[0-9A-Fa-f-]{32,36}$\"",
			"UUID" },
	[TYPE_TAG] = { "\"type\": [\"string\", \"number\"]", "text" },
	[TYPE_IP] = { "\"type\": \"string\", \"pattern\": "
		      "\"^[0-9.]+(/([12]?[0-9]|3[0-2]))?$\"",
		      "IPv4 address, with its prefix length" },
	[TYPE_MODE] = { "\"type\": [\"string\", \"number\"], "
			"\"pattern\": \"^[0-7]{3,4}$\"",
			"octal digits" },
	[TYPE_MENUS] = { NAMED("menu"), "map of menus" },
	[TYPE_ITEMS] = { "\"type\": \"object\", \"minProperties\": 1, "
			 "\"propertyNames\": {" NAME "}, "
			 "\"additionalProperties\": {\"anyOf\": [" STEP ", "
			 "{\"type\": \"array\", \"minItems\": 1, \"items\": " STEP
			 "}, {\"$ref\": \"#/$defs/item\"}]}",
			 "map of name to boot order or to an item map" },
	[TYPE_WORDS] = { "\"type\": [\"string\", \"number\"]", "text" },
	[TYPE_KEY] = { "\"type\": [\"string\", \"number\"], "
		       "\"pattern\": \"^[A-Za-z0-9]$\"",
		       "letter or digit" },
	[TYPE_DURATION] = { "\"type\": \"string\", \"pattern\": "
			    "\"^[0-9]+[smh]$\"",
			    "duration" },
	[TYPE_NETWORK] = { "\"anyOf\": [{\"const\": \"dhcp\"}, "
			   "{\"$ref\": \"#/$defs/network\"}]",
			   "dhcp, or a map" },
	[TYPE_NICS] = { ONE_OR_MORE("{\"type\": \"string\", \"minLength\": 1}"),
			"card or list of cards" },
	[TYPE_MATCH] = { "\"$ref\": \"#/$defs/match\", "
			 "\"minProperties\": 1",
			 "map" },
	[TYPE_ARCHS] = { ONE_OR_MORE("{\"enum\": [\"x86_64\", \"arm64\"]}"),
			 "x86_64, arm64, or a list of them" },
	[TYPE_PLATFORMS] = { ONE_OR_MORE("{\"enum\": [\"pcbios\", \"efi\"]}"),
			     "pcbios, efi, or a list of them" },
	[TYPE_TAG_PATTERNS] = { ONE_OR_MORE("{\"type\": [\"string\", "
					    "\"number\"], \"pattern\": "
					    "\"^([^*?\\\\[]+|"
					    "[^*?\\\\[]{0,45}[*])$\"}"),
				"text or list of texts, each perhaps with *" },
	[TYPE_UUID_PATTERNS] = { ONE_OR_MORE("{\"type\": \"string\", "
					     "\"pattern\": "
					     "\"^[0-9A-Fa-f-]{0,36}[*]?$\"}"),
				 "UUID or list of UUIDs, each perhaps with *" },
	[TYPE_MAC_PATTERNS] = { ONE_OR_MORE("{\"type\": \"string\", "
					    "\"pattern\": \"^[0-9A-Fa-f:.-]"
					    "{0,17}[*]?$\"}"),
				"MAC address or list of them, each perhaps "
				"with *" },
};

bool schema_type_is_named(enum value_type type)
{
	static const bool named[TYPES] = {
		[TYPE_PROFILES] = true, [TYPE_GROUPS] = true,
		[TYPE_NODES] = true,    [TYPE_PHASES] = true,
		[TYPE_VARS] = true,     [TYPE_MENUS] = true,
		[TYPE_FILES] = true,    [TYPE_SERVE] = true,
		[TYPE_CHANNELS] = true,
	};

	return named[type];
}

const char *schema_type_words(enum value_type type)
{
	return value_types[type].words;
}

const char *schema_type_json(enum value_type type)
{
	return value_types[type].json;
}
