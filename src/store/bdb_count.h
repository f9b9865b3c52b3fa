/*
 * bdb_count - the counters in META: position, generation, numbers.
 *
 * A counter that was never written is 0.  Every transaction that moves one
 * reads it for writing first of all, so counters never skip or repeat.
 */
#ifndef STORE_BDB_COUNT_H
#define STORE_BDB_COUNT_H

#include "store/bdb.h"
#include "store/bdb_key.h"

/* Read; with rmw nobody else can until the transaction ends. */
MUST_USE enum rc bdb_count_get(struct store *st, DB_TXN *txn,
    enum key_word w, bool rmw, uint64_t *v);
MUST_USE enum rc bdb_count_set(struct store *st, DB_TXN *txn,
    enum key_word w, uint64_t v);

/* Take the next number of a kind of record. */
MUST_USE enum rc bdb_count_number(struct store *st, DB_TXN *txn,
    enum store_kind kind, uint32_t *number);

#endif
