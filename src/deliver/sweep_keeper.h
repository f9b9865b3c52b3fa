/*
 * sweep_keeper - the keeper of a sweep, as its files share it.
 *
 * Private to sweep_keeper.c, which goes round, claims and looks, and
 * sweep_settle.c, which brings outcomes into the store and tells what follows
 * from them, sweep_tell.c, which knows how lanes fare, sweep_timer.c, which
 * makes events of timers, and sweep_chore.c, which does what can wait.  One thread.  Invariant: an outcome is in done until the
 * store has it or can never take it.
 */
#ifndef DELIVER_SWEEP_KEEPER_H
#define DELIVER_SWEEP_KEEPER_H

#include "deliver/held.h"
#include "deliver/sweep_hold.h"

#define SETTLE_MS	5	/* the oldest outcome waits that long */
#define AGAIN_MS	100	/* after the store refused */

/* What can wait, done a step at a time. */
struct chores {
	bool		 expanding;	/* an event may wait for its due rows */
	struct store_fanout fanout;
	struct chore	*first, *last;	/* lanes with rows to bury */
	bool		 turn;		/* the one and the other */
	int64_t		 again_ms;	/* not before, after a refusal */
};

/* Events that the clock triggers. */
struct timers {
	bool		 rests;		/* all is in its place, and none due */
	int64_t		 at_ms;		/* of the next look; monotonic */
};

struct doomed {
	uint32_t	 number;
	uint64_t	 version;	/* another one was mended meanwhile */
	const char	*reason;	/* lasts as long as the program */
};

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
	struct chores	 chores;
	struct timers	 timers;
	struct doomed	*doomed;	/* subscriptions to disable */
	size_t		 ndoomed, capdoomed;
	int64_t		 mail_since_ms;	/* it was told that its server fails,
					   since then; 0: not so */
};

/* Tell the loop. */
void keeper_post(struct keeper *k, struct note n);

/* There are outcomes, and it is their time. */
bool keeper_settles_now(const struct keeper *k, int64_t mono_ms);

/* Settle all outcomes that wait, unless the store refuses. */
void keeper_settle(struct keeper *k);

/*
 * Have a subscription disabled, as soon as what was settled is told of, unless
 * it has another version by then; and do it.
 */
void keeper_doom(struct keeper *k, uint32_t number, uint64_t version,
    const char *reason);
void keeper_disable(struct keeper *k);

/*
 * An attempt of a lane is in the store that failed or succeeded: what follows
 * for its probing, what operators and clients are told, and whether it is to be
 * disabled.  word is the attempt's.  sweep_tell.c.
 */
void keeper_failed(struct keeper *k, uint32_t lane, const char *word);
void keeper_succeeded(struct keeper *k, uint32_t lane);

/* What a lane is to probe with may have changed in the store. */
void keeper_probe(struct keeper *k, uint32_t lane);

/*
 * A lane that nothing was claimed of yet may have failed before this process
 * began, and the loop is told so.  False: nothing should be claimed, since it
 * probes or the store can't say; it may ask again at *next_ms.
 */
bool keeper_meet(struct keeper *k, uint32_t lane, int64_t *next_ms);

/*
 * The service is about to disable a subscription: tell it.
 *   RC_NOTFOUND  the reason does not hold any more: it is not to be disabled
 *   RC_RETRY     not just now
 */
MUST_USE enum rc keeper_tell_disabled(struct keeper *k, uint32_t lane,
    const char *reason);

/* Look for events with very many subscribers whose due rows are to be made. */
void keeper_expand(struct keeper *k);

/*
 * Rows of a lane that are not to be sent any more die, as held.h says; if its
 * subscription is not there it was removed for sure.
 */
void keeper_bury(struct keeper *k, uint32_t lane);

/* Tell operators that mail's server fails, or takes mails again. */
void keeper_mail(struct keeper *k);

bool keeper_chores_wait(const struct keeper *k);
void keeper_chore(struct keeper *k);	/* one step */
void keeper_chores_clear(struct keeper *k);

/* Let the loop know whether there are chores, or timers to see to. */
void keeper_chores_tell(struct keeper *k);

/* One step in merging and firing timers, once timers.at_ms has come.
   sweep_timer.c. */
void keeper_timers_step(struct keeper *k);

#endif
