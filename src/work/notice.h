/*
 * notice - warnings before a subscription is disabled, and at that moment.
 *
 * When a lane that fails is to be spoken of, to whom, and in which words.  What
 * is said goes into an event of the service's own (operational.h); it is mailed
 * by a subscription that has no record, is in every roster under a number that
 * no record ever gets, and takes from that event address, subject and text.  So
 * retries, attempts on record and dead letters of these mails are those of any
 * delivery.  It does not know what was told already: that is the sweep's.
 * Invariant: nothing that a client reads here is of another client.
 */
#ifndef WORK_NOTICE_H
#define WORK_NOTICE_H

#include "base/conf.h"
#include "work/config.h"

/* The lane of these mails; how it is called where others have an id. */
#define NOTICE_LANE	UINT32_C(0xfffffff0)
#define NOTICE_NAME	"notices"

/* The JSON of its task. */
const char *notice_task(void);

/* How long it fails, and how often in a row, until each is due. */
#define NOTICE_FIRST_MS		(INT64_C(10) * 60 * 1000)
#define NOTICE_HALFWAY_MS	(INT64_C(60) * 3600 * 1000)
#define NOTICE_DISABLE_MS	(INT64_C(120) * 3600 * 1000)
#define NOTICE_FAILURES		5
#define NOTICE_HALFWAY_FAILURES	10
#define NOTICE_DISABLE_FAILURES	20

/* Each is due only when those before it are. */
enum notice_stage {
	NOTICE_NOTHING,
	NOTICE_FAILING,		/* operators may hear of it */
	NOTICE_FIRST,		/* the client is warned */
	NOTICE_HALFWAY,		/* and once more */
	NOTICE_DISABLE,
};

/*
 * When the failures in a row that count began: since what is sent was changed,
 * or its state set, they are others.  0: it does not fail.
 */
int64_t notice_since_ms(const struct store_health *h,
    const struct subscription *s);

/* What is due at a lane's last failure; of failures since since_ms. */
enum notice_stage notice_stage(const struct store_health *h,
    int64_t since_ms);

/*
 * Append the address that is to be told: the client's (mail), else the first
 * operator's whose login is one, else the one mail comes from.
 *   RC_NOTFOUND      none of them can be used
 *   RC_RETRY, RC_IO  as the store
 */
MUST_USE enum rc notice_address(const struct config *cf,
    const struct conf *conf, const char *mail, struct buf *out);

/* The event that fails, and what came back when it was sent last. */
struct notice_event {
	char		 event[ID_MAX], delivery[ID_MAX];
	char		 type[STORE_TEXT_MAX + 1];
	int64_t		 accepted_ms;
	struct buf	 agwid;
	struct store_attempt attempt;	/* number 0: not on record */
};

#define NOTICE_EVENT_INIT { .agwid = BUF_INIT(1024), \
	.attempt = STORE_ATTEMPT_INIT }

void notice_event_clear(struct notice_event *e);

/*
 * Read it into *e (initialised).
 *   RC_NOTFOUND      it is no more
 *   RC_RETRY, RC_IO  as the store
 */
MUST_USE enum rc notice_event_read(const struct config *cf,
    struct store_key key, struct notice_event *e);

/* What is to be told; all of it borrowed. */
struct notice {
	enum notice_stage stage;	/* FIRST, HALFWAY or DISABLE */
	const char	*reason;	/* of DISABLE */
	struct slice	 id, name, client, target;	/* the subscription's */
	const struct store_health *health;
	int64_t		 since_ms;
	const struct notice_event *event;	/* NULL: none is known */
	const char	*site_url;	/* "": none */
	int64_t		 held_days;	/* it keeps what it is due so long */
	struct slice	 mail_to;	/* empty: nobody is mailed */
};

/* Append the members of its event that say it, each with a comma before. */
void notice_put(const struct notice *n, struct buf *out);

/* Append its subject, one line, and its text, lines that end in LF. */
void notice_subject(const struct notice *n, struct buf *out);
void notice_text(const struct notice *n, struct buf *out);

/* When it is disabled at the earliest. */
static inline int64_t
notice_disables_ms(const struct notice *n)
{
	return n->since_ms + NOTICE_DISABLE_MS;
}

#endif
