/*
 * bdb_committer - joins what many threads accept into one transaction.
 *
 * There is no thread of its own: of the callers, the first leads.  It commits
 * what waits, its own and the others', in one transaction, wakes them, and
 * hands the lead to one that came meanwhile.  So a lone caller pays for no
 * change of threads, and a crowd shares one flush of the log.  Invariant: while
 * somebody waits, exactly one leads.
 */
#ifndef STORE_BDB_COMMITTER_H
#define STORE_BDB_COMMITTER_H

#include "store/bdb.h"

/* Give each of n items its result; returns when all have one. */
void committer_accept(struct store *st, struct store_accept *item, size_t n);

#endif
