/*
 * purge - let go of events that are done with, and of all that is theirs.
 *
 * Part of store.h.  Goes over the events in the order of their positions, a
 * bounded step at a time: finds those that fit, takes their references out,
 * then removes each with its sender id, its deliveries, their attempts and the
 * lists that name them.  Sums by hour stay.  Any process may call it.
 * Invariant: after every step, and so after a crash, what is stored holds
 * together, and what is left over the same purge finds again.
 */
#ifndef STORE_PURGE_H
#define STORE_PURGE_H

#include "store/delivery.h"

#define STORE_PURGE_SPAN	16384	/* positions that are gone over before
					   their events are removed */

struct store_purge {
	/* given; the same in each step */
	bool		 tests;		/* tests alone; else any event */
	int64_t		 before_ms;	/* accepted before; INT64_MAX: any */
	bool		 dry;		/* count, and remove nothing */

	/* found by all steps so far */
	uint64_t	 events, deliveries;	/* removed, or to be */
	uint64_t	 kept;		/* fitting events that were left: not
					   all of their deliveries are done, or
					   a timer keeps them */
	uint64_t	 position;	/* events up to it are done with */
	uint64_t	 newest;	/* to be gone over, up to this one */
	bool		 more;		/* there is something left to do */

	/* the store's own; zeroed before the first step */
	struct store_purge_at {
		bool		 begun;
		uint64_t	 first;		/* of the span at hand */
		uint64_t	 next;		/* to look at */
		struct store_key inside;	/* ...of its deliveries */
		uint64_t	 counted;	/* ...of them so far */
		int		 phase;
		uint32_t	 slot;		/* of references */
		unsigned char	 doomed[STORE_PURGE_SPAN / 8];
	} at;
};

/*
 * One step: some 2,000 rows are looked at, or removed in one transaction,
 * unsynced.  An event with very many deliveries takes several steps; begun, it
 * no longer lists them.  On any error *p is as it was before the call, but for
 * what a step had in part, which is done again.
 */
MUST_USE enum rc store_purge(struct store *st, struct store_purge *p);

#endif
