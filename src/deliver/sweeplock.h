/*
 * sweeplock - one sweep per store.
 *
 * A kernel lock (flock) on a file beside the store: it dies with its process.
 * The file says who holds it, with a heartbeat and the holder's figures; a
 * holder that lives but whose heart has stopped is ended.  Times are the
 * machine's monotonic clock, so that a clock that is set ends nobody.  It
 * knows nothing of deliveries.
 */
#ifndef DELIVER_SWEEPLOCK_H
#define DELIVER_SWEEPLOCK_H

#include "base/buf.h"

#define SWEEPLOCK_STALE_MS	60000	/* without a heartbeat */

struct sweeplock {
	int	fd;			/* -1: not held */
};

#define SWEEPLOCK_INIT { -1 }

/* What the holder says of itself. */
struct sweeplock_holder {
	int64_t	 pid;
	uint64_t started;		/* clock ticks after boot, as in /proc */
	int64_t	 beat_ms;		/* monotonic */
	uint64_t delivered, retrying, dead;	/* since it took the lock */
};

/*
 * Take the lock of the store in dir, without waiting; a holder whose heartbeat
 * is older than SWEEPLOCK_STALE_MS, and who is the process it says it is, is
 * killed first (and waited for, at most 2 s).
 *   RC_EXISTS  another process holds it
 *   RC_IO      why says what failed
 */
MUST_USE enum rc sweeplock_take(struct sweeplock *l, const char *dir,
    struct buf *why);

/* Show that the holder lives, with its figures.  Only while held. */
void sweeplock_beat(const struct sweeplock *l, uint64_t delivered,
    uint64_t retrying, uint64_t dead);

/*
 * Who holds it, or held it last.
 *   RC_NOTFOUND  nobody ever, or the file can't be read
 */
MUST_USE enum rc sweeplock_read(const char *dir,
    struct sweeplock_holder *h);

/* Also right when it is not held. */
void sweeplock_release(struct sweeplock *l);

#endif
