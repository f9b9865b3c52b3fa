/*
 * test_send - one test event for one subscription.
 *
 * Makes an event that is marked as a test and is for this subscription alone,
 * whatever its events, its filter and its client's scope would say, accepts it
 * like any other, ahead of what its lane has pending, and wakes the sweep.  It
 * neither sends nor waits.  For the command and the forms.  Invariant: it is
 * never for a subscription that is not active.
 */
#ifndef WORK_TEST_SEND_H
#define WORK_TEST_SEND_H

#include "work/config.h"

struct test_send {
	/* given; borrowed */
	struct config	 config;
	struct rosters	*rosters;
	const char	*store_dir;
	uint32_t	 subscription;
	const struct catalog_event *type;
	struct slice	 occurred;	/* s NULL: none */
	const struct order *order;	/* read from text */
	struct slice	 text;

	/* found */
	uint64_t	 position;	/* of the event */
	uint32_t	 deliveries;	/* its ordinals are below */
};

/*
 *   RC_NOTFOUND  there is no such subscription
 *   RC_DENIED    it is paused or disabled; why says which
 *   RC_TOOBIG, RC_FULL, RC_RETRY, RC_IO  as store_accept
 */
MUST_USE enum rc test_send(struct test_send *t, struct buf *why);

#endif
