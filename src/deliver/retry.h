/*
 * retry - what becomes of a delivery whose attempt has failed.
 *
 * Again after the next step of its subscription's schedule plus 0 to 10 %
 * (never minus, so that "not before" holds), later if the endpoint asked for
 * that, or dead.  It knows nothing of lanes, stores and transports.  Pure:
 * time and chance are arguments.
 */
#ifndef DELIVER_RETRY_H
#define DELIVER_RETRY_H

#include "shape/task.h"

#define RETRY_DEADLINE_MS  (7 * INT64_C(86400000))  /* from acceptance */
#define RETRY_AFTER_MAX_MS INT64_C(86400000)

struct retry {
	/* given */
	const struct task_settings *settings;
	int64_t		 now_ms;
	int64_t		 accepted_ms;	/* of the event */
	uint16_t	 attempts;	/* used before this one */
	int		 status;	/* HTTP; 0: no answer */
	struct slice	 retry_after;	/* the header's value; s NULL: none */
	int64_t		 early_ms;	/* it was made before the time it was
					   due, which is this; 0: not so */
	bool		 ours;		/* it never left, by our own fault */
	uint32_t	 random;	/* even over all its values */

	/* found */
	const char	*dead;		/* "exhausted", "deadline", or NULL */
	int64_t		 next_ms;	/* unless dead */
	int64_t		 asked_ms;	/* to be left alone for that long; 0 */
	uint16_t	 used;		/* attempts used, with this one */
};

/*
 * Decide.  With a Retry-After on 429 or 503 the attempt is not counted, and
 * the delay is what was asked for, but no less than the schedule's and no more
 * than RETRY_AFTER_MAX_MS (or the schedule's, if that is more).  One that was
 * made early is not counted and leaves the time it is due as it was; one that
 * failed by our fault is not counted either.  A schedule
 * without steps allows one attempt, whatever the answer.  A delivery whose
 * next attempt would come later than RETRY_DEADLINE_MS after acceptance is
 * dead.  That is asked after an attempt only: what was held for longer still
 * gets its try.
 */
void retry_decide(struct retry *r);

/*
 * Read a Retry-After value: seconds, or an HTTP date in any of RFC 9110's
 * three forms; a date in the past is 0.
 *   RC_INVALID  neither
 */
MUST_USE enum rc retry_after(struct slice value, int64_t now_ms,
    int64_t *delay_ms);

/*
 * due_ms is further ahead than any schedule puts it (the longer of 24 h and
 * the longest step, plus 10 %): a clock has jumped, and the row is due at
 * once.  settings may be NULL: the 24 h count.
 */
bool retry_too_far(const struct task_settings *settings, int64_t due_ms,
    int64_t now_ms);

#endif
