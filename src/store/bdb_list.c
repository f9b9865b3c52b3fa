#include "store/bdb_cursor.h"
#include "store/bdb_list.h"

/*
 * Deliveries in pages.  Which rows a query walks:
 *
 *   event or references      its events, newest first, each one's deliveries
 *                            by subscription
 *   pending                  lanes in the due tree, each by due time, then
 *                            lanes of CHAIN: what waits for its turn there
 *   dead, of many lanes      lane 0 of DONE, newest first
 *   done, or any state       lanes of DONE side by side, newest first; of any
 *                            state after what is pending
 *   all, or of too many      all events, as above
 *
 * A cursor is hex of
 *   check32 phase8 lane32 key
 * where key is that of the last row looked at (of DONE: under lane 0; of
 * events: that of the delivery to go on with), and check is keyed over the
 * query and what follows it, so that a cursor means something with the query
 * that made it and with no other.  Which lanes, and times, are not part of it:
 * a subscription may be added, and "an hour ago" moves on, while someone reads.
 */

static void
put_place(const struct list *l, struct buf *b)
{
	buf_be8(b, (uint8_t)l->phase);
	buf_be32(b, l->lane);
	buf_slice(b, buf_as_slice(&l->key));
}

static uint32_t
check_of(const struct store *st, const struct list *l)
{
	struct buf b = BUF_INIT(2 * KEY_MAX);
	uint32_t check;

	buf_puts(&b, "deliveries");
	buf_be32(&b, l->q->subscription);
	buf_be8(&b, (uint8_t)l->q->state);
	buf_be64(&b, l->q->position);
	buf_be64(&b, l->q->tag);
	put_place(l, &b);
	check = (uint32_t)crypt_siphash(st->crypt->id, b.s, b.len);
	buf_free(&b);
	return check;
}

static void
cursor_write(const struct store *st, const struct list *l,
    char cursor[STORE_CURSOR_MAX])
{
	struct buf raw = BUF_INIT(CURSOR_RAW);

	cursor[0] = '\0';
	if (l->over)
		return;
	buf_be32(&raw, check_of(st, l));
	put_place(l, &raw);
	cursor_print(&raw, cursor);
	buf_free(&raw);
}

/* The check makes sure that the key is one that cursor_write wrote. */
static enum rc
cursor_read(const struct store *st, const char cursor[STORE_CURSOR_MAX],
    struct list *l)
{
	char raw[CURSOR_RAW];
	struct slice s;
	uint32_t check;

	if (cursor_parse(cursor, raw, &s) != RC_OK)
		return RC_INVALID;
	check = slice_be32(&s);
	l->phase = (enum list_phase)slice_be8(&s);
	l->lane = slice_be32(&s);
	if (s.s == NULL)
		return RC_INVALID;
	buf_slice(&l->key, s);
	return check == check_of(st, l) ? RC_OK : RC_INVALID;
}

void
store_cursor_at(const struct store *st, const struct store_query *q,
    const struct store_delivery *d, char cursor[STORE_CURSOR_MAX])
{
	struct list l = { .q = q, .phase = (enum list_phase)d->found,
	    .key = KEY_INIT };
	struct store_due due = { .key = d->key, .due_ms = d->next_ms };
	struct key_link link = { .lane = d->key.subscription,
	    .chain = d->chain, .position = d->key.position };
	struct store_key next = d->key;

	switch (l.phase) {
	case LIST_PENDING:
		l.lane = d->key.subscription;
		key_due(&l.key, &due);
		break;
	case LIST_WAITING:
		l.lane = d->key.subscription;
		key_chain(&l.key, &link);
		break;
	case LIST_DONE:
	case LIST_DEAD:
		key_done(&l.key, 0, d->done_ms, &d->key);
		break;
	case LIST_EVENTS:
		next.subscription += next.ordinal == UINT16_MAX;
		next.ordinal++;
		key_delivery(&l.key, &next, 0);
		break;
	}
	cursor_write(st, &l, cursor);
	buf_free(&l.key);
}

