/*
 * bdb_fanout - the due rows of an event that very many subscribe to.
 *
 * Accept writes one fan-out row in place of more than FANOUT_ABOVE due rows,
 * so that no transaction grows with the number of subscribers; the sweep has
 * it expanded in steps.  Invariant: a fan-out row says how many of the event's
 * due rows, in the order of its subscriptions, were written, and is gone when
 * all are.
 */
#ifndef STORE_BDB_FANOUT_H
#define STORE_BDB_FANOUT_H

#include "store/bdb.h"

#define FANOUT_ABOVE	256	/* subscriptions of one event */
#define FANOUT_STEP	500	/* due rows in one transaction */

MUST_USE enum rc bdb_fanout_put(struct store *st, DB_TXN *txn,
    uint64_t position, int64_t accepted_ms);

/*
 * Write up to steps times FANOUT_STEP due rows, of the oldest events first.
 * Called by the one sweeper, between enter and leave.  *more: some are left.
 */
MUST_USE enum rc bdb_fanout_expand(struct store *st, size_t steps,
    bool *more);

#endif
