#include "base/clock.h"
#include "base/log.h"
#include "store/bdb.h"
#include "store/bdb_count.h"
#include "store/bdb_key.h"

/*
 * A record's row:
 *   layout8 version64 created64 updated64 body
 * The present one stands under (kind, number).  Each version of a subscription
 * that was replaced or removed stands under (kind, number, version) besides,
 * since attempts refer to it.
 *
 * Transactions take META before CONFIG, the generation before a number.
 */
#define RECORD_LAYOUT	1

#define CHANGES_KEPT	10000	/* record.h says so */

#define VALUE_RECORD_INIT	BUF_INIT(STORE_RECORD_MAX + 64)

void
store_record_clear(struct store_record *r)
{
	buf_free(&r->raw);
	*r = (struct store_record)STORE_RECORD_INIT;
}

static void
encode(struct buf *val, uint64_t version, int64_t created_ms,
    int64_t updated_ms, struct slice body)
{
	buf_clear(val);
	buf_be8(val, RECORD_LAYOUT);
	buf_be64(val, version);
	buf_be64(val, (uint64_t)created_ms);
	buf_be64(val, (uint64_t)updated_ms);
	buf_slice(val, body);
}

/* Points r's fields into r->raw. */
static enum rc
decode(struct store_record *r, enum store_kind kind, uint32_t number)
{
	struct slice s = buf_as_slice(&r->raw);
	uint8_t layout = slice_be8(&s);
	uint64_t version = slice_be64(&s);
	uint64_t created = slice_be64(&s), updated = slice_be64(&s);

	if (s.s == NULL || layout != RECORD_LAYOUT) {
		log_error("store: record %u of kind %d can't be read",
		    (unsigned)number, (int)kind);
		return RC_IO;
	}
	r->kind = kind;
	r->number = number;
	r->version = version;
	r->created_ms = (int64_t)created;
	r->updated_ms = (int64_t)updated;
	r->body = s;
	return RC_OK;
}

/* The present row, into *r. */
static enum rc
read_present(struct store *st, DB_TXN *txn, enum store_kind kind,
    uint32_t number, bool rmw, struct store_record *r)
{
	struct buf key = KEY_INIT;
	enum rc rc;

	key_config(&key, kind, number);
	rc = bdb_get(st, txn, BDB_CONFIG, &key, &r->raw, rmw);
	if (rc == RC_OK)
		rc = decode(r, kind, number);
	buf_free(&key);
	return rc;
}

static enum rc
read_old(struct store *st, enum store_kind kind, uint32_t number,
    uint64_t version, struct store_record *r)
{
	struct buf key = KEY_INIT;
	enum rc rc;

	key_config_version(&key, kind, number, version);
	rc = bdb_get(st, NULL, BDB_CONFIG, &key, &r->raw, false);
	if (rc == RC_OK)
		rc = decode(r, kind, number);
	buf_free(&key);
	return rc;
}

/*
 * The present row is read first: a version that is replaced between the two
 * reads is then found as an old one.
 */
static enum rc
read_record(struct store *st, enum store_kind kind, uint32_t number,
    uint64_t version, struct store_record *r)
{
	enum rc rc;

	rc = read_present(st, NULL, kind, number, false, r);
	if (version == 0 || (rc == RC_OK && r->version == version))
		return rc;
	if (rc != RC_OK && rc != RC_NOTFOUND)
		return rc;
	return read_old(st, kind, number, version, r);
}

enum rc
store_record_get(struct store *st, enum store_kind kind, uint32_t number,
    uint64_t version, struct store_record *r)
{
	enum rc rc;

	rc = bdb_enter(st);
	if (rc != RC_OK)
		return rc;
	rc = read_record(st, kind, number, version, r);
	bdb_leave(st);
	return rc;
}

/* What put and delete do in their transaction. */
struct change {
	enum store_kind	 kind;
	uint32_t	 number;	/* given, or 0: made */
	uint64_t	 expected;	/* version */
	int64_t		 now_ms;
	struct slice	 body;		/* put only */
	bool		 remove;

