/*
 * bdb_purge - one step of a purge, in the files that share it.
 *
 * Inside the engine.  bdb_purge.c finds what is to go and goes from step to
 * step, bdb_purge_ref.c takes references out, bdb_purge_row.c removes events.
 * A span is a bucket of references.  Invariant: an event that is marked had no
 * delivery that was not done, and none comes to be pending again.
 */
#ifndef STORE_BDB_PURGE_H
#define STORE_BDB_PURGE_H

#include "store/bdb.h"

#define PURGE_LOOK	2000	/* rows looked at in one step */
#define PURGE_ROWS	2000	/* rows removed in one transaction */

enum purge_phase { PURGE_FIND, PURGE_REFS, PURGE_REMOVE };

static inline bool
purge_doomed(const struct store_purge_at *at, uint64_t position)
{
	uint64_t i = position % STORE_PURGE_SPAN;

	return (at->doomed[i / 8] >> i % 8 & 1) != 0;
}

/* One step; *end: the phase is over.  Between enter and leave. */
MUST_USE enum rc purge_refs(struct store *st, struct store_purge *p,
    bool *end);
MUST_USE enum rc purge_remove(struct store *st, struct store_purge *p,
    bool *end);

#endif
