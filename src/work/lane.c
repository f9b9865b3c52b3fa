#include <stdlib.h>
#include "base/log.h"
#include "base/rc.h"
#include "work/lane.h"

#define FETCHED_PER_SLOT 8	/* rows fetched ahead in all, for each slot */
#define RATE_SLACK_US	20000	/* a start this late does not shift the next */

/* Which queue a lane waits in for its turn. */
enum turn {
	TURN_FIRST,	/* nothing in flight */
	TURN_MORE,	/* some in flight, and wide enough for more */
	TURN_SUSPECT,	/* suspect, nothing in flight */
	TURN_NONE,
};

struct lane {
	uint32_t	 number;
	struct lane_rules rules;
	struct lane_rows fetched;
	uint32_t	 flight, aged;
	uint32_t	 width;		/* now; doubles up to rules.width */
	bool		 failed;	/* its last attempt did */
	bool		 asked;
	int64_t		 due_ms;	/* of what was not fetched */
	int64_t		 since_ms;	/* as in struct lane_wish */
	int64_t		 rest_us;	/* no start before (rate), monotonic */
	bool		 fresh;		/* no rule yet */

	enum turn	 turn;
	struct lane	*next, *prev;	/* in that queue */
	int64_t		 wake_ms;	/* in the heap, monotonic */
	uint32_t	 heap;		/* place there from 1; 0: not in it */
	bool		 wishes;	/* in the list of wishes */
	struct lane	*next_wish;
};

struct lanes {
	uint32_t	 slots;
	uint32_t	 flight, suspect_flight, fetched, asked;
	struct lane	**at;		/* by ascending number */
	uint32_t	 n, cap;
	struct lane	**heap;		/* from 1, by wake_ms; room for cap */
	uint32_t	 nheap;
	struct { struct lane *first, *last; } turn[TURN_NONE];
	struct lane	*wish, *wish_last;
	struct lane_rows young;		/* in flight, not aged, oldest first */
	uint32_t	 tick;		/* whose turn it is: see pick */
};