/* The first of the set that is not below from; nlane: none. */
static size_t
lane_at(const struct store_query *q, uint32_t from)
{
	size_t lo = 0, hi = q->nlane, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (q->lane[mid] < from)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

uint32_t
list_next_lane(const struct store_query *q, uint32_t from)
{
	size_t i;

	if (q->subscription != 0 && from > q->subscription)
		return 0;
	if (q->subscription > from)
		from = q->subscription;
	i = lane_at(q, from);
	switch (q->lanes) {
	case STORE_LANES_THESE:
		from = i < q->nlane ? q->lane[i] : 0;
		break;
	case STORE_LANES_OTHERS:
		while (from != 0 && i < q->nlane && q->lane[i++] == from)
			from++;
		break;
	case STORE_LANES_ALL:
		break;
	}
	return q->subscription != 0 && from != q->subscription ? 0 : from;
}

bool
list_wants_lane(const struct store_query *q, uint32_t lane)
{
	return lane != 0 && list_next_lane(q, lane) == lane;
}

bool
list_wants_time(const struct store_query *q, int64_t ms)
{
	return (q->since_ms == 0 || ms >= q->since_ms) &&
	    (q->until_ms == 0 || ms < q->until_ms);
}

void
list_stand_at(struct list *l, struct slice key)
{
	buf_clear(&l->key);
	buf_slice(&l->key, key);
}

/* The first phase of a query. */
static enum rc
begin(struct store *st, struct list *l)
{
	const struct store_query *q = l->q;
	bool all = q->subscription == 0 && q->lanes != STORE_LANES_THESE;
	size_t n = 0;
	enum rc rc = RC_OK;

	l->lane = 0;
	buf_clear(&l->key);
	if (q->nref > 0 || q->position != 0)
		l->phase = LIST_EVENTS;
	else if (q->state == STORE_IS_PENDING)
		l->phase = LIST_PENDING;
	else if (q->state == STORE_IS_DEAD &&
	    (all || (q->subscription == 0 && q->nlane > LIST_MERGED)))
		l->phase = LIST_DEAD;
	else if (q->state == STORE_ANY && all && q->since_ms == 0 &&
	    q->until_ms == 0)
		l->phase = LIST_EVENTS;
	else {
		if (q->subscription == 0)
			rc = list_done_lanes(st, q, &n);
		l->phase = n > LIST_MERGED ? LIST_EVENTS :
		    q->state == STORE_ANY ? LIST_PENDING : LIST_DONE;
	}
	return rc;
}

/* A phase is over: the next one, if there is one. */
static void
go_on(struct list *l)
{
	if (l->phase == LIST_PENDING)
		l->phase = LIST_WAITING;
	else if (l->phase == LIST_WAITING && l->q->state != STORE_IS_PENDING)
		l->phase = LIST_DONE;
	else
		return;
	l->lane = 0;
	l->over = false;
	buf_clear(&l->key);
}

struct list_arg {
	const char	*cursor;
	struct list	 l;
};

static enum rc
list(struct store *st, void *arg)
{
	struct list_arg *a = arg;
	struct list *l = &a->l;
	enum rc rc;

	l->n = 0;
	l->budget = BDB_LOOK_ROWS;
	l->over = false;
	buf_clear(&l->key);
	rc = a->cursor[0] == '\0' ? begin(st, l) :
	    cursor_read(st, a->cursor, l);
	while (rc == RC_OK && !l->over && l->n < l->max && l->budget > 0) {
		switch (l->phase) {
		case LIST_PENDING:
			rc = list_pending(st, l);
			break;
		case LIST_DONE:
		case LIST_DEAD:
			rc = list_done(st, l);
			break;
		case LIST_EVENTS:
			rc = list_events(st, l);
			break;
		case LIST_WAITING:
			rc = list_waiting(st, l);
			break;
		}
		if (l->over)
			go_on(l);
	}
	return rc;
}

enum rc
store_deliveries(struct store *st, const struct store_query *q,
    char cursor[STORE_CURSOR_MAX], struct store_delivery *d, size_t max,
    size_t *n)
{
	struct list_arg a = { .cursor = cursor,
	    .l = { .q = q, .key = KEY_INIT, .d = d, .max = max } };
	enum rc rc;

	*n = 0;
	if (max == 0)
		return RC_OK;
	rc = bdb_read(st, list, &a);
	if (rc == RC_OK) {
		*n = a.l.n;
		cursor_write(st, &a.l, cursor);
	}
	buf_free(&a.l.key);
	return rc;
}