	uint32_t	 made_number;
	uint64_t	 made_version;
};

enum rc
bdb_announce(struct store *st, DB_TXN *txn, enum store_kind kind,
    uint32_t number, uint64_t generation)
{
	struct buf key = KEY_INIT, val = VALUE_INIT;
	enum rc rc;

	rc = bdb_count_set(st, txn, KEY_GENERATION, generation);
	if (rc != RC_OK)
		goto done;
	key_change(&key, generation);
	value_change(&val, kind, number);
	rc = bdb_put(st, txn, BDB_CONFIG, &key, &val);
	if (rc != RC_OK || generation <= CHANGES_KEPT)
		goto done;
	key_change(&key, generation - CHANGES_KEPT);
	rc = bdb_del(st, txn, BDB_CONFIG, &key);
	if (rc == RC_NOTFOUND)
		rc = RC_OK;
done:
	buf_free(&val);
	buf_free(&key);
	return rc;
}

static enum rc
keep_old(struct store *st, DB_TXN *txn, const struct store_record *old)
{
	struct buf key = KEY_INIT;
	enum rc rc;

	key_config_version(&key, old->kind, old->number, old->version);
	rc = bdb_put(st, txn, BDB_CONFIG, &key, &old->raw);
	buf_free(&key);
	return rc;
}

/* The present row replaced, or with remove taken away. */
static enum rc
write_present(struct store *st, DB_TXN *txn, struct change *c,
    uint32_t number, const struct store_record *old)
{
	struct buf key = KEY_INIT, val = VALUE_RECORD_INIT;
	enum rc rc;

	key_config(&key, c->kind, number);
	if (c->remove) {
		rc = bdb_del(st, txn, BDB_CONFIG, &key);
	} else {
		encode(&val, old->version + 1,
		    old->version == 0 ? c->now_ms : old->created_ms,
		    c->now_ms, c->body);
		rc = bdb_put(st, txn, BDB_CONFIG, &key, &val);
	}
	buf_free(&val);
	buf_free(&key);
	return rc;
}

static enum rc
change(struct store *st, DB_TXN *txn, void *arg)
{
	struct change *c = arg;
	struct store_record old = STORE_RECORD_INIT;
	bool announced = c->kind != STORE_USER;
	uint32_t number = c->number;
	uint64_t generation = 0;
	enum rc rc = RC_OK;

	if (announced)
		rc = bdb_count_get(st, txn, KEY_GENERATION, true, &generation);
	if (rc != RC_OK)
		goto done;
	if (number == 0) {
		rc = bdb_count_number(st, txn, c->kind, &number);
	} else {
		rc = read_present(st, txn, c->kind, number, true, &old);
		if (rc == RC_OK && old.version != c->expected)
			rc = RC_STALE;
		if (rc == RC_OK && c->kind == STORE_SUBSCRIPTION)
			rc = keep_old(st, txn, &old);
	}
	if (rc != RC_OK)
		goto done;
	rc = write_present(st, txn, c, number, &old);
	if (rc == RC_OK && announced)
		rc = bdb_announce(st, txn, c->kind, number, generation + 1);
	c->made_number = number;
	c->made_version = old.version + 1;
done:
	store_record_clear(&old);
	return rc;
}

static enum rc
run_change(struct store *st, struct change *c)
{
	enum rc rc;

	rc = bdb_enter(st);
	if (rc != RC_OK)
		return rc;
	rc = bdb_txn(st, change, c, BDB_PRIORITY_CONFIG, true);
	bdb_leave(st);
	return rc;
}

enum rc
store_record_put(struct store *st, enum store_kind kind, uint32_t *number,
    uint64_t *version, struct slice body)
{
	struct change c = { .kind = kind, .number = *number,
	    .expected = *version, .now_ms = clock_now_ms(), .body = body };
	enum rc rc;

	if (body.len > STORE_RECORD_MAX)
		return RC_TOOBIG;
	rc = run_change(st, &c);
	if (rc == RC_OK) {
		*number = c.made_number;
		*version = c.made_version;
	}
	return rc;
}

