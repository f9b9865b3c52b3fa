/*
 * sweep_keeper - the keeper of a sweep, as its files share it.
 *
 * Private to sweep_keeper.c, which goes round, claims and looks, and
 * sweep_settle.c, which brings outcomes into the store and tells what follows
 * from them.  One thread.  Invariant: an outcome is in done until the store has
 * it or can never take it.
 */
#ifndef WORK_SWEEP_KEEPER_H
#define WORK_SWEEP_KEEPER_H

#include "work/sweep_hold.h"

#define SETTLE_MS	5	/* the oldest outcome waits that long */
#define AGAIN_MS	100	/* after the store refused */

struct keeper {
	struct sweep	*s;
	struct hold	*hold;
	const struct roster *roster;
	struct lane_rows done;		/* outcomes to settle, oldest first */
	int64_t		 done_ms;	/* since when */
	int64_t		 sync_ms;	/* of the last synced one */
	int64_t		 settle_ms;	/* not before, after a refusal */
	bool		 unsynced;	/* settled, but not yet on disk */
	bool		 idle, quit, look;
	int64_t		 check_ms, look_ms, soon_ms, beat_ms;
	int64_t		 quit_ms;
	uint32_t	*gone;		/* subscriptions to disable */
	size_t		 ngone, capgone;
};

/* Tell the loop. */
void keeper_post(struct keeper *k, struct note n);

/* There are outcomes, and it is their time. */
bool keeper_settles_now(const struct keeper *k, int64_t mono_ms);

/* Settle all outcomes that wait, unless the store refuses. */
void keeper_settle(struct keeper *k);

/* Disable the subscriptions whose endpoints said 410 Gone. */
void keeper_disable(struct keeper *k);

#endif
