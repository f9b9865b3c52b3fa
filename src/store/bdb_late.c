#include "store/bdb_settle.h"

/*
 * An attempt that ended after its delivery did: while it was in flight the
 * delivery was given up, or buried with its lane.  Every attempt is kept, so
 * this one is put on the record of what is done with.  If it succeeded the
 * delivery has arrived, and says so from now on.
 */

struct rows {
	struct buf	 key, val, attempt;
};

/* From the list of the dead to that of what arrived, and so in the sums. */
static enum rc
move_done(struct store *st, DB_TXN *txn, const struct store_settle *s,
    int64_t died_ms, struct rows *r)
{
	const struct store_key *k = &s->due.key;
	struct store_hour less = { .subscription = k->subscription,
	    .hour_ms = bdb_stat_hour(died_ms) };
	struct store_hour more = { .subscription = k->subscription,
	    .hour_ms = bdb_stat_hour(s->now_ms) };
	const uint32_t list[] = { 0, k->subscription };
	bool test;
	enum rc rc;

	rc = bdb_event_is_test(st, txn, k->position, &test);
	*(test ? &less.test_dead : &less.dead) = UINT64_MAX;
	*(test ? &more.test_delivered : &more.delivered) = 1;
	for (size_t i = 0; i < NELEM(list) && rc == RC_OK; i++) {
		key_done(&r->key, list[i], died_ms, k);
		rc = bdb_del(st, txn, BDB_DONE, &r->key);
		if (rc == RC_NOTFOUND)		/* verify would tell of it */
			rc = RC_OK;
	}
	if (rc != RC_OK)
		return rc;
	key_done(&r->key, k->subscription, s->now_ms, k);
	buf_clear(&r->val);
	buf_be8(&r->val, STORE_IS_DELIVERED);
	rc = bdb_put(st, txn, BDB_DONE, &r->key, &r->val);
	if (rc == RC_OK)
		rc = bdb_stat_add(st, txn, &less, 1);
	return rc == RC_OK ? bdb_stat_add(st, txn, &more, 1) : rc;
}

/*
 * Only if the record knows of no later attempt: so what is settled twice is
 * kept once.
 */
static enum rc
keep(struct store *st, DB_TXN *txn, struct job *j, struct rows *r)
{
	const struct store_settle *s = j->s;
	struct store_delivery d;
	int64_t died_ms;
	bool arrived;
	enum rc rc;

	key_delivery(&r->key, &s->due.key, 0);
	rc = bdb_get(st, txn, BDB_DELIVERY, &r->key, &r->val, true);
	if (rc != RC_OK)
		return rc == RC_NOTFOUND ? RC_OK : rc;
	if (delivery_decode(buf_as_slice(&r->val), &d) != RC_OK ||
	    d.state == STORE_IS_PENDING || d.recorded != s->due.recorded)
		return RC_OK;
	died_ms = d.done_ms;
	arrived = d.state == STORE_IS_DEAD && s->outcome == STORE_DELIVERED;
	settle_count(s, &d);
	if (arrived) {
		d.state = STORE_IS_DELIVERED;
		d.done_ms = s->now_ms;
		memset(d.reason, 0, sizeof d.reason);
	}
	delivery_encode(&r->val, &d);
	rc = bdb_put(st, txn, BDB_DELIVERY, &r->key, &r->val);
	if (rc != RC_OK)
		return rc;
	key_delivery(&r->key, &s->due.key, s->attempt->number);
	buf_clear(&r->attempt);
	attempt_encode(&r->attempt, s->attempt);
	rc = bdb_put(st, txn, BDB_DELIVERY, &r->key, &r->attempt);
	if (rc == RC_OK && arrived)
		rc = move_done(st, txn, s, died_ms, r);
	j->late = rc == RC_OK;
	return rc;
}

enum rc
settle_late(struct store *st, DB_TXN *txn, struct chunk *c)
{
	struct rows r = { .key = KEY_INIT, .val = DELIVERY_ROW_INIT,
	    .attempt = BUF_INIT(SETTLE_ATTEMPT_MAX) };
	enum rc rc = RC_OK;

	for (size_t i = 0; i < c->n && rc == RC_OK; i++)
		if (!c->job[i]->live && c->job[i]->s->attempt != NULL)
			rc = keep(st, txn, c->job[i], &r);
	buf_free(&r.attempt);
	buf_free(&r.val);
	buf_free(&r.key);
	return rc;
}
