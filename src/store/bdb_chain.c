#include "base/log.h"
#include "store/bdb_chain.h"
#include "store/bdb_delivery.h"

static struct key_link
link_of(const struct store_due *d)
{
	return (struct key_link){ .lane = d->key.subscription,
	    .chain = d->chain, .position = d->key.position };
}

/* The key alone, into memory of our own: it is asked for at every row. */
enum rc
bdb_chain_first(struct store *st, DB_TXN *txn, const struct key_link *l,
    uint64_t *position)
{
	struct key_link from = *l, got;
	struct buf key = KEY_INIT;
	char room[KEY_MAX];
	DBT k = { .data = room, .ulen = sizeof room, .flags = DB_DBT_USERMEM };
	DBT v = { .flags = DB_DBT_USERMEM | DB_DBT_PARTIAL };
	DB *db = st->db[BDB_CHAIN];
	DBC *dbc = NULL;
	int error, closed;
	enum rc rc;

	from.position = 0;
	key_chain(&key, &from);
	memcpy(room, key.s, key.len);
	k.size = (uint32_t)key.len;
	buf_free(&key);
	error = db->cursor(db, txn, &dbc, 0);
	if (error == 0)
		error = dbc->get(dbc, &k, &v, DB_SET_RANGE);
	if (dbc != NULL) {
		closed = dbc->close(dbc);
		if (error == 0)
			error = closed;
	}
	rc = bdb_rc(st, error, bdb_file_name[BDB_CHAIN]);
	if (rc != RC_OK)
		return rc;
	if (key_chain_parse((struct slice){ room, k.size }, &got) != RC_OK ||
	    got.lane != l->lane || got.chain != l->chain)
		return RC_NOTFOUND;
	*position = got.position;
	return RC_OK;
}

enum rc
bdb_chain_add(struct store *st, DB_TXN *txn, const struct key_link *l,
    int64_t accepted_ms, bool *waits)
{
	struct buf key = KEY_INIT, val = VALUE_INIT;
	uint64_t first;
	enum rc rc;

	rc = bdb_chain_first(st, txn, l, &first);
	*waits = rc == RC_OK;
	if (rc != RC_OK && rc != RC_NOTFOUND)
		return rc;
	key_chain(&key, l);
	value_u64(&val, (uint64_t)accepted_ms);
	rc = bdb_put(st, txn, BDB_CHAIN, &key, &val);
	buf_free(&val);
	buf_free(&key);
	return rc;
}

/* When the event of a chain's row was accepted; RC_NOTFOUND: no such row. */
static enum rc
accepted(struct store *st, DB_TXN *txn, const struct key_link *l,
    int64_t *accepted_ms)
{
	struct buf key = KEY_INIT, val = VALUE_INIT;
	uint64_t ms = 0;
	enum rc rc;

	key_chain(&key, l);
	rc = bdb_get(st, txn, BDB_CHAIN, &key, &val, txn != NULL);
	if (rc == RC_TOOBIG ||
	    (rc == RC_OK && value_u64_parse(buf_as_slice(&val), &ms) !=
	    RC_OK)) {
		log_error("store: a chain's row in lane %u can't be read; it "
		    "is due at once", (unsigned)l->lane);
		rc = RC_OK;
	}
	if (rc == RC_OK)
		*accepted_ms = (int64_t)ms;
	buf_free(&val);
	buf_free(&key);
	return rc;
}

static enum rc
promote(struct store *st, DB_TXN *txn, const struct key_link *l,
    int64_t *promoted_ms)
{
	struct store_due d = { .key = { .position = l->position,
	    .subscription = l->lane }, .chain = l->chain };
	struct buf key = KEY_INIT, val = VALUE_INIT;
	enum rc rc;

	rc = accepted(st, txn, l, &d.due_ms);
	if (rc == RC_OK)
		rc = bdb_event_is_test(st, txn, l->position, &d.test);
	if (rc != RC_OK)
		goto done;
	key_due(&key, &d);
	value_due(&val, &d);
	rc = bdb_put(st, txn, BDB_DUE, &key, &val);
	if (rc == RC_OK)
		*promoted_ms = d.due_ms;
done:
	buf_free(&val);
	buf_free(&key);
	return rc;
}

/*
 * Where its own row is missing, the chain is damaged, and to have the next one
 * sent, perhaps twice, is better than to leave it waiting for ever.
 */
enum rc
bdb_chain_end(struct store *st, DB_TXN *txn, const struct store_due *d,
    int64_t *promoted_ms)
{
	struct key_link l = link_of(d);
	struct buf key = KEY_INIT;
	enum rc rc;

	*promoted_ms = INT64_MAX;
	if (d->chain == 0)
		return RC_OK;
	key_chain(&key, &l);
	rc = bdb_del(st, txn, BDB_CHAIN, &key);
	buf_free(&key);
	if (rc == RC_NOTFOUND)
		log_error("store: the chain of a delivery in lane %u does not "
		    "have it", (unsigned)l.lane);
	else if (rc != RC_OK)
		return rc;
	rc = bdb_chain_first(st, txn, &l, &l.position);
	if (rc == RC_NOTFOUND)
		return RC_OK;
	if (rc != RC_OK || l.position < d->key.position)
		return rc;
	return promote(st, txn, &l, promoted_ms);
}

enum rc
bdb_chain_waits(struct store *st, DB_TXN *txn, const struct store_due *d,
    bool *waits)
{
	struct key_link l = link_of(d);
	int64_t accepted_ms;
	uint64_t first;
	enum rc rc;

	*waits = false;
	if (d->chain == 0 || d->key.ordinal != 0 || d->attempts > 0 ||
	    d->recorded > 0)
		return RC_OK;
	rc = accepted(st, txn, &l, &accepted_ms);
	if (rc == RC_OK && accepted_ms == d->due_ms)
		rc = bdb_chain_first(st, txn, &l, &first);
	else if (rc == RC_OK)
		return RC_OK;
	if (rc == RC_OK)
		*waits = first < l.position;
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

enum rc
bdb_chain_waiting(struct store *st, uint32_t lane, struct buf *at,
    size_t *budget, struct store_delivery *d, size_t max, size_t *n,
    bool *end)
{
	struct key_link l = { .lane = lane }, before = { .lane = 0 };
	struct bdb_cur c = { 0 };
	struct buf from = BUF_INIT(KEY_MAX + 1);
	uint64_t ms;
	enum rc rc;

	if (key_chain_parse(buf_as_slice(at), &before) == RC_OK) {
		buf_slice(&from, buf_as_slice(at));
		buf_be8(&from, 0);	/* the least key after it */
	} else {
		key_chain(&from, &l);
	}
	rc = bdb_cur_open(st, NULL, BDB_CHAIN, false, &c);
	if (rc == RC_OK)
		rc = bdb_cur_at(&c, &from);
	for (; rc == RC_OK && *n < max && *budget > 0; rc = bdb_cur_next(&c)) {
		if (key_chain_parse(c.key, &l) != RC_OK || l.lane != lane) {
			rc = RC_NOTFOUND;
			break;
		}
		--*budget;
		buf_clear(at);
		buf_slice(at, c.key);
		if (before.lane == lane && before.chain == l.chain &&
		    value_u64_parse(c.val, &ms) == RC_OK)
			d[(*n)++] = (struct store_delivery){
			    .key = { l.position, lane, 0 },
			    .state = STORE_IS_PENDING,
			    .created_ms = (int64_t)ms, .chain = l.chain };
		before = l;
	}
	*end = rc == RC_NOTFOUND;
	bdb_cur_close(&c);
	buf_free(&from);
	return *end ? RC_OK : rc;
}
