/*
 * bdb_list - a list of deliveries under way, as bdb_list*.c share it.
 *
 * Inside the engine.  bdb_list.c decides which rows a query walks, and reads
 * and writes cursors; bdb_list_pending.c, bdb_list_done.c and
 * bdb_list_events.c walk them.  Invariant: key, with lane and phase, says where
 * the walk stands whenever a walker returns RC_OK.
 */
#ifndef STORE_BDB_LIST_H
#define STORE_BDB_LIST_H

#include "store/bdb_delivery.h"

/* Parts of cursors: never renumbered. */
enum list_phase { LIST_PENDING = 1, LIST_DONE, LIST_EVENTS, LIST_WAITING,
	LIST_DEAD };

#define LIST_MERGED	1000	/* subscriptions whose rows of DONE are walked
				   side by side; look.h says so */

struct list {
	const struct store_query *q;
	enum list_phase	 phase;
	uint32_t	 lane;		/* pending: the one at hand */
	struct buf	 key;		/* empty: the phase's or lane's first */
	bool		 over;		/* the phase is */

	struct store_delivery *d;
	size_t		 max, n;
	size_t		 budget;
};

/* Leave the lane at hand for the next one; over if there can be none. */
void list_leave_lane(struct list *l);

/* Does the query ask for this lane, and for this time? */
bool list_wants_lane(const struct store_query *q, uint32_t lane);
bool list_wants_time(const struct store_query *q, int64_t ms);

/* The least lane from one on that it asks for; 0: there is none. */
uint32_t list_next_lane(const struct store_query *q, uint32_t from);

/* Stand where the next row is the one after this key. */
void list_stand_at(struct list *l, struct slice key);

/*
 * Append rows to l->d until max, budget or the phase's end.  A call may end
 * before either, having moved on.  None of them leaves a cursor open.
 */
MUST_USE enum rc list_pending(struct store *st, struct list *l);
MUST_USE enum rc list_waiting(struct store *st, struct list *l);
MUST_USE enum rc list_done(struct store *st, struct list *l);
MUST_USE enum rc list_events(struct store *st, struct list *l);

/*
 * How many lanes that the query asks for have rows in DONE, counted up to
 * LIST_MERGED + 1.
 */
MUST_USE enum rc list_done_lanes(struct store *st,
    const struct store_query *q, size_t *n);

#endif
