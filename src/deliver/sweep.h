/*
 * sweep - delivers what is due: the engine behind sweep.fcgi and `skycap
 * sweep`.
 *
 * Two threads.  The *loop* sends: it owns the lanes, renders, signs, talks to
 * endpoints and never waits for the store.  The *keeper* alone speaks with the
 * store: it claims rows ahead of the loop's need, settles outcomes in batches
 * and watches for changed configuration.  What lane goes next is lane.h, when
 * to try again retry.h, the wire channel_webhook.h, who may sweep sweeplock.h.
 * Used by a program that stays (start, stop), or for one pass
 * (run_until_idle).  Invariant: a row is in the sweep's hands at most once at
 * a time, and whatever is interrupted stays due in the store.
 */
#ifndef DELIVER_SWEEP_H
#define DELIVER_SWEEP_H

#include "base/conf.h"
#include "work/config.h"

struct sweep;

struct sweep_options {
	struct config	 config;	/* store, crypt, catalogue; borrowed */
	struct rosters	*rosters;	/* borrowed until sweep_free */
	const struct conf *conf;	/* copied */
};

/*
 * Set up, without threads or lock yet.  *s is freed by sweep_free.
 *   RC_INVALID  [guard] or [tls] can't be used; why says which
 *   RC_IO       no descriptors or memory for the network
 */
MUST_USE enum rc sweep_new(struct sweep **s, const struct sweep_options *o,
    struct buf *why);
void sweep_free(struct sweep *s);

/*
 * Start delivering until told to stop.  Where another process sweeps this
 * store it waits for its end and then takes over.
 *   RC_IO  no thread could be started
 */
MUST_USE enum rc sweep_start(struct sweep *s);

/*
 * Stop: no attempt starts from now on.  sweep_stopping returns at once and may
 * be called from any thread; sweep_stop waits for what is in flight (at most
 * SWEEP_GRACE_MS, the rest is left due), settles and joins.  Also right when
 * nothing was started.
 */
#define SWEEP_GRACE_MS	2000
void sweep_stopping(struct sweep *s);
void sweep_stop(struct sweep *s);

/*
 * Deliver until nothing is due or budget_ms have passed, then stop, on a sweep
 * that was not started; attempts under way then are waited for up to their own
 * timeouts, so that each ends on record.  Retries that come due within the
 * budget, after everything else is done, are not waited for.
 *   RC_EXISTS  another process sweeps this store: nothing was done
 *   RC_IO      no thread could be started
 */
MUST_USE enum rc sweep_run_until_idle(struct sweep *s, int64_t budget_ms);

/* Have the keeper look at every lane soon; a lost nudge is found so. */
void sweep_look(struct sweep *s);

/* The report of DESIGN §11. */
struct sweep_report {
	uint64_t delivered, retrying, dead;	/* since the last report */
	uint64_t pending, held;			/* now */
	int64_t	 oldest_due_s;	/* age of the earliest due row; 0: none */
	int64_t	 took_ms;	/* set by the caller */
	bool	 busy;		/* another process sweeps: the first three
				   are its totals, 0 if it can't be read */
};

/*
 * What was done since the last call, and what waits.  Counts rows by their
 * keys: some 100 ms for a million.
 *   RC_RETRY, RC_IO  as the store; *r is zeroed, what was done is not lost
 */
MUST_USE enum rc sweep_report(struct sweep *s, struct sweep_report *r);

/* Append it as one JSON object. */
void sweep_report_print(const struct sweep_report *r, struct buf *out);

/* The same in Prometheus' text format, with totals since the start. */
MUST_USE enum rc sweep_metrics(struct sweep *s, struct buf *out);

#endif
