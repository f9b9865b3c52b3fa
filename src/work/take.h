/*
 * take - matched events into the store, matched anew as often as it takes.
 *
 * Matching is done under a snapshot of the configuration, and the store takes
 * nothing that was matched under an older one.  This is the going back and
 * forth between the two, for whoever has events: intake.c those that are
 * posted, operational.c the service's own.  What an event is, whom it is for
 * and what is said of it is theirs.  Invariant: an item's rc is never RC_STALE
 * for good.
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

#endif
