/*
 * match - an index that finds the subscriptions an event may be for.
 *
 * Each subscription stands under values of which an order must have one for it
 * to match: those of its client's scope, or of a condition "=" or "in" of its
 * filter, whichever fewer others stand under; without any, under its event
 * types alone.  So an event costs what the subscriptions it finds cost, not
 * what all of them do.  Whether one of them does match is for the caller to
 * ask (roster.c).  Immutable, shared by threads.  Invariant: what matches is
 * found, and perhaps more.
 */
#ifndef WORK_MATCH_H
#define WORK_MATCH_H

#include "work/roster.h"

struct match;

/* The subscriptions are borrowed, and must outlive the index. */
struct match *match_new(const struct subscription *const *sub, size_t n);
void match_free(struct match *m);

/*
 * Subscriptions that an event of this type about this order may be for, run by
 * run: each is in ascending order of its numbers, but one may stand in several.
 */
typedef void match_run(void *arg, const struct subscription *const *sub,
    size_t n);
void match_find(const struct match *m, const struct catalog_event *type,
    const struct order *o, match_run *run, void *arg);

#endif
