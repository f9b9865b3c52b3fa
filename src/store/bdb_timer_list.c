#include <stdlib.h>
#include "store/bdb_delivery.h"
#include "store/bdb_cursor.h"
#include "store/bdb_timer.h"

/*
 * A cursor is hex of
 *   check32 key
 * where key is that of the last row of the index that was looked at, without
 * its first byte, and check is keyed over it.
 */
#define CURSOR_KEY	25	/* at64 type8 order */
#define CHANGES_READ	1000	/* of one order's, while they are read */

/* Rows of the index from a key on, up to a time. */
struct scan {
	struct buf	 from;		/* empty: the first */
	bool		 after;		/* not from itself */
	int64_t		 before_ms;
	struct store_timer *t;
	size_t		 max, n;
	int64_t		 next_ms;	/* of the first row left out */
};

/* Keys first: no page of the index is held while others are read. */
static enum rc
find(struct store *st, struct scan *s)
{
	struct key_timer k = { .kind = KEY_TIMER_DUE, .ms = INT64_MIN };
	struct bdb_cur c = { 0 };
	struct buf key = KEY_INIT;
	enum rc rc;

	s->n = 0;
	s->next_ms = INT64_MAX;
	key_timer(&key, &k);
	if (s->from.len > 0) {
		buf_clear(&key);
		buf_slice(&key, buf_as_slice(&s->from));
		if (s->after)
			buf_be8(&key, 0);	/* the least key after it */
	}
	rc = bdb_cur_open(st, NULL, BDB_TIMER, true, &c);
	if (rc == RC_OK)
		rc = bdb_cur_at(&c, &key);
	for (; rc == RC_OK; rc = bdb_cur_next(&c)) {
		if (key_timer_parse(c.key, &k) != RC_OK ||
		    k.kind != KEY_TIMER_DUE)
			break;
		if (s->n == s->max || k.ms >= s->before_ms) {
			s->next_ms = k.ms;
			break;
		}
		s->t[s->n++] = (struct store_timer){ .order = k.order,
		    .type = k.type, .at_ms = k.ms };
	}
	bdb_cur_close(&c);
	buf_free(&key);
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

/* What the orders' own rows say; one that says otherwise is left out. */
static enum rc
fill(struct store *st, struct scan *s)
{
	struct timer_row row;
	size_t left = 0;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < s->n && rc == RC_OK; i++) {
		struct store_timer t = s->t[i];

		rc = timer_row_read(st, NULL, t.order, &row);
		if (rc != RC_OK || !timer_stands(&row, t.type, t.at_ms))
			continue;
		t.position = row.of[t.type].position;
		s->t[left++] = t;
	}
	s->n = left;
	return rc;
}

/* A page of rows that are left out is no end. */
static enum rc
scan(struct store *st, void *arg)
{
	struct scan *s = arg;
	struct key_timer k = { .kind = KEY_TIMER_DUE };
	enum rc rc;

	do {
		rc = find(st, s);
		if (rc != RC_OK || s->n == 0)
			break;
		k.order = s->t[s->n - 1].order;
		k.type = s->t[s->n - 1].type;
		k.ms = s->t[s->n - 1].at_ms;
		rc = fill(st, s);
		if (rc != RC_OK)
			break;
		key_timer(&s->from, &k);
		s->after = true;
	} while (s->n == 0);
	return rc;
}

enum rc
store_timer_due(struct store *st, int64_t now_ms, struct store_timer *t,
    size_t max, size_t *n, int64_t *next_ms)
{
	struct scan s = { .from = KEY_INIT, .t = t, .max = max,
	    .before_ms = now_ms == INT64_MAX ? now_ms : now_ms + 1 };
	enum rc rc;

	*n = 0;
	*next_ms = INT64_MAX;
	rc = bdb_read(st, scan, &s);
	if (rc == RC_OK) {
		*n = s.n;
		*next_ms = s.next_ms;
	}
	buf_free(&s.from);
	return rc;
}

