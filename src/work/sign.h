/*
 * sign - signing secrets, and the signature of Standard Webhooks 1.0.0 that
 * they put on an outgoing request.
 *
 * Over "<id>.<timestamp>.<body>", either HMAC-SHA256 by a secret that both
 * sides have, as "v1,<base64>", or ed25519 by a private key whose public one
 * the receiver has, as "v1a,<base64>"; during a rotation one entry for each
 * secret, separated by spaces, so that a receiver that knows any of them
 * accepts.  It does not keep secrets, nor decide which sign (keyring.h).  Pure
 * but for the making of new ones.
 */
#ifndef WORK_SIGN_H
#define WORK_SIGN_H

#include "base/buf.h"

#define SIGN_KEY_MIN	24	/* bytes of a decoded secret for v1 */
#define SIGN_KEY_MAX	64	/* of one of any kind */
#define SIGN_KEYS_MAX	8	/* secrets that sign one request */
#define SIGN_TEXT_MAX	96	/* bytes of a secret as people see it */

/* Each "v1a,", 88 characters and a space: of SIGN_KEYS_MAX of any kind. */
#define SIGN_VALUE_MAX	(SIGN_KEYS_MAX * 93)

enum sign_kind {
	SIGN_V1,	/* HMAC-SHA256 */
	SIGN_V1A,	/* ed25519 */
};

/*
 * A secret, decoded.  v1: SIGN_KEY_MIN to SIGN_KEY_MAX bytes; v1a: 64, the
 * private key and the public one that belongs to it.
 */
struct sign_key {
	enum sign_kind	 kind;
	struct slice	 bytes;		/* borrowed */
};

const char *sign_kind_name(enum sign_kind kind);	/* "v1", "v1a" */

/*
 * Read a secret as people see it and append its bytes, which *key points to
 * then: bytes had better have its room beforehand.  "whsec_" and base64 with
 * or without padding is one for v1; the prefix may be missing, as in the
 * reference libraries.  "whsk_" and base64 of a private key, or of it and its
 * public one, is one for v1a.
 *   RC_DENIED   "whpk_...", a public key: nothing can be signed by it
 *   RC_INVALID  not base64, of a wrong length, or the public key is not the
 *               private one's
 *   RC_TOOBIG   bytes has no room for it
 */
MUST_USE enum rc sign_key_read(struct slice text, struct buf *bytes,
    struct sign_key *key);

/* Make a new one, as sign_key_read does. */
MUST_USE enum rc sign_key_new(enum sign_kind kind, struct buf *bytes,
    struct sign_key *key);

bool sign_key_same(struct sign_key a, struct sign_key b);

/* Append a secret as sign_key_read takes it: "whsec_..." or "whsk_...". */
void sign_key_put(struct sign_key key, struct buf *text);

/* Append what its receiver needs: "whsec_...", or "whpk_..." of a v1a. */
void sign_key_put_receiver(struct sign_key key, struct buf *text);

/*
 * Append the value of webhook-signature: one entry for each of n keys, in
 * their order.  timestamp_s is the seconds since 1970 that stand in
 * webhook-timestamp.  Nothing for n 0.
 */
void sign_value(const struct sign_key *key, size_t n, struct slice id,
    int64_t timestamp_s, struct slice body, struct buf *out);

#endif
