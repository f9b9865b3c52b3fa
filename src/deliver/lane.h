/*
 * lane - which delivery starts next, and when there is something to fetch.
 *
 * A lane is the pending deliveries of one subscription in due order.  This
 * keeps for each lane the rows that were fetched ahead, counts what is in
 * flight, and deals out slots (DESIGN §6 "Slots and lanes"):
 *
 * - a lane's first slot comes from all slots, further ones only while fewer
 *   than half of all are in use, up to its width;
 * - a lane is suspect while its last attempt failed or its oldest in flight is
 *   over a second old: suspect lanes have one slot each, together at most half
 *   of all (what they have from before keeps out nobody while a quarter of all
 *   is free); a failure narrows a lane to one, each success doubles its width;
 * - after LANE_FAILURES in a row a lane is probing: of all that waits only the
 *   delivery that failed first is sent again, at its own next time but at
 *   least every LANE_PROBE_MS; a success ends that, and what waits for its
 *   next attempt is wanted at once;
 * - lanes whose messages all go through one server (mail's) have a limit that
 *   they share, which begins at one and doubles with each message it takes;
 *   when that server fails they rest together, longer each time up to
 *   LANE_SHARED_MS, and try again with one; what else fails in such a lane is
 *   one recipient's and keeps no other one waiting;
 * - lanes that may start take turns.
 *
 * It sends nothing, reads no store and no clock.  Rows are the caller's, who
 * embeds a struct lane_row in them; lanes link them and own nothing.
 * Invariant: a row is fetched, in flight, or no longer here.
 */
#ifndef DELIVER_LANE_H
#define DELIVER_LANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LANE_FETCH		64	/* rows fetched ahead at most */
#define LANE_SUSPECT_MS		1000
#define LANE_RATE_MIN		0.001	/* a second, unless unlimited */
#define LANE_FAILURES		5
#define LANE_PROBE_MS		(15 * 60 * 1000)
#define LANE_PROBE_MIN_MS	1000	/* between probes */
#define LANE_SHARED_MIN_MS	5000	/* after a first failure of the shared
					   server; doubled at each further */
#define LANE_SHARED_MS		(5 * 60 * 1000)

struct lane;
struct lanes;

/* To be embedded in what stands for a delivery; zeroed by the caller. */
struct lane_row {
	struct lane_row	*next, *prev;
	struct lane	*lane;
	int64_t		 started_ms;	/* monotonic, while in flight */
	bool		 aged;		/* in flight for LANE_SUSPECT_MS */
	bool		 shared;	/* in flight by way of the shared server */
};

/* Rows in a row, by their next. */
struct lane_rows {
	struct lane_row	*first, *last;
	uint32_t	 n;
};

/* Due times are wall time, durations are monotonic. */
struct lane_now {
	int64_t	wall_ms, mono_ms;
};

/*
 * slots: attempts in flight at once, at least 2; shared: of these by way of the
 * server that some lanes share, at least 1.
 */
struct lanes *lanes_new(uint32_t slots, uint32_t shared);
void lanes_free(struct lanes *ls);

/* What a lane may do; a new lane is shut. */
struct lane_rules {
	bool	 open;		/* start and fetch; else neither */
	uint32_t width;		/* in flight at most, at least 1 */
	double	 rate_per_s;	/* 0: unlimited */
	uint64_t version;	/* of what is sent: another is tried at once */
	bool	 shared;	/* goes through the server that others share */
};

void lane_rule(struct lanes *ls, uint32_t number, struct lane_rules r,
    struct lane_now now);

/* The lane is known here (lane_rule was called for it). */
bool lane_known(const struct lanes *ls, uint32_t number);

/* Something of the lane that was not fetched is due then. */
void lane_due(struct lanes *ls, uint32_t number, int64_t due_ms,
    struct lane_now now);

