#include <stdlib.h>
#include "base/log.h"
#include "base/rc.h"
#include "deliver/lane_inner.h"

#define FETCHED_PER_SLOT 8	/* rows fetched ahead in all, for each slot */
#define AGAIN_MS	100	/* for a probe that could not be had */
#define RATE_SLACK_US	20000	/* a start this late does not shift the next */

struct lanes *
lanes_new(uint32_t slots, uint32_t shared)
{
	struct lanes *ls = calloc(1, sizeof *ls);

	if (ls == NULL)
		log_fatal("out of memory");
	ls->slots = slots < 2 ? 2 : slots;
	ls->share.most = shared < 1 ? 1 : shared;
	ls->share.width = 1;
	return ls;
}

void
lanes_free(struct lanes *ls)
{
	if (ls == NULL)
		return;
	for (uint32_t i = 0; i < ls->n; i++)
		free(ls->at[i]);
	free(ls->at);
	free(ls->heap);
	free(ls);
}

/* Turns. */

static bool
suspect(const struct lane *l)
{
	return l->failures > 0 || l->aged > 0;
}

static bool
probing(const struct lane *l)
{
	return l->failures >= LANE_FAILURES;
}

static bool
resting(const struct lane *l, struct lane_now now)
{
	return l->rest_us > now.mono_ms * 1000 || l->quiet_ms > now.mono_ms;
}

static enum turn
turn_of(const struct lane *l, struct lane_now now)
{
	if (!l->rules.open || l->fetched.n == 0 || resting(l, now))
		return TURN_NONE;
	if (l->rules.shared)
		return l->flight < l->width ? TURN_SHARED : TURN_NONE;
	if (suspect(l))
		return l->flight == 0 ? TURN_SUSPECT : TURN_NONE;
	if (l->flight == 0)
		return TURN_FIRST;
	return l->flight < l->width ? TURN_MORE : TURN_NONE;
}

/*
 * Rows are fetched while half or less of what may be is at hand; one that
 * probes fetches the one row it is about to send.
 */
static bool
hungry(const struct lane *l, struct lane_now now)
{
	if (!l->rules.open || l->asked)
		return false;
	if (probing(l))
		return l->fetched.n + l->flight == 0 &&
		    l->due_ms != INT64_MAX && !resting(l, now);
	return l->fetched.n <= LANE_FETCH / 2 && l->due_ms <= now.wall_ms;
}

/* The earliest time at which it may be hungry or start, if nothing comes. */
static int64_t
wakes_ms(const struct lane *l, struct lane_now now)
{
	int64_t rests = (l->rest_us + 999) / 1000, wake = INT64_MAX;

	if (!l->rules.open || l->asked)
		return INT64_MAX;
	if (rests < l->quiet_ms)
		rests = l->quiet_ms;
	if (probing(l) && l->flight == 0 && l->due_ms != INT64_MAX)
		wake = rests;
	else if (!probing(l) && l->fetched.n <= LANE_FETCH / 2 &&
	    l->due_ms > now.wall_ms && l->due_ms != INT64_MAX)
		wake = now.mono_ms + (l->due_ms - now.wall_ms);
	if (l->fetched.n > 0 && rests > now.mono_ms && rests < wake)
		wake = rests;
	return wake > now.mono_ms ? wake : INT64_MAX;
}

/*
 * Bring a lane's turn, wish and wake time up to what it is now.  Called after
 * each change of a lane.
 */
static void
update(struct lanes *ls, struct lane *l, struct lane_now now)
{
	int64_t wake = wakes_ms(l, now);

	lane_turn_set(ls, l, turn_of(l, now));
	if (hungry(l, now))
		lane_wish_add(ls, l);
	if (wake != (l->heap == 0 ? INT64_MAX : l->wake_ms))
		lane_wake_at(ls, l, wake);
}

static void
wake_due(struct lanes *ls, struct lane_now now)
{
	while (ls->nheap > 0 && ls->heap[1]->wake_ms <= now.mono_ms) {
		struct lane *l = ls->heap[1];

		lane_wake_at(ls, l, INT64_MAX);
		update(ls, l, now);
	}
}

/* A lane with some in flight counts as suspect from now on, or no more. */
static void
count_suspect(struct lanes *ls, const struct lane *l, int sign)
{
	if (l->flight == 0)
		return;
	ls->suspect_flight += sign > 0 ? l->flight : -l->flight;
	ls->suspects += sign > 0 ? 1 : -1u;
}

