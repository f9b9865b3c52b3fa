/*
 * sweep_inner - what the two threads of a sweep share.
 *
 * Private to sweep*.c.  A *parcel* is a row in the sweep's hands, from claim
 * to settled; it is passed from the keeper to the loop and back, and belongs
 * to whoever has it, but for its place in the keeper's table.  The threads
 * meet in two mailboxes under one lock.  Invariant: the loop calls nothing of
 * the store but the making of ids, and the keeper nothing of the network.
 */
#ifndef DELIVER_SWEEP_INNER_H
#define DELIVER_SWEEP_INNER_H

#include <pthread.h>
#include <stdatomic.h>
#include "base/clock.h"
#include "deliver/channel_mail.h"
#include "deliver/channel_webhook.h"
#include "deliver/lane.h"
#include "deliver/sweep.h"
#include "deliver/sweeplock.h"
#include "work/outgoing.h"

#define SWEEP_SETTLE	128		/* outcomes that are settled at once */
#define SWEEP_TEXT_MAX	(256 * 1024)	/* bytes of an attempt's texts */

/*
 * An attempt is started only while the configuration was looked at this short
 * a time ago, so that what was paused 1 s ago rests.
 */
#define SWEEP_CHECK_MS	400		/* between looks */
#define SWEEP_SURE_MS	950

struct parcel {
	struct lane_row	 row;		/* first; links it in queues too */
	struct parcel	*next_held;	/* in the keeper's table */
	struct store_due due;
	struct store_event event;	/* emptied when there is an outcome */
	size_t		 bytes;		/* of the event, as claimed */

	/* the outcome */
	bool		 release;	/* none: it goes back untouched */
	int64_t		 quiet_ms;	/* its endpoint asked for that rest */
	const char	*disable;	/* its subscription, for that reason;
					   NULL: not */
	bool		 server;	/* it was mail's server that failed */
	bool		 bare;		/* settle it without its attempt */
	struct store_settle settle;
	struct store_attempt attempt;
	struct buf	 text;		/* what the attempt's slices point to */
};

static inline struct parcel *
parcel_of(struct lane_row *row)
{
	return (struct parcel *)(void *)row;
}

void parcel_free(struct parcel *p);

/* From the keeper to the loop. */
struct note {
	struct note	*next;
	enum {
		NOTE_ROWS,		/* what was asked for */
		NOTE_DUE,		/* some row is due then */
		NOTE_PROBE,		/* the row to probe with is */
		NOTE_FAILED,		/* a lane just met, that failed before */
		NOTE_LET_GO,		/* rows of it are done with: fetch anew;
					   lane 0: of any */
		NOTE_LOOKED,		/* all lanes were looked at */
	} kind;
	uint32_t	 lane;
	struct lane_rows rows;		/* NOTE_ROWS */
	int64_t		 due_ms;	/* ROWS: of what was not fetched */
	uint32_t	 failures;	/* NOTE_FAILED: in a row */
};

struct loop_box {
	struct note	*first, *last;
	const struct roster *roster;	/* a newer one, or NULL */
	int64_t		 sure_ms;	/* when it was looked for, monotonic */
};

struct keeper_box {
	struct lane_wish *wish;
	size_t		 n, cap;
	struct lane_rows done;		/* with their outcomes */
	bool		 idle;		/* the loop waits: settle at once */
	bool		 look;		/* at everything, soon */
	bool		 expand;	/* an event is to be fanned out */
	bool		 quit;		/* the loop has ended */
};

/* How mail's server failed. */
struct mail_fault {
	int64_t		 since_ms;	/* the first in a row */
	char		 word[STORE_WORD_MAX];	/* of the last one */
	char		 sentence[CHANNEL_SENTENCE_MAX];
};

struct sweep {
	struct config	 config;
	struct rosters	*rosters;
	struct conf	 conf;
	struct webhook	*webhook;	/* the loop's */
	struct mail	*mail;		/* the same; NULL: not configured */
	uint32_t	 mail_connections;
	uint32_t	 slots;
	struct sweeplock held;		/* the keeper's, once started */
	pthread_t	 keeper, loop;
	bool		 started;
	bool		 one_shot;	/* a run until nothing is due */
	bool		 refused;	/* a run found another sweep */

	pthread_mutex_t	 lock;		/* of what follows */
	pthread_cond_t	 to_keeper;
	struct keeper_box keeper_box;
	struct loop_box	 loop_box;
	int		 event;		/* eventfd: the loop has mail */
	pthread_cond_t	 resting;	/* the loop found nothing to do */
	bool		 rests;
	struct mail_fault mail_fault;
	bool		 patient;	/* a run is over: what is in flight has
					   its own time to end */
	struct sweep_report told;	/* counted in the last report */

	atomic_bool	 stopping;
	atomic_uint	 stops;		/* how often it was told to stop */
	atomic_bool	 holding;	/* the lock of the store */
	atomic_int	 nudge;		/* the socket, -1 */
	atomic_bool	 chores;	/* the keeper has some left to do */
	atomic_uint	 unsettled;	/* outcomes the store has not yet */
	atomic_uint	 in_flight;
	atomic_uint	 mail_failures;	/* of its server, in a row */
	atomic_uint	 ready;		/* as lanes_count has it */
	atomic_uint	 posted;	/* notes that the loop has not read */
	_Atomic int64_t	 tick_ms;	/* the loop goes round; monotonic */
	atomic_uint_fast64_t delivered, retried, dead;	/* since the start */
};

/* The threads. */
void *keeper_main(void *sweep);
void *loop_main(void *sweep);

/* Put a note into the loop's box.  Takes over n, which is malloc'ed. */
void loop_post(struct sweep *s, struct note *n);

/* Have the loop go round. */
void loop_poke(struct sweep *s);

/* One attempt being made: the loop's, used again. */
struct sending {
	struct sending	*next, *next_all;
	void		*loop;
	struct parcel	*parcel;
	struct outgoing	 out;
};

#define SENDING_INIT { .out = OUTGOING_INIT }

void sending_free(struct sending *sd);

/*
 * Render and sign a parcel into *sd and start its attempt's record.  o is
 * scratch.
 *   RC_INVALID  it can't be rendered: the parcel has its outcome, dead
 *               "template"
 */
MUST_USE enum rc sending_make(struct sending *sd, const struct sweep *s,
    const struct subscription *sub, struct order *o, struct parcel *p);

/*
 * Give the parcel its outcome.  sub is the subscription as it is now, NULL if
 * it was removed.
 */
void sending_end(struct sending *sd, const struct subscription *sub,
    const struct channel_result *r);

/*
 * The loop's way to the network: start what was made, over the channel that it
 * is for; do what can be done now; cancel all without callbacks; and note how
 * often mail's server has failed in a row, r being the attempt that ended.
 */
void channels_send(struct sweep *s, struct sending *sd, int64_t timeout_ms,
    channel_done *done);
void channels_work(struct sweep *s);
void channels_cancel(struct sweep *s);
void channels_server(struct sweep *s, uint32_t failures,
    const struct channel_result *r);

/* sub may be sent to by this sweep. */
bool sending_open(const struct sweep *s, const struct subscription *sub);

#endif
