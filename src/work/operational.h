/*
 * operational - the service's own events, about the subscriptions it serves.
 *
 * An endpoint that fails, a subscription that was disabled, one that has
 * recovered: made into an event like any other, for the subscriptions of
 * operators that ask for it by name.  What stands for the order is an object
 * that says whose it is, how it stands and since when, and nothing of any
 * order or of a secret; without a jsonBody it is sent as
 * {"type","timestamp","data"}.  When something has happened is the sweep's to
 * say, which calls this; nobody is nudged.  Invariant: no event about a
 * subscription is for that subscription itself.
 */
#ifndef WORK_OPERATIONAL_H
#define WORK_OPERATIONAL_H

#include "work/config.h"

enum operational {
	OPERATIONAL_FAILING,	/* several failures in a row */
	OPERATIONAL_DISABLED,	/* about to be, by the service itself */
	OPERATIONAL_RECOVERED,	/* a success after it was failing */
};

struct operational_ask {
	enum operational what;
	uint32_t	 subscription;
	struct store_health health;	/* of a recovery: of the failures that
					   it has ended, as far as known */
	const char	*reason;	/* a word; NULL or "": none */
	int64_t		 now_ms;	/* when it happened */
};

/*
 * Make the event and have it taken, synced.  Repeatable: one event for each
 * failing (first_failure_ms), recovery (last_failure_ms, which a success
 * leaves as it was) and disabling of a subscription, however often it is asked
 * for.  A disabling is told before it is done, so that it is not forgotten if
 * this process dies in between: while it was in the same state all along there
 * is but one to tell of, and of one that is disabled there is none.  *any:
 * somebody wants it; else nothing is kept.  A subscription that is no more has
 * no events.
 *   RC_TOOBIG              it can't be kept, ever
 *   RC_FULL, RC_RETRY, RC_IO  not taken; *any says nothing
 */
MUST_USE enum rc operational_post(const struct config *cf,
    struct rosters *rs, const struct operational_ask *ask, bool *any);

#endif
