#include <inttypes.h>
#include "base/log.h"
#include "store/bdb_chain.h"
#include "store/bdb_delivery.h"
#include "store/bdb_fanout.h"

/* One step's work, with the row as it was found. */
struct step {
	struct store_due	 row;		/* lane 0 */
	uint32_t		 written;
	uint64_t		 chain;
	struct store_fanout	*f;
};

static enum rc
put_row(struct store *st, DB_TXN *txn, const struct buf *key,
    uint32_t written, uint64_t chain)
{
	struct buf val = VALUE_INIT;
	enum rc rc;

	value_fanout(&val, written, chain);
	rc = bdb_put(st, txn, BDB_DUE, key, &val);
	buf_free(&val);
	return rc;
}

static enum rc
parse(struct slice val, uint32_t *written, uint64_t *chain)
{
	if (value_fanout_parse(val, written, chain) == RC_OK)
		return RC_OK;
	log_error("store: a fan-out row of %zu bytes", val.len);
	return RC_IO;
}

enum rc
bdb_fanout_put(struct store *st, DB_TXN *txn, uint64_t position,
    uint64_t chain)
{
	struct buf key = KEY_INIT;
	enum rc rc;

	key_fanout(&key, position);
	rc = put_row(st, txn, &key, 0, chain);
	buf_free(&key);
	return rc;
}

/* RC_NOTFOUND: there is no fan-out row. */
static enum rc
find_first(struct store *st, struct step *s)
{
	struct store_due *d = &s->row;
	struct bdb_cur c = { 0 };
	struct buf key = KEY_INIT;
	enum rc rc;

	*d = (struct store_due){ .due_ms = INT64_MIN };
	key_due(&key, d);
	rc = bdb_cur_open(st, NULL, BDB_DUE, false, &c);
	if (rc == RC_OK)
		rc = bdb_cur_at(&c, &key);
	if (rc == RC_OK && (key_due_parse(c.key, d) != RC_OK ||
	    d->key.subscription != 0))
		rc = RC_NOTFOUND;
	if (rc == RC_OK)
		rc = parse(c.val, &s->written, &s->chain);
	bdb_cur_close(&c);
	buf_free(&key);
	return rc;
}

/* An event that can't be read has nobody to go to; verify tells of it. */
static enum rc
read_event(struct store *st, struct step *s)
{
	struct store_event *ev = &s->f->event;
	enum rc rc;

	if (ev->raw.len > 0 && ev->position == s->row.key.position)
		return RC_OK;
	store_event_clear(ev);
	rc = bdb_event_row(st, NULL, s->row.key.position, ev);
	if (rc == RC_NOTFOUND || rc == RC_INVALID) {
		log_error("store: event %" PRIu64 " of a fan-out can't be "
		    "read", s->row.key.position);
		store_event_clear(ev);
		rc = RC_OK;
	}
	return rc;
}

static enum rc
write_due(struct store *st, DB_TXN *txn, const struct step *s, size_t from,
    size_t to)
{
	struct store_fanout *f = s->f;
	struct store_due d = { .due_ms = f->event.accepted_ms,
	    .test = f->event.test };
	struct buf key = KEY_INIT, val = VALUE_INIT;
	enum rc rc = RC_OK;

	for (size_t i = from; i < to && rc == RC_OK; i++) {
		bool waits = false;

		d.key = event_listed(&f->event, i);
		d.chain = event_chain(&f->event, i);
		if (d.chain != 0)
			rc = bdb_chain_add(st, txn, &(struct key_link){
			    d.key.subscription, d.chain, d.key.position },
			    d.due_ms, &waits);
		if (rc != RC_OK || waits)
			continue;
		key_due(&key, &d);
		value_due(&val, &d);
		rc = bdb_put(st, txn, BDB_DUE, &key, &val);
		if (f->n == 0 || f->lane[f->n - 1] != d.key.subscription)
			f->lane[f->n++] = d.key.subscription;
	}
	buf_free(&val);
	buf_free(&key);
	return rc;
}

/* All are written: later events of its order need not come after it here. */
static enum rc
end(struct store *st, DB_TXN *txn, const struct step *s,
    const struct buf *row)
{
	struct key_link l = { .chain = s->chain,
	    .position = s->row.key.position };
	struct buf key = KEY_INIT;
	enum rc rc = RC_NOTFOUND;

	key_chain(&key, &l);
	if (s->chain != 0)
		rc = bdb_del(st, txn, BDB_CHAIN, &key);
	buf_free(&key);
	if (rc != RC_OK && rc != RC_NOTFOUND)
		return rc;
	return bdb_del(st, txn, BDB_DUE, row);
}

static enum rc
step(struct store *st, DB_TXN *txn, void *arg)
{
	const struct step *s = arg;
	size_t n = event_nlisted(&s->f->event), to;
	struct buf key = KEY_INIT, val = VALUE_INIT;
	uint64_t chain;
	uint32_t was;
	enum rc rc;

	s->f->n = 0;
	key_due(&key, &s->row);
	rc = bdb_get(st, txn, BDB_DUE, &key, &val, true);
	if (rc == RC_OK)
		rc = parse(buf_as_slice(&val), &was, &chain);
	if (rc == RC_NOTFOUND || (rc == RC_OK && was != s->written))
		rc = RC_STALE;
	if (rc != RC_OK)
		goto done;
	to = was < n && n - was > STORE_FANOUT_STEP ?
	    was + STORE_FANOUT_STEP : n;
	rc = write_due(st, txn, s, was, to);
	if (rc == RC_OK)
		rc = to < n ? put_row(st, txn, &key, (uint32_t)to, chain) :
		    end(st, txn, s, &key);
done:
	buf_free(&val);
	buf_free(&key);
	return rc;
}

static enum rc
step_once(struct store *st, struct step *s)
{
	enum rc rc;

	rc = find_first(st, s);
	if (rc == RC_OK)
		rc = read_event(st, s);
	if (rc == RC_OK)
		rc = bdb_txn(st, step, s, BDB_PRIORITY_SETTLE, false);
	return rc;
}

enum rc
store_fanout(struct store *st, struct store_fanout *f)
{
	struct step s = { .f = f };
	enum rc rc;

	f->n = 0;
	f->more = true;
	rc = bdb_enter(st);
	if (rc != RC_OK)
		return rc;
	rc = step_once(st, &s);
	bdb_leave(st);
	f->due_ms = f->event.accepted_ms;
	if (rc == RC_OK)
		return RC_OK;
	f->n = 0;
	if (rc == RC_STALE)	/* somebody else was here: look again */
		return RC_OK;
	if (rc != RC_NOTFOUND)
		return rc;
	f->more = false;
	store_fanout_clear(f);
	return RC_OK;
}

void
store_fanout_clear(struct store_fanout *f)
{
	store_event_clear(&f->event);
}