struct lanes *
lanes_new(uint32_t slots)
{
	struct lanes *ls = calloc(1, sizeof *ls);

	if (ls == NULL)
		log_fatal("out of memory");
	ls->slots = slots < 2 ? 2 : slots;
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

static uint32_t
place(const struct lanes *ls, uint32_t number)
{
	uint32_t lo = 0, hi = ls->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (ls->at[mid]->number < number)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static struct lane *
find(const struct lanes *ls, uint32_t number)
{
	uint32_t i = place(ls, number);

	return i < ls->n && ls->at[i]->number == number ? ls->at[i] : NULL;
}

static struct lane *
get(struct lanes *ls, uint32_t number)
{
	uint32_t i = place(ls, number);
	struct lane *l;

	if (i < ls->n && ls->at[i]->number == number)
		return ls->at[i];
	if (ls->n == ls->cap) {
		ls->cap = ls->cap == 0 ? 16 : ls->cap * 2;
		ls->at = reallocarray(ls->at, ls->cap, sizeof *ls->at);
		ls->heap = reallocarray(ls->heap, ls->cap + 1,
		    sizeof *ls->heap);
	}
	l = calloc(1, sizeof *l);
	if (l == NULL || ls->at == NULL || ls->heap == NULL)
		log_fatal("out of memory");
	l->number = number;
	l->rules.width = l->width = 1;
	l->due_ms = l->since_ms = INT64_MAX;
	l->turn = TURN_NONE;
	l->fresh = true;
	for (uint32_t j = ls->n; j > i; j--)
		ls->at[j] = ls->at[j - 1];
	ls->at[i] = l;
	ls->n++;
	return l;
}

/* The heap of wake times. */

static void
heap_set(struct lanes *ls, uint32_t i, struct lane *l)
{
	ls->heap[i] = l;
	l->heap = i;
}

static void
heap_settle(struct lanes *ls, uint32_t i)
{
	struct lane *l = ls->heap[i];

	for (; i > 1 && ls->heap[i / 2]->wake_ms > l->wake_ms; i /= 2)
		heap_set(ls, i, ls->heap[i / 2]);
	for (;;) {
		uint32_t c = i * 2;

		if (c < ls->nheap &&
		    ls->heap[c + 1]->wake_ms < ls->heap[c]->wake_ms)
			c++;
		if (c > ls->nheap || ls->heap[c]->wake_ms >= l->wake_ms)
			break;
		heap_set(ls, i, ls->heap[c]);
		i = c;
	}
	heap_set(ls, i, l);
}

/* Wake a lane at a time; INT64_MAX takes it out. */
static void
wake_at(struct lanes *ls, struct lane *l, int64_t mono_ms)
{
	uint32_t i = l->heap;

	if (mono_ms == INT64_MAX) {
		if (i == 0)
			return;
		l->heap = 0;
		if (i != ls->nheap) {
			heap_set(ls, i, ls->heap[ls->nheap]);
			ls->nheap--;
			heap_settle(ls, i);
		} else
			ls->nheap--;
		return;
	}
	l->wake_ms = mono_ms;
	if (i == 0) {
		i = ++ls->nheap;
		heap_set(ls, i, l);
	}
	heap_settle(ls, i);
}

/* Turns. */

static bool
suspect(const struct lane *l)
{
	return l->failed || l->aged > 0;
}

static void
turn_set(struct lanes *ls, struct lane *l, enum turn t)
{
	if (l->turn == t)
		return;
	if (l->turn != TURN_NONE) {
		if (l->prev == NULL)
			ls->turn[l->turn].first = l->next;
		else
			l->prev->next = l->next;
		if (l->next == NULL)
			ls->turn[l->turn].last = l->prev;
		else
			l->next->prev = l->prev;
	}
	l->turn = t;
	l->next = l->prev = NULL;
	if (t == TURN_NONE)
		return;
	l->prev = ls->turn[t].last;
	if (l->prev == NULL)
		ls->turn[t].first = l;
	else
		l->prev->next = l;
	ls->turn[t].last = l;
}

static bool
resting(const struct lane *l, struct lane_now now)
{
	return l->rest_us > now.mono_ms * 1000;
}

static enum turn
turn_of(const struct lane *l, struct lane_now now)
{
	if (!l->rules.open || l->fetched.n == 0 || resting(l, now))
		return TURN_NONE;
	if (suspect(l))
		return l->flight == 0 ? TURN_SUSPECT : TURN_NONE;
	if (l->flight == 0)
		return TURN_FIRST;
	return l->flight < l->width ? TURN_MORE : TURN_NONE;
}

/* Rows are fetched while half or less of what may be is at hand. */
static bool
hungry(const struct lane *l)
{
	return l->rules.open && !l->asked && l->fetched.n <= LANE_FETCH / 2;
}

/*
 * Bring a lane's turn, wish and wake time up to what it is now.  Called after
 * each change of a lane.
 */
static void
update(struct lanes *ls, struct lane *l, struct lane_now now)
{
	int64_t wake = INT64_MAX, ahead;

	turn_set(ls, l, turn_of(l, now));
	if (l->rules.open && l->fetched.n > 0 && resting(l, now))
		wake = (l->rest_us + 999) / 1000;
	if (hungry(l) && l->due_ms != INT64_MAX) {
		ahead = l->due_ms > now.wall_ms ? l->due_ms - now.wall_ms : 0;
		if (ahead == 0 && !l->wishes) {
			l->wishes = true;
			l->next_wish = NULL;
			if (ls->wish == NULL)
				ls->wish = l;
			else
				ls->wish_last->next_wish = l;
			ls->wish_last = l;
		} else if (ahead > 0 && now.mono_ms + ahead < wake)
			wake = now.mono_ms + ahead;
	}
	if (wake != (l->heap == 0 ? INT64_MAX : l->wake_ms))
		wake_at(ls, l, wake);
}

static void
wake_due(struct lanes *ls, struct lane_now now)
{
	while (ls->nheap > 0 && ls->heap[1]->wake_ms <= now.mono_ms) {
		struct lane *l = ls->heap[1];

		wake_at(ls, l, INT64_MAX);
		update(ls, l, now);
	}
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
			ls->suspect_flight += l->flight;
		l->aged++;
		update(ls, l, now);
		row = ls->young.first;
	}
}

void
lane_rule(struct lanes *ls, uint32_t number, struct lane_rules r,
    struct lane_now now)
{
	struct lane *l = get(ls, number);

	if (r.width < 1)
		r.width = 1;
	if (l->width >= l->rules.width || l->width > r.width)
		l->width = r.width;	/* it was as wide as it might be */
	if (l->failed)
		l->width = 1;
	if (r.open && !l->rules.open && !l->fresh)
		l->due_ms = l->since_ms = INT64_MIN;	/* begin anew */
	if (r.rate_per_s <= 0)
		l->rest_us = 0;
	l->fresh = false;
	l->rules = r;
	update(ls, l, now);
}

bool
lane_known(const struct lanes *ls, uint32_t number)
{
	return find(ls, number) != NULL;
}

void
lane_due(struct lanes *ls, uint32_t number, int64_t due_ms,
    struct lane_now now)
{
	struct lane *l = get(ls, number);

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

	if (used + want <= room)
		return want;
	return l->fetched.n == 0 ? l->width : 0;
}

bool
lane_ask(struct lanes *ls, struct lane_now now, struct lane_wish *w)
{
	wake_due(ls, now);
	while (ls->wish != NULL) {
		struct lane *l = ls->wish;

		ls->wish = l->next_wish;
		l->wishes = false;
		if (!hungry(l) || l->due_ms > now.wall_ms) {
			update(ls, l, now);
			continue;
		}
		w->max = appetite(ls, l);
		if (w->max == 0)
			continue;	/* asks again when it has fewer */
		w->number = l->number;
		w->since_ms = l->since_ms;
		l->due_ms = l->since_ms = INT64_MAX;
		l->asked = true;
		ls->asked++;
		return true;
	}
	return false;
}

void
lane_fetched(struct lanes *ls, uint32_t number, struct lane_rows *rows,
    int64_t next_ms, struct lane_now now)
{
	struct lane *l = get(ls, number);

	if (l->asked) {
		l->asked = false;
		ls->asked--;
	}
	if (next_ms < l->due_ms)
		l->due_ms = next_ms;
	while (l->rules.open && rows->n > 0) {
		struct lane_row *row = lane_rows_shift(rows);

		row->lane = l;
		lane_rows_add(&l->fetched, row);
		ls->fetched++;
	}
	update(ls, l, now);
}

/*
 * Whose turn it is.  Suspect lanes get one pick in four when others wait too,
 * so that neither starves the other.
 */
static struct lane *
pick(struct lanes *ls)
{
	struct lane *first = ls->turn[TURN_FIRST].first;
	struct lane *more = ls->turn[TURN_MORE].first;
	struct lane *susp = ls->turn[TURN_SUSPECT].first;

	if (ls->flight >= ls->slots)
		return NULL;
	if (ls->flight >= ls->slots / 2)
		more = NULL;
	if (ls->suspect_flight >= ls->slots / 2)
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
	double rate = l->rules.rate_per_s < LANE_RATE_MIN ? LANE_RATE_MIN :
	    l->rules.rate_per_s;

	if (l->rest_us < now.mono_ms * 1000 - RATE_SLACK_US)
		l->rest_us = now.mono_ms * 1000;
	l->rest_us += (int64_t)(1e6 / rate);
}

struct lane_row *
lane_start(struct lanes *ls, struct lane_now now)
{
	struct lane_row *row;
	struct lane *l;

	age(ls, now);
	wake_due(ls, now);
	l = pick(ls);
	if (l == NULL)
		return NULL;
	row = lane_rows_shift(&l->fetched);
	ls->fetched--;
	row->lane = l;
	row->started_ms = now.mono_ms;
	row->aged = false;
	lane_rows_add(&ls->young, row);
	ls->flight++;
	l->flight++;
	ls->suspect_flight += suspect(l);
	if (l->rules.rate_per_s > 0)
		rest(l, now);
	turn_set(ls, l, TURN_NONE);	/* to the end of its queue */
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

void
lane_done(struct lanes *ls, struct lane_row *row, enum lane_result result,
    struct lane_now now)
{
	struct lane *l = row->lane;

	if (suspect(l))
		ls->suspect_flight -= l->flight;
	if (row->aged)
		l->aged--;
	else
		unlink_row(&ls->young, row);
	ls->flight--;
	l->flight--;
	if (result == LANE_FAILURE) {
		l->failed = true;
		l->width = 1;
	} else if (result == LANE_SUCCESS) {
		l->failed = false;
		l->width = l->width * 2 < l->rules.width ? l->width * 2 :
		    l->rules.width;
	}
	if (suspect(l))
		ls->suspect_flight += l->flight;
	row->lane = NULL;
	update(ls, l, now);
}

struct lane_rows
lane_take_back(struct lanes *ls, uint32_t number)
{
	struct lane *l = find(ls, number);
	struct lane_rows rows = { NULL, NULL, 0 };

	if (l == NULL)
		return rows;
	rows = l->fetched;
	ls->fetched -= rows.n;
	l->fetched = (struct lane_rows){ NULL, NULL, 0 };
	turn_set(ls, l, TURN_NONE);
	return rows;
}

int64_t
lanes_wake_ms(const struct lanes *ls)
{
	return ls->nheap == 0 ? INT64_MAX : ls->heap[1]->wake_ms;
}

struct lanes_count
lanes_count(const struct lanes *ls)
{
	return (struct lanes_count){ ls->flight, ls->fetched, ls->asked,
	    ls->suspect_flight, ls->n };
}

bool
lanes_at(const struct lanes *ls, uint32_t i, uint32_t *number)
{
	if (i >= ls->n)
		return false;
	*number = ls->at[i]->number;
	return true;
}