/* A lane whose rows should be fetched. */
struct lane_wish {
	uint32_t number;
	uint32_t max;		/* rows, 1 to LANE_FETCH */
	int64_t	 since_ms;	/* the earliest time that lane_due named since
				   the lane's last wish; INT64_MAX: none */
	bool	 probe;		/* the one row that failed first, whenever it
				   is due */
	bool	 pull;		/* the endpoint is back: what waits for its
				   next attempt now, and in later wishes until
				   there is no more */
};

/* The next wish; its lane makes no other until lane_fetched.  False: none. */
bool lane_ask(struct lanes *ls, struct lane_now now, struct lane_wish *w);

/*
 * The answer to a wish: rows in due order (maybe none), and when the first one
 * not fetched is due (INT64_MAX: there is none).  A shut lane takes none, and
 * one that began to probe meanwhile neither: they are left in *rows for the
 * caller, who else finds it empty.
 */
void lane_fetched(struct lanes *ls, uint32_t number, struct lane_rows *rows,
    int64_t next_ms, struct lane_now now);

/*
 * The next row to start, in flight from now on, or NULL.  Its subscription is
 * lane_number(row->lane).
 */
struct lane_row *lane_start(struct lanes *ls, struct lane_now now);
uint32_t lane_number(const struct lane *l);

/*
 * LANE_NEUTRAL says nothing about the endpoint: it was never asked; nor does
 * LANE_SERVER, but the server that its lane shares with others has failed.
 */
enum lane_result { LANE_SUCCESS, LANE_FAILURE, LANE_NEUTRAL, LANE_SERVER };

struct lane_end {
	enum lane_result result;
	int64_t	 next_ms;	/* it is due again; INT64_MAX: never */
	int64_t	 quiet_ms;	/* its lane is to rest for that long; counts
				   up to LANE_PROBE_MS */
};

/*
 * An attempt has ended; the row is the caller's again.  True: the lane began to
 * probe, and what it has fetched should be taken back.
 */
bool lane_done(struct lanes *ls, struct lane_row *row, struct lane_end end,
    struct lane_now now);

/*
 * What is known of a lane from before, when it is first met; and, while it is
 * probing, when the row to probe with is due after all.
 */
void lane_failed_before(struct lanes *ls, uint32_t number, uint32_t failures,
    int64_t probe_ms, struct lane_now now);
void lane_probe_due(struct lanes *ls, uint32_t number, int64_t probe_ms,
    struct lane_now now);

/* Take away what a lane has fetched and not started; it is asked for again. */
struct lane_rows lane_take_back(struct lanes *ls, uint32_t number,
    struct lane_now now);

/* From now on no suspect lane starts anything: this is to end soon. */
void lanes_spare_suspects(struct lanes *ls);

/* Monotonic ms of the next time to call again; INT64_MAX: only if told. */
int64_t lanes_wake_ms(const struct lanes *ls);

struct lanes_count {
	uint32_t flight, fetched, asked, suspect_flight, lanes;
	uint32_t stalled;	/* of fetched, what waits until the shared
				   server is tried again */
	uint32_t ready;		/* what sound lanes have in flight, and they,
				   while they wait for a slot or rows */
};

struct lanes_count lanes_count(const struct lanes *ls);

/* How often the shared server was tried in vain, in a row. */
uint32_t lanes_server_failures(const struct lanes *ls);

/* Every lane's number, to apply new rules; false past the end. */
bool lanes_at(const struct lanes *ls, uint32_t i, uint32_t *number);

static inline void
lane_rows_add(struct lane_rows *rs, struct lane_row *row)
{
	row->next = NULL;
	row->prev = rs->last;
	if (rs->last == NULL)
		rs->first = row;
	else
		rs->last->next = row;
	rs->last = row;
	rs->n++;
}

static inline struct lane_row *
lane_rows_shift(struct lane_rows *rs)
{
	struct lane_row *row = rs->first;

	if (row == NULL)
		return NULL;
	rs->first = row->next;
	if (rs->first == NULL)
		rs->last = NULL;
	else
		rs->first->prev = NULL;
	rs->n--;
	row->next = row->prev = NULL;
	return row;
}

#endif
