#include "base/log.h"
#include "store/bdb_timer.h"

/*
 * An order's row, for each type in turn:
 *   n8           bit 0: one stands; the rest: how many times are remembered
 *   position64, at64   if one stands
 *   done64 ...   ascending
 */

static bool
stands(const struct timer_one *o)
{
	return o->position != 0;
}

bool
timer_stands(const struct timer_row *r, enum store_timer_type type,
    int64_t at_ms)
{
	return stands(&r->of[type]) && r->of[type].at_ms == at_ms;
}

static bool
is_done(const struct timer_one *o, int64_t at_ms)
{
	for (size_t i = 0; i < o->ndone; i++)
		if (o->done[i] == at_ms)
			return true;
	return false;
}

/* In order; of too many the earliest goes, which is the first to be past. */
static void
add_done(struct timer_one *o, int64_t at_ms)
{
	size_t i;

	if (is_done(o, at_ms))
		return;
	if (o->ndone == TIMER_DONE_MAX) {
		if (at_ms < o->done[0])
			return;
		o->ndone--;
		memmove(o->done, o->done + 1, o->ndone * sizeof *o->done);
	}
	for (i = o->ndone; i > 0 && o->done[i - 1] > at_ms; i--)
		o->done[i] = o->done[i - 1];
	o->done[i] = at_ms;
	o->ndone++;
}

static void
clear(struct timer_one *o)
{
	o->position = 0;
	o->at_ms = 0;
}

static void
set(struct timer_one *o, int64_t at_ms, uint64_t position)
{
	o->position = position;
	o->at_ms = at_ms;
}

void
timer_end(struct timer_row *r, enum store_timer_type type)
{
	struct timer_one *o = &r->of[type];

	if (stands(o))
		add_done(o, o->at_ms);
	clear(o);
}

void
timer_apply(struct timer_row *r, const struct store_timer_change *c,
    uint64_t position)
{
	for (int t = 0; t < STORE_TIMERS; t++) {
		struct timer_one *o = &r->of[t];
		int64_t at_ms = c->to[t].at_ms;

		switch (c->to[t].what) {
		case STORE_TIMER_LEAVE:
			break;
		case STORE_TIMER_SET:
			if (is_done(o, at_ms))
				clear(o);
			else
				set(o, at_ms, position);
			break;
		case STORE_TIMER_RENEW:
			if (stands(o) && o->at_ms == at_ms)
				set(o, at_ms, position);
			else
				clear(o);
			break;
		case STORE_TIMER_REMOVE:
			clear(o);
			break;
		case STORE_TIMER_HAPPENED:
			clear(o);
			add_done(o, at_ms);
			break;
		case STORE_TIMER_OVER:
			timer_end(r, (enum store_timer_type)t);
			break;
		}
	}
}

static bool
is_none(const struct timer_row *r)
{
	for (int t = 0; t < STORE_TIMERS; t++)
		if (stands(&r->of[t]) || r->of[t].ndone > 0)
			return false;
	return true;
}

int64_t
timer_until(const struct timer_row *r)
{
	int64_t last = INT64_MIN;

	for (int t = 0; t < STORE_TIMERS; t++) {
		const struct timer_one *o = &r->of[t];

		if (stands(o))
			return INT64_MAX;
		if (o->ndone > 0 && o->done[o->ndone - 1] > last)
			last = o->done[o->ndone - 1];
	}
	return is_none(r) ? INT64_MAX : last + STORE_TIMER_KEEP_MS;
}

void
value_timer(struct buf *val, const struct timer_row *r)
{
	buf_clear(val);
	for (int t = 0; t < STORE_TIMERS; t++) {
		const struct timer_one *o = &r->of[t];

		buf_be8(val, (uint8_t)(stands(o) | o->ndone << 1));
		if (stands(o)) {
			buf_be64(val, o->position);
			buf_be64(val, (uint64_t)o->at_ms);
		}
		for (size_t i = 0; i < o->ndone; i++)
			buf_be64(val, (uint64_t)o->done[i]);
	}
}

