#include <stdlib.h>
#include "base/log.h"
#include "deliver/sweep_hold.h"

#define BUCKETS	4096		/* of parcels: about as many as are held */
#define LANES	1024		/* buckets of lanes */
#define PASSES	8		/* reads for one wish, over rows held */
#define SOME	8		/* rows read at first */
#define BUSY_MS	20		/* to ask again, while too much is held */
#define FAR_MS	(INT64_MAX - 1)	/* later than any row is due */

/* Rows up to this one were read; not begun: none. */
struct cursor {
	bool		 begun;
	struct store_due at;
};

struct hold_lane {
	struct hold_lane *next;
	uint32_t	 number;
	uint32_t	 n;		/* parcels of it in the table */
	size_t		 bytes;		/* of their events */
	struct cursor	 due;
	bool		 far;
	bool		 met;
	bool		 chore;
	bool		 noted;		/* health is known, and not good */
	struct store_health health;
	bool		 named;		/* the row to probe with is known */
	struct store_due probe;
	bool		 pull;
	struct cursor	 pulled;	/* of those due later */
};

struct hold {
	struct store	*store;
	struct parcel	*at[BUCKETS];
	struct hold_lane *lane[LANES];
	size_t		 bytes;
	struct store_claim claim[LANE_FETCH];
};

struct hold *
hold_new(struct store *st)
{
	struct hold *h = calloc(1, sizeof *h);

	if (h == NULL)
		log_fatal("out of memory");
	h->store = st;
	return h;
}

void
hold_free(struct hold *h)
{
	for (size_t i = 0; i < BUCKETS; i++)
		while (h->at[i] != NULL)
			hold_drop(h, h->at[i]);
	for (size_t i = 0; i < LANES; i++)
		while (h->lane[i] != NULL) {
			struct hold_lane *l = h->lane[i];

			h->lane[i] = l->next;
			free(l);
		}
	free(h);
}

static size_t
bucket(struct store_key k)
{
	uint64_t x = k.position * UINT64_C(0x9e3779b97f4a7c15) ^
	    (uint64_t)k.subscription * UINT64_C(0xc2b2ae3d27d4eb4f) ^
	    k.ordinal;

	return (x ^ x >> 29) % BUCKETS;
}

static bool
same(struct store_key a, struct store_key b)
{
	return a.position == b.position && a.subscription == b.subscription &&
	    a.ordinal == b.ordinal;
}

static bool
held(const struct hold *h, struct store_key key)
{
	const struct parcel *p = h->at[bucket(key)];

	while (p != NULL && !same(p->due.key, key))
		p = p->next_held;
	return p != NULL;
}

static struct hold_lane *
find(const struct hold *h, uint32_t number)
{
	struct hold_lane *l = h->lane[number % LANES];

	while (l != NULL && l->number != number)
		l = l->next;
	return l;
}

static struct hold_lane *
get(struct hold *h, uint32_t number)
{
	struct hold_lane *l = find(h, number);

	if (l != NULL)
		return l;
	l = calloc(1, sizeof *l);
	if (l == NULL)
		log_fatal("out of memory");
	l->number = number;
	l->next = h->lane[number % LANES];
	h->lane[number % LANES] = l;
	return l;
}

/* Make a parcel of a claimed row, taking over its event. */
static struct parcel *
keep(struct hold *h, struct hold_lane *l, struct store_claim *c)
{
	struct parcel *p = calloc(1, sizeof *p);
	size_t b = bucket(c->due.key);

	if (p == NULL)
		log_fatal("out of memory");
	p->due = c->due;
	p->event = c->event;
	p->bytes = c->event.raw.cap;
	p->next_held = h->at[b];
	h->at[b] = p;
	h->bytes += p->bytes;
	l->bytes += p->bytes;
	l->n++;
	return p;
}

void
parcel_free(struct parcel *p)
{
	store_event_clear(&p->event);
	buf_free(&p->text);
	free(p);
}

void
hold_drop(struct hold *h, struct parcel *p)
{
	struct parcel **at = &h->at[bucket(p->due.key)];
	struct hold_lane *l;

	while (*at != p)
		at = &(*at)->next_held;
	*at = p->next_held;
	l = get(h, p->due.key.subscription);
	l->n--;
	l->bytes -= p->bytes;
	h->bytes -= p->bytes;
	parcel_free(p);
}

void
hold_release(struct hold *h, struct lane_rows *rows)
{
	while (rows->n > 0) {
		struct parcel *p = parcel_of(lane_rows_shift(rows));

		hold_unread(h, &p->due);
		hold_drop(h, p);
	}
}

