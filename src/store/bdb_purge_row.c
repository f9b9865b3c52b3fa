#include <stdlib.h>
#include "base/log.h"
#include "store/bdb_delivery.h"
#include "store/bdb_purge.h"

/* A row of DELIVERY: a delivery, or an attempt of one. */
struct gone {
	struct store_key key;
	uint16_t	 n;
	bool		 dead;		/* n 0 */
	int64_t		 done_ms;	/* n 0 */
};

struct remove {
	const struct store_purge *p;
	struct gone	*row;		/* of the event at hand, in part */
	size_t		 n;
	bool		 all;		/* these are all that it has */
	bool		 pending;	/* one of them is */
	size_t		 room;		/* rows that may be removed still */
	struct buf	 key, val;

	/* found */
	uint64_t	 next;		/* event to go on with; 0: the end */
	uint64_t	 events, deliveries, kept;
};

static enum rc
keys_of(struct store *st, DB_TXN *txn, struct remove *r, uint64_t position)
{
	struct bdb_cur c = { 0 };
	struct gone *g;
	enum rc rc;

	r->n = 0;
	r->all = false;
	key_delivery(&r->key, &(struct store_key){ .position = position }, 0);
	rc = bdb_cur_open(st, txn, BDB_DELIVERY, true, &c);
	if (rc == RC_OK)
		rc = bdb_cur_at(&c, &r->key);
	for (; rc == RC_OK && r->n < r->room; rc = bdb_cur_next(&c)) {
		g = &r->row[r->n];
		*g = (struct gone){ .n = 0 };
		if (key_delivery_parse(c.key, &g->key, &g->n) != RC_OK ||
		    g->key.position != position) {
			rc = RC_NOTFOUND;
			break;
		}
		r->n++;
	}
	bdb_cur_close(&c);
	r->all = rc == RC_NOTFOUND;
	return r->all ? RC_OK : rc;
}

/* What their rows say.  One that can't be read is listed nowhere to go by. */
static enum rc
read_rows(struct store *st, DB_TXN *txn, struct remove *r)
{
	struct store_delivery d;
	enum rc rc = RC_OK;

	r->pending = false;
	for (size_t i = 0; i < r->n && rc == RC_OK; i++) {
		struct gone *g = &r->row[i];

		if (g->n > 0)
			continue;
		rc = bdb_delivery_row(st, txn, &g->key, &d);
		if (rc == RC_OK) {
			g->dead = d.state == STORE_IS_DEAD;
			g->done_ms = d.done_ms;
			r->pending = r->pending ||
			    d.state == STORE_IS_PENDING;
		} else if (rc == RC_INVALID)
			rc = RC_OK;
	}
	return rc;
}

static enum rc
del(struct store *st, DB_TXN *txn, enum bdb_file f, const struct buf *key)
{
	enum rc rc = bdb_del(st, txn, f, key);

	return rc == RC_NOTFOUND ? RC_OK : rc;
}

/* Its row, and the lists that name it. */
static enum rc
remove_row(struct store *st, DB_TXN *txn, struct remove *r,
    const struct gone *g)
{
	enum rc rc;

	key_delivery(&r->key, &g->key, g->n);
	rc = del(st, txn, BDB_DELIVERY, &r->key);
	if (rc != RC_OK || g->n > 0)
		return rc;
	key_done(&r->key, g->key.subscription, g->done_ms, &g->key);
	rc = del(st, txn, BDB_DONE, &r->key);
	if (rc == RC_OK && g->dead) {
		key_done(&r->key, 0, g->done_ms, &g->key);
		rc = del(st, txn, BDB_DONE, &r->key);
	}
	r->deliveries++;
	return rc;
}

