#include <stdlib.h>
#include "base/log.h"
#include "store/bdb_timer.h"

/*
 * What accepted events do to timers is noted in rows that grow at the tree's
 * right edge, since an order's own row is anywhere in it, and reading and
 * writing that would cost accept more than the event does.  Key: the position
 * of the first event.  For each event that does something:
 *   offset16   of its position from the first one's
 *   what8      of the first type; of the second, 4 bits further up
 *   order      hash
 *   at64       for each type whose what goes by it
 */
#define ROW_LEN		800	/* a row ends when it has passed this: many more
				   bytes need a page of their own */
#define ENTRY_MAX	64	/* bytes of one */

/* More rows to look through than this are to be merged first. */
#define FIRE_CHANGES	1000

static bool
has_time(enum store_timer_do what)
{
	return what == STORE_TIMER_SET || what == STORE_TIMER_RENEW ||
	    what == STORE_TIMER_HAPPENED;
}

static void
put_entry(struct buf *val, const struct store_timer_change *c,
    uint64_t offset)
{
	buf_be16(val, (uint16_t)offset);
	buf_be8(val, (uint8_t)(c->to[0].what | c->to[1].what << 4));
	buf_put(val, c->order.hash, sizeof c->order.hash);
	for (int t = 0; t < STORE_TIMERS; t++)
		if (has_time(c->to[t].what))
			buf_be64(val, (uint64_t)c->to[t].at_ms);
}

/* RC_INVALID: it is none. */
static enum rc
take_entry(struct slice *s, uint64_t first, struct timer_noted *e)
{
	struct store_timer_change *c = &e->change;
	struct slice hash;
	uint8_t what;

	e->position = first + slice_be16(s);
	what = slice_be8(s);
	hash = slice_take(s, sizeof c->order.hash);
	c->to[0].what = (enum store_timer_do)(what & 15);
	c->to[1].what = (enum store_timer_do)(what >> 4);
	for (int t = 0; t < STORE_TIMERS; t++) {
		if (c->to[t].what > STORE_TIMER_OVER)
			return RC_INVALID;
		c->to[t].at_ms = has_time(c->to[t].what) ?
		    (int64_t)slice_be64(s) : 0;
	}
	if (s->s == NULL)
		return RC_INVALID;
	memcpy(c->order.hash, hash.s, sizeof c->order.hash);
	return RC_OK;
}

enum rc
bdb_timer_put(struct store *st, DB_TXN *txn,
    struct store_accept *const *item, size_t n)
{
	struct buf key = KEY_INIT, val = BUF_INIT(ROW_LEN + ENTRY_MAX);
	struct key_timer k = { .kind = KEY_TIMER_RECENT };
	enum rc rc = RC_OK;

	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		const struct store_accept *a = item[i];

		if (a->rc != RC_OK || a->timers == NULL)
			continue;
		if (val.len >= ROW_LEN) {
			rc = bdb_put(st, txn, BDB_TIMER, &key, &val);
			buf_clear(&val);
		}
		if (val.len == 0) {
			k.first = a->position;
			key_timer(&key, &k);
		}
		put_entry(&val, a->timers, a->position - k.first);
	}
	if (rc == RC_OK && val.len > 0)
		rc = bdb_put(st, txn, BDB_TIMER, &key, &val);
	buf_free(&val);
	buf_free(&key);
	return rc;
}

static void *
more(void *p, size_t *cap, size_t size)
{
	*cap = *cap == 0 ? 64 : 2 * *cap;
	p = reallocarray(p, *cap, size);
	if (p == NULL)
		log_fatal("out of memory: %zu changes of timers", *cap);
	return p;
}

void
timer_recent_free(struct timer_recent *l)
{
	free(l->e);
	free(l->row);
	*l = (struct timer_recent){ .n = 0 };
}

