/*
 * bdb_settle - outcomes put on record: what their transactions share.
 *
 * Inside the engine.  bdb_settle.c settles items, bdb_late.c keeps the attempts
 * of those whose row is gone, bdb_health.c sums up how a lane's attempts went,
 * bdb_give_up.c settles what was never claimed.  Invariant: whatever ends a
 * delivery goes through settle_chunk, and so leaves the same rows.
 */
#ifndef STORE_BDB_SETTLE_H
#define STORE_BDB_SETTLE_H

#include "store/bdb_delivery.h"

#define SETTLE_ROWS	200		/* items of one transaction */
#define SETTLE_ATTEMPT_MAX (256 * 1024)	/* bytes of an attempt's row */

struct job {
	struct store_settle	*s;
	bool			 live;	/* its due row was there, as given */
	bool			 late;	/* it was not; its attempt is kept */
	uint64_t		 chain;	/* as that row had it, or 0 */
	bool			 test;	/* its event is a test */
	size_t			 at, len;	/* its attempt's row */
};

struct chunk {
	struct job		*job[SETTLE_ROWS];
	size_t			 n;
	struct store_hour	 hour[SETTLE_ROWS];
	struct buf		 attempts;	/* rows, one after the other */
	struct buf		 key, val;
};

/* Settle the jobs of a chunk: a bdb_txn_fn's work, with the chunk as arg. */
MUST_USE enum rc settle_chunk(struct store *st, DB_TXN *txn, void *chunk);

/* The steps of it that have files of their own. */
MUST_USE enum rc settle_late(struct store *st, DB_TXN *txn, struct chunk *c);
MUST_USE enum rc settle_health(struct store *st, DB_TXN *txn,
    struct chunk *c);

/* What an item says of attempts, into its delivery's row. */
void settle_count(const struct store_settle *s, struct store_delivery *d);

#endif
