#include "store/bdb_timer.h"
#include "store/bdb_verify.h"

/*
 * An order of timers has no name but in its event; where there is none, the
 * first bytes of its hash tell it from others.
 */
static void
say_order(struct store_order o, struct buf *say, const char *text)
{
	buf_printf(say, "timers of order %02x%02x%02x%02x: %s", o.hash[0],
	    o.hash[1], o.hash[2], o.hash[3], text);
}

/* The event that a timer keeps is there, and set timers of this order. */
static enum rc
check_kept(struct store *st, DB_TXN *txn, struct store_order order,
    uint64_t position, struct buf *say)
{
	struct store_event ev = STORE_EVENT_INIT;
	bool there, legible;
	enum rc rc;

	rc = check_read_event(st, txn, position, &ev, &there, &legible);
	if (rc == RC_OK && !there)
		check_say_event(st, position, say, "a timer keeps it, and it "
		    "is missing");
	else if (rc == RC_OK && legible && !slice_eq(ev.timed,
	    (struct slice){ (const char *)order.hash, sizeof order.hash }))
		check_say_event(st, position, say, "a timer keeps it that is "
		    "not its order's");
	store_event_clear(&ev);
	return rc;
}

/* The index has a row like this. */
static enum rc
check_indexed(struct store *st, DB_TXN *txn, const struct key_timer *k,
    const char *text, struct buf *say)
{
	struct buf key = KEY_INIT, val = TIMER_ROW_INIT;
	bool there;
	enum rc rc;

	key_timer(&key, k);
	rc = check_look_up(st, txn, BDB_TIMER, &key, &val, &there);
	if (rc == RC_OK && !there)
		say_order(k->order, say, text);
	buf_free(&val);
	buf_free(&key);
	return rc;
}

/* Its row, as far as it is there and can be read. */
static enum rc
read_row(struct store *st, DB_TXN *txn, struct store_order order,
    struct timer_row *r, bool *there, bool *legible)
{
	struct buf key = KEY_INIT, val = TIMER_ROW_INIT;
	enum rc rc;

	*r = (struct timer_row){ .of[0].position = 0 };
	key_timer(&key, &(struct key_timer){ .kind = KEY_TIMER_ORDER,
	    .order = order });
	rc = check_look_up(st, txn, BDB_TIMER, &key, &val, there);
	*legible = rc == RC_OK && *there &&
	    value_timer_parse(buf_as_slice(&val), r) == RC_OK;
	buf_free(&val);
	buf_free(&key);
	return rc;
}

static enum rc
check_row(struct store *st, DB_TXN *txn, struct store_order order,
    struct buf *say)
{
	struct key_timer k = { .order = order };
	struct timer_row r;
	bool there, legible;
	enum rc rc;

	rc = read_row(st, txn, order, &r, &there, &legible);
	if (rc == RC_OK && there && !legible)
		say_order(order, say, "their row can't be read");
	if (rc != RC_OK || !there || !legible)
		return rc;
	k.kind = KEY_TIMER_DUE;
	for (int t = 0; t < STORE_TIMERS && rc == RC_OK && say->len == 0;
	    t++) {
		if (r.of[t].position == 0)
			continue;
		k.type = (enum store_timer_type)t;
		k.ms = r.of[t].at_ms;
		rc = check_indexed(st, txn, &k, "one stands, and is missing "
		    "from the list of what is to come", say);
		if (rc == RC_OK && say->len == 0)
			rc = check_kept(st, txn, order, r.of[t].position, say);
	}
	k.kind = KEY_TIMER_UNTIL;
	k.ms = timer_until(&r);
	if (rc == RC_OK && say->len == 0 && k.ms != INT64_MAX)
		rc = check_indexed(st, txn, &k, "none stands, and they are "
		    "not to be forgotten", say);
	return rc;
}

/* A row of the index stands for what the order's own row says. */
static enum rc
check_index(struct store *st, DB_TXN *txn, const struct key_timer *k,
    const struct buf *key, struct buf *say)
{
	struct buf val = TIMER_ROW_INIT;
	struct timer_row r;
	bool there, legible, own;
	enum rc rc;

	rc = read_row(st, txn, k->order, &r, &own, &legible);
	if (rc == RC_OK)
		rc = check_look_up(st, txn, BDB_TIMER, key, &val, &there);
	buf_free(&val);
	if (rc != RC_OK || !there || (own && !legible))
		return rc;
	if (k->kind == KEY_TIMER_DUE && !timer_stands(&r, k->type, k->ms))
		say_order(k->order, say, "one is listed as to come that does "
		    "not stand");
	else if (k->kind == KEY_TIMER_UNTIL && timer_until(&r) != k->ms)
		say_order(k->order, say, "they are to be forgotten at another "
		    "time than they say");
	return RC_OK;
}

/* Changes are events', which are there. */
static enum rc
check_recent(struct store *st, DB_TXN *txn, const struct key_timer *k,
    const struct buf *key, struct buf *say)
{
	struct buf val = TIMER_ROW_INIT, own = KEY_INIT;
	struct buf ev = BUF_INIT(2 * STORE_ORDER_MAX);
	struct timer_recent l = { .n = 0 };
	bool there;
	enum rc rc;

	rc = check_look_up(st, txn, BDB_TIMER, key, &val, &there);
	if (rc != RC_OK || !there)
		goto done;
	if (timer_recent_parse(k->first, buf_as_slice(&val), &l) != RC_OK)
		check_say_event(st, k->first, say, "what it and those after "
		    "it do to timers can't be read");
	for (size_t i = 0; i < l.n && rc == RC_OK && say->len == 0; i++) {
		key_event(&own, l.e[i].position);
		rc = check_look_up(st, txn, BDB_EVENT, &own, &ev, &there);
		if (rc == RC_OK && !there)
			check_say_event(st, l.e[i].position, say, "it changes "
			    "timers, and is missing");
	}
done:
	timer_recent_free(&l);
	buf_free(&ev);
	buf_free(&own);
	buf_free(&val);
	return rc;
}

enum rc
check_timer(struct store *st, DB_TXN *txn, struct slice key, struct buf *say)
{
	struct buf own = KEY_INIT;
	struct key_timer k;
	enum rc rc;

	if (key_timer_parse(key, &k) != RC_OK) {
		buf_puts(say, "a key of a timer can't be read");
		return RC_OK;
	}
	buf_slice(&own, key);
	if (k.kind == KEY_TIMER_ORDER)
		rc = check_row(st, txn, k.order, say);
	else if (k.kind == KEY_TIMER_RECENT)
		rc = check_recent(st, txn, &k, &own, say);
	else
		rc = check_index(st, txn, &k, &own, say);
	buf_free(&own);
	return rc;
}