enum rc
timer_recent_parse(uint64_t first, struct slice val, struct timer_recent *l)
{
	struct timer_noted e;

	while (val.len > 0) {
		if (take_entry(&val, first, &e) != RC_OK)
			return RC_INVALID;
		if (l->n == l->cap)
			l->e = more(l->e, &l->cap, sizeof *l->e);
		l->e[l->n++] = e;
	}
	return RC_OK;
}

enum rc
timer_recent_read(struct store *st, DB_TXN *txn, size_t max,
    struct timer_recent *l)
{
	struct key_timer k = { .kind = KEY_TIMER_RECENT };
	struct bdb_cur c = { 0 };
	struct buf key = KEY_INIT;
	enum rc rc;

	l->n = l->nrow = 0;
	l->more = false;
	key_timer(&key, &k);
	rc = bdb_cur_open(st, txn, BDB_TIMER, false, &c);
	if (rc == RC_OK)
		rc = bdb_cur_at(&c, &key);
	for (; rc == RC_OK; rc = bdb_cur_next(&c)) {
		if (l->n >= max) {
			l->more = true;
			break;
		}
		if (key_timer_parse(c.key, &k) != RC_OK ||
		    timer_recent_parse(k.first, c.val, l) != RC_OK)
			log_error("store: changes of timers can't be read");
		if (l->nrow == l->caprow)
			l->row = more(l->row, &l->caprow, sizeof *l->row);
		l->row[l->nrow++] = k.first;
	}
	bdb_cur_close(&c);
	buf_free(&key);
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

/* Did events change this order that are not merged, or not written, yet? */
static enum rc
is_changed(struct store *st, DB_TXN *txn, struct store_accept *const *item,
    const struct store_accept *a, bool *changed)
{
	struct timer_recent l = { .n = 0 };
	enum rc rc;

	*changed = false;
	for (; *item != a; item++)
		if ((*item)->rc == RC_OK && (*item)->timers != NULL &&
		    timer_same_order((*item)->timers->order, a->fires->order))
			*changed = true;
	rc = timer_recent_read(st, txn, FIRE_CHANGES, &l);
	if (rc == RC_OK && l.more)
		*changed = true;
	for (size_t i = 0; rc == RC_OK && i < l.n; i++)
		if (timer_same_order(l.e[i].change.order, a->fires->order))
			*changed = true;
	timer_recent_free(&l);
	return rc;
}

enum rc
bdb_timer_fire(struct store *st, DB_TXN *txn,
    struct store_accept *const *item, const struct store_accept *a)
{
	const struct store_timer *t = a->fires;
	struct timer_row was, is;
	bool changed;
	enum rc rc;

	rc = is_changed(st, txn, item, a, &changed);
	if (rc == RC_OK && changed)
		rc = RC_NOTFOUND;
	if (rc == RC_OK)
		rc = timer_row_read(st, txn, t->order, &was);
	if (rc != RC_OK)
		return rc;
	if (!timer_stands(&was, t->type, t->at_ms) ||
	    was.of[t->type].position != t->position)
		return RC_NOTFOUND;
	is = was;
	timer_end(&is, t->type);
	return timer_row_write(st, txn, t->order, &was, &is);
}

static enum rc
drop(struct store *st, DB_TXN *txn, void *arg)
{
	const struct store_timer *t = arg;
	struct timer_row was, is;
	enum rc rc;

	rc = timer_row_read(st, txn, t->order, &was);
	if (rc != RC_OK || !timer_stands(&was, t->type, t->at_ms) ||
	    was.of[t->type].position != t->position)
		return rc;
	is = was;
	timer_end(&is, t->type);
	return timer_row_write(st, txn, t->order, &was, &is);
}

enum rc
store_timer_drop(struct store *st, const struct store_timer *t)
{
	struct store_timer copy = *t;
	enum rc rc;

	rc = bdb_enter(st);
	if (rc != RC_OK)
		return rc;
	rc = bdb_txn(st, drop, &copy, BDB_PRIORITY_SETTLE, true);
	bdb_leave(st);
	return rc;
}
