/*
 * lane_inner - a lane and all lanes, as lane's files share them.
 *
 * Private to lane.c, which decides, lane_share.c, which decides for those that
 * go through one server, and lane_queue.c, which keeps lanes by number, by the
 * time they wake and in the queues they wait in.
 */
#ifndef DELIVER_LANE_INNER_H
#define DELIVER_LANE_INNER_H

#include "deliver/lane.h"

/* Which queue a lane waits in for its turn. */
enum turn {
	TURN_FIRST,	/* nothing in flight */
	TURN_MORE,	/* some in flight, and wide enough for more */
	TURN_SUSPECT,	/* suspect, nothing in flight */
	TURN_SHARED,	/* for the shared server; suspect ones, too */
	TURN_NONE,
};

struct lane {
	uint32_t	 number;
	struct lane_rules rules;
	struct lane_rows fetched;
	uint32_t	 flight, aged;
	uint32_t	 width;		/* now; doubles up to rules.width */
	uint32_t	 failures;	/* in a row */
	bool		 asked;
	bool		 probes;	/* ...for one to probe with */
	bool		 pulls;		/* its next wish is to pull */
	int64_t		 due_ms;	/* of what was not fetched */
	int64_t		 since_ms;	/* as in struct lane_wish */
	int64_t		 rest_us;	/* no start before (rate), monotonic */
	int64_t		 quiet_ms;	/* the same: asked for, or till a probe */
	bool		 fresh;		/* no rule yet */

	enum turn	 turn;
	struct lane	*next, *prev;	/* in that queue */
	int64_t		 wake_ms;	/* in the heap, monotonic */
	uint32_t	 heap;		/* place there from 1; 0: not in it */
	bool		 wishes;	/* in the list of wishes */
	struct lane	*next_wish;
};

/* What the lanes of the shared server may do together. */
struct lane_share {
	uint32_t	 most, width;	/* in flight; width doubles up to most */
	uint32_t	 flight;
	uint32_t	 failures;	/* in a row, of those that were waited
					   for between rests */
	int64_t		 rest_ms;	/* none starts before, monotonic */
};

struct lanes {
	uint32_t	 slots;
	uint32_t	 flight, suspect_flight, fetched, asked;
	uint32_t	 suspects;	/* suspect lanes with some in flight */
	struct lane	**at;		/* by ascending number */
	uint32_t	 n, cap;
	struct lane	**heap;		/* from 1, by wake_ms; room for cap */
	uint32_t	 nheap;
	struct { struct lane *first, *last; uint32_t n; } turn[TURN_NONE];
	struct lane	*wish, *wish_last;
	uint32_t	 nwish;
	struct lane_rows young;		/* in flight, not aged, oldest first */
	bool		 spare_suspects;	/* none starts any more */
	struct lane_share share;
	uint32_t	 tick;		/* whose turn it is: see pick */
};

/* The lane of that number: NULL if there is none, or made. */
struct lane *lane_find(const struct lanes *ls, uint32_t number);
struct lane *lane_get(struct lanes *ls, uint32_t number);

/* Wake a lane at a time; INT64_MAX takes it out. */
void lane_wake_at(struct lanes *ls, struct lane *l, int64_t mono_ms);

/* Put it at the end of a queue, unless it stands in that one. */
void lane_turn_set(struct lanes *ls, struct lane *l, enum turn t);

/* The list of those that wish for rows: to its end, once; from its front. */
void lane_wish_add(struct lanes *ls, struct lane *l);
struct lane *lane_wish_take(struct lanes *ls);

/* Whether one more may go to the shared server. */
bool lane_share_open(const struct lanes *ls, struct lane_now now);

/* One that went there has ended. */
void lane_share_ended(struct lane_share *sh, enum lane_result result,
    struct lane_now now);

/* Rows fetched for it, none of which starts while it fails. */
uint32_t lane_share_stalled(const struct lanes *ls);

#endif