/* Attempts in flight that grow old make their lanes suspect. */
static void
age(struct lanes *ls, struct lane_now now)
{
	struct lane_row *row = ls->young.first;

	while (row != NULL &&
	    row->started_ms + LANE_SUSPECT_MS <= now.mono_ms) {
		struct lane *l = row->lane;

		lane_rows_shift(&ls->young);
		row->aged = true;
		if (!suspect(l))
			count_suspect(ls, l, 1);
		l->aged++;
		update(ls, l, now);
		row = ls->young.first;
	}
}

/* Between two starts at a rate. */
static int64_t
gap_us(double rate_per_s)
{
	return (int64_t)(1e6 / (rate_per_s < LANE_RATE_MIN ? LANE_RATE_MIN :
	    rate_per_s));
}

void
lane_rule(struct lanes *ls, uint32_t number, struct lane_rules r,
    struct lane_now now)
{
	struct lane *l = lane_get(ls, number);

	if (r.width < 1)
		r.width = 1;
	if (l->width >= l->rules.width || l->width > r.width)
		l->width = r.width;	/* it was as wide as it might be */
	if (l->failures > 0)
		l->width = 1;
	if (r.version != l->rules.version)
		l->quiet_ms = 0;	/* it may be mended */
	if (r.open && !l->rules.open && !l->fresh)
		l->due_ms = l->since_ms = INT64_MIN;	/* begin anew */
	if (r.rate_per_s <= 0)
		l->rest_us = 0;
	else if (l->rest_us > now.mono_ms * 1000 + gap_us(r.rate_per_s))
		l->rest_us = now.mono_ms * 1000 + gap_us(r.rate_per_s);
	l->fresh = false;
	l->rules = r;
	update(ls, l, now);
}

bool
lane_known(const struct lanes *ls, uint32_t number)
{
	return lane_find(ls, number) != NULL;
}

void
lane_due(struct lanes *ls, uint32_t number, int64_t due_ms,
    struct lane_now now)
{
	struct lane *l = lane_get(ls, number);

	if (due_ms < l->due_ms)
		l->due_ms = due_ms;
	if (due_ms < l->since_ms)
		l->since_ms = due_ms;
	update(ls, l, now);
}

/*
 * What is fetched ahead is bounded over all lanes; beyond that a lane gets no
 * more than it could start at once, so that each can still go on.
 */
static uint32_t
appetite(const struct lanes *ls, const struct lane *l)
{
	uint64_t room = (uint64_t)ls->slots * FETCHED_PER_SLOT;
	uint64_t used = ls->fetched + (uint64_t)ls->asked * LANE_FETCH / 2;
	uint32_t want = LANE_FETCH - l->fetched.n;

	if (suspect(l) && !l->rules.shared)	/* it has one slot */
		return l->fetched.n == 0;
	if (used + want <= room && !l->rules.shared)
		return want;
	return l->fetched.n == 0 ? l->width : 0;
}

bool
lane_ask(struct lanes *ls, struct lane_now now, struct lane_wish *w)
{
	wake_due(ls, now);
	for (;;) {
		struct lane *l = lane_wish_take(ls);

		if (l == NULL)
			return false;
		if (!hungry(l, now)) {
			update(ls, l, now);
			continue;
		}
		*w = (struct lane_wish){ l->number, appetite(ls, l),
		    l->since_ms, probing(l), l->pulls };
		if (w->max == 0)
			continue;	/* asks again when it has fewer */
		if (w->probe) {
			w->max = 1;	/* what was due since is looked for */
			w->since_ms = INT64_MAX;	/* when it is back */
		} else {
			l->since_ms = INT64_MAX;
			l->pulls = false;
		}
		l->due_ms = INT64_MAX;
		l->asked = true;
		l->probes = w->probe;
		ls->asked++;
		return true;
	}
}

/* Until when a lane that probes waits for that: least_ms at least. */
static int64_t
probe_at(int64_t probe_ms, int64_t least_ms, struct lane_now now)
{
	int64_t ahead = least_ms;

	if (probe_ms != INT64_MAX && probe_ms - now.wall_ms > ahead)
		ahead = probe_ms - now.wall_ms;
	return now.mono_ms + (ahead < LANE_PROBE_MS ? ahead : LANE_PROBE_MS);
}

