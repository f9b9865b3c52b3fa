#include "base/log.h"
#include "store/bdb_fanout.h"
#include "store/bdb_key.h"

/* One step's work, with the row as it was found. */
struct step {
	struct store_due	 row;		/* lane 0 */
	uint32_t		 written;
	struct store_event	 event;		/* raw empty: it is gone */
};

static enum rc
put_row(struct store *st, DB_TXN *txn, const struct store_due *row,
    uint32_t written)
{
	struct buf key = KEY_INIT, val = VALUE_INIT;
	enum rc rc;

	key_due(&key, row);
	value_u32(&val, written);
	rc = bdb_put(st, txn, BDB_DUE, &key, &val);
	buf_free(&val);
	buf_free(&key);
	return rc;
}

static enum rc
parse_written(struct slice val, uint32_t *written)
{
	if (value_u32_parse(val, written) == RC_OK)
		return RC_OK;
	log_error("store: a fan-out row of %zu bytes", val.len);
	return RC_IO;
}

enum rc
bdb_fanout_put(struct store *st, DB_TXN *txn, uint64_t position,
    int64_t accepted_ms)
{
	struct store_due row = { .due_ms = accepted_ms,
	    .key = { .position = position } };

	return put_row(st, txn, &row, 0);
}

/* RC_NOTFOUND: there is no fan-out row. */
static enum rc
find_first(struct store *st, struct step *s)
{
	struct store_due least = { .due_ms = INT64_MIN };
	struct bdb_cur c = { 0 };
	struct buf key = KEY_INIT;
	enum rc rc;

	rc = bdb_cur_open(st, NULL, BDB_DUE, false, &c);
	if (rc != RC_OK)
		goto done;
	key_due(&key, &least);
	rc = bdb_cur_at(&c, &key);
	if (rc != RC_OK)
		goto done;
	if (key_due_parse(c.key, &s->row) != RC_OK ||
	    s->row.key.subscription != 0) {
		rc = RC_NOTFOUND;
		goto done;
	}
	rc = parse_written(c.val, &s->written);
done:
	bdb_cur_close(&c);
	buf_free(&key);
	return rc;
}

static enum rc
read_event(struct store *st, struct step *s)
{
	struct buf key = KEY_INIT;
	enum rc rc;

	key_event(&key, s->row.key.position);
	rc = bdb_get(st, NULL, BDB_EVENT, &key, &s->event.raw, false);
	if (rc == RC_OK)
		rc = event_decode(&s->event, s->row.key.position);
	if (rc == RC_NOTFOUND || rc == RC_INVALID) {
		log_error("store: event %llu of a fan-out can't be read",
		    (unsigned long long)s->row.key.position);
		s->event.subscriptions.len = 0;
		rc = RC_OK;
	}
	buf_free(&key);
	return rc;
}

static enum rc
write_due(struct store *st, DB_TXN *txn, const struct step *s, uint32_t from,
    uint32_t to)
{
	struct store_due d = { .due_ms = s->row.due_ms,
	    .key = { .position = s->row.key.position } };
	struct slice rest = s->event.subscriptions;
	struct buf key = KEY_INIT, val = VALUE_INIT;
	enum rc rc = RC_OK;

	slice_take(&rest, (size_t)from * 4);
	value_due(&val, &d);
	for (uint32_t i = from; i < to && rc == RC_OK; i++) {
		d.key.subscription = slice_be32(&rest);
		key_due(&key, &d);
		rc = bdb_put(st, txn, BDB_DUE, &key, &val);
	}
	buf_free(&val);
	buf_free(&key);
	return rc;
}

static enum rc
step(struct store *st, DB_TXN *txn, void *arg)
{
	const struct step *s = arg;
	uint32_t n = (uint32_t)(s->event.subscriptions.len / 4), to, was;
	struct buf key = KEY_INIT, val = VALUE_INIT;
	enum rc rc;

	key_due(&key, &s->row);
	rc = bdb_get(st, txn, BDB_DUE, &key, &val, true);
	if (rc == RC_OK)
		rc = parse_written(buf_as_slice(&val), &was);
	if (rc == RC_NOTFOUND || (rc == RC_OK && was != s->written))
		rc = RC_STALE;
	if (rc != RC_OK)
		goto done;
	to = was + FANOUT_STEP < n ? was + FANOUT_STEP : n;
	rc = write_due(st, txn, s, was, to);
	if (rc == RC_OK)
		rc = to < n ? put_row(st, txn, &s->row, to) :
		    bdb_del(st, txn, BDB_DUE, &key);
done:
	buf_free(&val);
	buf_free(&key);
	return rc;
}

enum rc
bdb_fanout_expand(struct store *st, size_t steps, bool *more)
{
	struct step s = { .event = STORE_EVENT_INIT };
	enum rc rc = RC_OK;

	*more = true;
	for (size_t i = 0; i < steps && rc == RC_OK; i++) {
		rc = find_first(st, &s);
		if (rc == RC_OK)
			rc = read_event(st, &s);
		if (rc == RC_OK)
			rc = bdb_txn(st, step, &s, BDB_PRIORITY_SETTLE, false);
		if (rc == RC_STALE)	/* somebody else was here: look again */
			rc = RC_OK;
	}
	if (rc == RC_NOTFOUND) {
		*more = false;
		rc = RC_OK;
	}
	store_event_clear(&s.event);
	return rc;
}
