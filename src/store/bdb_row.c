#include <errno.h>
#include "store/bdb.h"

#define READ_TRIES	8	/* of a read of its own after deadlocks */
#define ROOM_FIRST	4096	/* for a value of unknown length */
#define ROW_KEY_MAX	4096
#define ROW_MAX		(8 * 1024 * 1024)	/* far above any row of ours */

static DBT
dbt_of(const struct buf *b)
{
	return (DBT){ .data = b->s, .size = (uint32_t)b->len };
}

/* All the memory of an empty buffer, for the engine to write to. */
static DBT
dbt_into(struct buf *b)
{
	size_t want = b->max < ROOM_FIRST ? b->max : ROOM_FIRST;

	if (b->s == NULL)
		(void)buf_room(b, want);
	return (DBT){ .data = b->s, .ulen = (uint32_t)(b->cap - 1),
	    .flags = DB_DBT_USERMEM };
}

/* The engine said how much it needs; false if that is over the ceiling. */
static bool
grow(struct buf *b, DBT *d)
{
	if (d->size <= d->ulen)
		return true;
	if (buf_room(b, d->size) == NULL)
		return false;
	d->data = b->s;
	d->ulen = (uint32_t)(b->cap - 1);
	return true;
}

static void
took(struct buf *b, const DBT *d)
{
	b->len = d->size;
	b->s[b->len] = '\0';
}

static enum rc
get_once(struct store *st, DB_TXN *txn, enum bdb_file f,
    const struct buf *key, struct buf *val, uint32_t flags)
{
	DBT k = dbt_of(key), v;
	int error;

	buf_clear(val);
	v = dbt_into(val);
	error = st->db[f]->get(st->db[f], txn, &k, &v, flags);
	/* Another writer may make it longer still in between. */
	while (error == DB_BUFFER_SMALL) {
		if (!grow(val, &v))
			return RC_TOOBIG;
		error = st->db[f]->get(st->db[f], txn, &k, &v, flags);
	}
	if (error != 0)
		return bdb_rc(st, error, bdb_file_name[f]);
	took(val, &v);
	return RC_OK;
}

enum rc
bdb_get(struct store *st, DB_TXN *txn, enum bdb_file f,
    const struct buf *key, struct buf *val, bool rmw)
{
	uint32_t flags = rmw ? DB_RMW : 0;
	enum rc rc;

	if (key->over)
		return RC_TOOBIG;
	rc = get_once(st, txn, f, key, val, flags);
	for (int i = 1; i < READ_TRIES && rc == RC_RETRY && txn == NULL; i++)
		rc = get_once(st, txn, f, key, val, flags);
	return rc;
}

static enum rc
put(struct store *st, DB_TXN *txn, enum bdb_file f, const struct buf *key,
    const struct buf *val, uint32_t flags)
{
	DBT k = dbt_of(key), v = dbt_of(val);

	if (key->over || val->over || val->len > ROW_MAX)
		return RC_TOOBIG;
	return bdb_rc(st, st->db[f]->put(st->db[f], txn, &k, &v, flags),
	    bdb_file_name[f]);
}

enum rc
bdb_put(struct store *st, DB_TXN *txn, enum bdb_file f,
    const struct buf *key, const struct buf *val)
{
	return put(st, txn, f, key, val, 0);
}

enum rc
bdb_add(struct store *st, DB_TXN *txn, enum bdb_file f,
    const struct buf *key, const struct buf *val)
{
	return put(st, txn, f, key, val, DB_NOOVERWRITE);
}

enum rc
bdb_del(struct store *st, DB_TXN *txn, enum bdb_file f,
    const struct buf *key)
{
	DBT k = dbt_of(key);

	if (key->over)
		return RC_TOOBIG;
	return bdb_rc(st, st->db[f]->del(st->db[f], txn, &k, 0),
	    bdb_file_name[f]);
}

enum rc
bdb_cur_open(struct store *st, DB_TXN *txn, enum bdb_file f, bool keys_only,
    struct bdb_cur *c)
{
	*c = (struct bdb_cur){ .st = st, .kbuf = BUF_INIT(ROW_KEY_MAX),
	    .vbuf = BUF_INIT(ROW_MAX), .keys_only = keys_only };
	return bdb_rc(st, st->db[f]->cursor(st->db[f], txn, &c->dbc,
	    DB_READ_COMMITTED), bdb_file_name[f]);
}

/* With DB_SET_RANGE the key to look for is in kbuf. */
static enum rc
move(struct bdb_cur *c, uint32_t op)
{
	DBT k = dbt_into(&c->kbuf), v = { 0 };
	int error;

	k.size = (uint32_t)c->kbuf.len;
	if (c->keys_only)
		v.flags = DB_DBT_USERMEM | DB_DBT_PARTIAL;
	else
		v = dbt_into(&c->vbuf);
	c->key = c->val = (struct slice){ NULL, 0 };
	error = c->dbc->get(c->dbc, &k, &v, op);
	/*
	 * The cursor has not moved.  If the key was returned already, looking
	 * for it finds the same row again.
	 */
	while (error == DB_BUFFER_SMALL) {
		if (!grow(&c->kbuf, &k) || !grow(&c->vbuf, &v))
			return RC_TOOBIG;
		error = c->dbc->get(c->dbc, &k, &v, op);
	}
	if (error != 0)
		return bdb_rc(c->st, error, "cursor");
	took(&c->kbuf, &k);
	c->key = buf_as_slice(&c->kbuf);
	if (!c->keys_only) {
		took(&c->vbuf, &v);
		c->val = buf_as_slice(&c->vbuf);
	}
	return RC_OK;
}

enum rc
bdb_cur_at(struct bdb_cur *c, const struct buf *key)
{
	buf_clear(&c->kbuf);
	/* Room for any key first: the engine returns the found one there. */
	(void)buf_room(&c->kbuf, ROW_KEY_MAX);
	buf_put(&c->kbuf, key->s, key->len);
	if (key->over || c->kbuf.over)
		return RC_TOOBIG;
	return move(c, DB_SET_RANGE);
}

enum rc
bdb_cur_before(struct bdb_cur *c, const struct buf *key)
{
	enum rc rc = bdb_cur_at(c, key);

	if (rc == RC_NOTFOUND)
		return move(c, DB_LAST);
	return rc == RC_OK ? move(c, DB_PREV) : rc;
}

enum rc
bdb_cur_next(struct bdb_cur *c)
{
	return move(c, DB_NEXT);
}

enum rc
bdb_cur_prev(struct bdb_cur *c)
{
	return move(c, DB_PREV);
}

void
bdb_cur_close(struct bdb_cur *c)
{
	enum rc rc = RC_OK;

	/* The handle is gone whatever this returns, and a deadlock is old. */
	if (c->dbc != NULL)
		rc = bdb_rc(c->st, c->dbc->close(c->dbc), "closing a cursor");
	(void)rc;
	c->dbc = NULL;
	buf_free(&c->kbuf);
	buf_free(&c->vbuf);
}
