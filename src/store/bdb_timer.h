/*
 * bdb_timer - the rows of timers, as bdb_timer*.c share them.
 *
 * Inside the engine; bdb_accept uses the two functions at the end.
 * bdb_timer_row.c knows one order's row and the index that follows from it,
 * bdb_timer.c writes down changes and ends what fires, bdb_timer_merge.c brings
 * changes into their place, bdb_timer_list.c looks.  Invariant: an order has a
 * row if a timer of it stands or a time of it is remembered; then it has a row
 * of the index for each that stands or, where none does, one that says how long
 * it is remembered.
 */
#ifndef STORE_BDB_TIMER_H
#define STORE_BDB_TIMER_H

#include "store/bdb.h"
#include "store/bdb_key.h"

/*
 * Times of one type that an order remembers, until all of it is forgotten: a
 * change that waits to be merged may have been accepted long ago, so that age
 * alone is no reason.  Of more the earliest go: that is no journey.
 */
#define TIMER_DONE_MAX	16

#define TIMER_ROW_INIT	BUF_INIT(1024)	/* any value of the file fits */

/* One order's row.  All zero: there is none. */
struct timer_row {
	struct timer_one {
		uint64_t position;	/* of the event it keeps;
						   0: none stands */
		int64_t	 at_ms;
		int64_t	 done[TIMER_DONE_MAX];	/* over and done with */
		uint8_t	 ndone;
	} of[STORE_TIMERS];
};

/* Does it stand for this time? */
bool timer_stands(const struct timer_row *r, enum store_timer_type type,
    int64_t at_ms);

/* What an event at this position does. */
void timer_apply(struct timer_row *r, const struct store_timer_change *c,
    uint64_t position);

/* The one that stands has happened. */
void timer_end(struct timer_row *r, enum store_timer_type type);

/* When the row may go as nothing stands; INT64_MAX: something does, or there
   is no row. */
int64_t timer_until(const struct timer_row *r);

MUST_USE enum rc value_timer_parse(struct slice val, struct timer_row *r);
void value_timer(struct buf *val, const struct timer_row *r);

/* txn may be NULL; in one it is read for writing.  A row that is not there is
   all zero; so is one that can't be read, which is logged. */
MUST_USE enum rc timer_row_read(struct store *st, DB_TXN *txn,
    struct store_order order, struct timer_row *r);

/* Write what has become of a row, and its index. */
MUST_USE enum rc timer_row_write(struct store *st, DB_TXN *txn,
    struct store_order order, const struct timer_row *was,
    const struct timer_row *is);

/* Changes that are not in their place yet. */
struct timer_recent {
	struct timer_noted {
		uint64_t position;
		struct store_timer_change change;
	}	*e;
	size_t	 n, cap;
	uint64_t *row;			/* keys of the rows they are in */
	size_t	 nrow, caprow;
	bool	 more;			/* there are other rows */
};

void timer_recent_free(struct timer_recent *l);

/* Read rows from the oldest on until there are max changes.  txn may be
   NULL. */
MUST_USE enum rc timer_recent_read(struct store *st, DB_TXN *txn, size_t max,
    struct timer_recent *l);

/* One row's changes appended.  RC_INVALID: it is none. */
MUST_USE enum rc timer_recent_parse(uint64_t first, struct slice val,
    struct timer_recent *l);

/*
 * For bdb_accept.  put notes what those of n items do that were taken.  fire
 * ends the timer that a stands for, items before it being of the same
 * transaction.
 *   RC_NOTFOUND  it does not stand as claimed, or changes that may concern it
 *                are to be merged first
 */
MUST_USE enum rc bdb_timer_put(struct store *st, DB_TXN *txn,
    struct store_accept *const *item, size_t n);
MUST_USE enum rc bdb_timer_fire(struct store *st, DB_TXN *txn,
    struct store_accept *const *item, const struct store_accept *a);

static inline bool
timer_same_order(struct store_order a, struct store_order b)
{
	return memcmp(a.hash, b.hash, sizeof a.hash) == 0;
}

/*
 * Whether an event is kept by a timer of its order, and so must stay.  Costs
 * nothing for one that never set any (ev->timed), else a look-up.
 */
MUST_USE enum rc bdb_timer_holds(struct store *st,
    const struct store_event *ev, bool *holds);

#endif
