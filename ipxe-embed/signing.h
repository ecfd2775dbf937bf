#ifndef PROGRAM_SIGNING_H
#define PROGRAM_SIGNING_H
/**
 * @file
 * What travels between the machine that builds and the one that has the key:
 * a request, which names what is to be signed, and the signatures.
 *
 * Both are text that a person can read before signing:
 *
 *     # ipxe-embed signing request 1
 *     # …what this is, and the command to run
 *     site lab
 *     signer ipxe-embed-signer
 *     root <SHA-256 of the DER> CN=lab root
 *     sign <SHA-256> <size> a/<SHA-256>/linux
 *     end 1
 *
 *     # ipxe-embed signatures 1
 *     site lab
 *     signature <SHA-256> <size> a/<SHA-256>/linux <DER in base64>
 *     end 1
 *
 * The last line counts those before it, so that a file that was cut short is
 * noticed. Readers take exactly what the writers write, and comments.
 */
#include "compile.h"

struct arena;
struct certificates;
struct manifest;
struct sbuf;

/** Below out/. */
#define SIGNING_REQUEST_NAME "signing-request"
/** Beside the request, or where -o says. */
#define SIGNATURES_NAME "signatures"

/** No signature is larger: it holds a few certificates. */
enum { SIGNATURE_MAX_BYTES = 1 << 20 };

/** One thing to sign. */
struct signing_item {
	struct text path; /**< below www/ */
	struct digest digest;
	struct text signature; /**< DER; empty in requests */
	bool held;             /**< the tree has a good one already */
	size_t line;           /**< where it was read, for messages */
};

struct signing_items {
	struct signing_item *at; /**< sorted by path, no repeats */
	size_t count, room;
};

/** A root that the signature must lead to. */
struct signing_root {
	unsigned char sha256[32]; /**< of the DER */
	struct text subject;      /**< for people */
};

struct signing_roots {
	struct signing_root *at;
	size_t count, room;
};

struct signing_request {
	struct text site;
	struct text signer; /**< common name that the signer must have */
	struct signing_roots roots;
	struct signing_items items;
};

struct signing_response {
	struct text site;
	struct signing_items items;
};

void signing_request_write(const struct signing_request *request,
			   struct sbuf *out);
void signing_response_write(const struct signing_response *response,
			    struct sbuf *out);

/**
 * Read a request.
 *
 * @param bytes	must live as long as the result
 * @param why	gets what is wrong on failure: "line 7: …"
 * @return NULL if it is not exactly of the form above
 */
const struct signing_request *
signing_request_parse(struct arena *arena, struct text bytes, struct sbuf *why);
const struct signing_response *signing_response_parse(struct arena *arena,
						      struct text bytes,
						      struct sbuf *why);

/**
 * What of a tree is to be signed, whether it is already or not: the files at
 * www/a/<SHA-256>/<name> that have this very SHA-256; their signatures beside
 * them do not. With VERIFY_NODES, the scripts of nodes and nothing else.
 */
struct signing_items signing_items_of(struct arena *arena,
				      const struct manifest *manifest);

/** The roots of a request, from certificates. */
struct signing_roots signing_roots_of(struct arena *arena,
				      const struct certificates *certificates);

/** @return NULL if there is none; @p items sorted by path */
const struct signing_item *signing_find(const struct signing_items *items,
					struct text path);

/** The path below out/ where the signature of an item belongs. */
struct text signing_path(struct arena *arena, const struct signing_item *item);

#endif
