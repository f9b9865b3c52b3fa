#include <inttypes.h>
#include "base/log.h"
#include "store/bdb_delivery.h"

#define DUE_BULK	4096	/* bytes of rows read at once: a page, the least
				   that the engine takes */
#define EVENT_MOST	4096	/* bytes of a row that most events fit in */

struct heads_arg {
	uint32_t		 after;
	struct store_head	*h;
	size_t			 max, n;
};

/* Lane by lane: on a lane's first row, seek the end of that lane. */
static enum rc
heads(struct store *st, void *arg)
{
	struct heads_arg *a = arg;
	struct store_due d = { .key.subscription = a->after };
	struct bdb_cur c = { 0 };
	struct buf key = KEY_INIT;
	enum rc rc;

	a->n = 0;
	rc = bdb_cur_open(st, NULL, BDB_DUE, true, &c);
	while (rc == RC_OK && a->n < a->max &&
	    d.key.subscription < UINT32_MAX) {
		d = (struct store_due){ .due_ms = INT64_MIN,
		    .key.subscription = d.key.subscription + 1 };
		key_due(&key, &d);
		rc = bdb_cur_at(&c, &key);
		if (rc != RC_OK)
			break;
		if (key_due_parse(c.key, &d) != RC_OK) {
			log_error("store: a due row's key can't be read");
			rc = RC_IO;
			break;
		}
		a->h[a->n++] = (struct store_head){ d.key.subscription,
		    d.due_ms };
	}
	if (rc == RC_NOTFOUND)
		rc = RC_OK;
	bdb_cur_close(&c);
	buf_free(&key);
	return rc;
}

enum rc
store_heads(struct store *st, uint32_t after_lane, struct store_head *h,
    size_t max, size_t *n)
{
	struct heads_arg a = { .after = after_lane, .h = h, .max = max };
	enum rc rc;

	*n = 0;
	rc = bdb_read(st, heads, &a);
	if (rc == RC_OK)
		*n = a.n;
	return rc;
}

struct claim_arg {
	uint32_t		 lane;
	const struct store_due	*after;
	int64_t			 now_ms;
	struct store_claim	*c;
	size_t			 max, n;
	int64_t			 next_ms;
};

/* false: no row after this one is wanted. */
static bool
claim_row(struct claim_arg *a, struct slice key, struct slice val)
{
	struct store_due d;

	if (key_due_parse(key, &d) != RC_OK) {
		log_error("store: a due row's key can't be read");
		return true;
	}
	if (d.key.subscription != a->lane)
		return false;
	if (d.due_ms > a->now_ms || a->n == a->max) {
		a->next_ms = d.due_ms;
		return false;
	}
	if (value_due_parse(val, &d) == RC_OK)
		a->c[a->n++].due = d;
	else
		log_error("store: the due row of event %" PRIu64 " in lane %"
		    PRIu32 " can't be read", d.key.position, a->lane);
	return true;
}

static bool
claim_rows(struct claim_arg *a, DBT *rows)
{
	void *at, *k, *v;
	size_t klen, vlen;

	DB_MULTIPLE_INIT(at, rows);
	for (;;) {
		DB_MULTIPLE_KEY_NEXT(at, rows, k, klen, v, vlen);
		if (at == NULL)
			return true;
		if (!claim_row(a, (struct slice){ k, klen },
		    (struct slice){ v, vlen }))
			return false;
	}
}

/*
 * The rows alone, so that no page of the due tree is held while events are
 * read: accept takes the two the other way round.  Many at once, since a row
 * is small and a call is not.
 */
static enum rc
claim_due(struct store *st, struct claim_arg *a)
{
	struct store_due first = { .due_ms = INT64_MIN,
	    .key.subscription = a->lane };
	struct buf from = KEY_INIT;
	uint32_t rows[DUE_BULK / sizeof(uint32_t)], op = DB_SET_RANGE;
	char kbuf[KEY_MAX];
	DBT k = { .data = kbuf, .ulen = sizeof kbuf, .flags = DB_DBT_USERMEM };
	DBT v = { .data = rows, .ulen = sizeof rows, .flags = DB_DBT_USERMEM };
	DB *db = st->db[BDB_DUE];
	DBC *dbc = NULL;
	bool more = true;
	enum rc rc = RC_OK;
	int error;

	key_due(&from, a->after == NULL ? &first : a->after);
	if (a->after != NULL)
		buf_be8(&from, 0);	/* the least key after it */
	memcpy(kbuf, from.s, from.len);
	k.size = (uint32_t)from.len;
	error = db->cursor(db, NULL, &dbc, 0);
	for (; error == 0 && more; op = DB_NEXT) {
		error = dbc->get(dbc, &k, &v, op | DB_MULTIPLE_KEY);
		if (error == 0)
			more = claim_rows(a, &v);
	}
	if (error != 0 && error != DB_NOTFOUND)
		rc = bdb_rc(st, error, "reading due rows");
	if (dbc != NULL)
		dbc->close(dbc);
	buf_free(&from);
	return rc;
}

