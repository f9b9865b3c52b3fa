#include <inttypes.h>
#include "base/log.h"
#include "store/bdb_list.h"
#include "store/bdb_meet.h"

#define ROW_BYTES	4096	/* of an event: as good as a row more */

/* The event at position or, if there is none, the next below it. */
static enum rc
event_at(struct store *st, uint64_t position, struct store_event *ev)
{
	struct bdb_cur c = { 0 };
	struct buf key = KEY_INIT;
	uint64_t p;
	enum rc rc;

	rc = bdb_cur_open(st, NULL, BDB_EVENT, false, &c);
	if (rc != RC_OK)
		goto done;
	key_event(&key, position);
	buf_be8(&key, 0);		/* so that position itself is before */
	for (rc = bdb_cur_before(&c, &key); rc == RC_OK;
	    rc = bdb_cur_prev(&c)) {
		if (key_event_parse(c.key, &p) != RC_OK)
			continue;
		buf_clear(&ev->raw);
		buf_slice(&ev->raw, c.val);
		if (event_decode(ev, p) == RC_OK)
			break;
		log_error("store: event %" PRIu64 " can't be read", p);
	}
done:
	bdb_cur_close(&c);
	buf_free(&key);
	return rc;
}

/*
 * The same of those that fit the references.  When the budget ends first,
 * ev->position alone is set: there is none above it.
 */
static enum rc
event_met(struct store *st, struct list *l, struct meet *m, uint64_t limit,
    struct store_event *ev)
{
	uint64_t position;
	bool met = true;
	enum rc rc = RC_OK;

	ev->position = limit;
	while (limit > 0 && l->budget > 0) {
		rc = meet_next(st, m, limit, &l->budget, &position, &met);
		if (rc != RC_OK)
			return rc;
		ev->position = position;
		if (position == 0)
			return RC_NOTFOUND;
		if (!met)
			return RC_OK;
		l->budget -= l->budget > 0;
		rc = bdb_event_row(st, NULL, position, ev);
		if (rc != RC_NOTFOUND && rc != RC_INVALID)
			return rc;	/* else purged: its references go
					   later */
		limit = ev->position = position - 1;
	}
	return limit > 0 ? RC_OK : RC_NOTFOUND;
}

/* Those of d[from...] that the query's lanes and times leave. */
static void
leave_wanted(struct list *l, size_t from)
{
	size_t n = from;

	for (size_t i = from; i < l->n; i++) {
		struct store_delivery d = l->d[i];

		d.found = LIST_EVENTS;
		if (list_wants_lane(l->q, d.key.subscription) &&
		    list_wants_time(l->q, d.state == STORE_IS_PENDING ?
		    d.created_ms : d.done_ms))
			l->d[n++] = d;
	}
	l->n = n;
}

/* The event's deliveries from *k on; *k is moved, to the next event if over. */
static enum rc
walk_event(struct store *st, struct list *l, const struct store_event *ev,
    struct store_key *k)
{
	struct event_walk w = { .subscription = k->subscription,
	    .ordinal = k->ordinal };
	size_t from = l->n, cost = 1 + ev->raw.len / ROW_BYTES;
	enum rc rc;

	l->budget -= cost < l->budget ? cost : l->budget - 1;
	w.budget = l->budget;
	rc = bdb_event_walk(st, ev, l->q->state, &w, l->d, l->max, &l->n);
	l->budget = w.budget;
	if (rc != RC_OK)
		return rc;
	leave_wanted(l, from);
	if (w.end) {
		l->over = k->position <= 1 || l->q->position != 0;
		*k = (struct store_key){ .position = k->position - 1 };
	} else if (w.ordinal > UINT16_MAX) {
		k->subscription = w.subscription + 1;
		k->ordinal = 0;
	} else {
		k->subscription = w.subscription;
		k->ordinal = (uint16_t)w.ordinal;
	}
	return RC_OK;
}

enum rc
list_events(struct store *st, struct list *l)
{
	struct store_event ev = STORE_EVENT_INIT;
	struct store_key k = { .position = l->q->position != 0 ?
	    l->q->position : UINT64_MAX };
	struct meet *m = NULL;
	uint16_t n;
	enum rc rc = RC_OK;

	if (l->key.len > 0)
		rc = key_delivery_parse(buf_as_slice(&l->key), &k, &n);
	if (l->q->nref > 0)
		m = meet_new(l->q->ref, l->q->nref,
		    k.position < UINT64_MAX ? k.position + 1 : UINT64_MAX);
	while (rc == RC_OK && l->n < l->max && l->budget > 0 && !l->over) {
		rc = m == NULL ? event_at(st, k.position, &ev) :
		    event_met(st, l, m, k.position, &ev);
		if (rc == RC_OK && l->q->position != 0 &&
		    ev.position != l->q->position)
			rc = RC_NOTFOUND;
		if (rc != RC_OK)
			break;
		if (ev.position != k.position)
			k = (struct store_key){ .position = ev.position };
		if (l->budget > 0)
			rc = walk_event(st, l, &ev, &k);
	}
	if (rc == RC_NOTFOUND) {
		l->over = true;
		rc = RC_OK;
	}
	key_delivery(&l->key, &k, 0);
	meet_free(m);
	store_event_clear(&ev);
	return rc;
}
