#include <inttypes.h>
#include "base/log.h"
#include "store/bdb_count.h"
#include "store/bdb_delivery.h"
#include "store/bdb_purge.h"
#include "store/bdb_timer.h"

#define DELIVERIES	64	/* of an event, looked at together */

/* Events of the span that may fit, by what their rows begin with. */
struct heads {
	uint64_t position[PURGE_LOOK];
	size_t	 n;
	uint64_t next;		/* to look at afterwards; 0: there is no more */
};

static bool
fits(const struct store_purge *p, struct slice head)
{
	struct slice s = head;

	slice_take(&s, 2);		/* layout, flags */
	return (!p->tests || event_head_is_test(head)) &&
	    (int64_t)slice_be64(&s) < p->before_ms && s.s != NULL;
}

/*
 * An order may be long, and its row is not read for it: most events are not
 * looked for.
 */
static int
read_heads(const struct store_purge *p, DBC *dbc, struct heads *h)
{
	uint64_t end = p->at.first + STORE_PURGE_SPAN, position;
	struct buf from = KEY_INIT;
	char room[KEY_MAX], head[EVENT_HEAD];
	DBT k = { .data = room, .ulen = sizeof room, .flags = DB_DBT_USERMEM };
	DBT v = { .data = head, .ulen = sizeof head, .dlen = sizeof head,
	    .flags = DB_DBT_USERMEM | DB_DBT_PARTIAL };
	int error;

	key_event(&from, p->at.next);
	memcpy(room, from.s, from.len);
	k.size = (uint32_t)from.len;
	buf_free(&from);
	h->n = 0;
	h->next = p->at.next;
	error = dbc->get(dbc, &k, &v, DB_SET_RANGE);
	for (int looked = 0; error == 0 && looked < PURGE_LOOK; looked++) {
		if (key_event_parse((struct slice){ room, k.size },
		    &position) != RC_OK) {
			log_error("store: an event's key can't be read");
			error = dbc->get(dbc, &k, &v, DB_NEXT);
			continue;
		}
		h->next = position;
		if (position >= end)
			return 0;
		if (fits(p, (struct slice){ head, v.size }))
			h->position[h->n++] = position;
		h->next++;
		error = dbc->get(dbc, &k, &v, DB_NEXT);
	}
	if (error == DB_NOTFOUND)
		h->next = 0;
	return error == DB_NOTFOUND ? 0 : error;
}

static enum rc
gather(struct store *st, const struct store_purge *p, struct heads *h)
{
	DB *db = st->db[BDB_EVENT];
	DBC *dbc = NULL;
	int error;

	error = db->cursor(db, NULL, &dbc, 0);
	if (error == 0)
		error = read_heads(p, dbc, h);
	if (dbc != NULL)
		dbc->close(dbc);
	return error == 0 ? RC_OK : bdb_rc(st, error, "looking for events");
}

/*
 * Go over an event's deliveries, on from at.inside.  *whole: all were seen, and
 * none is pending; *pending: one is.
 */
static enum rc
look_inside(struct store *st, struct store_purge *p, uint64_t position,
    size_t *budget, bool *whole, bool *pending)
{
	struct store_event ev = STORE_EVENT_INIT;
	struct event_walk w = { .subscription = p->at.inside.subscription,
	    .ordinal = p->at.inside.ordinal, .budget = *budget };
	struct store_delivery d[DELIVERIES];
	size_t n;
	enum rc rc;

	*whole = *pending = false;
	rc = bdb_event_row(st, NULL, position, &ev);
	while (rc == RC_OK && !w.end && w.budget > 0 && !*pending) {
		n = 0;
		rc = bdb_event_walk(st, &ev, STORE_ANY, &w, d, DELIVERIES,
		    &n);
		for (size_t i = 0; rc == RC_OK && i < n; i++)
			*pending = *pending || d[i].state == STORE_IS_PENDING;
		p->at.counted += n;
	}
	p->at.inside = (struct store_key){ .subscription = w.subscription,
	    .ordinal = (uint16_t)w.ordinal };
	if (w.ordinal > UINT16_MAX) {
		p->at.inside.subscription++;
		p->at.inside.ordinal = 0;
	}
	if (rc == RC_OK && w.end && !*pending)
		rc = bdb_timer_holds(st, &ev, pending);
	*whole = w.end && !*pending;
	*budget = w.budget;
	store_event_clear(&ev);
	if (rc == RC_INVALID)
		log_error("store: event %" PRIu64 " can't be read and stays",
		    position);
	return rc;
}

