#include "base/log.h"
#include "store/bdb_ahead.h"
#include "store/bdb_count.h"
#include "store/bdb_delivery.h"

/* The first row of a lane that is not of this event.  RC_NOTFOUND: none. */
static enum rc
first_other(struct store *st, DB_TXN *txn, const struct store_due *d,
    struct store_due *first)
{
	struct store_due from = { .due_ms = INT64_MIN,
	    .key.subscription = d->key.subscription };
	struct bdb_cur c = { 0 };
	struct buf key = KEY_INIT;
	enum rc rc;

	key_due(&key, &from);
	rc = bdb_cur_open(st, txn, BDB_DUE, true, &c);
	if (rc == RC_OK)
		rc = bdb_cur_at(&c, &key);
	while (rc == RC_OK) {
		if (key_due_parse(c.key, first) != RC_OK ||
		    first->key.subscription != d->key.subscription)
			rc = RC_NOTFOUND;
		if (rc != RC_OK || first->key.position != d->key.position)
			break;
		rc = bdb_cur_next(&c);
	}
	bdb_cur_close(&c);
	buf_free(&key);
	return rc;
}

static enum rc
put_row(struct store *st, DB_TXN *txn, const struct store_due *d,
    int64_t accepted_ms)
{
	const struct store_delivery row = { .state = STORE_IS_PENDING,
	    .created_ms = accepted_ms, .next_ms = d->due_ms };
	struct buf key = KEY_INIT, val = DELIVERY_ROW_INIT;
	enum rc rc;

	key_delivery(&key, &d->key, 0);
	delivery_encode(&val, &row);
	rc = bdb_put(st, txn, BDB_DELIVERY, &key, &val);
	buf_free(&val);
	buf_free(&key);
	return rc;
}

/* A lane that does not fail is left as it is. */
static enum rc
probe_with(struct store *st, DB_TXN *txn, const struct store_due *d)
{
	struct buf key = KEY_INIT, val = VALUE_INIT;
	struct store_health h = { 0 };
	enum rc rc;

	key_health(&key, d->key.subscription);
	rc = bdb_get(st, txn, BDB_STAT, &key, &val, true);
	if (rc == RC_OK && (value_health_parse(buf_as_slice(&val), &h) !=
	    RC_OK || h.failures == 0))
		rc = RC_NOTFOUND;
	if (rc == RC_OK) {
		h.probe = (struct store_due){ .key = d->key,
		    .due_ms = d->due_ms };
		value_health(&val, &h);
		rc = bdb_put(st, txn, BDB_STAT, &key, &val);
	}
	buf_free(&val);
	buf_free(&key);
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

static enum rc
announce(struct store *st, DB_TXN *txn, uint32_t lane)
{
	uint64_t generation;
	enum rc rc;

	rc = bdb_count_get(st, txn, KEY_GENERATION, true, &generation);
	return rc != RC_OK ? rc :
	    bdb_announce(st, txn, STORE_LANE, lane, generation + 1);
}

enum rc
bdb_ahead_put(struct store *st, DB_TXN *txn, struct store_due *d)
{
	int64_t accepted_ms = d->due_ms;
	struct store_due first;
	enum rc rc;

	rc = first_other(st, txn, d, &first);
	if (rc == RC_OK && first.due_ms <= accepted_ms &&
	    first.due_ms > INT64_MIN)
		d->due_ms = first.due_ms - 1;
	if (rc == RC_NOTFOUND)
		rc = RC_OK;
	if (rc == RC_OK && d->due_ms != accepted_ms)
		rc = put_row(st, txn, d, accepted_ms);
	if (rc == RC_OK && d->key.ordinal == 0)
		rc = probe_with(st, txn, d);
	if (rc == RC_OK && d->key.ordinal == 0)
		rc = announce(st, txn, d->key.subscription);
	return rc;
}