void
lane_fetched(struct lanes *ls, uint32_t number, struct lane_rows *rows,
    int64_t next_ms, struct lane_now now)
{
	struct lane *l = lane_get(ls, number);

	if (l->asked) {
		l->asked = false;
		ls->asked--;
	}
	if (next_ms < l->due_ms)
		l->due_ms = next_ms;
	if (l->probes && rows->n == 0) {	/* it can't be had just now */
		int64_t again = probe_at(next_ms, AGAIN_MS, now);

		if (l->quiet_ms < again)
			l->quiet_ms = again;
	}
	if (!l->rules.open || (probing(l) && !l->probes)) {
		if (rows->n > 0)
			l->due_ms = l->since_ms = INT64_MIN;
		update(ls, l, now);
		return;
	}
	while (rows->n > 0) {
		struct lane_row *row = lane_rows_shift(rows);

		row->lane = l;
		lane_rows_add(&l->fetched, row);
		ls->fetched++;
	}
	update(ls, l, now);
}

/*
 * Suspect lanes have half of all slots, one each.  Those that began to hang
 * have more from before, for a while; that is no reason to keep out one that
 * failed and answers, as long as a quarter of all is left for the others.
 */
static bool
crowded(const struct lanes *ls)
{
	return ls->suspects >= ls->slots / 2 ||
	    (ls->suspect_flight >= ls->slots / 2 &&
	    ls->flight >= ls->slots - ls->slots / 4);
}

/*
 * Whose turn it is.  Suspect lanes get one pick in four when others wait too,
 * so that neither starves the other.
 */
static struct lane *
pick(struct lanes *ls, struct lane_now now)
{
	struct lane *first = ls->turn[TURN_FIRST].first;
	struct lane *more = ls->turn[TURN_MORE].first;
	struct lane *susp = ls->turn[TURN_SUSPECT].first;

	if (ls->flight >= ls->slots)
		return NULL;
	if (ls->turn[TURN_SHARED].first != NULL && lane_share_open(ls, now))
		return ls->turn[TURN_SHARED].first;
	if (ls->flight >= ls->slots / 2)
		more = NULL;
	if (crowded(ls) || ls->spare_suspects)
		susp = NULL;
	if (susp != NULL && ((first == NULL && more == NULL) ||
	    ls->tick++ % 4 == 3))
		return susp;
	return first != NULL ? first : more;
}

/* Keep the rate: no burst, but also no drift while rows wait. */
static void
rest(struct lane *l, struct lane_now now)
{
	if (l->rest_us < now.mono_ms * 1000 - RATE_SLACK_US)
		l->rest_us = now.mono_ms * 1000;
	l->rest_us += gap_us(l->rules.rate_per_s);
}

struct lane_row *
lane_start(struct lanes *ls, struct lane_now now)
{
	struct lane_row *row;
	struct lane *l;

	age(ls, now);
	wake_due(ls, now);
	l = pick(ls, now);
	if (l == NULL)
		return NULL;
	row = lane_rows_shift(&l->fetched);
	ls->fetched--;
	row->lane = l;
	row->started_ms = now.mono_ms;
	row->aged = false;
	row->shared = l->rules.shared;
	ls->share.flight += row->shared;
	lane_rows_add(&ls->young, row);
	if (suspect(l))
		count_suspect(ls, l, -1);
	ls->flight++;
	l->flight++;
	if (suspect(l))
		count_suspect(ls, l, 1);
	if (l->rules.rate_per_s > 0)
		rest(l, now);
	lane_turn_set(ls, l, TURN_NONE);	/* to the end of its queue */
	update(ls, l, now);
	return row;
}

uint32_t
lane_number(const struct lane *l)
{
	return l->number;
}

static void
unlink_row(struct lane_rows *rs, struct lane_row *row)
{
	if (row->prev == NULL)
		rs->first = row->next;
	else
		row->prev->next = row->next;
	if (row->next == NULL)
		rs->last = row->prev;
	else
		row->next->prev = row->prev;
	row->next = row->prev = NULL;
	rs->n--;
}

