/*
 * preview - what a subscription would be sent for an event, without sending.
 *
 * For a subscription as it is, or with a task in its place that nobody has
 * saved; for a real event of the store or the catalogue's sample of a type.
 * The request is made by outgoing.c, as a sweep makes it, signature and all.
 * Used by the command and the forms.  It saves nothing and sends nothing.
 * Invariant: an event outside the client's scope is never shown.
 */
#ifndef WORK_PREVIEW_H
#define WORK_PREVIEW_H

#include "work/config.h"
#include "work/outgoing.h"

#define PREVIEW_LOOKED	10000	/* newest events among which one is chosen */

/* Whose request it is.  All borrowed. */
struct preview_of {
	const struct client *client;
	const struct task *task;
	const struct sign_key *key;	/* sign in this order */
	size_t		 nkey;
	uint32_t	 number;	/* subscription's; 0: not saved yet */
	bool		 draft;		/* task is not the one it has */
};

/*
 * That of a subscription, with the secrets that sign now; task is NULL if what
 * it has does not compile.
 */
struct preview_of preview_of(const struct subscription *s);

struct preview {
	struct store	*store;		/* borrowed, as the catalogue */
	const struct catalog *catalog;
	struct store_event event;	/* position 0: a sample */
	const struct catalog_event *type;	/* NULL: no longer known */
	struct order	 order;		/* the event's */
	bool		 wanted;	/* its events and filter want it */
	struct buf	 reason;	/* why not; one line */
	uint32_t	 recipient;	/* whose mail, below task_recipients */
	const char	*from, *site_url;	/* as outgoing_ask; borrowed */
	struct outgoing	 out;
};

#define PREVIEW_INIT(st, cat) { .store = (st), .catalog = (cat), \
	.event = STORE_EVENT_INIT, .order = ORDER_INIT, \
	.reason = BUF_INIT(1024), .out = OUTGOING_INIT }

void preview_free(struct preview *p);

/*
 * Take an event of the store.
 *   RC_NOTFOUND  there is none, or its order is no longer kept
 *   RC_DENIED    it is outside the client's scope
 *   RC_INVALID   its order can't be read
 * why is one line for each of them.
 */
MUST_USE enum rc preview_event(struct preview *p, const struct preview_of *of,
    uint64_t position, struct buf *why);

/*
 * Take the newest event in the client's scope that the task wants or, unless
 * it is a draft, that the subscription was matched with.
 *   RC_NOTFOUND  none among the newest PREVIEW_LOOKED
 */
MUST_USE enum rc preview_newest(struct preview *p,
    const struct preview_of *of);

/* Take the sample of a type; NULL: of the first that the task asks for. */
void preview_sample(struct preview *p, const struct preview_of *of,
    const struct catalog_event *type);

/* Whether it is wanted, the scope apart, and if not, why. */
void preview_decide(struct preview *p, const struct preview_of *of);

/*
 * Make the request for what was taken, attempt 1, now.  The scope is asked of
 * real events only: a sample's order is nobody's.
 *   RC_INVALID, RC_TOOBIG  it can't be rendered, or would not be sent at all;
 *                          why is one line
 */
MUST_USE enum rc preview_make(struct preview *p, const struct preview_of *of,
    struct buf *why);

/*
 * Append the whole request, and whose it is, as one object (DESIGN §11).  Only
 * what is no webhook says its channel.  Of a mail message is the exact bytes,
 * headers and body what people read.
 */
void preview_print(const struct preview *p, const struct preview_of *of,
    enum outgoing_secrets how, struct buf *out);

#endif
