#include <stdlib.h>
#include "base/log.h"
#include "store/bdb_delivery.h"

#define HOUR_MS		3600000

/*
 * Rows are counted a buffer at a time, and so many buffers in one visit that
 * a recovery never has to wait for it.
 */
#define COUNT_BUFFER	65536
#define COUNT_BUFFERS	16

int64_t
bdb_stat_hour(int64_t ms)
{
	int64_t into = ms % HOUR_MS;

	return ms - (into < 0 ? into + HOUR_MS : into);
}

static enum rc
add_one(struct store *st, DB_TXN *txn, const struct store_hour *add,
    struct buf *key, struct buf *val)
{
	struct store_hour h = { 0 };
	enum rc rc;

	key_stat(key, add->hour_ms, add->subscription);
	rc = bdb_get(st, txn, BDB_STAT, key, val, true);
	if (rc != RC_OK && rc != RC_NOTFOUND)
		return rc;
	if (rc == RC_OK && value_stat_parse(buf_as_slice(val), &h) != RC_OK)
		log_error("store: sums of subscription %u can't be read and "
		    "begin anew", (unsigned)add->subscription);
	h.delivered += add->delivered;
	h.retried += add->retried;
	h.dead += add->dead;
	if (h.dead > INT64_MAX)		/* less than none was taken off */
		h.dead = 0;
	h.test_delivered += add->test_delivered;
	h.test_retried += add->test_retried;
	h.test_dead += add->test_dead;
	if (h.test_dead > INT64_MAX)
		h.test_dead = 0;
	value_stat(val, &h);
	return bdb_put(st, txn, BDB_STAT, key, val);
}

enum rc
bdb_stat_add(struct store *st, DB_TXN *txn, const struct store_hour *h,
    size_t n)
{
	struct buf key = KEY_INIT, val = VALUE_INIT;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < n && rc == RC_OK; i++)
		rc = add_one(st, txn, &h[i], &key, &val);
	buf_free(&val);
	buf_free(&key);
	return rc;
}

struct count {
	int64_t			 now_ms;
	struct store_lane	*l;
	size_t			 max;
	enum bdb_file		 file;	/* DUE, then CHAIN */

	/* how far it is; a visit that is run again begins with these */
	char			*bulk;
	struct buf		 from;	/* the key to go on at */
	size_t			 n;
	size_t			 i;	/* CHAIN: the lane that it is at */
	struct key_link		 before;	/* CHAIN: the last row */
	bool			 end;
};

/* false: it is of a lane too many.  Keys that can't be read verify tells. */
static bool
count_due(struct count *c, struct slice key)
{
	struct store_lane *l = c->n == 0 ? NULL : &c->l[c->n - 1];
	struct store_due d;

	if (key_due_parse(key, &d) != RC_OK)
		return true;
	if (l == NULL || l->lane != d.key.subscription) {
		if (c->n == c->max)
			return false;
		l = &c->l[c->n++];
		*l = (struct store_lane){ .lane = d.key.subscription,
		    .oldest_ms = d.due_ms };
	}
	l->pending++;
	if (d.due_ms <= c->now_ms)
		l->due++;
	return true;
}

/* All but the first of each chain; that is due, so its lane is known. */
static bool
count_waiting(struct count *c, struct slice key)
{
	struct key_link l;

	if (key_chain_parse(key, &l) != RC_OK)
		return true;
	while (c->i < c->n && c->l[c->i].lane < l.lane)
		c->i++;
	if (c->i == c->n)
		return false;
	if (c->l[c->i].lane == l.lane && c->before.lane == l.lane &&
	    c->before.chain == l.chain)
		c->l[c->i].pending++;
	c->before = l;
	return true;
}

/* Count what is in the buffer, and go on after its last key. */
static void
count_bulk(struct count *c, DBT *bulk)
{
	struct slice key = { NULL, 0 };
	void *at, *k, *v;
	size_t klen, vlen;

	DB_MULTIPLE_INIT(at, bulk);
	for (;;) {
		DB_MULTIPLE_KEY_NEXT(at, bulk, k, klen, v, vlen);
		if (at == NULL)
			break;
		key = (struct slice){ k, klen };
		if (!(c->file == BDB_DUE ? count_due : count_waiting)(c,
		    key)) {
			c->end = true;
			return;
		}
	}
	(void)v;
	(void)vlen;
	if (key.s == NULL) {
		c->end = true;
		return;
	}
	buf_clear(&c->from);
	buf_slice(&c->from, key);
	buf_be8(&c->from, 0);		/* the least key after it */
}

