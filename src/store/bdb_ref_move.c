#include <stdlib.h>
#include "store/bdb_count.h"
#include "store/bdb_key.h"
#include "store/bdb_ref.h"

/*
 * A bucket is moved when it is complete: the counter of positions is beyond
 * it, and whoever took a position from that has committed before the next one
 * could.  Its rows are written, a transaction each; begun again after a crash
 * they come out the same.  Then one put says that it is moved, which makes its
 * recent rows void; these are deleted afterwards, or in the next round.
 */
#define KEEP_RECENT	 1	/* complete buckets that are not moved yet */
#define MAINTAIN_BUCKETS 4	/* in one call */
#define DELETE_ROWS	 500	/* in one transaction */

static int
by_ref(const void *va, const void *vb)
{
	const struct ref_entry *a = va, *b = vb;

	if (a->ref != b->ref)
		return a->ref < b->ref ? -1 : 1;
	return (int)a->offset - (int)b->offset;
}

struct move {
	uint32_t	 bucket;
	const struct ref_list *list;	/* sorted */
	size_t		 from, to;	/* one slot's in it; empty: the end */
};

/*
 * Nobody else has moved the bucket; nor will anybody while txn lasts.  Who
 * comes second would else write what is left of the recent rows over the
 * first one's.
 */
static enum rc
still_mine(struct store *st, DB_TXN *txn, uint32_t bucket)
{
	uint32_t moved;
	enum rc rc;

	rc = ref_read_moved(st, txn, &moved);
	if (rc == RC_OK && moved != bucket)
		rc = RC_STALE;
	return rc;
}

static enum rc
write_slot(struct store *st, DB_TXN *txn, void *arg)
{
	const struct move *m = arg;
	struct buf key = KEY_INIT, val = REF_ROW_INIT;
	enum rc rc;

	rc = still_mine(st, txn, m->bucket);
	if (rc != RC_OK)
		goto done;
	if (m->from == m->to) {
		key_ref_moved(&key);
		value_u32(&val, m->bucket + 1);
	} else {
		key_ref_bucket(&key, m->bucket,
		    ref_slot(m->list->e[m->from].ref));
		for (size_t i = m->from; i < m->to; i++)
			ref_put_entry(&val, m->list->e[i]);
	}
	rc = bdb_put(st, txn, BDB_REF, &key, &val);
done:
	buf_free(&val);
	buf_free(&key);
	return rc;
}

enum rc
ref_move(struct store *st, uint32_t bucket, struct ref_list *l)
{
	struct move m = { .bucket = bucket, .list = l };
	enum rc rc;

	if (l->n > 0)
		qsort(l->e, l->n, sizeof *l->e, by_ref);
	do {
		m.from = m.to;
		while (m.to < l->n && ref_slot(l->e[m.to].ref) ==
		    ref_slot(l->e[m.from].ref))
			m.to++;
		rc = bdb_txn(st, write_slot, &m, BDB_PRIORITY_MAINTAIN,
		    false);
	} while (rc == RC_OK && m.from < m.to);
	return rc;
}

static enum rc
move_bucket(struct store *st, uint32_t bucket)
{
	struct ref_list l = { 0 };
	enum rc rc;

	rc = ref_read_recent(st, bucket, NULL, &l);
	if (rc == RC_OK)
		rc = ref_move(st, bucket, &l);
	free(l.e);
	return rc;
}

struct doomed {
	uint64_t first[DELETE_ROWS];
	size_t	 n;
};

/* Recent rows of buckets that are moved, as many as one transaction takes. */
static enum rc
find_void(struct store *st, uint32_t moved, struct doomed *d)
{
	struct bdb_cur c = { 0 };
	struct buf key = KEY_INIT;
	uint64_t first;
	enum rc rc;

	d->n = 0;
	rc = bdb_cur_open(st, NULL, BDB_REF, true, &c);
	if (rc != RC_OK)
		goto done;
	key_ref_recent(&key, 0);
	for (rc = bdb_cur_at(&c, &key); rc == RC_OK && d->n < DELETE_ROWS;
	    rc = bdb_cur_next(&c)) {
		if (key_ref_recent_parse(c.key, &first) != RC_OK ||
		    first / REF_BUCKET >= moved)
			break;
		d->first[d->n++] = first;
	}
	if (rc == RC_NOTFOUND)
		rc = RC_OK;
done:
	bdb_cur_close(&c);
	buf_free(&key);
	return rc;
}

static enum rc
delete_void(struct store *st, DB_TXN *txn, void *arg)
{
	const struct doomed *d = arg;
	struct buf key = KEY_INIT;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < d->n && rc == RC_OK; i++) {
		key_ref_recent(&key, d->first[i]);
		rc = bdb_del(st, txn, BDB_REF, &key);
		if (rc == RC_NOTFOUND)
			rc = RC_OK;
	}
	buf_free(&key);
	return rc;
}

static enum rc
sweep_void(struct store *st, uint32_t moved)
{
	struct doomed d;
	enum rc rc;

	do {
		rc = find_void(st, moved, &d);
		if (rc == RC_OK && d.n > 0)
			rc = bdb_txn(st, delete_void, &d,
			    BDB_PRIORITY_MAINTAIN, false);
	} while (rc == RC_OK && d.n == DELETE_ROWS);
	return rc;
}

enum rc
bdb_ref_maintain(struct store *st)
{
	uint64_t newest;
	uint32_t moved;
	enum rc rc;

	rc = bdb_count_get(st, NULL, KEY_POSITION, false, &newest);
	if (rc == RC_OK)
		rc = ref_read_moved(st, NULL, &moved);
	if (rc == RC_OK)
		rc = sweep_void(st, moved);
	for (int i = 0; i < MAINTAIN_BUCKETS && rc == RC_OK &&
	    newest / REF_BUCKET > (uint64_t)moved + KEEP_RECENT; i++) {
		rc = move_bucket(st, moved);
		if (rc == RC_OK)
			rc = sweep_void(st, ++moved);
	}
	return rc == RC_STALE ? RC_OK : rc;	/* another process is at it */
}
