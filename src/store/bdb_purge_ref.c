#include "base/log.h"
#include "store/bdb_key.h"
#include "store/bdb_purge.h"
#include "store/bdb_ref.h"

/*
 * References go before what they lead to: begun again after a crash the same
 * events are found, and those of them that no reference names any more.  Where
 * a bucket is moved at this very moment, what was read for that before may
 * bring some of them back: they lead to nothing, and a search passes them by.
 */
#define RECENT_ROWS	100	/* in one step */
#define SLOTS		64	/* ref_slot's */

_Static_assert(STORE_PURGE_SPAN == REF_BUCKET, "a span is a bucket");

struct recent {
	uint64_t first[RECENT_ROWS];	/* rows that name doomed events */
	size_t	 n;
	uint64_t next;			/* row to go on at; 0: no more */
	const struct store_purge_at *at;
};

/* What is left of a row, into out; false: all of it. */
static bool
strip(const struct store_purge_at *at, struct slice row, struct buf *out)
{
	size_t all = row.len;
	struct ref_entry e;

	buf_clear(out);
	while (row.len >= REF_ENTRY_LEN) {
		e.ref = slice_be64(&row);
		e.offset = slice_be16(&row);
		if (!purge_doomed(at, e.offset))
			ref_put_entry(out, e);
	}
	return out->len != all;
}

static enum rc
strip_row(struct store *st, DB_TXN *txn, const struct store_purge_at *at,
    const struct buf *key)
{
	struct buf row = REF_ROW_INIT, left = REF_ROW_INIT;
	enum rc rc;

	rc = bdb_get(st, txn, BDB_REF, key, &row, true);
	if (rc == RC_OK && strip(at, buf_as_slice(&row), &left))
		rc = left.len == 0 ? bdb_del(st, txn, BDB_REF, key) :
		    bdb_put(st, txn, BDB_REF, key, &left);
	buf_free(&left);
	buf_free(&row);
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

static enum rc
strip_slot(struct store *st, DB_TXN *txn, void *arg)
{
	const struct store_purge_at *at = arg;
	struct buf key = KEY_INIT;
	enum rc rc;

	key_ref_bucket(&key, (uint32_t)(at->first / REF_BUCKET),
	    (uint8_t)at->slot);
	rc = strip_row(st, txn, at, &key);
	buf_free(&key);
	return rc;
}

static enum rc
strip_recent(struct store *st, DB_TXN *txn, void *arg)
{
	const struct recent *r = arg;
	struct buf key = KEY_INIT;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < r->n && rc == RC_OK; i++) {
		key_ref_recent(&key, r->first[i]);
		rc = strip_row(st, txn, r->at, &key);
	}
	buf_free(&key);
	return rc;
}

static enum rc
find_recent(struct store *st, const struct store_purge_at *at,
    struct recent *r)
{
	uint64_t first, bucket = at->first / REF_BUCKET;
	struct buf key = KEY_INIT, left = REF_ROW_INIT;
	struct bdb_cur c = { 0 };
	int looked = 0;
	enum rc rc;

	*r = (struct recent){ .at = at };
	rc = bdb_cur_open(st, NULL, BDB_REF, false, &c);
	if (rc != RC_OK)
		goto done;
	key_ref_recent(&key, at->inside.position);
	for (rc = bdb_cur_at(&c, &key); rc == RC_OK; rc = bdb_cur_next(&c)) {
		if (key_ref_recent_parse(c.key, &first) != RC_OK ||
		    first / REF_BUCKET != bucket)
			break;
		if (r->n == RECENT_ROWS || looked++ == PURGE_LOOK) {
			r->next = first;
			break;
		}
		if (strip(at, c.val, &left))
			r->first[r->n++] = first;
	}
	if (rc == RC_NOTFOUND)
		rc = RC_OK;
done:
	bdb_cur_close(&c);
	buf_free(&left);
	buf_free(&key);
	return rc;
}

static enum rc
recent_step(struct store *st, struct store_purge_at *at, bool *end)
{
	struct recent r;
	enum rc rc;

	rc = find_recent(st, at, &r);
	if (rc == RC_OK && r.n > 0)
		rc = bdb_txn(st, strip_recent, &r, BDB_PRIORITY_MAINTAIN,
		    false);
	at->inside.position = r.next;
	*end = r.next == 0;
	return rc;
}

enum rc
purge_refs(struct store *st, struct store_purge *p, bool *end)
{
	struct store_purge_at *at = &p->at;
	uint32_t moved;
	enum rc rc;

	rc = ref_read_moved(st, NULL, &moved);
	if (rc != RC_OK)
		return rc;
	if (at->first / REF_BUCKET >= moved)
		return recent_step(st, at, end);
	rc = bdb_txn(st, strip_slot, at, BDB_PRIORITY_MAINTAIN, false);
	*end = ++at->slot == SLOTS;
	return rc;
}
