#include <stdlib.h>
#include "base/log.h"
#include "store/bdb_chain.h"
#include "store/bdb_settle.h"

/*
 * What a settled delivery changes, in the order of bdb.h's files:
 *   CHAIN     delivered or dead: it leaves its chain
 *   DUE       its row goes; a retried one's comes back at another time; that
 *             of the next in its chain comes
 *   DELIVERY  its own row, born here the first time, and the attempt's
 *   DONE      delivered or dead: under its lane; dead: under lane 0, too
 *   STAT      the sums of its hour, and how its lane's attempts went
 * In each file all items of a transaction are done in the order of its keys:
 * neighbours lie on the same pages, and two transactions can't wait for each
 * other.
 */
#define BYTES_MAX	(1024 * 1024)	/* of attempts: about as many */
#define ATTEMPTS_MAX	(BYTES_MAX + SETTLE_ATTEMPT_MAX)

static int
order64(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int
order_ms(int64_t a, int64_t b)
{
	return a < b ? -1 : a > b;
}

static int
order_key(const struct store_key *a, const struct store_key *b)
{
	int c = order64(a->position, b->position);

	if (c == 0)
		c = order64(a->subscription, b->subscription);
	return c != 0 ? c : (int)a->ordinal - (int)b->ordinal;
}

static int
order_due(const struct job *a, const struct job *b)
{
	const struct store_due *x = &a->s->due, *y = &b->s->due;
	int c = order64(x->key.subscription, y->key.subscription);

	if (c == 0)
		c = order_ms(x->due_ms, y->due_ms);
	return c != 0 ? c : order_key(&x->key, &y->key);
}

/* Of an array of jobs; those below are of arrays of pointers to them. */
static int
jobs_by_due(const void *a, const void *b)
{
	return order_due(a, b);
}

static int
by_due(const void *a, const void *b)
{
	const struct job *const *pa = a, *const *pb = b;

	return order_due(*pa, *pb);
}

static int
by_next(const void *a, const void *b)
{
	const struct job *const *pa = a, *const *pb = b;
	const struct store_settle *x = (*pa)->s, *y = (*pb)->s;
	int c = order64(x->due.key.subscription, y->due.key.subscription);

	if (c == 0)
		c = order_ms(x->next_ms, y->next_ms);
	return c != 0 ? c : order_key(&x->due.key, &y->due.key);
}

static int
by_delivery(const void *a, const void *b)
{
	const struct job *const *pa = a, *const *pb = b;

	return order_key(&(*pa)->s->due.key, &(*pb)->s->due.key);
}

static int
by_done(const void *a, const void *b)
{
	const struct job *const *pa = a, *const *pb = b;
	const struct store_settle *x = (*pa)->s, *y = (*pb)->s;
	int c = order64(x->due.key.subscription, y->due.key.subscription);

	if (c == 0)
		c = order_ms(x->now_ms, y->now_ms);
	return c != 0 ? c : order_key(&x->due.key, &y->due.key);
}

/* As under lane 0. */
static int
by_dead(const void *a, const void *b)
{
	const struct job *const *pa = a, *const *pb = b;
	const struct store_settle *x = (*pa)->s, *y = (*pb)->s;
	int c = order_ms(x->now_ms, y->now_ms);

	return c != 0 ? c : order_key(&x->due.key, &y->due.key);
}

static int
by_hour(const void *a, const void *b)
{
	const struct store_hour *x = a, *y = b;
	int c = order_ms(x->hour_ms, y->hour_ms);

	return c != 0 ? c : order64(x->subscription, y->subscription);
}

static void
sort(struct chunk *c, int (*order)(const void *, const void *))
{
	qsort(c->job, c->n, sizeof c->job[0], order);
}

/* No allocation and no copy: the row is where it was put together. */
static enum rc
put(struct store *st, DB_TXN *txn, enum bdb_file f, const struct buf *key,
    const char *val, size_t len, uint32_t flags)
{
	DB *db = st->db[f];
	DBT k = { .data = key->s, .size = (uint32_t)key->len };
	DBT v = { .data = (void *)(uintptr_t)val, .size = (uint32_t)len };
	int error = db->put(db, txn, &k, &v, flags);

	if (error == 0)
		return RC_OK;
	if (error == DB_KEYEXIST)
		return RC_EXISTS;
	return bdb_rc(st, error, "settling");
}

/* The due row, gone from the tree if it is the one that was claimed. */
static int
take_row(DBC *dbc, struct job *j, struct buf *key)
{
	char val[16];		/* it has 13 bytes at most */
	DBT k = { 0 };
	DBT v = { .data = val, .ulen = sizeof val, .flags = DB_DBT_USERMEM };
	struct store_due d;
	int error;

	key_due(key, &j->s->due);
	k.data = key->s;
	k.size = (uint32_t)key->len;
	error = dbc->get(dbc, &k, &v, DB_SET | DB_RMW);
	if (error == DB_NOTFOUND)
		return 0;
	if (error != 0)
		return error;
	if (value_due_parse((struct slice){ val, v.size }, &d) != RC_OK ||
	    d.attempts != j->s->due.attempts ||
	    d.recorded != j->s->due.recorded)
		return 0;
	error = dbc->del(dbc, 0);
	j->live = error == 0;
	j->chain = d.chain;
	j->test = d.test;
	return error;
}

static enum rc
take_due(struct store *st, DB_TXN *txn, struct chunk *c)
{
	DB *db = st->db[BDB_DUE];
	DBC *dbc = NULL;
	int error, closed;

	sort(c, by_due);
	error = db->cursor(db, txn, &dbc, 0);
	for (size_t i = 0; i < c->n && error == 0; i++)
		error = take_row(dbc, c->job[i], &c->key);
	if (dbc != NULL) {
		closed = dbc->close(dbc);
		if (error == 0)
			error = closed;
	}
	return error == 0 ? RC_OK : bdb_rc(st, error, "settling");
}

/*
 * What came to its end makes way for the next of its order.  Those without a
 * due row may wait for their turn: they go first, lest it come to them here.
 */
static enum rc
end_chains(struct store *st, DB_TXN *txn, struct chunk *c)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < c->n && rc == RC_OK; i++) {
		struct job *j = c->job[i];

		if (j->live || j->s->outcome == STORE_RETRIED)
			continue;
		rc = bdb_chain_waits(st, txn, &j->s->due, &j->live);
		if (rc == RC_OK && j->live)
			rc = bdb_chain_end(st, txn, &j->s->due,
			    &j->s->promoted_ms);
		if (rc == RC_OK && j->live)
			rc = bdb_event_is_test(st, txn,
			    j->s->due.key.position, &j->test);
	}
	for (size_t i = 0; i < c->n && rc == RC_OK; i++) {
		const struct job *j = c->job[i];
		struct store_due d = j->s->due;

		d.chain = j->chain;
		if (j->live && j->s->outcome != STORE_RETRIED && d.chain != 0)
			rc = bdb_chain_end(st, txn, &d, &j->s->promoted_ms);
	}
	return rc;
}