enum rc
store_record_delete(struct store *st, enum store_kind kind, uint32_t number,
    uint64_t version)
{
	struct change c = { .kind = kind, .number = number,
	    .expected = version, .remove = true };

	if (number == 0)
		return RC_NOTFOUND;
	return run_change(st, &c);
}

static enum rc
list(struct store *st, enum store_kind kind, uint32_t after,
    struct store_record *r, size_t max, size_t *n)
{
	struct bdb_cur c = { 0 };
	struct buf key = KEY_INIT;
	enum store_kind k;
	uint32_t number;
	size_t got = 0;
	enum rc rc;

	rc = bdb_cur_open(st, NULL, BDB_CONFIG, false, &c);
	if (rc != RC_OK)
		goto done;
	key_config(&key, kind, after + 1);
	for (rc = bdb_cur_at(&c, &key); rc == RC_OK && got < max;
	    rc = bdb_cur_next(&c)) {
		if (key_config_parse(c.key, &k, &number) != RC_OK ||
		    k != kind)
			break;
		buf_clear(&r[got].raw);
		buf_slice(&r[got].raw, c.val);
		rc = decode(&r[got], kind, number);
		if (rc != RC_OK)
			goto done;
		got++;
	}
	if (rc == RC_NOTFOUND)
		rc = RC_OK;
	if (rc == RC_OK)
		*n = got;
done:
	bdb_cur_close(&c);
	buf_free(&key);
	return rc;
}

enum rc
store_record_list(struct store *st, enum store_kind kind, uint32_t after,
    struct store_record *r, size_t max, size_t *n)
{
	enum rc rc;

	*n = 0;
	if (after == UINT32_MAX || max == 0)
		return RC_OK;
	rc = bdb_enter(st);
	if (rc != RC_OK)
		return rc;
	rc = list(st, kind, after, r, max, n);
	bdb_leave(st);
	return rc;
}

enum rc
store_generation(struct store *st, uint64_t *generation)
{
	enum rc rc;

	rc = bdb_enter(st);
	if (rc != RC_OK)
		return rc;
	rc = bdb_count_get(st, NULL, KEY_GENERATION, false, generation);
	bdb_leave(st);
	return rc;
}

/*
 * Generations follow each other without a gap, so the first row found that is
 * not the next one says that some were trimmed.
 */
static enum rc
changes(struct store *st, uint64_t since, struct store_change *ch, size_t max,
    size_t *n)
{
	struct bdb_cur c = { 0 };
	struct buf key = KEY_INIT;
	uint64_t now, g;
	size_t got = 0;
	enum rc rc;

	rc = bdb_count_get(st, NULL, KEY_GENERATION, false, &now);
	if (rc != RC_OK || since == now)
		goto done;
	if (since > now) {	/* an older store was put in its place */
		rc = RC_NOTFOUND;
		goto done;
	}
	rc = bdb_cur_open(st, NULL, BDB_CONFIG, false, &c);
	if (rc != RC_OK)
		goto done;
	key_change(&key, since + 1);
	for (rc = bdb_cur_at(&c, &key); rc == RC_OK && got < max;
	    rc = bdb_cur_next(&c)) {
		if (key_change_parse(c.key, &g) != RC_OK)
			break;
		rc = g != since + 1 + got ? RC_NOTFOUND :
		    value_change_parse(c.val, &ch[got].kind, &ch[got].number);
		if (rc != RC_OK)
			goto done;
		ch[got++].generation = g;
	}
	if (rc == RC_NOTFOUND || rc == RC_OK)
		rc = got == 0 && max > 0 ? RC_NOTFOUND : RC_OK;
done:
	if (rc == RC_OK)
		*n = got;
	bdb_cur_close(&c);
	buf_free(&key);
	return rc;
}

enum rc
store_changes(struct store *st, uint64_t since, struct store_change *c,
    size_t max, size_t *n)
{
	enum rc rc;

	*n = 0;
	rc = bdb_enter(st);
	if (rc != RC_OK)
		return rc;
	rc = changes(st, since, c, max, n);
	bdb_leave(st);
	return rc;
}