/* One visit.  Each buffer is counted whole or not at all. */
static enum rc
count_some(struct store *st, void *arg)
{
	struct count *c = arg;
	char kbuf[KEY_MAX];
	DBT k = { .data = kbuf, .ulen = sizeof kbuf, .flags = DB_DBT_USERMEM };
	DBT v = { .data = c->bulk, .ulen = COUNT_BUFFER,
	    .flags = DB_DBT_USERMEM };
	DB *db = st->db[c->file];
	DBC *dbc = NULL;
	enum rc rc = RC_OK;
	int error;

	error = db->cursor(db, NULL, &dbc, DB_CURSOR_BULK);
	for (int i = 0; error == 0 && i < COUNT_BUFFERS && !c->end; i++) {
		memcpy(kbuf, c->from.s, c->from.len);
		k.size = (uint32_t)c->from.len;
		error = dbc->get(dbc, &k, &v,
		    DB_MULTIPLE_KEY | (i == 0 ? DB_SET_RANGE : DB_NEXT));
		if (error == 0)
			count_bulk(c, &v);
	}
	if (error == DB_NOTFOUND)
		c->end = true;
	else if (error != 0)
		rc = bdb_rc(st, error, "counting what is pending");
	if (dbc != NULL)
		dbc->close(dbc);
	return rc;
}

enum rc
store_lanes(struct store *st, uint32_t after_lane, int64_t now_ms,
    struct store_lane *l, size_t max, size_t *n)
{
	struct count c = { .now_ms = now_ms, .l = l, .max = max,
	    .file = BDB_DUE, .from = BUF_INIT(KEY_MAX + 1) };
	struct store_due d = { .due_ms = INT64_MIN,
	    .key.subscription = after_lane + 1 };
	struct key_link first = { .lane = after_lane + 1 };
	enum rc rc = RC_OK;

	*n = 0;
	if (after_lane == UINT32_MAX || max == 0)
		return RC_OK;
	c.bulk = malloc(COUNT_BUFFER);
	if (c.bulk == NULL)
		log_fatal("out of memory: %d bytes", COUNT_BUFFER);
	key_due(&c.from, &d);
	while (rc == RC_OK && !c.end)
		rc = bdb_read(st, count_some, &c);
	c.file = BDB_CHAIN;
	c.end = false;
	key_chain(&c.from, &first);
	while (rc == RC_OK && !c.end)
		rc = bdb_read(st, count_some, &c);
	if (rc == RC_OK)
		*n = c.n;
	buf_free(&c.from);
	free(c.bulk);
	return rc;
}

struct hours_arg {
	uint32_t		 subscription;
	int64_t			 from_ms;
	uint32_t		 from_subscription;
	struct store_hour	*h;
	size_t			 max, n;
};

/*
 * Of one subscription: at most two seeks an hour, past the others' rows.
 */
static enum rc
hours(struct store *st, void *arg)
{
	struct hours_arg *a = arg;
	struct bdb_cur c = { 0 };
	struct buf key = KEY_INIT;
	struct store_hour h;
	enum rc rc;

	a->n = 0;
	rc = bdb_cur_open(st, NULL, BDB_STAT, false, &c);
	if (rc != RC_OK)
		goto done;
	key_stat(&key, a->from_ms, a->from_subscription);
	rc = bdb_cur_at(&c, &key);
	while (rc == RC_OK && a->n < a->max) {
		if (key_stat_parse(c.key, &h) != RC_OK ||
		    value_stat_parse(c.val, &h) != RC_OK) {
			log_error("store: a row of sums can't be read");
			rc = bdb_cur_next(&c);
			continue;
		}
		if (a->subscription == 0 || h.subscription == a->subscription)
			a->h[a->n++] = h;
		if (a->subscription == 0) {
			rc = bdb_cur_next(&c);
			continue;
		}
		if (h.subscription >= a->subscription)
			h.hour_ms += HOUR_MS;
		key_stat(&key, h.hour_ms, a->subscription);
		rc = bdb_cur_at(&c, &key);
	}
	if (rc == RC_NOTFOUND)
		rc = RC_OK;
done:
	bdb_cur_close(&c);
	buf_free(&key);
	return rc;
}

enum rc
store_hours(struct store *st, uint32_t subscription, int64_t since_ms,
    const struct store_hour *after, struct store_hour *h, size_t max,
    size_t *n)
{
	struct hours_arg a = { .subscription = subscription,
	    .from_ms = since_ms == 0 ? KEY_STAT_FIRST_MS :
	    bdb_stat_hour(since_ms),
	    .from_subscription = subscription, .h = h, .max = max };
	enum rc rc;

	*n = 0;
	if (after != NULL && after->hour_ms >= a.from_ms) {
		a.from_ms = after->hour_ms;
		a.from_subscription = after->subscription + 1;
		if (after->subscription == UINT32_MAX) {
			a.from_ms++;
			a.from_subscription = 0;
		}
	}
	rc = bdb_read(st, hours, &a);
	if (rc == RC_OK)
		*n = a.n;
	return rc;
}
