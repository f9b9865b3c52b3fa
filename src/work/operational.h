/*
 * operational - the service's own events, about the subscriptions it serves.
 *
 * An endpoint that fails, a warning of that, a subscription that was disabled,
 * one that has recovered, and the mail server, when it fails and when it works
 * again: made into an event like any other, for the subscriptions of operators
 * that ask for it by name.  What stands for the order is an object that says
 * whose it is, how it stands and since when; of orders there is no more in it
 * than which one a warning is about, and no secret.  Without a jsonBody it is
 * sent as {"type","timestamp","data"}.  A warning and a disabling are mailed,
 * too (notice.h).  When something has happened is the sweep's to say, which
 * calls this; nobody is nudged.  Invariant: no event about a subscription is
 * for that subscription itself.
 */
#ifndef WORK_OPERATIONAL_H
#define WORK_OPERATIONAL_H

#include "work/notice.h"

enum operational {
	OPERATIONAL_FAILING,	/* several failures in a row */
	OPERATIONAL_WARNING,	/* and for so long that a person should know */
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
	int64_t		 since_ms;	/* notice_since_ms */
	enum notice_stage stage;	/* of a warning */
	struct store_key oldest;	/* of a warning or disabling: the
					   delivery that has failed longest;
					   position 0: none */
	const struct conf *conf;	/* of a warning or disabling */
};

/*
 * Make the event and have it taken, synced.  Repeatable: one event for each
 * failing (since_ms), each stage of warning about it, each recovery
 * (last_failure_ms, which a success leaves as it was) and disabling of a
 * subscription, however often it is asked for within [intake] remember.  A
 * disabling is told before it is done, so that it is not forgotten if this
 * process dies in between: while it was in the same state all along there is
 * but one to tell of, and of one that is disabled there is none.  *any:
 * somebody wants it; else nothing is kept.  A subscription that is no more has
 * no events.  That a warning or disabling is mailed to nobody is logged.
 *   RC_TOOBIG              it can't be kept, ever
 *   RC_FULL, RC_RETRY, RC_IO  not taken; *any says nothing
 */
MUST_USE enum rc operational_post(const struct config *cf,
    struct rosters *rs, const struct operational_ask *ask, bool *any);

/* The server that all mail goes through. */
enum operational_mail { OPERATIONAL_MAIL_FAILING, OPERATIONAL_MAIL_RECOVERED };

struct operational_mail_ask {
	enum operational_mail what;
	const char	*url;		/* its own; a user in it is not told */
	int64_t		 since_ms;	/* when it began to fail */
	const char	*word, *sentence;	/* of the last attempt that
					   failed, or NULL */
	int64_t		 waiting;	/* mails; -1: not known */
	int64_t		 now_ms;	/* when it happened */
};

/*
 * The same for the mail server: one event for each failing and each recovery
 * of it, told apart by since_ms.  Results as operational_post.
 */
MUST_USE enum rc operational_mail_post(const struct config *cf,
    struct rosters *rs, const struct operational_mail_ask *ask, bool *any);

#endif