static void
ended(struct lane *l, struct lane_end end, struct lane_now now)
{
	bool probed = probing(l);
	int64_t at;

	if (end.quiet_ms > LANE_PROBE_MS)
		end.quiet_ms = LANE_PROBE_MS;
	if (end.quiet_ms > 0 && now.mono_ms + end.quiet_ms > l->quiet_ms)
		l->quiet_ms = now.mono_ms + end.quiet_ms;
	if (end.result == LANE_SUCCESS) {
		l->failures = 0;
		l->width = l->width * 2 < l->rules.width ? l->width * 2 :
		    l->rules.width;
		if (probed) {
			l->pulls = true;
			l->quiet_ms = 0;
			l->due_ms = INT64_MIN;
		}
		return;
	}
	if (end.result == LANE_FAILURE && !l->rules.shared) {
		l->failures += l->failures < UINT32_MAX;
		l->width = 1;
	}
	if (!probing(l))
		return;
	at = probe_at(end.next_ms, LANE_PROBE_MIN_MS, now);
	/* of those that were in flight together the first to come counts */
	if (l->quiet_ms <= now.mono_ms || at < l->quiet_ms)
		l->quiet_ms = at;
}

bool
lane_done(struct lanes *ls, struct lane_row *row, struct lane_end end,
    struct lane_now now)
{
	struct lane *l = row->lane;
	bool was = probing(l);

	if (suspect(l))
		count_suspect(ls, l, -1);
	if (row->aged)
		l->aged--;
	else
		unlink_row(&ls->young, row);
	ls->flight--;
	l->flight--;
	if (row->shared)
		lane_share_ended(&ls->share, end.result, now);
	ended(l, end, now);
	if (suspect(l))
		count_suspect(ls, l, 1);
	row->lane = NULL;
	update(ls, l, now);
	return probing(l) && !was;
}

void
lane_failed_before(struct lanes *ls, uint32_t number, uint32_t failures,
    int64_t probe_ms, struct lane_now now)
{
	struct lane *l = lane_get(ls, number);

	if (l->rules.shared || l->flight > 0 || l->failures > 0)
		return;			/* known better here */
	l->failures = failures;
	if (failures > 0)
		l->width = 1;
	if (probing(l))
		l->quiet_ms = probe_at(probe_ms, 0, now);
	update(ls, l, now);
}

void
lane_probe_due(struct lanes *ls, uint32_t number, int64_t probe_ms,
    struct lane_now now)
{
	struct lane *l = lane_find(ls, number);

	if (l == NULL || !probing(l) || l->flight > 0 || l->asked ||
	    l->fetched.n > 0)
		return;
	l->quiet_ms = probe_at(probe_ms, LANE_PROBE_MIN_MS, now);
	update(ls, l, now);
}

void
lanes_spare_suspects(struct lanes *ls)
{
	ls->spare_suspects = true;
}

struct lane_rows
lane_take_back(struct lanes *ls, uint32_t number, struct lane_now now)
{
	struct lane *l = lane_find(ls, number);
	struct lane_rows rows = { NULL, NULL, 0 };

	if (l == NULL)
		return rows;
	rows = l->fetched;
	ls->fetched -= rows.n;
	l->fetched = (struct lane_rows){ NULL, NULL, 0 };
	if (rows.n > 0)
		l->due_ms = l->since_ms = INT64_MIN;
	update(ls, l, now);
	return rows;
}

int64_t
lanes_wake_ms(const struct lanes *ls)
{
	int64_t wake = ls->nheap == 0 ? INT64_MAX : ls->heap[1]->wake_ms;

	if (ls->share.failures > 0 && ls->turn[TURN_SHARED].first != NULL &&
	    ls->share.flight == 0 && ls->share.rest_ms < wake)
		wake = ls->share.rest_ms;
	return wake;
}

struct lanes_count
lanes_count(const struct lanes *ls)
{
	return (struct lanes_count){
		.flight = ls->flight,
		.fetched = ls->fetched,
		.asked = ls->asked,
		.suspect_flight = ls->suspect_flight,
		.lanes = ls->n,
		.stalled = lane_share_stalled(ls),
		.ready = ls->turn[TURN_FIRST].n + ls->nwish + ls->asked +
		    ls->flight - ls->suspect_flight,
	};
}

bool
lanes_at(const struct lanes *ls, uint32_t i, uint32_t *number)
{
	if (i >= ls->n)
		return false;
	*number = ls->at[i]->number;
	return true;
}
