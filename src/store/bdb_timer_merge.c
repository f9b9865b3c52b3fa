#include <stdlib.h>
#include "store/bdb_timer.h"

/*
 * Changes come into their place in the order of positions: an order's are
 * applied one after the other, and the rows they stood in go in the same
 * transaction.  Orders are taken by their keys, so that a step goes through
 * the tree in one direction.  What is over and done with is forgotten only
 * when no change is left, whose event may have come when it still counted.
 */
static int
by_order(const void *va, const void *vb)
{
	const struct timer_noted *a = va, *b = vb;
	int d = memcmp(a->change.order.hash, b->change.order.hash,
	    sizeof a->change.order.hash);

	if (d != 0)
		return d;
	return a->position < b->position ? -1 : a->position > b->position;
}

/* The changes of one order, which begin at i; the first that is another's. */
static size_t
end_of_order(const struct timer_recent *l, size_t i)
{
	size_t to = i + 1;

	while (to < l->n && timer_same_order(l->e[to].change.order,
	    l->e[i].change.order))
		to++;
	return to;
}

static void
sort(struct timer_recent *l)
{
	if (l->n > 0)
		qsort(l->e, l->n, sizeof *l->e, by_order);
}

/* What is to be written is brought into the cache before all writers wait. */
static enum rc
warm(struct store *st, struct timer_recent *l)
{
	struct timer_row row;
	enum rc rc = RC_OK;

	sort(l);
	for (size_t i = 0; i < l->n && rc == RC_OK; i = end_of_order(l, i))
		rc = timer_row_read(st, NULL, l->e[i].change.order, &row);
	return rc;
}

static enum rc
merge_order(struct store *st, DB_TXN *txn, const struct timer_noted *e,
    size_t from, size_t to)
{
	struct timer_row was, is;
	enum rc rc;

	rc = timer_row_read(st, txn, e[from].change.order, &was);
	if (rc != RC_OK)
		return rc;
	is = was;
	for (size_t i = from; i < to; i++)
		timer_apply(&is, &e[i].change, e[i].position);
	return timer_row_write(st, txn, e[from].change.order, &was, &is);
}

static enum rc
merge(struct store *st, DB_TXN *txn, void *arg)
{
	struct timer_recent *l = arg;
	struct key_timer k = { .kind = KEY_TIMER_RECENT };
	struct buf key = KEY_INIT;
	size_t to;
	enum rc rc;

	/* another process may have been here since we looked */
	rc = timer_recent_read(st, txn, STORE_TIMER_STEP, l);
	sort(l);
	for (size_t i = 0; i < l->n && rc == RC_OK; i = to) {
		to = end_of_order(l, i);
		rc = merge_order(st, txn, l->e, i, to);
	}
	for (size_t i = 0; i < l->nrow && rc == RC_OK; i++) {
		k.first = l->row[i];
		key_timer(&key, &k);
		rc = bdb_del(st, txn, BDB_TIMER, &key);
	}
	buf_free(&key);
	return rc;
}

struct forget {
	int64_t		 now_ms;
	struct store_order order[STORE_TIMER_STEP];
	size_t		 n;
	size_t		 gone;
};

static enum rc
find_old(struct store *st, struct forget *f)
{
	struct key_timer k = { .kind = KEY_TIMER_UNTIL, .ms = INT64_MIN };
	struct bdb_cur c = { 0 };
	struct buf key = KEY_INIT;
	enum rc rc;

	f->n = 0;
	key_timer(&key, &k);
	rc = bdb_cur_open(st, NULL, BDB_TIMER, true, &c);
	if (rc == RC_OK)
		rc = bdb_cur_at(&c, &key);
	for (; rc == RC_OK && f->n < NELEM(f->order); rc = bdb_cur_next(&c)) {
		if (key_timer_parse(c.key, &k) != RC_OK ||
		    k.kind != KEY_TIMER_UNTIL || k.ms > f->now_ms)
			break;
		f->order[f->n++] = k.order;
	}
	bdb_cur_close(&c);
	buf_free(&key);
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

static enum rc
forget(struct store *st, DB_TXN *txn, void *arg)
{
	const struct timer_row none = { 0 };
	struct forget *f = arg;
	struct timer_row was;
	enum rc rc = RC_OK;

	f->gone = 0;
	for (size_t i = 0; i < f->n && rc == RC_OK; i++) {
		rc = timer_row_read(st, txn, f->order[i], &was);
		if (rc != RC_OK || timer_until(&was) > f->now_ms)
			continue;
		rc = timer_row_write(st, txn, f->order[i], &was, &none);
		f->gone++;
	}
	return rc;
}

static enum rc
forget_some(struct store *st, int64_t now_ms, bool *more)
{
	struct forget f = { .now_ms = now_ms };
	enum rc rc;

	rc = find_old(st, &f);
	if (rc != RC_OK || f.n == 0)
		return rc;
	rc = bdb_txn(st, forget, &f, BDB_PRIORITY_MAINTAIN, false);
	*more = rc == RC_OK && f.gone == NELEM(f.order);
	return rc;
}

enum rc
store_timer_merge(struct store *st, int64_t now_ms, bool *merged, bool *more)
{
	struct timer_recent l = { .n = 0 };
	enum rc rc;

	*merged = *more = false;
	rc = bdb_enter(st);
	if (rc != RC_OK)
		return rc;
	rc = timer_recent_read(st, NULL, STORE_TIMER_STEP, &l);
	if (rc == RC_OK && l.nrow > 0) {
		rc = warm(st, &l);
		if (rc == RC_OK)
			rc = bdb_txn(st, merge, &l, BDB_PRIORITY_SETTLE,
			    false);
		*merged = *more = rc == RC_OK;
	} else if (rc == RC_OK) {
		rc = forget_some(st, now_ms, more);
	}
	bdb_leave(st);
	timer_recent_free(&l);
	return rc;
}