static int
read_part(struct store *st, struct buf *key, void *into, uint32_t from,
    uint32_t len)
{
	DB *db = st->db[BDB_EVENT];
	DBT k = { .data = key->s, .size = (uint32_t)key->len };
	DBT v = { .data = into, .ulen = len, .doff = from, .dlen = len,
	    .flags = DB_DBT_USERMEM | DB_DBT_PARTIAL };
	int error = db->get(db, NULL, &k, &v, 0);

	return error == 0 && v.size != len ? DB_NOTFOUND : error;
}

/*
 * Without its list of subscriptions, which may be longer than the order: each
 * of them has the event in memory at the same time.
 */
static int
read_large(struct store *st, struct buf *key, struct buf *raw, uint32_t size)
{
	char head[EVENT_HEAD];
	uint32_t skip;
	char *rest;
	int error;

	error = size < EVENT_HEAD ? DB_NOTFOUND :
	    read_part(st, key, head, 0, EVENT_HEAD);
	if (error != 0)
		return error;
	skip = EVENT_HEAD + event_without_list(head);
	if (skip > size)
		return DB_NOTFOUND;
	buf_put(raw, head, EVENT_HEAD);
	rest = buf_room(raw, size - skip);
	if (rest == NULL)
		return DB_NOTFOUND;
	error = read_part(st, key, rest, skip, size - skip);
	raw->len += size - skip;
	return error;
}

/*
 * A row into memory of its own and of its size, read at once if it is of a
 * usual size.
 */
static enum rc
claim_event(struct store *st, struct buf *key, struct store_claim *c)
{
	char most[EVENT_MOST];
	DB *db = st->db[BDB_EVENT];
	struct buf *raw = &c->event.raw;
	DBT k = { 0 };
	DBT v = { .data = most, .ulen = sizeof most, .flags = DB_DBT_USERMEM };
	int error;

	key_event(key, c->due.key.position);
	k.data = key->s;
	k.size = (uint32_t)key->len;
	buf_clear(raw);
	error = db->get(db, NULL, &k, &v, 0);
	if (error == DB_BUFFER_SMALL)
		error = read_large(st, key, raw, v.size);
	else if (error == 0)
		buf_put(raw, most, v.size);
	if (error != 0)
		return bdb_rc(st, error, "reading an event");
	return event_decode(&c->event, c->due.key.position);
}

static enum rc
claim(struct store *st, void *arg)
{
	struct claim_arg *a = arg;
	struct buf key = KEY_INIT;
	struct store_claim skipped;
	size_t good = 0;
	enum rc rc;

	a->n = 0;
	a->next_ms = INT64_MAX;
	rc = claim_due(st, a);
	for (size_t i = 0; i < a->n && rc == RC_OK; i++) {
		rc = claim_event(st, &key, &a->c[i]);
		if (rc == RC_OK) {
			skipped = a->c[good];	/* may be i itself */
			a->c[good++] = a->c[i];
			if (good <= i)
				a->c[i] = skipped;
		} else if (rc == RC_NOTFOUND || rc == RC_INVALID) {
			log_error("store: event %" PRIu64 " is due in lane %"
			    PRIu32 " and can't be read",
			    a->c[i].due.key.position, a->lane);
			rc = RC_OK;
		}
	}
	a->n = good;
	buf_free(&key);
	return rc;
}

enum rc
store_claim(struct store *st, uint32_t lane, const struct store_due *after,
    int64_t now_ms, struct store_claim *c, size_t max, size_t *n,
    int64_t *next_ms)
{
	struct claim_arg a = { .lane = lane, .after = after, .now_ms = now_ms,
	    .c = c, .max = max };
	enum rc rc;

	*n = 0;
	*next_ms = INT64_MAX;
	for (size_t i = 0; i < max; i++)
		c[i].event = (struct store_event)STORE_EVENT_INIT;
	rc = bdb_read(st, claim, &a);
	if (rc != RC_OK)
		a.n = 0;
	for (size_t i = a.n; i < max; i++)
		store_event_clear(&c[i].event);
	if (rc == RC_OK) {
		*n = a.n;
		*next_ms = a.next_ms;
	}
	return rc;
}
