/*
 * timer - what an order's flights say about the clock, and the events of it.
 *
 * OrderStarted happens when the departure of the first flight has passed,
 * OrderCompleted when the arrival of the last has.  Here an event that was
 * posted becomes what it does to the timers of its order (store/timer.h), and
 * a timer that is due becomes an event like any other, with the order as the
 * last event with legs had it.  When to look is the sweep's.  What was changed
 * before a timer fired, however late that is, has not happened.  Invariant: an
 * event of a timer is taken only while the timer stands, and the same time of
 * one order makes one event, ever.
 */
#ifndef WORK_TIMER_H
#define WORK_TIMER_H

#include "work/config.h"

/* A time further past than this when first seen sets no timer. */
#define TIMER_PAST_MS	(INT64_C(7) * 86400000)

/*
 * What an event of this type about this order, seen at now_ms, does to the
 * order's timers; false: nothing, and *c is untouched.
 *
 * Times are RFC 3339 with an offset; others are as if they were not there.  The
 * first leg's departure, if it is such a time, sets OrderStarted, for the
 * earliest departure of all legs; the last one's arrival OrderCompleted, for
 * the latest arrival.  So events without legs, or without such times, leave
 * timers as they are.  OrderCanceled and PaymentTimeLimitExpired remove both,
 * whatever legs they carry; an OrderStarted or OrderCompleted that is posted
 * removes its own, and its time does not come again.  Test events and others
 * know nothing of each other's timers.
 */
MUST_USE bool timer_change(const struct crypt *crypt,
    const struct catalog_event *type, const struct order *o, bool test,
    int64_t now_ms, struct store_timer_change *c);

/* The order with this agwID, of test events or of others. */
struct store_order timer_order(const struct crypt *crypt, struct slice agwid,
    bool test);

/* "OrderStarted", "OrderCompleted". */
const char *timer_type_name(enum store_timer_type type);

#define TIMER_FIRE_MAX	32	/* in one call */

/* A subscription's number has got something due; 0: an event is to be fanned
   out (store_fanout). */
typedef void timer_lane(void *arg, uint32_t lane, int64_t due_ms);

struct timer_fire {
	timer_lane	*lane;		/* called for what was taken */
	void		*arg;

	/* found */
	size_t		 n;		/* timers that are events now */
	bool		 more;		/* others may be due */
	int64_t		 next_ms;	/* if not: when one is, INT64_MAX: none
					   stands */
};

/*
 * Make events of the first timers that are due at now_ms, and have them taken,
 * synced.  They have occurred at their time, whenever that was, were posted
 * with the key of the event that they keep, and are tests if that is one; with
 * nobody to go to they are kept all the same.  Changes are to be merged first:
 * one that may concern a timer puts it off to the next call (more is set).
 * One that no event can be made of is logged and dropped.
 *   RC_FULL, RC_RETRY, RC_IO  as the store; what was found before stands
 */
MUST_USE enum rc timer_fire(const struct config *cf, struct rosters *rs,
    int64_t now_ms, struct timer_fire *f);

#endif
