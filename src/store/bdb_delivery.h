/*
 * bdb_delivery - the rows of deliveries and attempts, and reading them.
 *
 * Inside the engine: what bdb_claim, bdb_settle, bdb_look, bdb_list, bdb_stat
 * and bdb_verify share.  It lays out the values of DELIVERY and finds the
 * deliveries that an event has; it writes nothing.  Invariant: a reader never
 * waits for one file while it holds a page of another, so no writer that takes
 * them in another order waits for it.
 */
#ifndef STORE_BDB_DELIVERY_H
#define STORE_BDB_DELIVERY_H

#include "store/bdb.h"
#include "store/bdb_key.h"

/* Rows that a call of look.h looks at before it lets others have a turn. */
#define BDB_LOOK_ROWS	10000

#define DELIVERY_ROW_INIT BUF_INIT(512)	/* with room for later releases */

/* Everything but d->key.  encode clears val first; decode gives RC_INVALID,
   *d untouched, for what is not such a row. */
void delivery_encode(struct buf *val, const struct store_delivery *d);
MUST_USE enum rc delivery_decode(struct slice val, struct store_delivery *d);

/*
 * Everything but a->number, which is the key's.  encode appends, so that many
 * rows can share a buffer.  decode points the fields into a->raw, which holds
 * the row; an empty field is absent.
 */
void attempt_encode(struct buf *val, const struct store_attempt *a);
MUST_USE enum rc attempt_decode(struct store_attempt *a, uint16_t number);

/*
 * Enter, run fn, leave.  fn reads without a transaction; when it loses against
 * a writer (RC_RETRY) it is run again a few times, from scratch.
 */
typedef enum rc bdb_read_fn(struct store *st, void *arg);
MUST_USE enum rc bdb_read(struct store *st, bdb_read_fn *fn, void *arg);

/* The rest lies between enter and leave. */

/*
 * One row, decoded; txn may be NULL.
 *   RC_NOTFOUND  there is none
 *   RC_INVALID   there is one, and it can't be read
 */
MUST_USE enum rc bdb_event_row(struct store *st, DB_TXN *txn,
    uint64_t position, struct store_event *ev);
MUST_USE enum rc bdb_delivery_row(struct store *st, DB_TXN *txn,
    const struct store_key *k, struct store_delivery *d);

/* Is it of a test?  Of one that is missing: no.  Reads its first bytes. */
MUST_USE enum rc bdb_event_is_test(struct store *st, DB_TXN *txn,
    uint64_t position, bool *test);

/*
 * The i-th delivery that an event's row lists, and how many it lists; in
 * bdb_event.c, as what follows.  A subscription that is listed several times
 * has one for each, with ordinals from 0.
 */
struct store_key event_listed(const struct store_event *ev, size_t i);
size_t event_nlisted(const struct store_event *ev);

/* The first one that is not below (subscription, ordinal). */
size_t event_listed_from(const struct store_event *ev, uint32_t subscription,
    uint32_t ordinal);

/* Does it list this one?  Its position is not looked at. */
bool event_lists(const struct store_event *ev, const struct store_key *k);

/*
 * The chain in which the i-th one, or this subscription's first delivery,
 * takes its turn; 0: in none, or it is not listed.  No second one is in any.
 */
uint64_t event_chain(const struct store_event *ev, size_t i);
uint64_t event_chain_of(const struct store_event *ev, uint32_t subscription);

/* Where a walk over an event's deliveries stands, and what it may cost. */
struct event_walk {
	uint32_t	 subscription;	/* the first one to look at; from 0 */
	uint32_t	 ordinal;
	size_t		 budget;	/* rows left to look at */
	bool		 end;		/* there are no more */
};

/*
 * Deliveries of an event in the order of subscription and ordinal, those with
 * a row and those that were never tried, in a state (or STORE_ANY), into d[*n]
 * and on, at most to max.  w is moved on.
 */
MUST_USE enum rc bdb_event_walk(struct store *st, const struct store_event *ev,
    enum store_state state, struct event_walk *w, struct store_delivery *d,
    size_t max, size_t *n);

/*
 * bdb_stat: add sums of settled deliveries; h in the order of their keys.  One
 * that was dead and has arrived after all takes 1 off, modulo 2^64.
 */
MUST_USE enum rc bdb_stat_add(struct store *st, DB_TXN *txn,
    const struct store_hour *h, size_t n);

/* The hour in which a time lies. */
int64_t bdb_stat_hour(int64_t ms);

#endif
