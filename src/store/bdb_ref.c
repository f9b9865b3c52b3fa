#include <stdlib.h>
#include "base/log.h"
#include "store/bdb.h"
#include "store/bdb_count.h"
#include "store/bdb_key.h"

/*
 * References find events.  A row for each would cost more than half of
 * accept's speed, so they are packed, in two places:
 *
 *   recent   key: first position; entries in the order of positions.  Accept
 *            appends these; a search reads through all of them.
 *   buckets  key: bucket, slot; entries sorted.  A bucket is BUCKET positions,
 *            a slot the references that begin with the same six bits.  A
 *            search reads one row of each bucket.
 *
 * An entry is ref64 offset16, the offset being that of the position in its
 * bucket; a recent row never spans two buckets.
 *
 * Maintain moves whole buckets, oldest first, when they are complete: the
 * counter of positions is beyond them, and whoever took a position from it has
 * committed before the next one could.  The bucket's rows are written, a
 * transaction each; begun again after a crash they come out the same.  Then
 * one put says that the bucket is moved, which makes its recent rows void;
 * these are deleted afterwards, or in the next round.
 */
#define BUCKET		16384
#define ENTRY_LEN	10
#define KEEP_RECENT	1	/* complete buckets that are not moved yet */

#define ROW_ENTRIES	96	/* recent: so that four fit a page of 4 KiB */
#define DELETE_ROWS	500	/* in one transaction */
#define MAINTAIN_BUCKETS 4	/* in one call */

#define VALUE_ENTRIES_INIT	BUF_INIT((size_t)BUCKET * STORE_REFS_MAX * \
				    ENTRY_LEN)

struct entry {
	uint64_t ref;
	uint16_t offset;
};

static void
put_entry(struct buf *val, uint64_t ref, uint64_t position)
{
	buf_be64(val, ref);
	buf_be16(val, (uint16_t)(position % BUCKET));
}

static uint8_t
slot_of(uint64_t ref)
{
	return (uint8_t)(ref >> 58);
}

enum rc
bdb_ref_put(struct store *st, DB_TXN *txn, const struct bdb_ref_entry *e,
    size_t n)
{
	struct buf key = KEY_INIT, val = VALUE_ENTRIES_INIT;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		bool fresh = i == 0 || e[i].position != e[i - 1].position;

		if (i > 0 && fresh && (val.len >= ROW_ENTRIES * ENTRY_LEN ||
		    e[i].position / BUCKET != e[i - 1].position / BUCKET)) {
			rc = bdb_put(st, txn, BDB_REF, &key, &val);
			buf_clear(&val);
		}
		if (val.len == 0)
			key_ref_recent(&key, e[i].position);
		put_entry(&val, e[i].ref, e[i].position);
	}
	if (rc == RC_OK && n > 0)
		rc = bdb_put(st, txn, BDB_REF, &key, &val);
	buf_free(&val);
	buf_free(&key);
	return rc;
}

/* The first bucket that is not moved; locked for writing in a transaction. */
static enum rc
read_moved(struct store *st, DB_TXN *txn, uint32_t *moved)
{
	struct buf key = KEY_INIT, val = VALUE_INIT;
	enum rc rc;

	key_ref_moved(&key);
	rc = bdb_get(st, txn, BDB_REF, &key, &val, txn != NULL);
	if (rc == RC_OK)
		rc = value_u32_parse(buf_as_slice(&val), moved);
	if (rc == RC_NOTFOUND) {
		*moved = 0;
		rc = RC_OK;
	}
	if (rc == RC_INVALID) {
		log_error("store: a row of references can't be read");
		rc = RC_IO;
	}
	buf_free(&val);
	buf_free(&key);
	return rc;
}

typedef void entry_fn(void *arg, struct entry e);