bool
hold_some(const struct hold *h, uint32_t lane)
{
	const struct hold_lane *l = find(h, lane);

	return l != NULL && l->n > 0;
}

static void
rewind_to(struct cursor *c, uint32_t lane, int64_t due_ms)
{
	if (!c->begun || due_ms > c->at.due_ms)
		return;
	if (due_ms <= 0)
		c->begun = false;
	else
		c->at = (struct store_due){
			.due_ms = due_ms - 1,
			.key = { UINT64_MAX, lane, UINT16_MAX },
		};
}

void
hold_rewind(struct hold *h, uint32_t lane, int64_t due_ms)
{
	struct hold_lane *l = find(h, lane);

	if (l != NULL)
		rewind_to(&l->due, lane, due_ms);
}

void
hold_unread(struct hold *h, const struct store_due *d)
{
	struct hold_lane *l = find(h, d->key.subscription);

	if (l == NULL)
		return;
	rewind_to(&l->due, l->number, d->due_ms);
	if (d->due_ms <= clock_now_ms())
		return;
	rewind_to(&l->pulled, l->number, d->due_ms);
	l->pull = true;
}

void
hold_far(struct hold *h, uint32_t lane)
{
	get(h, lane)->far = true;
}

void
hold_near(struct hold *h, uint32_t lane)
{
	struct hold_lane *l = find(h, lane);

	if (l != NULL)
		l->far = false;
}

bool
hold_met(const struct hold *h, uint32_t lane)
{
	const struct hold_lane *l = find(h, lane);

	return l != NULL && l->met;
}

void
hold_meet(struct hold *h, uint32_t lane)
{
	get(h, lane)->met = true;
}

bool
hold_chore(struct hold *h, uint32_t lane, bool is)
{
	struct hold_lane *l = get(h, lane);
	bool was = l->chore;

	l->chore = is;
	return was;
}

void
hold_wish(struct hold *h, const struct lane_wish *w)
{
	struct hold_lane *l = get(h, w->number);

	rewind_to(&l->due, l->number, w->since_ms);
	if (w->pull) {
		l->pull = true;
		l->pulled.begun = false;
	}
}

void
hold_note(struct hold *h, uint32_t lane, const struct store_health *of)
{
	struct hold_lane *l = get(h, lane);

	l->noted = of != NULL;
	if (of != NULL)
		l->health = *of;
}

const struct store_health *
hold_noted(const struct hold *h, uint32_t lane)
{
	const struct hold_lane *l = find(h, lane);

	return l != NULL && l->noted ? &l->health : NULL;
}

void
hold_probe(struct hold *h, uint32_t lane, const struct store_due *d)
{
	struct hold_lane *l = get(h, lane);

	l->named = true;
	l->probe = *d;
}

void
hold_probe_moved(struct hold *h, const struct store_due *from, int64_t due_ms)
{
	struct hold_lane *l = find(h, from->key.subscription);

	if (l != NULL && l->named && same(l->probe.key, from->key))
		l->probe.due_ms = due_ms;
}

/*
 * One read of the store for a wish, on from a cursor: what is not held goes
 * into *rows.  *more: rows that are due may follow.
 */
static enum rc
read_on(struct hold *h, struct hold_lane *l, struct cursor *from,
    int64_t now_ms, size_t max, struct lane_rows *rows, int64_t *next_ms,
    bool *more)
{
	size_t n = 0;
	enum rc rc;

	rc = store_claim(h->store, l->number, from->begun ? &from->at : NULL,
	    now_ms, h->claim, max, &n, next_ms);
	if (rc != RC_OK)
		return rc;
	for (size_t i = 0; i < n; i++) {
		struct store_claim *c = &h->claim[i];

		from->begun = true;
		from->at = c->due;
		if (held(h, c->due.key))
			store_event_clear(&c->event);
		else
			lane_rows_add(rows, &keep(h, l, c)->row);
	}
	*more = n == max && *next_ms <= now_ms;
	return RC_OK;
}

/* A few at first: how large they are is not known before. */
static size_t
some(const struct hold_lane *l, size_t max)
{
	size_t room = HOLD_LANE_BYTES / SOME, fit = SOME;

	if (l->n > 0 && l->bytes / l->n < room)
		fit = HOLD_LANE_BYTES / (l->bytes / l->n + 1);
	return fit < max ? fit : max;
}