static uint32_t
check_of(const struct store *st, struct slice key)
{
	struct buf b = BUF_INIT(64);
	uint32_t check;

	buf_puts(&b, "timers");
	buf_slice(&b, key);
	check = (uint32_t)crypt_siphash(st->crypt->id, b.s, b.len);
	buf_free(&b);
	return check;
}

static void
cursor_write(const struct store *st, struct slice key,
    char cursor[STORE_CURSOR_MAX])
{
	struct buf raw = BUF_INIT(4 + CURSOR_KEY);

	(void)slice_be8(&key);
	buf_be32(&raw, check_of(st, key));
	buf_slice(&raw, key);
	cursor_print(&raw, cursor);
	buf_free(&raw);
}

static enum rc
cursor_read(const struct store *st, const char cursor[STORE_CURSOR_MAX],
    struct buf *key)
{
	char raw[CURSOR_RAW];
	struct slice s;

	if (cursor_parse(cursor, raw, &s) != RC_OK || s.len != 4 + CURSOR_KEY)
		return RC_INVALID;
	if (slice_be32(&s) != check_of(st, (struct slice){ raw + 4,
	    CURSOR_KEY }))
		return RC_INVALID;
	buf_be8(key, KEY_TIMER_DUE);
	buf_slice(key, s);
	return RC_OK;
}

enum rc
store_timers(struct store *st, int64_t until_ms,
    char cursor[STORE_CURSOR_MAX], struct store_timer *t, size_t max,
    size_t *n)
{
	struct scan s = { .from = KEY_INIT, .after = true, .t = t, .max = max,
	    .before_ms = until_ms };
	enum rc rc = RC_OK;

	*n = 0;
	if (cursor[0] != '\0')
		rc = cursor_read(st, cursor, &s.from);
	if (rc == RC_OK)
		rc = bdb_read(st, scan, &s);
	if (rc == RC_OK) {
		*n = s.n;
		cursor[0] = '\0';
		if (s.next_ms < until_ms)
			cursor_write(st, buf_as_slice(&s.from), cursor);
	}
	buf_free(&s.from);
	return rc;
}

struct of {
	struct store_order order;
	struct timer_row row;
};

/* One that is merged while this reads may be seen twice, to no effect. */
static enum rc
read_of(struct store *st, void *arg)
{
	struct of *o = arg;
	struct timer_recent l = { .n = 0 };
	enum rc rc;

	rc = timer_recent_read(st, NULL, SIZE_MAX, &l);
	if (rc == RC_OK)
		rc = timer_row_read(st, NULL, o->order, &o->row);
	for (size_t i = 0; i < l.n && rc == RC_OK; i++)
		if (timer_same_order(l.e[i].change.order, o->order))
			timer_apply(&o->row, &l.e[i].change, l.e[i].position);
	timer_recent_free(&l);
	return rc;
}

enum rc
store_timers_of(struct store *st, struct store_order order,
    struct store_timer t[STORE_TIMERS], size_t *n)
{
	struct of o = { .order = order };
	enum rc rc;

	*n = 0;
	rc = bdb_read(st, read_of, &o);
	for (int i = 0; i < STORE_TIMERS && rc == RC_OK; i++)
		if (o.row.of[i].position != 0)
			t[(*n)++] = (struct store_timer){ order,
			    (enum store_timer_type)i, o.row.of[i].at_ms,
			    o.row.of[i].position };
	return rc;
}

enum rc
bdb_timer_holds(struct store *st, const struct store_event *ev, bool *holds)
{
	struct of o = { .order = { { 0 } } };
	enum rc rc;

	*holds = false;
	if (ev->timed.s == NULL)
		return RC_OK;
	memcpy(o.order.hash, ev->timed.s, sizeof o.order.hash);
	rc = read_of(st, &o);
	for (int i = 0; i < STORE_TIMERS && rc == RC_OK; i++)
		*holds = *holds || o.row.of[i].position == ev->position;
	return rc;
}
