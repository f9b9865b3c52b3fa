/*
 * bdb_ref - what writing, finding and moving references share.
 *
 * The layout is told in bdb_ref.c, which writes and finds; bdb_ref_move.c
 * brings the rows into their long-term place.
 */
#ifndef STORE_BDB_REF_H
#define STORE_BDB_REF_H

#include "store/bdb.h"

#define REF_BUCKET	16384	/* positions */
#define REF_ENTRY_LEN	10	/* bytes */

/* A buffer for any row: all that the events of a bucket can name. */
#define REF_ROW_INIT	BUF_INIT((size_t)REF_BUCKET * STORE_REFS_MAX * \
			    REF_ENTRY_LEN)

struct ref_entry {
	uint64_t ref;
	uint16_t offset;	/* of the position in its bucket */
};

struct ref_list {
	struct ref_entry *e;	/* freed by whoever declared the list */
	size_t		  n, cap;
};

void ref_list_add(struct ref_list *l, struct ref_entry e);

/* Which of a bucket's rows a reference is in. */
uint8_t ref_slot(uint64_t ref);

void ref_put_entry(struct buf *val, struct ref_entry e);

/* The first bucket that is not moved; locked for writing in a transaction. */
MUST_USE enum rc ref_read_moved(struct store *st, DB_TXN *txn,
    uint32_t *moved);

/*
 * Append to l the entries of a bucket's recent rows, in the order of
 * positions; of one reference, unless only is NULL.
 */
MUST_USE enum rc ref_read_recent(struct store *st, uint32_t bucket,
    const uint64_t *only, struct ref_list *l);

/*
 * Move a complete bucket, l being all of its entries; sorts them.
 *   RC_STALE  somebody else has moved it; nothing was written
 */
MUST_USE enum rc ref_move(struct store *st, uint32_t bucket,
    struct ref_list *l);

#endif
