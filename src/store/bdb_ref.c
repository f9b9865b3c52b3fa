#include <stdlib.h>
#include "base/log.h"
#include "store/bdb_count.h"
#include "store/bdb_key.h"
#include "store/bdb_ref.h"

/*
 * References find events.  A row for each would cost more than half of
 * accept's speed, so they are packed, in two places:
 *
 *   recent   key: first position; entries in the order of positions.  Accept
 *            appends these; a search reads through all of them.
 *   buckets  key: bucket, slot; entries sorted.  A bucket is REF_BUCKET
 *            positions, a slot the references that begin with the same six
 *            bits.  A search reads one row of each bucket.
 *
 * An entry is ref64 offset16, the offset being that of the position in its
 * bucket; a recent row never spans two buckets.
 *
 * Buckets are moved whole, oldest first; a row says how many are.  Recent rows
 * of those are void and may still be there for a while.
 */
#define ROW_ENTRIES	80	/* a recent row ends with the event that passes
				   this: few then need a page of their own */

uint8_t
ref_slot(uint64_t ref)
{
	return (uint8_t)(ref >> 58);
}

void
ref_put_entry(struct buf *val, struct ref_entry e)
{
	buf_be64(val, e.ref);
	buf_be16(val, e.offset);
}

void
ref_list_add(struct ref_list *l, struct ref_entry e)
{
	if (l->n == l->cap) {
		l->cap = l->cap == 0 ? 256 : 2 * l->cap;
		l->e = reallocarray(l->e, l->cap, sizeof *l->e);
		if (l->e == NULL)
			log_fatal("out of memory: %zu references", l->cap);
	}
	l->e[l->n++] = e;
}

/* Does a new row begin with the event at position, after the one before? */
static bool
row_ends(const struct buf *val, uint64_t before, uint64_t position)
{
	return before / REF_BUCKET != position / REF_BUCKET ||
	    (before != position &&
	    val->len >= ROW_ENTRIES * REF_ENTRY_LEN);
}

enum rc
bdb_ref_put(struct store *st, DB_TXN *txn, const struct bdb_ref_entry *e,
    size_t n)
{
	struct buf key = KEY_INIT, val = REF_ROW_INIT;
	enum rc rc = RC_OK;

	for (size_t i = 0; i < n && rc == RC_OK; i++) {
		if (i > 0 && row_ends(&val, e[i - 1].position,
		    e[i].position)) {
			rc = bdb_put(st, txn, BDB_REF, &key, &val);
			buf_clear(&val);
		}
		if (val.len == 0)
			key_ref_recent(&key, e[i].position);
		ref_put_entry(&val, (struct ref_entry){ e[i].ref,
		    (uint16_t)(e[i].position % REF_BUCKET) });
	}
	if (rc == RC_OK && n > 0)
		rc = bdb_put(st, txn, BDB_REF, &key, &val);
	buf_free(&val);
	buf_free(&key);
	return rc;
}

enum rc
ref_read_moved(struct store *st, DB_TXN *txn, uint32_t *moved)
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

static struct ref_entry
take_entry(struct slice *s)
{
	struct ref_entry e;

	e.ref = slice_be64(s);
	e.offset = slice_be16(s);
	return e;
}

enum rc
ref_read_recent(struct store *st, uint32_t bucket, const uint64_t *only,
    struct ref_list *l)
{
	struct bdb_cur c = { 0 };
	struct buf key = KEY_INIT;
	struct ref_entry e;
	uint64_t first;
	enum rc rc;

	rc = bdb_cur_open(st, NULL, BDB_REF, false, &c);
	if (rc != RC_OK)
		goto done;
	key_ref_recent(&key, (uint64_t)bucket * REF_BUCKET);
	for (rc = bdb_cur_at(&c, &key); rc == RC_OK; rc = bdb_cur_next(&c)) {
		if (key_ref_recent_parse(c.key, &first) != RC_OK ||
		    first / REF_BUCKET != bucket)
			break;
		while (c.val.len >= REF_ENTRY_LEN) {
			e = take_entry(&c.val);
			if (only == NULL || e.ref == *only)
				ref_list_add(l, e);
		}
	}
	if (rc == RC_NOTFOUND)
		rc = RC_OK;
done:
	bdb_cur_close(&c);
	buf_free(&key);
	return rc;
}

/* The entries of a reference in a bucket that is moved. */
static enum rc
read_bucket(struct store *st, uint32_t bucket, uint64_t ref,
    struct ref_list *l)
{
	struct buf key = KEY_INIT, val = REF_ROW_INIT;
	struct slice at;
	struct ref_entry e;
	size_t lo = 0, hi;
	enum rc rc;

	key_ref_bucket(&key, bucket, ref_slot(ref));
	rc = bdb_get(st, NULL, BDB_REF, &key, &val, false);
	if (rc == RC_NOTFOUND)
		rc = RC_OK;
	if (rc != RC_OK)
		goto done;
	hi = val.len / REF_ENTRY_LEN;
	while (lo < hi) {		/* to the first that is not less */
		size_t mid = lo + (hi - lo) / 2;

		at = (struct slice){ val.s + mid * REF_ENTRY_LEN,
		    REF_ENTRY_LEN };
		if (take_entry(&at).ref < ref)
			lo = mid + 1;
		else
			hi = mid;
	}
	at = buf_as_slice(&val);
	slice_take(&at, lo * REF_ENTRY_LEN);
	while (at.len >= REF_ENTRY_LEN) {
		e = take_entry(&at);
		if (e.ref != ref)
			break;
		ref_list_add(l, e);
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
read_either(struct store *st, uint32_t bucket, uint64_t ref, uint32_t *moved,
    struct ref_list *l)
{
	enum rc rc;

	l->n = 0;
	if (bucket >= *moved) {
		rc = ref_read_recent(st, bucket, &ref, l);
		if (rc == RC_OK)
			rc = ref_read_moved(st, NULL, moved);
		if (rc != RC_OK || bucket >= *moved)
			return rc;
		l->n = 0;
	}
	return read_bucket(st, bucket, ref, l);
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

enum rc
bdb_ref_find(struct store *st, uint64_t ref, uint64_t before,
    uint64_t *position, size_t max, size_t *n)
{
	struct found f = { .position = position, .max = max };
	struct ref_list l = { 0 };
	uint64_t newest, bucket;
	uint32_t moved = 0;
	enum rc rc;

	*n = 0;
	rc = bdb_count_get(st, NULL, KEY_POSITION, false, &newest);
	if (rc == RC_OK)
		rc = ref_read_moved(st, NULL, &moved);
	if (rc != RC_OK)
		return rc;
	f.before = before == 0 || before > newest ? newest + 1 : before;
	bucket = (f.before - 1) / REF_BUCKET;
	do {
		rc = read_either(st, (uint32_t)bucket, ref, &moved, &l);
		for (size_t i = l.n; i > 0 && rc == RC_OK; i--)
			add(&f, bucket * REF_BUCKET + l.e[i - 1].offset);
	} while (rc == RC_OK && f.n < max && bucket-- > 0);
	if (rc == RC_OK)
		*n = f.n;
	free(l.e);
	return rc;
}