/* Call fn with each entry of a bucket's recent rows, positions ascending. */
static enum rc
each_recent(struct store *st, uint32_t bucket, entry_fn *fn, void *arg)
{
	struct bdb_cur c = { 0 };
	struct buf key = KEY_INIT;
	uint64_t first;
	enum rc rc;

	rc = bdb_cur_open(st, NULL, BDB_REF, false, &c);
	if (rc != RC_OK)
		goto done;
	key_ref_recent(&key, (uint64_t)bucket * BUCKET);
	for (rc = bdb_cur_at(&c, &key); rc == RC_OK; rc = bdb_cur_next(&c)) {
		if (key_ref_recent_parse(c.key, &first) != RC_OK ||
		    first / BUCKET != bucket)
			break;
		while (c.val.len >= ENTRY_LEN) {
			struct entry e;

			e.ref = slice_be64(&c.val);
			e.offset = slice_be16(&c.val);
			fn(arg, e);
		}
	}
	if (rc == RC_NOTFOUND)
		rc = RC_OK;
done:
	bdb_cur_close(&c);
	buf_free(&key);
	return rc;
}

struct list {
	struct entry	*e;
	size_t		 n, cap;
	uint64_t	 only;		/* collect_only: this reference */
};

static void
collect(void *arg, struct entry e)
{
	struct list *l = arg;

	if (l->n == l->cap) {
		l->cap = l->cap == 0 ? 1024 : 2 * l->cap;
		l->e = reallocarray(l->e, l->cap, sizeof *l->e);
		if (l->e == NULL)
			log_fatal("out of memory: %zu references", l->cap);
	}
	l->e[l->n++] = e;
}

static void
collect_only(void *arg, struct entry e)
{
	struct list *l = arg;

	if (e.ref == l->only)
		collect(l, e);
}

static int
by_ref(const void *va, const void *vb)
{
	const struct entry *a = va, *b = vb;

	if (a->ref != b->ref)
		return a->ref < b->ref ? -1 : 1;
	return (int)a->offset - (int)b->offset;
}

struct move {
	uint32_t	 bucket;
	struct list	 list;		/* sorted */
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

	rc = read_moved(st, txn, &moved);
	if (rc == RC_OK && moved != bucket)
		rc = RC_STALE;
	return rc;
}

static enum rc
write_slot(struct store *st, DB_TXN *txn, void *arg)
{
	const struct move *m = arg;
	struct buf key = KEY_INIT, val = VALUE_ENTRIES_INIT;
	enum rc rc;

	rc = still_mine(st, txn, m->bucket);
	if (rc != RC_OK)
		goto done;
	if (m->from == m->to) {
		key_ref_moved(&key);
		value_u32(&val, m->bucket + 1);
	} else {
		key_ref_bucket(&key, m->bucket,
		    slot_of(m->list.e[m->from].ref));
		for (size_t i = m->from; i < m->to; i++)
			put_entry(&val, m->list.e[i].ref,
			    m->list.e[i].offset);
	}
	rc = bdb_put(st, txn, BDB_REF, &key, &val);
done:
	buf_free(&val);
	buf_free(&key);
	return rc;
}

static enum rc
move_bucket(struct store *st, uint32_t bucket)
{
	struct move m = { .bucket = bucket };
	struct list *l = &m.list;
	enum rc rc;

	rc = each_recent(st, bucket, collect, l);
	if (rc != RC_OK)
		goto done;
	if (l->n > 0)
		qsort(l->e, l->n, sizeof *l->e, by_ref);
	do {
		m.from = m.to;
		while (m.to < l->n && slot_of(l->e[m.to].ref) ==
		    slot_of(l->e[m.from].ref))
			m.to++;
		rc = bdb_txn(st, write_slot, &m, BDB_PRIORITY_MAINTAIN,
		    false);
	} while (rc == RC_OK && m.from < m.to);
done:
	free(l->e);
	return rc;
}

struct doomed {
	uint64_t first[DELETE_ROWS];
	size_t	 n;
};