/* One event of a span.  False: the budget ended before all of it was seen. */
static enum rc
consider(struct store *st, struct store_purge *p, uint64_t position,
    size_t *budget, bool *over)
{
	uint64_t i = position % STORE_PURGE_SPAN;
	bool whole, pending;
	enum rc rc;

	rc = look_inside(st, p, position, budget, &whole, &pending);
	*over = rc != RC_OK || whole || pending;
	if (rc == RC_NOTFOUND || rc == RC_INVALID)
		rc = RC_OK;		/* gone, or verify's to tell of */
	else if (whole) {
		p->at.doomed[i / 8] |= (unsigned char)(1 << i % 8);
		p->events += p->dry;
		p->deliveries += p->dry ? p->at.counted : 0;
	} else if (rc == RC_OK && *over)
		p->kept++;
	if (*over) {
		p->at.next = position + 1;
		p->at.inside = (struct store_key){ 0 };
		p->at.counted = 0;
	} else
		p->at.next = position;
	return rc;
}

static enum rc
find(struct store *st, void *arg)
{
	struct store_purge *p = arg, was = *p;
	struct heads h = { .n = 0 };
	size_t budget = PURGE_LOOK;
	bool over = true;
	enum rc rc;

	rc = gather(st, p, &h);
	for (size_t i = 0; i < h.n && rc == RC_OK && over; i++) {
		if (h.position[i] != p->at.next) {
			p->at.inside = (struct store_key){ 0 };
			p->at.counted = 0;
		}
		if (budget == 0) {
			p->at.next = h.position[i];
			return RC_OK;
		}
		rc = consider(st, p, h.position[i], &budget, &over);
	}
	if (rc != RC_OK)
		*p = was;		/* it may be run again */
	else if (over)
		p->at.next = h.next;
	return rc;
}

static bool
any_doomed(const struct store_purge_at *at)
{
	for (size_t i = 0; i < sizeof at->doomed; i++)
		if (at->doomed[i] != 0)
			return true;
	return false;
}

/* To the span of the next event, or to the end. */
static void
next_span(struct store_purge *p)
{
	uint64_t next = p->at.next;

	p->at = (struct store_purge_at){ .begun = true, .next = next,
	    .first = next - next % STORE_PURGE_SPAN, .phase = PURGE_FIND };
	p->more = next != 0 && next <= p->newest;
	p->position = p->more ? next - 1 : p->newest;
}

/* A span was gone over, or a part of it. */
static void
found(struct store_purge *p, uint64_t from)
{
	struct store_purge_at *at = &p->at;

	if (at->next != 0 && at->next < at->first + STORE_PURGE_SPAN) {
		p->position = at->next > from ? at->next - 1 : p->position;
		return;
	}
	if (p->dry || !any_doomed(at)) {
		next_span(p);
		return;
	}
	at->phase = PURGE_REFS;
	at->inside = (struct store_key){ .position = at->first };
}

static enum rc
step(struct store *st, struct store_purge *p)
{
	uint64_t from = p->at.next;
	bool end = false;
	enum rc rc;

	switch ((enum purge_phase)p->at.phase) {
	case PURGE_FIND:
		rc = bdb_read(st, find, p);
		if (rc == RC_OK)
			found(p, from);
		return rc;
	case PURGE_REFS:
		rc = purge_refs(st, p, &end);
		if (rc == RC_OK && end) {
			p->at.phase = PURGE_REMOVE;
			p->at.inside = (struct store_key){
			    .position = p->at.first };
		}
		return rc;
	case PURGE_REMOVE:
		rc = purge_remove(st, p, &end);
		if (rc == RC_OK && end)
			next_span(p);
		return rc;
	}
	return RC_INVALID;
}

enum rc
store_purge(struct store *st, struct store_purge *p)
{
	struct store_purge next = *p;
	enum rc rc;

	rc = bdb_enter(st);
	if (rc != RC_OK)
		return rc;
	if (!next.at.begun) {
		rc = bdb_count_get(st, NULL, KEY_POSITION, false,
		    &next.newest);
		next.at.begun = true;
		next.more = true;
	}
	if (rc == RC_OK && next.more)
		rc = step(st, &next);
	bdb_leave(st);
	if (rc == RC_OK)
		*p = next;
	return rc;
}
