#include "pkcs11.h"

#include "key.h"
#include "openssl_glue.h"
#include "sbuf.h"

#include <errno.h>
#include <libp11.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <p11-kit/uri.h>
#include <stdlib.h>
#include <string.h>

/* Stands for all modules that are configured in p11-kit. */
#define ALL_MODULES "p11-kit-proxy.so"

/* What a key in use needs; outlives it. */
struct token {
	PKCS11_CTX *module;
	bool loaded;
	PKCS11_SLOT *slots;
	unsigned slot_count;
};

bool pkcs11_is_uri(const char *name)
{
	return strncmp(name, "pkcs11:", 7) == 0;
}

void pkcs11_release(void *ctx)
{
	struct token *token = ctx;

	if (!token)
		return;
	if (token->slots)
		PKCS11_release_all_slots(token->module, token->slots,
					 token->slot_count);
	if (token->loaded)
		PKCS11_CTX_unload(token->module);
	if (token->module)
		PKCS11_CTX_free(token->module);
	free(token);
}

static int refuse(struct sbuf *why, const char *what)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	sbuf_printf(why, "%s%s%s", what, reason ? ": " : "",
		    reason ? reason : "");
	ERR_clear_error();
	return -EBADMSG;
}

/* -------------------------------------------------------------- finding -- */

/* Fields of PKCS #11 are padded with spaces; one that a URI does not name
 * begins with a zero. */
static bool field_fits(const unsigned char *wanted, size_t len,
		       const char *value)
{
	if (!wanted[0])
		return true;
	while (len && wanted[len - 1] == ' ')
		len--;
	return value && strlen(value) == len && memcmp(wanted, value, len) == 0;
}

static bool token_fits(P11KitUri *uri, const PKCS11_TOKEN *token)
{
	const CK_TOKEN_INFO *wanted = p11_kit_uri_get_token_info(uri);

	return field_fits(wanted->label, sizeof(wanted->label), token->label) &&
	       field_fits(wanted->manufacturerID,
			  sizeof(wanted->manufacturerID),
			  token->manufacturer) &&
	       field_fits(wanted->model, sizeof(wanted->model), token->model) &&
	       field_fits(wanted->serialNumber, sizeof(wanted->serialNumber),
			  token->serialnr);
}

static bool attribute_fits(P11KitUri *uri, CK_ATTRIBUTE_TYPE type,
			   const void *value, size_t len)
{
	const CK_ATTRIBUTE *wanted = p11_kit_uri_get_attribute(uri, type);

	return !wanted || (value && wanted->ulValueLen == len &&
			   memcmp(wanted->pValue, value, len) == 0);
}

static bool key_fits(P11KitUri *uri, const PKCS11_KEY *key)
{
	return attribute_fits(uri, CKA_LABEL, key->label,
			      key->label ? strlen(key->label) : 0) &&
	       attribute_fits(uri, CKA_ID, key->id, key->id_len);
}

static int find_slot(P11KitUri *uri, const struct token *token,
		     PKCS11_SLOT **ret_slot, struct sbuf *why)
{
	PKCS11_SLOT *found = NULL;

	for (unsigned i = 0; i < token->slot_count; i++) {
		PKCS11_SLOT *slot = &token->slots[i];

		if (!slot->token || !slot->token->initialized ||
		    !token_fits(uri, slot->token))
			continue;
		if (found) {
			sbuf_puts(why, "more than one token is such a one: add "
				       "token= or serial= to the URI");
			return -EBADMSG;
		}
		found = slot;
	}
	if (!found) {
		sbuf_printf(why, "no such token is plugged in, or known to "
				 "its driver");
		return -EBADMSG;
	}
	*ret_slot = found;
	return 0;
}

static int find_key(P11KitUri *uri, PKCS11_SLOT *slot, PKCS11_KEY **ret_key,
		    struct sbuf *why)
{
	PKCS11_KEY *keys = NULL, *found = NULL;
	unsigned count = 0;

