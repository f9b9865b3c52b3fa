#include "base/log.h"
#include "store/bdb_count.h"

static enum rc
get(struct store *st, DB_TXN *txn, const struct buf *key, bool rmw,
    uint64_t *v)
{
	struct buf val = VALUE_INIT;
	enum rc rc;

	rc = bdb_get(st, txn, BDB_META, key, &val, rmw);
	if (rc == RC_NOTFOUND) {
		*v = 0;
		rc = RC_OK;
		goto done;
	}
	if (rc != RC_OK)
		goto done;
	rc = value_u64_parse(buf_as_slice(&val), v);
	if (rc != RC_OK) {
		log_error("store: a counter of %zu bytes", val.len);
		rc = RC_IO;
	}
done:
	buf_free(&val);
	return rc;
}

static enum rc
set(struct store *st, DB_TXN *txn, const struct buf *key, uint64_t v)
{
	struct buf val = VALUE_INIT;
	enum rc rc;

	value_u64(&val, v);
	rc = bdb_put(st, txn, BDB_META, key, &val);
	buf_free(&val);
	return rc;
}

enum rc
bdb_count_get(struct store *st, DB_TXN *txn, enum key_word w, bool rmw,
    uint64_t *v)
{
	struct buf key = KEY_INIT;
	enum rc rc;

	key_meta(&key, w);
	rc = get(st, txn, &key, rmw, v);
	buf_free(&key);
	return rc;
}

enum rc
bdb_count_set(struct store *st, DB_TXN *txn, enum key_word w, uint64_t v)
{
	struct buf key = KEY_INIT;
	enum rc rc;

	key_meta(&key, w);
	rc = set(st, txn, &key, v);
	buf_free(&key);
	return rc;
}

enum rc
bdb_count_number(struct store *st, DB_TXN *txn, enum store_kind kind,
    uint32_t *number)
{
	struct buf key = KEY_INIT;
	uint64_t last;
	enum rc rc;

	key_meta_number(&key, kind);
	rc = get(st, txn, &key, true, &last);
	if (rc != RC_OK)
		goto done;
	if (last >= UINT32_MAX) {
		log_error("store: no number left for records of kind %d",
		    (int)kind);
		rc = RC_FULL;
		goto done;
	}
	rc = set(st, txn, &key, last + 1);
	if (rc == RC_OK)
		*number = (uint32_t)last + 1;
done:
	buf_free(&key);
	return rc;
}