/* Its sender's id may have been taken anew by a later event. */
static enum rc
remove_sender(struct store *st, DB_TXN *txn, struct remove *r,
    const struct store_event *ev)
{
	struct key_taken t;
	enum rc rc;

	if (ev->sender_id.len == 0)
		return RC_OK;
	key_sender(&r->key, ev->sender_id);
	rc = bdb_get(st, txn, BDB_SENDER, &r->key, &r->val, true);
	if (rc == RC_NOTFOUND)
		return RC_OK;
	if (rc != RC_OK ||
	    value_sender_parse(buf_as_slice(&r->val), &t) != RC_OK ||
	    t.position != ev->position)
		return rc;
	return bdb_del(st, txn, BDB_SENDER, &r->key);
}

/*
 * Some of its deliveries are gone and others are not: it lists none of them, as
 * an event does that nobody wanted, and is found again by being there.
 */
static enum rc
forget_list(struct store *st, DB_TXN *txn, struct remove *r,
    struct store_event *ev)
{
	struct buf *raw = &ev->raw;
	uint32_t len;

	if (ev->subscriptions.len == 0)
		return RC_OK;
	len = event_without_list(raw->s);
	memmove(raw->s + EVENT_HEAD, raw->s + EVENT_HEAD + len,
	    raw->len - EVENT_HEAD - len);
	raw->len -= len;
	key_event(&r->key, ev->position);
	return bdb_put(st, txn, BDB_EVENT, &r->key, raw);
}

static enum rc
remove_event(struct store *st, DB_TXN *txn, struct remove *r,
    uint64_t position)
{
	struct store_event ev = STORE_EVENT_INIT;
	enum rc rc;

	rc = bdb_event_row(st, txn, position, &ev);
	if (rc == RC_OK)
		rc = keys_of(st, txn, r, position);
	if (rc == RC_OK)
		rc = read_rows(st, txn, r);
	if (rc == RC_OK && !r->all && r->room < PURGE_ROWS) {
		r->next = position;	/* whole in the next one, perhaps */
		goto done;
	}
	if (rc == RC_NOTFOUND || rc == RC_INVALID || (rc == RC_OK &&
	    r->pending)) {
		r->kept += rc == RC_OK;
		rc = RC_OK;
		goto done;
	}
	for (size_t i = 0; i < r->n && rc == RC_OK; i++)
		rc = remove_row(st, txn, r, &r->row[i]);
	r->room -= r->n;
	if (rc == RC_OK && !r->all) {
		r->next = position;
		rc = forget_list(st, txn, r, &ev);
	} else if (rc == RC_OK) {
		rc = remove_sender(st, txn, r, &ev);
		key_event(&r->key, position);
		if (rc == RC_OK)
			rc = bdb_del(st, txn, BDB_EVENT, &r->key);
		r->events++;
		r->room -= r->room > 0;
	}
done:
	store_event_clear(&ev);
	return rc;
}

static enum rc
remove_some(struct store *st, DB_TXN *txn, void *arg)
{
	struct remove *r = arg;
	uint64_t end = r->p->at.first + STORE_PURGE_SPAN;
	uint64_t position = r->p->at.inside.position;
	enum rc rc = RC_OK;

	r->next = 0;
	r->events = r->deliveries = r->kept = 0;
	r->room = PURGE_ROWS;
	for (; position < end && rc == RC_OK && r->next == 0; position++) {
		if (!purge_doomed(&r->p->at, position))
			continue;
		if (r->room == 0)
			r->next = position;
		else
			rc = remove_event(st, txn, r, position);
	}
	return rc;
}

enum rc
purge_remove(struct store *st, struct store_purge *p, bool *end)
{
	struct remove r = { .p = p, .key = KEY_INIT,
	    .val = VALUE_INIT };
	enum rc rc;

	r.row = calloc(PURGE_ROWS, sizeof *r.row);
	if (r.row == NULL)
		log_fatal("out of memory: %d rows", PURGE_ROWS);
	rc = bdb_txn(st, remove_some, &r, BDB_PRIORITY_MAINTAIN, false);
	if (rc == RC_OK) {
		p->at.inside.position = r.next;
		p->events += r.events;
		p->deliveries += r.deliveries;
		p->kept += r.kept;
		*end = r.next == 0;
	}
	free(r.row);
	buf_free(&r.val);
	buf_free(&r.key);
	return rc;
}
