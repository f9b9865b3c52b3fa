/*
 * unit_row - rows put, got and deleted in transactions of their own.
 */
#ifndef TESTS_UNIT_ROW_H
#define TESTS_UNIT_ROW_H

#include "store/bdb_env.h"
#include "unit_store.h"

#define MIB	((int64_t)1024 * 1024)

/* Fill b with len bytes, s over and over. */
static inline void
fill(struct buf *b, const char *s, size_t len)
{
	buf_clear(b);
	for (size_t i = 0; i < len; i++)
		buf_putc(b, s[i % strlen(s)]);
}

struct one_row {
	const struct buf *key, *val;
	enum rc (*fn)(struct store *st, DB_TXN *txn, enum bdb_file f,
	    const struct buf *key, const struct buf *val);
};

static inline enum rc
delete_row(struct store *st, DB_TXN *txn, enum bdb_file f,
    const struct buf *key, const struct buf *val)
{
	(void)val;
	return bdb_del(st, txn, f, key);
}

static inline enum rc
row_once(struct store *st, DB_TXN *txn, void *arg)
{
	const struct one_row *r = arg;

	return r->fn(st, txn, BDB_EVENT, r->key, r->val);
}

static inline enum rc
run_row(struct store *st, const struct buf *key, const struct buf *val,
    enum rc (*fn)(struct store *st, DB_TXN *txn, enum bdb_file f,
    const struct buf *key, const struct buf *val))
{
	struct one_row r = { key, val, fn };

	return bdb_txn(st, row_once, &r, BDB_PRIORITY_ACCEPT, true);
}

#endif