	if (PKCS11_enumerate_keys(slot->token, &keys, &count) != 0)
		return refuse(why, "the token does not list its keys");
	for (unsigned i = 0; i < count; i++) {
		if (!key_fits(uri, &keys[i]))
			continue;
		if (found) {
			sbuf_puts(why, "more than one private key is such a "
				       "one: add object= or id= to the URI");
			return -EBADMSG;
		}
		found = &keys[i];
	}
	if (!found) {
		sbuf_printf(why, "the token \"%s\" has no such private key",
			    slot->token->label);
		return -EBADMSG;
	}
	*ret_key = found;
	return 0;
}

/* -------------------------------------------------------------- opening -- */

static int log_in(PKCS11_SLOT *slot, const char *pin, struct sbuf *why)
{
	unsigned long error;

	if (!slot->token->loginRequired)
		return 0;
	if (!pin) {
		sbuf_puts(why, "its token wants a PIN");
		return -ENOKEY;
	}
	if (PKCS11_login(slot, 0, pin) == 0)
		return 0;
	error = ERR_peek_last_error();
	if (ERR_GET_REASON(error) == CKR_PIN_LOCKED)
		return refuse(why, "its token is locked, after too many wrong "
				   "PINs");
	if (ERR_GET_REASON(error) != CKR_PIN_INCORRECT &&
	    ERR_GET_REASON(error) != CKR_PIN_LEN_RANGE)
		return refuse(why, "its token lets nobody in");
	ERR_clear_error();
	sbuf_puts(why, "the PIN is wrong");
	return -EKEYREJECTED;
}

static int open_module(P11KitUri *uri, struct token *token, struct sbuf *why)
{
	const char *path = p11_kit_uri_get_module_path(uri);

	token->module = made(PKCS11_CTX_new());
	if (PKCS11_CTX_load(token->module, path ? path : ALL_MODULES) != 0) {
		ERR_clear_error();
		sbuf_printf(why, "%s cannot be loaded as a driver of tokens%s",
			    path ? path : ALL_MODULES,
			    path ? ""
				 : "; Debian has it in the package "
				   "p11-kit-modules");
		return -EBADMSG;
	}
	token->loaded = true;
	if (PKCS11_enumerate_slots(token->module, &token->slots,
				   &token->slot_count) != 0)
		return refuse(why, "the driver does not list its tokens");
	return 0;
}

static int open_key(P11KitUri *uri, const char *pin, struct token *token,
		    struct key *ret_key, struct sbuf *why)
{
	PKCS11_SLOT *slot = NULL;
	PKCS11_KEY *key = NULL;
	int error = open_module(uri, token, why);

	if (!error)
		error = find_slot(uri, token, &slot, why);
	if (!error)
		error = log_in(slot, pin, why);
	if (!error)
		error = find_key(uri, slot, &key, why);
	if (error)
		return error;
	ret_key->pkey = PKCS11_get_private_key(key);
	return ret_key->pkey
		       ? 0
		       : refuse(why, "the key cannot be used for signing");
}

int pkcs11_key(const char *name, const struct secret *pin, struct key *ret_key,
	       struct sbuf *why)
{
	P11KitUri *uri = made(p11_kit_uri_new());
	struct token *token = made(calloc(1, sizeof(*token)));
	struct key key = { .token = token };
	int error = p11_kit_uri_parse(
		name, P11_KIT_URI_FOR_OBJECT_ON_TOKEN | P11_KIT_URI_FOR_MODULE,
		uri);

	if (error) {
		sbuf_printf(why, "is no URI of a key in a token (RFC 7512)");
		error = -EBADMSG;
	} else if (p11_kit_uri_get_pin_value(uri) ||
		   p11_kit_uri_get_pin_source(uri)) {
		sbuf_puts(why, "has a PIN in it, which everybody here can see: "
			       "leave it out, to be asked for it, or put it "
			       "into a file for --passphrase-file");
		error = -EBADMSG;
	} else {
		error = open_key(uri, pin ? pin->ptr : NULL, token, &key, why);
	}
	p11_kit_uri_free(uri);
	if (error) {
		key_release(&key);
		return error;
	}
	key_release(ret_key);
	*ret_key = key;
	return 0;
}