static enum rc
read_due(struct hold *h, struct hold_lane *l, struct cursor *from,
    int64_t now_ms, size_t max, struct lane_rows *rows, int64_t *next_ms)
{
	bool more = true;
	enum rc rc = RC_OK;

	for (int i = 0; rc == RC_OK && more && rows->n < max && i < PASSES &&
	    l->bytes < HOLD_LANE_BYTES; i++)
		rc = read_on(h, l, from, now_ms, some(l, max - rows->n), rows,
		    next_ms, &more);
	return rc;
}

/* Of those due later, once there are none due now. */
static enum rc
read_pulled(struct hold *h, struct hold_lane *l, int64_t now_ms, size_t max,
    struct lane_rows *rows, int64_t *next_ms)
{
	int64_t next = INT64_MAX;
	enum rc rc;

	if (!l->pull)
		return RC_OK;
	if (rows->n == max || l->bytes >= HOLD_LANE_BYTES) {
		*next_ms = now_ms;
		return RC_OK;
	}
	if (!l->pulled.begun)
		l->pulled = (struct cursor){ true, { .due_ms = now_ms,
		    .key = { UINT64_MAX, l->number, UINT16_MAX } } };
	rc = read_due(h, l, &l->pulled, FAR_MS, max, rows, &next);
	if (rc != RC_OK)
		return rc;
	l->pull = next != INT64_MAX;
	if (l->pull)
		*next_ms = now_ms;	/* there is more of them */
	return RC_OK;
}

/* The very row that is due then, if it is there still. */
static enum rc
read_named(struct hold *h, struct hold_lane *l, struct lane_rows *rows)
{
	struct store_key key = l->probe.key;
	struct cursor before = { true, l->probe };
	int64_t next;
	bool more;
	enum rc rc;

	l->named = false;
	if (key.ordinal > 0)
		before.at.key.ordinal--;
	else {
		before.at.key.position--;
		before.at.key.ordinal = UINT16_MAX;
	}
	rc = read_on(h, l, &before, FAR_MS, 1, rows, &next, &more);
	if (rc != RC_OK || rows->n == 0)
		return rc;
	if (same(parcel_of(rows->first)->due.key, key))
		l->named = true;
	else
		hold_drop(h, parcel_of(lane_rows_shift(rows)));
	return RC_OK;
}

/* All but the first. */
static void
drop_others(struct hold *h, struct lane_rows *rows)
{
	struct lane_rows first = { NULL, NULL, 0 };

	if (rows->n == 0)
		return;
	lane_rows_add(&first, lane_rows_shift(rows));
	while (rows->n > 0)
		hold_drop(h, parcel_of(lane_rows_shift(rows)));
	*rows = first;
}

static enum rc
read_probe(struct hold *h, struct hold_lane *l, struct lane_rows *rows,
    int64_t *next_ms)
{
	struct cursor first = { .begun = false };
	bool more;
	size_t n;
	enum rc rc = RC_OK;

	l->pull = false;
	if (l->named)
		rc = read_named(h, l, rows);
	if (rc == RC_OK && rows->n == 0)	/* some may be unreadable */
		rc = read_on(h, l, &first, FAR_MS, LANE_FETCH, rows, next_ms,
		    &more);
	drop_others(h, rows);
	if (rc == RC_OK)		/* as if none had been read */
		rc = store_claim(h->store, l->number, NULL, 0, h->claim, 0,
		    &n, next_ms);
	return rc;
}

enum rc
hold_claim(struct hold *h, const struct lane_wish *w,
    struct lane_rows *rows, int64_t *next_ms)
{
	struct hold_lane *l = get(h, w->number);
	struct lane_rows got = { NULL, NULL, 0 };
	int64_t now = clock_now_ms(), next = INT64_MAX;
	uint32_t max = w->max < LANE_FETCH ? w->max : LANE_FETCH;
	enum rc rc;

	hold_wish(h, w);
	if (h->bytes > HOLD_BYTES_MOST || (l->n > 0 && (w->probe ||
	    h->bytes > HOLD_BYTES_MAX || l->bytes > HOLD_LANE_BYTES))) {
		*next_ms = now + BUSY_MS;
		return RC_OK;
	}
	if (h->bytes > HOLD_BYTES_MAX)
		max = 1;
	if (l->n == 0)
		l->due.begun = false;	/* nothing to leave out: all of it */
	if (w->probe)
		rc = read_probe(h, l, &got, &next);
	else {
		rc = read_due(h, l, &l->due, l->far ? FAR_MS : now, max, &got,
		    &next);
		if (rc == RC_OK)
			rc = read_pulled(h, l, now, max, &got, &next);
	}
	if (rc != RC_OK) {
		hold_release(h, &got);
		return rc;
	}
	l->far = false;
	*rows = got;
	*next_ms = next;
	return RC_OK;
}
