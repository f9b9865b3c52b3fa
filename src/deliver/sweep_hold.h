/*
 * sweep_hold - what the sweep has in its hands, and how far it has read.
 *
 * The keeper's table of parcels by key, and for each lane a cursor: rows up to
 * it were claimed.  A claim reads on from there and leaves out what is held;
 * rows that appear behind the cursor (a commit that overtook another, a clock
 * set back) are reached by moving it back.  Invariant: a row is in the table
 * from its claim until it is settled or released, and is never claimed while
 * it is there.
 */
#ifndef DELIVER_SWEEP_HOLD_H
#define DELIVER_SWEEP_HOLD_H

#include "deliver/sweep_inner.h"

#define HOLD_BYTES_MAX	(32 * 1024 * 1024)	/* of events held, roughly */
#define HOLD_BYTES_MOST	(4 * HOLD_BYTES_MAX)	/* with one for each lane */
#define HOLD_LANE_BYTES	(4 * 1024 * 1024)	/* of one lane, roughly */
#define HOLD_DONE_MAX	4096	/* unsettled outcomes; more: no claims */

struct hold;

struct hold *hold_new(struct store *st);
void hold_free(struct hold *h);	/* and every parcel in it */

/*
 * Claim what a wish asks for, due now, into *rows (parcels, in due order): for
 * a probe the row that hold_probe named, else the lane's earliest, however far
 * ahead they are due; after a wish to pull, once nothing is due, the rows that
 * come due later, each once.  *next_ms is when the lane's next row is due,
 * INT64_MAX: there is none.  While HOLD_BYTES_MAX are held, or HOLD_LANE_BYTES
 * of the lane, a lane that has some gets none, another one; with
 * HOLD_BYTES_MOST none does.  A probe is had while nothing of its lane is
 * held.  On any error both are unchanged, and the wish is remembered for the
 * lane's next one.
 */
MUST_USE enum rc hold_claim(struct hold *h, const struct lane_wish *w,
    struct lane_rows *rows, int64_t *next_ms);

/* Forget parcels, which are freed; the store has them still, or settled. */
void hold_drop(struct hold *h, struct parcel *p);
void hold_release(struct hold *h, struct lane_rows *rows);

/* The lane has some in the table. */
bool hold_some(const struct hold *h, uint32_t lane);

/* The lane's next claim begins at this due time, if it had read further. */
void hold_rewind(struct hold *h, uint32_t lane, int64_t due_ms);

/* The same of a row that goes back unsent: what was pulled is so again. */
void hold_unread(struct hold *h, const struct store_due *d);

/*
 * The lane's next claim takes rows however far ahead they are due; or, after
 * all, not.
 */
void hold_far(struct hold *h, uint32_t lane);
void hold_near(struct hold *h, uint32_t lane);

/* What is known of a lane was read from the store; it is from now on. */
bool hold_met(const struct hold *h, uint32_t lane);
void hold_meet(struct hold *h, uint32_t lane);

/* Remember what a wish says besides its number of rows, as hold_claim does. */
void hold_wish(struct hold *h, const struct lane_wish *w);

/* Note that there is a chore for the lane, or none; whether there was one. */
bool hold_chore(struct hold *h, uint32_t lane, bool is);

/* What is known of a lane that fails; of NULL: it does not. */
void hold_note(struct hold *h, uint32_t lane, const struct store_health *of);
const struct store_health *hold_noted(const struct hold *h, uint32_t lane);

/*
 * The row that the lane's next probes are, until another is named or it is
 * gone; and where it is due, if it is this one that was put off.
 */
void hold_probe(struct hold *h, uint32_t lane, const struct store_due *d);
void hold_probe_moved(struct hold *h, const struct store_due *from,
    int64_t due_ms);

#endif