/* Recent rows of buckets that are moved, so many as one transaction takes. */
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
		    first / BUCKET >= moved)
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
		rc = read_moved(st, NULL, &moved);
	if (rc == RC_OK)
		rc = sweep_void(st, moved);
	for (int i = 0; i < MAINTAIN_BUCKETS && rc == RC_OK &&
	    newest / BUCKET > (uint64_t)moved + KEEP_RECENT; i++) {
		rc = move_bucket(st, moved);
		if (rc == RC_OK)
			rc = sweep_void(st, ++moved);
	}
	return rc == RC_STALE ? RC_OK : rc;	/* another process is at it */
}

struct found {
	uint64_t	*position;
	size_t		 n, max;
	uint64_t	 before;
};

/* Positions come in descending order; an event may name one thing twice. */
static void
add(struct found *f, uint64_t position)
{
	if (position >= f->before || f->n == f->max ||
	    (f->n > 0 && f->position[f->n - 1] == position))
		return;
	f->position[f->n++] = position;
}

static enum rc
find_recent(struct store *st, uint32_t bucket, struct list *l)
{
	l->n = 0;
	return each_recent(st, bucket, collect_only, l);
}

static enum rc
find_moved(struct store *st, uint32_t bucket, struct list *l)
{
	struct buf key = KEY_INIT, val = VALUE_ENTRIES_INIT;
	struct slice at;
	struct entry e;
	size_t lo = 0, hi;
	enum rc rc;

	l->n = 0;
	key_ref_bucket(&key, bucket, slot_of(l->only));
	rc = bdb_get(st, NULL, BDB_REF, &key, &val, false);
	if (rc == RC_NOTFOUND)
		rc = RC_OK;
	if (rc != RC_OK)
		goto done;
	hi = val.len / ENTRY_LEN;
	while (lo < hi) {		/* the first that is not less */
		size_t mid = lo + (hi - lo) / 2;

		at = (struct slice){ val.s + mid * ENTRY_LEN, ENTRY_LEN };
		if (slice_be64(&at) < l->only)
			lo = mid + 1;
		else
			hi = mid;
	}
	at = (struct slice){ buf_str(&val) + lo * ENTRY_LEN,
	    val.len - lo * ENTRY_LEN };
	while (at.len >= ENTRY_LEN) {
		e.ref = slice_be64(&at);
		e.offset = slice_be16(&at);
		if (e.ref != l->only)
			break;
		collect(l, e);
	}
done:
	buf_free(&val);
	buf_free(&key);
	return rc;
}

/*
 * A bucket that is moved while its recent rows are read may show only some of
 * them, or none: then it is read again, from its own rows.
 */
static enum rc
find_in(struct store *st, uint32_t bucket, uint32_t *moved, struct list *l)
{
	enum rc rc;

	if (bucket >= *moved) {
		rc = find_recent(st, bucket, l);
		if (rc == RC_OK)
			rc = read_moved(st, NULL, moved);
		if (rc != RC_OK || bucket >= *moved)
			return rc;
	}
	return find_moved(st, bucket, l);
}

enum rc
bdb_ref_find(struct store *st, uint64_t ref, uint64_t before,
    uint64_t *position, size_t max, size_t *n)
{
	struct found f = { .position = position, .max = max };
	struct list l = { .only = ref };
	uint64_t newest, bucket;
	uint32_t moved = 0;
	enum rc rc;

	*n = 0;
	rc = bdb_count_get(st, NULL, KEY_POSITION, false, &newest);
	if (rc == RC_OK)
		rc = read_moved(st, NULL, &moved);
	f.before = before == 0 || before > newest ? newest + 1 : before;
	for (bucket = (f.before - 1) / BUCKET + 1; rc == RC_OK && bucket > 0 &&
	    f.n < max; bucket--) {
		rc = find_in(st, (uint32_t)(bucket - 1), &moved, &l);
		if (rc == RC_OK)
			for (size_t i = l.n; i > 0; i--)
				add(&f, (bucket - 1) * BUCKET +
				    l.e[i - 1].offset);
	}
	if (rc == RC_OK)
		*n = f.n;
	free(l.e);
	return rc;
}
