/*
 * held - what of a lane is not to be sent any more, and dies where it lies.
 *
 * The rules of DESIGN §2 for what is held too long or is too much, for what
 * somebody dropped when a subscription was resumed, and for what a removed
 * subscription left.  Planning is pure; burying goes in steps that are each one
 * short transaction of the store, so a sweep does something else in between.
 * Called by the sweep, at every full look, for each lane that has rows:
 *
 *	struct held h = held_plan(conf, sub, &lane, now_ms);
 *
 *	while (rc == RC_OK && held_left(&h))
 *		rc = held_step(st, &h, &n);
 *
 * Invariant: nothing is buried of an active subscription but what was dropped
 * or is past its deadline.
 */
#ifndef DELIVER_HELD_H
#define DELIVER_HELD_H

#include "base/conf.h"
#include "store/store.h"
#include "work/subscription.h"

/*
 * How long after a state was set all of a lane is looked through for what was
 * dropped.  Later only what was due by then is: what had been tried before and
 * comes due afterwards is dropped when it does, by who claims it.
 */
#define HELD_DROP_MS	(10 * 60 * 1000)

struct held {
	struct store_bury ask[3];
	size_t	 n, at;		/* asks there are, and dealt with */
	uint64_t over;		/* rows above the limit */
	size_t	 overflow;	/* the ask that these are for */
	size_t	 pass;		/* buried since the lane's beginning */
};

/*
 * What is to be buried of a lane, if anything.  s NULL: its subscription was
 * removed, which the caller is sure of.  l counts the lane's rows.
 */
struct held held_plan(const struct conf *c, const struct subscription *s,
    const struct store_lane *l, int64_t now_ms);

/*
 * The same of the lane of an active subscription that probes and had no success
 * all that time: what has been due for RETRY_DEADLINE_MS and was not tried
 * since another one was is past its deadline.  What was held for longer, and
 * was let go since, still gets its try.
 */
struct held held_overdue(const struct subscription *s,
    const struct store_health *h, const struct store_lane *l, int64_t now_ms);

bool held_left(const struct held *h);

/*
 * One step of it; *n is how many were buried.
 *   RC_RETRY, RC_FULL, RC_IO  as store_bury; the same step again later
 */
MUST_USE enum rc held_step(struct store *st, struct held *h, size_t *n);

/* A row that is claimed was dropped: it is not sent, but dies "given-up". */
bool held_dropped(const struct subscription *s, const struct store_due *d);

#endif
