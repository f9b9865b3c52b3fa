/*
 * accept - take events for good, with the deliveries they cause.
 *
 * Part of store.h.  Matching is the caller's; the store checks that it was
 * done under the present generation, tells duplicates apart, numbers the event
 * and writes it with its due rows in one transaction.  Invariant: no answer
 * other than a failure is given before a log flush that covers it.
 */
#ifndef STORE_ACCEPT_H
#define STORE_ACCEPT_H

#include "base/buf.h"
#include "base/crypt.h"

struct store_timer;
struct store_timer_change;

#define STORE_RECIPIENTS_MAX	32	/* deliveries of one event for one
					   subscription */
#define STORE_SENDER_ID_MAX	128	/* bytes */
#define STORE_ORDER_MAX		(1024 * 1024)	/* bytes of an order's JSON */
#define STORE_BATCH_EVENTS	1000	/* in one transaction */
#define STORE_TEXT_MAX		255	/* bytes of type, of occurred */
#define STORE_REFS_MAX		256	/* references of one event */
#define STORE_SUBSCRIPTIONS_MAX	200000	/* deliveries of one event */

struct store_accept {
	/* given, borrowed until the call returns */
	struct slice	 type;		/* event type, catalogue spelling */
	struct slice	 sender_id;	/* empty: none */
	struct slice	 occurred;	/* occurredAt as given; s NULL: none */
	struct slice	 order;		/* JSON text as sent */
	unsigned char	 content[CRYPT_HASH_LEN];	/* of what must be equal
							   for a duplicate */
	uint32_t	 key;		/* number of the publish key */
	bool		 test;
	const uint32_t	*subscription;	/* matched, ascending: a delivery for
					   each; one that is there several
					   times, at most STORE_RECIPIENTS_MAX,
					   has ordinals from 0 */
	uint32_t	 nsubscription;
	bool		 ahead;		/* put in front of what is pending in
					   its lanes; not with ordered, nor for
					   more than 256 deliveries */
	const bool	*ordered;	/* of each, whether it takes the events
					   of one order in turn; NULL: none */
	uint64_t	 chain;		/* which order: events with the same
					   one wait for each other, so one that
					   is equal by chance costs time and no
					   more; not 0 with ordered.  Of a
					   subscription that is there several
					   times the first takes its turn */
	const uint64_t	*ref;		/* crypt_ref of what it is found by */
	uint32_t	 nref;
	const struct store_timer_change *timers;	/* what it does to those
							   of its order;
							   NULL: nothing */
	const struct store_timer *fires;	/* the one it stands for; NULL:
						   none */
	uint64_t	 generation;	/* under which it was matched */

	/* found */
	enum rc		 rc;
	uint64_t	 position;	/* from 1; RC_OK and RC_EXISTS */
	uint32_t	 deliveries;	/* the same */
	bool		 fanout;	/* RC_OK: store_fanout makes them due */
	int64_t		 accepted_ms;	/* the same; also each due time, unless
					   it is put ahead */
};

/*
 * Accept n items, each standing alone, in as few transactions as fit; blocks
 * until what was taken is synced.  Per item in its rc:
 *   RC_OK       taken
 *   RC_EXISTS   this sender id was taken before with the same content (also
 *               by an earlier item of this call): position and deliveries are
 *               the first one's
 *   RC_INVALID  this sender id was taken before with other content
 *               (before means within store_options.remember_ms)
 *   RC_STALE    the generation has changed: match again, call again
 *   RC_NOTFOUND the timer that it stands for does not stand as claimed, or
 *               changes that may concern it are to be merged first (timer.h)
 *   RC_TOOBIG   something in it is over a limit above
 *   RC_FULL, RC_RETRY, RC_IO  not taken
 * An item that can't be stored never fails its neighbours.  The call returns
 * RC_OK if every item has a result of its own, else what failed for all
 * (which then is also in each rc).  Positions ascend in the order of items.
 * An event that has more than 256 deliveries gets its due rows later, from the
 * sweep, and so does one that has to come after such an event in somebody's
 * order; deliveries counts them all the same.  One that is put ahead bumps the
 * generation and leaves a change of kind STORE_LANE for each of its lanes, so
 * that a sweep does not send first what it has fetched already; where a lane
 * probes it is what is sent next.
 */
MUST_USE enum rc store_accept(struct store *st, struct store_accept *item,
    size_t n);

#endif
