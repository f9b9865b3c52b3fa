/*
 * timer - events that the clock triggers: which are to come, and when.
 *
 * Part of store.h.  An order has at most one timer of each type.  Accepted
 * events change them (accept.h): what they change is written down in the
 * accepting transaction, and brought into place afterwards, in the order of
 * positions, by store_timer_merge, which the sweep calls.  Making the event of
 * one that is due, and what an order says about its flights, is work/timer.h.
 * Invariant: an event that says which timer it stands for (store_accept.fires)
 * is taken only while that timer stands, every change accepted before it
 * included, and ends it in the same transaction; and none is set again for a
 * time that it stood for already.
 */
#ifndef STORE_TIMER_H
#define STORE_TIMER_H

#include "store/delivery.h"
#include "store/look.h"

enum store_timer_type { STORE_TIMER_STARTED, STORE_TIMER_COMPLETED,
	STORE_TIMERS };

/*
 * How long it is known that a time is over and done with.  Who sets timers
 * sets none for a time so far past that this may have been forgotten.
 */
#define STORE_TIMER_KEEP_MS	(INT64_C(8) * 86400000)

/*
 * Which order: a keyed hash of its agwID, and of whether it is one of test
 * events.  Nothing compares the text, so two orders must never have the same:
 * with 128 bits, among a billion orders the chance of it is 1 in 10^21.
 */
struct store_order {
	unsigned char	hash[CRYPT_HASH_LEN];
};

enum store_timer_do {
	STORE_TIMER_LEAVE,	/* as it is */
	STORE_TIMER_SET,	/* for at_ms, unless that is over and done with;
				   it keeps this event */
	STORE_TIMER_RENEW,	/* at_ms is long past: one that stands for it
				   keeps this event; any other is removed */
	STORE_TIMER_REMOVE,
	STORE_TIMER_HAPPENED,	/* removed, and at_ms is over and done with */
	STORE_TIMER_OVER,	/* removed, and the time that it stood for is
				   over and done with */
};

/* What one event does to the timers of its order. */
struct store_timer_change {
	struct store_order order;
	struct {
		enum store_timer_do what;
		int64_t		 at_ms;
	} to[STORE_TIMERS];
};

/* One that stands. */
struct store_timer {
	struct store_order	order;
	enum store_timer_type	type;
	int64_t			at_ms;
	uint64_t		position;	/* of the event that it keeps,
						   the last one to set it */
};

/* In one transaction, which takes about 1 ms: who accepts waits for it. */
#define STORE_TIMER_STEP	32

/*
 * One step in bringing changes into their place, the oldest first, or, where
 * there is none left, in forgetting orders whose times were over and done with
 * STORE_TIMER_KEEP_MS before now_ms: one short, unsynced transaction.  Any
 * process may call it.  *merged: something was brought into its place; *more:
 * there may be something left to do.  With nothing to do it costs two seeks.
 * On any error both are false.
 */
MUST_USE enum rc store_timer_merge(struct store *st, int64_t now_ms,
    bool *merged, bool *more);

/*
 * The first timers, at most max, that are due at now_ms, by time; and when the
 * first is due that is not returned, INT64_MAX: there is none.  Changes that
 * are not merged are not seen.
 */
MUST_USE enum rc store_timer_due(struct store *st, int64_t now_ms,
    struct store_timer *t, size_t max, size_t *n, int64_t *next_ms);

/*
 * End a timer without an event, because none can be made of what it keeps, if
 * it still stands as *t has it.  Synced.
 */
MUST_USE enum rc store_timer_drop(struct store *st,
    const struct store_timer *t);

/*
 * What is to come before until_ms, by time, at most max; cursor as in look.h.
 * Changes that are not merged are not seen.
 *   RC_INVALID  that is no cursor of this list
 */
MUST_USE enum rc store_timers(struct store *st, int64_t until_ms,
    char cursor[STORE_CURSOR_MAX], struct store_timer *t, size_t max,
    size_t *n);

/* The timers of one order as they stand now, whether merged or not. */
MUST_USE enum rc store_timers_of(struct store *st, struct store_order order,
    struct store_timer t[STORE_TIMERS], size_t *n);

#endif
