#ifndef CERTS_JUDGE_H
#define CERTS_JUDGE_H
/**
 * @file
 * What iPXE would say about a certificate, known before a machine boots.
 *
 * The rules are those of crypto/x509.c and crypto/cms.c in iPXE 2.0, built as
 * our images are (SHA-1, SHA-224 and MD5 compiled out).
 */
#include "certificate.h"

enum {
	/** iPXE takes dates as if clocks were this wrong (config/crypto.h). */
	CLOCK_MARGIN_S = 45000,
	/** What ends earlier than this is worth a warning. */
	EXPIRES_SOON_S = 30 * 24 * 60 * 60,
};

enum certificate_role {
	ROLE_ROOT,   /**< named under `trust:` */
	ROLE_SERVER, /**< shown by the web server */
	ROLE_SIGNER, /**< signs what is to be booted */
	/** PK, KEK or db of UEFI firmware; signs itself, iPXE never sees it */
	ROLE_FIRMWARE,
};

enum finding_kind {
	FINDING_MALFORMED, /**< an extension cannot be read */
	FINDING_KEY,       /**< a kind of key that iPXE does not have */
	FINDING_WEAK_KEY,
	FINDING_ALGORITHM, /**< signed in a way that iPXE cannot check */
	FINDING_CRITICAL,  /**< critical extension that iPXE does not know */
	FINDING_NOT_CA,
	FINDING_USAGE, /**< not for digital signatures, or not for code */
	FINDING_NAME,  /**< not the name that is wanted */
	FINDING_EXPIRED,
	FINDING_NOT_YET_VALID,
	FINDING_EXPIRES_SOON, /**< the only one that is a warning */
	FINDING_KINDS,
};

/** One thing that is wrong with a certificate. */
struct finding {
	enum finding_kind kind;
	char *message; /**< to follow the subject: "has expired on …" */
};

/** Zero-initialise before first use. At most one finding of each kind. */
struct findings {
	struct finding at[FINDING_KINDS];
	size_t count;
};

void findings_release(struct findings *findings);

/** The question that is asked of a certificate. */
struct judgement {
	enum certificate_role role;
	time_t now;
	/** Host name or common name that it must have; NULL: any */
	const char *name;
};

/**
 * Find everything that would keep iPXE from taking a certificate in a role.
 * The way to a root is another question: certificate_validate().
 *
 * @param findings	emptied first; in the order of enum finding_kind
 */
void certificate_judge(const struct certificate *certificate,
		       const struct judgement *judgement,
		       struct findings *findings);

/**
 * Whether iPXE can read a certificate at all, whatever it is for. One that it
 * cannot read in a signature spoils the signature.
 *
 * @param why	gets the reason, to follow the subject
 */
bool certificate_is_readable(const struct certificate *certificate,
			     struct sbuf *why);

/** "2027-03-01 12:00 UTC", added to @p out. */
void time_write(time_t when, struct sbuf *out);

#endif
