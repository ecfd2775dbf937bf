#ifndef IPXE_EMBED_VERBS_H
#define IPXE_EMBED_VERBS_H
/**
 * @file
 * Every verb, each in a file of its own, listed by main.c in this order.
 */
#include "cli.h"

extern const struct verb verb_check;
extern const struct verb verb_show;
extern const struct verb verb_diff;
extern const struct verb verb_build;
extern const struct verb verb_sign;
extern const struct verb verb_verify;
extern const struct verb verb_base_list;
extern const struct verb verb_base_build;
extern const struct verb verb_base_stock;
extern const struct verb verb_cache_list;
extern const struct verb verb_cache_prune;
extern const struct verb verb_simulate;
extern const struct verb verb_try;
extern const struct verb verb_phase;
extern const struct verb verb_keys_init;
extern const struct verb verb_keys_issue;
extern const struct verb verb_keys_show;
extern const struct verb verb_keys_secure_boot;
extern const struct verb verb_keys_ovmf;
extern const struct verb verb_import_matchbox;
extern const struct verb verb_import_leases;
extern const struct verb verb_schema;
extern const struct verb verb_explain;
extern const struct verb verb_help;

#endif
