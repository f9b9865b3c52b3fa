/*
 * take - matched events into the store, matched anew as often as it takes.
 *
 * Matching is done under a snapshot of the configuration, and the store takes
 * nothing that was matched under an older one.  This is the going back and
 * forth between the two, for whoever has events: intake.c those that are
 * posted, operational.c the service's own, timer_fire.c those of the clock,
 * test_send.c tests.  What an event is and what is said of it is theirs.
 * Invariant: an item's rc is never RC_STALE for good.
 */
#ifndef WORK_TAKE_H
#define WORK_TAKE_H

#include "work/roster.h"

struct take {
	struct store	*store;
	struct rosters	*rosters;

	/*
	 * Fill n items (the first time; then those still there) as matched
	 * under r; r NULL: it can't be had just now, and they only have to be
	 * there.  Returns how many are left, at the front: the others are done
	 * with.
	 */
	size_t		(*match)(void *arg, const struct roster *r, size_t n);

	/*
	 * Note what became of n items, in their rc (accept.h).  Returns how
	 * many of them are RC_STALE and to be matched again, in their order.
	 */
	size_t		(*taken)(void *arg, size_t n);
	void		*arg;
};

/* Take n items.  They lie at item all the while. */
void take_events(const struct take *t, struct store_accept *item, size_t n);

/* Whom an event is for; memory used again from one event to the next. */
struct take_match {
	uint32_t	*number;	/* as store_accept has it; the caller
					   may take out some */
	size_t		 n, cap;
	bool		 turns;		/* some have an order's in turn */
	bool		*turn;
	size_t		 turn_cap;
};

/* Match an event of this type about this order. */
void take_match(struct take_match *m, const struct roster *r,
    const struct catalog_event *type, const struct order *o);

/* One more, with a number above all of them. */
void take_match_add(struct take_match *m, uint32_t number);

/* Make the item one that is for these, of that chain, as matched under r. */
void take_match_put(struct take_match *m, const struct roster *r,
    uint64_t chain, struct store_accept *a);

void take_match_free(struct take_match *m);

#endif
