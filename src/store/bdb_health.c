#include "base/log.h"
#include "store/bdb_settle.h"

#define HEALTH_BYTES	64	/* of a row, with room for later releases */

static void
add_probe(struct store_health *h, const struct store_settle *s)
{
	const struct store_key *k = &s->due.key, *p = &h->probe.key;
	bool same = k->position == p->position && k->ordinal == p->ordinal;

	if (s->outcome != STORE_RETRIED) {
		if (same)
			h->probe = (struct store_due){ 0 };
		return;
	}
	if (h->probe.due_ms != 0 && !same && k->position > p->position)
		return;
	h->probe = (struct store_due){ .key = *k, .due_ms = s->next_ms };
}

static void
add(struct store_health *h, const struct store_settle *s)
{
	if (s->health > 0) {
		h->failures = 0;
		h->last_success_ms = s->now_ms;
		h->probe = (struct store_due){ 0 };
		return;
	}
	add_probe(h, s);
	if (h->failures == 0)
		h->first_failure_ms = s->now_ms;
	if (h->failures < UINT32_MAX)
		h->failures++;
	h->last_failure_ms = s->now_ms;
}

static bool
counts(const struct job *j)
{
	return (j->live || j->late) && j->s->health != 0;
}

/* The lane's row with what the jobs from i to end add to it. */
static int
add_lane(DBC *dbc, struct chunk *c, size_t i, size_t end)
{
	uint32_t lane = c->job[i]->s->due.key.subscription;
	struct store_health h = { 0 };
	char was[HEALTH_BYTES];
	DBT k = { 0 };
	DBT v = { .data = was, .ulen = sizeof was, .flags = DB_DBT_USERMEM };
	bool there;
	int error;

	key_health(&c->key, lane);
	k.data = c->key.s;
	k.size = (uint32_t)c->key.len;
	error = dbc->get(dbc, &k, &v, DB_SET | DB_RMW);
	if (error != 0 && error != DB_NOTFOUND)
		return error;
	there = error == 0;
	if (there && value_health_parse((struct slice){ was, v.size }, &h) !=
	    RC_OK)
		log_error("store: how lane %u fares can't be read and begins "
		    "anew", (unsigned)lane);
	for (; i < end; i++)
		if (counts(c->job[i]))
			add(&h, c->job[i]->s);
	value_health(&c->val, &h);
	v = (DBT){ .data = c->val.s, .size = (uint32_t)c->val.len };
	return dbc->put(dbc, &k, &v, there ? DB_CURRENT : DB_KEYFIRST);
}

/*
 * A row is read and written once for all that a transaction has of its lane,
 * under one cursor: the rows of many lanes lie side by side.
 */
enum rc
settle_health(struct store *st, DB_TXN *txn, struct chunk *c)
{
	DB *db = st->db[BDB_STAT];
	DBC *dbc = NULL;
	size_t end;
	int error = 0, closed;

	for (size_t i = 0; i < c->n && error == 0; i = end) {
		end = i + 1;
		if (!counts(c->job[i]))
			continue;
		while (end < c->n && c->job[end]->s->due.key.subscription ==
		    c->job[i]->s->due.key.subscription)
			end++;
		if (dbc == NULL)
			error = db->cursor(db, txn, &dbc, 0);
		if (error == 0)
			error = add_lane(dbc, c, i, end);
	}
	if (dbc != NULL) {
		closed = dbc->close(dbc);
		if (error == 0)
			error = closed;
	}
	return error == 0 ? RC_OK : bdb_rc(st, error, "settling");
}

struct health_arg {
	uint32_t		 lane;
	uint8_t			 told;
	int64_t			 told_ms;
	struct store_health	 h;
};

static enum rc
read_row(struct store *st, DB_TXN *txn, struct health_arg *a)
{
	struct buf key = KEY_INIT, val = VALUE_INIT;
	enum rc rc;

	a->h = (struct store_health){ 0 };
	key_health(&key, a->lane);
	rc = bdb_get(st, txn, BDB_STAT, &key, &val, txn != NULL);
	if (rc == RC_NOTFOUND)
		rc = RC_OK;
	else if (rc == RC_OK &&
	    value_health_parse(buf_as_slice(&val), &a->h) != RC_OK)
		log_error("store: how lane %u fares can't be read",
		    (unsigned)a->lane);
	buf_free(&val);
	buf_free(&key);
	return rc;
}

static enum rc
get(struct store *st, void *arg)
{
	return read_row(st, NULL, arg);
}

static enum rc
tell(struct store *st, DB_TXN *txn, void *arg)
{
	struct health_arg *a = arg;
	struct buf key = KEY_INIT, val = VALUE_INIT;
	enum rc rc;

	rc = read_row(st, txn, a);
	if (rc != RC_OK ||
	    (a->h.told == a->told && a->h.told_ms == a->told_ms))
		return rc;
	a->h.told = a->told;
	a->h.told_ms = a->told_ms;
	key_health(&key, a->lane);
	value_health(&val, &a->h);
	rc = bdb_put(st, txn, BDB_STAT, &key, &val);
	buf_free(&val);
	buf_free(&key);
	return rc;
}

enum rc
store_health_get(struct store *st, uint32_t lane, struct store_health *h)
{
	struct health_arg a = { .lane = lane };
	enum rc rc = bdb_read(st, get, &a);

	if (rc == RC_OK)
		*h = a.h;
	return rc;
}

enum rc
store_health_told(struct store *st, uint32_t lane, uint8_t told,
    int64_t now_ms)
{
	struct health_arg a = { .lane = lane, .told = told,
	    .told_ms = now_ms };
	enum rc rc = bdb_enter(st);

	if (rc != RC_OK)
		return rc;
	rc = bdb_txn(st, tell, &a, BDB_PRIORITY_CONFIG, true);
	bdb_leave(st);
	return rc;
}
