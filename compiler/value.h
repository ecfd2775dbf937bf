#ifndef COMPILER_VALUE_H
#define COMPILER_VALUE_H
/**
 * @file
 * Values as people write them, turned into one canonical form.
 *
 * Each returns NULL on success and leaves the canonical text in *ret, which may
 * be the given one; else
 * what is wrong, worded to follow the value: "… is not …".
 */
#include "text.h"

struct arena;

/**
 * A MAC address: `aa:bb:cc:dd:ee:ff`, `aa-bb-…`, `aabb.ccdd.eeff` or
 * `aabbccddeeff`, any case; canonical is the first form in lower case. A
 * multicast or all-zero address is nobody's.
 */
const char *value_mac(struct arena *arena, struct text text, struct text *ret);

/** A UUID with or without hyphens; known junk of careless vendors is refused. */
const char *value_uuid(struct arena *arena, struct text text, struct text *ret);

/**
 * A serial number or asset tag, plain or percent-encoded as an unknown machine
 * prints it; canonical is the plain text. Known junk is refused.
 */
const char *value_tag(struct arena *arena, struct text text, struct text *ret);

/** What firmware says, plain or percent-encoded; canonical is the plain text. */
const char *value_plain(struct arena *arena, struct text text,
			struct text *ret);

/** An IPv4 address, with or without a prefix length. */
const char *value_ip(struct arena *arena, struct text text, struct text *ret);

/**
 * A base URL: https:// (http:// where @p plain_http), a host, perhaps a port,
 * a path that ends in "/".
 */
const char *value_url(struct arena *arena, struct text text, bool plain_http,
		      struct text *ret);

/**
 * A URL of one file: https:// or http://, a host, perhaps a port, a path,
 * perhaps a query.
 *
 * @param ret_name	last component of the path, in @p text: as
 *	value_file_name() takes it
 */
const char *value_download(struct text text, struct text *ret_name);

/** A host name, or an IPv4 address. */
const char *value_host(struct text host);

/**
 * What `san` may name: iscsi:SERVER:PROTOCOL:PORT:LUN:TARGET, or an https:// or
 * http:// URL of a file.
 *
 * @see iscsi_parse_root_path() in net/tcp/iscsi.c of iPXE 2.0.0
 */
const char *value_drive(struct text text);

/** The name of an end of iSCSI: iqn.…, eui.… or naa.… (RFC 3720, 3.2.6) */
const char *value_iscsi_name(struct text text);

/** A name of a node, profile, group or site: a label of the boot script. */
const char *value_name(struct text text);

/** A relative path of a file; where it leads, path_beside() finds out. */
const char *value_path(struct text text);

/** The last component of a path; it ends up in URLs of the boot script. */
const char *value_file_name(struct text name);

/** An absolute path inside an initrd, as iPXE can write it into one. */
const char *value_initrd_path(struct text text);

/** Permission bits in octal, "0600". */
const char *value_mode(struct text text, unsigned *ret_mode);

/** A length of time, "30s", "5m" or "1h", up to a day and not zero. */
const char *value_duration(struct text text, unsigned *ret_s);

/** A key of a menu: one letter or digit. */
const char *value_key(struct text text);

/** Words for people in the boot script: single spaces, nothing that iPXE
 * would take for its own. */
const char *value_words(struct text text);

/** @return text after the last "/" */
struct text text_basename(struct text path);

#endif
