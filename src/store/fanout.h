/*
 * fanout - due rows for events that very many subscriptions want.
 *
 * Part of store.h.  Accepting writes no row for each of so many (accept.h);
 * the one sweeper of a store makes them here, a step at a time, between other
 * work.  Invariant: each subscription gets its delivery once, and the events
 * of one order stand in the order of their acceptance, however they were made.
 */
#ifndef STORE_FANOUT_H
#define STORE_FANOUT_H

#include "store/delivery.h"

/*
 * Deliveries in one transaction.  An event that is accepted meanwhile waits
 * for about one of these, measured with 10,000 subscribers: half of them take
 * 0.46 ms then, and 1 in 100 over 2 ms (0.14 and 0.33 ms alone); with steps of
 * 500 1.2 and 3.5 ms, and the whole takes 27 ms in place of 33.
 */
#define STORE_FANOUT_STEP	100

/* Where the making of due rows stands.  Given back by store_fanout_clear. */
struct store_fanout {
	/* found by the last step */
	uint32_t	 lane[STORE_FANOUT_STEP];	/* got rows; once */
	size_t		 n;
	int64_t		 due_ms;	/* all of them, then */
	bool		 more;		/* there may be something left to do */

	/* the store's own */
	struct store_event event;	/* kept from step to step */
};

#define STORE_FANOUT_INIT { .event = STORE_EVENT_INIT }

void store_fanout_clear(struct store_fanout *f);

/*
 * One step in the making of due rows for events with very many subscribers,
 * the oldest event first: one short, unsynced transaction, so that accepting
 * goes on in between.  Without such an event it costs a seek.  On any error
 * n is 0 and more is true.
 */
MUST_USE enum rc store_fanout(struct store *st, struct store_fanout *f);

#endif
