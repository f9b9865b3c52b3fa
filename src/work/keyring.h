/*
 * keyring - the signing secrets of one subscription, and when each ends.
 *
 * The newest first.  After a rotation the older ones go on signing for a
 * while, so that receivers can follow in their own time; the list is read as
 * of a moment, and nothing need be written for one to end.  It owns nothing
 * and knows no clock: the bytes belong to whoever read or made them.  Kept by
 * config_secret.c, asked by subscription.c for what signs.  Invariant: the
 * first has no end, and none ends later than a newer one, so that those that
 * live are the first few.
 */
#ifndef WORK_KEYRING_H
#define WORK_KEYRING_H

#include "work/sign.h"

#define KEYRING_OVERLAP_MAX_MS ((int64_t)7 * 24 * 3600 * 1000)
#define KEYRING_RAW_MAX	1024	/* bytes of a whole one, written */

struct keyring {
	struct sign_key	 key[SIGN_KEYS_MAX];
	int64_t		 since_ms[SIGN_KEYS_MAX];	/* 0: not known */
	int64_t		 until_ms[SIGN_KEYS_MAX];	/* signs before then;
							   0: has no end */
	size_t		 n;
};

/*
 * Read what keyring_write has written, or an older list, whose secrets have no
 * end.  *k points into raw.
 *   RC_INVALID  it is neither, or has none; *k is empty
 */
MUST_USE enum rc keyring_read(struct keyring *k, struct slice raw);

/* Append those that live at now_ms. */
void keyring_write(const struct keyring *k, int64_t now_ms, struct buf *raw);

/* How many live, and sign, at now_ms: the first so many. */
size_t keyring_living(const struct keyring *k, int64_t now_ms);

/*
 * Put key first.  Those that live go on for overlap_ms, 0 to
 * KEYRING_OVERLAP_MAX_MS, unless they end sooner; the rest is dropped.  If key
 * is one of them it is the newest from now on.
 *   RC_TOOBIG  too many would live; nothing is changed.  There is room as soon
 *              as the last one has ended.
 */
MUST_USE enum rc keyring_rotate(struct keyring *k, struct sign_key key,
    int64_t now_ms, int64_t overlap_ms);

/*
 * Add one that is older than all, as when a list is read from elsewhere;
 * until_ms as in the struct.
 *   RC_TOOBIG   there are SIGN_KEYS_MAX
 *   RC_EXISTS   it is there already
 *   RC_INVALID  it may not end then: the first has no end, and no other ends
 *               later than the one before
 */
MUST_USE enum rc keyring_add(struct keyring *k, struct sign_key key,
    int64_t since_ms, int64_t until_ms);

#endif