enum rc
value_timer_parse(struct slice val, struct timer_row *r)
{
	struct timer_row got = { 0 };

	for (int t = 0; t < STORE_TIMERS; t++) {
		struct timer_one *o = &got.of[t];
		uint8_t n = slice_be8(&val);

		o->ndone = n >> 1;
		if (o->ndone > TIMER_DONE_MAX)
			return RC_INVALID;
		if (n & 1) {
			o->position = slice_be64(&val);
			o->at_ms = (int64_t)slice_be64(&val);
		}
		for (size_t i = 0; i < o->ndone; i++) {
			o->done[i] = (int64_t)slice_be64(&val);
			if (i > 0 && o->done[i] <= o->done[i - 1])
				return RC_INVALID;
		}
		if (stands(o) != (n & 1))
			return RC_INVALID;
	}
	if (val.s == NULL || val.len > 0 || is_none(&got))
		return RC_INVALID;
	*r = got;
	return RC_OK;
}

enum rc
timer_row_read(struct store *st, DB_TXN *txn, struct store_order order,
    struct timer_row *r)
{
	struct buf key = KEY_INIT, val = TIMER_ROW_INIT;
	enum rc rc;

	memset(r, 0, sizeof *r);
	key_timer(&key, &(struct key_timer){ .kind = KEY_TIMER_ORDER,
	    .order = order });
	rc = bdb_get(st, txn, BDB_TIMER, &key, &val, txn != NULL);
	if (rc == RC_NOTFOUND) {
		rc = RC_OK;
	} else if (rc == RC_TOOBIG || (rc == RC_OK &&
	    value_timer_parse(buf_as_slice(&val), r) != RC_OK)) {
		log_error("store: a row of timers can't be read");
		rc = RC_OK;	/* others' need not wait for it for ever */
	}
	buf_free(&val);
	buf_free(&key);
	return rc;
}

/* A row of the index that is all in its key comes or goes. */
static enum rc
index_row(struct store *st, DB_TXN *txn, const struct key_timer *k,
    bool is)
{
	struct buf key = KEY_INIT, none = BUF_INIT(1);
	enum rc rc;

	key_timer(&key, k);
	rc = is ? bdb_put(st, txn, BDB_TIMER, &key, &none) :
	    bdb_del(st, txn, BDB_TIMER, &key);
	buf_free(&key);
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

static enum rc
index_type(struct store *st, DB_TXN *txn, struct key_timer k,
    const struct timer_one *was, const struct timer_one *is)
{
	enum rc rc = RC_OK;

	if (stands(was) == stands(is) && was->at_ms == is->at_ms)
		return RC_OK;
	k.ms = was->at_ms;
	if (stands(was))
		rc = index_row(st, txn, &k, false);
	k.ms = is->at_ms;
	if (rc == RC_OK && stands(is))
		rc = index_row(st, txn, &k, true);
	return rc;
}

static enum rc
index_until(struct store *st, DB_TXN *txn, struct store_order order,
    int64_t was, int64_t is)
{
	struct key_timer k = { .kind = KEY_TIMER_UNTIL, .order = order,
	    .ms = was };
	enum rc rc = RC_OK;

	if (was == is)
		return RC_OK;
	if (was != INT64_MAX)
		rc = index_row(st, txn, &k, false);
	k.ms = is;
	if (rc == RC_OK && is != INT64_MAX)
		rc = index_row(st, txn, &k, true);
	return rc;
}

enum rc
timer_row_write(struct store *st, DB_TXN *txn, struct store_order order,
    const struct timer_row *was, const struct timer_row *is)
{
	struct buf key = KEY_INIT, val = TIMER_ROW_INIT;
	struct key_timer k = { .kind = KEY_TIMER_ORDER, .order = order };
	enum rc rc = RC_OK;

	key_timer(&key, &k);
	value_timer(&val, is);
	if (!is_none(is))
		rc = bdb_put(st, txn, BDB_TIMER, &key, &val);
	else if (!is_none(was))
		rc = bdb_del(st, txn, BDB_TIMER, &key);
	k.kind = KEY_TIMER_DUE;
	for (int t = 0; t < STORE_TIMERS && rc == RC_OK; t++) {
		k.type = (enum store_timer_type)t;
		rc = index_type(st, txn, k, &was->of[t], &is->of[t]);
	}
	if (rc == RC_OK)
		rc = index_until(st, txn, order, timer_until(was),
		    timer_until(is));
	buf_free(&val);
	buf_free(&key);
	return rc;
}
