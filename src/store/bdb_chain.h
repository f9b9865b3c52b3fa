/*
 * bdb_chain - deliveries that take their turn, one order at a time.
 *
 * A subscription may have the events of one order in turn (accept.h).  All its
 * deliveries of one order are then a *chain*: each has a row here until it is
 * delivered or dead, ordered by position, and only the first one has a due
 * row, too.  Called by what accepts, fans out and settles, inside their
 * transactions; replays (ordinals from 1) join no chain.  Invariant: the first
 * of a chain is due, the others are not, and have no row anywhere else.
 */
#ifndef STORE_BDB_CHAIN_H
#define STORE_BDB_CHAIN_H

#include "store/bdb.h"
#include "store/bdb_key.h"

/*
 * Put a delivery at the end of its chain.  *waits: others are before it, and
 * it gets no due row.  In lane 0 it is an event that is to be fanned out.
 */
MUST_USE enum rc bdb_chain_add(struct store *st, DB_TXN *txn,
    const struct key_link *l, int64_t accepted_ms, bool *waits);

/*
 * The first of the chain that l is in (l->position is not looked at).
 *   RC_NOTFOUND  the chain is empty
 */
MUST_USE enum rc bdb_chain_first(struct store *st, DB_TXN *txn,
    const struct key_link *l, uint64_t *position);

/*
 * A delivery has come to its end, by whatever way: it leaves its chain, if it
 * is in one (d->chain), and if it was the first, the next one gets its due
 * row, *promoted_ms being its time; else that is INT64_MAX.
 */
MUST_USE enum rc bdb_chain_end(struct store *st, DB_TXN *txn,
    const struct store_due *d, int64_t *promoted_ms);

/*
 * The deliveries of a lane that wait for their turn, chain by chain: into
 * d[*n] and on, at most to max, looking at no more than *budget rows, which are
 * taken off.  at is where the last call stopped, empty at first, and is moved
 * on.  *end: there are no more.
 */
MUST_USE enum rc bdb_chain_waiting(struct store *st, uint32_t lane,
    struct buf *at, size_t *budget, struct store_delivery *d, size_t max,
    size_t *n, bool *end);

/*
 * Is this the due row that a delivery would have which waits for its turn?
 */
MUST_USE enum rc bdb_chain_waits(struct store *st, DB_TXN *txn,
    const struct store_due *d, bool *waits);

#endif