/* Only after all were taken, lest an item given twice take this one's. */
static enum rc
put_due(struct store *st, DB_TXN *txn, struct chunk *c)
{
	enum rc rc = RC_OK;

	sort(c, by_next);
	for (size_t i = 0; i < c->n && rc == RC_OK; i++) {
		const struct job *j = c->job[i];
		struct store_due d = j->s->due;

		if (!j->live || j->s->outcome != STORE_RETRIED)
			continue;
		d.due_ms = j->s->next_ms;
		d.attempts = j->s->attempts;
		if (j->s->attempt != NULL)
			d.recorded = j->s->attempt->number;
		d.chain = j->chain;
		d.test = j->test;
		key_due(&c->key, &d);
		value_due(&c->val, &d);
		rc = put(st, txn, BDB_DUE, &c->key, c->val.s, c->val.len, 0);
	}
	return rc;
}

void
settle_count(const struct store_settle *s, struct store_delivery *d)
{
	d->attempts = s->attempts;
	d->recorded = s->due.recorded;
	if (s->attempt != NULL) {
		d->recorded = s->attempt->number;
		d->last_status = s->attempt->status;
		memcpy(d->last_word, s->attempt->word, sizeof d->last_word);
	}
}

/* What the row says from now on; *d is what it said before. */
static void
change(const struct store_settle *s, struct store_delivery *d)
{
	settle_count(s, d);
	memset(d->reason, 0, sizeof d->reason);
	d->next_ms = d->done_ms = 0;
	switch (s->outcome) {
	case STORE_RETRIED:
		d->state = STORE_IS_PENDING;
		d->next_ms = s->next_ms;
		break;
	case STORE_DELIVERED:
		d->state = STORE_IS_DELIVERED;
		d->done_ms = s->now_ms;
		break;
	case STORE_DEAD:
		d->state = STORE_IS_DEAD;
		d->done_ms = s->now_ms;
		memcpy(d->reason, s->reason, sizeof d->reason);
		break;
	}
}

/*
 * A delivery that was never tried has no row, and came due when it was made.
 * That it was postponed without a try is rare enough to be told by the put
 * that fails.
 */
