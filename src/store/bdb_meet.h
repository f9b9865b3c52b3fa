/*
 * bdb_meet - the events that fit several references at once.
 *
 * Inside the engine, for bdb_look and bdb_list.  Reads each reference's
 * positions a batch at a time, newest first, and finds where they meet, without
 * going through those in between.
 */
#ifndef STORE_BDB_MEET_H
#define STORE_BDB_MEET_H

#include "store/bdb.h"

struct meet;

/* Of positions below before.  ref is borrowed; freed by meet_free. */
struct meet *meet_new(const struct store_ref *ref, size_t n,
    uint64_t before);
void meet_free(struct meet *m);

/*
 * The newest position at or below limit, which does not rise from call to
 * call, that fits every ref; 0 if there is none.  *met is false if the budget
 * ended first: then there is none above *position.
 */
MUST_USE enum rc meet_next(struct store *st, struct meet *m, uint64_t limit,
    size_t *budget, uint64_t *position, bool *met);

#endif
