/*
 * figures - how the service stands: counts of everything, for people.
 *
 * Read from the store by keys alone and from the hourly sums; used by the
 * command's stats and by admin's page.  What a sweep did since its last report
 * is the sweep's own.
 */
#ifndef WORK_FIGURES_H
#define WORK_FIGURES_H

#include "work/roster.h"

struct figures {
	struct store_condition health;
	uint64_t pending;		/* of active subscriptions */
	uint64_t held;			/* of paused and disabled ones */
	uint64_t due;			/* of the pending, due now */
	int64_t	 oldest_due_s;		/* of these, how late; 0: none */
	uint64_t delivered, retried, dead;	/* ever */
	uint64_t delivered_hour, dead_hour;	/* in the present hour */
	uint64_t test_delivered, test_retried, test_dead;	/* ever, and in
					   none of those above */
	size_t	 clients, subscriptions, paused, disabled;
};

/* RC_RETRY, RC_IO as the store. */
MUST_USE enum rc figures_read(struct store *st, struct rosters *rs,
    struct figures *f);

/* Append them as one JSON object. */
void figures_print(const struct figures *f, struct buf *out);

#endif