static enum rc
put_delivery(struct store *st, DB_TXN *txn, const struct store_settle *s,
    struct chunk *c)
{
	bool first = s->due.attempts == 0 && s->due.recorded == 0;
	struct store_delivery d = { .created_ms = s->due.due_ms };
	enum rc rc;

	key_delivery(&c->key, &s->due.key, 0);
	if (first) {
		change(s, &d);
		delivery_encode(&c->val, &d);
		rc = put(st, txn, BDB_DELIVERY, &c->key, c->val.s, c->val.len,
		    DB_NOOVERWRITE);
		if (rc != RC_EXISTS)
			return rc;
		d = (struct store_delivery){ .created_ms = s->due.due_ms };
	}
	rc = bdb_get(st, txn, BDB_DELIVERY, &c->key, &c->val, true);
	if (rc == RC_OK && delivery_decode(buf_as_slice(&c->val), &d) !=
	    RC_OK)
		log_error("store: the row of a delivery in lane %u can't be "
		    "read and begins anew", (unsigned)s->due.key.subscription);
	if (rc != RC_OK && rc != RC_NOTFOUND)
		return rc;
	change(s, &d);
	delivery_encode(&c->val, &d);
	return put(st, txn, BDB_DELIVERY, &c->key, c->val.s, c->val.len, 0);
}

static enum rc
put_deliveries(struct store *st, DB_TXN *txn, struct chunk *c)
{
	enum rc rc = RC_OK;

	sort(c, by_delivery);
	for (size_t i = 0; i < c->n && rc == RC_OK; i++) {
		const struct job *j = c->job[i];
		const struct store_settle *s = j->s;

		if (!j->live)
			continue;
		rc = put_delivery(st, txn, s, c);
		if (rc != RC_OK || s->attempt == NULL)
			continue;
		key_delivery(&c->key, &s->due.key, s->attempt->number);
		rc = put(st, txn, BDB_DELIVERY, &c->key,
		    c->attempts.s + j->at, j->len, 0);
	}
	return rc;
}

static enum rc
put_done_in(struct store *st, DB_TXN *txn, const struct store_settle *s,
    uint32_t lane, struct chunk *c)
{
	char state = s->outcome == STORE_DEAD ? STORE_IS_DEAD :
	    STORE_IS_DELIVERED;

	key_done(&c->key, lane, s->now_ms, &s->due.key);
	return put(st, txn, BDB_DONE, &c->key, &state, 1, 0);
}

static enum rc
put_done(struct store *st, DB_TXN *txn, struct chunk *c)
{
	enum rc rc = RC_OK;

	sort(c, by_dead);
	for (size_t i = 0; i < c->n && rc == RC_OK; i++)
		if (c->job[i]->live && c->job[i]->s->outcome == STORE_DEAD)
			rc = put_done_in(st, txn, c->job[i]->s, 0, c);
	sort(c, by_done);
	for (size_t i = 0; i < c->n && rc == RC_OK; i++)
		if (c->job[i]->live && c->job[i]->s->outcome != STORE_RETRIED)
			rc = put_done_in(st, txn, c->job[i]->s,
			    c->job[i]->s->due.key.subscription, c);
	return rc;
}

static void
count_outcome(enum store_outcome outcome, bool test, struct store_hour *h)
{
	uint64_t *delivered = test ? &h->test_delivered : &h->delivered;
	uint64_t *retried = test ? &h->test_retried : &h->retried;
	uint64_t *dead = test ? &h->test_dead : &h->dead;

	*delivered += outcome == STORE_DELIVERED;
	*retried += outcome == STORE_RETRIED;
	*dead += outcome == STORE_DEAD;
}

/* One that is put off without a try is no attempt that failed. */
static enum rc
add_hours(struct store *st, DB_TXN *txn, struct chunk *c)
{
	struct store_hour *h = NULL;
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++) {
		const struct store_settle *s = c->job[i]->s;
		uint32_t lane = s->due.key.subscription;
		int64_t hour = bdb_stat_hour(s->now_ms);

		if (!c->job[i]->live ||
		    (s->outcome == STORE_RETRIED && s->attempt == NULL))
			continue;
		if (h == NULL || h->subscription != lane || h->hour_ms != hour)
			c->hour[n++] = (struct store_hour){
			    .subscription = lane, .hour_ms = hour };
		h = &c->hour[n - 1];
		count_outcome(s->outcome, c->job[i]->test, h);
	}
	qsort(c->hour, n, sizeof c->hour[0], by_hour);
	return bdb_stat_add(st, txn, c->hour, n);
}

