/*
 * look - events, deliveries and counts, for people and reports.
 *
 * Part of store.h.  Lists come in pages with an opaque cursor: text that goes
 * into a URL and means "after the last one you saw"; a page is read in one
 * short visit and nothing is held between pages.  Scope (who may see what) is
 * the caller's.
 */
#ifndef STORE_LOOK_H
#define STORE_LOOK_H

#include "store/delivery.h"

#define STORE_CURSOR_MAX 80	/* text of a cursor with its NUL */

/* RC_NOTFOUND if there is none. *ev initialised; cleared by the caller. */
MUST_USE enum rc store_event_get(struct store *st, uint64_t position,
    struct store_event *ev);

#define STORE_REF_ANY	8

/* Events that were written with at least one of these (crypt_ref). */
struct store_ref {
	uint64_t	any[STORE_REF_ANY];
	size_t		n;
};

/*
 * Events newest first, positions below before (0: from the newest), at most
 * max.  With nref > 0 only those that fit every one of ref; the caller still
 * compares the text, since a hash may collide.  Looks at no more than some
 * 10,000 rows a call: *next is the position to go on below, 0 when the end was
 * reached.
 */
MUST_USE enum rc store_events(struct store *st, const struct store_ref *ref,
    size_t nref, uint64_t before, struct store_event *ev, size_t max,
    size_t *n, uint64_t *next);

/*
 * The position that a sender id was taken under.
 *   RC_NOTFOUND  never, or forgotten
 */
MUST_USE enum rc store_sender(struct store *st, struct slice sender_id,
    uint64_t *position);

enum store_state { STORE_ANY, STORE_IS_PENDING, STORE_IS_DELIVERED,
	STORE_IS_DEAD };

/* "held" is not here: it follows from the subscription's state. */
struct store_delivery {
	struct store_key key;
	enum store_state state;
	char		 reason[STORE_WORD_MAX];	/* dead, else "" */
	char		 last_word[STORE_WORD_MAX];	/* last attempt's */
	uint16_t	 attempts;	/* used */
	uint16_t	 recorded;	/* attempts on record */
	int32_t		 last_status;	/* 0: none yet, or no answer */
	int64_t		 created_ms;
	int64_t		 next_ms;	/* pending: due, 0 while it waits for
					   its turn; else 0 */
	int64_t		 done_ms;	/* delivered, dead; else 0 */
	uint8_t		 found;		/* opaque: for store_cursor_at */
	uint64_t	 chain;		/* the same */
};

/*
 * RC_NOTFOUND if there is none.  One that was never tried is pending since its
 * event was accepted.
 */
MUST_USE enum rc store_delivery_get(struct store *st, struct store_key key,
    struct store_delivery *d);

/* All deliveries of one event by subscription, at most max. */
MUST_USE enum rc store_event_deliveries(struct store *st,
    const struct store_event *ev, struct store_delivery *d, size_t max,
    size_t *n);

enum store_lanes { STORE_LANES_ALL, STORE_LANES_THESE, STORE_LANES_OTHERS };

/* All that is given must hold; what is zero is not asked for. */
struct store_query {
	uint32_t	 subscription;
	enum store_state state;
	enum store_lanes lanes;		/* of which subscriptions... */
	const uint32_t	*lane;		/* ...these: ascending, borrowed */
	size_t		 nlane;
	int64_t		 since_ms;	/* at or after; when it was done or, of
					   what is pending, accepted */
	int64_t		 until_ms;	/* before */
	uint64_t	 position;	/* of its event */
	const struct store_ref *ref;	/* its event fits them all, as in */
	size_t		 nref;		/* store_events */
	uint64_t	 tag;		/* what else the caller asks for: goes
					   into cursors, which another tag's
					   query does not take */
};

/*
 * Deliveries, at most max, newest first.  Those of one event or of references
 * by event, newest first, each one's by subscription.  Else what is pending
 * before the rest, by subscription and due time, then what waits for its turn,
 * by subscription and order, and what is done with by when that was; but of any
 * state and subscription, or of more than 1,000 subscriptions that are not
 * merely pending or dead, by event as above, which walks all events.  cursor ""
 * begins, afterwards what was left in it; "" again at the end.  A page may hold
 * fewer than max, even none, before the end: a call looks at no more than some
 * 10,000 rows.
 *   RC_INVALID  the cursor is not one of this query
 */
MUST_USE enum rc store_deliveries(struct store *st,
    const struct store_query *q, char cursor[STORE_CURSOR_MAX],
    struct store_delivery *d, size_t max, size_t *n);

/* The cursor that means: after this one, which the same query gave. */
void store_cursor_at(const struct store *st, const struct store_query *q,
    const struct store_delivery *d, char cursor[STORE_CURSOR_MAX]);

/*
 * The attempts on record of a delivery in order, numbers above after, into
 * a[] (initialised; cleared by the caller).
 */
MUST_USE enum rc store_attempts(struct store *st, struct store_key key,
    uint16_t after, struct store_attempt *a, size_t max, size_t *n);

/* What one lane holds: counted by keys alone. */
struct store_lane {
	uint32_t lane;
	uint64_t pending;	/* with those that wait for their turn */
	uint64_t due;		/* of these, due at now_ms */
	int64_t	 oldest_ms;	/* earliest due time */
};

/*
 * Lanes above after_lane with at least one row, in order, at most max.  Rows
 * may come and go meanwhile: approximate while the store is at work.
 */
MUST_USE enum rc store_lanes(struct store *st, uint32_t after_lane,
    int64_t now_ms, struct store_lane *l, size_t max, size_t *n);

/*
 * Sums by subscription and hour, written as deliveries are settled, those of
 * tests apart.  retried counts attempts that failed and are followed by
 * another.
 */
struct store_hour {
	uint32_t subscription;
	int64_t	 hour_ms;	/* its beginning, UTC */
	uint64_t delivered, retried, dead;
	uint64_t test_delivered, test_retried, test_dead;
};

/*
 * Hours from since_ms on (0: all), of one subscription or any (0), ordered by
 * hour then subscription, strictly after (*hour_ms, *sub) of after unless that
 * is NULL.
 */
MUST_USE enum rc store_hours(struct store *st, uint32_t subscription,
    int64_t since_ms, const struct store_hour *after, struct store_hour *h,
    size_t max, size_t *n);

#endif
