/*
 * bdb_ahead - a delivery that is put in front of what its lane has pending.
 *
 * For accept.h's ahead, inside its transaction.  What is due at another time
 * than its event was accepted has a row of its own in DELIVERY from the
 * beginning; where the lane probes it becomes what is probed with; and the
 * sweep is told to fetch the lane anew.  Invariant: verify finds such a row as
 * it finds one that was put off without a try.
 */
#ifndef STORE_BDB_AHEAD_H
#define STORE_BDB_AHEAD_H

#include "store/bdb.h"

/*
 * Give *d, due when its event was accepted and not written yet, the time at
 * which it comes before the others; the next ordinals of one event come after
 * it.  Its due row is the caller's to write.
 */
MUST_USE enum rc bdb_ahead_put(struct store *st, DB_TXN *txn,
    struct store_due *d);

#endif