enum rc
settle_chunk(struct store *st, DB_TXN *txn, void *chunk)
{
	struct chunk *c = chunk;
	enum rc rc;

	for (size_t i = 0; i < c->n; i++) {
		c->job[i]->live = c->job[i]->late = false;
		c->job[i]->test = false;
		c->job[i]->chain = 0;
		c->job[i]->s->promoted_ms = INT64_MAX;
	}
	rc = take_due(st, txn, c);
	if (rc == RC_OK)
		rc = end_chains(st, txn, c);
	if (rc == RC_OK)
		rc = put_due(st, txn, c);
	if (rc == RC_OK)
		rc = put_deliveries(st, txn, c);
	if (rc == RC_OK)
		rc = settle_late(st, txn, c);
	if (rc == RC_OK)
		rc = put_done(st, txn, c);
	if (rc == RC_OK)
		rc = add_hours(st, txn, c);
	if (rc == RC_OK)
		rc = settle_health(st, txn, c);
	return rc;
}

static enum rc
nothing(struct store *st, DB_TXN *txn, void *arg)
{
	(void)st;
	(void)txn;
	(void)arg;
	return RC_OK;
}

/* RC_OK, or what stays wrong with this item however often it is tried. */
static enum rc
check(const struct store_settle *s)
{
	if (s->due.key.subscription == 0 || s->outcome < STORE_DELIVERED ||
	    s->outcome > STORE_DEAD)
		return RC_INVALID;
	if (s->attempt != NULL && (s->attempt->number == 0 ||
	    s->attempt->number != s->due.recorded + 1))
		return RC_INVALID;
	return RC_OK;
}

/*
 * Take items into the chunk until it is full.  Attempts are written out here,
 * once, and not in the transaction, which may run again.
 */
static size_t
fill(struct chunk *c, struct job *job, size_t n)
{
	size_t i;

	c->n = 0;
	buf_clear(&c->attempts);
	for (i = 0; i < n && c->n < SETTLE_ROWS &&
	    c->attempts.len < BYTES_MAX; i++) {
		struct store_settle *s = job[i].s;

		s->late = false;
		s->rc = check(s);
		if (s->rc != RC_OK)
			continue;
		job[i].at = c->attempts.len;
		if (s->attempt != NULL)
			attempt_encode(&c->attempts, s->attempt);
		job[i].len = c->attempts.len - job[i].at;
		if (c->attempts.over || job[i].len > SETTLE_ATTEMPT_MAX) {
			c->attempts.len = job[i].at;
			c->attempts.over = false;
			s->rc = RC_TOOBIG;
			continue;
		}
		c->job[c->n++] = &job[i];
	}
	return i;
}

static enum rc
settle_all(struct store *st, struct chunk *c, struct job *job, size_t n)
{
	enum rc rc, first = RC_OK;
	bool any = false;
	size_t used;

	for (; n > 0; job += used, n -= used) {
		used = fill(c, job, n);
		if (c->n == 0) {
			any = true;
			continue;
		}
		rc = bdb_txn(st, settle_chunk, c, BDB_PRIORITY_SETTLE, false);
		for (size_t i = 0; i < c->n; i++) {
			c->job[i]->s->late = rc == RC_OK && c->job[i]->late;
			c->job[i]->s->rc = rc != RC_OK ? rc :
			    c->job[i]->live ? RC_OK : RC_STALE;
		}
		any = any || rc == RC_OK;
		if (rc != RC_OK && first == RC_OK)
			first = rc;
	}
	return any ? RC_OK : first;
}

enum rc
store_settle(struct store *st, struct store_settle *s, size_t n, bool sync)
{
	struct chunk c = { .attempts = BUF_INIT(ATTEMPTS_MAX),
	    .key = KEY_INIT, .val = DELIVERY_ROW_INIT };
	struct job *job;
	enum rc rc;

	if (n == 0)
		return RC_OK;
	job = calloc(n, sizeof *job);
	if (job == NULL)
		log_fatal("out of memory: %zu outcomes", n);
	for (size_t i = 0; i < n; i++)
		job[i].s = &s[i];
	qsort(job, n, sizeof *job, jobs_by_due);
	rc = bdb_enter(st);
	if (rc != RC_OK)
		goto done;
	rc = settle_all(st, &c, job, n);
	if (rc == RC_OK && sync)	/* one flush covers them all */
		rc = bdb_txn(st, nothing, NULL, BDB_PRIORITY_SETTLE, true);
	bdb_leave(st);
done:
	for (size_t i = 0; i < n && rc != RC_OK; i++) {
		s[i].rc = rc;
		s[i].late = false;
	}
	free(job);
	buf_free(&c.val);
	buf_free(&c.key);
	buf_free(&c.attempts);
	return rc;
}
