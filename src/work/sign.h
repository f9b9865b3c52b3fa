/*
 * sign - the signature of Standard Webhooks 1.0.0 on an outgoing request.
 *
 * HMAC-SHA256 over "<id>.<timestamp>.<body>", as "v1,<base64>"; during a
 * rotation one entry for each secret, separated by spaces, so that a receiver
 * that knows any of them accepts.  It does not keep secrets, nor decide which
 * hold.  Pure.
 */
#ifndef WORK_SIGN_H
#define WORK_SIGN_H

#include "base/buf.h"

#define SIGN_KEY_MIN	24	/* bytes of a decoded secret */
#define SIGN_KEY_MAX	64
#define SIGN_VALUE_MAX	512	/* bytes of a header value for 8 secrets */

/*
 * Append the key bytes of a secret as people see it: "whsec_" and base64, with
 * or without padding; the prefix may be missing, as in the reference
 * libraries.
 *   RC_INVALID  not base64, or not SIGN_KEY_MIN to SIGN_KEY_MAX bytes
 */
MUST_USE enum rc sign_key(struct slice secret, struct buf *key);

/*
 * Append the value of webhook-signature: one entry for each of n keys (decoded
 * bytes), in their order.  timestamp_s is the seconds since 1970 that stand in
 * webhook-timestamp.  Nothing for n 0.
 */
void sign_v1(const struct slice *key, size_t n, struct slice id,
    int64_t timestamp_s, struct slice body, struct buf *out);

#endif
