/*
 * bdb_fanout - the due rows of an event that very many subscribe to.
 *
 * Accept writes one fan-out row in place of more than FANOUT_ABOVE due rows,
 * so that no transaction grows with the number of subscribers; the sweep has
 * it expanded in steps.  Invariant: a fan-out row says how many of the event's
 * due rows, in the order of its list, were written, and is gone when
 * all are.  An event that somebody has in turn (bdb_chain.h) stands in a chain
 * of lane 0 as long, so that later ones of its order come after it.
 */
#ifndef STORE_BDB_FANOUT_H
#define STORE_BDB_FANOUT_H

#include "store/bdb.h"

#define FANOUT_ABOVE	256	/* deliveries of one event */

/* chain: of the event, if somebody has it in turn; else 0. */
MUST_USE enum rc bdb_fanout_put(struct store *st, DB_TXN *txn,
    uint64_t position, uint64_t chain);

#endif
