/*
 * remake - the body of an attempt, made again.
 *
 * An attempt is kept with the version of the subscription that it used and a
 * keyed hash of the body, not with the body.  This opens the task of that
 * version, renders it once more for the event, and says that the bytes are
 * those of the attempt only if they have its hash.  For whoever shows attempts
 * or repeats them with the same bytes; it writes and sends nothing.  Invariant:
 * no bytes are given out that were not proven.
 */
#ifndef WORK_REMAKE_H
#define WORK_REMAKE_H

#include "work/config.h"
#include "work/outgoing.h"

struct remake {
	struct config	 config;	/* borrowed */
	struct task	*task;		/* the last one that was opened... */
	uint32_t	 number;	/* ...of this subscription */
	uint64_t	 version;
	struct outgoing	 out;		/* the body is in it */
};

#define REMAKE_INIT(cf)	{ .config = (cf), .out = OUTGOING_INIT }

void remake_clear(struct remake *m);

/*
 * The body of an attempt: of a delivery, its event and its order (NULL: no
 * longer kept).  *body lasts until the next call; nothing of it is a secret
 * that DESIGN §9 names.
 *   RC_NOTFOUND  the attempt made no body
 *   RC_INVALID   it can't be made again, or comes out different
 *   RC_RETRY, RC_IO  as the store
 * why is one line for each of them, and *body is empty.
 */
MUST_USE enum rc remake_body(struct remake *m, const struct store_event *ev,
    const struct order *o, struct store_key delivery,
    const struct store_attempt *a, struct slice *body, struct buf *why);

#endif
